// Functions that a rollback takes out of the program go on working for those who hold them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "commit/write.hpp"

namespace rebottle {

// The names that a rollback removes from a namespace, with what they stood for.
using RemovedNames = std::map<PyObject*, std::map<PyObject*, Ref>>;

// Writes after which the removed functions, the methods of removed classes and closures made by them find these names:
// as builtins of their own, behind those of their namespace. `removed`: functions and classes; `skipped`: functions
// that are written already.
Journal keep_orphans_working(const std::vector<Ref>& removed, const RemovedNames& names,
                             const std::set<PyFunctionObject*>& skipped);

}  // namespace rebottle
