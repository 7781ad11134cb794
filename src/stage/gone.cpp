// Statements that the new source lacks.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

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
            Kept kept{plan_.name + "." + scope.where(name),
                      "gone from the source, the name stays (prune=True removes it)", plan_.now.path, 0};
            if (scope.is_class()) {
                note_gone(Ref::borrow(scope.type()), scope.where(name), live, std::move(kept));
            } else {
                outcome_.kept.push_back(std::move(kept));
            }
        }
    }
}

void ModuleStage::note_gone(const Ref& type, const std::string& where, PyObject* value, Kept kept) {
    Binding binding;
    binding.owner = type;
    binding.name = interned(where.substr(where.rfind('.') + 1));
    binding.before = Ref::borrow(value);
    binding.module = plan_.name;
    binding.where = where;
    binding.kind = "removed";
    outcome_.gone_members.push_back({type, std::move(binding), std::move(kept)});
}

namespace {

// What classes will have when the update is over.
class Future {
   public:
    explicit Future(const Outcome& outcome) {
        for (const ClassMerge& merge : outcome.merges) {
            staged_[merge.live.get()] = merge.staged.get();
            live_[merge.staged.get()] = merge.live.get();
        }
        for (const Binding& binding : outcome.bindings)
            if (PyType_Check(binding.owner.get()))
                bindings_[{binding.owner.get(), view(binding.name.get())}] = &binding;
    }

    bool inherits(PyObject* type, std::string_view name) const {
        const auto staged = staged_.find(type);
        bool found = false;
        for_sequence(reinterpret_cast<PyTypeObject*>(staged == staged_.end() ? type : staged->second)->tp_bases,
                     [&](PyObject* base) {
                         const auto live = live_.find(base);
                         found = found || has(live == live_.end() ? base : live->second, name);
                     });
        return found;
    }

   private:
    bool has(PyObject* type, std::string_view name) const {
        const auto binding = bindings_.find({type, name});
        if (binding != bindings_.end() && binding->second->after) return true;
        const auto staged = staged_.find(type);
        PyObject* source = staged == staged_.end() ? type : staged->second;
        const Ref names = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(source)));
        return (binding == bindings_.end() && dict_get(names.get(), name) != nullptr) || inherits(type, name);
    }

    std::map<PyObject*, PyObject*> staged_;  // by the live class
    std::map<PyObject*, PyObject*> live_;    // by the staged class
    std::map<std::pair<PyObject*, std::string_view>, const Binding*> bindings_;
};

}  // namespace

void settle_gone(Outcome& outcome) {
    if (outcome.gone_members.empty()) return;
    const Future future(outcome);
    std::vector<Binding> removals;
    std::set<std::pair<PyObject*, std::string>> settled;  // several statements may have bound a name
    for (GoneMember& member : std::exchange(outcome.gone_members, {})) {
        const std::string_view name = view(member.binding.name.get());
        if (!settled.emplace(member.type.get(), name).second) continue;
        if (!future.inherits(member.type.get(), name)) {
            if (!member.kept.where.empty()) outcome.kept.push_back(std::move(member.kept));
            continue;
        }
        const auto merge = std::find_if(outcome.merges.begin(), outcome.merges.end(),
                                        [&](const ClassMerge& each) { return each.live.get() == member.type.get(); });
        if (merge != outcome.merges.end()) {
            merge->gone_names.emplace_back(name);
        } else {
            removals.push_back(std::move(member.binding));
        }
    }
    std::move(removals.begin(), removals.end(), std::back_inserter(outcome.bindings));
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
