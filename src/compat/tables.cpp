// The entries of dicts and sets with their hashes, given the internal headers of the version that is built for.
#define Py_BUILD_CORE 1
#include "base/python.hpp"
#undef HAVE_STD_ATOMIC  // <stdatomic.h> has no usable names in C++20
#include "compat/compat.hpp"

extern "C" {
#include <internal/pycore_dict.h>
}

namespace rebottle::compat {

void for_entries(PyObject* dict, const std::function<void(PyObject**, Py_hash_t, PyObject*)>& body) {
    PyDictKeysObject* keys = reinterpret_cast<PyDictObject*>(dict)->ma_keys;
    if (DK_IS_UNICODE(keys)) return;
    PyDictKeyEntry* entries = DK_ENTRIES(keys);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; ++i)
        if (entries[i].me_value != nullptr) body(&entries[i].me_key, entries[i].me_hash, entries[i].me_value);
}

void add_entry(PyObject* dict, PyObject* key, Py_hash_t hash, PyObject* value) {
    check(_PyDict_SetItem_KnownHash(dict, key, value, hash));
}

void for_set_entries(PyObject* set, const std::function<void(PyObject*, Py_hash_t)>& body) {
    auto* all = reinterpret_cast<PySetObject*>(set);
    for (Py_ssize_t i = 0; i <= all->mask; ++i)
        if (all->table[i].key != nullptr && all->table[i].hash != -1) body(all->table[i].key, all->table[i].hash);
}

namespace {

// As the interpreter places an item that no equal one is in the way of.
void place(setentry* table, std::size_t mask, PyObject* key, Py_hash_t hash) {
    constexpr std::size_t in_a_row = 9;
    constexpr unsigned shift = 5;
    auto perturb = static_cast<std::size_t>(hash);
    for (std::size_t i = perturb & mask;; perturb >>= shift, i = (i * 5 + 1 + perturb) & mask) {
        const std::size_t probes = i + in_a_row <= mask ? in_a_row : 0;
        for (std::size_t next = i; next <= i + probes; ++next)
            if (table[next].key == nullptr) {
                table[next] = {Py_NewRef(key), hash};
                return;
            }
    }
}

}  // namespace

Ref set_of(const std::vector<std::pair<PyObject*, Py_hash_t>>& items, std::size_t room) {
    Ref set = Ref::steal(PySet_New(nullptr));
    auto* made = set.as<PySetObject>();
    if (room > PySet_MINSIZE) {
        auto* table = static_cast<setentry*>(PyMem_Calloc(room, sizeof(setentry)));
        if (table == nullptr) throw std::bad_alloc();
        made->table = table;
        made->mask = static_cast<Py_ssize_t>(room) - 1;
    }
    for (const auto& [key, hash] : items) place(made->table, static_cast<std::size_t>(made->mask), key, hash);
    made->used = made->fill = static_cast<Py_ssize_t>(items.size());
    return set;
}

std::size_t room_of(PyObject* set) { return static_cast<std::size_t>(reinterpret_cast<PySetObject*>(set)->mask) + 1; }

}  // namespace rebottle::compat
