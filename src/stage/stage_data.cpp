// Data: the policy decides what becomes of an edited assignment.
#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "plan/reading.hpp"
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
    if (!is_policy_data(scope, edit)) {
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
    const bool known =
        edit.now.binds.size() == 1 && before && after && is_harmless(before.get()) && is_harmless(after.get());
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
    const Merged merged = merge(old_value.get(), now_value.get(), dict_get(scope.before(), name),
                                plan_.name + "." + edit.where, outcome_);
    if (!merged.changed) return;
    dict_set(scope.names(), name, merged.value.get());
    merged_.insert(edit.where);
}

bool ModuleStage::is_harmless(PyObject* expression) const {
    if (!is_pure(expression)) return false;
    const std::set<std::string> called = names_called_when_run(expression);
    return std::none_of(called.begin(), called.end(),
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
    const auto with_originals = [&](PyObject* names) {
        Ref copy = Ref::steal(PyDict_Copy(names));
        for_items(names, [&](PyObject* name, PyObject* value) {
            const auto twin = scope.staged().twins.find(value);
            if (twin != scope.staged().twins.end()) dict_set(copy.get(), name, twin->second.get());
        });
        return copy;
    };
    const Ref globals = with_originals(scope.staged().ns.get());
    const Ref names = scope.is_class() ? Ref::borrow(scope.names()) : globals;
    return evaluate_in(expression.get(), scope.plan().now.path, scope.plan().flags, offset, globals.get(), names.get());
}

}  // namespace rebottle
