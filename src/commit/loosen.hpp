// What the history doesn't hold: functions, classes and namespaces that a write is about, and what it left as it was.
#pragma once

#include "commit/write.hpp"

namespace rebottle {

// A weak reference to the module whose namespace this is; the dict itself where it is none's.
Ref weak_namespace(PyObject* dict);
// The dict that this stands for; nothing where the module is gone.
Ref namespace_behind(const Ref& reference);

// Makes one write of those to one place; makes the writes hold what they are about weakly, and nothing that they didn't
// change. Those of functions remember of the content that was written its code, and the number of its dict.
void loosen(Journal& journal) noexcept;
// Holds an instance weakly from now on, where that is possible; such a reference is told from those of the program.
void loosen_instance(Ref& object);
bool is_own_weak_reference(PyObject* object);
// The number of an object that isn't held.
Ref number_of(const void* object);

}  // namespace rebottle
