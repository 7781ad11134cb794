#include "stage/changed_classes.hpp"

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

void collect_attributes(PyObject* node, std::set<std::string>& names) {
    if (is_node(node, "Attribute")) names.insert(attribute_text(node, "attr"));
    if (is_node(node, "alias")) names.insert(attribute_text(node, "name"));
    for_children(node, [&](PyObject* child) { collect_attributes(child, names); });
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

}  // namespace

std::set<std::string> attributes_in(PyObject* node) {
    std::set<std::string> names;
    collect_attributes(node, names);
    return names;
}

void ChangedClasses::add(const Ref& live, const Edit& edit) {
    Changed changed{live, false, false, {}};
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
    if (changed.protocol || changed.creation || !changed.names.empty()) all_.push_back(std::move(changed));
}

bool ChangedClasses::is_used(PyObject* value, const std::set<std::string>& attributes) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Changed& each) {
        const auto named = [&](const std::string& name) { return attributes.contains(name); };
        if (!each.protocol && !std::any_of(each.names.begin(), each.names.end(), named)) return false;
        return is_kind_of(value, each.type) || is_subclass_of(value, each.type);
    });
}

bool ChangedClasses::makes_subclasses_otherwise(PyObject* value) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Changed& each) {
        return (each.protocol && is_kind_of(value, each.type)) || (each.creation && is_subclass_of(value, each.type));
    });
}

bool ChangedClasses::concern(PyObject* statement, PyObject* names, PyObject* globals, PyObject* own) const {
    if (all_.empty()) return false;
    const auto value_of = [&](const std::string& name) {
        PyObject* value = dict_get(names, name);
        if (value == nullptr) value = dict_get(globals, name);
        return value == own ? nullptr : value;
    };
    const std::set<std::string> bases = names_of_bases(statement);
    const std::set<std::string> used = names_acted_on(statement);
    const std::set<std::string> attributes = attributes_in(statement);
    return std::any_of(bases.begin(), bases.end(),
                       [&](const std::string& name) {
                           PyObject* value = value_of(name);
                           return value != nullptr && makes_subclasses_otherwise(value);
                       }) ||
           std::any_of(used.begin(), used.end(), [&](const std::string& name) {
               PyObject* value = value_of(name);
               return value != nullptr && is_used(value, attributes);
           });
}

bool ChangedClasses::concern(PyCodeObject* code, PyObject* globals) const {
    if (all_.empty() || globals == nullptr || (code->co_flags & CO_OPTIMIZED) == 0) return false;
    std::set<std::string> names;
    for_sequence(code->co_names, [&](PyObject* name) { names.emplace(view(name)); });
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        PyObject* value = dict_get(globals, name);
        return value != nullptr && is_used(value, names);
    });
}

}  // namespace rebottle
