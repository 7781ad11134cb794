#include "live/instances.hpp"

#include <algorithm>

namespace rebottle {
namespace {

// The descriptor of a slot of this name, borrowed.
PyObject* slot_of(PyObject* object, PyObject* name) {
    PyObject* descriptor = _PyType_Lookup(Py_TYPE(object), name);
    return descriptor != nullptr && Py_IS_TYPE(descriptor, &PyMemberDescr_Type) ? descriptor : nullptr;
}

Ref dict_of(PyObject* object) {
    Ref dict = Ref::steal_or_null(PyObject_GenericGetDict(object, nullptr));
    if (!dict) dismiss();
    return dict;
}

Ref copy_of_items(PyObject* sequence) {
    Ref items = Ref::steal(PyList_New(0));
    for_sequence(sequence, [&](PyObject* item) { check(PyList_Append(items.get(), own_copy(item).get())); });
    return items;
}

}  // namespace

Ref held_attribute(PyObject* object, PyObject* name) {
    if (PyObject* slot = slot_of(object, name)) {
        Ref value = Ref::steal_or_null(Py_TYPE(slot)->tp_descr_get(slot, object, nullptr));
        if (!value) dismiss();
        return value;
    }
    const Ref dict = dict_of(object);
    return dict ? Ref::borrow(dict_get(dict.get(), name)) : Ref();
}

void set_held_attribute(PyObject* object, PyObject* name, PyObject* value) {
    if (PyObject* slot = slot_of(object, name)) {
        check(Py_TYPE(slot)->tp_descr_set(slot, object, value));
        return;
    }
    if (value == nullptr && !has_dict(object)) return;
    const Ref dict = Ref::steal(PyObject_GenericGetDict(object, nullptr));
    if (value != nullptr) {
        dict_set(dict.get(), name, value);
    } else if (dict_get(dict.get(), name) != nullptr) {
        check(PyDict_DelItem(dict.get(), name));
    }
}

bool can_hold(PyObject* object, PyObject* name) {
    if (slot_of(object, name) != nullptr) return true;
    PyObject* of_class = _PyType_Lookup(Py_TYPE(object), name);
    if (of_class != nullptr && Py_TYPE(of_class)->tp_descr_set != nullptr) return false;
    return static_cast<bool>(dict_of(object));
}

bool has_dict(PyObject* object) { return static_cast<bool>(dict_of(object)); }

Ref held_attributes(PyObject* object) {
    const Ref dict = dict_of(object);
    Ref all = dict ? Ref::steal(PyDict_Copy(dict.get())) : new_dict();
    for_sequence(Py_TYPE(object)->tp_mro, [&](PyObject* type) {
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
        if ((reinterpret_cast<PyTypeObject*>(type)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return;
        for_items(members.get(), [&](PyObject* name, PyObject* member) {
            if (!Py_IS_TYPE(member, &PyMemberDescr_Type) || dict_get(all.get(), name) != nullptr) return;
            if (const Ref value = held_attribute(object, name)) dict_set(all.get(), name, value.get());
        });
    });
    return all;
}

std::vector<PyObject*> instances_of(const std::vector<PyTypeObject*>& types) {
    std::vector<PyObject*> found;
    if (types.empty()) return found;
    for_all_objects([&](PyObject* object) {
        if ((Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return;
        if (std::any_of(types.begin(), types.end(),
                        [&](PyTypeObject* type) { return PyType_IsSubtype(Py_TYPE(object), type) != 0; }))
            found.push_back(object);
    });
    return found;
}

Ref own_copy(PyObject* value) {
    if (PyList_CheckExact(value)) return copy_of_items(value);
    if (PyTuple_CheckExact(value)) {
        const Ref items = copy_of_items(value);
        const bool same = std::equal(&PyTuple_GET_ITEM(value, 0), &PyTuple_GET_ITEM(value, 0) + PyTuple_GET_SIZE(value),
                                     reinterpret_cast<PyListObject*>(items.get())->ob_item);
        return same ? Ref::borrow(value) : Ref::steal(PyList_AsTuple(items.get()));
    }
    if (PySet_CheckExact(value)) return Ref::steal(PySet_New(value));
    if (!PyDict_CheckExact(value)) return Ref::borrow(value);
    Ref copy = new_dict();
    for_items(value, [&](PyObject* key, PyObject* item) { dict_set(copy.get(), key, own_copy(item).get()); });
    return copy;
}

}  // namespace rebottle
