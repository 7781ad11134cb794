#include "stage/callables.hpp"

#include <set>
#include <string_view>

#include "stage/touch.hpp"

namespace rebottle {
namespace {

// How a builtin or a method is defined in C; NULL for other callables.
const PyMethodDef* definition_of(PyObject* callable) {
    if (PyCFunction_Check(callable)) return reinterpret_cast<PyCFunctionObject*>(callable)->m_ml;
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) return reinterpret_cast<PyMethodDescrObject*>(callable)->d_method;
    return nullptr;
}

}  // namespace

bool changes_nothing(PyObject* callable) {
    static const std::set<std::string_view> names = {
        "len",        "isinstance", "issubclass", "getattr",      "hasattr",    "repr",       "str",      "id",
        "print",      "type",       "hash",       "iter",         "sorted",     "min",        "max",      "sum",
        "any",        "all",        "callable",   "format",       "get",        "items",      "keys",     "values",
        "copy",       "index",      "count",      "join",         "split",      "startswith", "endswith", "issubset",
        "issuperset", "isdisjoint", "union",      "intersection", "difference", "dir",        "vars",     "globals",
        "locals",     "range",      "enumerate",  "zip"};
    const PyMethodDef* definition = definition_of(callable);
    return definition != nullptr && names.contains(definition->ml_name);
}

PyObject* appended_to(PyObject* callable, PyObject* first) {
    static const std::set<const PyMethodDef*> appending = [] {
        std::set<const PyMethodDef*> found;
        const Ref deque = attribute(import_module("collections").get(), "deque");
        for (PyObject* type : {reinterpret_cast<PyObject*>(&PyList_Type), deque.get()})
            for (const char* name : {"append", "extend"}) found.insert(definition_of(attribute(type, name).get()));
        return found;
    }();
    if (!appending.contains(definition_of(callable))) return nullptr;
    PyObject* sequence = PyCFunction_Check(callable) ? PyCFunction_GET_SELF(callable) : first;
    return is_container(sequence) && !PyDict_Check(sequence) && !PyAnySet_Check(sequence) ? sequence : nullptr;
}

bool fills_itself(PyObject* container) {
    if (container == nullptr || !PyDict_Check(container)) return false;
    for (PyTypeObject* type = Py_TYPE(container); type != nullptr; type = type->tp_base)
        if (std::string_view(type->tp_name) == "collections.defaultdict") return true;
    return false;
}

bool registers(PyObject* callable) {
    return PyCFunction_Check(callable) &&
           std::string_view(reinterpret_cast<PyCFunctionObject*>(callable)->m_ml->ml_name) == "_abc_register";
}

bool sets_attributes(PyObject* callable) {
    const Ref name = attribute_or_null(callable, "__name__");
    if (!name || !PyUnicode_Check(name.get())) return false;
    const std::string_view text = view(name.get());
    return text == "setattr" || text == "delattr" || text == "__setattr__" || text == "__delattr__";
}

bool is_compiled_callable(PyObject* callable) {
    return PyCFunction_Check(callable) || Py_IS_TYPE(callable, &PyMethodDescr_Type) ||
           Py_IS_TYPE(callable, &PyWrapperDescr_Type) ||
           std::string_view(Py_TYPE(callable)->tp_name) == "method-wrapper";
}

}  // namespace rebottle
