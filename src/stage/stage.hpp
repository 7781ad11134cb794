// Runs what an update must run, away from the live program.
#pragma once

#include "plan/plan.hpp"
#include "stage/outcome.hpp"
#include "stage/world.hpp"

namespace rebottle {

// Stages a plan: what has to be run is run in `world`. Errors: ExecutionError.
Outcome stage(Plan& plan, const Request& request, World& world);

// Lets go, after the commit, of what only the stage holds: twins of functions and what was mapped onto live objects.
// What frames and functions begun in the stage may still look up stays. Runs destructors.
void drop_staged(Outcome& outcome, World& world);

// Runs, after the first writes of the commit, the statements that could not be staged: in the live namespaces,
// journaled. Errors: ExecutionError; what they did is undone then.
Outcome run_deferred(Plan& plan, const Request& request, const std::vector<Deferred>& deferred);

}  // namespace rebottle
