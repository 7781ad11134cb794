// A class statement was run aside: the live class takes over what the new one has.
#pragma once

#include "commit/pour.hpp"

namespace rebottle {

// Those of an outcome; their layouts first. `ours`: references that the history holds.
void merge_classes(Outcome& outcome, const std::vector<Ref*>& ours, Pour& pour, Resolved& result);
// One that wasn't run aside by its own module: its layout must stay.
void merge_like(const ClassMerge& merge, Outcome& outcome, Pour& pour, Resolved& result);

}  // namespace rebottle
