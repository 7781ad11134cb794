// The values of the C++ interface as Python types: Change, Kept, Refusal, Stale, Timing, Report, Plan.
#pragma once

#include "base/python.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

// Adds the types to the module. Errors: PythonError.
void add_values(PyObject* module);

PyObject* new_report(const Report& report);
PyObject* new_plan(const Report& report);
PyObject* new_refusals(const std::vector<Refusal>& refusals);

// Undoes the update of a report, or (NULL) the last one in force. As the interpreter calls it: C++ exceptions become
// Python ones. Defined at the wall.
PyObject* rollback_report(const Report* report, bool cascade);

}  // namespace rebottle
