#include "plan/rules.hpp"

#include <algorithm>

namespace rebottle {

const std::vector<Rule>& rules() {
    static const std::vector<Rule> table = {
        {"disabled", "Any update while REBOTTLE_DISABLE=1 is set",
         "updates are switched off by the environment variable REBOTTLE_DISABLE",
         "unset REBOTTLE_DISABLE and start the program again"},
        {"shutting-down",
         "An update after the last atexit handler, or by another thread than the one that ends the interpreter",
         "the interpreter ends", "update earlier, or in an atexit handler"},
        {"held", "An update from inside one's own hold()",
         "this thread holds updates off itself, it would wait for ever",
         "leave the `with rebottle.hold():` block first"},
        {"nested-update", "An update begun by the thread that is in the middle of one",
         "this thread is in the middle of an update (a new statement, a hook, a signal handler)",
         "call it when the outer update is over"},
        {"sub-interpreter", "Any use in a sub-interpreter", "the engine works in the main interpreter only",
         "import rebottle, or call the engine, in the main interpreter"},
        {"second-engine", "A host's engine and the Python package's own in one process",
         "another copy of the engine is attached to this interpreter",
         "let the host call rebottle::Engine::create before any script imports rebottle; scripts then share its "
         "engine"},
        {"interpreter-gone", "Calls of a C++ host without a running interpreter", "there is no running interpreter",
         "call rebottle::Engine::create after Py_Initialize, and nothing of the engine after Py_Finalize"},
        {"interpreter-again",
         "An interpreter that was initialised after an earlier one, with the engine attached, was finalized",
         "this process has finalized the interpreter that the engine was made for", "start a new process"},
        {"not-a-module", "A name in sys.modules that is no module object",
         "what sys.modules has under this name is no module object",
         "reload the module that put it there, or hand the text over with sources= under the module's real name"},
        {"compiled-module", "Built-in, frozen and extension modules",
         "it is compiled, there is no Python source to update it from", "restart the program with the new build"},
        {"bytecode-statement", "Other top-level code of a module that comes as bytecode alone",
         "there is no source text: functions and classes are matched by name, but other top-level code changed",
         "ship the source text, or hand it over with sources="},
        {"class-layout",
         "Other slots where a living instance can't be laid out anew: it is held out of sight, or has a built-in "
         "base's "
         "storage",
         "its instances are laid out in another way", "let the instances go first, or keep __slots__, or restart"},
        {"class-metaclass", "A metaclass with storage or compiled code of its own",
         "the new metaclass lays classes out in another way", "restart to change this metaclass"},
        {"class-bases", "Bases that Python refuses for a live class",
         "the interpreter refuses the new bases for a live class",
         "keep the order and the kind of the bases, or restart"},
        {"rollback-order", "Undoing an update while later ones touched the same definitions",
         "later updates touched the same definitions", "undo those first, or pass cascade=True"},
        {"rollback-gone", "Undoing an update twice, or one that is no longer kept",
         "this update isn't in force any more", "history() shows which ones are"},
        {"user-comparison", "A key whose own __hash__ or __eq__ would have to run in the middle of a commit",
         "a dict or set that must be rewritten has keys with a __hash__ or __eq__ written in Python",
         "use keys of built-in types in this table, or restart"},
    };
    return table;
}

Refusal refusal(const std::string& rule, const std::string& where, const std::string& detail, const std::string& file,
                int line) {
    const auto found = std::find_if(rules().begin(), rules().end(), [&](const Rule& each) { return rule == each.id; });
    const std::string why = found == rules().end() ? "" : found->why;
    const std::string what_to_do = found == rules().end() ? "" : found->what_to_do;
    return {rule, where, detail.empty() ? why : why + ": " + detail, what_to_do, file, line};
}

}  // namespace rebottle
