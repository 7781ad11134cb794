// Runs statements in the namespace of a module or of a class, staged.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"
#include "code/statement.hpp"
#include "plan/plan.hpp"
#include "stage/world.hpp"

namespace rebottle {

// Where statements are run: a module, or a class of it that is changed in place.
class Scope {
   public:
    // A module's scope.
    Scope(const ModulePlan& plan, StagedModule& staged);
    // A class scope within `outer`; `statement` is the class statement of the new source.
    Scope(const Scope& outer, const Statement& statement, Ref live_class);

    // Whether statements are run in the live namespace: at the commit.
    bool is_live() const { return staged_.ns.get() == staged_.live && !is_class(); }
    bool is_class() const { return static_cast<bool>(type_); }
    PyObject* type() const { return type_.get(); }
    PyObject* names() const { return names_.get(); }    // staged
    PyObject* before() const { return before_.get(); }  // staged, as it was at the start
    // The names as the former source left them, as far as known; to be compared with what is live.
    PyObject* former() const { return former_.get(); }
    PyObject* former_globals() const { return former_globals_.get(); }
    const std::string& path() const { return path_; }
    const ModulePlan& plan() const { return plan_; }
    StagedModule& staged() const { return staged_; }
    std::string where(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

    // Runs statement nodes as if they stood in this scope; `offset` is what to add to their lines. Returns the compiled
    // code, with lines of the file. Errors: whatever the statements raise.
    Ref run(const std::vector<Ref>& nodes, int offset);
    // The value of an expression without side effects, as a statement of this scope would have it; its code as well, so
    // that functions which it made can be told from others. In the staged namespaces, or in those of the former source.
    struct Value {
        Ref object;
        Ref root;
    };
    enum class When { staged, former };
    Value value_of(const Ref& expression, int offset, When when);
    // What statements without side effects leave under a name, run in a copy of the staged namespace (with the live
    // functions in it) or in one of the former source's.
    Ref result_of(const std::vector<Ref>& nodes, const std::string& name, When when);
    // A copy of staged names with the live functions in place of their twins.
    Ref with_originals(PyObject* names) const;
    // Under which key a name is in the namespace.
    std::string key(const std::string& name) const;
    // Whether a statement of the class body, in the new source, binds the name.
    bool binds(const std::string& name) const;
    // The value of an expression in this scope.
    Ref evaluate(PyObject* expression, int offset);

   private:
    // The compiled statements, within the class headers around; lines as in the file.
    Ref compiled(const std::vector<Ref>& nodes, int offset) const;
    void execute(const Ref& root, PyObject* globals, PyObject* names) const;
    PyCodeObject* class_body(PyObject* root) const;

    const ModulePlan& plan_;
    StagedModule& staged_;
    std::vector<Ref> headers_;  // class statements around, outermost first
    std::string path_;
    Ref type_;
    Ref names_;
    Ref before_;
    Ref former_;
    Ref former_globals_;
};

}  // namespace rebottle
