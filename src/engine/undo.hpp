// One rollback: an update of the history is taken back.
#pragma once

#include "engine/history.hpp"

namespace rebottle {

// `id`: 0 for the last one in force. `cascade`: later updates of the same definitions go back first. Errors:
// UpdateFailure.
Report rollback(std::uint64_t id, bool cascade, History& history);

}  // namespace rebottle
