// The part of a commit that lays instances out anew.
#pragma once

#include <functional>
#include <vector>

#include "commit/relay.hpp"
#include "engine/history.hpp"

namespace rebottle {

// Does a move whose refusals were looked at, as part of an update. Errors: PythonError; nothing is changed then.
void move_instances(Relay& relay, const std::vector<LayoutChange>& layouts, Past& past);
// Where the engine refers to objects of the program.
using FindReferences = std::function<std::vector<Ref*>()>;

// Takes the writes and the moves of an update back that doesn't come to its end: what was written after the moves, the
// moves, and the rest. Where the program holds an instance out of sight by now, the moves stay, and sys.unraisablehook
// is told.
void take_writes_back(Past& past, const FindReferences& references) noexcept;

}  // namespace rebottle
