// Stages one module of a plan: what its edits leave to be committed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/bindings.hpp"
#include "plan/plan.hpp"
#include "stage/changed.hpp"
#include "stage/outcome.hpp"
#include "stage/policy.hpp"
#include "stage/recorder.hpp"
#include "stage/scope.hpp"
#include "stage/stage.hpp"

namespace rebottle {

// What decides whether a statement can be run in the stage.
struct Deferral {
    Recorder* recorder = nullptr;
    const World* world = nullptr;
    std::set<std::string> names;  // bound by deferred statements, or of objects that these may change
    std::map<std::string, std::set<std::string>> used;  // by scope: what deferred statements read and bind
    std::set<std::string> attributes;                   // class attributes that the update adds, changes or removes
    bool classes = false;                               // whether classes are changed in place
    Changed changed;
};

class ModuleStage {
   public:
    ModuleStage(ModulePlan& plan, std::size_t index, const Request& request, Outcome& outcome, Deferral* deferral)
        : plan_(plan),
          index_(index),
          request_(request),
          outcome_(outcome),
          deferral_(deferral),
          live_(namespace_of(plan.module.get())) {}

    // Adds what is to be evaluated again although it didn't change. To be called first.
    void prepare();
    void run(StagedModule& staged);
    // A module that isn't part of the update takes a renewed value that it imported.
    void take(StagedModule& staged, const std::string& name, const Ref& value);
    // Runs what was deferred, in the live namespace.
    void run_deferred(StagedModule& staged, const std::vector<std::vector<std::size_t>>& paths);
    // Where nothing has to be run.
    void without_running();

   private:
    // --- statements and names (module_stage.cpp)

    void run_statement(Scope& scope, Edit& edit);
    void run_again(Scope& scope, Edit& edit);
    void remove(Scope& scope, Edit& edit);
    static void remove_annotation(const Scope& scope, PyObject* statement);
    // Submodules are bound in their package by the import system, not by a statement.
    void note_gone(const Ref& type, const std::string& where, PyObject* value, Kept kept);
    bool is_submodule(const Scope& scope, const std::string& name, PyObject* value) const;
    // Whether another statement of the new source binds the name.
    bool is_bound_again(Scope& scope, const std::string& name);
    // A statement that was run bound names that a later statement, which isn't run, binds again: from there on they
    // hold what that one gave.
    int last_binder(const Scope& scope, const std::string& name);
    void note_shadowed(const Scope& scope, const Edit& edit);
    void unshadow(Scope& scope, int line);
    static bool is_method(PyObject* value);
    static bool inherits(PyTypeObject* type, const std::string& name);
    bool renew_annotations(const Scope& scope, PyObject* key, PyObject* after);
    // Whether the module's __getattr__ answers for names that it doesn't bind.
    static bool is_supplied(const Scope& scope);
    // Whether a name still holds what the former source bound to it.
    bool is_as_bound(Scope& scope, const Edit& edit, PyObject* live);
    // What the import system says of the module.
    void follow_import_names(Scope& scope);
    // Classes that a statement of another kind, or in another place, made anew stand for those of before.
    void merge_new_classes(Scope& scope, const Edit& edit);
    void merge_new_class(Scope& scope, const Edit& edit, const std::string& name);
    void bind_differences(Scope& scope, const std::vector<Edit>& edits);
    using EditsByName = std::multimap<std::string, const Edit*>;
    static EditsByName edits_by_name(const std::vector<Edit>& edits);
    void describe(Binding& binding, const EditsByName& edits);
    // Errors of the user's code get the place where they happened.
    void step(Scope& scope, Edit& edit, std::size_t index);
    // Whether the statement reads what isn't there before the commit.
    bool must_wait(const Scope& scope, const Edit& edit) const;
    bool may_wait(const PythonError& error) const;
    bool binds_too_early(const Scope& scope, const Edit& edit) const;
    void defer(const Scope& scope, const Edit& edit, std::size_t index);
    void apply(Scope& scope, Edit& edit);

    // --- functions (stage_functions.cpp)

    // Replaces unchanged default values by names bound to the live ones.
    void keep_defaults(Scope& scope, PyObject* old, PyObject* copy, PyFunctionObject* live);
    static Ref live_default(PyFunctionObject* live, const std::string& parameter);
    static void replace_default(PyObject* function, PyObject* node, PyObject* replacement);
    void evaluate_function(Scope& scope, Edit& edit);
    // The kind of change of a function whose code is the same: none, unless all functions are to be renewed.
    std::string unchanged_kind() const { return request_.force == Force::none ? "" : "function-code"; }
    Swap swap_for(const Edit& edit, PyCodeObject* old_code, PyCodeObject* now_code) const;
    // Code of functions follows without running anything.
    void bodies(Edit& edit);
    // All functions in a block, a class or an assignment; the chunk's code is compared as a whole.
    void outermost_pairs(const Edit& edit, PyCodeObject* old_root, PyCodeObject* now_root);

    // --- classes (stage_classes.cpp)

    // Classes moved, or some of their functions changed: what inspect reads follows, that of nested ones too.
    void class_lines(const Edit& edit);
    void member_follows(const Ref& live, PyObject* dict, const char* name, Ref value);
    // Definitions of one name that build on each other (a property and its setter) are evaluated together.
    static void evaluate_together(std::vector<Edit>& members);
    void change_members(Scope& outer, Edit& edit);
    void run_aside(Scope& scope, Edit& edit);
    // The namespaces of decorators that the class has no more.
    std::vector<Ref> removed_decorators(const Edit& edit) const;
    // Methods of a class that was run aside: their code is that of the run.
    void member_swaps(const Edit& edit, PyCodeObject* root);
    // Data of a class run aside stays unless its statement was edited and the policy replaces it.
    // Names that are gone from the source of a class run aside, and are to go from the class.
    void take_out_members(const Edit& edit, ClassMerge& merge);
    void stand_for(const Ref& staged, const std::string& name, PyObject* live);
    void keep_class_data(const Edit& edit, ClassMerge& merge);

    // Classes whose making ran code that changed (made_earlier.cpp).
    void list_made_earlier();
    void list_made_by_class(const Edit& edit);
    void list_decorated(const std::string& decorator);
    void list_earlier(PyObject* type, const std::string& hook);

    // --- living instances (stage_instances.cpp)

    // Attributes that edited classes give to new instances; `names` is the namespace in which constants are looked up.
    void instances(const std::vector<Edit>& edits, PyObject* names);
    void attributes_of_init(const Ref& live, const Edit& init, const std::string& where, PyObject* names);
    static Ref given_value(PyObject* init, PyObject* node, PyObject* names);
    static std::set<std::string> local_names(PyObject* function);
    // New fields of a dataclass.
    void fields_of(const Ref& live, PyObject* staged, const std::string& where);
    // Tuples keep their length: those of a NamedTuple that got fields are listed.
    void list_short_tuples(const Ref& live, PyObject* staged, const std::string& where);
    void make_fields(const Ref& live, PyObject* name, const Ref& factory);

    // --- data (stage_data.cpp)

    void keep(const Edit& edit, const std::string& name, const std::string& why);
    static Ref value_node(const Statement& statement);
    // Whether the policy has a say: the names hold data now, and the source still binds data to them.
    bool is_policy_data(Scope& scope, const Edit& edit);
    Policy policy_of(const Edit& edit) const;
    void change_data(Scope& scope, Edit& edit);
    // `x: int = 1` whose value stays: the annotation alone is run.
    void follow_annotation(Scope& scope, const Edit& edit);
    void merge_data(Scope& scope, Edit& edit);
    // An edited table with lambdas in it: they follow, whatever the policy does to the rest; false where that can't be
    // told without running something.
    bool change_lambdas(Scope& scope, Edit& edit, Policy policy);
    // Three ways: what the former source, the new one and the program say.
    void merge_values(Scope& scope, const std::string& name, const std::string& where, const Ref& old_value,
                      const Ref& now_value);
    // What the former source would give, or nothing.
    static Ref old_value_of(Scope& scope, const Edit& edit, const Ref& expression);
    // What an expression without side effects gives in the stage, with the live functions in it.
    static Ref pure_value(Scope& scope, const Ref& expression, int offset);
    // `X = …` with `X += …` after it: the policy decides about what all of them give together. False where that isn't
    // so, or can't be told without side effects.
    bool change_chain(Scope& scope, const Edit& edit, const std::string& name);
    // Those of `statements` that bind the name, if they are such a chain.
    std::vector<Statement> chain_of(std::vector<Statement> statements, const std::string& name) const;
    bool is_chain(const std::vector<Statement>& statements) const;
    // Whether a chain has settled what an augmented assignment binds.
    bool is_settled(const Edit& edit) const;
    // Whether the right side is without side effects, and no builtin that it calls is one of the module's own names.
    bool is_harmless(PyObject* expression) const;
    // Whether it calls one of the module's own names.
    bool calls_own(PyObject* expression) const;

    // --- unchanged statements (stage_again.cpp)

    // Data that _reload_data, _reload_all_data or the policy names one by one.
    void add_named(std::vector<Edit>& edits, const std::vector<Statement>& statements, const std::string& path,
                   bool all);
    void add_named_class(std::vector<Edit>& edits, const Statement& statement, const std::string& where, bool all);
    bool is_named_class(const Statement& statement, const std::string& where) const;
    // Statements after `line` that read a renewed name are derived from it: they are run again or listed.
    void add_derived(Scope& scope, std::vector<Edit>& edits, const std::vector<Statement>& statements,
                     const std::string& name, int line);
    void run_derived(Scope& scope, Edit& edit);
    void list_derived(const std::string& path, const Statement& statement, const std::string& why);
    void list_callers(const std::vector<Edit>& edits);
    // `del name` after a statement that binds it anew, for the time of the import only: it is run again.
    void add_deletions(Scope& scope, std::vector<Edit>& edits, const std::string& name, int line);
    void delete_again(Scope& scope, const Edit& edit);
    // The edit of an unchanged statement: the one there is, or a new one in its place.
    Edit& place(std::vector<Edit>& edits, const Statement& statement, const std::string& path);
    // Runs the edits of a scope in order; what is derived from renewed names joins them.
    void run_all(Scope& scope, std::vector<Edit>& edits);
    std::vector<Statement> readers(const Scope& scope, const Statement& around, const std::string& name) const;

    ModulePlan& plan_;
    std::size_t index_;
    const Request& request_;
    Outcome& outcome_;
    Deferral* deferral_;                                        // NULL at the commit: everything is run then
    std::vector<std::size_t> path_;                             // classes around the statement at hand
    const std::set<std::vector<std::size_t>>* only_ = nullptr;  // at the commit: what was deferred
    PyObject* live_;
    Bindings bindings_now_{plan_.now, plan_.now.path, plan_.flags};
    Bindings bindings_before_{plan_.record->version, plan_.now.path, plan_.flags};
    const std::vector<Edit>* edits_here_ = nullptr;  // of the scope that is being staged
    Statement around_;                               // the class statement whose members are being staged
    Statement former_around_;                        // its former version
    std::set<std::string> merged_;                   // where the policy merged data
    std::set<std::string> chained_;                  // where a chain of assignments is settled
    std::set<std::string> taken_;                    // imported names whose value was renewed
    std::set<std::string> listed_;                   // derived statements in the report
    Marks marks_;
    std::vector<std::string> placeholders_;
    std::map<std::string, int> shadowed_;    // name -> line of the statement that binds it last
    std::map<std::string, bool> evaluated_;  // where -> its decorators changed
};

// The kind of change that an edit is reported as.
std::string change_kind(const Edit& edit);

// The live functions of a definition of the former source, by its compiled code.
std::vector<PyFunctionObject*> live_functions(PyCodeObject* old_code, const std::string& file, PyObject* globals);

// Takes out what classes inherit from now on, and tells what stays. To be called when everything is staged.
void settle_gone(Outcome& outcome);

}  // namespace rebottle
