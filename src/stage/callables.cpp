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

bool is_named(PyObject* object, const char* type_name) {
    return std::string_view(Py_TYPE(object)->tp_name) == type_name;
}

bool is_method_wrapper(PyObject* callable) { return is_named(callable, "method-wrapper"); }

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
    if (!is_container(sequence) || PyDict_Check(sequence) || PyAnySet_Check(sequence)) return nullptr;
    const bool bounded = !PyList_Check(sequence) && attribute(sequence, "maxlen").get() != Py_None;
    return bounded ? nullptr : sequence;
}

Ref bound_to(PyObject* callable) {
    if (PyCFunction_Check(callable)) return Ref::borrow(PyCFunction_GET_SELF(callable));
    return is_method_wrapper(callable) ? attribute(callable, "__self__") : Ref();
}

std::vector<Ref> lent_to(PyObject* callable, PyObject* first) {
    std::vector<Ref> containers;
    const auto add = [&](PyObject* each) {
        if (each != nullptr && is_container(each)) containers.push_back(Ref::borrow(each));
    };
    if (is_named(callable, "operator.methodcaller")) add(first);
    const bool partial = is_named(callable, "functools.partial");
    if (!partial && !is_named(first, "map") && !is_named(first, "filter")) return containers;
    PyObject* calling = partial ? callable : first;
    bool compiled = false;  // what is written in Python has events of its own
    const std::vector<PyObject*> parts = references_in(calling);
    for (PyObject* each : parts) {
        compiled = compiled || is_compiled_callable(each);
        if (is_compiled_callable(each)) add(bound_to(each).get());
    }
    if (!compiled) return containers;
    for (PyObject* each : parts)
        if (PyTuple_CheckExact(each) && PyTuple_GET_SIZE(each) > 0) add(PyTuple_GET_ITEM(each, 0));
    return containers;
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
           Py_IS_TYPE(callable, &PyWrapperDescr_Type) || is_method_wrapper(callable);
}

}  // namespace rebottle
