// Memory for what must not run out of it: the compiler, which doesn't check all of its allocations; writes; undo.
#pragma once

#include <cstddef>

namespace rebottle::compat {

// Remembers how this interpreter allocates, before anybody puts something in between. Threads: GIL held.
void note_allocators();

// Puts memory aside while it lives. Threads: GIL held at both ends of its life. Errors: std::bad_alloc.
class MemoryReserve {
   public:
    static constexpr std::size_t usual = std::size_t{1} << 20;

    explicit MemoryReserve(std::size_t bytes = usual);
    ~MemoryReserve();
    MemoryReserve(const MemoryReserve&) = delete;
    MemoryReserve& operator=(const MemoryReserve&) = delete;
    // Gives what was put aside last back to all; false where nothing is left.
    static bool spend() noexcept;

   private:
    void* block_;
    MemoryReserve* outer_;
};

// While it lives, an allocation by Python that fails is tried again with what reserves give back, and at last made past
// whatever stands between the interpreter and its own allocator. Threads: GIL held at both ends of its life. Cost: less
// than a microsecond.
class SureMemory {
   public:
    SureMemory() noexcept;
    ~SureMemory();
    SureMemory(const SureMemory&) = delete;
    SureMemory& operator=(const SureMemory&) = delete;
};

}  // namespace rebottle::compat
