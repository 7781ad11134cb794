#include "code/import_names.hpp"

#include <algorithm>
#include <set>

#include "code/tree.hpp"

namespace rebottle {
namespace {

using Names = std::set<std::string>;

// Names that stand before the dot of a call: `name.attribute(...)`.
void collect_called(PyObject* node, Names& names) {
    if (is_node(node, "Call")) {
        const Ref function = attribute(node, "func");
        if (is_node(function.get(), "Attribute")) {
            const Ref value = attribute(function.get(), "value");
            if (is_node(value.get(), "Name")) names.insert(attribute_text(value.get(), "id"));
        }
    }
    for_children(node, [&](PyObject* child) { collect_called(child, names); });
}

void collect_imported(PyObject* node, const Names& wanted, Names& found) {
    if (is_definition(node)) return;
    if (is_node(node, "Import") || is_node(node, "ImportFrom")) {
        for (const std::string& name : bound_names(node))
            if (wanted.contains(name)) found.insert(name);
        return;
    }
    for_children(node, [&](PyObject* child) { collect_imported(child, wanted, found); });
}

bool may_import(std::string_view text, const Names& wanted) {
    for (const std::string_view definition : {"def ", "class ", "async ", "@"})
        if (text.starts_with(definition)) return false;
    return text.find("import") != std::string_view::npos &&
           std::any_of(wanted.begin(), wanted.end(),
                       [&](const std::string& name) { return text.find(name) != std::string_view::npos; });
}

Names imported(const Version& version, const Names& wanted, int flags) {
    Names found;
    if (version.tree) collect_imported(version.tree.get(), wanted, found);
    for (const Chunk& chunk : version.split.chunks) {
        const std::string_view text = chunk.in(version.text);
        if (may_import(text, wanted))
            collect_imported(parse(std::string(text), version.path, flags).get(), wanted, found);
    }
    return found;
}

// `if 0: import ...`. The names may be no identifiers: those that a loader's own statements bind.
Ref never_importing(const Names& names, const std::string& path) {
    std::string text = "if 0:\n import _";
    for (std::size_t i = 1; i < names.size(); ++i) text += ",_";
    Ref tree = parse(text, path, 0);
    PyObject* condition = PyList_GET_ITEM(attribute(tree.get(), "body").get(), 0);
    PyObject* statement = PyList_GET_ITEM(attribute(condition, "body").get(), 0);
    const Ref aliases = attribute(statement, "names");
    Py_ssize_t i = 0;
    for (const std::string& name : names)
        check(PyObject_SetAttrString(PyList_GET_ITEM(aliases.get(), i++), "name", interned(name).get()));
    return tree;
}

}  // namespace

Ref with_imports(PyObject* part, const Version& whole, int flags) {
    Names called;
    collect_called(part, called);
    const Names names = called.empty() ? called : imported(whole, called, flags);
    if (names.empty()) return Ref::borrow(part);
    Ref all = never_importing(names, whole.path);
    const Ref body = attribute(all.get(), "body");
    // Behind the others: a docstring and `from __future__` have to stand first.
    check(PyList_SetSlice(body.get(), 0, 0, attribute(part, "body").get()));
    return all;
}

}  // namespace rebottle
