// What the import system writes into a module's namespace, and what of it changed.
#include "source/modules.hpp"

namespace rebottle {
namespace {

Ref list_of(PyObject* object, const char* name) {
    const Ref value = attribute_or_null(object, name);
    return value && value.get() != Py_None ? Ref::steal(PySequence_List(value.get())) : Ref();
}

bool same_places(PyObject* a, PyObject* b) {
    const Ref x = list_of(a, "submodule_search_locations");
    const Ref y = list_of(b, "submodule_search_locations");
    if (!x || !y) return !x && !y;
    return check(PyObject_RichCompareBool(x.get(), y.get(), Py_EQ)) == 1;
}

bool is_namespace_package(PyObject* spec) {
    const Ref loader = attribute_or_null(spec, "loader");
    return !loader || loader.get() == Py_None || std::string_view(Py_TYPE(loader.get())->tp_name) == "NamespaceLoader";
}

bool same_spec(PyObject* a, PyObject* b) {
    if (is_namespace_package(a) && is_namespace_package(b)) return same_places(a, b);
    return same_places(a, b) && check(PyObject_RichCompareBool(a, b, Py_EQ)) == 1;
}

}  // namespace

Ref changed_import_names(const std::string& name, PyObject* module, PyObject* spec) {
    PyObject* dict = namespace_of(module);
    PyObject* known = dict_get(dict, "__spec__");
    if (spec == nullptr || known == nullptr || known == Py_None || same_spec(known, spec)) return {};
    const Ref sample = Ref::steal(PyModule_New(name.c_str()));
    call_method(import_module("importlib._bootstrap").get(), "_init_module_attrs", {spec, sample.get()});
    PyObject* names = PyModule_GetDict(sample.get());
    Ref changed = new_dict();
    for (const char* key : {"__spec__", "__loader__", "__package__", "__file__", "__cached__", "__path__"}) {
        PyObject* value = dict_get(names, key);
        if (value == nullptr && dict_get(dict, key) != nullptr) value = Py_Ellipsis;
        if (value != nullptr) dict_set(changed.get(), key, value);
    }
    return changed;
}

}  // namespace rebottle
