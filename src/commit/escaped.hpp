// Objects that the stage made and that got out of it: whoever holds one gets the live object that it stands for.
#pragma once

#include "commit/resolve.hpp"

namespace rebottle {

void replace_escaped(Outcome& outcome, Resolved& resolved);

}  // namespace rebottle
