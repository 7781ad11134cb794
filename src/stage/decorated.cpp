#include "stage/decorated.hpp"

#include <algorithm>

#include "code/code.hpp"
#include "code/tree.hpp"
#include "source/modules.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

struct Decorator {
    std::string name;
    std::string place;
    Ref code;  // of the former source
};

bool has_functions(PyCodeObject* code) {
    bool found = false;
    for_nested(code, [&](PyCodeObject* nested) { found = found || is_function_code(nested); });
    return found;
}

// Whether anything but the innermost functions differs.
bool outer_part_changed(PyCodeObject* old_code, PyCodeObject* now_code) {
    if (!same_shell(old_code, now_code)) return true;
    std::vector<PyCodeObject*> olds;
    std::vector<PyCodeObject*> news;
    for_nested(old_code, [&](PyCodeObject* code) { olds.push_back(code); });
    for_nested(now_code, [&](PyCodeObject* code) { news.push_back(code); });
    for (std::size_t i = 0; i < olds.size() && i < news.size(); ++i)
        if (has_functions(olds[i]) && has_functions(news[i]) && outer_part_changed(olds[i], news[i])) return true;
    return false;
}

std::vector<Decorator> changed_functions(const Plan& plan) {
    std::vector<Decorator> found;
    for (const ModulePlan& module : plan.modules)
        for (const Edit& edit : module.edits) {
            if ((edit.kind != Kind::body && edit.kind != Kind::function) || !edit.old ||
                edit.now.kind != Statement::Kind::function)
                continue;
            PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
            PyCodeObject* now_code = find_code(as_code(edit.now_root.get()), edit.where, edit.now.line);
            if (old_code != nullptr && now_code != nullptr && outer_part_changed(old_code, now_code))
                found.push_back({edit.now.name, module.name + "." + edit.where, Ref::borrow(as_object(old_code))});
        }
    return found;
}

// Whether some line begins with @ and has the name.
bool may_use(const std::string& text, const std::string& name) {
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1)) {
        const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
        if (line.find(name) != std::string_view::npos) return true;
    }
    return false;
}

// What a dotted name stands for in a module, looked up in modules only.
PyObject* meaning(PyObject* node, PyObject* names) {
    if (is_node(node, "Name")) return dict_get(names, attribute_text(node, "id"));
    if (!is_node(node, "Attribute")) return nullptr;
    PyObject* owner = meaning(attribute(node, "value").get(), names);
    return owner != nullptr && PyModule_Check(owner) ? dict_get(PyModule_GetDict(owner), attribute_text(node, "attr"))
                                                     : nullptr;
}

bool is_decorated_by(PyObject* definition, const Decorator& decorator, PyObject* names) {
    bool found = false;
    for_sequence(attribute(definition, "decorator_list").get(), [&](PyObject* node) {
        PyFunctionObject* function = decorator_function(node, names);
        found =
            found || (function != nullptr && same_code(as_code(function->func_code), as_code(decorator.code.get())));
    });
    return found;
}

void list(PyObject* node, const std::string& path, const Decorator& decorator, const ModuleRecord& record,
          PyObject* names, Outcome& outcome) {
    for_children(node, [&](PyObject* child) {
        if (!is_definition(child)) {
            list(child, path, decorator, record, names, outcome);
            return;
        }
        const std::string place = path + "." + attribute_text(child, "name");
        if (is_decorated_by(child, decorator, names))
            outcome.kept.push_back({place,
                                    "decorated earlier by " + decorator.place +
                                        ", whose part outside its wrapper counts for definitions made later",
                                    record.version.path, first_line(child)});
        if (is_node(child, "ClassDef")) list(child, place, decorator, record, names, outcome);
    });
}

}  // namespace

PyFunctionObject* decorator_function(PyObject* decorator, PyObject* names) {
    const Ref callee = is_node(decorator, "Call") ? attribute(decorator, "func") : Ref::borrow(decorator);
    PyObject* value = meaning(callee.get(), names);
    return value != nullptr && PyFunction_Check(value) ? reinterpret_cast<PyFunctionObject*>(value) : nullptr;
}

void list_decorated(const Plan& plan, Outcome& outcome) {
    const std::vector<Decorator> decorators = changed_functions(plan);
    if (decorators.empty()) return;
    Modules& modules = Modules::instance();
    for (const std::string& name : modules.tracked()) {
        const ModuleRecord& record = modules.record(name);
        const Ref module = loaded_module(name);
        if (!module || !PyModule_Check(module.get())) continue;
        for (const Decorator& decorator : decorators) {
            if (!may_use(record.version.text, decorator.name)) continue;
            const Ref tree = parse(record.version.text, record.version.path, 0);
            list(tree.get(), name, decorator, record, PyModule_GetDict(module.get()), outcome);
        }
    }
}

}  // namespace rebottle
