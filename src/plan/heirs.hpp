// Classes that are made from the fields of others: dataclasses, typed dicts and protocols are made again after those.
#pragma once

#include "plan/plan.hpp"

namespace rebottle {

// Adds the unchanged class statements whose classes inherit fields that the plan changes, in other modules too.
// Cost: a look at the classes derived from each class that is run aside.
void add_heirs(Plan& plan);

}  // namespace rebottle
