// Names that go while frames in flight still read them.
#pragma once

#include <vector>

#include "code/code.hpp"

namespace rebottle {

struct GoneName {
    PyObject* names;  // the namespace of a module, borrowed
    PyObject* key;    // borrowed
    PyObject* value;  // borrowed: what it was bound to
};

// Frames in flight of functions with these namespaces go on finding the names, each where its code mentions them, and
// nobody else does: a frame looks into its builtins last, and gets some of its own. Suspended frames are looked for
// where code in `replaced`, or replaced earlier, is a generator's and mentions a name. Threads: GIL held; runs no
// Python code. Errors: MemoryError.
void keep_names(const std::vector<GoneName>& gone, const CodeMap& replaced);

}  // namespace rebottle
