// Statements of one module, in source order, and the names that they leave.
#include <algorithm>
#include <optional>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "plan/reading.hpp"
#include "stage/module_stage.hpp"
#include "stage/names_log.hpp"

namespace rebottle {

using Kind = Edit::Kind;

std::string change_kind(const Edit& edit) {
    const bool is_new = !edit.old;
    switch (edit.now.kind) {
        case Statement::Kind::function:
            if (is_new) return "function-added";
            return edit.kind == Kind::body ? "function-code" : "function-signature";
        case Statement::Kind::class_:
            return is_new ? "class-added" : "class-changed";
        case Statement::Kind::assignment:
            return is_new ? "data-added" : "data-replaced";
        case Statement::Kind::import_:
            return "import";
        case Statement::Kind::type_alias:
            return "type-alias";
        case Statement::Kind::docstring:
            return "docstring";
        default:
            return edit.kind == Kind::body ? "function-code" : "statement";
    }
}

void ModuleStage::run_statement(Scope& scope, Edit& edit) {
    if (is_settled(edit)) return;
    const Ref root = scope.run({edit.now.node}, edit.now.offset);
    outcome_.held.push_back(root);
    note_shadowed(scope, edit);
    if (edit.old && edit.old_root) outermost_pairs(edit, as_code(edit.old_root.get()), as_code(root.get()));
    merge_new_classes(scope, edit);
    if (edit.now.binds.empty() && edit.now.kind != Statement::Kind::import_)
        outcome_.changes.push_back({"statement", plan_.name, plan_.now.path, edit.line()});
}

void ModuleStage::run_again(Scope& scope, Edit& edit) {
    if (is_node(edit.now.node.get(), "Delete")) {
        delete_again(scope, edit);
        return;
    }
    if (!edit.reads.empty()) {
        run_derived(scope, edit);
        return;
    }
    for (const std::string& name : edit.now.binds)
        if (PyObject* live = dict_get(scope.before(), name);
            live != nullptr && (!is_data(live) || always_follows(name)))
            return;
    run_statement(scope, edit);
}

// Annotations of variables stay in the dict that others may hold.
bool ModuleStage::renew_annotations(const Scope& scope, PyObject* key, PyObject* after) {
    PyObject* before = dict_get(scope.before(), key);
    if (before == nullptr || after == nullptr || view(key) != "__annotations__" || !PyDict_CheckExact(before) ||
        !PyDict_CheckExact(after))
        return false;
    bool same = PyDict_GET_SIZE(before) == PyDict_GET_SIZE(after);
    for_items(after, [&](PyObject* name, PyObject* value) { same = same && dict_get(before, name) == value; });
    if (!same) outcome_.renewals.push_back({Ref::borrow(before), Ref::borrow(after), ""});
    return true;
}

// For each name the edits that bind it or bound it, in order.
ModuleStage::EditsByName ModuleStage::edits_by_name(const std::vector<Edit>& edits) {
    EditsByName found;
    for (const Edit& edit : edits) {
        std::set<std::string> names(edit.now.binds.begin(), edit.now.binds.end());
        names.insert(edit.old.binds.begin(), edit.old.binds.end());
        for (const std::string& name : names) found.emplace(name, &edit);
    }
    return found;
}

void ModuleStage::bind_differences(Scope& scope, const std::vector<Edit>& edits) {
    const Ref owner = scope.is_class() ? Ref::borrow(scope.type()) : plan_.module;
    const Ref live = scope.is_class() ? Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(scope.type())))
                                      : Ref::borrow(live_);
    const EditsByName by_name = edits_by_name(edits);
    const auto add = [&](PyObject* key, PyObject* after) {
        if (renew_annotations(scope, key, after)) return;
        Binding binding;
        binding.owner = owner;
        binding.name = Ref::borrow(key);
        binding.before = Ref::borrow(dict_get(scope.is_live() ? scope.before() : live.get(), key));
        binding.after = Ref::borrow(after);
        binding.module = plan_.name;
        binding.where = scope.where(to_text(key));
        describe(binding, by_name);
        outcome_.bindings.push_back(std::move(binding));
    };
    for_items(scope.names(), [&](PyObject* key, PyObject* value) {
        PyObject* former = dict_get(scope.before(), key);
        if (!PyUnicode_Check(key) || former == value) return;
        if (view(key) == "__annotations__" && former != nullptr && is_table(former, value)) {
            if (!equal(former, value))
                outcome_.renewals.push_back({Ref::borrow(former), Ref::borrow(value), scope.where("__annotations__")});
        } else {
            add(key, value);
        }
    });
    for_items(scope.before(), [&](PyObject* key, PyObject*) {
        if (dict_get(scope.names(), key) == nullptr) add(key, nullptr);
    });
}

namespace {

Sort sort_of(const Statement& statement) {
    switch (statement.kind) {
        case Statement::Kind::function:
        case Statement::Kind::class_:
            return Sort::definition;
        case Statement::Kind::import_:
            return Sort::import_;
        case Statement::Kind::assignment:
            return statement.binds_lambda() ? Sort::definition : Sort::other;
        default:
            return Sort::other;
    }
}

bool is_decorated(const Statement& statement) {
    return statement.is_definition() && PyList_GET_SIZE(attribute(statement.node.get(), "decorator_list").get()) > 0;
}

}  // namespace

void ModuleStage::describe(Binding& binding, const EditsByName& edits) {
    const std::string name = to_text(binding.name.get());
    const auto was = [&](const Statement& old) {
        binding.was = sort_of(old);
        binding.decorated = is_decorated(old);
    };
    const auto [first, last] = edits.equal_range(name);
    for (auto each = first; each != last; ++each) {
        const Edit& edit = *each->second;
        if (edit.now && edit.now.binds_name(name)) {
            binding.line = edit.now.line;
            binding.kind = change_kind(edit);
            binding.is = sort_of(edit.now);
            if (edit.old.binds_name(name)) was(edit.old);
        } else if (edit.old.binds_name(name)) {
            if (binding.kind.empty()) binding.kind = "removed";
            if (binding.was == Sort::none) was(edit.old);
        }
    }
    if (chained_.contains(binding.where)) binding.kind = "data-replaced";
    if (merged_.contains(binding.where)) binding.kind = "data-merged";
    const bool leftover = binding.was == Sort::none && binding.is == Sort::definition && binding.before &&
                          PyModule_Check(binding.owner.get()) && bindings_before_.last_line(name) == 0;
    if (leftover) binding.was = Sort::definition;  // gone in a former update, back now
    if (const auto known = evaluated_.find(binding.where); known != evaluated_.end())
        binding.decorators_changed = known->second;
}

void ModuleStage::follow_import_names(Scope& scope) {
    if (!plan_.import_names) return;
    for_items(plan_.import_names.get(), [&](PyObject* name, PyObject* value) {
        if (value != Py_Ellipsis) {
            dict_set(scope.names(), name, value);
        } else if (dict_get(scope.names(), name) != nullptr) {
            check(PyDict_DelItem(scope.names(), name));
        }
    });
    if (plan_.record->version.path != plan_.now.path && only_ == nullptr)
        outcome_.changes.push_back({"module-origin", plan_.name, plan_.now.path, 0});
}

void ModuleStage::without_running() {
    for (Edit& edit : plan_.edits) bodies(edit);
    instances(plan_.edits, live_);
    list_made_earlier();
    list_callers(plan_.edits);
}

void ModuleStage::run(StagedModule& staged) {
    Scope scope(plan_, staged);
    marks_ = marks_of(plan_.edits, live_);
    if (dict_get(scope.names(), "__builtins__") == nullptr)  // a namespace package never executed anything
        dict_set(scope.names(), "__builtins__", import_module("builtins").get());
    follow_import_names(scope);
    for (const std::string& name : taken_) add_derived(scope, plan_.edits, readers(scope, {}, name), name, 0);
    run_all(scope, plan_.edits);
    list_callers(plan_.edits);
    bind_differences(scope, plan_.edits);
    instances(plan_.edits, scope.names());
    list_made_earlier();
}

namespace {

// How much an outcome held before a statement, to drop what the statement added.
struct OutcomeSize {
    explicit OutcomeSize(const Outcome& o)
        : swaps(o.swaps.size()),
          pours(o.pours.size()),
          bindings(o.bindings.size()),
          merges(o.merges.size()),
          gone_members(o.gone_members.size()),
          renewals(o.renewals.size()),
          changes(o.changes.size()),
          kept(o.kept.size()) {}
    void restore(Outcome& o) const {
        o.swaps.resize(swaps);
        o.pours.resize(pours);
        o.bindings.resize(bindings);
        o.merges.resize(merges);
        o.gone_members.resize(gone_members);
        o.renewals.resize(renewals);
        o.changes.resize(changes);
        o.kept.resize(kept);
    }
    std::size_t swaps, pours, bindings, merges, gone_members, renewals, changes, kept;
};

bool intersects(const std::set<std::string>& a, const std::set<std::string>& b) {
    return std::any_of(a.begin(), a.end(), [&](const std::string& each) { return b.contains(each); });
}

bool runs(const Edit& edit) {
    return edit.kind != Kind::lines && edit.kind != Kind::body && edit.kind != Kind::gone && edit.kind != Kind::members;
}

}  // namespace

void ModuleStage::step(Scope& scope, Edit& edit, std::size_t index) {
    if (only_ != nullptr && edit.kind != Kind::members) {
        std::vector<std::size_t> here = path_;
        here.push_back(index);
        if (!only_->contains(here)) return;
    }
    if (edit.now) unshadow(scope, edit.now.line);
    if (deferral_ != nullptr && runs(edit) && must_wait(scope, edit)) {
        defer(scope, edit, index);
        return;
    }
    const bool watched = deferral_ != nullptr && runs(edit);
    const std::size_t mark = watched ? deferral_->recorder->mark() : 0;
    std::optional<NamesLog> log;
    if (watched) log.emplace(scope.names());
    const OutcomeSize size(outcome_);
    const std::size_t made = CodeIndex::instance().mark();
    path_.push_back(index);
    try {
        apply(scope, edit);
        path_.pop_back();
        if (!watched || !deferral_->recorder->take_forbidden()) return;
    } catch (const PythonError& error) {
        path_.pop_back();
        if (!watched || !may_wait(error))
            throw ExecutionError{plan_.name, edit.where, plan_.now.path, edit.line(), error};
        deferral_->recorder->take_forbidden();
    }
    undo_touches(deferral_->recorder->take_from(mark));
    log->undo();
    placeholders_.clear();
    size.restore(outcome_);
    CodeIndex::instance().forget_since(made);
    defer(scope, edit, index);
}

bool ModuleStage::must_wait(const Scope& scope, const Edit& edit) const {
    if (!edit.now) return false;
    PyObject* node = edit.now.node.get();
    const Ref own = edit.now.kind == Statement::Kind::class_ ? live_class(live_, edit.where) : Ref();
    if (deferral_->changed.concern(node, scope.names(), scope.staged().ns.get(), own.get())) return true;
    if (!deferral_->names.empty() && intersects(read_names(node), deferral_->names)) return true;
    if (binds_too_early(scope, edit)) return true;
    const bool definition = edit.now.is_definition();
    const std::set<std::string> attributes = definition ? attributes_read_when_run(node) : attributes_in(node);
    return intersects(attributes, deferral_->attributes) || intersects(attributes, deferral_->names);
}

// The exception of entering replaced code; or one that a class not yet changed, or a name not yet bound, can cause.
bool ModuleStage::may_wait(const PythonError& error) const {
    if (deferral_->world->failed()) return false;
    if (error.is(deferred_exception())) return true;
    return (deferral_->classes || !deferral_->names.empty() || !deferral_->changed.empty()) &&
           (error.is(PyExc_AttributeError) || error.is(PyExc_NameError) || error.is(PyExc_TypeError));
}

// Whether a statement that waits means what a name was before this statement.
bool ModuleStage::binds_too_early(const Scope& scope, const Edit& edit) const {
    const auto used = deferral_->used.find(plan_.name + "." + scope.path());
    return used != deferral_->used.end() &&
           std::any_of(edit.now.binds.begin(), edit.now.binds.end(),
                       [&](const std::string& name) { return used->second.contains(name); });
}

void ModuleStage::defer(const Scope& scope, const Edit& edit, std::size_t index) {
    std::vector<std::size_t> here = path_;
    here.push_back(index);
    outcome_.deferred.push_back({index_, std::move(here)});
    PyObject* node = edit.now.node.get();
    for (const std::string& path : paths_acted_on(node)) {
        std::string name = path.substr(0, path.find('.'));
        PyObject* value = dict_get(scope.names(), name);
        if (value != nullptr && is_data(value) && has_identity(value)) deferral_->names.insert(std::move(name));
    }
    std::set<std::string> used = read_names(node);
    used.insert(edit.now.binds.begin(), edit.now.binds.end());
    deferral_->names.insert(edit.now.binds.begin(), edit.now.binds.end());
    deferral_->used[plan_.name + "."].merge(std::set<std::string>(used));
    deferral_->used[plan_.name + "." + scope.path()].merge(used);
    const std::string where = plan_.name + (edit.where.empty() ? "" : "." + edit.where);
    outcome_.changes.push_back({"run-at-commit", where, plan_.now.path, edit.line()});
}

void ModuleStage::run_deferred(StagedModule& staged, const std::vector<std::vector<std::size_t>>& paths) {
    const std::set<std::vector<std::size_t>> only(paths.begin(), paths.end());
    only_ = &only;
    run(staged);
    only_ = nullptr;
}

void ModuleStage::apply(Scope& scope, Edit& edit) {
    if (edit.kind == Kind::data && edit.old && !is_node(edit.now.node.get(), "AnnAssign"))
        remove_annotation(scope, edit.old.node.get());
    switch (edit.kind) {
        case Kind::lines:
        case Kind::body:
            bodies(edit);
            break;
        case Kind::function:
            evaluate_function(scope, edit);
            break;
        case Kind::members:
            change_members(scope, edit);
            break;
        case Kind::aside:
            run_aside(scope, edit);
            break;
        case Kind::data:
            change_data(scope, edit);
            break;
        case Kind::run:
            run_statement(scope, edit);
            break;
        case Kind::again:
            run_again(scope, edit);
            break;
        case Kind::gone:
            remove(scope, edit);
            break;
    }
}

}  // namespace rebottle
