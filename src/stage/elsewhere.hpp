// Data of other modules that was made from what this update changes.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// Names of functions whose code changed, and of classes whose instances are made in another way.
void collect_changed(const std::vector<Edit>& edits, std::set<std::string>& names);

// Lists unchanged assignments that read renewed data as an attribute of its module, or that call a
// function or class whose code changes, imported or as an attribute. Cost: one look at the names of all recorded
// modules, then the text of those that hold one of the modules or definitions.
void list_elsewhere(const Plan& plan, Outcome& outcome);

}  // namespace rebottle
