// What every kind of update checks around its commit, and the clock it is measured with.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "commit/write.hpp"
#include "live/former_names.hpp"
#include "live/in_flight.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start);

// Lets audit hooks object before anything is committed. Errors: ExecutionError.
void audit_update(const char* kind, const std::vector<std::string>& modules);

// Functions that are called in another way after the update, each with a function that has its present content.
std::vector<ChangedCallee> changed_callees(const Journal& journal);

// The names of modules that the journal takes away.
std::vector<GoneName> gone_names(const Journal& journal);

// After the commit every place must hold what was written. Errors: UpdateFailure.
void verify(const Journal& journal, Report& report);

}  // namespace rebottle
