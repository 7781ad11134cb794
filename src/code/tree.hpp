// Syntax trees of statements: Python's own `ast` objects, read from C++.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// The ast.Module of `text`. Errors: SyntaxError and what else the parser raises, lines counted from 1.
Ref parse(const std::string& text, const std::string& filename, int flags);

// A node of the same class with the same fields and positions; lists and nodes below it are shared.
Ref copy_node(PyObject* node);

// The name of the node's class: "FunctionDef", "Assign", ...
std::string_view node_type(PyObject* node);
bool is_node(PyObject* node, std::string_view type);
bool is_function(PyObject* node);    // def or async def
bool is_definition(PyObject* node);  // function or class

// Calls body(PyObject* child) for each node directly under `node`.
void for_children(PyObject* node, const std::function<void(PyObject*)>& body);

// Whether two values of tree fields (nodes, lists, constants) are the same but for positions.
bool same_tree(PyObject* a, PyObject* b);
bool same_field(PyObject* a, PyObject* b, const char* field);

// First line of a statement, decorators included; and the last one.
int first_line(PyObject* node);
int last_line(PyObject* node);

// Names that a statement binds in its own scope when it is run (nested functions and classes not entered).
std::vector<std::string> bound_names(PyObject* statement);
// How a name that a class body or one of its functions binds is stored: private ones (`__name`) with the class's.
std::string stored_name(const std::string& name, std::string_view class_name);
// All names and attribute names that occur anywhere in the tree, nested scopes included.
std::set<std::string> mentioned_names(PyObject* node);
// Names read anywhere in the tree.
std::set<std::string> read_names(PyObject* node);

// The docstring of a function, class or module body, or nothing.
Ref docstring(PyObject* node);

// The nodes of the functions in a tree. Cost: a walk over the tree when the first is asked for.
class FunctionNodes {
   public:
    explicit FunctionNodes(PyObject* tree) : tree_(Ref::borrow(tree)) {}
    // The one whose code begins at `line` of the tree; nothing where there is none.
    Ref at(int line, const std::string& name);

   private:
    void add(PyObject* node);

    Ref tree_;
    std::map<std::pair<int, std::string>, Ref> found_;
};

}  // namespace rebottle
