#include "bind/arguments.hpp"

namespace rebottle {
namespace {

// A dict, or what answers like one.
bool is_mapping(PyObject* object) {
    return PyDict_Check(object) || (PyMapping_Check(object) && static_cast<bool>(attribute_or_null(object, "items")));
}

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

// Calls body(PyObject* key, PyObject* value), both borrowed, for each entry that the mapping tells of.
template <class Body>
void for_entries(PyObject* mapping, Body body) {
    const Ref items = Ref::steal(PyMapping_Items(mapping));
    for_sequence(items.get(), [&](PyObject* item) {
        if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2)
            raise(PyExc_TypeError, "items() of " + type_name(mapping) + " gives other things than pairs");
        body(PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1));
    });
}

std::string read_module(PyObject* module) {
    if (PyUnicode_Check(module)) return to_text(module);
    if (PyModule_Check(module)) {
        const Ref name = attribute_or_null(module, "__name__");
        if (!name || !PyUnicode_Check(name.get())) raise(PyExc_ValueError, "this module object has no name");
        return to_text(name.get());
    }
    raise(PyExc_TypeError, "modules are named by a str or given as module objects, not as " + type_name(module));
}

Policy read_policy_word(PyObject* word) {
    if (!PyUnicode_Check(word)) raise(PyExc_TypeError, "a policy is a str or a dict, not " + type_name(word));
    const std::string text = to_text(word);
    if (text == "keep") return Policy::keep;
    if (text == "merge") return Policy::merge;
    if (text == "replace") return Policy::replace;
    raise(PyExc_ValueError, "unknown policy '" + text + "'; it is 'keep', 'merge' or 'replace'");
}

void read_policy(PyObject* policy, Request& request) {
    if (!is_mapping(policy)) {
        request.policy = read_policy_word(policy);
        return;
    }
    for_entries(policy, [&](PyObject* key, PyObject* word) {
        if (!PyUnicode_Check(key))
            raise(PyExc_TypeError, "a policy is given for names (str), not for " + type_name(key));
        request.policies[to_text(key)] = read_policy_word(word);
    });
}

void read_sources(PyObject* sources, Request& request) {
    if (sources == Py_None) return;
    if (!is_mapping(sources))
        raise(PyExc_TypeError, "sources is a dict of module names and texts, not " + type_name(sources));
    for_entries(sources, [&](PyObject* key, PyObject* text) {
        if (!PyUnicode_Check(key) || !PyUnicode_Check(text))
            raise(PyExc_TypeError,
                  "sources maps names (str) to texts (str), not " + type_name(key) + " to " + type_name(text));
        request.sources[to_text(key)] = source_text(text);
    });
}

Force read_force(PyObject* force) {
    if (force == Py_False || force == Py_None) return Force::none;
    if (force == Py_True) raise(PyExc_ValueError, "force is False, 'functions' or 'classes'");
    if (!PyUnicode_Check(force))
        raise(PyExc_TypeError, "force is False, 'functions' or 'classes', not " + type_name(force));
    const std::string text = to_text(force);
    if (text == "functions") return Force::functions;
    if (text == "classes") return Force::classes;
    raise(PyExc_ValueError, "unknown force '" + text + "'; it is False, 'functions' or 'classes'");
}

bool read_partial(PyObject* on_refusal) {
    if (!PyUnicode_Check(on_refusal)) raise(PyExc_TypeError, "on_refusal is a str, not " + type_name(on_refusal));
    const std::string text = to_text(on_refusal);
    if (text != "error" && text != "partial")
        raise(PyExc_ValueError, "unknown on_refusal '" + text + "'; it is 'error' or 'partial'");
    return text == "partial";
}

}  // namespace

std::string source_text(PyObject* text) {
    const Ref bytes = Ref::steal(PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass"));
    return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

void read_modules(PyObject* modules, Request& request) {
    if (modules == Py_None) {
        request.all_tracked = request.sources.empty();
        return;
    }
    if (PyUnicode_Check(modules) || PyModule_Check(modules)) {
        request.modules.push_back(read_module(modules));
        return;
    }
    if (PyBytes_Check(modules) || PyDict_Check(modules) || !PySequence_Check(modules)) read_module(modules);
    const Ref items = Ref::steal(PySequence_List(modules));
    for_sequence(items.get(), [&](PyObject* item) { request.modules.push_back(read_module(item)); });
}

Request read_request(PyObject* arguments, PyObject* keywords, const char* function) {
    static const char* const names[] = {"modules", "policy", "prune", "on_refusal", "sources", "force", nullptr};
    PyObject* modules = Py_None;
    PyObject* policy = nullptr;
    int prune = 0;
    PyObject* on_refusal = nullptr;
    PyObject* sources = Py_None;
    PyObject* force = Py_False;
    const std::string format = std::string("|O$OpOOO:") + function;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, format.c_str(), const_cast<char**>(names), &modules, &policy,
                                    &prune, &on_refusal, &sources, &force) == 0)
        throw PythonError();
    Request request;
    request.prune = prune != 0;
    if (policy != nullptr) read_policy(policy, request);
    if (on_refusal != nullptr) request.partial = read_partial(on_refusal);
    read_sources(sources, request);
    request.force = read_force(force);
    read_modules(modules, request);
    return request;
}

}  // namespace rebottle
