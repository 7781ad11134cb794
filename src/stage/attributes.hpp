// What objects keep in attributes of their own, read and written without running code of the program.
#pragma once

#include "base/python.hpp"

namespace rebottle {

// The value of an attribute that the object itself holds, not what its class or a descriptor computes; nothing where
// there is none.
Ref own_attribute(PyObject* owner, PyObject* name);
// All of them in a new dict: the namespace in its order, then slots. Empty where it can't have any.
Ref own_attributes(PyObject* owner);
// The dict in which an instance keeps its attributes; nothing for functions, classes and modules, and where there is
// none.
Ref dict_of_instance(PyObject* owner);
// Sets or (NULL) deletes; where there is nothing to delete, nothing happens.
void set_own_attribute(PyObject* owner, PyObject* name, PyObject* value);

}  // namespace rebottle
