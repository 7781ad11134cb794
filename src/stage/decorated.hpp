// Definitions that a decorator was applied to before the part of it outside its wrapper changed.
#pragma once

#include "plan/plan.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// The Python function that a decorator, plain or called, is; NULL where it isn't one, or is found by running code only.
PyFunctionObject* decorator_function(PyObject* decorator, PyObject* names);

// Lists them as kept: the new decorator counts for definitions made later. Cost: a search through the text of tracked
// modules; those that use the decorator are parsed.
void list_decorated(const Plan& plan, Outcome& outcome);

}  // namespace rebottle
