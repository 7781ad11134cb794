// Namespaces that functions have given up, kept for the frames that still read them.
#pragma once

#include <vector>

#include "base/python.hpp"

namespace rebottle {

// A frame doesn't own its globals, its function does: when the function takes others, a frame in flight (a suspended
// generator, a traceback) goes on with the former, which must not end before it. Cost: now and then a walk over the
// heap.
void retire_globals(std::vector<Ref> namespaces);

}  // namespace rebottle
