// How instances of a class are laid out in memory, and what of it a change of the class may touch.
#pragma once

#include <string>

#include "base/python.hpp"

namespace rebottle {

// Whether instances of both classes have the same storage.
bool same_layout(PyTypeObject* a, PyTypeObject* b);
// Whether both classes have the same slots of their own.
bool same_slots(PyTypeObject* a, PyTypeObject* b);

// The built-in class (or `object`) whose storage instances begin with.
PyTypeObject* built_in_base(PyTypeObject* type);

// Whether instances of both begin with the same storage: with that of one built-in class, or of exceptions that add
// nothing to each other.
bool same_built_in(PyTypeObject* a, PyTypeObject* b);

// The base whose storage a class with these bases takes over; NULL where they don't agree.
PyTypeObject* best_base(PyObject* bases);

}  // namespace rebottle
