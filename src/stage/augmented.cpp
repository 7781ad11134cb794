// Names that several statements make together: `X = …` and `X += …`, and those that a `del` takes away again.
#include <algorithm>

#include "code/tree.hpp"
#include "plan/reading.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

namespace {

// Whether evaluating an expression makes a new object, which nobody else holds and `+=` may change.
bool makes_new(PyObject* expression) {
    for (const char* type : {"Constant", "List", "Dict", "Set", "Tuple", "ListComp", "DictComp", "SetComp", "BinOp",
                             "UnaryOp", "JoinedStr", "Call"})
        if (is_node(expression, type)) return true;
    return false;
}

bool is_augmented(const Statement& statement) { return is_node(statement.node.get(), "AugAssign"); }

std::vector<Ref> nodes_of(const std::vector<Statement>& statements) {
    std::vector<Ref> nodes;
    for (const Statement& each : statements) nodes.push_back(each.node);
    return nodes;
}

}  // namespace

std::vector<Statement> ModuleStage::chain_of(std::vector<Statement> statements, const std::string& name) const {
    std::vector<Statement> found;
    for (Statement& each : statements)
        if (each.binds_name(name)) found.push_back(std::move(each));
    return is_chain(found) ? found : std::vector<Statement>();
}

bool ModuleStage::is_chain(const std::vector<Statement>& statements) const {
    return !statements.empty() && !is_augmented(statements.front()) &&
           std::all_of(statements.begin(), statements.end(), [&](const Statement& each) {
               if (each.kind != Statement::Kind::assignment || each.binds.size() != 1) return false;
               const Ref value = value_node(each);
               if (!value || !is_harmless(value.get())) return false;
               return is_augmented(each) || makes_new(value.get());
           });
}

bool ModuleStage::change_chain(Scope& scope, const Edit& edit, const std::string& name) {
    const bool member = scope.is_class();
    if (!member && !bindings_now_.augments(name) && !bindings_before_.augments(name)) return false;
    if (chained_.contains(scope.where(name))) return true;
    const auto statements = [&](const Version& version, const Statement& around) {
        return member ? members_of(around) : statements_mentioning(version, name, plan_.flags);
    };
    const std::vector<Statement> olds = chain_of(statements(plan_.record->version, former_around_), name);
    const std::vector<Statement> news = chain_of(statements(plan_.now, around_), name);
    if (olds.empty() || news.empty() || (olds.size() == 1 && news.size() == 1)) return false;
    PyObject* live = dict_get(scope.before(), name);
    if (live == nullptr || !is_data(live)) return false;
    Ref old_value;
    try {
        old_value = scope.result_of(nodes_of(olds), name, Scope::When::former);
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return false;
    }
    const Policy policy = always_follows(name) ? Policy::replace : policy_of(edit);
    if (policy == Policy::keep) {
        keep(edit, name, "the policy keeps edited data");
        return true;
    }
    chained_.insert(scope.where(name));
    const Ref now_value = scope.result_of(nodes_of(news), name, Scope::When::staged);
    dict_set(scope.former(), name, old_value.get());
    if (policy == Policy::merge) {
        merge_values(scope, name, edit.where, old_value, now_value);
    } else {
        dict_set(scope.names(), name, now_value.get());
    }
    return true;
}

bool ModuleStage::is_settled(const Edit& edit) const { return is_augmented(edit.now) && chained_.contains(edit.where); }

void ModuleStage::add_deletions(Scope& scope, std::vector<Edit>& edits, const std::string& name, int line) {
    for (const Statement& statement : readers(scope, around_, name)) {
        if (statement.line <= line || !is_node(statement.node.get(), "Delete")) continue;
        Edit& edit = place(edits, statement, scope.path());
        if (edit.kind == Kind::lines) edit.kind = Kind::again;
    }
}

void ModuleStage::delete_again(Scope& scope, const Edit& edit) {
    const Ref targets = attribute(edit.now.node.get(), "targets");
    for_sequence(targets.get(), [&](PyObject* target) {
        if (!is_node(target, "Name")) return;
        const Ref name = interned(attribute_text(target, "id").c_str());
        const bool live = dict_get(scope.before(), name.get()) != nullptr;
        if (!live && dict_get(scope.names(), name.get()) != nullptr) check(PyDict_DelItem(scope.names(), name.get()));
    });
}

}  // namespace rebottle
