// What follows an update beside the definitions: lines of code that only moved, remembered text, sys.modules.
#pragma once

#include <string>
#include <vector>

#include "commit/write.hpp"
#include "plan/plan.hpp"

namespace rebottle {

// The code that only stands elsewhere in the new source gets its new lines. To be called before staging: the code that
// staging makes has them already.
Journal moved_code(const std::vector<ModulePlan>& modules);

// Classes that only stand elsewhere get their new lines; the text that tracebacks and inspect show is the new one.
void follow_places(const ModulePlan& module, Journal& journal);

// Takes modules out of sys.modules and of their parent packages.
void remove_modules(const std::vector<std::string>& names, Journal& journal);

}  // namespace rebottle
