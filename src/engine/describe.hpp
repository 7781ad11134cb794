// A plan in the words of a report: what would change, what would stay, what only running would tell.
#pragma once

#include "plan/plan.hpp"

namespace rebottle {

void describe(const Plan& plan, const Request& request, Report& report);

}  // namespace rebottle
