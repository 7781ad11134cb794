#include "base/python.hpp"

#include <unistd.h>

#include <map>

namespace rebottle {

void wait_for_the_end() noexcept {
    for (;;) pause();
}

std::atomic<int>& depth_in_program() noexcept {
    thread_local std::atomic<int> depth{0};
    return depth;
}

PythonError::PythonError() noexcept : exception_(PyErr_GetRaisedException()) {
    if (exception_ == nullptr) {
        PyErr_SetString(PyExc_SystemError, "a C API call failed without raising an exception");
        exception_ = PyErr_GetRaisedException();
    }
}

void dismiss() {
    if (PyErr_Occurred() == nullptr) return;
    const PythonError error;
    if (!error.is_answer()) throw error;
}

void raise(PyObject* type, const std::string& message) {
    PyErr_SetString(type, message.c_str());
    throw PythonError();
}

Ref to_str(std::string_view text) {
    return Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}

Ref interned(std::string_view text) {
    PyObject* string = to_str(text).release();
    PyUnicode_InternInPlace(&string);
    return Ref::steal(string);
}

std::string to_text(PyObject* object) {
    const Ref string = PyUnicode_Check(object) ? Ref::borrow(object) : Ref::steal(PyObject_Str(object));
    Py_ssize_t size = 0;
    if (const char* data = PyUnicode_AsUTF8AndSize(string.get(), &size)) return {data, static_cast<std::size_t>(size)};
    dismiss();
    const Ref bytes = Ref::steal(PyUnicode_AsEncodedString(string.get(), "utf-8", "backslashreplace"));
    return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

std::string describe(PyObject* exception) {
    std::string type = attribute_text(reinterpret_cast<PyObject*>(Py_TYPE(exception)), "__name__");
    try {
        return type + ": " + to_text(exception);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        return type;
    }
}

std::string_view view(PyObject* str) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(str, &size);
    if (data == nullptr) throw PythonError();
    return {data, static_cast<std::size_t>(size)};
}

Ref to_int(long value) { return Ref::steal(PyLong_FromLong(value)); }

Ref attribute(PyObject* object, const char* name) {
    return Ref::steal(outliving_python([&] { return PyObject_GetAttrString(object, name); }));
}

Ref attribute_or_null(PyObject* object, const char* name) {
    PyObject* value = outliving_python([&] { return PyObject_GetAttrString(object, name); });
    if (value == nullptr) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) throw PythonError();
        PyErr_Clear();
    }
    return Ref::steal_or_null(value);
}

std::string attribute_text(PyObject* object, const char* name) { return to_text(attribute(object, name).get()); }

long attribute_long(PyObject* object, const char* name) {
    const long value = PyLong_AsLong(attribute(object, name).get());
    if (value == -1 && PyErr_Occurred() != nullptr) throw PythonError();
    return value;
}

Ref import_module(const char* name) {
    static auto* known = new std::map<std::string, PyObject*>;
    if (const auto found = known->find(name); found != known->end()) return Ref::borrow(found->second);
    // Not through the `__import__` of whoever runs: its builtins may be anything.
    const Ref from = Ref::steal(Py_BuildValue("(s)", "*"));
    Ref module =
        Ref::steal(in_program([&] { return PyImport_ImportModuleLevel(name, nullptr, nullptr, from.get(), 0); }));
    (*known)[name] = Py_NewRef(module.get());
    return module;
}

Ref call(PyObject* callable, std::initializer_list<PyObject*> arguments) {
    return Ref::steal(
        in_program([&] { return PyObject_Vectorcall(callable, arguments.begin(), arguments.size(), nullptr); }));
}

Ref call_method(PyObject* object, const char* name, std::initializer_list<PyObject*> arguments) {
    return call(attribute(object, name).get(), arguments);
}

Ref run_code(PyObject* code, PyObject* globals, PyObject* names) {
    return Ref::steal(in_program([&] { return PyEval_EvalCode(code, globals, names); }));
}

std::vector<PyObject*> references_in(PyObject* holder) {
    std::vector<PyObject*> found;
    if (const traverseproc traverse = Py_TYPE(holder)->tp_traverse)
        traverse(
            holder,
            [](PyObject* each, void* data) {
                static_cast<std::vector<PyObject*>*>(data)->push_back(each);
                return 0;
            },
            &found);
    return found;
}

Ref new_dict() { return Ref::steal(PyDict_New()); }

PyObject* dict_get(PyObject* dict, PyObject* key) {
    PyObject* value = PyDict_GetItemWithError(dict, key);
    if (value == nullptr && PyErr_Occurred() != nullptr) throw PythonError();
    return value;
}

PyObject* dict_get(PyObject* dict, std::string_view key) { return dict_get(dict, to_str(key).get()); }

void dict_set(PyObject* dict, PyObject* key, PyObject* value) { check(PyDict_SetItem(dict, key, value)); }

void dict_set(PyObject* dict, std::string_view key, PyObject* value) { dict_set(dict, interned(key).get(), value); }

}  // namespace rebottle
