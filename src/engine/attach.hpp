// The tie between the engine and the one interpreter that it works in.
#pragma once

#include <optional>

#include "base/python.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

// Attaches the engine to the running interpreter, unless it is; from then on functions and modules are recorded.
// Returns why that can't be, if so. Errors: PythonError.
std::optional<Refusal> attach();

// Whether the engine is attached to an interpreter that still runs. Threads: any, without the GIL.
bool attached() noexcept;

// A new `rebottle._native`. Defined at the wall to Python. Errors: PythonError.
Ref new_native_module();

}  // namespace rebottle
