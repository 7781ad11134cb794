// Classes: changed in place, or run aside.
#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "compat/compat.hpp"
#include "live/layout.hpp"
#include "stage/creation.hpp"
#include "stage/decorated.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

void ModuleStage::class_lines(const Edit& edit) {
    if (!edit.now_root) return;
    for_all_code(as_code(edit.now_root.get()), [&](PyCodeObject* body) {
        if (is_function_code(body)) return;
        const Ref live = live_class(live_, std::string(qualname(body)));
        if (!live) return;
        const Ref dict = Ref::steal(PyType_GetDict(live.as<PyTypeObject>()));
        for (const char* name : {"__firstlineno__", "__static_attributes__"})
            if (const Py_ssize_t constant = compat::stored_constant(body, name); constant >= 0)
                member_follows(live, dict.get(), name, Ref::borrow(PyTuple_GET_ITEM(body->co_consts, constant)));
    });
}

void ModuleStage::member_follows(const Ref& live, PyObject* dict, const char* name, Ref value) {
    PyObject* before = dict_get(dict, name);
    if (before == nullptr || equal(before, value.get())) return;
    Binding binding;
    binding.owner = live;
    binding.name = interned(name);
    binding.before = Ref::borrow(before);
    binding.after = std::move(value);
    binding.module = plan_.name;
    outcome_.bindings.push_back(std::move(binding));
}

void ModuleStage::evaluate_together(std::vector<Edit>& members) {
    std::set<std::string> names;
    for (const Edit& edit : members)
        if (edit.now && edit.now.kind == Statement::Kind::function &&
            (edit.kind == Kind::function || edit.kind == Kind::run))
            names.insert(edit.now.name);
    for (const Edit& edit : members)
        if (edit.kind == Kind::gone && edit.old.kind == Statement::Kind::function) names.insert(edit.old.name);
    for (Edit& edit : members) {
        if (!edit.now || edit.now.kind != Statement::Kind::function || !names.contains(edit.now.name)) continue;
        const auto several = std::count_if(members.begin(), members.end(), [&](const Edit& other) {
            const Statement& statement = other.now ? other.now : other.old;
            return statement.kind == Statement::Kind::function && statement.name == edit.now.name;
        });
        if (several > 1 && edit.old && (edit.kind == Kind::body || edit.kind == Kind::lines))
            edit.kind = Kind::function;
    }
}

void ModuleStage::change_members(Scope& outer, Edit& edit) {
    Ref live = live_class(live_, edit.where);
    if (!live) raise(PyExc_SystemError, "rebottle: class " + edit.where + " is gone");
    evaluate_together(edit.members);
    if (!outer.is_class()) class_lines(edit);
    Scope scope(outer, edit.now, live);
    const Marks outer_marks = std::exchange(marks_, marks_of(edit.members, scope.before()));
    marks_.all = marks_.all || outer_marks.all;
    const Statement outer_statement = std::exchange(around_, edit.now);
    const Statement outer_former = std::exchange(former_around_, edit.old);
    run_all(scope, edit.members);
    complete_members(scope);
    bind_differences(scope, edit.members);
    outcome_.shaped.push_back(live);
    around_ = outer_statement;
    former_around_ = outer_former;
    marks_ = outer_marks;
}

// The constants that a class statement names itself, outside of its functions.
static std::vector<Ref> literals_in(PyObject* node) {
    std::vector<Ref> found;
    for_children(node, [&](PyObject* child) {
        if (is_function(child)) return;
        if (is_node(child, "Constant")) found.push_back(attribute(child, "value"));
        for (Ref& each : literals_in(child)) found.push_back(std::move(each));
    });
    return found;
}

void ModuleStage::run_aside(Scope& scope, Edit& edit) {
    const Ref live = live_class(live_, edit.where);
    const Ref root = scope.run({edit.now.node}, edit.now.offset);
    outcome_.held.push_back(root);
    PyObject* made = dict_get(scope.names(), edit.now.binds.front());
    if (made != nullptr && PyType_Check(made) && live &&
        !same_built_in(live.as<PyTypeObject>(), reinterpret_cast<PyTypeObject*>(made))) {
        outcome_.changes.push_back({"class-replaced", plan_.name + "." + edit.where, plan_.now.path, edit.now.line});
        outcome_.kept.push_back({plan_.name + "." + edit.where,
                                 "class-replaced: a built-in base changed, living instances keep the former class",
                                 plan_.now.path, edit.now.line});
        return;
    }
    member_swaps(edit, as_code(root.get()));
    if (made == nullptr || !PyType_Check(made) || !live) return;
    ClassMerge merge;
    merge.live = live;
    merge.staged = Ref::borrow(made);
    merge.module = plan_.name;
    merge.where = edit.where;
    merge.file = plan_.now.path;
    merge.line = edit.now.line;
    merge.removed_makers = removed_decorators(edit);
    merge.gone_literals = literals_in(edit.old.node.get());
    for (const Ref& stays : literals_in(edit.now.node.get()))
        std::erase_if(merge.gone_literals, [&](const Ref& each) { return equal(each.get(), stays.get()); });
    for (const Edit& member : edit.members)
        for (const std::string& name : member.old.binds) merge.old_names.push_back(name);
    take_out_members(edit, merge);
    keep_class_data(edit, merge);
    fields_of(live, made, edit.where);
    outcome_.merges.push_back(std::move(merge));
}

std::vector<Ref> ModuleStage::removed_decorators(const Edit& edit) const {
    std::vector<Ref> found;
    const Ref former = attribute(edit.old.node.get(), "decorator_list");
    const Ref now = attribute(edit.now.node.get(), "decorator_list");
    for_sequence(former.get(), [&](PyObject* decorator) {
        bool stays = false;
        for_sequence(now.get(), [&](PyObject* other) { stays = stays || same_tree(decorator, other); });
        if (stays) return;
        const PyFunctionObject* maker = decorator_function(decorator, live_);
        // What a call of the module's own function gave can't be told from its other functions.
        if (maker != nullptr && (is_node(decorator, "Name") || maker->func_globals != live_))
            found.push_back(Ref::borrow(maker->func_globals));
    });
    return found;
}

namespace {

// The class statements in a block, by name; the last one of a name counts.
void collect_classes(PyObject* node, std::map<std::string, Ref>& found) {
    for_children(node, [&](PyObject* child) {
        if (is_node(child, "ClassDef")) {
            found[attribute_text(child, "name")] = Ref::borrow(child);
        } else if (!is_function(child)) {
            collect_classes(child, found);
        }
    });
}

std::vector<std::string> names_in(PyObject* class_statement) {
    std::vector<std::string> names;
    for (const Statement& member : members_of(class_statement, 0))
        names.insert(names.end(), member.binds.begin(), member.binds.end());
    return names;
}

// What the former statement of a class bound, where an edit has it.
std::vector<std::string> former_members(const std::vector<Edit>& edits, const std::string& where) {
    for (const Edit& edit : edits) {
        if (std::vector<std::string> inner = former_members(edit.members, where); !inner.empty()) return inner;
        if (!edit.old) continue;
        if (edit.old.kind == Statement::Kind::class_ && edit.where == where) return names_in(edit.old.node.get());
        std::map<std::string, Ref> classes;
        collect_classes(edit.old.node.get(), classes);
        const auto found = classes.find(where.substr(where.rfind('.') + 1));
        if (edit.old.kind == Statement::Kind::block && found != classes.end()) return names_in(found->second.get());
    }
    return {};
}

}  // namespace

void ModuleStage::merge_new_classes(Scope& scope, const Edit& edit) {
    if (edit.now.kind == Statement::Kind::class_) {
        merge_new_class(scope, edit, edit.now.name);
    } else if (edit.now.kind == Statement::Kind::block) {
        std::map<std::string, Ref> news;
        collect_classes(edit.now.node.get(), news);
        for (const auto& [name, statement] : news) merge_new_class(scope, edit, name);
    }
}

void ModuleStage::merge_new_class(Scope& scope, const Edit& edit, const std::string& name) {
    const Ref live = live_class(live_, scope.where(name));
    PyObject* made = dict_get(scope.names(), scope.key(name));
    if (!live || made == nullptr || made == live.get() || !PyType_Check(made)) return;
    if (PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(made), live.as<PyTypeObject>()) != 0) return;
    if (built_in_base(live.as<PyTypeObject>()) != built_in_base(reinterpret_cast<PyTypeObject*>(made))) return;
    ClassMerge merge;
    merge.live = live;
    merge.staged = Ref::borrow(made);
    merge.module = plan_.name;
    merge.where = scope.where(name);
    merge.file = plan_.now.path;
    merge.line = edit.now.line;
    merge.old_names = former_members(plan_.edits, merge.where);
    outcome_.merges.push_back(std::move(merge));
}

void ModuleStage::member_swaps(const Edit& edit, PyCodeObject* root) {
    for (const Edit& member : edit.members) {
        if (!member.old || !member.now) continue;
        if (member.now.kind == Statement::Kind::class_ && member.old.kind == Statement::Kind::class_)
            member_swaps(member, root);
        if (member.now.kind != Statement::Kind::function || member.old.kind != Statement::Kind::function) continue;
        PyCodeObject* old_code = find_code(as_code(member.old_root.get()), member.where, member.old.line);
        PyCodeObject* now_code = find_code(root, member.where, member.now.line);
        if (old_code == nullptr || now_code == nullptr) continue;
        Swap swap = swap_for(member, old_code, now_code);
        if (!compare_shells(member.old.node.get(), member.now.node.get()).evaluate())
            swap.kind = same_code(old_code, now_code) ? unchanged_kind() : "function-code";
        outcome_.swaps.push_back(std::move(swap));
    }
}

void ModuleStage::take_out_members(const Edit& edit, ClassMerge& merge) {
    const Ref dict = Ref::steal(PyType_GetDict(merge.live.as<PyTypeObject>()));
    const Marks marks = marks_of(edit.members, dict.get());
    for (const Edit& member : edit.members) {
        if (member.kind != Kind::gone) continue;
        for (const std::string& name : member.old.binds) {
            PyObject* live = dict_get(dict.get(), name);
            if (live == nullptr) continue;
            if (request_.prune || (marks.delete_functions && is_method(live)) ||
                inherits(merge.staged.as<PyTypeObject>(), name)) {
                merge.gone_names.push_back(name);
            } else {
                note_gone(merge.live, edit.where + "." + name, live, Kept());
            }
        }
    }
}

// Where the class run aside refers to data that stays (a sentinel in a default), the live object is meant.
void ModuleStage::stand_for(const Ref& staged, const std::string& name, PyObject* live) {
    const Ref dict = Ref::steal(PyType_GetDict(staged.as<PyTypeObject>()));
    PyObject* made = dict_get(dict.get(), name);
    if (made != nullptr && made != live && has_identity(made)) outcome_.bottles.emplace(made, Ref::borrow(live));
}

void ModuleStage::keep_class_data(const Edit& edit, ClassMerge& merge) {
    const Ref dict = Ref::steal(PyType_GetDict(merge.live.as<PyTypeObject>()));
    const bool fields_follow =
        dict_get(dict.get(), "__dataclass_fields__") != nullptr || dict_get(dict.get(), "_field_defaults") != nullptr ||
        std::string_view(Py_TYPE(merge.live.get())->tp_name).find("Enum") != std::string_view::npos;
    const Marks marks = marks_of(edit.members, dict.get());
    const std::vector<Statement> members = members_of(edit.now);
    std::map<std::string, const Statement*> last;  // of several statements that bind a name it is the last that counts
    for (const Statement& now : members)
        for (const std::string& name : now.binds) last[name] = &now;
    for (const Statement& now : members) {
        if (now.kind != Statement::Kind::assignment) continue;
        // Unchanged assignments have no edit.
        const auto found = std::find_if(edit.members.begin(), edit.members.end(),
                                        [&](const Edit& each) { return each.now.node.get() == now.node.get(); });
        const bool edited = found != edit.members.end() && found->kind != Kind::lines;
        if (edited && !found->old) continue;
        if (fields_follow && (is_node(now.node.get(), "AnnAssign") || dict_get(dict.get(), "_member_map_") != nullptr))
            continue;
        for (const std::string& name : now.binds) {
            if (last.at(name) != &now) continue;
            PyObject* live = dict_get(dict.get(), name);
            if (live == nullptr || !is_data(live) || always_follows(name) || marks_.all || marks.names_data(name))
                continue;
            if (edited && policy_for(request_, plan_.name, found->where) != Policy::keep) continue;
            merge.kept_names.push_back(name);
            stand_for(merge.staged, name, live);
            if (edited) keep(*found, name, "the policy keeps edited data");
        }
    }
}

}  // namespace rebottle
