// Code on its way from a loader to the interpreter: the audit events of compile() and exec() show it.
#pragma once

#include <functional>
#include <string>

#include "base/python.hpp"

namespace rebottle {

struct Caught {
    Ref code;    // of a module, or nothing
    Ref source;  // what was compiled last before it: bytes, or an ast.Module; nothing where the code came ready made
};

// Sees the code of modules as they are executed, whatever loader made it. Threads: GIL held. Cost: some tens of
// nanoseconds for each audit event.
class CodeCatcher {
   public:
    using Report = std::function<void(const std::string& module, Caught caught)>;
    // Starts to watch; `report` is called for each expected module, in the thread that is about to execute it.
    static void start(Report report);
    // The module was put into sys.modules by this thread: the next code of a module that it executes is that of
    // `module`. `wanted` tells whether it is to be reported.
    static void expect(const std::string& module, bool wanted);
};

// What `work` compiles; `code` is what it returns. Errors: those of `work`.
Caught catch_compiled(const std::function<Ref()>& work);
// What `work` would execute: the first code of a module that it hands to exec() is caught, not run. Errors: those of
// `work`.
Caught catch_executed(const std::function<Ref()>& work);

}  // namespace rebottle
