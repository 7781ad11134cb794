#include "stage/attributes.hpp"

#include <algorithm>
#include <array>

namespace rebottle {
namespace {

PyObject* lookup_in_type(PyTypeObject* type, PyObject* name) {
    PyObject* order = type->tp_mro;
    for (Py_ssize_t i = 0; order != nullptr && i < PyTuple_GET_SIZE(order); ++i) {
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(order, i))));
        if (PyObject* value = dict_get(dict.get(), name)) return value;
    }
    return nullptr;
}

bool is_field(PyObject* descriptor) {
    return Py_IS_TYPE(descriptor, &PyMemberDescr_Type) || Py_IS_TYPE(descriptor, &PyGetSetDescr_Type);
}

Ref read_field(PyObject* descriptor, PyObject* owner) {
    PyObject* value = Py_TYPE(descriptor)->tp_descr_get(descriptor, owner, reinterpret_cast<PyObject*>(Py_TYPE(owner)));
    if (value == nullptr) dismiss();
    return Ref::steal_or_null(value);
}

Ref instance_dict(PyObject* owner) {
    Ref dict = Ref::steal_or_null(PyObject_GenericGetDict(owner, nullptr));
    if (!dict) dismiss();
    return dict;
}

// The slots that a class statement declared, of this class alone.
void add_slots(PyTypeObject* type, PyObject* owner, PyObject* attributes) {
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return;
    const Ref members = Ref::steal(PyType_GetDict(type));
    for_items(members.get(), [&](PyObject* name, PyObject* descriptor) {
        if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) return;
        if (const Ref value = read_field(descriptor, owner)) dict_set(attributes, name, value.get());
    });
}

// What a class keeps beside its namespace.
constexpr std::array<const char*, 3> class_fields = {"__name__", "__qualname__", "__bases__"};

bool is_class_field(PyObject* name) {
    return std::any_of(class_fields.begin(), class_fields.end(),
                       [&](const char* each) { return PyUnicode_CompareWithASCIIString(name, each) == 0; });
}

Ref read_class_field(PyObject* type, PyObject* name) { return read_field(lookup_in_type(&PyType_Type, name), type); }

}  // namespace

Ref own_attribute(PyObject* owner, PyObject* name) {
    if (PyType_Check(owner) && is_class_field(name)) return read_class_field(owner, name);
    if (PyType_Check(owner)) {
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(owner)));
        return Ref::borrow(dict_get(dict.get(), name));
    }
    if (PyModule_Check(owner)) return Ref::borrow(dict_get(PyModule_GetDict(owner), name));
    PyObject* descriptor = lookup_in_type(Py_TYPE(owner), name);
    if (descriptor != nullptr && is_field(descriptor)) return read_field(descriptor, owner);
    const Ref dict = instance_dict(owner);
    return dict ? Ref::borrow(dict_get(dict.get(), name)) : Ref();
}

Ref own_attributes(PyObject* owner) {
    if (PyType_Check(owner)) {
        Ref all = Ref::steal(PyDict_Copy(Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(owner))).get()));
        for (const char* name : class_fields)
            dict_set(all.get(), name, read_class_field(owner, interned(name).get()).get());
        return all;
    }
    if (PyModule_Check(owner)) return Ref::steal(PyDict_Copy(PyModule_GetDict(owner)));
    const Ref dict = instance_dict(owner);
    Ref all = dict ? Ref::steal(PyDict_Copy(dict.get())) : new_dict();
    PyObject* order = Py_TYPE(owner)->tp_mro;
    for (Py_ssize_t i = PyTuple_GET_SIZE(order); i-- > 0;)
        add_slots(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(order, i)), owner, all.get());
    return all;
}

Ref dict_of_instance(PyObject* owner) {
    const bool other = PyType_Check(owner) || PyModule_Check(owner) || PyFunction_Check(owner);
    return other ? Ref() : instance_dict(owner);
}

// A user's own hook must not run while something is being taken back: plain setters of the interpreter are used.
void set_own_attribute(PyObject* owner, PyObject* name, PyObject* value) {
    int result = 0;
    if (PyType_Check(owner)) {
        result = PyType_Type.tp_setattro(owner, name, value);
    } else if (PyModule_Check(owner)) {
        PyObject* dict = PyModule_GetDict(owner);
        result = value != nullptr ? PyDict_SetItem(dict, name, value) : PyDict_DelItem(dict, name);
    } else {
        PyObject* descriptor = lookup_in_type(Py_TYPE(owner), name);
        const bool hook =
            descriptor != nullptr && Py_TYPE(descriptor)->tp_descr_set != nullptr && !is_field(descriptor);
        if (!hook) result = PyObject_GenericSetAttr(owner, name, value);
    }
    if (result < 0) PyErr_Clear();  // it is gone already
}

}  // namespace rebottle
