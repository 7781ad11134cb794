#include "commit/pour.hpp"

#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "commit/stand_in.hpp"
#include "compat/compat.hpp"
#include "plan/plan.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyFunctionObject* as_function(PyObject* object) { return reinterpret_cast<PyFunctionObject*>(object); }
PyObject* as_plain(PyFunctionObject* function) { return reinterpret_cast<PyObject*>(function); }

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
    for (PyObject* each : references_in(object)) body(each);
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
    if (compat::is_cache(from)) caches.push_back(Ref::borrow(from));
    if (PyFunction_Check(from) || is_method_holder(from) || compat::is_cache(from) ||
        Py_IS_TYPE(from, &PyProperty_Type))
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

Ref Pour::mapped(PyObject* object) const {
    const auto found = outcome_.bottles.find(object);
    return found == outcome_.bottles.end() ? Ref::borrow(object) : found->second;
}

// The collector doesn't know of a tuple or dict of plain values: what stands in one for a live object is found here.
Ref Pour::mapped_items(const Ref& defaults) const {
    if (!defaults) return {};
    if (PyDict_Check(defaults.get())) {
        Ref values = Ref::steal(PyDict_Copy(defaults.get()));
        for_items(defaults.get(), [&](PyObject* name, PyObject* value) {
            if (const Ref live = mapped(value); live.get() != value) dict_set(values.get(), name, live.get());
        });
        return values;
    }
    const Ref items = Ref::steal(PySequence_List(defaults.get()));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i)
        check(PyList_SetItem(items.get(), i, mapped(PyList_GET_ITEM(items.get(), i)).release()));
    return Ref::steal(PyList_AsTuple(items.get()));
}

namespace {

// New attributes appear, those that the program set stay; what marks a method as abstract follows the source.
Ref merged_dict(PyObject* live, PyObject* staged, bool replace) {
    static PyObject* const mark = interned("__isabstractmethod__").release();
    if (live != nullptr && dict_get(live, mark) != nullptr &&
        (staged == nullptr || dict_get(staged, mark) == nullptr)) {
        const Ref unmarked = Ref::steal(PyDict_Copy(live));
        check(PyDict_DelItem(unmarked.get(), mark));
        return merged_dict(unmarked.get(), staged, replace);
    }
    if (staged == nullptr) return Ref::borrow(live);
    Ref result = live != nullptr ? Ref::steal(PyDict_Copy(live)) : new_dict();
    check(PyDict_Merge(result.get(), staged, replace ? 1 : 0));
    return result;
}

}  // namespace

namespace {

// The part of a function that an attribute of this name stands for; NULL where it is an entry of its dict.
Ref* special_attribute(PyObject* name, FunctionContent& content) {
    const std::string_view text = view(name);
    if (text == "__doc__") return &content.doc;
    if (text == "__name__") return &content.name;
    if (text == "__qualname__") return &content.qualname;
    if (text == "__module__") return &content.module;
    if (text == "__defaults__") return &content.defaults;
    if (text == "__kwdefaults__") return &content.kwdefaults;
    if (text == "__annotations__") return &content.annotations;
    return nullptr;
}

}  // namespace

Ref merged_attributes(PyObject* live, PyObject* staged) { return merged_dict(live, staged, true); }

// Decorators that were edited say which attributes a function has; the same ones run again only add theirs.
static bool decorators_changed(const Swap& swap) {
    return swap.old.kind == Statement::Kind::function && swap.now.kind == Statement::Kind::function &&
           !same_field(swap.old.node.get(), swap.now.node.get(), "decorator_list");
}

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
    after.defaults = mapped_items(fresh.defaults);
    after.kwdefaults = mapped_items(fresh.kwdefaults);
    after.annotations = fresh.annotations;
    after.type_params = fresh.type_params;
    after.doc = fresh.doc;
    after.dict = merged_dict(function->func_dict, source->func_dict, decorators_changed(swap));
    set_later_attributes(source, after);
}

void Pour::nested(PyCodeObject* old_code, PyCodeObject* now, const Swap& swap) {
    CodePairs pairs;
    std::vector<PyCodeObject*> unmatched;
    pair_nested(old_code, now, pairs, unmatched);
    Definitions definitions(swap);
    for (const auto& pair : pairs) {
        if (pair.first == pair.second) continue;
        const std::vector<PyFunctionObject*> functions = CodeIndex::instance().functions(pair.first);
        for (PyFunctionObject* function : functions) {
            if (is_staged(as_plain(function))) continue;
            const Closure closure = closure_for(function, pair.second, nullptr, swap);
            const Defaults defaults = nested_defaults(function, pair.second, swap, definitions);
            if (!closure.complete || !defaults.known) {
                result_.stale.push_back({"function", swap.module + "." + std::string(qualname(pair.first)), swap.file,
                                         pair.first->co_firstlineno, 0,
                                         closure.complete ? "a default of it changed to something that isn't a literal"
                                                          : "its new code reads '" + closure.missing +
                                                                "', which this closure can't be given"});
                continue;
            }
            FunctionContent& after = content(function, swap.module + "." + std::string(qualname(pair.second)));
            if (after.doc.get() == compat::docstring_of(pair.first))
                after.doc = Ref::borrow(compat::docstring_of(pair.second));
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
            result_.stale.push_back({"function", swap.module + "." + std::string(qualname(gone)), swap.file,
                                     gone->co_firstlineno, 0, "its definition is gone from the new source"});
}

// Statements after a definition that was evaluated have the last word.
void Pour::set_later_attributes(PyFunctionObject* source, FunctionContent& after) const {
    const auto made = outcome_.made_with.find(as_plain(source));
    if (made == outcome_.made_with.end() || source->func_dict == nullptr) return;
    for_items(source->func_dict, [&](PyObject* name, PyObject* value) {
        if (dict_get(made->second.get(), name) != value) check(PyDict_SetItem(after.dict.get(), name, value));
    });
}

void Pour::set_attribute(PyFunctionObject* function, const Ref& name, const Ref& value) {
    const std::string where = to_text(function->func_module) + "." + to_text(function->func_qualname);
    const Ref now = value ? mapped(value.get()) : value;
    const Ref own = Ref::steal(PyObject_GenericGetDict(as_plain(function), nullptr));
    if (Ref* field = special_attribute(name.get(), content(function, where))) {
        if (now) *field = now;
        return;
    }
    FunctionContent& after = content(function, where);
    if (after.dict.get() != function->func_dict) {
        after.dict = after.dict ? Ref::steal(PyDict_Copy(after.dict.get())) : new_dict();
        if (now) {
            check(PyDict_SetItem(after.dict.get(), name.get(), now.get()));
        } else if (dict_get(after.dict.get(), name.get()) != nullptr) {
            check(PyDict_DelItem(after.dict.get(), name.get()));
        }
        return;
    }
    const Ref before = Ref::borrow(dict_get(own.get(), name.get()));
    if (before.get() != now.get()) result_.journal.push_back(NameWrite{own, name, before, now, where});
}

void Pour::whole_function(PyFunctionObject* live, PyFunctionObject* staged, const std::string& where, Names names) {
    FunctionContent& after = content(live, where);
    const FunctionContent fresh = FunctionContent::of(staged);
    const Ref dict = merged_dict(live->func_dict, staged->func_dict, true);
    after = fresh;
    after.defaults = mapped_items(fresh.defaults);
    after.kwdefaults = mapped_items(fresh.kwdefaults);
    after.dict = dict;
    if (const auto globals = outcome_.live_globals.find(fresh.globals.get()); globals != outcome_.live_globals.end())
        after.globals = globals->second;
    if (names == Names::follow) return;
    after.name = Ref::borrow(live->func_name);
    after.qualname = Ref::borrow(live->func_qualname);
    after.module = Ref::borrow(live->func_module);
}

}  // namespace rebottle
