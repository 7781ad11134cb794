// One hotfix, from the text to the report.
#pragma once

#include <string>

#include "engine/history.hpp"

namespace rebottle {

// Errors: UpdateFailure; PythonError for KeyboardInterrupt.
Report hotfix(const std::string& text, const std::string& name, History& history);

}  // namespace rebottle
