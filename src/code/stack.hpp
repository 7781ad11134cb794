// Where the instructions of a code object write to objects of others, and where on the stack those objects are.
#pragma once

#include <unordered_map>

#include "base/python.hpp"

namespace rebottle {

// `read_item`: a read that may put in what was missing; `cell`, `delete_cell`: of a variable of a function around.
enum class StoreKind {
    attribute,
    delete_attribute,
    item,
    delete_item,
    read_item,
    slice,
    in_place,
    global_name,
    cell,
    delete_cell
};

struct StoreSite {
    StoreKind kind;
    int depth;     // of the stack while the instruction is about to run
    int argument;  // index of the name, for attributes and globals; of the variable, for cells
};

// The sites of a code object by byte offset. Empty where there is none, or where the depth of the stack can't be told.
using StoreSites = std::unordered_map<int, StoreSite>;
StoreSites store_sites(PyCodeObject* code);

// How deep the stack is while the instruction at a byte offset runs; -1 where that can't be told.
int stack_depth(PyCodeObject* code, int offset);
// How many entries on top of the stack it works on, at most: the interpreter has them in hands until it is done.
int operands(PyCodeObject* code, int offset);

}  // namespace rebottle
