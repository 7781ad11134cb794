// How an update ends that was not applied: the error that callers of both walls see.
#pragma once

#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "rebottle/report.hpp"
#include "source/version.hpp"
#include "stage/world.hpp"

namespace rebottle {

// An update that was not applied; the program is as it was.
struct UpdateFailure {
    std::string type;  // "SourceError", ...
    std::string message;
    Report report;
    Ref cause;  // the Python exception behind it, or nothing
};

[[noreturn]] void refuse(std::vector<Refusal> refusals, Report report = {});
[[noreturn]] void fail(const SourceError& error, Report report);
[[noreturn]] void fail(const UnknownModule& error, Report report);
// What no stage of the update foresaw (no memory, say). Errors: KeyboardInterrupt as it is.
[[noreturn]] void fail(const PythonError& error);
// Errors: KeyboardInterrupt as it is, as PythonError.
[[noreturn]] void fail(const ExecutionError& error, Report report);

}  // namespace rebottle
