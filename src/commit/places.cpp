#include "commit/places.hpp"

#include <algorithm>
#include <iterator>

#include "commit/remnant.hpp"
#include "compat/compat.hpp"

namespace rebottle {
namespace {

using Exchange = std::function<Ref(PyObject*)>;

bool exchange_dict(PyObject* dict, const Exchange& body, std::vector<Ref>& former) {
    bool changed = false;
    for_items(dict, [&](PyObject* key, PyObject* value) {
        Ref now = PyUnicode_CheckExact(key) ? body(value) : Ref();
        if (!now) return;
        former.push_back(Ref::borrow(value));
        check(PyDict_SetItem(dict, key, now.get()));
        changed = true;
    });
    return changed;
}

// The words of an object's body that are among its references, if they are as many.
std::vector<PyObject**> places_in_body(PyObject* object) {
    std::vector<PyObject*> references = references_in(object);
    std::erase(references, reinterpret_cast<PyObject*>(Py_TYPE(object)));
    std::vector<PyObject**> places;
    auto** body = reinterpret_cast<PyObject**>(object);
    const auto words = static_cast<std::size_t>(Py_TYPE(object)->tp_basicsize) / sizeof(void*);
    const auto note = [&](PyObject** place) {
        if (*place != nullptr && std::find(references.begin(), references.end(), *place) != references.end())
            places.push_back(place);
    };
    for (std::size_t i = sizeof(PyObject) / sizeof(void*); i < words; ++i) note(&body[i]);
    const compat::InlineValues values = compat::inline_values(object);
    for (std::size_t i = 0; i < values.count; ++i) note(&values.slots[i]);
    const auto is_clear = [&](PyObject** place) {
        return std::count(references.begin(), references.end(), *place) ==
               std::count_if(places.begin(), places.end(), [&](PyObject** each) { return *each == *place; });
    };
    std::vector<PyObject**> clear;
    std::copy_if(places.begin(), places.end(), std::back_inserter(clear), is_clear);
    return clear;
}

std::vector<PyObject**> places_of(PyObject* holder) {
    std::vector<PyObject**> places;
    if (PyTuple_CheckExact(holder)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(holder); ++i)
            places.push_back(&reinterpret_cast<PyTupleObject*>(holder)->ob_item[i]);
    } else if (PyList_CheckExact(holder)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(holder); ++i)
            places.push_back(&reinterpret_cast<PyListObject*>(holder)->ob_item[i]);
    } else if (PyCell_Check(holder)) {
        places.push_back(&reinterpret_cast<PyCellObject*>(holder)->ob_ref);
    } else {
        places = places_in_body(holder);
    }
    return places;
}

// Whether the program can come upon it although it doesn't hold it.
bool can_be_met(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && type->tp_finalize != nullptr) return true;
    if (PyType_SUPPORTS_WEAKREFS(type) == 0) return false;
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + type->tp_weaklistoffset) != nullptr;
}

}  // namespace

bool is_open_holder(PyObject* object) {
    if (object == nullptr || PyObject_IS_GC(object) == 0) return false;
    return !PyType_Check(object) && !PyModule_Check(object) && !PyFunction_Check(object) && !PyAnySet_Check(object) &&
           !PyWeakref_Check(object) && !PyFrame_Check(object) && !is_remnant(object) && !can_be_met(object) &&
           compat::places_of(object).head == 0;
}

bool exchange_in(PyObject* holder, const Exchange& body, std::vector<Ref>& former) {
    if (PyDict_Check(holder)) return exchange_dict(holder, body, former);
    bool changed = false;
    for (PyObject** place : places_of(holder)) {
        Ref now = *place != nullptr ? body(*place) : Ref();
        if (!now) continue;
        former.push_back(Ref::steal(std::exchange(*place, now.release())));
        changed = true;
    }
    return changed;
}

}  // namespace rebottle
