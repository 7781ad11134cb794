#include "stage/policy.hpp"

#include <algorithm>
#include <array>

#include "code/code.hpp"
#include "code/tree.hpp"

namespace rebottle {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_pure_call(PyObject* node) {
    const Ref callee = attribute(node, "func");
    if (!is_node(callee.get(), "Name")) return false;
    return is_one_of(attribute_text(callee.get(), "id"),
                     {"abs",       "bool",  "bytes", "complex", "dict", "divmod", "enumerate", "float",
                      "frozenset", "int",   "len",   "list",    "max",  "min",    "pow",       "range",
                      "reversed",  "round", "set",   "sorted",  "str",  "sum",    "tuple",     "zip"});
}

bool is_pure_node(PyObject* node) {
    if (is_node(node, "Call")) return is_pure_call(node);
    return !is_one_of(node_type(node), {"Await", "Yield", "YieldFrom", "NamedExpr", "Lambda"});
}

void report_touched(Outcome& outcome, const std::string& where) {
    outcome.kept.push_back({where, "its value was changed at run time as well, the live value stays", "", 0});
}

Merged merge_dicts(PyObject* old, PyObject* now, PyObject* live, const std::string& where, Outcome& outcome) {
    const Ref result = Ref::steal(PyDict_Copy(live));
    bool changed = false;
    for_items(now, [&](PyObject* key, PyObject* value) {
        PyObject* before = dict_get(old, key);
        PyObject* current = dict_get(result.get(), key);
        if (before != nullptr && equal(before, value)) return;
        const std::string place = where + "[" + to_text(Ref::steal(PyObject_Repr(key)).get()) + "]";
        if (before == nullptr && current == nullptr) {
            dict_set(result.get(), key, value);
            changed = true;
        } else if (before == nullptr || current == nullptr) {
            if (current == nullptr || !equal(current, value)) report_touched(outcome, place);
        } else {
            const Merged item = merge(before, value, current, place, outcome);
            if (!item.changed) return;
            changed = true;
            if (is_table(current, item.value.get())) {
                outcome.renewals.push_back({Ref::borrow(current), item.value, place});
            } else {
                dict_set(result.get(), key, item.value.get());
            }
        }
    });
    for_items(old, [&](PyObject* key, PyObject* value) {
        if (dict_get(now, key) != nullptr) return;
        PyObject* current = dict_get(result.get(), key);
        if (current == nullptr) return;
        if (equal(current, value)) {
            check(PyDict_DelItem(result.get(), key));
            changed = true;
        } else {
            report_touched(outcome, where + "[" + to_text(Ref::steal(PyObject_Repr(key)).get()) + "]");
        }
    });
    return changed ? Merged{result, true} : Merged{Ref::borrow(live), false};
}

Merged merge_sets(PyObject* old, PyObject* now, PyObject* live) {
    const Ref added = Ref::steal(PyNumber_Subtract(now, old));
    const Ref removed = Ref::steal(PyNumber_Subtract(old, now));
    const Ref without = Ref::steal(PyNumber_Subtract(live, removed.get()));
    const Ref result = Ref::steal(PyNumber_Or(without.get(), added.get()));
    if (equal(result.get(), live)) return {Ref::borrow(live), false};
    return {result, true};
}

}  // namespace

bool is_data(PyObject* value) {
    if (PyType_Check(value) || PyModule_Check(value) || PyFunction_Check(value) || PyCFunction_Check(value))
        return false;
    if (Py_TYPE(value)->tp_descr_get != nullptr || Py_TYPE(value)->tp_descr_set != nullptr) return false;
    const std::string_view type = Py_TYPE(value)->tp_name;
    return !is_one_of(type, {"typing.TypeAliasType", "typing.NewType", "types.GenericAlias", "types.UnionType",
                             "_GenericAlias", "_UnionGenericAlias", "_SpecialForm", "_CallableGenericAlias",
                             "_LiteralGenericAlias", "_AnnotatedAlias", "NewType", "TypeAliasType"});
}

bool always_follows(const std::string& name) {
    return is_one_of(name, {"__all__", "__doc__", "__version__", "__slots__", "__match_args__", "__hash__",
                            "_reload_data", "_reload_all_data", "_del_func", "__annotations__"});
}

bool is_pure(PyObject* expression) {
    bool pure = is_pure_node(expression);
    for_children(expression, [&](PyObject* child) { pure = pure && is_pure(child); });
    return pure;
}

bool is_pure_but_lambdas(PyObject* expression) {
    if (is_node(expression, "Lambda")) {
        const Ref arguments = attribute(expression, "args");
        bool pure = true;
        for (const char* field : {"defaults", "kw_defaults"})
            for_sequence(attribute(arguments.get(), field).get(),
                         [&](PyObject* value) { pure = pure && (value == Py_None || is_pure(value)); });
        return pure;
    }
    bool pure = is_pure_node(expression);
    const bool calls = is_node(expression, "Call");
    for_children(expression,
                 [&](PyObject* child) { pure = pure && (calls ? is_pure(child) : is_pure_but_lambdas(child)); });
    return pure;
}

bool equal(PyObject* a, PyObject* b) {
    if (a == b) return true;
    return Py_IS_TYPE(a, Py_TYPE(b)) && check(PyObject_RichCompareBool(a, b, Py_EQ)) == 1;
}

bool is_table(PyObject* live, PyObject* content) {
    if (live == content || !Py_IS_TYPE(live, Py_TYPE(content))) return false;
    return PyDict_CheckExact(live) || PyList_CheckExact(live) || PySet_CheckExact(live);
}

bool Marks::names_data(const std::string& name) const {
    return all || std::any_of(names.begin(), names.end(), [&](const std::string& named) {
               const bool is_private = named.starts_with("__") && !named.ends_with("__");
               return named == name || (is_private && name[0] == '_' && name.ends_with(named));
           });
}

namespace {

// What the last assignment of a mark has on its right, where that can be told without side effects; else the live
// value.
Ref mark_value(const std::vector<const Statement*>& statements, PyObject* names, const char* name) {
    static PyObject* const type = attribute(import_module("ast").get(), "Expression").release();
    for (auto each = statements.rbegin(); each != statements.rend(); ++each) {
        if ((*each)->kind != Statement::Kind::assignment || !(*each)->binds_name(name)) continue;
        const Ref value = attribute((*each)->node.get(), "value");
        if (!is_pure(value.get())) break;
        const Ref code = compile_expression(call(type, {value.get()}).get(), "<mark>", 0);
        const Ref scope = Ref::steal(PyDict_Copy(names));
        return run_code(code.get(), scope.get(), scope.get());
    }
    return Ref::borrow(dict_get(names, name));
}

Marks read_marks(const std::vector<const Statement*>& statements, PyObject* names) {
    const auto value_of = [&](const char* name) { return mark_value(statements, names, name); };
    Marks marks;
    const Ref all = value_of("_reload_all_data");
    const Ref gone = value_of("_del_func");
    marks.all = all && check(PyObject_IsTrue(all.get())) == 1;
    marks.delete_functions = gone && check(PyObject_IsTrue(gone.get())) == 1;
    if (const Ref data = value_of("_reload_data")) {
        const Ref list = PyUnicode_Check(data.get()) ? Ref() : Ref::steal(PySequence_List(data.get()));
        if (!list) {
            marks.names.push_back(to_text(data.get()));
        } else {
            for_sequence(list.get(), [&](PyObject* name) { marks.names.push_back(to_text(name)); });
        }
    }
    return marks;
}

}  // namespace

Marks marks_of(const std::vector<Edit>& edits, PyObject* names) {
    std::vector<const Statement*> statements;
    for (const Edit& edit : edits)
        if (edit.now) statements.push_back(&edit.now);
    return read_marks(statements, names);
}

Marks marks_of(const std::vector<Statement>& statements, PyObject* names) {
    std::vector<const Statement*> all;
    for (const Statement& each : statements) all.push_back(&each);
    return read_marks(all, names);
}

Policy policy_for(const Request& request, const std::string& module, const std::string& where) {
    if (const auto named = request.policies.find(module + "." + where); named != request.policies.end())
        return named->second;
    if (const auto found = request.policies.find(module); found != request.policies.end()) return found->second;
    for (const auto& [pattern, policy] : request.policies)
        if (pattern.find('*') != std::string::npos && matches(pattern, module)) return policy;
    return request.policy;
}

bool is_named(const Request& request, const std::string& module, const std::string& where) {
    return request.policies.contains(module + "." + where);
}

Merged merge(PyObject* old, PyObject* now, PyObject* live, const std::string& where, Outcome& outcome) {
    if (PyDict_CheckExact(old) && PyDict_CheckExact(now) && PyDict_CheckExact(live))
        return merge_dicts(old, now, live, where, outcome);
    if (PyAnySet_CheckExact(old) && Py_IS_TYPE(now, Py_TYPE(old)) && Py_IS_TYPE(live, Py_TYPE(old)))
        return merge_sets(old, now, live);
    if (equal(old, live)) return {Ref::borrow(now), true};
    if (!equal(now, live)) report_touched(outcome, where);
    return {Ref::borrow(live), false};
}

bool has_identity(PyObject* object) {
    const bool sentinel = Py_IS_TYPE(object, &PyBaseObject_Type);
    return (PyObject_IS_GC(object) || sentinel) && !PyTuple_CheckExact(object) && !_Py_IsImmortal(object);
}

}  // namespace rebottle
