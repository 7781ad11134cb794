// Data: the policy decides what becomes of an edited assignment.
#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
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
    static PyObject* const copy = attribute(import_module("copy").get(), "copy").release();
    if (!is_node(edit.now.node.get(), "AnnAssign") || !is_node(edit.old.node.get(), "AnnAssign") ||
        (same_field(edit.old.node.get(), edit.now.node.get(), "annotation") && !plan_.other_future))
        return;
    const Ref alone = call(copy, {edit.now.node.get()});
    check(PyObject_SetAttrString(alone.get(), "value", Py_None));
    scope.run({alone}, edit.now.offset);
}

void ModuleStage::merge_data(Scope& scope, Edit& edit) {
    const Ref before = value_node(edit.old);
    const Ref after = value_node(edit.now);
    const bool known = edit.now.binds.size() == 1 && before && after && is_pure(before.get()) && is_pure(after.get());
    if (!known) {
        for (const std::string& name : edit.now.binds)
            keep(edit, name, "its value was computed or changed at run time, the live value stays");
        return;
    }
    const std::string& name = edit.now.binds.front();
    Ref old_value = old_value_of(scope, name, before);
    const Ref now_value = scope.evaluate(after.get(), edit.now.offset);
    PyObject* live = dict_get(scope.before(), name);
    if (!old_value) {
        keep(edit, name, "its former value can't be told, the live value stays");
        return;
    }
    const Merged merged = merge(old_value.get(), now_value.get(), live, plan_.name + "." + edit.where, outcome_);
    if (!merged.changed) return;
    if (merged.value.get() != live) dict_set(scope.names(), name, merged.value.get());
    outcome_.changes.push_back({"data-merged", plan_.name + "." + edit.where, plan_.now.path, edit.line()});
}

Ref ModuleStage::old_value_of(Scope& scope, const std::string& name, const Ref& expression) {
    static PyObject* const type = attribute(import_module("ast").get(), "Expression").release();
    try {
        const Ref code = compile_expression(call(type, {expression.get()}).get(), plan_.now.path, plan_.flags);
        const Ref names = scope.is_class() ? Ref::steal(PyDict_Copy(scope.before())) : old_values_;
        Ref value = Ref::steal(PyEval_EvalCode(code.get(), old_values_.get(), names.get()));
        if (!scope.is_class()) dict_set(old_values_.get(), name, value.get());
        return value;
    } catch (const PythonError& error) {
        if (!error.is(PyExc_Exception)) throw;
        return {};
    }
}

}  // namespace rebottle
