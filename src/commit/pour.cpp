#include "commit/pour.hpp"

#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "compat/compat.hpp"
#include "plan/plan.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyFunctionObject* as_function(PyObject* object) { return reinterpret_cast<PyFunctionObject*>(object); }
PyObject* as_plain(PyFunctionObject* function) { return reinterpret_cast<PyObject*>(function); }

bool is_method_holder(PyObject* object) {
    return Py_IS_TYPE(object, &PyClassMethod_Type) || Py_IS_TYPE(object, &PyStaticMethod_Type);
}

bool is_cache(PyObject* object) { return std::string_view(Py_TYPE(object)->tp_name) == "functools._lru_cache_wrapper"; }

// The one pointer after the head of a classmethod or staticmethod.
PyObject** held_callable(PyObject* holder) { return reinterpret_cast<PyObject**>(holder) + sizeof(PyObject) / sizeof(void*); }

// Calls body for each object that a wrapper of some kind leads to.
template <class Body>
void for_wrapped(PyObject* object, Body body) {
    if (PyFunction_Check(object)) {
        if (PyObject* closure = as_function(object)->func_closure)
            for_sequence(closure, [&](PyObject* cell) {
                if (PyObject* content = reinterpret_cast<PyCellObject*>(cell)->ob_ref) body(content);
            });
        if (PyObject* dict = as_function(object)->func_dict)
            if (PyObject* wrapped = dict_get(dict, "__wrapped__")) body(wrapped);
        return;
    }
    if (PyMethod_Check(object)) {
        body(PyMethod_GET_FUNCTION(object));
        return;
    }
    if (PyType_Check(object) || PyModule_Check(object)) return;
    if (const traverseproc traverse = Py_TYPE(object)->tp_traverse) {
        std::vector<PyObject*> found;
        traverse(
            object,
            [](PyObject* each, void* data) {
                static_cast<std::vector<PyObject*>*>(data)->push_back(each);
                return 0;
            },
            &found);
        for (PyObject* each : found) body(each);
    }
}

bool reaches(PyObject* from, PyObject* target, std::set<PyObject*>& seen, int depth) {
    if (from == target) return true;
    if (depth == 0 || !seen.insert(from).second) return false;
    bool found = false;
    for_wrapped(from, [&](PyObject* next) { found = found || reaches(next, target, seen, depth - 1); });
    return found;
}

void collect_caches(PyObject* from, std::vector<Ref>& caches, std::set<PyObject*>& seen, int depth) {
    if (depth == 0 || !seen.insert(from).second) return;
    if (is_cache(from)) caches.push_back(Ref::borrow(from));
    if (PyFunction_Check(from) || is_method_holder(from) || is_cache(from) || Py_IS_TYPE(from, &PyProperty_Type))
        for_wrapped(from, [&](PyObject* next) { collect_caches(next, caches, seen, depth - 1); });
}

}  // namespace

void for_reachable(PyObject* from, const std::function<void(PyObject*)>& body) {
    std::set<PyObject*> seen;
    std::vector<std::pair<PyObject*, int>> waiting{{from, 0}};
    constexpr int deepest = 6;
    while (!waiting.empty()) {
        const auto [object, depth] = waiting.back();
        waiting.pop_back();
        if (!seen.insert(object).second) continue;
        body(object);
        const int next = depth + 1;
        if (next <= deepest) for_wrapped(object, [&](PyObject* each) { waiting.emplace_back(each, next); });
    }
}

bool reaches(PyObject* from, PyObject* target) {
    std::set<PyObject*> seen;
    return reaches(from, target, seen, 6);
}

void collect_caches(PyObject* from, std::vector<Ref>& caches) {
    std::set<PyObject*> seen;
    collect_caches(from, caches, seen, 6);
}

FunctionContent& Pour::content(PyFunctionObject* function, const std::string& where) {
    const auto [place, added] = written_.emplace(as_plain(function), result_.journal.size());
    if (added) {
        FunctionContent now = FunctionContent::of(function);
        result_.journal.push_back(FunctionWrite{Ref::borrow(as_plain(function)), now, now, where});
    }
    return std::get<FunctionWrite>(result_.journal[place->second]).after;
}

bool Pour::is_staged(PyObject* object) const {
    return std::any_of(outcome_.created.begin(), outcome_.created.end(), [&](const Ref& made) { return made.get() == object; });
}

Ref Pour::mapped(PyObject* object) const {
    const auto found = outcome_.bottles.find(object);
    return found == outcome_.bottles.end() ? Ref::borrow(object) : found->second;
}

namespace {

// New attributes appear, those that the program set stay; what marks a method as abstract follows the source.
Ref merged_dict(PyObject* live, PyObject* staged, bool replace) {
    static PyObject* const mark = interned("__isabstractmethod__").release();
    if (live != nullptr && dict_get(live, mark) != nullptr && (staged == nullptr || dict_get(staged, mark) == nullptr)) {
        const Ref unmarked = Ref::steal(PyDict_Copy(live));
        check(PyDict_DelItem(unmarked.get(), mark));
        return merged_dict(unmarked.get(), staged, replace);
    }
    if (staged == nullptr) return Ref::borrow(live);
    const Ref result = live != nullptr ? Ref::steal(PyDict_Copy(live)) : new_dict();
    check(PyDict_Merge(result.get(), staged, replace ? 1 : 0));
    return result;
}

}  // namespace

void Pour::function(PyFunctionObject* function, PyCodeObject* now, PyFunctionObject* source, const Swap& swap) {
    const Closure closure = closure_for(function, now, source, swap);
    auto* old_code = as_code(function->func_code);
    if (!closure.complete) {
        result_.stale.push_back({"function", swap.module + "." + swap.where, swap.file, old_code->co_firstlineno, 0,
                                 "its new code reads '" + closure.missing + "', which this closure can't be given"});
        return;
    }
    FunctionContent& after = content(function, swap.module + "." + swap.where);
    if (after.doc.get() == nullptr || after.doc.get() == compat::docstring_of(old_code) ||
        (PyUnicode_Check(after.doc.get()) && PyUnicode_Check(compat::docstring_of(old_code)) &&
         PyUnicode_Compare(after.doc.get(), compat::docstring_of(old_code)) == 0))
        after.doc = Ref::borrow(compat::docstring_of(now));
    after.code = Ref::borrow(as_object(now));
    after.closure = closure.cells;
    if (!stand_ins(swap.module, swap.where).empty()) {
        after.globals = Ref::borrow(swap.dict);
        if (PyObject* builtins = dict_get(swap.dict, "__builtins__"))
            after.builtins = Ref::borrow(PyModule_Check(builtins) ? PyModule_GetDict(builtins) : builtins);
    }
    if (source == nullptr) return;
    const FunctionContent fresh = FunctionContent::of(source);
    after.defaults = fresh.defaults;
    after.kwdefaults = fresh.kwdefaults;
    after.annotations = fresh.annotations;
    after.type_params = fresh.type_params;
    after.doc = fresh.doc;
    after.dict = merged_dict(function->func_dict, source->func_dict, false);
}

void Pour::nested(PyCodeObject* old_code, PyCodeObject* now, const Swap& swap) {
    CodePairs pairs;
    std::vector<PyCodeObject*> unmatched;
    pair_nested(old_code, now, pairs, unmatched);
    for (const auto& pair : pairs) {
        if (pair.first == pair.second) continue;
        const std::vector<PyFunctionObject*> functions = CodeIndex::instance().functions(pair.first);
        for (PyFunctionObject* function : functions) {
            if (is_staged(as_plain(function))) continue;
            const Closure closure = closure_for(function, pair.second, nullptr, swap);
            const Defaults defaults = nested_defaults(function, pair.second, swap);
            if (!closure.complete || !defaults.known) {
                result_.stale.push_back({"function", swap.module + "." + std::string(qualname(pair.first)), swap.file,
                                         pair.first->co_firstlineno, 0,
                                         closure.complete ? "a default of it changed to something that isn't a literal"
                                                          : "its new code reads '" + closure.missing + "', which this closure can't be given"});
                continue;
            }
            FunctionContent& after = content(function, swap.module + "." + std::string(qualname(pair.second)));
            if (after.doc.get() == compat::docstring_of(pair.first)) after.doc = Ref::borrow(compat::docstring_of(pair.second));
            after.code = Ref::borrow(as_object(pair.second));
            after.closure = closure.cells;
            after.defaults = defaults.positional;
            after.kwdefaults = defaults.keyword;
        }
        if (!same_code(pair.first, pair.second))
            result_.replaced_code.emplace(Ref::borrow(as_object(pair.first)), Ref::borrow(as_object(pair.second)));
    }
    for (PyCodeObject* gone : unmatched)
        if (is_function_code(gone) && !CodeIndex::instance().functions(gone).empty())
            result_.stale.push_back({"function", swap.module + "." + std::string(qualname(gone)), swap.file, gone->co_firstlineno, 0,
                                     "its definition is gone from the new source"});
}

void Pour::whole_function(PyFunctionObject* live, PyFunctionObject* staged, const std::string& where) {
    FunctionContent& after = content(live, where);
    const FunctionContent fresh = FunctionContent::of(staged);
    const Ref dict = merged_dict(live->func_dict, staged->func_dict, true);
    after = fresh;
    after.dict = dict;
    if (const auto globals = outcome_.live_globals.find(fresh.globals.get()); globals != outcome_.live_globals.end())
        after.globals = globals->second;
    after.name = Ref::borrow(live->func_name);
    after.qualname = Ref::borrow(live->func_qualname);
}

void Pour::become(PyObject* live, const Ref& now) {
    outcome_.bottles.emplace(live, now);
    result_.becoming.insert(live);
}

void Pour::kind_changed(const Binding& binding, PyObject* live, PyObject* now) {
    for (const auto& [module_name, module] : [&] {
             std::vector<std::pair<Ref, Ref>> modules;
             for_items(PyImport_GetModuleDict(), [&](PyObject* key, PyObject* value) {
                 if (PyModule_Check(value) && value != binding.owner.get()) modules.emplace_back(Ref::borrow(key), Ref::borrow(value));
             });
             return modules;
         }()) {
        PyObject* dict = PyModule_GetDict(module.get());
        for_items(dict, [&](PyObject* key, PyObject* value) {
            if (value == live)
                result_.journal.push_back(NameWrite{Ref::borrow(dict), Ref::borrow(key), Ref::borrow(live), Ref::borrow(now), binding.place()});
        });
    }
    if (PyFunction_Check(live) && PyCallable_Check(now)) {
        forward(as_function(live), now, binding.place());
        return;
    }
    result_.kept.push_back({binding.place(), "kind-changed: whoever holds the former object goes on holding it", "", binding.line});
}

// A held plain function passes its calls on to what it has become.
void Pour::forward(PyFunctionObject* live, PyObject* target, const std::string& where) {
    static PyObject* const make = [] {
        const Ref names = new_dict();
        const Ref code = Ref::steal(Py_CompileString(
            "def make(target):\n    def forward(*args, **kwargs):\n        return target(*args, **kwargs)\n    return forward\n",
            "<rebottle>", Py_file_input));
        run_code(code.get(), names.get(), names.get());
        return Py_NewRef(dict_get(names.get(), "make"));
    }();
    const Ref forwarder = call(make, {target});
    const Ref wrapped = new_dict();
    dict_set(wrapped.get(), "__wrapped__", target);
    auto* function = forwarder.as<PyFunctionObject>();
    FunctionContent& after = content(live, where);
    const FunctionContent fresh = FunctionContent::of(function);
    after.code = fresh.code;
    after.closure = fresh.closure;
    after.defaults = after.kwdefaults = after.annotations = after.type_params = Ref();
    after.dict = merged_dict(live->func_dict, wrapped.get(), true);
}

namespace {

// Whether the name holds what its own `def` or `class` statement bound, not an alias or an import.
bool is_own_definition(const Binding& binding) {
    PyObject* live = binding.before.get();
    PyObject* dict = PyModule_GetDict(binding.owner.get());
    if (PyType_Check(live)) return live_class(dict, binding.where).get() == live;
    return PyFunction_Check(live) && as_function(live)->func_globals == dict &&
           qualname(as_code(as_function(live)->func_code)) == binding.where;
}

}  // namespace

Ref Pour::adopt(const Binding& binding, const Ref& after) {
    PyObject* live = binding.before.get();
    PyObject* staged = after.get();
    if (PyFunction_Check(live) && PyFunction_Check(staged)) return adopt_function(binding, as_function(live), as_function(staged));
    if (Py_IS_TYPE(live, &PyProperty_Type) && Py_IS_TYPE(staged, &PyProperty_Type)) return adopt_property(binding, live, staged);
    if (is_method_holder(live) && Py_IS_TYPE(live, Py_TYPE(staged))) return adopt_method_holder(binding, live, staged);
    if (is_cache(live) && is_cache(staged)) return adopt_cache(binding, live, staged);
    if (binding.kind.starts_with("function") && Py_IS_TYPE(live, Py_TYPE(staged)) && PyCallable_Check(live) && !PyType_Check(live))
        return adopt_instance(binding, live, staged);
    const bool definition = binding.kind.starts_with("function") || binding.kind.starts_with("class") || binding.kind.starts_with("data");
    if (PyType_Check(binding.owner.get()) && !is_data(live) && is_data(staged))
        result_.kept.push_back({binding.module + "." + binding.where, "kind-changed: whoever holds the former object goes on holding it", "", binding.line});
    if (!definition || !PyModule_Check(binding.owner.get()) || !is_own_definition(binding)) return after;
    if (PyFunction_Check(live) && PyCallable_Check(staged) && !PyType_Check(staged) && !reaches(staged, live)) {
        // Decorated by something that isn't a function: what was evaluated is its own inner function.
        for (const Ref& made : outcome_.created)
            if (mapped(made.get()).get() == live) outcome_.bottles.erase(made.get());
    } else if (reaches(staged, live)) {
        for (const Ref& made : outcome_.created)
            if (mapped(made.get()).get() == live) outcome_.bottles.erase(made.get());
    }
    kind_changed(binding, live, staged);
    return after;
}

Ref Pour::adopt_function(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged) {
    PyObject* now = as_plain(staged);
    if (!is_staged(now)) {
        // Its decorators are gone: the wrapper that others hold becomes the function it wrapped.
        if (binding.kind.starts_with("function") && reaches(as_plain(live), now)) {
            const FunctionContent inner = content(staged, binding.place());
            content(live, binding.place()) = inner;
            return binding.before;
        }
        return Ref::borrow(now);
    }
    for (const Ref& made : outcome_.created) {
        const auto bottle = outcome_.bottles.find(made.get());
        if (bottle == outcome_.bottles.end() || made.get() == now || !reaches(now, made.get())) continue;
        if (bottle->second.get() == as_plain(live)) {
            outcome_.bottles.erase(bottle);
            decorate_plain(binding, live, staged);
            return binding.before;
        }
        if (reaches(as_plain(live), bottle->second.get())) return adopt_wrapper(binding, live, staged);
    }
    const bool own = qualname(as_code(live->func_code)) == qualname(as_code(staged->func_code)) && live->func_globals != nullptr &&
                     outcome_.live_globals.contains(staged->func_globals) &&
                     outcome_.live_globals.at(staged->func_globals).get() == live->func_globals;
    if (!own) return Ref::borrow(now);
    whole_function(live, staged, binding.place());
    outcome_.bottles.emplace(now, binding.before);
    return binding.before;
}

// A plain function got a wrapper: whoever holds it holds the wrapper now, which calls the new inner function.
void Pour::decorate_plain(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged) {
    whole_function(live, staged, binding.place());
    outcome_.bottles.emplace(as_plain(staged), binding.before);
}

// The wrapper was made anew: the live one keeps its state unless the decorators themselves changed.
Ref Pour::adopt_wrapper(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged) {
    outcome_.bottles.emplace(as_plain(staged), binding.before);
    const bool keeps_state = !binding.decorators_changed && live->func_code == staged->func_code;
    const FunctionContent former = FunctionContent::of(live);
    whole_function(live, staged, binding.place());
    if (keeps_state && former.closure) content(live, binding.place()).closure = former.closure;
    return binding.before;
}

Ref Pour::adopt_property(const Binding& binding, PyObject* live, PyObject* staged) {
    constexpr std::size_t accessors = 4;  // getter, setter, deleter, docstring
    PyObject** to = held_callable(live);
    PyObject** from = held_callable(staged);
    for (std::size_t i = 0; i < accessors; ++i) {
        const Ref now = from[i] != nullptr ? mapped(from[i]) : Ref();
        if (now.get() != to[i]) result_.journal.push_back(SlotWrite{Ref::borrow(live), &to[i], Ref::borrow(to[i]), now});
    }
    if (PyType_Check(binding.owner.get())) result_.touched_types.push_back(binding.owner);
    outcome_.bottles.emplace(staged, binding.before);
    return binding.before;
}

Ref Pour::adopt_method_holder(const Binding& binding, PyObject* live, PyObject* staged) {
    PyObject** to = held_callable(live);
    Binding inner = binding;
    inner.before = Ref::borrow(*to);
    Ref now = mapped(*held_callable(staged));
    if (now.get() != *to) now = adopt(inner, now);
    if (now.get() != *to) result_.journal.push_back(SlotWrite{Ref::borrow(live), to, Ref::borrow(*to), now});
    if (PyType_Check(binding.owner.get())) result_.touched_types.push_back(binding.owner);
    outcome_.bottles.emplace(staged, binding.before);
    return binding.before;
}

Ref Pour::adopt_cache(const Binding& binding, PyObject* live, PyObject* staged) {
    if (!binding.decorators_changed) {
        outcome_.bottles.emplace(staged, binding.before);
        return binding.before;
    }
    become(live, Ref::borrow(staged));
    return Ref::borrow(staged);
}

// An object that a decorator made: it stays; where the decorators changed it takes the attributes of the new one.
Ref Pour::adopt_instance(const Binding& binding, PyObject* live, PyObject* staged) {
    outcome_.bottles.emplace(staged, binding.before);
    if (!binding.decorators_changed) return binding.before;
    const Ref to = attribute_or_null(live, "__dict__");
    const Ref from = attribute_or_null(staged, "__dict__");
    if (!to || !from || !PyDict_Check(to.get()) || !PyDict_Check(from.get())) {
        outcome_.bottles.erase(staged);
        become(live, Ref::borrow(staged));
        return Ref::borrow(staged);
    }
    for_items(from.get(), [&](PyObject* key, PyObject* value) {
        const Ref now = mapped(value);
        PyObject* former = dict_get(to.get(), key);
        if (former != now.get()) result_.journal.push_back(NameWrite{to, Ref::borrow(key), Ref::borrow(former), now, binding.place()});
    });
    return binding.before;
}

}  // namespace rebottle
