#include "stage/changed.hpp"

#include <algorithm>

#include "code/code.hpp"
#include "code/tree.hpp"
#include "plan/reading.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

// Python looks for them by itself when a class or an instance is used.
bool is_protocol(const std::string& name) {
    static const std::set<std::string> others = {"__annotations__", "__doc__",   "__init_subclass__", "__module__",
                                                 "__qualname__",    "__slots__", "__set_name__"};
    return name.size() > 4 && name.starts_with("__") && name.ends_with("__") && !others.contains(name);
}

bool has_other_header(const Edit& edit) {
    if (!edit.old || !edit.now || edit.old.kind != edit.now.kind) return true;
    const auto same = [&](const char* field) { return same_field(edit.old.node.get(), edit.now.node.get(), field); };
    return !same("bases") || !same("keywords") || !same("decorator_list");
}

bool is_kind_of(PyObject* value, const Ref& type) {
    return PyType_IsSubtype(Py_TYPE(value), type.as<PyTypeObject>()) != 0;
}

bool is_subclass_of(PyObject* value, const Ref& type) {
    return PyType_Check(value) &&
           PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(value), type.as<PyTypeObject>()) != 0;
}

// "__name__", "__defaults__" …
bool is_of_functions(const std::string& name) {
    return name.starts_with("__") && _PyType_Lookup(&PyFunction_Type, interned(name).get()) != nullptr;
}

using Find = std::function<PyObject*(const std::string& name)>;

// Where a path leads to: through modules, up to the first object of another kind.
struct Reached {
    PyObject* object = nullptr;  // NULL where it leads nowhere
    bool goes_on = false;        // whether the path goes on from there
};

Reached follow(const std::string& path, const Find& find) {
    std::size_t end = path.find('.');
    PyObject* object = find(path.substr(0, end));
    while (object != nullptr && PyModule_Check(object) && end != std::string::npos) {
        const std::size_t start = end + 1;
        end = path.find('.', start);
        object = dict_get(PyModule_GetDict(object), path.substr(start, end == std::string::npos ? end : end - start));
    }
    return {object, end != std::string::npos};
}

bool any_reached(const std::set<std::string>& paths, const Find& find,
                 const std::function<bool(const Reached& reached)>& matches) {
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
        const Reached reached = follow(path, find);
        return reached.object != nullptr && matches(reached);
    });
}

// Calls body for the objects that the names of a function may lead to: globals, and what modules among them have.
void for_globals(const std::set<std::string>& names, PyObject* globals, const std::function<void(PyObject*)>& body) {
    for (const std::string& name : names) {
        PyObject* value = dict_get(globals, name);
        if (value == nullptr) continue;
        body(value);
        if (!PyModule_Check(value)) continue;
        for (const std::string& member : names)
            if (PyObject* found = dict_get(PyModule_GetDict(value), member)) body(found);
    }
}

}  // namespace

void Changed::add_class(const Ref& live, const Edit& edit) {
    Class changed{live, false, false, {}};
    const bool aside = edit.kind == Kind::aside;
    changed.protocol = changed.creation = aside && has_other_header(edit);
    for (const Edit& member : edit.members) {
        if (member.kind == Kind::lines || member.kind == Kind::body) continue;
        for (const std::string& name : (member.now ? member.now : member.old).binds) {
            changed.protocol = changed.protocol || is_protocol(name);
            changed.creation = changed.creation || name == "__init_subclass__";
            if (name == "__set_name__") changed.protocol = true;
            if (aside) changed.names.insert(name);
        }
    }
    if (changed.protocol || changed.creation || !changed.names.empty()) classes_.push_back(std::move(changed));
}

void Changed::add_function(const Ref& live, bool enters_code) { functions_[live.get()] = {live, enters_code}; }

bool Changed::hides_code(PyObject* value) const {
    const auto found = functions_.find(value);
    return found != functions_.end() && !found->second.enters_code;
}

bool Changed::is_used(PyObject* value, const std::set<std::string>& attributes) const {
    return std::any_of(classes_.begin(), classes_.end(), [&](const Class& each) {
        const auto named = [&](const std::string& name) { return attributes.contains(name); };
        if (!each.protocol && !std::any_of(each.names.begin(), each.names.end(), named)) return false;
        return is_kind_of(value, each.type) || is_subclass_of(value, each.type);
    });
}

bool Changed::makes_subclasses_otherwise(PyObject* value) const {
    return std::any_of(classes_.begin(), classes_.end(), [&](const Class& each) {
        return (each.protocol && is_kind_of(value, each.type)) || (each.creation && is_subclass_of(value, each.type));
    });
}

bool Changed::concern(PyObject* statement, PyObject* names, PyObject* globals, PyObject* own) const {
    if (empty()) return false;
    const Find find = [&](const std::string& name) {
        PyObject* value = dict_get(names, name);
        if (value == nullptr) value = dict_get(globals, name);
        return value == own ? nullptr : value;
    };
    const std::set<std::string> attributes = attributes_in(statement);
    return any_reached(paths_of_bases(statement), find,
                       [&](const Reached& each) { return makes_subclasses_otherwise(each.object); }) ||
           any_reached(
               paths_acted_on(statement), find,
               [&](const Reached& each) { return is_used(each.object, attributes) || hides_code(each.object); }) ||
           any_reached(paths_read_when_run(statement), find,
                       [&](const Reached& each) { return each.goes_on && functions_.contains(each.object); });
}

bool Changed::concern(PyCodeObject* code, PyObject* globals) const {
    if (empty() || globals == nullptr || (code->co_flags & CO_OPTIMIZED) == 0) return false;
    std::set<std::string> names;
    for_sequence(code->co_names, [&](PyObject* name) { names.emplace(view(name)); });
    bool concerned = false;
    const bool looks_into = std::any_of(names.begin(), names.end(), &is_of_functions);
    for_globals(names, globals, [&](PyObject* value) {
        concerned =
            concerned || is_used(value, names) || hides_code(value) || (looks_into && functions_.contains(value));
    });
    return concerned;
}

}  // namespace rebottle
