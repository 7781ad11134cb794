// Tables whose content the stage made: what stands for a live object in them gives way to it.
#pragma once

#include <map>

#include "commit/resolve.hpp"

namespace rebottle {

using Bottles = std::map<PyObject*, Ref>;  // staged object -> the live one it stands for

void map_items(PyObject* table, const Bottles& bottles);

// The new content of tables is a copy that nobody else has: staged objects in it give way at once, before it is swapped
// in.
void settle_tables(const Resolved& resolved, const Bottles& bottles);

}  // namespace rebottle
