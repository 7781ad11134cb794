// A class statement was run aside: the live class takes over what the new one has.
#pragma once

#include "commit/pour.hpp"

namespace rebottle {

// What the layouts and bases of an outcome's classes become. Those that can't become it are refused: they, and what
// belongs to them, are taken out of the outcome. `ours`: references that the history holds.
void plan_classes(Outcome& outcome, const std::vector<Ref*>& ours, Resolved& result);
void merge_classes(Outcome& outcome, Pour& pour, Resolved& result);
// One that wasn't run aside by its own module: its layout must stay.
void merge_like(const ClassMerge& merge, Outcome& outcome, Pour& pour, Resolved& result);

}  // namespace rebottle
