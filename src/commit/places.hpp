// Where objects hold what they refer to.
#pragma once

#include <functional>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// Whether what it holds can be exchanged while nobody else has it: containers, cells, what wraps functions, instances.
bool is_open_holder(PyObject* object);

// Gives what an open holder refers to: body(object) says what takes its place, or nothing. Sets, and the keys of dicts,
// stay as they are. `former` takes what was there. Whether anything was exchanged. Errors: MemoryError.
bool exchange_in(PyObject* holder, const std::function<Ref(PyObject*)>& body, std::vector<Ref>& former);

}  // namespace rebottle
