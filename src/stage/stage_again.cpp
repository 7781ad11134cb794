// Unchanged statements: those that are evaluated again, and those that are listed since what they were made from
// changed.
#include <algorithm>
#include <limits>
#include <utility>

#include "code/code.hpp"
#include "code/tree.hpp"
#include "plan/reading.hpp"
#include "stage/elsewhere.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;
using Form = Statement::Kind;

namespace {

std::string joined(const std::string& path, const std::string& name) {
    return path.empty() || name.empty() ? path + name : path + "." + name;
}

std::string name_of(const Statement& statement) {
    return !statement.name.empty() || statement.binds.empty() ? statement.name : statement.binds.front();
}

Edit* find_edit(std::vector<Edit>& edits, const Statement& statement) {
    for (Edit& edit : edits)
        if (same_place(edit.now, statement)) return &edit;
    return nullptr;
}

// `name = value`, with nothing else bound.
bool is_plain_assignment(const Statement& statement) {
    if (statement.kind != Form::assignment || statement.binds.size() != 1) return false;
    if (is_node(statement.node.get(), "AnnAssign")) return attribute(statement.node.get(), "value").get() != Py_None;
    if (!is_node(statement.node.get(), "Assign")) return false;
    const Ref targets = attribute(statement.node.get(), "targets");
    return PyList_GET_SIZE(targets.get()) == 1 && is_node(PyList_GET_ITEM(targets.get(), 0), "Name");
}

}  // namespace

Edit& ModuleStage::place(std::vector<Edit>& edits, const Statement& statement, const std::string& path) {
    if (Edit* known = find_edit(edits, statement)) return *known;
    Edit edit;
    edit.kind = Kind::again;
    edit.old = edit.now = statement;
    edit.where = joined(path, name_of(statement));
    const auto after = std::find_if(edits.begin(), edits.end(),
                                    [&](const Edit& each) { return !each.now || each.line() > statement.line; });
    return *edits.insert(after, std::move(edit));
}

// --- named data

void ModuleStage::prepare() {
    marks_ = marks_of(plan_.edits, live_);
    const Version& now = plan_.now;
    if (plan_.record == nullptr || now.text == plan_.record->version.text) return;
    if (marks_.all) {
        add_named(plan_.edits, all_statements(now, plan_.flags), "", true);
        return;
    }
    std::set<std::string> names(marks_.names.begin(), marks_.names.end());
    names.insert({"_reload_data", "_reload_all_data"});
    for (const auto& [place, policy] : request_.policies)
        if (policy == Policy::replace && place.starts_with(plan_.name + ".")) {
            const std::string path = place.substr(plan_.name.size() + 1);
            names.insert(path.substr(0, path.find('.')));
        }
    for (const std::string& name : names)
        add_named(plan_.edits, statements_mentioning(now, name, plan_.flags), "", false);
}

void ModuleStage::add_named(std::vector<Edit>& edits, const std::vector<Statement>& statements, const std::string& path,
                            bool all) {
    for (const Statement& statement : statements) {
        if (statement.kind == Form::class_) add_named_class(edits, statement, joined(path, statement.name), all);
        if (statement.kind != Form::assignment || is_node(statement.node.get(), "AugAssign")) continue;
        const bool named = std::any_of(statement.binds.begin(), statement.binds.end(), [&](const std::string& name) {
            const std::string where = joined(path, name);
            const bool by_policy =
                is_named(request_, plan_.name, where) && policy_for(request_, plan_.name, where) == Policy::replace;
            return all || marks_.names_data(name) || by_policy;
        });
        if (!named || std::all_of(statement.binds.begin(), statement.binds.end(), always_follows)) continue;
        Edit& edit = place(edits, statement, path);
        if (edit.kind == Kind::lines) edit.kind = Kind::again;
    }
}

void ModuleStage::add_named_class(std::vector<Edit>& edits, const Statement& statement, const std::string& where,
                                  bool all) {
    if (!live_class(live_, where)) return;
    Edit* known = find_edit(edits, statement);
    if (known != nullptr && known->kind != Kind::members) return;
    std::vector<Edit> members = known != nullptr ? known->members : std::vector<Edit>();
    const std::vector<Statement> body = members_of(statement);
    const Marks outer = std::exchange(marks_, marks_of(body, new_dict().get()));
    add_named(members, body, where, all || marks_.all);
    marks_ = outer;
    if (members.empty()) return;
    const std::size_t dot = where.rfind('.');
    Edit& edit = place(edits, statement, dot == std::string::npos ? "" : where.substr(0, dot));
    edit.kind = Kind::members;
    edit.members = std::move(members);
}

// --- derived data

std::vector<Statement> ModuleStage::readers(const Scope& scope, const Statement& around,
                                            const std::string& name) const {
    return scope.is_class() ? members_of(around) : statements_mentioning(plan_.now, name, plan_.flags);
}

void ModuleStage::add_derived(Scope& scope, std::vector<Edit>& edits, const std::vector<Statement>& statements,
                              const std::string& name, int line) {
    for (const Statement& statement : statements) {
        if (statement.line <= line || statement.kind == Form::guard ||
            !names_read_when_run(statement.node.get()).contains(name))
            continue;
        Edit* known = find_edit(edits, statement);
        const bool in_place = known == nullptr || known->kind == Kind::members;
        if (statement.kind == Form::class_ && in_place && live_class(live_, scope.where(statement.name))) {
            std::vector<Edit> members = known != nullptr ? known->members : std::vector<Edit>();
            const std::size_t before = members.size();
            Scope inner(scope, statement, live_class(live_, scope.where(statement.name)));
            add_derived(inner, members, members_of(statement), name, 0);
            if (members.size() == before) continue;
            Edit& edit = place(edits, statement, scope.path());
            edit.kind = Kind::members;
            edit.members = std::move(members);
            continue;
        }
        if (known != nullptr && known->kind != Kind::lines) continue;
        if (is_plain_assignment(statement)) {
            Edit& edit = place(edits, statement, scope.path());
            edit.kind = Kind::again;
            edit.reads = name;
        } else {
            list_derived(scope.path(), statement, "it reads '" + name + "', which was renewed");
        }
    }
}

void ModuleStage::run_derived(Scope& scope, Edit& edit) {
    const std::string& name = edit.now.binds.front();
    const std::string why = "it reads '" + edit.reads + "', which was renewed";
    const Ref value = value_node(edit.now);
    PyObject* live = dict_get(scope.before(), name);
    if (live == nullptr) return;
    if (!is_data(live) || always_follows(name) || policy_of(edit) == Policy::keep || !is_harmless(value.get())) {
        list_derived(scope.path(), edit.now, why);
        return;
    }
    const Ref old_value = old_value_of(scope, edit, value);
    if (!old_value || !equal(old_value.get(), live)) {
        list_derived(scope.path(), edit.now, why + ", but its own value was changed at run time");
        return;
    }
    const Ref now_value = pure_value(scope, value, edit.now.offset);
    if (!equal(now_value.get(), live)) dict_set(scope.names(), name, now_value.get());
}

void ModuleStage::list_derived(const std::string& path, const Statement& statement, const std::string& why) {
    const std::string where = joined(plan_.name, joined(path, name_of(statement)));
    if (listed_.insert(where + ":" + std::to_string(statement.line)).second)
        outcome_.kept.push_back({where, "derived: " + why + "; it wasn't run again", plan_.now.path, statement.line});
}

void ModuleStage::list_callers(const std::vector<Edit>& edits) {
    std::set<std::string> changed;
    if (request_.force == Force::none) collect_changed(edits, changed);
    for (const std::string& name : changed)
        for (const Statement& statement : statements_mentioning(plan_.now, name, plan_.flags)) {
            const bool edited = std::any_of(edits.begin(), edits.end(), [&](const Edit& edit) {
                return edit.kind != Kind::lines && same_place(edit.now, statement);
            });
            if (!edited && statement.kind != Form::guard && paths_called_when_run(statement.node.get()).contains(name))
                list_derived("", statement, "it calls '" + name + "', whose code changed");
        }
}

// --- in order

void ModuleStage::run_all(Scope& scope, std::vector<Edit>& edits) {
    const std::vector<Edit>* outer_edits = std::exchange(edits_here_, &edits);
    std::map<std::string, int> outer_shadowed = std::exchange(shadowed_, {});
    for (std::size_t i = 0; i < edits.size(); ++i) {
        std::vector<std::pair<std::string, Ref>> before;
        for (const std::string& name : edits[i].now.binds) {
            PyObject* value = dict_get(scope.names(), name);
            const bool deleted = value == nullptr && edits[i].old.binds_name(name);
            if (deleted || (value != nullptr && is_data(value))) before.emplace_back(name, Ref::borrow(value));
        }
        step(scope, edits[i], i);
        if (only_ != nullptr) continue;
        const int line = edits[i].line();
        for (const auto& [name, value] : before) {
            PyObject* now = dict_get(scope.names(), name);
            if (now == nullptr || now == value.get() || always_follows(name)) continue;
            add_derived(scope, edits, readers(scope, around_, name), name, line);
            if (!value) add_deletions(scope, edits, name, line);
        }
    }
    unshadow(scope, std::numeric_limits<int>::max());
    shadowed_ = std::move(outer_shadowed);
    edits_here_ = outer_edits;
}

void ModuleStage::take(StagedModule& staged, const std::string& name, const Ref& value) {
    dict_set(staged.ns.get(), name, value.get());
    dict_set(staged.before.get(), name, value.get());
    taken_.insert(name);
}

}  // namespace rebottle
