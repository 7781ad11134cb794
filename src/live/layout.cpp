#include "live/layout.hpp"

#include <algorithm>
#include <vector>

namespace rebottle {
namespace {

bool adds_storage(PyTypeObject* type, PyTypeObject* base) {
    return type->tp_basicsize != base->tp_basicsize || type->tp_itemsize != base->tp_itemsize;
}

// The nearest class upwards that adds storage, itself included.
PyTypeObject* solid_base(PyTypeObject* type) {
    PyTypeObject* above = type->tp_base != nullptr ? solid_base(type->tp_base) : &PyBaseObject_Type;
    return adds_storage(type, above) ? type : above;
}

std::vector<std::string> slots_of(PyTypeObject* type) {
    std::vector<std::string> names;
    const Ref dict = Ref::steal(PyType_GetDict(type));
    for_items(dict.get(), [&](PyObject* key, PyObject* value) {
        if (Py_IS_TYPE(value, &PyMemberDescr_Type)) names.push_back(to_text(key));
    });
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

bool same_layout(PyTypeObject* a, PyTypeObject* b) {
    return a->tp_basicsize == b->tp_basicsize && a->tp_itemsize == b->tp_itemsize &&
           a->tp_dictoffset == b->tp_dictoffset && a->tp_weaklistoffset == b->tp_weaklistoffset &&
           Py_SIZE(a) == Py_SIZE(b) &&
           (a->tp_flags & Py_TPFLAGS_MANAGED_DICT) == (b->tp_flags & Py_TPFLAGS_MANAGED_DICT) && same_built_in(a, b);
}

bool same_slots(PyTypeObject* a, PyTypeObject* b) { return slots_of(a) == slots_of(b); }

PyTypeObject* built_in_base(PyTypeObject* type) {
    while ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) type = type->tp_base;
    return type;
}

bool same_built_in(PyTypeObject* a, PyTypeObject* b) {
    PyTypeObject* x = built_in_base(a);
    PyTypeObject* y = built_in_base(b);
    if (x == y) return true;
    return (x->tp_flags & y->tp_flags & Py_TPFLAGS_BASE_EXC_SUBCLASS) != 0 && x->tp_basicsize == y->tp_basicsize &&
           x->tp_dictoffset == y->tp_dictoffset && x->tp_dealloc == y->tp_dealloc && x->tp_clear == y->tp_clear &&
           x->tp_traverse == y->tp_traverse && x->tp_free == y->tp_free;
}

PyTypeObject* best_base(PyObject* bases) {
    PyTypeObject* best = nullptr;
    PyTypeObject* winner = nullptr;
    bool agree = true;
    for_sequence(bases, [&](PyObject* each) {
        auto* base = reinterpret_cast<PyTypeObject*>(each);
        PyTypeObject* candidate = solid_base(base);
        if (winner == nullptr || (winner != candidate && PyType_IsSubtype(candidate, winner) != 0)) {
            winner = candidate;
            best = base;
        } else if (PyType_IsSubtype(winner, candidate) == 0) {
            agree = false;
        }
    });
    return agree ? best : nullptr;
}

}  // namespace rebottle
