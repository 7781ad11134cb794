// Data: what counts as data, which policy applies to it, and the three-way merge.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"
#include "plan/plan.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// Whether a value that a module or class binds is data, and not a definition in the sense of the contract.
bool is_data(PyObject* value);
// Whether an object is one that others hold for itself: a value such as an int or a str may be shared by accident.
bool has_identity(PyObject* object);
// Names that the language or its tools read: they follow the source, as do the marks of this engine.
bool always_follows(const std::string& name);
// Whether an expression consists of literals, operators, comprehensions, names and side-effect-free builtins only.
bool is_pure(PyObject* expression);
// The same, but it may make lambdas, which nothing in it calls.
bool is_pure_but_lambdas(PyObject* expression);
// Whether two values of the same type are equal.
bool equal(PyObject* a, PyObject* b);
// Whether the live table can take over the content of another object.
bool is_table(PyObject* live, PyObject* content);

// `_reload_data`, `_reload_all_data` and `_del_func` of one module or class.
struct Marks {
    bool all = false;
    bool delete_functions = false;
    std::vector<std::string> names;
    bool names_data(const std::string& name) const;
};
// As the new source has them, else the live namespace.
Marks marks_of(const std::vector<Edit>& edits, PyObject* names);
Marks marks_of(const std::vector<Statement>& statements, PyObject* names);

// The policy for `where` in a module; marks not considered.
Policy policy_for(const Request& request, const std::string& module, const std::string& where);
// Whether the request names just this data.
bool is_named(const Request& request, const std::string& module, const std::string& where);

// Three-way merge of one value. Reports of what was touched at run time go to `outcome`, as do renewals of tables
// inside.
struct Merged {
    Ref value;  // what the name is to hold, or a table whose content the live one is to take; the live object where it
                // stays
    bool changed = false;
};
Merged merge(PyObject* old, PyObject* now, PyObject* live, const std::string& where, Outcome& outcome);

}  // namespace rebottle
