#include "stage/elsewhere.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "code/tree.hpp"
#include "plan/importers.hpp"
#include "plan/reading.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

bool is_changed(const Edit& edit) { return edit.kind != Edit::Kind::lines && edit.kind != Edit::Kind::again; }

struct Renewed {
    std::string name;
    bool called = false;  // a function or class: calls count, else reads
};

// What a name of a module that looks elsewhere stands for.
struct Meaning {
    std::string as;      // the name there
    std::string member;  // of the module of that name, or ""
    bool called = false;
};

// Whether running the statement reads or calls what is meant.
bool uses(PyObject* node, const Meaning& meaning) {
    if (is_function(node) || is_node(node, "Lambda") || is_node(node, "ClassDef")) return false;
    if (meaning.called && is_node(node, "Call") && uses(attribute(node, "func").get(), {meaning.as, meaning.member}))
        return true;
    if (!meaning.called && meaning.member.empty())
        return is_node(node, "Name") && attribute_text(node, "id") == meaning.as;
    if (!meaning.called && is_node(node, "Attribute") && attribute_text(node, "attr") == meaning.member)
        return uses(attribute(node, "value").get(), {meaning.as, ""});
    bool found = false;
    for_children(node, [&](PyObject* child) { found = found || uses(child, meaning); });
    return found;
}

class Elsewhere {
   public:
    Elsewhere(const Plan& plan, Outcome& outcome) : plan_(plan), outcome_(outcome) {}

    void run() {
        for (const ModulePlan& module : plan_.modules) collect(module);
        for (const Binding& binding : outcome_.bindings)
            if (binding.before && binding.after && PyModule_Check(binding.owner.get()) && is_data(binding.before.get()))
                members_[binding.owner.get()].push_back({to_text(binding.name.get()), false});
        if (members_.empty()) return;
        for_recorded([&](const std::string& name, PyObject* module) {
            if (plan_.modules.size() == 1 && module == plan_.modules.front().module.get()) return;  // nothing elsewhere
            for_items(PyModule_GetDict(module), [&](PyObject* key, PyObject* value) {
                if (value != module && PyUnicode_Check(key)) look(name, key, value);
            });
        });
    }

   private:
    void collect(const ModulePlan& module) {
        std::set<std::string> names;
        collect_changed(module.edits, names);
        for (const std::string& name : names) {
            members_[module.module.get()].push_back({name, true});
            if (PyObject* live = dict_get(PyModule_GetDict(module.module.get()), name))
                definitions_.emplace(live, module.name);
        }
    }

    void look(const std::string& importer, PyObject* as, PyObject* value) {
        if (const auto members = members_.find(value); members != members_.end()) {
            for (const Renewed& each : members->second) list(importer, {to_text(as), each.name, each.called});
        } else if (const auto definition = definitions_.find(value);
                   definition != definitions_.end() && definition->second != importer) {
            list(importer, {to_text(as), "", true});
        }
    }

    void list(const std::string& importer, const Meaning& meaning) {
        const auto planned = std::find_if(plan_.modules.begin(), plan_.modules.end(),
                                          [&](const ModulePlan& each) { return each.name == importer; });
        const bool changed = planned != plan_.modules.end();
        const Version& version = changed ? planned->now : Modules::instance().record(importer).version;
        const std::string word = meaning.member.empty() ? meaning.as : meaning.member;
        for (const Statement& statement : statements_mentioning(version, word, future_flags(version))) {
            if (statement.kind != Statement::Kind::assignment || statement.binds.empty()) continue;
            if ((changed && is_edited(planned->edits, statement)) || !uses(statement.node.get(), meaning)) continue;
            const std::string where = importer + "." + statement.binds.front();
            const std::string what = meaning.member.empty() ? meaning.as : meaning.as + "." + meaning.member;
            outcome_.kept.push_back({where,
                                     meaning.called
                                         ? "derived: it calls '" + what + "', whose code changed; it wasn't run again"
                                         : "derived: it reads '" + what + "', which was renewed; it wasn't run again",
                                     version.path, statement.line});
        }
    }

    static bool is_edited(const std::vector<Edit>& edits, const Statement& statement) {
        return std::any_of(edits.begin(), edits.end(), [&](const Edit& edit) {
            return edit.kind != Edit::Kind::lines && same_place(edit.now, statement);
        });
    }

    const Plan& plan_;
    Outcome& outcome_;
    std::unordered_map<PyObject*, std::vector<Renewed>> members_;  // by module object
    std::unordered_map<PyObject*, std::string> definitions_;       // functions and classes, and whose they are
};

}  // namespace

void collect_changed(const std::vector<Edit>& edits, std::set<std::string>& names) {
    const auto makes_instances = [](const Edit& member) {
        return is_changed(member) && member.now &&
               (member.now.name == "__init__" || member.now.name == "__new__" || member.now.name == "__post_init__");
    };
    for (const Edit& edit : edits) {
        if (!is_changed(edit) || !edit.old || !edit.now) continue;
        const bool maker = edit.now.kind == Statement::Kind::class_ &&
                           std::any_of(edit.members.begin(), edit.members.end(), makes_instances);
        if (edit.now.kind == Statement::Kind::function || maker) names.insert(edit.now.name);
    }
}

void list_elsewhere(const Plan& plan, Outcome& outcome) { Elsewhere(plan, outcome).run(); }

}  // namespace rebottle
