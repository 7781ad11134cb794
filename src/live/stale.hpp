// What still runs old code: frames of all threads, suspended generators and coroutines, functions that could not follow.
#pragma once

#include <map>
#include <vector>

#include "base/python.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

// Remembers code objects that an update replaced; they are forgotten when they die, or by `forget_replaced`.
void remember_replaced(const std::map<PyObject*, Ref>& replaced);
void forget_replaced(const std::map<PyObject*, Ref>& replaced);

// What runs replaced code now. Cost: the frames; a heap walk where generator code was replaced.
std::vector<Stale> stale_now();

}  // namespace rebottle
