// How a name's live value takes over what its definition gave when it was run again.
#include <algorithm>

#include "commit/pour.hpp"
#include "commit/stand_in.hpp"
#include "compat/compat.hpp"
#include "plan/plan.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyFunctionObject* as_function(PyObject* object) { return reinterpret_cast<PyFunctionObject*>(object); }
PyObject* as_plain(PyFunctionObject* function) { return reinterpret_cast<PyObject*>(function); }

bool is_partial(PyObject* object) { return std::string_view(Py_TYPE(object)->tp_name) == "functools.partial"; }

// Whether the name holds what its own `def`, `class` or lambda made, and not what the program has put there instead.
// What decorators made of it may be anything.
bool is_own_definition(const Binding& binding) {
    PyObject* live = binding.before.get();
    const bool member = !PyModule_Check(binding.owner.get());
    if (binding.decorated || (member && !PyFunction_Check(live))) return true;
    const Ref module = member ? loaded_module(binding.module) : binding.owner;
    if (!module || !PyModule_Check(module.get())) return true;
    PyObject* dict = PyModule_GetDict(module.get());
    if (PyType_Check(live)) return live_class(dict, binding.where).get() == live;
    if (!PyFunction_Check(live)) return false;
    PyCodeObject* code = as_code(as_function(live)->func_code);
    const std::vector<PyCodeObject*> hotfixed = stand_ins(binding.module, binding.where);
    if (std::find(hotfixed.begin(), hotfixed.end(), code) != hotfixed.end()) return true;
    return as_function(live)->func_globals == dict &&
           (qualname(code) == binding.where || qualname(code).ends_with("<lambda>"));
}

// Whether an object is a function whose own definition binds the name.
bool is_named(PyObject* object, const Binding& binding) {
    return PyFunction_Check(object) && qualname(as_code(as_function(object)->func_code)) == binding.where;
}

}  // namespace

Ref Pour::adopt(const Binding& binding, const Ref& after) {
    PyObject* live = binding.before.get();
    PyObject* staged = after.get();
    if (binding.was == Sort::definition && !is_own_definition(binding)) return binding.before;
    if (binding.was != Sort::definition || binding.is != Sort::definition) return rebind(binding, after);
    if (PyFunction_Check(live) && PyFunction_Check(staged))
        return adopt_function(binding, as_function(live), as_function(staged));
    if (Py_IS_TYPE(live, &PyProperty_Type) && Py_IS_TYPE(staged, &PyProperty_Type))
        return adopt_property(binding, live, staged);
    if (is_method_holder(live) && Py_IS_TYPE(live, Py_TYPE(staged))) return adopt_method_holder(binding, live, staged);
    if (compat::is_cache(live) && compat::is_cache(staged)) return adopt_cache(binding, live, staged);
    if (Py_IS_TYPE(live, Py_TYPE(staged)) && !PyType_Check(live)) return adopt_instance(binding, live, staged);
    if (!PyModule_Check(binding.owner.get())) {
        change_call_form(binding, live, staged);
        return after;
    }
    // What was evaluated is the inner part of the new value, not the former one's successor.
    for (const Ref& made : outcome_.created)
        if (mapped(made.get()).get() == live) outcome_.bottles.erase(made.get());
    pass_on(binding, live, staged);
    rebind_importers(binding, live, staged);
    return after;
}

// The name of something else, from now on or until now.
Ref Pour::rebind(const Binding& binding, const Ref& after) {
    if (PyType_Check(binding.owner.get()) && !is_data(binding.before.get()) && is_data(after.get()))
        list_kind_changed(binding);
    if (binding.was == Sort::none || binding.is == Sort::none || !PyModule_Check(binding.owner.get())) return after;
    PyObject* live = binding.before.get();
    const bool block = binding.was == Sort::other || binding.is == Sort::other;
    if (block && is_named(live, binding) && is_named(after.get(), binding) && is_staged(after.get()))
        return adopt_function(binding, as_function(live), as_function(after.get()));  // within a block: "if", "try" …
    if ((binding.was == Sort::definition) == (binding.is == Sort::definition)) return after;
    if (binding.importers.empty()) rebind_importers(binding, live, after.get());
    list_kind_changed(binding);
    return after;
}

void Pour::list_kind_changed(const Binding& binding) {
    result_.kept.push_back(
        {binding.place(), "kind-changed: whoever holds the former object goes on holding it", "", binding.line});
}

Ref Pour::adopt_function(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged) {
    PyObject* now = as_plain(staged);
    if (!is_staged(now)) {
        // Its decorators are gone: the wrapper that others hold becomes the function it wrapped.
        if (reaches(as_plain(live), now)) {
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
    if (serves_another(binding, live, staged)) return Ref::borrow(now);
    whole_function(live, staged, binding.place());
    outcome_.bottles.emplace(now, binding.before);
    return binding.before;
}

// Whether another definition of this name has poured its new code into the live function.
bool Pour::serves_another(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged) {
    if (!is_named(as_plain(live), binding) || !is_named(as_plain(staged), binding)) return false;
    PyObject* code = content(live, binding.place()).code.get();
    return code != live->func_code && !same_code(as_code(code), as_code(staged->func_code));
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
    PyObject** to = held_by(live);
    PyObject** from = held_by(staged);
    for (std::size_t i = 0; i < accessors; ++i) {
        const Ref now = from[i] != nullptr ? mapped(from[i]) : Ref();
        if (now.get() != to[i])
            result_.journal.push_back(SlotWrite{Ref::borrow(live), &to[i], Ref::borrow(to[i]), now});
    }
    if (PyType_Check(binding.owner.get())) result_.touched_types.push_back(binding.owner);
    outcome_.bottles.emplace(staged, binding.before);
    return binding.before;
}

Ref Pour::adopt_method_holder(const Binding& binding, PyObject* live, PyObject* staged) {
    PyObject** to = held_by(live);
    Binding inner = binding;
    inner.before = Ref::borrow(*to);
    Ref now = mapped(*held_by(staged));
    if (now.get() != *to) now = adopt(inner, now);
    if (now.get() != *to) result_.journal.push_back(SlotWrite{Ref::borrow(live), to, Ref::borrow(*to), now});
    if (PyType_Check(binding.owner.get())) result_.touched_types.push_back(binding.owner);
    outcome_.bottles.emplace(staged, binding.before);
    return binding.before;
}

// The wrapper stays, with the parameters of the new one; it goes on calling the live function.
Ref Pour::adopt_cache(const Binding& binding, PyObject* live, PyObject* staged) {
    outcome_.bottles.emplace(staged, binding.before);
    outcome_.our_containers.push_back(staged);
    const Ref inner = mapped(*compat::cached_function(staged));
    outcome_.staging_holds.push_back(*compat::cached_function(staged));
    PyObject** calls = compat::cached_function(live);
    if (inner.get() != *calls) result_.journal.push_back(SlotWrite{binding.before, calls, Ref::borrow(*calls), inner});
    empty(binding.before, compat::empty_cache(staged));
    take_attributes(binding, live, staged);
    return binding.before;
}

// An object that a decorator made: it stays; where the decorators changed it takes the attributes of the new one.
Ref Pour::adopt_instance(const Binding& binding, PyObject* live, PyObject* staged) {
    outcome_.bottles.emplace(staged, binding.before);
    if (!binding.decorators_changed) return binding.before;
    if (is_partial(live)) {
        constexpr std::size_t parts = 3;  // function, arguments, keywords
        for (std::size_t i = 0; i < parts; ++i)
            result_.journal.push_back(SlotWrite{binding.before, &held_by(live)[i], Ref::borrow(held_by(live)[i]),
                                                mapped(held_by(staged)[i])});
    } else if (!take_attributes(binding, live, staged)) {
        outcome_.bottles.erase(staged);
        become(live, Ref::borrow(staged));
        return Ref::borrow(staged);
    }
    return binding.before;
}

bool Pour::take_attributes(const Binding& binding, PyObject* live, PyObject* staged) {
    const Ref to = attribute_or_null(live, "__dict__");
    const Ref from = attribute_or_null(staged, "__dict__");
    if (!to || !from || !PyDict_Check(to.get()) || !PyDict_Check(from.get())) return false;
    for_items(from.get(), [&](PyObject* key, PyObject* value) {
        const Ref now = mapped(value);
        PyObject* former = dict_get(to.get(), key);
        if (former != now.get())
            result_.journal.push_back(NameWrite{to, Ref::borrow(key), Ref::borrow(former), now, binding.place()});
    });
    return true;
}

}  // namespace rebottle
