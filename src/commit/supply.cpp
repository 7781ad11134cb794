// What a live function can be given when its code changes: cells for free variables, defaults of inner functions.
#include <algorithm>

#include "code/literal.hpp"
#include "commit/pour.hpp"
#include "plan/plan.hpp"

namespace rebottle {
namespace {

// Counts how often a function's own scope binds a name; `value` is set where it is a plain assignment.
void count_bindings(PyObject* node, const std::string& name, int& times, Ref& value) {
    if (is_definition(node)) {
        if (attribute_text(node, "name") == name) ++times;
        return;
    }
    if (is_node(node, "Assign") || is_node(node, "AnnAssign")) {
        const std::vector<std::string> names = bound_names(node);
        if (names.size() == 1 && names[0] == name) {
            ++times;
            value = attribute(node, "value");
            return;
        }
    }
    if (is_node(node, "Name") && attribute_text(node, "id") == name && !is_node(attribute(node, "ctx").get(), "Load"))
        times += 2;
    if (is_node(node, "arg") && attribute_text(node, "arg") == name) times += 2;
    for_children(node, [&](PyObject* child) { count_bindings(child, name, times, value); });
}

// The value of a variable that some enclosing function binds once, to a literal; nothing otherwise.
Ref literal_of_variable(PyObject* node, const std::string& name) {
    Ref found;
    if (is_function(node)) {
        int times = 0;
        Ref value;
        for_children(node, [&](PyObject* child) { count_bindings(child, name, times, value); });
        if (times == 1 && value && value.get() != Py_None) return literal_value(value.get());
        if (times > 0) return {};
    }
    for_children(node, [&](PyObject* child) {
        if (!found) found = literal_of_variable(child, name);
    });
    return found;
}

Ref cell_of(PyFunctionObject* function, const std::string& name) {
    if (function == nullptr || function->func_closure == nullptr) return {};
    const std::vector<std::string> names = free_variables(as_code(function->func_code));
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? Ref() : Ref::borrow(PyTuple_GET_ITEM(function->func_closure, found - names.begin()));
}

// The class in whose body the definition stands.
Ref owner_class(const Swap& swap) {
    for (std::size_t dot = swap.where.rfind('.'); dot != std::string::npos && dot > 0;
         dot = swap.where.rfind('.', dot - 1))
        if (Ref owner = live_class(swap.dict, swap.where.substr(0, dot))) return owner;
    return {};
}

// A class made within a function, by its qualified name, of which the function is a method.
Ref holder_class(PyFunctionObject* function, std::string_view path) {
    Ref found;
    for_all_objects([&](PyObject* object) {
        if (!PyType_Check(object) || (reinterpret_cast<PyTypeObject*>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0)
            return;
        if (view(reinterpret_cast<PyHeapTypeObject*>(object)->ht_qualname) != path) return;
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(object)));
        for_items(members.get(), [&](PyObject*, PyObject* member) {
            for_reachable(member, [&](PyObject* each) {
                if (each == reinterpret_cast<PyObject*>(function)) found = Ref::borrow(object);
            });
        });
    });
    return found;
}

// What `__class__` is in a function. Of classes made within functions there may be many of one name.
Ref class_around(PyFunctionObject* function, const Swap& swap) {
    constexpr std::string_view local = ".<locals>.";
    const std::string path(qualname(as_code(function->func_code)));
    const std::size_t last = path.rfind(local);
    if (last == std::string::npos) return owner_class(swap);
    if (path.find('.', last + local.size()) != std::string::npos)
        return holder_class(function, std::string_view(path).substr(0, path.rfind('.')));
    const std::size_t first = path.find(local);
    const std::string_view between = std::string_view(path).substr(first, last - first);
    const bool inner_class = between.find('.', std::min(local.size(), between.size())) != std::string_view::npos;
    return inner_class ? Ref() : owner_class(swap);
}

Ref type_parameter(PyFunctionObject* function, const std::string& name, const Swap& swap) {
    Ref found;
    const auto look = [&](PyObject* parameters) {
        if (parameters == nullptr || !PyTuple_Check(parameters)) return;
        for_sequence(parameters, [&](PyObject* parameter) {
            if (attribute_text(parameter, "__name__") == name) found = Ref::borrow(parameter);
        });
    };
    look(function->func_typeparams);
    if (const Ref owner = found ? Ref() : owner_class(swap))
        if (const Ref parameters = attribute_or_null(owner.get(), "__type_params__")) look(parameters.get());
    return found;
}

Ref supplied(PyFunctionObject* function, const std::string& name, const Swap& swap) {
    if (name == "__class__") {
        const Ref owner = class_around(function, swap);
        return owner ? Ref::steal(PyCell_New(owner.get())) : Ref();
    }
    if (const Ref parameter = type_parameter(function, name, swap)) return Ref::steal(PyCell_New(parameter.get()));
    if (!swap.now) return {};
    const Ref value = literal_of_variable(swap.now.node.get(), name);
    return value ? Ref::steal(PyCell_New(value.get())) : Ref();
}

Ref live_default(PyFunctionObject* function, const std::string& parameter) {
    auto* code = as_code(function->func_code);
    if (function->func_kwdefaults != nullptr)
        if (PyObject* value = dict_get(function->func_kwdefaults, parameter)) return Ref::borrow(value);
    if (function->func_defaults == nullptr || !PyTuple_Check(function->func_defaults)) return {};
    const Py_ssize_t first = code->co_argcount - PyTuple_GET_SIZE(function->func_defaults);
    for (Py_ssize_t i = std::max<Py_ssize_t>(first, 0); i < code->co_argcount; ++i)
        if (view(PyTuple_GET_ITEM(code->co_localsplusnames, i)) == parameter)
            return Ref::borrow(PyTuple_GET_ITEM(function->func_defaults, i - first));
    return {};
}

}  // namespace

Closure closure_for(PyFunctionObject* function, PyCodeObject* now, PyFunctionObject* source, const Swap& swap) {
    Closure closure;
    const std::vector<std::string> names = free_variables(now);
    if (names.empty()) return closure;
    closure.cells = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(names.size())));
    for (std::size_t i = 0; i < names.size(); ++i) {
        Ref cell = cell_of(function, names[i]);
        if (!cell) cell = cell_of(source, names[i]);
        if (!cell) cell = supplied(function, names[i], swap);
        if (!cell) {
            closure.complete = false;
            closure.missing = names[i];
            return closure;
        }
        PyTuple_SET_ITEM(closure.cells.get(), static_cast<Py_ssize_t>(i), cell.release());
    }
    return closure;
}

Defaults nested_defaults(PyFunctionObject* function, PyCodeObject* now, const Swap& swap, Definitions& definitions) {
    Defaults result{true, Ref::borrow(function->func_defaults), Ref::borrow(function->func_kwdefaults)};
    auto* old_code = as_code(function->func_code);
    if (!swap.now || !swap.old) return result;
    const std::string name = to_text(now->co_name);
    const Ref before = definitions.old.at(old_code->co_firstlineno - swap.old.offset, name);
    const Ref after = definitions.now.at(now->co_firstlineno - swap.now.offset, name);
    if (!before || !after) return result;
    const FunctionShell shell = compare_shells(before.get(), after.get());
    if (!shell.defaults) return result;
    const auto former = default_nodes(before.get());
    const Ref positional = Ref::steal(PyList_New(0));
    const Ref keyword = new_dict();
    const std::vector<std::string> keyword_only = [&] {
        std::vector<std::string> names;
        for (int i = now->co_argcount; i < now->co_argcount + now->co_kwonlyargcount; ++i)
            names.emplace_back(view(PyTuple_GET_ITEM(now->co_localsplusnames, i)));
        return names;
    }();
    for (const auto& each : default_nodes(after.get())) {
        const std::string& parameter = each.first;
        const Ref& node = each.second;
        const bool same = std::any_of(former.begin(), former.end(), [&](const auto& old) {
            return old.first == parameter && same_tree(old.second.get(), node.get());
        });
        Ref value = same ? live_default(function, parameter) : literal_value(node.get());
        if (!value) return {false, {}, {}};
        if (std::find(keyword_only.begin(), keyword_only.end(), parameter) != keyword_only.end()) {
            dict_set(keyword.get(), parameter, value.get());
        } else {
            check(PyList_Append(positional.get(), value.get()));
        }
    }
    result.positional = PyList_GET_SIZE(positional.get()) > 0 ? Ref::steal(PyList_AsTuple(positional.get())) : Ref();
    result.keyword = PyDict_GET_SIZE(keyword.get()) > 0 ? keyword : Ref();
    return result;
}

}  // namespace rebottle
