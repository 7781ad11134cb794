// Functions: those whose code changed, and those that have to be evaluated.
#include <algorithm>
#include <limits>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

// The live functions of a definition of the former source, by its compiled code.
std::vector<PyFunctionObject*> live_functions(PyCodeObject* old_code, const std::string& file, PyObject* globals) {
    CodeIndex& index = CodeIndex::instance();
    std::vector<PyFunctionObject*> found;
    for (PyCodeObject* code : index.codes(file, std::string(qualname(old_code))))
        if (same_code(code, old_code))
            for (PyFunctionObject* function : index.functions(code))
                if (function->func_globals == globals) found.push_back(function);
    return found;
}

// Gives the copy of a function's node lists of defaults that no other node shares.
static void own_defaults(PyObject* function) {
    const Ref arguments = copy_node(attribute(function, "args").get());
    for (const char* field : {"defaults", "kw_defaults"}) {
        const Ref list = Ref::steal(PySequence_List(attribute(arguments.get(), field).get()));
        check(PyObject_SetAttrString(arguments.get(), field, list.get()));
    }
    check(PyObject_SetAttrString(function, "args", arguments.get()));
}

void ModuleStage::keep_defaults(Scope& scope, PyObject* old, PyObject* copy, PyFunctionObject* live) {
    static PyObject* const name_type = attribute(import_module("ast").get(), "Name").release();
    static PyObject* const load = call(attribute(import_module("ast").get(), "Load").get()).release();
    static PyObject* const locate = attribute(import_module("ast").get(), "copy_location").release();
    const auto former = default_nodes(old);
    own_defaults(copy);
    for (const auto& current : default_nodes(copy)) {
        const auto& parameter = current.first;
        const auto& node = current.second;
        const auto same = std::find_if(former.begin(), former.end(), [&](const auto& each) {
            return each.first == parameter && same_tree(each.second.get(), node.get());
        });
        const Ref value = same == former.end() ? Ref() : live_default(live, parameter);
        if (!value) continue;
        const std::string placeholder = "__rebottle_default_" + parameter + "__";
        dict_set(scope.names(), placeholder, value.get());
        placeholders_.push_back(placeholder);
        const Ref name = call(name_type, {to_str(placeholder).get(), load});
        replace_default(copy, node.get(), call(locate, {name.get(), node.get()}).get());
    }
}

Ref ModuleStage::live_default(PyFunctionObject* live, const std::string& parameter) {
    auto* code = as_code(live->func_code);
    if (live->func_kwdefaults != nullptr)
        if (PyObject* value = dict_get(live->func_kwdefaults, parameter)) return Ref::borrow(value);
    if (live->func_defaults == nullptr || !PyTuple_Check(live->func_defaults)) return {};
    const Py_ssize_t first = code->co_argcount - PyTuple_GET_SIZE(live->func_defaults);
    for (Py_ssize_t i = std::max<Py_ssize_t>(first, 0); i < code->co_argcount; ++i)
        if (view(PyTuple_GET_ITEM(code->co_localsplusnames, i)) == parameter)
            return Ref::borrow(PyTuple_GET_ITEM(live->func_defaults, i - first));
    return {};
}

void ModuleStage::replace_default(PyObject* function, PyObject* node, PyObject* replacement) {
    const Ref arguments = attribute(function, "args");
    for (const char* field : {"defaults", "kw_defaults"}) {
        const Ref list = attribute(arguments.get(), field);
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i)
            if (PyList_GET_ITEM(list.get(), i) == node) check(PyList_SetItem(list.get(), i, Py_NewRef(replacement)));
    }
}

void ModuleStage::evaluate_function(Scope& scope, Edit& edit) {
    PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
    if (old_code == nullptr) raise(PyExc_SystemError, "rebottle: no code for the former " + edit.where);
    const Ref copy = copy_node(edit.now.node.get());
    const auto functions = live_functions(old_code, plan_.record->version.path, live_);
    if (!functions.empty()) {
        const Ref live = Ref::borrow(reinterpret_cast<PyObject*>(functions.front()));
        keep_defaults(scope, edit.old.node.get(), copy.get(), live.as<PyFunctionObject>());
    }
    const Ref root = scope.run({copy}, edit.now.offset);
    for (const std::string& placeholder : placeholders_)
        check(PyDict_DelItem(scope.names(), interned(placeholder).get()));
    placeholders_.clear();
    PyCodeObject* now_code = find_code(as_code(root.get()), edit.where, edit.now.line);
    if (now_code == nullptr) raise(PyExc_SystemError, "rebottle: no code for the new " + edit.where);
    outcome_.held.push_back(root);
    for (PyFunctionObject* made : CodeIndex::instance().functions(now_code))
        outcome_.made_with.emplace(reinterpret_cast<PyObject*>(made),
                                   made->func_dict != nullptr ? Ref::steal(PyDict_Copy(made->func_dict)) : new_dict());
    outcome_.swaps.push_back(swap_for(edit, old_code, now_code));
    evaluated_[edit.where] = !same_field(edit.old.node.get(), edit.now.node.get(), "decorator_list");
}

Swap ModuleStage::swap_for(const Edit& edit, PyCodeObject* old_code, PyCodeObject* now_code) const {
    Swap swap;
    swap.module = plan_.name;
    swap.where = std::string(qualname(now_code));
    swap.file = plan_.record->version.path;
    swap.dict = live_;
    swap.old_code = Ref::borrow(as_object(old_code));
    swap.now_code = Ref::borrow(as_object(now_code));
    swap.old = edit.old;
    swap.now = edit.now;
    swap.kind = edit.kind == Kind::lines ? "" : change_kind(edit);
    swap.line = now_code->co_firstlineno;
    return swap;
}

void ModuleStage::bodies(Edit& edit) {
    if (!edit.old || !edit.now) return;
    if (edit.kind == Kind::members) {
        for (Edit& member : edit.members) bodies(member);
        class_lines(edit);
        return;
    }
    if (edit.now.kind == Statement::Kind::function && edit.old.kind == Statement::Kind::function) {
        PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
        PyCodeObject* now_code = find_code(as_code(edit.now_root.get()), edit.where, edit.now.line);
        if (old_code != nullptr && now_code != nullptr) outcome_.swaps.push_back(swap_for(edit, old_code, now_code));
        return;
    }
    outermost_pairs(edit, as_code(edit.old_root.get()), as_code(edit.now_root.get()));
    class_lines(edit);
}

// Whether code is that of the lambda which a statement binds to a name.
static bool is_lambda(const Statement& statement, PyCodeObject* code) {
    return statement.binds_lambda() && qualname(code).ends_with("<lambda>");
}

// Whether a function of a block that was run has other defaults, annotations or decorators.
static bool differs(const Ref& before, const Ref& after) {
    return before && after && compare_shells(before.get(), after.get()).evaluate();
}

void ModuleStage::outermost_pairs(const Edit& edit, PyCodeObject* old_root, PyCodeObject* now_root) {
    CodePairs pairs;
    std::vector<PyCodeObject*> unmatched;
    // The code may be compiled together with that of its neighbours.
    const auto within = [&edit](PyCodeObject* root, const Statement& statement) {
        if (edit.whole) return codes_within(root, 0, std::numeric_limits<int>::max());
        return codes_within(root, statement.line, last_line(statement.node.get()) + statement.offset);
    };
    pair_codes(within(old_root, edit.old), within(now_root, edit.now), pairs, unmatched);
    std::set<PyCodeObject*> inner;
    for (const auto& [old_code, now_code] : pairs)
        for_nested(now_code, [&](PyCodeObject* nested) {
            for_all_code(nested, [&](PyCodeObject* each) { inner.insert(each); });
        });
    FunctionNodes olds(edit.old.node.get());
    FunctionNodes news(edit.now.node.get());
    const auto was_evaluated = [&](PyCodeObject* old_code, PyCodeObject* now_code) {
        if (edit.kind != Kind::run || !is_function_code(now_code)) return false;
        const std::string name(view(now_code->co_name));
        return differs(olds.at(old_code->co_firstlineno - edit.old.offset, name),
                       news.at(now_code->co_firstlineno - edit.now.offset, name));
    };
    for (const auto& [old_code, now_code] : pairs) {
        if (inner.contains(now_code)) continue;
        Swap swap = swap_for(edit, old_code, now_code);
        if (!edit.now.is_definition()) swap.kind = "function-code";
        if (same_code(old_code, now_code)) {
            const bool other_values = is_lambda(edit.now, now_code) || was_evaluated(old_code, now_code);
            swap.kind = other_values ? "function-signature" : unchanged_kind();
        }
        outcome_.swaps.push_back(std::move(swap));
    }
}

}  // namespace rebottle
