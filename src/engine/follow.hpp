// What follows an update beside the definitions: lines of code that only moved, remembered text, sys.modules.
#pragma once

#include <string>
#include <vector>

#include "commit/write.hpp"
#include "plan/plan.hpp"

namespace rebottle {

// Code and classes that only stand elsewhere get their new lines; the text that tracebacks and inspect show is the new
// one.
void follow_places(const ModulePlan& module, Journal& journal);

// Takes modules out of sys.modules and of their parent packages.
void remove_modules(const std::vector<std::string>& names, Journal& journal);

}  // namespace rebottle
