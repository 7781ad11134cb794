// Arguments of the Python functions, turned into requests.
#pragma once

#include "base/python.hpp"
#include "rebottle/request.hpp"

namespace rebottle {

// The text of a str that is to be compiled, in UTF-8; what has none there isn't valid.
std::string source_text(PyObject* text);
// The names in `modules` (None, a name, a module object or a sequence of them). Errors: TypeError, ValueError.
void read_modules(PyObject* modules, Request& request);
// The arguments of reload() and plan(). Errors: TypeError, ValueError.
Request read_request(PyObject* arguments, PyObject* keywords, const char* function);

}  // namespace rebottle
