#include "commit/rekey.hpp"

#include <algorithm>
#include <unordered_set>

#include "compat/compat.hpp"

namespace rebottle {
namespace {

constexpr Py_hash_t unknown = -1;  // no object has this hash

constexpr PyTypeObject* values[] = {&PyLong_Type, &PyUnicode_Type, &PyFloat_Type, &PyBytes_Type};

// Whether the hash is that of a number or a text, as that of members of many enumerations is.
bool has_value_hash(PyObject* object) {
    return std::any_of(std::begin(values), std::end(values),
                       [&](PyTypeObject* type) { return Py_TYPE(object)->tp_hash == type->tp_hash; });
}

bool compares_as_value(PyObject* object) {
    return has_value_hash(object) && std::any_of(std::begin(values), std::end(values), [&](PyTypeObject* type) {
               return Py_TYPE(object)->tp_richcompare == type->tp_richcompare;
           });
}

// Whether the interpreter's own code makes the hash.
bool has_known_hash(PyObject* object) {
    return Py_TYPE(object)->tp_hash == PyBaseObject_Type.tp_hash || has_value_hash(object);
}

// `unknown` where it has none.
Py_hash_t hash_of(PyObject* object) {
    const Py_hash_t hash = PyObject_Hash(object);
    if (hash == unknown) PyErr_Clear();
    return hash;
}

}  // namespace

Ref Rekeyer::mapped(PyObject* object) const {
    const auto found = pairs_.find(object);
    return found == pairs_.end() ? Ref::borrow(object) : found->second;
}

// Whether hash and comparison run no code of the program.
bool Rekeyer::is_plain(PyObject* object) const {
    if (!PyTuple_CheckExact(object))
        return (Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || compares_as_value(object);
    bool plain = true;
    for_sequence(object, [&](PyObject* item) { plain = plain && is_plain(item); });
    return plain;
}

void Rekeyer::note_tuple(PyObject* tuple) {
    bool moved = false;
    bool plain = true;
    const Ref items = Ref::steal(PyTuple_New(PyTuple_GET_SIZE(tuple)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
        PyObject* item = PyTuple_GET_ITEM(tuple, i);
        const bool known = has_known_hash(item);
        moved = moved || (known && pairs_.contains(item));
        plain = plain && (known || is_plain(item));
        PyTuple_SET_ITEM(items.get(), i, mapped(item).release());
    }
    if (moved) rehashed_.emplace(tuple, plain ? hash_of(items.get()) : unknown);
}

Rekeyer::Key Rekeyer::now(PyObject* key, Py_hash_t hash) const {
    const auto pair = pairs_.find(key);
    if (pair != pairs_.end()) return {pair->second.get(), has_known_hash(key) ? hash_of(pair->second.get()) : hash};
    const auto other = rehashed_.find(key);
    return {key, other == rehashed_.end() ? hash : other->second};
}

// Whether keys would have to be compared, by code of theirs.
bool Rekeyer::clash(const std::vector<Key>& keys) const {
    std::unordered_map<Py_hash_t, PyObject*> by_hash;
    return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
        const auto [other, added] = by_hash.emplace(key.hash, key.object);
        return key.hash == unknown || (!added && !(is_plain(key.object) && is_plain(other->second)));
    });
}

Ref Rekeyer::dict(PyObject* dict) const {
    std::unordered_set<PyObject*> present;
    compat::for_entries(dict, [&](PyObject** key, Py_hash_t, PyObject*) { present.insert(*key); });
    // Of two entries for one key the former stays, as what the program lived through; a definition made since counts.
    std::unordered_map<PyObject*, PyObject*> definitions;
    std::vector<Key> keys;
    std::vector<PyObject*> values;
    compat::for_entries(dict, [&](PyObject** key, Py_hash_t hash, PyObject* value) {
        const Key each = now(*key, hash);
        if (each.object != *key && present.contains(each.object)) {
            if (PyFunction_Check(value) || PyType_Check(value)) definitions.emplace(each.object, value);
            return;
        }
        keys.push_back(each);
        values.push_back(value);
    });
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (const auto made = definitions.find(keys[i].object); made != definitions.end()) values[i] = made->second;
    if (clash(keys)) return {};
    Ref content = new_dict();
    for (std::size_t i = 0; i < keys.size(); ++i)
        compat::add_entry(content.get(), keys[i].object, keys[i].hash, mapped(values[i]).get());
    return content;
}

Ref Rekeyer::set(PyObject* set) const {
    std::unordered_set<PyObject*> present;
    compat::for_set_entries(set, [&](PyObject* key, Py_hash_t) { present.insert(key); });
    std::vector<Key> keys;
    compat::for_set_entries(set, [&](PyObject* key, Py_hash_t hash) {
        const Key each = now(key, hash);
        if (each.object == key || !present.contains(each.object)) keys.push_back(each);
    });
    if (clash(keys)) return {};
    std::vector<std::pair<PyObject*, Py_hash_t>> items;
    for (const Key& key : keys) items.emplace_back(key.object, key.hash);
    return compat::set_of(items, compat::room_of(set));
}

}  // namespace rebottle
