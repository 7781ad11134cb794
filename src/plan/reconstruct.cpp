#include "plan/reconstruct.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "code/code.hpp"
#include "code/index.hpp"
#include "code/literal.hpp"
#include "code/tree.hpp"
#include "plan/instructions.hpp"
#include "plan/plan.hpp"

namespace rebottle {
namespace {

using Kind = Statement::Kind;

Ref list_of(const std::vector<Ref>& items) {
    Ref list = Ref::steal(PyList_New(0));
    for (const Ref& item : items) check(PyList_Append(list.get(), item.get()));
    return list;
}

// A copy that shares no node with the original.
Ref deep_copy(const Ref& node) { return call(attribute(import_module("copy").get(), "deepcopy").get(), {node.get()}); }
void set(const Ref& node, const char* field, const Ref& value) {
    check(PyObject_SetAttrString(node.get(), field, value.get()));
}

// The only statement of a text.
Ref parsed(const std::string& text) {
    const Ref tree = parse(text, "<former>", 0);
    return Ref::borrow(PyList_GET_ITEM(attribute(tree.get(), "body").get(), 0));
}

Ref module_of(const Ref& statement) {
    return call(attribute(import_module("ast").get(), "Module").get(), {list_of({statement}).get(), list_of({}).get()});
}

// What a statement executes by itself, within a class where there is a header.
Instructions alone(const Ref& statement, const Ref& header, int flags) {
    if (!header) return Instructions(as_code(compile(module_of(statement).get(), "<new>", flags).get()));
    const Ref holder = copy_node(header.get());
    for (const char* field : {"bases", "keywords", "decorator_list", "type_params"}) set(holder, field, list_of({}));
    set(holder, "body", list_of({statement}));
    const Ref root = compile(module_of(holder).get(), "<new>", flags);
    PyCodeObject* body = nullptr;
    for_nested(as_code(root.get()), [&](PyCodeObject* code) { body = code; });
    return Instructions(body);
}

// A code object of a module that holds the live code of a namespace.
Ref holder_of_live(const std::string& path, PyObject* names) {
    const Ref whole = compile(to_str("").get(), path, 0);
    const Ref codes = Ref::steal(PyList_New(0));
    for (PyCodeObject* code : CodeIndex::instance().codes_in(path)) {
        const auto& functions = CodeIndex::instance().functions(code);
        if (std::any_of(functions.begin(), functions.end(),
                        [&](PyFunctionObject* each) { return each->func_globals == names; }))
            check(PyList_Append(codes.get(), as_object(code)));
    }
    const Ref replace = attribute(whole.get(), "replace");
    const Ref named = new_dict();
    dict_set(named.get(), "co_consts", Ref::steal(PyList_AsTuple(codes.get())).get());
    return Ref::steal(PyObject_VectorcallDict(replace.get(), nullptr, 0, named.get()));
}

// One scope of the former version.
class Former {
   public:
    // `body`: what the scope executes, or NULL where only live objects tell.
    Former(Ref root, PyCodeObject* body, PyObject* names, std::string path, Ref header, int flags)
        : root_(std::move(root)), names_(names), path_(std::move(path)), header_(std::move(header)), flags_(flags) {
        if (body != nullptr) instructions_.emplace(body);
    }

    std::vector<Ref> nodes(const std::vector<Located>& news) {
        std::vector<Ref> found;
        for (const Located& each : news) ++all_[each.statement.name];
        for (const Located& each : news) {
            if (Ref node = node_for(each)) found.push_back(std::move(node));
            ++seen_[each.statement.name];
        }
        return found;
    }

    // Names that only the former version binds.
    std::vector<Ref> gone(const std::vector<Located>& news) const {
        std::vector<Ref> found;
        if (!instructions_) return found;
        for (const std::string& name : instructions_->stored()) {
            bool bound = name.starts_with("__");
            for (const Located& each : news) bound = bound || each.statement.binds_name(name);
            if (!bound)
                found.push_back(parsed(code_named(name) != nullptr ? "def " + name + "(): pass" : name + " = None"));
        }
        return found;
    }

   private:
    Ref node_for(const Located& now) {
        switch (now.statement.kind) {
            case Kind::function:
                return function(now);
            case Kind::class_:
                return class_(now);
            case Kind::assignment:
                return assignment(now);
            default:
                return is_same(now) ? now.statement.node : Ref();
        }
    }

    // Whether the former version had a statement that does the same.
    bool is_same(const Located& now) {
        if (instructions_) return instructions_->take(alone(now.statement.node, header_, flags_));
        for (const std::string& name : now.statement.binds)
            if (dict_get(names_, name) == nullptr) return false;
        return true;
    }

    std::string where(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

    std::vector<PyCodeObject*> codes_named(const std::string& name) const {
        std::vector<PyCodeObject*> found;
        for_all_code(as_code(root_.get()), [&](PyCodeObject* code) {
            if (code != as_code(root_.get()) && qualname(code) == where(name)) found.push_back(code);
        });
        std::sort(found.begin(), found.end(),
                  [](PyCodeObject* a, PyCodeObject* b) { return a->co_firstlineno < b->co_firstlineno; });
        return found;
    }

    PyCodeObject* code_named(const std::string& name) const {
        const std::vector<PyCodeObject*> found = codes_named(name);
        return found.empty() ? nullptr : found.back();
    }

    // Where a name has several definitions, as the functions of a property have, they stand in the same order.
    PyCodeObject* code_of_next(const std::string& name) {
        const std::vector<PyCodeObject*> found = codes_named(name);
        if (found.empty()) return nullptr;
        return found.size() == all_[name] ? found[seen_[name]] : found.back();
    }

    // A copy of a definition's node that stands where the former code did.
    static Ref moved(const Statement& now, PyCodeObject* old_code) {
        Ref node = deep_copy(now.node);
        const Ref shift = attribute(import_module("ast").get(), "increment_lineno");
        call(shift.get(), {node.get(), to_int(old_code->co_firstlineno - first_line(now.node.get())).get()});
        return node;
    }

    Ref function(const Located& now) {
        PyCodeObject* old_code = code_of_next(now.statement.name);
        if (old_code == nullptr) return {};
        PyCodeObject* now_code = find_code(as_code(now.root.get()), where(now.statement.name), now.statement.line);
        const bool known =
            is_same(now) && now_code != nullptr && (instructions_ || same_parameters(old_code, now_code));
        if (!known) return unlike(now.statement, old_code);
        Ref node = moved(now.statement, old_code);
        if (!same_code(old_code, now_code)) set(node, "body", other_body(node));
        return node;
    }

    // A function of that name that differs in everything.
    static Ref unlike(const Statement& now, PyCodeObject* old_code) {
        Statement other = now;
        other.node = parsed("def " + now.name + "(): pass");
        return moved(other, old_code);
    }

    static Ref other_body(const Ref& function) {
        const Ref pass = parsed("pass");
        if (!docstring(function.get())) return list_of({pass});
        return list_of({Ref::borrow(PyList_GET_ITEM(attribute(function.get(), "body").get(), 0)), pass});
    }

    Ref class_(const Located& now) {
        PyCodeObject* body = instructions_ ? code_named(now.statement.name) : nullptr;
        PyObject* live = dict_get(names_, now.statement.binds.front());
        if (live == nullptr || !PyType_Check(live) || (instructions_ && body == nullptr)) return {};
        const bool same_header = is_same(now);
        std::vector<Located> members;
        for (Statement& member : members_of(now.statement)) members.push_back({std::move(member), now.root});
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(live)));
        Former inner(root_, body, dict.get(), where(now.statement.name), now.statement.node, flags_);
        std::vector<Ref> nodes = inner.nodes(members);
        for (Ref& node : inner.gone(members)) nodes.push_back(std::move(node));
        Ref node = copy_node(now.statement.node.get());
        if (nodes.empty()) nodes.push_back(parsed("pass"));
        set(node, "body", list_of(nodes));
        if (!same_header) set(node, "bases", list_of({attribute(parsed("object").get(), "value")}));
        return node;
    }

    Ref assignment(const Located& now) {
        if (instructions_) {
            if (is_same(now)) return now.statement.node;
            if (now.statement.binds.empty() || !instructions_->stores(now.statement.binds.front())) return {};
            return with_value(now.statement, instructions_->take_constant(now.statement.binds.front()));
        }
        if (!is_same(now)) return {};
        return differs_from_live(now.statement) ? with_value(now.statement, {}) : now.statement.node;
    }

    // The assignment with another value; one that can't be told where there is none.
    static Ref with_value(const Statement& now, const Ref& value) {
        Ref node = copy_node(now.node.get());
        if (is_node(node.get(), "AugAssign")) return node;
        const Ref unknown = attribute(parsed("_rebottle_unknown_value").get(), "value");
        const Ref constant =
            value ? call(attribute(import_module("ast").get(), "Constant").get(), {value.get()}) : unknown;
        set(node, "value",
            call(attribute(import_module("ast").get(), "copy_location").get(), {constant.get(), unknown.get()}));
        return node;
    }

    // Whether a literal isn't what the name holds. An empty table says nothing: it is there to be filled.
    bool differs_from_live(const Statement& now) const {
        const Ref value = attribute_or_null(now.node.get(), "value");
        if (!value || value.get() == Py_None || now.binds.size() != 1) return false;
        const Ref literal = literal_value(value.get());
        if (!literal) return false;
        PyObject* live = dict_get(names_, now.binds.front());
        const bool empty = PyObject_Size(literal.get()) == 0;
        dismiss();
        if (empty || !Py_IS_TYPE(live, Py_TYPE(literal.get()))) return !empty;
        return check(PyObject_RichCompareBool(live, literal.get(), Py_EQ)) == 0;
    }

    Ref root_;
    PyObject* names_;
    std::string path_;
    Ref header_;  // the class statement, where the scope is a class
    int flags_;
    std::optional<Instructions> instructions_;
    std::map<std::string, std::size_t> all_;   // definitions of a name in the new version
    std::map<std::string, std::size_t> seen_;  // of them, those come to
};

}  // namespace

std::vector<Located> reconstruct(const Version& old, PyObject* dict, const std::vector<Located>& news, int flags) {
    const bool known = static_cast<bool>(old.code);
    const Ref root = known ? old.code : holder_of_live(old.path, dict);
    Former former(root, known ? as_code(root.get()) : nullptr, dict, "", {}, flags);
    std::vector<Ref> nodes = former.nodes(news);
    for (Ref& node : former.gone(news)) nodes.push_back(std::move(node));
    std::vector<Located> found;
    for (Statement& statement : statements_of(list_of(nodes).get(), 0, true))
        found.push_back({std::move(statement), root});
    return found;
}

bool same_statements(PyCodeObject* old, PyCodeObject* now) {
    if (!(Instructions(old) == Instructions(now))) return false;
    std::vector<PyCodeObject*> olds;
    std::vector<PyCodeObject*> news;
    const auto bodies = [](std::vector<PyCodeObject*>& found) {
        return [&found](PyCodeObject* code) {
            if (!is_function_code(code)) found.push_back(code);
        };
    };
    for_nested(old, bodies(olds));
    for_nested(now, bodies(news));
    if (olds.size() != news.size()) return false;
    for (std::size_t i = 0; i < olds.size(); ++i)
        if (!same_statements(olds[i], news[i])) return false;
    return true;
}

}  // namespace rebottle
