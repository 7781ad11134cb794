#include "code/statement.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "code/code.hpp"
#include "code/literal.hpp"
#include "code/tree.hpp"

namespace rebottle {
namespace {

using Kind = Statement::Kind;

bool is_main_guard(PyObject* node) {
    if (!is_node(node, "If")) return false;
    const Ref test = attribute(node, "test");
    return is_node(test.get(), "Compare") && mentioned_names(test.get()).contains("__name__");
}

bool is_constant_expression(PyObject* node) {
    return is_node(node, "Expr") && is_node(attribute(node, "value").get(), "Constant");
}

bool is_string_expression(PyObject* node) {
    return is_constant_expression(node) && PyUnicode_Check(attribute(attribute(node, "value").get(), "value").get());
}

Kind kind_of(PyObject* node, bool first) {
    if (is_function(node)) return Kind::function;
    if (is_node(node, "ClassDef")) return Kind::class_;
    if (is_node(node, "Assign") || is_node(node, "AnnAssign") || is_node(node, "AugAssign")) return Kind::assignment;
    if (is_node(node, "Import") || is_node(node, "ImportFrom")) return Kind::import_;
    if (is_node(node, "TypeAlias")) return Kind::type_alias;
    if (first && is_string_expression(node)) return Kind::docstring;
    if (is_constant_expression(node) || is_node(node, "Pass")) return Kind::constant;
    if (is_main_guard(node)) return Kind::guard;
    return Kind::block;
}

Statement statement_of(PyObject* node, int offset, bool first) {
    Statement statement;
    statement.kind = kind_of(node, first);
    statement.node = Ref::borrow(node);
    statement.binds = bound_names(node);
    if (statement.is_definition()) statement.name = attribute_text(node, "name");
    if (statement.kind == Kind::type_alias) statement.name = statement.binds.empty() ? "" : statement.binds.front();
    if (statement.kind == Kind::docstring) statement.binds = {"__doc__"};
    statement.line = first_line(node) + offset;
    statement.offset = offset;
    return statement;
}

Ref compile_alone(const Statement& statement, int flags) {
    static PyObject* const module_type = attribute(import_module("ast").get(), "Module").release();
    const Ref body = Ref::steal(PyList_New(0));
    check(PyList_Append(body.get(), statement.node.get()));
    const Ref none = Ref::steal(PyList_New(0));
    const Ref tree = call(module_type, {body.get(), none.get()});
    return compile(tree.get(), "<statement>", flags);
}

bool compile_alike(const Statement& a, const Statement& b, int flags) {
    if (a.kind != b.kind) return false;
    if (same_tree(a.node.get(), b.node.get())) return true;
    if (a.is_definition() || a.binds != b.binds) return false;
    try {
        const Ref x = compile_alone(a, flags);
        const Ref y = compile_alone(b, flags);
        return same_code(as_code(x.get()), as_code(y.get()));
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return false;  // not a statement of its own ("return" in a class body, say): the whole will tell
    }
}

bool same_decorators(const Statement& a, const Statement& b) {
    return same_field(a.node.get(), b.node.get(), "decorator_list");
}

bool same_kind_of_block(const Statement& a, const Statement& b) {
    return a.kind == b.kind && a.kind == Kind::block && node_type(a.node.get()) == node_type(b.node.get());
}

bool bind_alike(const Statement& a, const Statement& b) {
    return std::any_of(a.binds.begin(), a.binds.end(), [&](const std::string& name) { return b.binds_name(name); });
}

// Both versions of one scope while their statements are being paired.
class Pairing {
   public:
    Pairing(std::vector<Statement> olds, std::vector<Statement> news, int flags)
        : olds_(std::move(olds)), news_(std::move(news)), old_of_(news_.size(), none), flags_(flags) {
        taken_.resize(olds_.size(), false);
        same_.resize(news_.size(), false);
    }

    std::vector<StatementPair> result() {
        pair_equal();
        pair_definitions([](const Statement& a, const Statement& b) {
            return a.kind == b.kind && a.kind == Kind::function && same_decorators(a, b);
        });
        pair_definitions([](const Statement& a, const Statement& b) { return a.kind == b.kind && a.is_definition(); });
        pair_definitions([](const Statement& a, const Statement& b) { return a.is_definition() || b.is_definition(); });
        pair_in_order([](const Statement& a, const Statement& b) {
            return a.kind == b.kind && a.kind == Kind::assignment && a.binds == b.binds;
        });
        pair_in_order(
            [](const Statement& a, const Statement& b) { return a.kind == b.kind && a.kind == Kind::docstring; });
        pair_in_order(
            [](const Statement& a, const Statement& b) { return same_kind_of_block(a, b) && bind_alike(a, b); });
        pair_in_order(same_kind_of_block);
        pair_last();
        std::vector<StatementPair> pairs;
        for (std::size_t n = 0; n < news_.size(); ++n)
            pairs.push_back({old_of_[n] == none ? Statement() : olds_[old_of_[n]], news_[n], same_[n]});
        for (std::size_t o = 0; o < olds_.size(); ++o)
            if (!taken_[o]) pairs.push_back({olds_[o], Statement(), false});
        return pairs;
    }

   private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    using Match = std::function<bool(const Statement&, const Statement&)>;

    void pair(std::size_t old, std::size_t now, bool same) {
        taken_[old] = true;
        old_of_[now] = old;
        same_[now] = same;
    }

    static std::string key(const Statement& statement) {
        return std::string(node_type(statement.node.get())) + " " + (statement.binds.empty() ? "" : statement.binds[0]);
    }

    void pair_equal() {
        std::map<std::string, std::vector<std::size_t>> candidates;
        for (std::size_t o = 0; o < olds_.size(); ++o) candidates[key(olds_[o])].push_back(o);
        // From the last one backwards, as below.
        for (std::size_t n = news_.size(); n-- > 0;) {
            const std::vector<std::size_t>& alike = candidates[key(news_[n])];
            const auto found = std::find_if(alike.rbegin(), alike.rend(), [&](std::size_t o) {
                return !taken_[o] && compile_alike(olds_[o], news_[n], flags_);
            });
            if (found != alike.rend()) pair(*found, n, true);
        }
    }

    // From the last one backwards: it is the last that the name is bound to.
    void pair_definitions(const Match& match) {
        for (std::size_t n = news_.size(); n-- > 0;) {
            const std::string name = news_[n].defined_name();
            if (old_of_[n] != none || name.empty()) continue;
            for (std::size_t o = olds_.size(); o-- > 0;)
                if (!taken_[o] && olds_[o].defined_name() == name && match(olds_[o], news_[n])) {
                    pair(o, n, false);
                    break;
                }
        }
    }

    void pair_in_order(const Match& match) {
        for (std::size_t n = 0; n < news_.size(); ++n) {
            if (old_of_[n] != none) continue;
            for (std::size_t o = 0; o < olds_.size(); ++o)
                if (!taken_[o] && match(olds_[o], news_[n])) {
                    pair(o, n, false);
                    break;
                }
        }
    }

    static std::map<std::string, std::size_t> last_binders(const std::vector<Statement>& statements) {
        std::map<std::string, std::size_t> last;
        for (std::size_t i = 0; i < statements.size(); ++i)
            for (const std::string& name : statements[i].binds) last[name] = i;
        return last;
    }

    // Of several statements that bind a name it is the last that counts. Where another one has become the last, it is
    // what the former last one became.
    void pair_last() {
        const std::map<std::string, std::size_t> before = last_binders(olds_);
        for (const auto& [name, now] : last_binders(news_)) {
            const auto last = before.find(name);
            if (last == before.end() || old_of_[now] == none || old_of_[now] == last->second) continue;
            if (!olds_[last->second].binds_anew() || !news_[now].only_binds()) continue;
            const auto other = std::find(old_of_.begin(), old_of_.end(), last->second);
            const std::size_t former = old_of_[now];
            taken_[former] = other != old_of_.end();
            if (other != old_of_.end()) {
                *other = former;
                same_[static_cast<std::size_t>(other - old_of_.begin())] = false;
            }
            pair(last->second, now, false);
        }
    }

    std::vector<Statement> olds_;
    std::vector<Statement> news_;
    std::vector<std::size_t> old_of_;
    std::vector<bool> taken_;
    std::vector<bool> same_;
    int flags_;
};

// All parameters of a function in order: (kind, node).
std::vector<std::pair<std::string, Ref>> parameters(PyObject* function) {
    std::vector<std::pair<std::string, Ref>> all;
    const Ref arguments = attribute(function, "args");
    for (const char* list : {"posonlyargs", "args", "kwonlyargs"})
        for_sequence(attribute(arguments.get(), list).get(),
                     [&](PyObject* node) { all.emplace_back(list, Ref::borrow(node)); });
    for (const char* single : {"vararg", "kwarg"}) {
        Ref node = attribute(arguments.get(), single);
        if (node.get() != Py_None) all.emplace_back(single, std::move(node));
    }
    return all;
}

void compare_parameters(PyObject* old, PyObject* now, FunctionShell& shell) {
    const auto before = parameters(old);
    const auto after = parameters(now);
    std::map<std::string, Ref> annotations;
    for (const auto& [kind, node] : before)
        annotations[attribute_text(node.get(), "arg")] = attribute(node.get(), "annotation");
    shell.parameters = before.size() != after.size();
    for (std::size_t i = 0; i < after.size(); ++i) {
        const std::string name = attribute_text(after[i].second.get(), "arg");
        if (i < before.size() &&
            (before[i].first != after[i].first || attribute_text(before[i].second.get(), "arg") != name))
            shell.parameters = true;
        const Ref annotation = attribute(after[i].second.get(), "annotation");
        const auto known = annotations.find(name);
        if (known == annotations.end() ? annotation.get() != Py_None
                                       : !same_tree(known->second.get(), annotation.get()))
            shell.annotations = true;
        if (known != annotations.end()) annotations.erase(known);
    }
    for (const auto& [name, annotation] : annotations)
        if (annotation.get() != Py_None) shell.annotations = true;
}

}  // namespace

bool Statement::binds_lambda() const {
    return kind == Kind::assignment && binds.size() == 1 && is_node(attribute(node.get(), "value").get(), "Lambda");
}

std::string Statement::defined_name() const {
    if (is_definition()) return name;
    return binds_lambda() ? binds.front() : std::string();
}

static bool has_foreign_decorators(PyObject* definition) {
    static const std::set<std::string_view> harmless = {"classmethod", "property", "staticmethod"};
    bool foreign = false;
    const Ref decorators = attribute(definition, "decorator_list");
    for_sequence(decorators.get(), [&](PyObject* each) {
        foreign = foreign || !is_node(each, "Name") || !harmless.contains(attribute_text(each, "id"));
    });
    return foreign;
}

bool Statement::binds_anew() const {
    if (!is_definition())
        return kind == Kind::import_ || kind == Kind::type_alias ||
               (kind == Kind::assignment && !is_node(node.get(), "AugAssign"));
    bool builds_on_former = false;
    const Ref decorators = attribute(node.get(), "decorator_list");
    for_sequence(decorators.get(), [&](PyObject* decorator) {
        builds_on_former = builds_on_former || mentioned_names(decorator).contains(name);
    });
    return !builds_on_former;
}

bool Statement::only_binds() const {
    if (is_definition()) return !has_foreign_decorators(node.get());
    if (kind != Kind::assignment) return binds_anew();
    const Ref value = is_node(node.get(), "AugAssign") ? Ref() : attribute(node.get(), "value");
    return value && (is_node(value.get(), "Lambda") || literal_value(value.get()));
}

bool Statement::binds_name(const std::string& which) const {
    return std::find(binds.begin(), binds.end(), which) != binds.end();
}

std::vector<Statement> statements_of(PyObject* nodes, int offset, bool first) {
    std::vector<Statement> statements;
    for_sequence(nodes, [&](PyObject* node) {
        statements.push_back(statement_of(node, offset, first));
        first = false;
    });
    return statements;
}

std::vector<Statement> members_of(PyObject* class_statement, int offset) {
    const std::string name = attribute_text(class_statement, "name");
    std::vector<Statement> members = statements_of(attribute(class_statement, "body").get(), offset, true);
    for (Statement& member : members)
        for (std::string& each : member.binds) each = stored_name(each, name);
    return members;
}

std::vector<Statement> members_of(const Statement& class_statement) {
    return members_of(class_statement.node.get(), class_statement.offset);
}

bool same_statement_shell(const Statement& a, const Statement& b, int flags) {
    try {
        return same_shell(as_code(compile_alone(a, flags).get()), as_code(compile_alone(b, flags).get()));
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return false;  // as above
    }
}

std::vector<StatementPair> pair_statements(std::vector<Statement> olds, std::vector<Statement> news, int flags) {
    return Pairing(std::move(olds), std::move(news), flags).result();
}

FunctionShell compare_shells(PyObject* old, PyObject* now) {
    FunctionShell shell;
    compare_parameters(old, now, shell);
    const Ref before = attribute(old, "args");
    const Ref after = attribute(now, "args");
    shell.defaults =
        !same_field(before.get(), after.get(), "defaults") || !same_field(before.get(), after.get(), "kw_defaults");
    shell.annotations = shell.annotations || !same_field(old, now, "returns");
    shell.decorators = !same_field(old, now, "decorator_list");
    shell.type_parameters = !same_field(old, now, "type_params");
    const Ref old_doc = docstring(old);
    const Ref new_doc = docstring(now);
    shell.docstring = static_cast<bool>(old_doc) != static_cast<bool>(new_doc) ||
                      (old_doc && !same_tree(old_doc.get(), new_doc.get()));
    shell.decorated = PyList_GET_SIZE(attribute(old, "decorator_list").get()) > 0 ||
                      PyList_GET_SIZE(attribute(now, "decorator_list").get()) > 0;
    return shell;
}

bool has_annotations(PyObject* function) {
    if (attribute(function, "returns").get() != Py_None) return true;
    const auto all = parameters(function);
    return std::any_of(all.begin(), all.end(),
                       [](const auto& each) { return attribute(each.second.get(), "annotation").get() != Py_None; });
}

std::vector<std::pair<std::string, Ref>> default_nodes(PyObject* function) {
    std::vector<std::pair<std::string, Ref>> found;
    const Ref arguments = attribute(function, "args");
    std::vector<std::string> positional;
    for (const char* list : {"posonlyargs", "args"})
        for_sequence(attribute(arguments.get(), list).get(),
                     [&](PyObject* node) { positional.push_back(attribute_text(node, "arg")); });
    const Ref defaults = attribute(arguments.get(), "defaults");
    const auto count = static_cast<std::size_t>(PyList_GET_SIZE(defaults.get()));
    for (std::size_t i = 0; i < count; ++i)
        found.emplace_back(positional[positional.size() - count + i],
                           Ref::borrow(PyList_GET_ITEM(defaults.get(), static_cast<Py_ssize_t>(i))));
    const Ref names = attribute(arguments.get(), "kwonlyargs");
    const Ref values = attribute(arguments.get(), "kw_defaults");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.get()); ++i)
        if (PyList_GET_ITEM(values.get(), i) != Py_None)
            found.emplace_back(attribute_text(PyList_GET_ITEM(names.get(), i), "arg"),
                               Ref::borrow(PyList_GET_ITEM(values.get(), i)));
    return found;
}

}  // namespace rebottle
