// What class creation gives to the members of a class whose body is run member by member.
#pragma once

#include "stage/scope.hpp"

namespace rebottle {

// Completes the staged names of a class scope: implicit class and static methods, ``__hash__ = None`` beside a new
// ``__eq__``,
// ``__set_name__`` of new descriptors. Errors: whatever a ``__set_name__`` raises.
void complete_members(const Scope& scope);

}  // namespace rebottle
