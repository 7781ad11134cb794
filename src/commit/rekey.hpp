// Dicts and sets whose keys are exchanged, or get another hash, without running the keys' own code.
#pragma once

#include <map>
#include <unordered_map>

#include "base/python.hpp"

namespace rebottle {

// Objects that stay and get another hash.
using Rehashed = std::unordered_map<PyObject*, Py_hash_t>;

class Rekeyer {
   public:
    // `pairs`: objects, and what takes their place.
    explicit Rekeyer(const std::map<PyObject*, Ref>& pairs) : pairs_(pairs) {}

    Rehashed& rehashed() { return rehashed_; }
    // A tuple whose items are exchanged gets another hash; where only code of its items could tell which, its use as a
    // key is unsound.
    void note_tuple(PyObject* tuple);
    bool is_key(PyObject* object) const { return pairs_.contains(object) || rehashed_.contains(object); }

    // The content that takes the place of a dict's or a set's; nothing where the keys' own code would have to run.
    Ref dict(PyObject* dict) const;
    Ref set(PyObject* set) const;

   private:
    struct Key {
        PyObject* object;
        Py_hash_t hash;
    };
    Key now(PyObject* key, Py_hash_t hash) const;
    Ref mapped(PyObject* object) const;
    bool is_plain(PyObject* object) const;
    bool clash(const std::vector<Key>& keys) const;

    const std::map<PyObject*, Ref>& pairs_;
    Rehashed rehashed_;
};

}  // namespace rebottle
