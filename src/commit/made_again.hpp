// Functions that one statement makes several times.
#pragma once

#include <map>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// Which of those `made` anew each of as many live ones becomes: the one with the same defaults, else the next.
std::map<PyFunctionObject*, PyFunctionObject*> pair_by_defaults(std::vector<PyFunctionObject*> live,
                                                                const std::vector<PyFunctionObject*>& made);

}  // namespace rebottle
