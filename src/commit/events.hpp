// Events of sys.monitoring that tools (debuggers, profilers, coverage) have set on one code object only.
#pragma once

#include "code/code.hpp"

#include "base/python.hpp"

namespace rebottle {

// New code gets the local events of the code that it replaces. Runs no Python code.
void carry_events(const CodeMap& replaced_code);

}  // namespace rebottle
