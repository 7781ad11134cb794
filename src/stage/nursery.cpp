#include "stage/nursery.hpp"

#include <unordered_map>
#include <unordered_set>
#include <variant>

namespace rebottle {
namespace {

// What the record of a touch holds. What was there before it is older.
void count_references(const Touch& touch, std::unordered_map<PyObject*, Py_ssize_t>& counts,
                      std::vector<PyObject*>& holders) {
    if (const auto* attribute = std::get_if<AttributeTouch>(&touch)) {
        for (const Ref* each : {&attribute->owner, &attribute->after}) ++counts[each->get()];
    } else if (const auto* item = std::get_if<ItemTouch>(&touch)) {
        for (const Ref* each : {&item->owner, &item->key, &item->after}) ++counts[each->get()];
    } else {
        ++counts[owner_of(touch)];
        if (const Ref& after = std::get<ContentTouch>(touch).after) holders.push_back(after.get());
    }
}

bool may_stand_for_another(PyObject* object) {
    return PyType_Check(object) || PyFunction_Check(object) || PyModule_Check(object);
}

bool is_plain_container(PyObject* object) {
    return PyDict_CheckExact(object) || PyList_CheckExact(object) || PyTuple_CheckExact(object) ||
           PySet_CheckExact(object);
}

// The collector knows a dict only from when it holds something that it knows, so the generation doesn't tell when one
// was made. But what nobody has except objects that were made here was made here.
void add_dicts(const Touches& touches, const std::set<PyObject*>& dicts, std::set<PyObject*>& born) {
    std::unordered_map<PyObject*, Py_ssize_t> counts;
    std::vector<PyObject*> holders(born.begin(), born.end());
    for (const Touch& touch : touches) count_references(touch, counts, holders);
    while (!holders.empty()) {
        PyObject* const holder = holders.back();
        holders.pop_back();
        for (PyObject* each : references_in(holder)) {
            if (++counts[each] != Py_REFCNT(each) || !is_plain_container(each) || born.contains(each)) continue;
            if (dicts.contains(each)) born.insert(each);
            holders.push_back(each);
        }
    }
}

}  // namespace

Nursery::Nursery() : gc_(import_module("gc")) { call_method(gc_.get(), "collect", {to_int(0).get()}); }

Ref Nursery::young() const { return call_method(gc_.get(), "get_objects", {to_int(0).get()}); }

std::vector<Ref> Nursery::objects() const {
    std::vector<Ref> found;
    for_sequence(young().get(), [&](PyObject* object) { found.push_back(Ref::borrow(object)); });
    return found;
}

std::set<PyObject*> Nursery::born(const Touches& touches) const {
    std::set<PyObject*> born;
    std::set<PyObject*> dicts;
    std::unordered_set<PyObject*> owners;
    for (const Touch& touch : touches) {
        PyObject* owner = owner_of(touch);
        if (PyDict_CheckExact(owner)) {
            dicts.insert(owner);
        } else if (!may_stand_for_another(owner)) {
            owners.insert(owner);
        }
    }
    if (owners.empty()) return born;
    for_sequence(young().get(), [&](PyObject* object) {
        if (owners.contains(object)) born.insert(object);
    });
    if (!born.empty() && !dicts.empty()) add_dicts(touches, dicts, born);
    return born;
}

}  // namespace rebottle
