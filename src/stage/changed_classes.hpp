// Classes that the update changes where Python itself looks ("__init__", "__eq__", bases …): what uses one of them, or
// an instance, in the stage would meet the former one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace rebottle {

class ChangedClasses {
   public:
    // A live class that is changed in place, or run aside: then its living instances and subclasses are meant.
    void add(const Ref& live, const Edit& edit);
    // Whether a statement acts on such a class or an instance. `names` are looked up first, then `globals`; `own` is
    // the live class that the statement makes anew, or NULL.
    bool concern(PyObject* statement, PyObject* names, PyObject* globals, PyObject* own) const;
    // Whether a function names such a class or an instance.
    bool concern(PyCodeObject* code, PyObject* globals) const;

   private:
    struct Changed {
        Ref type;
        bool protocol = false;        // it is used otherwise
        bool creation = false;        // its subclasses are made otherwise
        std::set<std::string> names;  // of members; only for classes run aside, those of others are known by themselves
    };
    bool is_used(PyObject* value, const std::set<std::string>& attributes) const;
    bool makes_subclasses_otherwise(PyObject* value) const;

    std::vector<Changed> all_;
};

// The names of the attributes that occur in a tree.
std::set<std::string> attributes_in(PyObject* node);

}  // namespace rebottle
