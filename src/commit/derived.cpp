#include "commit/derived.hpp"

#include <algorithm>
#include <set>

#include "code/code.hpp"
#include "code/index.hpp"

namespace rebottle {
namespace {

constexpr std::string_view hook_name = "__subclasshook__";

PyTypeObject* as_type(const Ref& type) { return type.as<PyTypeObject>(); }

bool is_abstract(PyObject* value);

// A classmethod or staticmethod holds one function, a property three.
bool holds_abstract(PyObject* holder, std::size_t count) {
    PyObject** held = held_by(holder);
    return std::any_of(held, held + count, [](PyObject* each) { return each != nullptr && is_abstract(each); });
}

bool is_marked(PyObject* dict) {
    PyObject* mark = dict != nullptr ? dict_get(dict, "__isabstractmethod__") : nullptr;
    return mark == Py_True;
}

// Other objects are asked without running their code: by the mark itself, or by that of the function that they wrap.
bool is_abstract_instance(PyObject* value) {
    if (PyType_Check(value) || (Py_TYPE(value)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return false;
    const Ref dict = Ref::steal_or_null(PyObject_GenericGetDict(value, nullptr));
    if (!dict) {
        dismiss();
        return false;
    }
    PyObject* function = dict_get(dict.get(), "func");
    return is_marked(dict.get()) || (function != nullptr && function != value && is_abstract(function));
}

bool is_abstract(PyObject* value) {
    constexpr std::size_t accessors = 3;
    if (PyFunction_Check(value)) return is_marked(reinterpret_cast<PyFunctionObject*>(value)->func_dict);
    if (Py_IS_TYPE(value, &PyClassMethod_Type) || Py_IS_TYPE(value, &PyStaticMethod_Type))
        return holds_abstract(value, 1);
    if (PyObject_TypeCheck(value, &PyProperty_Type)) return holds_abstract(value, accessors);
    return is_abstract_instance(value);
}

Ref subclasses_of(PyObject* type) {
    static PyObject* const method = attribute(reinterpret_cast<PyObject*>(&PyType_Type), "__subclasses__").release();
    return call(method, {type});
}

// The classes and all their subclasses, bases before what is derived from them.
std::vector<Ref> with_subclasses(const std::vector<Ref>& classes) {
    std::vector<Ref> found;
    std::set<PyObject*> seen;
    std::vector<Ref> open = classes;
    while (!open.empty()) {
        const Ref type = open.back();
        open.pop_back();
        if (!seen.insert(type.get()).second) continue;
        found.push_back(type);
        const Ref subclasses = subclasses_of(type.get());
        for_sequence(subclasses.get(), [&](PyObject* each) { open.push_back(Ref::borrow(each)); });
    }
    std::stable_sort(found.begin(), found.end(), [](const Ref& a, const Ref& b) {
        return PyTuple_GET_SIZE(as_type(a)->tp_mro) < PyTuple_GET_SIZE(as_type(b)->tp_mro);
    });
    return found;
}

Ref abstract_methods(PyTypeObject* type) {
    static PyObject* const attribute_name = interned("__abstractmethods__").release();
    const Ref found = Ref::steal(PySet_New(nullptr));
    const Ref dict = Ref::steal(PyType_GetDict(type));
    for_items(dict.get(), [&](PyObject* name, PyObject* value) {
        if (is_abstract(value)) check(PySet_Add(found.get(), name));
    });
    for_sequence(type->tp_bases, [&](PyObject* base) {
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(base)));
        PyObject* inherited = dict_get(members.get(), attribute_name);
        if (inherited == nullptr || !PyFrozenSet_Check(inherited)) return;
        const Ref names = Ref::steal(PySequence_List(inherited));
        for_sequence(names.get(), [&](PyObject* name) {
            PyObject* value = _PyType_Lookup(type, name);
            if (value != nullptr && is_abstract(value)) check(PySet_Add(found.get(), name));
        });
    });
    return Ref::steal(PyFrozenSet_New(found.get()));
}

// Makes all remembered answers of abstract classes, and what singledispatch derived from them, count as old. A class of
// our own is registered for that: nothing in it runs Python code.
void age_answers() {
    static PyObject* const module = import_module("_abc").release();
    static PyObject* const face = [] {
        PyObject* type = call(reinterpret_cast<PyObject*>(&PyType_Type),
                              {to_str("Face").get(), Ref::steal(PyTuple_New(0)).get(), new_dict().get()})
                             .release();
        call_method(module, "_abc_init", {type});
        return type;
    }();
    call_method(module, "_abc_register", {face, reinterpret_cast<PyObject*>(&PyLong_Type)});
}

void forget_answers(PyTypeObject* type) {
    static PyObject* const reset = attribute(import_module("_abc").get(), "_reset_caches").release();
    for_sequence(type->tp_mro, [&](PyObject* each) {
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(each)));
        if (dict_get(dict.get(), "_abc_impl") != nullptr) call(reset, {each});
    });
}

void forget_all_answers() {
    for (const Ref& type : with_subclasses({Ref::borrow(reinterpret_cast<PyObject*>(&PyBaseObject_Type))}))
        if (Py_TYPE(type.get()) != &PyType_Type) forget_answers(as_type(type));
}

bool loses(const MemberWrite& write) {
    return !write.after || write.after.get() == Py_None || view(write.name.get()) == hook_name;
}

bool changes_hook(const FunctionWrite& write) {
    return view(write.function.as<PyFunctionObject>()->func_name) == hook_name;
}

// What a function of singledispatch remembers: the dict in its WeakKeyDictionary, which is reached through the method
// that empties it (functools.py), without a call.
PyObject* dispatch_cache(PyFunctionObject* function) {
    PyObject* clear = function->func_dict == nullptr ? nullptr : dict_get(function->func_dict, "_clear_cache");
    if (clear == nullptr || !PyMethod_Check(clear)) return nullptr;
    const Ref own = Ref::steal_or_null(PyObject_GenericGetDict(PyMethod_GET_SELF(clear), nullptr));
    if (!own) {
        dismiss();
        return nullptr;
    }
    PyObject* data = dict_get(own.get(), "data");
    return data != nullptr && PyDict_CheckExact(data) ? data : nullptr;
}

}  // namespace

bool loses_members(const Journal& journal) {
    return std::any_of(journal.begin(), journal.end(), [](const Write& write) {
        if (const auto* member = std::get_if<MemberWrite>(&write)) return loses(*member);
        const auto* function = std::get_if<FunctionWrite>(&write);
        return function != nullptr && changes_hook(*function);
    });
}

void forget_dispatched() {
    static PyCodeObject* const wrapper = [] {
        const Ref maker = attribute(import_module("functools").get(), "singledispatch");
        const Ref code = attribute(maker.get(), "__code__");
        PyCodeObject* found = nullptr;
        for_all_code(as_code(code.get()), [&](PyCodeObject* each) {
            if (view(each->co_name) == "wrapper") found = each;
        });
        Py_XINCREF(as_object(found));
        return found;
    }();
    if (wrapper == nullptr) return;
    for (PyFunctionObject* function : CodeIndex::instance().functions(wrapper))
        if (PyObject* cache = dispatch_cache(function)) PyDict_Clear(cache);
}

Journal renew_derived(const std::vector<Ref>& classes, bool everywhere) {
    Journal done;
    if (classes.empty() && !everywhere) return done;
    try {
        if (everywhere) forget_all_answers();
        for (const Ref& type : with_subclasses(classes)) {
            const Ref dict = Ref::steal(PyType_GetDict(as_type(type)));
            if (dict_get(dict.get(), "_abc_impl") == nullptr) continue;
            forget_answers(as_type(type));
            const Ref name = interned("__abstractmethods__");
            const Ref before = Ref::borrow(dict_get(dict.get(), name.get()));
            const Ref after = abstract_methods(as_type(type));
            if (before && check(PyObject_RichCompareBool(before.get(), after.get(), Py_EQ)) == 1) continue;
            done.emplace_back(MemberWrite{type, name, before, after, ""});
            apply(done.back());
        }
        age_answers();
    } catch (const std::exception&) {
        undo_all(done);
        throw;
    }
    return done;
}

std::vector<Ref> changed_classes(const Journal& journal) {
    std::set<PyObject*> seen;
    std::vector<Ref> found;
    const auto add = [&](const Ref& type) {
        if (PyType_Check(type.get()) && seen.insert(type.get()).second) found.push_back(type);
    };
    for (const Write& write : journal) {
        if (const auto* member = std::get_if<MemberWrite>(&write)) add(member->type);
        if (const auto* bases = std::get_if<BasesWrite>(&write)) {
            add(bases->type);
            for_sequence(bases->before.get(), [&](PyObject* base) {
                if (_PyType_Lookup(reinterpret_cast<PyTypeObject*>(base), interned("_abc_impl").get()) != nullptr)
                    add(Ref::borrow(base));
            });
        }
        if (const auto* type = std::get_if<TypeWrite>(&write)) add(type->object);
    }
    return found;
}

}  // namespace rebottle
