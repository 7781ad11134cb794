// Callers in flight: a frame that runs an old version reaches the callee that it was written for.
#pragma once

#include <set>
#include <vector>

#include "code/code.hpp"

namespace rebottle {

// A function whose signature an update changes, and a function that has its content from before.
struct ChangedCallee {
    Ref function;
    Ref former;
};

// Code objects that run in some frame or suspended generator now, of those given or replaced earlier.
std::set<PyObject*> running_code(const CodeMap& replaced);

// From now on calls from frames of `old_code` go to what the callee was before. Frames of older versions keep what they
// were given. Lasts until `forget_ended_callers` finds that no such frame is left. Cost: the callee's calls aren't
// specialised meanwhile. Threads: GIL held; runs no Python code.
void redirect_callers(const std::vector<ChangedCallee>& callees, const std::set<PyObject*>& old_code);

// Takes off what is needed no more: code that runs nowhere, or that is the present version again.
void forget_ended_callers();

}  // namespace rebottle
