#include "stage/creation.hpp"

namespace rebottle {
namespace {

bool is_new(const Scope& scope, const char* name) {
    PyObject* now = dict_get(scope.names(), name);
    return now != nullptr && now != dict_get(scope.before(), name);
}

void wrap_new_function(const Scope& scope, const char* name, PyObject* (*wrap)(PyObject*)) {
    PyObject* value = dict_get(scope.names(), name);
    if (is_new(scope, name) && PyFunction_Check(value)) dict_set(scope.names(), name, Ref::steal(wrap(value)).get());
}

// A class with an `__eq__` of its own and no `__hash__` isn't hashable.
void settle_hash(const Scope& scope) {
    if (scope.binds("__hash__")) return;
    PyObject* hash = dict_get(scope.names(), "__hash__");
    const bool had = dict_get(scope.before(), "__hash__") != nullptr;
    if (dict_get(scope.names(), "__eq__") != nullptr) {
        if (is_new(scope, "__eq__") || (had && hash == nullptr)) dict_set(scope.names(), "__hash__", Py_None);
    } else if (dict_get(scope.before(), "__eq__") != nullptr && hash == Py_None) {
        check(PyDict_DelItem(scope.names(), interned("__hash__").get()));
    }
}

void name_descriptors(const Scope& scope) {
    const Ref names = Ref::steal(PyDict_Copy(scope.names()));
    const Ref hook = interned("__set_name__");
    for_items(names.get(), [&](PyObject* name, PyObject* value) {
        if (dict_get(scope.before(), name) == value || _PyType_Lookup(Py_TYPE(value), hook.get()) == nullptr) return;
        const Ref method = Ref::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(value)), hook.get()));
        call(method.get(), {value, scope.type(), name});
    });
}

}  // namespace

void complete_members(const Scope& scope) {
    wrap_new_function(scope, "__init_subclass__", &PyClassMethod_New);
    wrap_new_function(scope, "__class_getitem__", &PyClassMethod_New);
    wrap_new_function(scope, "__new__", &PyStaticMethod_New);
    settle_hash(scope);
    name_descriptors(scope);
}

}  // namespace rebottle
