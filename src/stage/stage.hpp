// Runs what an update must run, away from the live program.
#pragma once

#include "plan/plan.hpp"
#include "stage/outcome.hpp"
#include "stage/world.hpp"

namespace rebottle {

// The user's code failed while it was staged (or at the commit); nothing of the update is in force.
struct ExecutionError {
    std::string module;
    std::string where;
    std::string file;
    int line = 0;
    PythonError cause;
};

// Stages a plan: what has to be run is run in `world`. Errors: ExecutionError.
Outcome stage(Plan& plan, const Request& request, World& world);

}  // namespace rebottle
