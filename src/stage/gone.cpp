// Statements that the new source lacks.
#include <algorithm>

#include "code/tree.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

void ModuleStage::remove(Scope& scope, Edit& edit) {
    if (edit.old.kind == Statement::Kind::docstring) {
        dict_set(scope.names(), "__doc__", Py_None);
        return;
    }
    remove_annotation(scope, edit.old.node.get());
    for (const std::string& name : edit.old.binds) {
        if (is_node(edit.old.node.get(), "AugAssign") && change_chain(scope, edit, name)) continue;
        PyObject* live = dict_get(scope.names(), name);
        if (live == nullptr || is_submodule(scope, name, live) || is_bound_again(scope, name)) continue;
        const bool inherited = scope.is_class() && inherits(reinterpret_cast<PyTypeObject*>(scope.type()), name);
        if (request_.prune || (marks_.delete_functions && is_method(live)) || inherited ||
            (is_supplied(scope) && is_as_bound(scope, edit, live))) {
            check(PyDict_DelItem(scope.names(), interned(name).get()));
        } else if (edit.old.kind != Statement::Kind::import_) {
            outcome_.kept.push_back({plan_.name + "." + scope.where(name),
                                     "gone from the source, the name stays (prune=True removes it)", plan_.now.path,
                                     0});
        }
    }
}

bool ModuleStage::is_submodule(const Scope& scope, const std::string& name, PyObject* value) const {
    return !scope.is_class() && loaded_module(plan_.name + "." + name).get() == value;
}

void ModuleStage::remove_annotation(const Scope& scope, PyObject* statement) {
    PyObject* annotations = dict_get(scope.names(), "__annotations__");
    if (!is_node(statement, "AnnAssign") || annotations == nullptr || !PyDict_Check(annotations)) return;
    const Ref target = attribute(statement, "target");
    if (!is_node(target.get(), "Name")) return;
    const Ref name = interned(scope.key(attribute_text(target.get(), "id")));
    if (dict_get(annotations, name.get()) != nullptr) check(PyDict_DelItem(annotations, name.get()));
}

bool ModuleStage::is_bound_again(Scope& scope, const std::string& name) {
    return scope.is_class() ? scope.binds(name) : bindings_now_.last_line(name) != 0;
}

bool ModuleStage::is_method(PyObject* value) {
    return PyFunction_Check(value) || PyObject_TypeCheck(value, &PyClassMethod_Type) ||
           PyObject_TypeCheck(value, &PyStaticMethod_Type);
}

bool ModuleStage::inherits(PyTypeObject* type, const std::string& name) {
    PyObject* order = type->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(order); ++i) {
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(order, i))));
        if (dict_get(dict.get(), name) != nullptr) return true;
    }
    return false;
}

bool ModuleStage::is_supplied(const Scope& scope) {
    return !scope.is_class() && dict_get(scope.names(), "__getattr__") != nullptr;
}

bool ModuleStage::is_as_bound(Scope& scope, const Edit& edit, PyObject* live) {
    if (edit.old.kind != Statement::Kind::assignment) return true;
    const Ref value = value_node(edit.old);
    if (!value || edit.old.binds.size() != 1 || !is_pure(value.get())) return false;
    const Ref former = old_value_of(scope, edit, value);
    return former && equal(former.get(), live);
}

}  // namespace rebottle
