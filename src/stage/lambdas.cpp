#include "stage/lambdas.hpp"

#include <algorithm>

#include "code/code.hpp"
#include "code/tree.hpp"

namespace rebottle {
namespace {

PyCodeObject* code_of(PyObject* function) { return as_code(reinterpret_cast<PyFunctionObject*>(function)->func_code); }

bool is_sequence(PyObject* value) {
    return value != nullptr && (PyList_CheckExact(value) || PyTuple_CheckExact(value));
}

PyObject* item_at(PyObject* sequence, Py_ssize_t index) {
    return index < PySequence_Fast_GET_SIZE(sequence) ? PySequence_Fast_GET_ITEM(sequence, index) : nullptr;
}

}  // namespace

bool has_lambda(PyObject* expression) {
    bool found = is_node(expression, "Lambda");
    for_children(expression, [&](PyObject* child) { found = found || has_lambda(child); });
    return found;
}

LambdaMatch::LambdaMatch(const Scope::Value& old, const Scope::Value& now, PyObject* live)
    : old_root_(old.root), now_root_(now.root) {
    match(old.object.get(), now.object.get(), live);
}

bool LambdaMatch::is_made_by(PyObject* value, const Ref& root) {
    if (value == nullptr || !PyFunction_Check(value)) return false;
    bool found = false;
    for_all_code(as_code(root.get()), [&](PyCodeObject* code) { found = found || code == code_of(value); });
    return found;
}

void LambdaMatch::match(PyObject* old, PyObject* now, PyObject* live) {
    if (old == nullptr || live == nullptr) return;
    if (is_made_by(old, old_root_)) {
        match_functions(old, now, live);
    } else if (PyDict_CheckExact(old) && PyDict_CheckExact(live)) {
        const bool table = now != nullptr && PyDict_CheckExact(now);
        for_items(old, [&](PyObject* key, PyObject* value) {
            match(value, table ? dict_get(now, key) : nullptr, dict_get(live, key));
        });
    } else if (is_sequence(old) && Py_IS_TYPE(live, Py_TYPE(old))) {
        match_lists(old, now != nullptr && Py_IS_TYPE(now, Py_TYPE(old)) ? now : nullptr, live);
    }
}

// Where items came or went, those of the new source are found again by their code.
void LambdaMatch::match_lists(PyObject* old, PyObject* now, PyObject* live) {
    if (PySequence_Fast_GET_SIZE(old) != PySequence_Fast_GET_SIZE(live)) return;
    const bool same_size = now != nullptr && PySequence_Fast_GET_SIZE(old) == PySequence_Fast_GET_SIZE(now);
    Py_ssize_t next = 0;
    for_sequence(old, [&, i = Py_ssize_t{0}](PyObject* item) mutable {
        PyObject* counterpart = same_size ? item_at(now, i) : nullptr;
        for (Py_ssize_t at = next; !same_size && now != nullptr && at < PySequence_Fast_GET_SIZE(now); ++at) {
            PyObject* other = item_at(now, at);
            if (!is_made_by(item, old_root_) || !is_made_by(other, now_root_)) continue;
            if (!same_code(code_of(item), code_of(other))) continue;
            counterpart = other;
            next = at + 1;
            break;
        }
        match(item, counterpart, item_at(live, i++));
    });
}

void LambdaMatch::match_functions(PyObject* old, PyObject* now, PyObject* live) {
    if (!PyFunction_Check(live) || !same_code(code_of(old), code_of(live))) return;
    live_.emplace(old, Ref::borrow(live));
    if (!is_made_by(now, now_root_)) return;
    live_.emplace(now, Ref::borrow(live));
    pairs_.emplace_back(Ref::borrow(live), Ref::borrow(now));
}

Ref LambdaMatch::settled(const Ref& value, const Others& others) {
    PyObject* object = value.get();
    if (const auto found = live_.find(object); found != live_.end()) return found->second;
    if (const auto found = others.find(object); found != others.end()) return found->second;
    if (PyDict_CheckExact(object)) {
        const Ref items = Ref::steal(PyDict_Copy(object));
        for_items(items.get(), [&](PyObject* key, PyObject* each) {
            const Ref now = settled(Ref::borrow(each), others);
            if (now.get() != each) dict_set(object, key, now.get());
        });
    } else if (PyList_CheckExact(object)) {
        settle_items(object, others);
    } else if (PyTuple_CheckExact(object)) {
        const Ref items = Ref::steal(PySequence_List(object));
        if (settle_items(items.get(), others)) return Ref::steal(PyList_AsTuple(items.get()));
    }
    return value;
}

bool LambdaMatch::settle_items(PyObject* list, const Others& others) {
    bool changed = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
        PyObject* item = PyList_GET_ITEM(list, i);
        Ref now = settled(Ref::borrow(item), others);
        if (now.get() == item) continue;
        check(PyList_SetItem(list, i, now.release()));
        changed = true;
    }
    return changed;
}

}  // namespace rebottle
