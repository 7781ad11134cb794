// One reload, from the plan to the report.
#pragma once

#include "engine/history.hpp"
#include "rebottle/request.hpp"

namespace rebottle {

// Errors: UpdateFailure; PythonError for KeyboardInterrupt.
Report reload(const Request& request, History& history);
// Only what it would do.
Report dry_reload(const Request& request);

}  // namespace rebottle
