// Functions and classes in what only the history holds: put away as remnants, and fetched for a rollback.
#pragma once

#include <map>
#include <vector>

#include "commit/keep.hpp"
#include "commit/revive.hpp"
#include "commit/write.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// Where updates refer to objects: what a rollback may bring back, and what it only compares with.
struct References {
    std::vector<Ref*> to_return;
    std::vector<Ref*> to_compare;
    std::vector<Ref*> builtins;  // of functions
    void add(Journal& journal);
    void add(Touches& touches);
};

class Storeroom {
   public:
    // `all` references of the history: those to functions and classes become weak, and so do those in containers,
    // cells and wrappers that nobody else holds. Threads: GIL held. Errors: MemoryError; the rest is put away next
    // time. Runs destructors at its end.
    void put_away(const References& all);
    // Makes these references, and all containers, whole again. What was made anew is in `reviver`. Errors: PythonError;
    // nothing is changed then.
    void fetch(const References& of_update, Reviver& reviver);

   private:
    using Counts = std::map<PyObject*, Py_ssize_t>;
    Counts count_references(const References& all) const;
    void empty(const Counts& counts);
    void fill(const std::map<PyObject*, Ref>& living);

    std::map<PyObject*, Ref> emptied_;  // holders with remnants in them
};

// Whether there may be something to put away.
bool is_of_interest(const References& references);

}  // namespace rebottle
