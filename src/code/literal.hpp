// Values of literals in syntax trees.
#pragma once

#include "base/python.hpp"

namespace rebottle {

// The value that `ast.literal_eval` would give, made anew; nothing where the node isn't a literal. Runs no Python code:
// it is used within the commit, where no other thread may have its turn.
Ref literal_value(PyObject* node);

}  // namespace rebottle
