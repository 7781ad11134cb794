// What differs between versions inside src/compat: one .cpp per minor version defines it.
#pragma once

#include "base/python.hpp"

struct _PyInterpreterFrame;

namespace rebottle::compat {

_PyInterpreterFrame* current_frame(PyThreadState* thread);
PyCodeObject* code_of(_PyInterpreterFrame* frame);

}  // namespace rebottle::compat
