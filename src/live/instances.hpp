// What an instance holds itself, read and written without running its class's code.
#pragma once

#include <functional>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// The value in the dict of the instance, or in its slot of that name; nothing where there is none.
Ref held_attribute(PyObject* object, PyObject* name);
// Sets or (NULL) takes it away. Errors: PythonError where there is no place for it, or no memory.
void set_held_attribute(PyObject* object, PyObject* name, PyObject* value);
// Whether the instance can hold an attribute of this name itself, and the class says nothing else about it.
bool can_hold(PyObject* object, PyObject* name);
bool has_dict(PyObject* object);
// All attributes that it holds itself: a new dict.
Ref held_attributes(PyObject* object);

// The living instances of these classes and of their subclasses, borrowed. Cost: one walk over the heap.
std::vector<PyObject*> instances_of(const std::vector<PyTypeObject*>& types);

// Built-in containers are copied, at any depth; anything else is the same object.
Ref own_copy(PyObject* value);

}  // namespace rebottle
