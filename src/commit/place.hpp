// What a write is about.
#pragma once

#include <string>
#include <utility>

#include "commit/write.hpp"

namespace rebottle {

// Of several writes to one place, the last one counts.
using Place = std::pair<const void*, std::string>;
Place place_of(const Write& write);

// Makes one write of several to one place, from what was before the first to what is after the last.
void join_places(Journal& journal);

}  // namespace rebottle
