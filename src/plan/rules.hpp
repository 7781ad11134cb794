// The rules of what is refused: stable ids, the reason, what to do instead. docs/limits.md is made from this table.
#pragma once

#include <string>
#include <vector>

#include "rebottle/report.hpp"

namespace rebottle {

struct Rule {
    const char* id;
    const char* what;  // what can't be done
    const char* why;
    const char* what_to_do;
};

const std::vector<Rule>& rules();
// A refusal by a rule of the table; `detail` is added to the reason.
Refusal refusal(const std::string& rule, const std::string& where, const std::string& detail = "",
                const std::string& file = "", int line = 0);

}  // namespace rebottle
