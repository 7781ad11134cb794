#include "plan/reading.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "code/tree.hpp"

namespace rebottle {
namespace {

bool is_word_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

// The first place from `from` on where the name stands as a word. Cost: memmem() skips what std::string_view::find()
// would look at byte by byte.
std::size_t find_word(std::string_view text, std::string_view name, std::size_t from) {
    while (from < text.size()) {
        const void* found = memmem(text.data() + from, text.size() - from, name.data(), name.size());
        if (found == nullptr) break;
        const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        const std::size_t end = at + name.size();
        const bool starts = at == 0 || !is_word_character(text[at - 1]);
        if (starts && (end == text.size() || !is_word_character(text[end]))) return at;
        from = at + 1;
    }
    return std::string_view::npos;
}

// The part of a chunk that is looked at when it is run: of a plain function only the header.
std::string_view run_part(std::string_view text) {
    if (!text.starts_with("def ") && !text.starts_with("async def ")) return text;
    return text.substr(0, text.find(":\n"));
}

void add_statements(const Version& version, const Chunk& chunk, int flags, std::vector<Statement>& found) {
    const Ref tree = parse(std::string(chunk.in(version.text)), version.path, flags);
    const bool first = &chunk == version.split.chunks.data();
    for (Statement& each : statements_of(attribute(tree.get(), "body").get(), chunk.line - 1, first))
        found.push_back(std::move(each));
}

using Visit = void (*)(PyObject* node, std::set<std::string>& names);

void walk(PyObject* node, Visit visit, std::set<std::string>& names);

void walk_list(PyObject* node, const char* field, Visit visit, std::set<std::string>& names) {
    const Ref list = attribute(node, field);
    for_sequence(list.get(), [&](PyObject* each) {
        if (each != Py_None) walk(each, visit, names);
    });
}

// Calls visit for the nodes that are evaluated when `node` is.
void walk(PyObject* node, Visit visit, std::set<std::string>& names) {
    visit(node, names);
    if (is_function(node) || is_node(node, "Lambda")) {
        const Ref arguments = attribute(node, "args");
        walk_list(arguments.get(), "defaults", visit, names);
        walk_list(arguments.get(), "kw_defaults", visit, names);
        if (is_function(node)) walk_list(node, "decorator_list", visit, names);
        return;
    }
    for_children(node, [&](PyObject* child) { walk(child, visit, names); });
}

void note_read(PyObject* node, std::set<std::string>& names) {
    if (is_node(node, "Name") && is_node(attribute(node, "ctx").get(), "Load"))
        names.insert(attribute_text(node, "id"));
}

// The attribute that a call such as getattr(object, "name") names; empty for others.
std::string attribute_by_call(PyObject* call) {
    static const std::set<std::string_view> functions = {"getattr", "hasattr", "setattr", "delattr"};
    const Ref arguments = attribute(call, "args");
    const Ref callee = attribute(call, "func");
    if (!is_node(callee.get(), "Name") || !functions.contains(attribute_text(callee.get(), "id"))) return {};
    PyObject* name = PyList_GET_SIZE(arguments.get()) > 1 ? PyList_GET_ITEM(arguments.get(), 1) : nullptr;
    if (name == nullptr || !is_node(name, "Constant")) return {};
    const Ref value = attribute(name, "value");
    return PyUnicode_Check(value.get()) ? to_text(value.get()) : std::string();
}

void note_attribute(PyObject* node, std::set<std::string>& names) {
    if (is_node(node, "Attribute")) names.insert(attribute_text(node, "attr"));
    if (is_node(node, "alias")) names.insert(attribute_text(node, "name"));
    if (!is_node(node, "Call")) return;
    if (std::string name = attribute_by_call(node); !name.empty()) names.insert(std::move(name));
}

void collect_attributes(PyObject* node, std::set<std::string>& names) {
    note_attribute(node, names);
    for_children(node, [&](PyObject* child) { collect_attributes(child, names); });
}

// "a.b.c" for a name and the attributes read from it; empty for other expressions.
std::string path_of(PyObject* node) {
    if (is_node(node, "Name"))
        return is_node(attribute(node, "ctx").get(), "Load") ? attribute_text(node, "id") : std::string();
    if (!is_node(node, "Attribute")) return {};
    const std::string owner = path_of(attribute(node, "value").get());
    return owner.empty() ? owner : owner + "." + attribute_text(node, "attr");
}

void note_path(PyObject* node, std::set<std::string>& paths) {
    if (std::string path = path_of(node); !path.empty()) paths.insert(std::move(path));
}

void note_call(PyObject* node, std::set<std::string>& paths) {
    if (is_node(node, "Call")) note_path(attribute(node, "func").get(), paths);
}

bool is_statement(PyObject* node) {
    static const Ref type = attribute(import_module("ast").get(), "stmt");
    return PyObject_TypeCheck(node, type.as<PyTypeObject>()) != 0;
}

// Whether the values of the expressions below it are only stored by it.
bool only_stores(PyObject* node) {
    static const std::set<std::string_view> kinds = {"Assign", "AnnAssign", "Expr", "Tuple", "List", "NamedExpr"};
    return kinds.contains(node_type(node));
}

void collect_acted_on(PyObject* node, bool acts, std::set<std::string>& paths);

void collect_all_acted_on(PyObject* node, const char* field, bool act, std::set<std::string>& paths) {
    const Ref list = attribute(node, field);
    for_sequence(list.get(), [&](PyObject* each) {
        if (each != Py_None) collect_acted_on(each, act, paths);
    });
}

// `acts`: whether what the node evaluates to is acted on.
void collect_acted_on(PyObject* node, bool acts, std::set<std::string>& paths) {
    if (!path_of(node).empty()) {
        const bool looks_into = is_node(node, "Attribute");
        if (acts) {
            note_path(node, paths);
        } else if (looks_into) {
            note_path(attribute(node, "value").get(), paths);
        }
    } else if (is_function(node) || is_node(node, "Lambda")) {
        const Ref arguments = attribute(node, "args");
        collect_all_acted_on(arguments.get(), "defaults", false, paths);
        collect_all_acted_on(arguments.get(), "kw_defaults", false, paths);
        if (is_function(node)) collect_all_acted_on(node, "decorator_list", true, paths);
    } else if (is_node(node, "ClassDef")) {
        for (const char* field : {"decorator_list", "keywords", "body"}) collect_all_acted_on(node, field, true, paths);
    } else if (is_node(node, "Dict")) {
        collect_all_acted_on(node, "keys", true, paths);
        collect_all_acted_on(node, "values", acts, paths);
    } else {
        const bool act = is_statement(node) ? !only_stores(node) : acts || !only_stores(node);
        PyObject* annotation = is_node(node, "AnnAssign") ? attribute(node, "annotation").get() : nullptr;
        for_children(node, [&](PyObject* child) {
            if (child != annotation) collect_acted_on(child, act, paths);
        });
    }
}

}  // namespace

std::vector<Statement> statements_mentioning(const Version& version, const std::string& name, int flags) {
    std::vector<Statement> found;
    const std::string_view text = version.text;
    const auto& chunks = version.split.chunks;
    for (std::size_t at = find_word(text, name, 0); at != std::string_view::npos;) {
        const auto chunk = std::upper_bound(chunks.begin(), chunks.end(), at,
                                            [](std::size_t place, const Chunk& each) { return place < each.end; });
        if (chunk == chunks.end()) break;
        const bool looked_at = at >= chunk->begin && at < chunk->begin + run_part(chunk->in(text)).size();
        if (looked_at) add_statements(version, *chunk, flags, found);
        at = find_word(text, name, looked_at ? chunk->end : at + name.size());
    }
    return found;
}

std::vector<Statement> all_statements(const Version& version, int flags) {
    std::vector<Statement> found;
    for (const Chunk& chunk : version.split.chunks) add_statements(version, chunk, flags, found);
    return found;
}

std::set<std::string> names_read_when_run(PyObject* statement) {
    std::set<std::string> names;
    walk(statement, &note_read, names);
    return names;
}

std::set<std::string> paths_read_when_run(PyObject* statement) {
    std::set<std::string> paths;
    walk(statement, &note_path, paths);
    return paths;
}

std::set<std::string> paths_called_when_run(PyObject* statement) {
    std::set<std::string> paths;
    walk(statement, &note_call, paths);
    return paths;
}

std::set<std::string> attributes_in(PyObject* node) {
    std::set<std::string> names;
    collect_attributes(node, names);
    return names;
}

std::set<std::string> attributes_read_when_run(PyObject* statement) {
    std::set<std::string> names;
    walk(statement, &note_attribute, names);
    return names;
}

std::set<std::string> paths_acted_on(PyObject* statement) {
    std::set<std::string> paths;
    collect_acted_on(statement, false, paths);
    return paths;
}

std::set<std::string> paths_of_bases(PyObject* statement) {
    std::set<std::string> paths;
    if (is_node(statement, "ClassDef")) walk_list(statement, "bases", &note_path, paths);
    return paths;
}

bool same_place(const Statement& a, const Statement& b) {
    return a && b && a.line == b.line &&
           attribute_long(a.node.get(), "col_offset") == attribute_long(b.node.get(), "col_offset");
}

}  // namespace rebottle
