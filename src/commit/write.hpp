// The journal: typed writes that own place, old and new. Applying and undoing them runs no Python code.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <variant>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// What a function object holds beside its identity. NULL fields are empty references. In the history a field of a
// function's former content may be `unchanged_mark()`.
struct FunctionContent {
    Ref code, closure, defaults, kwdefaults, annotations, doc, type_params, globals, builtins, name, qualname, module,
        dict;

    static FunctionContent of(PyFunctionObject* function);
    bool operator==(const FunctionContent& other) const;
};

// All of its fields.
inline constexpr std::array function_fields = {
    &FunctionContent::code,        &FunctionContent::closure,     &FunctionContent::defaults,
    &FunctionContent::kwdefaults,  &FunctionContent::annotations, &FunctionContent::doc,
    &FunctionContent::type_params, &FunctionContent::globals,     &FunctionContent::builtins,
    &FunctionContent::name,        &FunctionContent::qualname,    &FunctionContent::module,
    &FunctionContent::dict};
constexpr std::size_t number_of_field(Ref FunctionContent::*field) {
    return static_cast<std::size_t>(std::find(function_fields.begin(), function_fields.end(), field) -
                                    function_fields.begin());
}

struct FunctionWrite {
    Ref function;  // a weak reference in the history
    FunctionContent before;
    FunctionContent after;
    std::string where;
};

// An entry of a dict: a module's name, an instance's attribute, an item of a table.
struct NameWrite {
    Ref dict;
    Ref key;
    Ref before;  // nothing: there was none
    Ref after;   // nothing: it is removed
    std::string where;
};

// An attribute of a class.
struct MemberWrite {
    Ref type;
    Ref name;
    Ref before;
    Ref after;
    std::string where;
};

// An attribute that an instance holds itself: in its dict, or in a slot.
struct AttributeWrite {
    Ref object;  // in the history a weak reference, where the class allows it
    Ref name;
    Ref before;
    Ref after;
    std::string where;
};

struct CellWrite {
    Ref cell;
    Ref before;
    Ref after;
};

// A dict, list or set takes other content; `content` is of the same type and holds the former one afterwards.
struct TableWrite {
    Ref table;
    Ref content;
    Ref before;  // copies, to compare and to report
    Ref after;
    std::string where;
};

// The first line of a code object and of all that is nested in it.
struct LineWrite {
    Ref code;
    int by;
};

// A pointer in the body of an object, which owns what it points to.
struct SlotWrite {
    Ref owner;
    PyObject** slot;
    Ref before;
    Ref after;
};

// An item of a deque.
struct ItemWrite {
    Ref sequence;
    Py_ssize_t index;
    Ref before;
    Ref after;
};

// The bases of a class.
struct BasesWrite {
    Ref type;
    Ref before;
    Ref after;
    std::string where;
};

// The type of an object: of an instance made from a class that was run aside, or of a class.
struct TypeWrite {
    Ref object;
    Ref before;
    Ref after;
};

// A functools.lru_cache wrapper takes the parameters of `content`, and none of its results.
struct CacheWrite {
    Ref wrapper;  // a weak reference in the history
    Ref content;  // holds the former parameters and results afterwards
};

using Write = std::variant<FunctionWrite, NameWrite, MemberWrite, AttributeWrite, CellWrite, TableWrite, LineWrite,
                           SlotWrite, ItemWrite, BasesWrite, TypeWrite, CacheWrite>;
using Journal = std::vector<Write>;

// The attribute in which a flag of the library remembers what it is inverted: a cache, no content.
constexpr const char* inverted_flag = "_inverted_";

// A second function with all that the first one has.
Ref copy_of_function(PyFunctionObject* function);
// Gives a function just made, with this code and these globals, the rest of its content.
void fill_function(PyFunctionObject* function, const FunctionContent& content);

// Does one write. Errors: PythonError where an insertion finds no memory; nothing is changed then.
void apply(Write& write);
// Takes one write back. Errors: none that leave anything half done.
void undo(Write& write) noexcept;
// Whether the place holds what was written.
bool holds(const Write& write);

// Puts the writes into the order in which they are done: those first that can fail.
void order(Journal& journal);
// Does all writes, in that order. Errors: as `apply`; everything is undone then.
void apply_all(Journal& journal);
// The same in two parts: all but the bases and types of objects, and those. `undo_all` takes back either.
void apply_contents(Journal& journal);
void apply_types(Journal& journal);
void undo_all(Journal& journal) noexcept;
// Takes back the writes from this index on, the last one first, or those before it.
void undo_from(Journal& journal, std::size_t first) noexcept;
void undo_before(Journal& journal, std::size_t last) noexcept;

// Lets go of results that were cached for former code. Runs destructors: only after the commit.
void release_results(const Journal& journal) noexcept;

// Makes ready what applying must not do: memory in the code index, attributes of instances out of the keys that their
// class shares.
void prepare(const Journal& journal);

// The namespaces that functions gave up for others.
std::vector<Ref> former_namespaces(const Journal& journal);

}  // namespace rebottle
