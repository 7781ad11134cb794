// What a call does to containers and attributes, told by what is called.
#pragma once

#include <vector>

#include "base/python.hpp"

namespace rebottle {

// Functions and methods written in C: what they do has no events of its own.
bool is_compiled_callable(PyObject* callable);
// Builtins and methods that change nothing; their arguments need no copy.
bool changes_nothing(PyObject* callable);
// The object whose method this is; nothing for a function.
Ref bound_to(PyObject* callable);
// Containers that a call changes through something else: a partial of a method, a method that a map calls.
std::vector<Ref> lent_to(PyObject* callable, PyObject* first);
// The list or deque that a call only appends to; NULL where it is another call. `first`: its first argument.
PyObject* appended_to(PyObject* callable, PyObject* first);
// Whether a call adds to the classes that an abstract class was told of.
bool registers(PyObject* callable);
bool sets_attributes(PyObject* callable);
// Whether reading a missing item of the container puts one in.
bool fills_itself(PyObject* container);

}  // namespace rebottle
