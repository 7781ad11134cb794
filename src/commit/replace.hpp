// Rewrites references: one heap pass for all pairs at once.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/python.hpp"
#include "commit/rekey.hpp"
#include "commit/write.hpp"

namespace rebottle {

struct Replacements {
    std::vector<std::pair<Ref, std::string>> unresolved;  // holders that can't be rewritten, and why
    // An object was put into a dict that holds its replacement under another key already.
    struct FormerKey {
        PyObject* object;
        Ref dict;
        Ref key;
    };
    std::vector<FormerKey> former_keys;
    std::vector<Ref> touched_types;  // classes whose cached lookups must be dropped
    // Of `replace_everywhere`:
    std::map<PyObject*, Py_ssize_t> seen;  // how many references to each key the engine sees
    std::set<PyObject*> in_other_hands;    // keys that a call in another thread may hold
};

// Appends the writes that replace every reference to a key of `pairs` by its value, wherever the collector can see it.
// `ignored` objects are left alone, as are what they hold. A list that holds the value already loses the key's entry.
// Cost: one walk over the heap. Errors: MemoryError.
Replacements replace_references(const std::map<PyObject*, Ref>& pairs, const std::vector<PyObject*>& ignored,
                                Journal& journal);

// The same, with the variables of running frames, and with dicts and sets that have keys in `rehashed`. These writes
// are good only as long as no Python code runs.
Replacements replace_everywhere(const std::map<PyObject*, Ref>& pairs, const Rehashed& rehashed,
                                const std::vector<PyObject*>& ignored, Journal& journal);

// The same, for these holders only.
void replace_references_in(const std::vector<PyObject*>& holders, const std::map<PyObject*, Ref>& pairs,
                           Journal& journal);

}  // namespace rebottle
