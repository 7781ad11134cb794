// Namespaces that only frames in flight still read.
#pragma once

#include <set>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// A frame doesn't own its globals and builtins, its function does: when the function takes others, or a frame (a
// suspended generator, a traceback) is given some of its own, they must not end before it.
void retire_namespaces(std::vector<Ref> namespaces);
// Those that frames read now. Cost: a walk over the heap.
std::set<PyObject*> namespaces_of_frames();
// Lets go of those that no frame reads any more, where they are many. What they held may run destructors. Cost: now and
// then a walk over the heap.
void release_retired();

}  // namespace rebottle
