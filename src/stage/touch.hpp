// What running code did to objects of others, entry by entry, so that it can be taken back.
#pragma once

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/python.hpp"
#include "compat/memory.hpp"
#include "stage/attributes.hpp"
#include "stage/created.hpp"

namespace rebottle {

// An attribute of an instance, a class or a module.
struct AttributeTouch {
    Ref owner;
    Ref name;
    Ref before;  // nothing: there was none
    Ref after;
};

// An item of a dict, or of any container with items.
struct ItemTouch {
    Ref owner;
    Ref key;
    Ref before;
    Ref after;
};

// The content of a list, dict, set or deque, as lists of its items (of pairs, for a dict); the classes that an abstract
// class was told of.
struct ContentTouch {
    Ref owner;
    Ref before;
    Ref after;
};

using Touch = std::variant<AttributeTouch, ItemTouch, ContentTouch>;
using Touches = std::vector<Touch>;

// The content of a container as a list; nothing where it isn't one that can be put back.
Ref content_of(PyObject* container);
// Whether two such lists hold the same objects in the same order; of pairs, the same keys and values.
bool same_items(PyObject* a, PyObject* b, bool pairs);
// Whether an object is a container that changes in place: list, dict, set or deque.
bool is_container(PyObject* object);

// Takes touches back, last first. Entries that somebody else changed since stay.
void undo_touches(const Touches& touches);
// Does them again after they were taken back.
void redo_touches(const Touches& touches);
// Replaces staged objects by what they stand for, before that is done in the objects of others; what was done to them
// is forgotten. What was done to functions that the update itself `created` has no former state.
void map_touches(Touches& touches, const std::map<PyObject*, Ref>& bottles, const Created& created);

PyObject* owner_of(const Touch& touch);

// Forgets what was done to objects that the update made: see Nursery.
void forget_born(Touches& touches, const std::set<PyObject*>& born);
// Forgets what was done to objects that nobody else holds. Runs destructors.
void forget_ended(Touches& touches);

// Takes touches back unless they are to be kept.
class TouchGuard {
   public:
    explicit TouchGuard(const Touches& touches) : touches_(touches) {}
    ~TouchGuard() {
        if (kept_) return;
        const ErrorAside aside;
        const compat::SureMemory sure;
        undo_touches(touches_);
    }
    TouchGuard(const TouchGuard&) = delete;
    TouchGuard& operator=(const TouchGuard&) = delete;
    void keep() { kept_ = true; }

   private:
    const Touches& touches_;
    bool kept_ = false;
};

}  // namespace rebottle
