// A class statement was run aside: the live class takes over what the new one has.
#pragma once

#include "commit/pour.hpp"

namespace rebottle {

void merge_class(const ClassMerge& merge, Outcome& outcome, Pour& pour, Resolved& result);

}  // namespace rebottle
