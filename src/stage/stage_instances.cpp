// What living instances get, because an edited class gives it to every new one.
#include <algorithm>
#include <set>

#include "code/literal.hpp"
#include "code/tree.hpp"
#include "live/instances.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

// `list()`, `dict()` and the like.
Ref empty_container(PyObject* node) {
    if (!is_node(node, "Call") || PyList_GET_SIZE(attribute(node, "args").get()) > 0 ||
        PyList_GET_SIZE(attribute(node, "keywords").get()) > 0)
        return {};
    const Ref callee = attribute(node, "func");
    if (!is_node(callee.get(), "Name")) return {};
    const std::string name = attribute_text(callee.get(), "id");
    if (name == "list") return Ref::steal(PyList_New(0));
    if (name == "dict") return new_dict();
    if (name == "set") return Ref::steal(PySet_New(nullptr));
    return name == "tuple" ? Ref::steal(PyTuple_New(0)) : Ref();
}

std::string self_of(PyObject* init) {
    const Ref arguments = attribute(init, "args");
    for (const char* field : {"posonlyargs", "args"}) {
        const Ref list = attribute(arguments.get(), field);
        if (PyList_GET_SIZE(list.get()) > 0) return attribute_text(PyList_GET_ITEM(list.get(), 0), "arg");
    }
    return "";
}

// The attribute's name where the node is `self.name`; "" otherwise.
std::string own_name(PyObject* node, const std::string& self) {
    if (!is_node(node, "Attribute")) return "";
    const Ref object = attribute(node, "value");
    return is_node(object.get(), "Name") && attribute_text(object.get(), "id") == self ? attribute_text(node, "attr")
                                                                                       : "";
}

// All attributes of `self` that are assigned anywhere below the node.
void collect_assigned(PyObject* node, const std::string& self, std::set<std::string>& names) {
    if (const std::string name = own_name(node, self); !name.empty() && !is_node(attribute(node, "ctx").get(), "Load"))
        names.insert(name);
    for_children(node, [&](PyObject* child) { collect_assigned(child, self, names); });
}

std::vector<Ref> targets_of(PyObject* statement) {
    if (is_node(statement, "AnnAssign")) return {attribute(statement, "target")};
    std::vector<Ref> found;
    if (is_node(statement, "Assign")) {
        const Ref targets = attribute(statement, "targets");
        for_sequence(targets.get(), [&](PyObject* target) { found.push_back(Ref::borrow(target)); });
    }
    return found;
}

// The fields of a dataclass, by name, without those that its instances don't hold (ClassVar, InitVar).
Ref instance_fields(PyObject* type) {
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
    PyObject* all = dict_get(dict.get(), "__dataclass_fields__");
    if (all == nullptr || !PyDict_Check(all)) return {};
    const Ref plain = attribute(import_module("dataclasses").get(), "_FIELD");
    Ref found = new_dict();
    for_items(all, [&](PyObject* name, PyObject* field) {
        if (attribute(field, "_field_type").get() == plain.get()) dict_set(found.get(), name, field);
    });
    return found;
}

const Edit* find_init(const std::vector<Edit>& members) {
    for (const Edit& member : members)
        if (member.now && member.now.kind == Statement::Kind::function && member.now.name == "__init__" &&
            member.kind != Kind::lines)
            return &member;
    return nullptr;
}

}  // namespace

void ModuleStage::instances(const std::vector<Edit>& edits, PyObject* names) {
    for (const Edit& edit : edits) {
        if (edit.kind != Kind::members && edit.kind != Kind::aside) continue;
        instances(edit.members, names);
        const Ref live = live_class(live_, edit.where);
        const Edit* init = find_init(edit.members);
        if (live && init != nullptr) attributes_of_init(live, *init, edit.where, names);
    }
}

void ModuleStage::attributes_of_init(const Ref& live, const Edit& init, const std::string& where, PyObject* names) {
    std::set<std::string> former;
    std::set<std::string> now;
    if (init.old && is_function(init.old.node.get()))
        collect_assigned(init.old.node.get(), self_of(init.old.node.get()), former);
    const std::string self = self_of(init.now.node.get());
    collect_assigned(init.now.node.get(), self, now);
    if (former != now) outcome_.reshaped.push_back(live);
    const Ref body = attribute(init.now.node.get(), "body");
    for_sequence(body.get(), [&](PyObject* statement) {
        const Ref value = attribute_or_null(statement, "value");
        for (const Ref& target : targets_of(statement)) {
            const std::string name = own_name(target.get(), self);
            if (name.empty() || !value || value.get() == Py_None || former.contains(name)) continue;
            const std::string around = where.substr(where.rfind('.') + 1);
            outcome_.gifts.push_back({live, interned(stored_name(name, around)),
                                      given_value(init.now.node.get(), value.get(), names), plan_.name + "." + where,
                                      true});
        }
    });
}

Ref ModuleStage::given_value(PyObject* init, PyObject* node, PyObject* names) {
    if (Ref value = literal_value(node)) return value;
    if (Ref value = empty_container(node)) return value;
    if (!is_node(node, "Name")) return {};
    const std::string name = attribute_text(node, "id");
    const std::set<std::string> local = local_names(init);
    return local.contains(name) ? Ref() : Ref::borrow(dict_get(names, name));
}

std::set<std::string> ModuleStage::local_names(PyObject* function) {
    std::set<std::string> found;
    const Ref arguments = attribute(function, "args");
    for (const char* field : {"posonlyargs", "args", "kwonlyargs"}) {
        const Ref list = attribute(arguments.get(), field);
        for_sequence(list.get(), [&](PyObject* argument) { found.insert(attribute_text(argument, "arg")); });
    }
    for (const char* field : {"vararg", "kwarg"})
        if (const Ref argument = attribute(arguments.get(), field); argument.get() != Py_None)
            found.insert(attribute_text(argument.get(), "arg"));
    const Ref body = attribute(function, "body");
    for_sequence(body.get(), [&](PyObject* statement) {
        for (const std::string& name : bound_names(statement)) found.insert(name);
    });
    return found;
}

void ModuleStage::fields_of(const Ref& live, PyObject* staged, const std::string& where) {
    const Ref former = instance_fields(live.get());
    const Ref now = instance_fields(staged);
    if (!now) {
        list_short_tuples(live, staged, where);
        return;
    }
    const Ref missing = attribute(import_module("dataclasses").get(), "MISSING");
    bool changed = former && PyDict_GET_SIZE(former.get()) != PyDict_GET_SIZE(now.get());
    for_items(now.get(), [&](PyObject* name, PyObject* field) {
        if (!former || dict_get(former.get(), name) != nullptr) return;
        changed = true;
        const Ref factory = attribute(field, "default_factory");
        const Ref value = attribute(field, "default");
        if (factory.get() != missing.get()) {
            make_fields(live, name, factory);
        } else {
            outcome_.gifts.push_back(
                {live, Ref::borrow(name), value.get() == missing.get() ? Ref() : value, plan_.name + "." + where});
        }
    });
    if (changed) outcome_.reshaped.push_back(live);
}

void ModuleStage::list_short_tuples(const Ref& live, PyObject* staged, const std::string& where) {
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(staged)));
    const Ref members = Ref::steal(PyType_GetDict(live.as<PyTypeObject>()));
    PyObject* now = dict_get(dict.get(), "_fields");
    PyObject* former = dict_get(members.get(), "_fields");
    if (now == nullptr || former == nullptr || !PyTuple_Check(now) || !PyTuple_Check(former)) return;
    if (PyTuple_GET_SIZE(now) <= PyTuple_GET_SIZE(former) || instances_of({live.as<PyTypeObject>()}).empty()) return;
    outcome_.kept.push_back({plan_.name + "." + where,
                             "missing-attribute: living instances have " + std::to_string(PyTuple_GET_SIZE(former)) +
                                 " fields, tuples keep their length; make them anew where the new ones are read",
                             plan_.now.path, 0});
}

void ModuleStage::make_fields(const Ref& live, PyObject* name, const Ref& factory) {
    std::vector<Ref> living;
    for (PyObject* object : instances_of({live.as<PyTypeObject>()})) living.push_back(Ref::borrow(object));
    for (const Ref& object : living) outcome_.given.push_back({object, Ref::borrow(name), call(factory.get())});
}

}  // namespace rebottle
