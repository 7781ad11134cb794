#include "commit/tables.hpp"

#include <functional>

namespace rebottle {
namespace {

// The live object for a staged one, or NULL.
using Live = std::function<PyObject*(PyObject*)>;

void settle(PyObject* table, const Live& live) {
    if (PyDict_Check(table)) {
        const Ref items = Ref::steal(PyDict_Items(table));
        for_sequence(items.get(), [&](PyObject* item) {
            if (PyObject* bottle = live(PyTuple_GET_ITEM(item, 1)))
                check(PyDict_SetItem(table, PyTuple_GET_ITEM(item, 0), bottle));
        });
    } else if (PyList_Check(table)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(table); ++i)
            if (PyObject* bottle = live(PyList_GET_ITEM(table, i))) check(PyList_SetItem(table, i, Py_NewRef(bottle)));
    }
}

}  // namespace

void map_items(PyObject* table, const Bottles& bottles) {
    if (PyDict_Check(table)) {
        for_items(table, [&](PyObject* key, PyObject* value) {
            const auto bottle = bottles.find(value);
            if (bottle != bottles.end()) dict_set(table, key, bottle->second.get());
        });
    } else if (PyList_Check(table)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(table); ++i) {
            const auto bottle = bottles.find(PyList_GET_ITEM(table, i));
            if (bottle != bottles.end()) check(PyList_SetItem(table, i, Py_NewRef(bottle->second.get())));
        }
    } else {
        const Ref items = Ref::steal(PySequence_List(table));
        for_sequence(items.get(), [&](PyObject* item) {
            const auto bottle = bottles.find(item);
            if (bottle == bottles.end()) return;
            check(PySet_Discard(table, item));
            check(PySet_Add(table, bottle->second.get()));
        });
    }
}

void settle_tables(const Resolved& resolved, const Bottles& bottles) {
    const Live live = [&](PyObject* object) -> PyObject* {
        const auto bottle = bottles.find(object);
        return bottle == bottles.end() || resolved.becoming.contains(object) ? nullptr : bottle->second.get();
    };
    for (const Write& write : resolved.journal)
        if (const auto* table = std::get_if<TableWrite>(&write)) {
            settle(table->content.get(), live);
            settle(table->after.get(), live);
        }
}

}  // namespace rebottle
