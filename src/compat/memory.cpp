#define Py_BUILD_CORE 1
#include "compat/memory.hpp"

#include <array>
#include <cstdlib>
#include <new>

#include "base/python.hpp"
#undef HAVE_STD_ATOMIC  // <stdatomic.h> has no usable names in C++20

extern "C" {
#include <internal/pycore_pymem.h>
}

namespace rebottle::compat {
namespace {

constexpr std::array domains = {PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};

struct Domain {
    PyMemAllocatorEx own{};     // the interpreter's, or nothing where something stood in between from the start
    PyMemAllocatorEx former{};  // what ours stands in front of
    bool installed = false;
};

std::array<Domain, domains.size()> state;
PyMemAllocatorEx own_raw{};  // large blocks come from there
int depth = 0;
int critical = 0;
MemoryReserve* innermost = nullptr;

// Makes an allocation by the interpreter's own allocators alone.
template <class Allocate>
void* past_others(Allocate allocate, const PyMemAllocatorEx& own) {
    PyMemAllocatorEx raw;
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &own_raw);
    void* memory = allocate(own);
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw);
    return memory;
}

// Ours have the context of those that they stand in front of: another interpreter's thread that reads an allocator
// while it is exchanged gets a sound one, whichever mixture it sees.
template <std::size_t N, class Allocate>
void* surely(std::size_t size, Allocate allocate) {
    void* memory = allocate(state[N].former);
    if (memory != nullptr) return memory;
    memory = allocate(state[N].former);
    if (memory == nullptr && state[N].own.malloc != nullptr) memory = past_others(allocate, state[N].own);
    while (memory == nullptr && critical > 0 && MemoryReserve::spend(size)) memory = allocate(state[N].former);
    return memory;
}

template <std::size_t N>
void* sure_malloc(void*, std::size_t size) {
    return surely<N>(size, [=](const PyMemAllocatorEx& by) { return by.malloc(by.ctx, size); });
}

template <std::size_t N>
void* sure_calloc(void*, std::size_t count, std::size_t size) {
    return surely<N>(count * size, [=](const PyMemAllocatorEx& by) { return by.calloc(by.ctx, count, size); });
}

template <std::size_t N>
void* sure_realloc(void*, void* memory, std::size_t size) {
    return surely<N>(size, [=](const PyMemAllocatorEx& by) { return by.realloc(by.ctx, memory, size); });
}

template <std::size_t N>
void sure_free(void*, void* memory) {
    state[N].former.free(state[N].former.ctx, memory);
}

template <std::size_t N>
void install() noexcept {
    if (state[N].installed) return;
    PyMem_GetAllocator(domains[N], &state[N].former);
    PyMemAllocatorEx ours{state[N].former.ctx, &sure_malloc<N>, &sure_calloc<N>, &sure_realloc<N>, &sure_free<N>};
    PyMem_SetAllocator(domains[N], &ours);
    state[N].installed = true;
}

// Where somebody put another allocator in front of ours meanwhile, ours stays until that one is gone.
template <std::size_t N>
void remove() noexcept {
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domains[N], &now);
    if (now.malloc != &sure_malloc<N>) return;
    PyMem_SetAllocator(domains[N], &state[N].former);
    state[N].installed = false;
}

}  // namespace

void note_allocators() {
    if (_PyMem_GetCurrentAllocatorName() == nullptr) return;
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &own_raw);
    for (std::size_t i = 0; i < domains.size(); ++i) PyMem_GetAllocator(domains[i], &state[i].own);
}

MemoryReserve::MemoryReserve(std::size_t bytes) : block_(std::malloc(bytes)), bytes_(bytes), outer_(innermost) {
    if (block_ == nullptr) throw std::bad_alloc();
    innermost = this;
}

MemoryReserve::~MemoryReserve() {
    std::free(block_);
    MemoryReserve** link = &innermost;
    while (*link != this) link = &(*link)->outer_;
    *link = outer_;
}

bool MemoryReserve::spend(std::size_t bytes) noexcept {
    MemoryReserve* reserve = innermost;
    while (reserve != nullptr && (reserve->block_ == nullptr || reserve->bytes_ < bytes)) reserve = reserve->outer_;
    if (reserve == nullptr) return false;
    std::free(std::exchange(reserve->block_, nullptr));
    return true;
}

SureMemory::SureMemory(Work work) noexcept : work_(work) {
    if (work_ == Work::critical) ++critical;
    if (depth++ > 0) return;
    install<0>();
    install<1>();
}

SureMemory::~SureMemory() {
    if (work_ == Work::critical) --critical;
    if (--depth > 0) return;
    remove<0>();
    remove<1>();
}

}  // namespace rebottle::compat
