// One rollback: an update of the history is taken back.
#pragma once

#include "engine/history.hpp"

namespace rebottle {

// `id`: 0 for the last one in force. `cascade`: later updates of the same definitions go back first. Errors:
// UpdateFailure.
Report rollback(std::uint64_t id, bool cascade, History& history);
// The update of this report: nothing is to be done where it changed nothing, and there is none where it failed.
Report rollback(const Report& report, bool cascade, History& history);

}  // namespace rebottle
