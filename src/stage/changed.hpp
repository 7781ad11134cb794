// What the update changes in a way that code run in the stage can't come upon by itself: it would meet the former one.
// Classes, where Python itself looks ("__init__", "__eq__", bases …); functions, where they are looked into, or where a
// call may end, or return, before it enters their code.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace rebottle {

class Changed {
   public:
    // A live class that is changed in place, or run aside: then its living instances and subclasses are meant.
    void add_class(const Ref& live, const Edit& edit);
    // What a changed definition bound. `enters_code`: whether each call enters its code at once.
    void add_function(const Ref& live, bool enters_code);
    // Whether a statement needs the new version of one of them. `names` are looked up first, then `globals`; `own` is
    // the live class that the statement makes anew, or NULL.
    bool concern(PyObject* statement, PyObject* names, PyObject* globals, PyObject* own) const;
    // Whether a function does.
    bool concern(PyCodeObject* code, PyObject* globals) const;
    bool empty() const { return classes_.empty() && functions_.empty(); }

   private:
    struct Class {
        Ref type;
        bool protocol = false;        // it is used otherwise
        bool creation = false;        // its subclasses are made otherwise
        std::set<std::string> names;  // of members; only for classes run aside, those of others are known by themselves
    };
    bool is_used(PyObject* value, const std::set<std::string>& attributes) const;
    bool makes_subclasses_otherwise(PyObject* value) const;
    bool hides_code(PyObject* value) const;

    std::vector<Class> classes_;
    struct Function {
        Ref object;
        bool enters_code;
    };
    std::map<PyObject*, Function> functions_;
};

}  // namespace rebottle
