// Turns what a snippet rebound into writes: whoever holds a replaced object follows.
#pragma once

#include "commit/resolve.hpp"
#include "stage/hotfix.hpp"

namespace rebottle {

struct ResolvedHotfix {
    Resolved resolved;
    std::vector<std::pair<Ref, Binding>> stand_ins;  // code that stands in for a definition from now on
};

// Runs no Python code of the program. Errors: MemoryError.
ResolvedHotfix resolve_hotfix(Snippet& snippet);

}  // namespace rebottle
