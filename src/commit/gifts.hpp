// Living instances of an edited class: attributes that they are given, and their class's `__update__`.
#pragma once

#include <vector>

#include "commit/resolve.hpp"

namespace rebottle {

// Appends the writes that give living instances what every new one has; lists what can't be given.
void give_attributes(const Outcome& outcome, Resolved& result);

// A living instance of a class that changes its shape, and what it holds before the update.
struct Reshaped {
    Ref object;
    Ref before;  // a dict
};
std::vector<Reshaped> reshaped_instances(const Resolved& resolved);

// Calls `__update__(old)` of each, after the commit; what it changes in the instance is added to the journal. Errors:
// the user's.
void call_update_hooks(const std::vector<Reshaped>& instances, Journal& journal);

}  // namespace rebottle
