// Modules outside of the update that hold what it renews: they imported it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/python.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// A module that took a renewed value under a name.
struct Taker {
    std::string module;
    Ref object;
    std::string as;
    Ref value;
};

// Completes the bindings from `first` on: modules that imported renewed data follow, and modules that star-import a
// module get its new names. Returns who took renewed data.
std::vector<Taker> add_importers(Outcome& outcome, std::size_t first);
// Only the first of the two.
void add_takers(Outcome& outcome);

}  // namespace rebottle
