// What staging left to be committed: nothing of it has touched the live program yet.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/python.hpp"
#include "code/statement.hpp"
#include "rebottle/report.hpp"
#include "stage/created.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// The functions of one definition take new code, and what `evaluated` has beside it.
struct Swap {
    std::string module;
    std::string where;  // qualified name in the module
    std::string file;
    PyObject* dict = nullptr;  // the module's, borrowed: functions of other namespaces aren't meant
    Ref old_code;              // as compiled from the former source, or the live code itself
    Ref now_code;
    Statement old;
    Statement now;
    std::string kind;  // of the change; "" where only positions changed
    int line = 0;
};

// What a statement makes of the name that it binds: a function (also a lambda) or class, or something else.
enum class Sort { none, definition, import_, other };

// A name of a module or class took another value in the stage; which object ends up there is decided at the commit.
struct Binding {
    Ref owner;  // the module object, or the class
    Ref name;
    Ref before;  // nothing: the name is new
    Ref after;   // nothing: the name is removed
    std::string module;
    std::string where;
    std::string kind;  // of the change
    int line = 0;
    Sort was = Sort::none;  // by the former source's statement
    Sort is = Sort::none;
    bool decorated = false;  // by the former source
    bool decorators_changed = false;
    std::vector<std::pair<Ref, Ref>> importers;  // namespaces that imported it and follow, and the names there

    std::string place() const { return module + "." + where; }
};

// A class statement was run aside.
struct ClassMerge {
    Ref live;
    Ref staged;
    std::string module;
    std::string where;
    std::vector<std::string> old_names;   // bound by the former source's class body
    std::vector<std::string> gone_names;  // of these, those that are taken out
    std::vector<std::string> kept_names;  // data that stays as it is
    std::vector<Ref> removed_makers;  // namespaces of decorators that are gone: so are the functions that they added
    std::vector<Ref> gone_literals;   // of the former statement: entries of registries under such keys are gone
    std::string file;
    int line = 0;

    std::string place() const { return module + "." + where; }
};

// A member of a class that the new source lacks: it is taken out where the class inherits another one then.
struct GoneMember {
    Ref type;
    Binding binding;  // that takes it out
    Kept kept;        // what is told where it stays; nothing of a class that is run aside
};

// A renewed table: the live object takes the content of `content`.
struct Renewal {
    Ref live;
    Ref content;
    std::string where;
};

// A statement that could not be run in the stage: it enters code that the update replaces.
struct Deferred {
    std::size_t module;             // index in the plan
    std::vector<std::size_t> path;  // indices of edits: classes around it, then itself
};

// An attribute that living instances are given, each its own copy.
struct Gift {
    Ref type;
    Ref name;
    Ref value;  // nothing: new instances compute it
    std::string where;
    bool by_init = false;  // instances of subclasses get it where their __init__ calls this one
};

// An attribute that was made for one instance.
struct Given {
    Ref object;
    Ref name;
    Ref value;
};

// A live function takes all that a staged one has.
struct FunctionPour {
    Ref live;
    Ref staged;
    std::string place;
    std::string file;
    int line = 0;
};

struct Outcome {
    std::vector<Swap> swaps;
    std::vector<FunctionPour> pours;
    std::vector<Binding> bindings;
    std::vector<ClassMerge> merges;
    std::vector<GoneMember> gone_members;
    std::vector<Renewal> renewals;
    std::vector<Change> changes;
    std::vector<Kept> kept;
    std::vector<Refusal> refusals;
    std::vector<Gift> gifts;
    std::vector<Given> given;
    std::vector<Ref> reshaped;              // live classes whose instances have other attributes
    std::vector<Ref> shaped;                // live classes whose members changed
    std::map<PyObject*, Ref> bottles;       // staged object (held elsewhere) -> the live object that it stands for
    std::map<PyObject*, Ref> live_globals;  // staged namespace -> the live one
    Touches touches;                        // what was done to objects of others
    std::set<PyObject*> born;               // owners of touches that were made while staging, held by them
    std::vector<Deferred> deferred;         // in the order in which they are to be run
    Created created;
    std::map<PyObject*, Ref> made_with;     // evaluated function -> its attributes when its definition was through
    std::vector<Ref> held;                  // keeps staged objects alive until the commit is over
    std::vector<PyObject*> staging_holds;   // one entry for each reference that only the stage holds, borrowed
    std::vector<PyObject*> our_containers;  // containers that only the engine holds, borrowed
};

}  // namespace rebottle
