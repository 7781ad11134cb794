// What an update would do: the differences between two versions of modules, found without running anything.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/python.hpp"
#include "code/code.hpp"
#include "code/statement.hpp"
#include "rebottle/report.hpp"
#include "rebottle/request.hpp"
#include "source/modules.hpp"

namespace rebottle {

// One edited, added or removed statement of a module or a class body.
struct Edit {
    enum class Kind {
        lines,     // only positions
        body,      // only bodies of functions: nothing is run
        function,  // a function that has to be evaluated
        members,   // a class changed in place: see `members`
        aside,     // a class statement that is run again as a whole
        data,      // an edited assignment: the policy decides
        run,       // a new or changed statement of another kind
        again,     // an unchanged statement that is run again: data named by _reload_data, derived constants
        gone,
    };

    Kind kind = Kind::run;
    Statement old;  // may be missing
    Statement now;  // may be missing
    Ref old_root;   // compiled top-level statements that hold them, with lines of the file
    Ref now_root;
    bool whole = false;  // the roots are those of the modules, which came as bytecode
    std::string where;   // qualified name in the module; "" for statements without a name
    std::vector<Edit> members;
    std::string
        reads;  // of `again`: the renewed name that the unchanged statement reads; "" where the data was named itself

    int line() const { return now ? now.line : 0; }
};

// Lines [first, last] of the former version stand `by` lines further on.
struct LineMove {
    int first;
    int last;
    int by;
};

// Of a module that is still being executed.
struct Unreached {
    std::optional<Version> recorded;  // what it consists of after the update: the rest of it is the former version's
    // Code that moves by a number of lines: the rest of the module's own, with what that is still to make.
    std::vector<std::pair<Ref, int>> lines;
};

struct ModulePlan {
    std::string name;
    Ref module;
    ModuleRecord* record = nullptr;
    Version now;
    int flags = 0;
    std::vector<Edit> edits;
    std::vector<LineMove> moves;
    std::vector<Refusal> refusals;
    std::vector<Kept> kept;
    Ref import_names;           // see changed_import_names
    bool other_future = false;  // its `from __future__` lines changed
    Unreached unreached;
    bool changed() const { return !edits.empty() || !moves.empty() || import_names; }
};

struct Plan {
    std::vector<ModulePlan> modules;
    std::list<ModulePlan> followers;  // modules outside of the update that imported what it renews
    std::vector<std::string> unchanged;
    std::vector<std::string> gone;  // modules to be taken out
    std::vector<Refusal> refusals;
    std::vector<Kept> kept;
    double read = 0;     // seconds
    double compile = 0;  // seconds
};

// The class object that the class statement `path` of a module made, or nothing.
Ref live_class(PyObject* module_dict, const std::string& path);
// The value bound in a module or class by a path of names, looked up in dicts only; nothing where there is none.
Ref live_value(PyObject* module_dict, const std::string& path);

// Reads, compiles and compares. Errors: SourceError; ValueError or the like for arguments.
Plan plan(const Request& request);
// Where a module is still being executed, takes out what it hasn't come to.
void leave_out_unreached(ModulePlan& plan);
// Compares the recorded version of one module with `now`.
ModulePlan compare(ModuleRecord& record, Version now, const Request& request);

}  // namespace rebottle
