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
    // Whether a statement of the class body, in the new source, binds the name.
    bool binds(const std::string& name) const;
    // The value of an expression in this scope.
    Ref evaluate(PyObject* expression, int offset);

   private:
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
