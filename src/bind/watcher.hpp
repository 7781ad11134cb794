// The Python type `rebottle._native.Watcher`.
#pragma once

#include "base/python.hpp"

namespace rebottle {

// Adds the type to the module. Errors: -1 with a Python exception set.
int add_watcher(PyObject* module);

}  // namespace rebottle
