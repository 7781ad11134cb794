// An object whose name became another kind of thing: whoever holds it reaches what the name holds now.
#include <algorithm>

#include "code/tree.hpp"
#include "commit/pour.hpp"
#include "compat/compat.hpp"
#include "source/modules.hpp"

namespace rebottle {
namespace {

// Functions that pass calls on; `__new__` for a class that became something else: its subclasses go on being made as
// before.
constexpr const char* forwarders = R"(
def outer(target, owner, former):
    def drop(first, /, *args, **kwargs):
        return target(*args, **kwargs)
    def forward(*args, **kwargs):
        return target(*args, **kwargs)
    def __new__(cls, /, *args, **kwargs):
        if cls is owner:
            return target(*args, **kwargs)
        return former(cls) if former is object.__new__ else former(cls, *args, **kwargs)
)";

PyCodeObject* forwarder_code(std::string_view name) {
    static PyObject* const root = compile(to_str(forwarders).get(), "<rebottle>", 0).release();
    PyCodeObject* found = nullptr;
    for_all_code(as_code(root), [&](PyCodeObject* code) {
        if (view(code->co_name) == name) found = code;
    });
    return found;
}

// The closure of a forwarder; its free variables are in alphabetical order: former, owner, target.
Ref cells(std::initializer_list<PyObject*> contents) {
    Ref closure = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(contents.size())));
    Py_ssize_t i = 0;
    for (PyObject* content : contents) PyTuple_SET_ITEM(closure.get(), i++, Ref::steal(PyCell_New(content)).release());
    return closure;
}

}  // namespace

void Pour::become(PyObject* live, const Ref& now) {
    outcome_.bottles.emplace(live, now);
    result_.becoming.insert(live);
}

void Pour::pass_on(const Binding& binding, PyObject* live, PyObject* now) {
    if (PyFunction_Check(live)) {
        forward(reinterpret_cast<PyFunctionObject*>(live), now, binding.place());
    } else if (PyType_Check(live)) {
        forward_class(live, now, binding.place());
    } else if (compat::is_cache(live)) {
        PyObject** calls = compat::cached_function(live);
        result_.journal.push_back(SlotWrite{binding.before, calls, Ref::borrow(*calls), Ref::borrow(now)});
        empty(binding.before, compat::no_cache(live));
    } else {
        become(live, Ref::borrow(now));
    }
}

void Pour::forward(PyFunctionObject* live, PyObject* target, const std::string& where) {
    const Ref wrapped = new_dict();
    dict_set(wrapped.get(), "__wrapped__", target);
    FunctionContent& after = content(live, where);
    after.code = Ref::borrow(as_object(forwarder_code("forward")));
    after.closure = cells({target});
    after.defaults = after.kwdefaults = after.annotations = after.type_params = Ref();
    after.dict = merged_attributes(live->func_dict, wrapped.get());
}

// A function that calls another one without the first of its own arguments.
Ref Pour::without_first(PyObject* target) {
    const Ref globals = new_dict();
    dict_set(globals.get(), "__builtins__", import_module("builtins").get());
    Ref function = Ref::steal(PyFunction_New(as_object(forwarder_code("drop")), globals.get()));
    check(PyFunction_SetClosure(function.get(), cells({target}).get()));
    return function;
}

void Pour::forward_class(PyObject* live, PyObject* target, const std::string& where) {
    const Ref globals = new_dict();
    const Ref builtins = import_module("builtins");
    dict_set(globals.get(), "__builtins__", builtins.get());
    const Ref former = attribute(live, "__new__");
    const Ref function = Ref::steal(PyFunction_New(as_object(forwarder_code("__new__")), globals.get()));
    check(PyFunction_SetClosure(function.get(), cells({former.get(), live, target}).get()));
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(live)));
    result_.journal.push_back(MemberWrite{Ref::borrow(live), interned("__new__"),
                                          Ref::borrow(dict_get(dict.get(), "__new__")),
                                          Ref::steal(PyStaticMethod_New(function.get())), where});
}

void Pour::empty(const Ref& cache, Ref content) {
    if (emptied_.insert(cache.get()).second) result_.journal.push_back(CacheWrite{cache, std::move(content)});
}

void Pour::empty_caches(PyObject* from) {
    std::vector<Ref> caches;
    collect_caches(from, caches);
    for (const Ref& cache : caches) empty(cache, compat::empty_cache(cache.get()));
}

namespace {

// Whether the text of a module says that it imports from another one.
bool imports_from(const std::string& source, const std::string& importer) {
    const std::string& text = Modules::instance().record(importer).version.text;
    return text.find("from " + source + " import") != std::string::npos;
}

}  // namespace

void Pour::rebind_importers(const Binding& binding, PyObject* live, PyObject* now) {
    const bool aliases = binding.was == Sort::definition && binding.is == Sort::definition;
    // The name was another one of a definition: that one's importers aren't meant.
    const bool second_name = binding.was != Sort::definition && (PyFunction_Check(live) || PyType_Check(live));
    const bool by_accident =
        !PyObject_IS_GC(live) || PyTuple_CheckExact(live);  // an int may be the same object elsewhere
    for_items(PyImport_GetModuleDict(), [&](PyObject* name, PyObject* module) {
        if (!PyModule_Check(module) || !PyUnicode_Check(name) || (module == binding.owner.get() && !aliases)) return;
        PyObject* dict = PyModule_GetDict(module);
        bool holds = false;
        for_items(dict, [&](PyObject*, PyObject* value) { holds = holds || value == live; });
        if (!holds || ((second_name || by_accident) && !imports_from(binding.module, to_text(name)))) return;
        for_items(dict, [&](PyObject* key, PyObject* value) {
            if (value != live || is_bound(module, key) || (second_name && !same_name(key, binding))) return;
            result_.journal.push_back(
                NameWrite{Ref::borrow(dict), Ref::borrow(key), Ref::borrow(live), Ref::borrow(now), binding.place()});
        });
    });
}

bool Pour::same_name(PyObject* key, const Binding& binding) {
    return PyUnicode_Check(key) && PyUnicode_Compare(key, binding.name.get()) == 0;
}

// Whether the update itself binds the name.
bool Pour::is_bound(PyObject* owner, PyObject* name) const {
    return std::any_of(outcome_.bindings.begin(), outcome_.bindings.end(), [&](const Binding& binding) {
        return binding.owner.get() == owner && same_name(name, binding);
    });
}

}  // namespace rebottle
