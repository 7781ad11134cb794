// The care that compiling a part of a module takes: the compiler treats what the module imports in a way of its own.
#pragma once

#include "base/python.hpp"
#include "source/version.hpp"

namespace rebottle {

// An ast.Module with the statements of `part`, and behind them one that is never run and imports those of the names on
// which `part` calls methods that `whole` imports: CPython compiles `imported.name()` unlike other calls, and only so
// is the code of a part the same, instruction by instruction, as that of the whole.
Ref with_imports(PyObject* part, const Version& whole, int flags);

}  // namespace rebottle
