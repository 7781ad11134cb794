// What the interpreter and its library derive from classes: sets of abstract methods, remembered answers of
// isinstance().
#pragma once

#include <vector>

#include "commit/write.hpp"

namespace rebottle {

// Computes the abstract methods of these classes and of their subclasses again, after a commit, and drops what was
// derived from them. Returns the writes that it did. Runs no Python code of the program. Errors: PythonError; nothing
// is changed then.
// `everywhere`: a class may have lost what made it count as another one's subclass.
Journal renew_derived(const std::vector<Ref>& classes, bool everywhere);

// Makes functools.singledispatch look its functions up again. Runs no Python code.
void forget_dispatched();

// Whether a journal takes members away or changes a __subclasshook__.
bool loses_members(const Journal& journal);

// The classes whose members, bases or type a journal changes.
std::vector<Ref> changed_classes(const Journal& journal);

}  // namespace rebottle
