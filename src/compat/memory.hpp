// Memory for what must not run out of it: the compiler, which doesn't check all of its allocations; writes; undo.
#pragma once

#include <cstddef>

namespace rebottle::compat {

// Remembers how this interpreter allocates, before anybody puts something in between. Threads: GIL held.
void note_allocators();

// Puts memory aside for critical work while it lives. Threads: GIL held at both ends of its life. Errors:
// std::bad_alloc.
class MemoryReserve {
   public:
    static constexpr std::size_t usual = std::size_t{1} << 20;

    explicit MemoryReserve(std::size_t bytes = usual);
    ~MemoryReserve();
    MemoryReserve(const MemoryReserve&) = delete;
    MemoryReserve& operator=(const MemoryReserve&) = delete;
    // Gives a block back from which that much can be taken; false where there is none.
    static bool spend(std::size_t bytes) noexcept;

   private:
    void* block_;
    std::size_t bytes_;
    MemoryReserve* outer_;
};

// While it lives, an allocation by Python that fails is tried again, and at last made past whatever stands between the
// interpreter and its own allocator: the interpreter itself gives up objects twice, or crashes, where some of its
// allocations fail. Critical work (writes, undo, the compiler) gets what was put aside as well. Threads: GIL held at
// both ends of its life. Cost: less than a microsecond.
enum class Work { usual, critical };
class SureMemory {
   public:
    explicit SureMemory(Work work = Work::critical) noexcept;
    ~SureMemory();
    SureMemory(const SureMemory&) = delete;
    SureMemory& operator=(const SureMemory&) = delete;

   private:
    Work work_;
};

}  // namespace rebottle::compat
