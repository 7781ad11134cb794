// What is made while statements of an update run.
#pragma once

#include <set>
#include <vector>

#include "base/python.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// While it lives, everything that is made stays in the collector's youngest generation: that was emptied before, and
// nothing is collected meanwhile. Threads: GIL held. Cost: a collection of that generation.
class Nursery {
   public:
    Nursery();
    std::vector<Ref> objects() const;
    // Owners of touches that were made here: the objects before the update had no part in them, and whoever holds one
    // after a rollback has it as it is. Classes, functions and modules don't count: they may stand for others. Cost:
    // that of a walk over the objects made here.
    std::set<PyObject*> born(const Touches& touches) const;

   private:
    Ref young() const;

    NoCollection no_collection_;
    Ref gc_;
};

}  // namespace rebottle
