#include "code/tree.hpp"

#include <algorithm>

#include "compat/compat.hpp"

namespace rebottle {
namespace {

Ref fields_of(PyObject* node) {
    return Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(node)), "_fields"));
}

bool is_tree(PyObject* object) {
    static PyObject* const base = attribute(import_module("ast").get(), "AST").release();
    return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(base));
}

bool same_constant(PyObject* a, PyObject* b) {
    if (!Py_IS_TYPE(a, Py_TYPE(b))) return false;
    if (PyUnicode_Check(a) || PyBytes_Check(a) || PyLong_Check(a))
        return check(PyObject_RichCompareBool(a, b, Py_EQ)) == 1;
    return to_text(Ref::steal(PyObject_Repr(a)).get()) == to_text(Ref::steal(PyObject_Repr(b)).get());
}

bool same_list(PyObject* a, PyObject* b) {
    if (!PyList_Check(b) || PyList_GET_SIZE(a) != PyList_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(a); ++i)
        if (!same_tree(PyList_GET_ITEM(a, i), PyList_GET_ITEM(b, i))) return false;
    return true;
}

void add_once(std::vector<std::string>& names, std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

void collect_import(PyObject* statement, std::vector<std::string>& names) {
    const Ref aliases = attribute(statement, "names");
    for_sequence(aliases.get(), [&](PyObject* alias) {
        const Ref as = attribute(alias, "asname");
        std::string name = as.get() != Py_None ? to_text(as.get()) : attribute_text(alias, "name");
        if (as.get() == Py_None && is_node(statement, "Import")) name = name.substr(0, name.find('.'));
        if (name != "*") add_once(names, std::move(name));
    });
}

bool is_comprehension(PyObject* node) {
    return is_node(node, "ListComp") || is_node(node, "SetComp") || is_node(node, "DictComp") ||
           is_node(node, "GeneratorExp") || is_node(node, "Lambda");
}

void collect_bound(PyObject* node, std::vector<std::string>& names) {
    if (is_definition(node)) {
        add_once(names, attribute_text(node, "name"));
        return;
    }
    if (is_node(node, "Import") || is_node(node, "ImportFrom")) {
        collect_import(node, names);
        return;
    }
    if (is_comprehension(node)) return;
    if (is_node(node, "Name")) {
        if (!is_node(attribute(node, "ctx").get(), "Load")) add_once(names, attribute_text(node, "id"));
        return;
    }
    for (const char* field : {"name", "rest"}) {
        const Ref name = attribute_or_null(node, field);  // except handlers and match patterns
        if (name && PyUnicode_Check(name.get()) && !is_node(node, "alias")) add_once(names, to_text(name.get()));
    }
    for_children(node, [&](PyObject* child) { collect_bound(child, names); });
}

void collect_names(PyObject* node, bool only_reads, std::set<std::string>& names) {
    if (is_node(node, "Name")) {
        if (!only_reads || is_node(attribute(node, "ctx").get(), "Load")) names.insert(attribute_text(node, "id"));
    } else if (!only_reads && is_node(node, "Attribute")) {
        names.insert(attribute_text(node, "attr"));
    }
    for_children(node, [&](PyObject* child) { collect_names(child, only_reads, names); });
}

}  // namespace

Ref parse(const std::string& text, const std::string& filename, int flags) {
    PyCompilerFlags compiler = compat::compiler_flags(flags | PyCF_ONLY_AST | PyCF_IGNORE_COOKIE);
    const Ref name = to_str(filename);
    return Ref::steal(Py_CompileStringObject(text.c_str(), name.get(), Py_file_input, &compiler, -1));
}

Ref copy_node(PyObject* node) {
    Ref copy = Ref::steal(PyType_GenericNew(Py_TYPE(node), nullptr, nullptr));
    const Ref fields = Ref::steal(PyObject_GenericGetDict(node, nullptr));
    const Ref own = Ref::steal(PyObject_GenericGetDict(copy.get(), nullptr));
    check(PyDict_Update(own.get(), fields.get()));
    return copy;
}

std::string_view node_type(PyObject* node) {
    const std::string_view name = Py_TYPE(node)->tp_name;
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

bool is_node(PyObject* node, std::string_view type) { return node_type(node) == type; }
bool is_function(PyObject* node) { return is_node(node, "FunctionDef") || is_node(node, "AsyncFunctionDef"); }
bool is_definition(PyObject* node) { return is_function(node) || is_node(node, "ClassDef"); }

void for_children(PyObject* node, const std::function<void(PyObject*)>& body) {
    const Ref fields = fields_of(node);
    for_sequence(fields.get(), [&](PyObject* field) {
        const Ref value = Ref::steal_or_null(PyObject_GetAttr(node, field));
        if (!value) {
            dismiss();
        } else if (PyList_Check(value.get())) {
            for_sequence(value.get(), [&](PyObject* item) {
                if (is_tree(item)) body(item);
            });
        } else if (is_tree(value.get())) {
            body(value.get());
        }
    });
}

bool same_tree(PyObject* a, PyObject* b) {
    if (PyList_Check(a)) return same_list(a, b);
    if (!is_tree(a)) return same_constant(a, b);
    if (!Py_IS_TYPE(a, Py_TYPE(b))) return false;
    const Ref fields = fields_of(a);
    bool same = true;
    for_sequence(fields.get(), [&](PyObject* field) {
        if (!same || view(field) == "ctx") return;
        const Ref x = Ref::steal(PyObject_GetAttr(a, field));
        const Ref y = Ref::steal(PyObject_GetAttr(b, field));
        same = same_tree(x.get(), y.get());
    });
    return same;
}

bool same_field(PyObject* a, PyObject* b, const char* field) {
    return same_tree(attribute(a, field).get(), attribute(b, field).get());
}

int first_line(PyObject* node) {
    int line = static_cast<int>(attribute_long(node, "lineno"));
    if (is_definition(node)) {
        const Ref decorators = attribute(node, "decorator_list");
        for_sequence(decorators.get(), [&](PyObject* decorator) {
            line = std::min(line, static_cast<int>(attribute_long(decorator, "lineno")));
        });
    }
    return line;
}

int last_line(PyObject* node) {
    const Ref end = attribute_or_null(node, "end_lineno");
    if (end && PyLong_Check(end.get())) return static_cast<int>(PyLong_AsLong(end.get()));
    // A tree that a loader made may not tell where a statement ends.
    const Ref start = attribute_or_null(node, "lineno");
    int line = start && PyLong_Check(start.get()) ? static_cast<int>(PyLong_AsLong(start.get())) : 0;
    for_children(node, [&](PyObject* child) { line = std::max(line, last_line(child)); });
    return line;
}

std::vector<std::string> bound_names(PyObject* statement) {
    std::vector<std::string> names;
    collect_bound(statement, names);
    return names;
}

std::string stored_name(const std::string& name, std::string_view class_name) {
    if (!name.starts_with("__") || name.ends_with("__") || name.find('.') != std::string::npos) return name;
    const std::size_t start = class_name.find_first_not_of('_');
    return start == std::string_view::npos ? name : "_" + std::string(class_name.substr(start)) + name;
}

std::set<std::string> mentioned_names(PyObject* node) {
    std::set<std::string> names;
    collect_names(node, false, names);
    return names;
}

std::set<std::string> read_names(PyObject* node) {
    std::set<std::string> names;
    collect_names(node, true, names);
    return names;
}

Ref docstring(PyObject* node) {
    const Ref body = attribute(node, "body");
    if (!PyList_Check(body.get()) || PyList_GET_SIZE(body.get()) == 0) return {};
    PyObject* first = PyList_GET_ITEM(body.get(), 0);
    if (!is_node(first, "Expr")) return {};
    const Ref value = attribute(first, "value");
    if (!is_node(value.get(), "Constant")) return {};
    Ref text = attribute(value.get(), "value");
    return PyUnicode_Check(text.get()) ? text : Ref();
}

Ref FunctionNodes::at(int line, const std::string& name) {
    if (tree_) add(std::exchange(tree_, Ref()).get());
    const auto found = found_.find({line, name});
    return found == found_.end() ? Ref() : found->second;
}

void FunctionNodes::add(PyObject* node) {
    if (is_function(node)) found_.emplace(std::pair{first_line(node), attribute_text(node, "name")}, Ref::borrow(node));
    for_children(node, [this](PyObject* child) { add(child); });
}

}  // namespace rebottle
