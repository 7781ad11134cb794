// Code that is run while a class is made, and changed: classes made earlier are listed.
#include <algorithm>

#include "code/tree.hpp"
#include "live/instances.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

bool is_changed_function(const Edit& edit) {
    return edit.now && edit.now.kind == Statement::Kind::function &&
           (edit.kind == Kind::body || edit.kind == Kind::function || edit.kind == Kind::run);
}

std::string full_name(PyObject* type) {
    return attribute_text(type, "__module__") + "." + attribute_text(type, "__qualname__");
}

// Whether one of the decorators is the function, plain or called.
bool is_decorated_by(PyObject* definition, const std::string& name) {
    bool found = false;
    const Ref decorators = attribute(definition, "decorator_list");
    for_sequence(decorators.get(), [&](PyObject* decorator) {
        const Ref plain = is_node(decorator, "Call") ? attribute(decorator, "func") : Ref::borrow(decorator);
        found = found || (is_node(plain.get(), "Name") && attribute_text(plain.get(), "id") == name);
    });
    return found;
}

}  // namespace

void ModuleStage::list_made_earlier() {
    for (const Edit& edit : plan_.edits) {
        if (edit.kind == Kind::members || edit.kind == Kind::aside) list_made_by_class(edit);
        if (edit.old && edit.where == edit.now.name && is_changed_function(edit)) list_decorated(edit.now.name);
    }
}

void ModuleStage::list_made_by_class(const Edit& edit) {
    const Ref live = live_class(live_, edit.where);
    if (!live) return;
    for (const Edit& member : edit.members) {
        if (!is_changed_function(member)) continue;
        const std::string& name = member.now.name;
        if (name == "__init_subclass__") {
            const Ref subclasses =
                call(attribute(reinterpret_cast<PyObject*>(&PyType_Type), "__subclasses__").get(), {live.get()});
            for_sequence(subclasses.get(), [&](PyObject* type) { list_earlier(type, member.where); });
        } else if (PyType_IsSubtype(live.as<PyTypeObject>(), &PyType_Type) != 0 &&
                   (name == "__init__" || name == "__new__" || name == "__prepare__")) {
            for (PyObject* type : instances_of({live.as<PyTypeObject>()})) list_earlier(type, member.where);
        }
    }
}

void ModuleStage::list_earlier(PyObject* type, const std::string& hook) {
    outcome_.kept.push_back(
        {full_name(type), "made earlier: the changed " + hook + " isn't run for it again", plan_.now.path, 0});
}

void ModuleStage::list_decorated(const std::string& decorator) {
    for (const Chunk& chunk : plan_.now.split.chunks) {
        const std::string text(chunk.in(plan_.now.text));
        if (!text.starts_with('@') || text.find(decorator) == std::string::npos) continue;
        const Ref tree = parse(text, plan_.now.path, plan_.flags);
        const Ref body = attribute(tree.get(), "body");
        for_sequence(body.get(), [&](PyObject* statement) {
            if (!is_node(statement, "ClassDef") || !is_decorated_by(statement, decorator)) return;
            if (const Ref live = live_class(live_, attribute_text(statement, "name")))
                list_earlier(live.get(), decorator);
        });
    }
}

}  // namespace rebottle
