// Data: the policy decides what becomes of an edited assignment.
#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "plan/reading.hpp"
#include "stage/lambdas.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

void ModuleStage::keep(const Edit& edit, const std::string& name, const std::string& why) {
    const std::size_t dot = edit.where.rfind('.');
    const std::string place = dot == std::string::npos ? name : edit.where.substr(0, dot + 1) + name;
    outcome_.kept.push_back({plan_.name + "." + place, why, plan_.now.path, edit.line()});
}

Ref ModuleStage::value_node(const Statement& statement) {
    const Ref value = attribute(statement.node.get(), "value");
    return value.get() == Py_None ? Ref() : value;
}

bool ModuleStage::is_policy_data(Scope& scope, const Edit& edit) {
    const Ref value = value_node(edit.now);
    if (!value || is_node(value.get(), "Lambda")) return false;
    for (const std::string& name : edit.now.binds) {
        PyObject* live = dict_get(scope.before(), name);
        if (live == nullptr || !is_data(live) || always_follows(name)) return false;
    }
    if (edit.now.binds.empty()) return false;
    if (is_node(value.get(), "Name") || is_node(value.get(), "Attribute"))
        return is_data(scope.evaluate(value.get(), edit.now.offset).get());
    return true;
}

Policy ModuleStage::policy_of(const Edit& edit) const {
    for (const std::string& name : edit.now.binds)
        if (marks_.names_data(name)) return Policy::replace;
    return policy_for(request_, plan_.name, edit.where);
}

void ModuleStage::change_data(Scope& scope, Edit& edit) {
    if (plan_.other_future && edit.old && same_tree(edit.old.node.get(), edit.now.node.get())) {
        follow_annotation(scope, edit);
        return;
    }
    if (edit.now.binds.size() == 1 && change_chain(scope, edit, edit.now.binds.front())) return;
    if (!is_policy_data(scope, edit)) {
        if (const Ref before = value_node(edit.old); before && is_harmless(before.get()))
            old_value_of(scope, edit, before);
        run_statement(scope, edit);
        return;
    }
    const Policy policy = policy_of(edit);
    if (policy == Policy::replace) {
        if (const Ref before = value_node(edit.old); before && is_harmless(before.get()))
            old_value_of(scope, edit, before);
        run_statement(scope, edit);
        return;
    }
    follow_annotation(scope, edit);
    if (change_lambdas(scope, edit, policy)) return;
    if (policy == Policy::keep) {
        for (const std::string& name : edit.now.binds) keep(edit, name, "the policy keeps edited data");
        return;
    }
    merge_data(scope, edit);
}

void ModuleStage::follow_annotation(Scope& scope, const Edit& edit) {
    if (!is_node(edit.now.node.get(), "AnnAssign") || !is_node(edit.old.node.get(), "AnnAssign") ||
        (same_field(edit.old.node.get(), edit.now.node.get(), "annotation") && !plan_.other_future))
        return;
    const Ref alone = copy_node(edit.now.node.get());
    check(PyObject_SetAttrString(alone.get(), "value", Py_None));
    scope.run({alone}, edit.now.offset);
}

void ModuleStage::merge_data(Scope& scope, Edit& edit) {
    const Ref before = value_node(edit.old);
    const Ref after = value_node(edit.now);
    const bool known = edit.now.binds.size() == 1 && !is_node(edit.now.node.get(), "AugAssign") && before && after &&
                       is_harmless(before.get()) && is_harmless(after.get());
    if (!known) {
        for (const std::string& name : edit.now.binds)
            keep(edit, name, "its value was computed or changed at run time, the live value stays");
        return;
    }
    const std::string& name = edit.now.binds.front();
    const Ref old_value = old_value_of(scope, edit, before);
    if (!old_value) {
        keep(edit, name, "its former value can't be told, the live value stays");
        return;
    }
    const Ref now_value = pure_value(scope, after, edit.now.offset);
    merge_values(scope, name, edit.where, old_value, now_value);
}

void ModuleStage::merge_values(Scope& scope, const std::string& name, const std::string& where, const Ref& old_value,
                               const Ref& now_value) {
    const Merged merged =
        merge(old_value.get(), now_value.get(), dict_get(scope.before(), name), plan_.name + "." + where, outcome_);
    if (!merged.changed) return;
    dict_set(scope.names(), name, merged.value.get());
    merged_.insert(where);
}

bool ModuleStage::change_lambdas(Scope& scope, Edit& edit, Policy policy) {
    const Ref before = value_node(edit.old);
    const Ref after = value_node(edit.now);
    if (edit.now.binds.size() != 1 || is_node(edit.now.node.get(), "AugAssign") || !before || !after ||
        (!has_lambda(before.get()) && !has_lambda(after.get())))
        return false;
    for (const Ref& each : {before, after})
        if (!is_pure_but_lambdas(each.get()) || calls_own(each.get())) return false;
    const std::string& name = edit.now.binds.front();
    Scope::Value old;
    try {
        old = scope.value_of(before, edit.old.offset, Scope::When::former);
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return false;
    }
    const Scope::Value now = scope.value_of(after, edit.now.offset, Scope::When::staged);
    LambdaMatch match(old, now, dict_get(scope.before(), name));
    for (const auto& [live, staged] : match.pairs())
        outcome_.pours.push_back({live, staged, plan_.name + "." + edit.where, plan_.now.path, edit.now.line});
    const Ref old_value = match.settled(old.object, {});
    const Ref now_value = match.settled(now.object, scope.staged().twins);
    outcome_.held.push_back(now_value);
    if (equal(old_value.get(), now_value.get())) return true;
    if (policy == Policy::keep) {
        keep(edit, name, "the policy keeps edited data");
    } else {
        merge_values(scope, name, edit.where, old_value, now_value);
    }
    return true;
}

bool ModuleStage::is_harmless(PyObject* expression) const { return is_pure(expression) && !calls_own(expression); }

bool ModuleStage::calls_own(PyObject* expression) const {
    const std::set<std::string> called = paths_called_when_run(expression);
    return std::any_of(called.begin(), called.end(),
                       [&](const std::string& name) { return dict_get(live_, name) != nullptr; });
}

namespace {

Ref evaluate_in(PyObject* expression, const std::string& path, int flags, int offset, PyObject* globals,
                PyObject* names) {
    static PyObject* const type = attribute(import_module("ast").get(), "Expression").release();
    const Ref code = compile_expression(call(type, {expression}).get(), path, flags);
    shift_lines(as_code(code.get()), offset);
    return Ref::steal(PyEval_EvalCode(code.get(), globals, names));
}

}  // namespace

Ref ModuleStage::old_value_of(Scope& scope, const Edit& edit, const Ref& expression) {
    try {
        Ref value = evaluate_in(expression.get(), scope.plan().now.path, scope.plan().flags, 0, scope.former_globals(),
                                scope.former());
        if (edit.old.binds.size() == 1) dict_set(scope.former(), edit.old.binds.front(), value.get());
        return value;
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return {};
    }
}

Ref ModuleStage::pure_value(Scope& scope, const Ref& expression, int offset) {
    const Ref globals = scope.with_originals(scope.staged().ns.get());
    const Ref names = scope.is_class() ? Ref::borrow(scope.names()) : globals;
    return evaluate_in(expression.get(), scope.plan().now.path, scope.plan().flags, offset, globals.get(), names.get());
}

}  // namespace rebottle
