// What the history puts in the place of functions and classes.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "commit/remnant.hpp"

namespace rebottle {

// A function, or a class that a class statement made.
bool is_let_go(PyObject* object);

// Puts remnants where functions and classes stood. What is let go lives as long as this object does: then nobody who
// looks at places meanwhile is disturbed by destructors. Threads: GIL held; runs no Python code. Errors: MemoryError;
// places that weren't reached hold what they held.
class Keeper {
   public:
    enum class Use { to_return, to_compare };  // whether a rollback may have to bring it back
    // A reference of the history to a function or class becomes one to its remnant. A class that can't be made again
    // the way it was stays, where it may have to be brought back.
    void keep(Ref& reference, Use use);
    // Whether this is what stood here.
    static bool is_same(PyObject* now, const Ref& reference);
    // What stands for an object in what only the history holds.
    Ref item(PyObject* object);
    // A tuple or dict, or a copy with remnants in it. What its items hold in turn is the program's.
    Ref container(PyObject* container);
    // Remnants of former updates hold no class that has a remnant now.
    void finish();
    void release_later(Ref object) { released_.push_back(std::move(object)); }

   private:
    void keep_wrapper(Ref& reference);
    bool complete(Remnant* remnant, PyObject* definition);
    void complete_function(Remnant* remnant, PyObject* function);
    void recall_cells(const Remnant* remnant, PyObject* closure);
    void complete_type(Remnant* remnant, PyObject* type);
    Ref cell(PyObject* cell);
    Ref members(PyObject* members, PyObject* owner);
    Ref member(PyObject* name, PyObject* value, PyObject* owner);
    Ref property(PyObject* property);
    Ref method(PyObject* holder);
    void look_again(Remnant* remnant);
    void set_part(Remnant* remnant, std::size_t number, Ref value);

    std::set<Remnant*> done_;
    std::map<PyObject*, Ref> cells_;
    std::vector<Ref> released_;
    bool new_classes_ = false;
};

}  // namespace rebottle
