// Our words for Python: the one place that includes <Python.h>, and the types that own what comes out of it.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <cxxabi.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rebottle {

// A raised Python exception, taken out of the interpreter. Lifetime: owns the exception. Threads: GIL held.
class PythonError : public std::exception {
   public:
    // Takes the raised exception with it; there must be one.
    PythonError() noexcept;
    PythonError(const PythonError& other) noexcept : exception_(Py_XNewRef(other.exception_)) {}
    PythonError& operator=(const PythonError&) = delete;
    ~PythonError() override { Py_XDECREF(exception_); }
    const char* what() const noexcept override { return "a Python exception"; }
    PyObject* value() const noexcept { return exception_; }
    bool is(PyObject* type) const noexcept { return PyErr_GivenExceptionMatches(exception_, type) != 0; }
    // Whether it is an answer, and no sign of a moment in which nothing can be asked: no memory, no stack left, Ctrl-C.
    bool is_answer() const noexcept {
        return is(PyExc_Exception) && !is(PyExc_MemoryError) && !is(PyExc_RecursionError);
    }
    // Raises it again in the interpreter.
    void restore() const noexcept { PyErr_SetRaisedException(Py_XNewRef(exception_)); }

   private:
    PyObject* exception_;
};

// Owns one reference, or none.
class Ref {
   public:
    Ref() noexcept = default;
    // Takes over a new reference. Errors: NULL becomes the raised PythonError.
    static Ref steal(PyObject* object) {
        if (object == nullptr) throw PythonError();
        return Ref(object);
    }
    // Takes over a new reference or NULL, which is no error here.
    static Ref steal_or_null(PyObject* object) noexcept { return Ref(object); }
    // Adds a reference to an object (or NULL) that somebody else holds.
    static Ref borrow(PyObject* object) noexcept { return Ref(Py_XNewRef(object)); }

    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref(const Ref& other) noexcept : object_(Py_XNewRef(other.object_)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() { Py_XDECREF(object_); }

    PyObject* get() const noexcept { return object_; }
    PyObject* release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    template <class T>
    T* as() const noexcept {
        return reinterpret_cast<T*>(object_);
    }

   private:
    explicit Ref(PyObject* object) noexcept : object_(object) {}
    PyObject* object_ = nullptr;
};

// Never returns.
[[noreturn]] void wait_for_the_end() noexcept;

// Runs body(), which may let go of the GIL and take it again. The interpreter, while it is finalized, ends a thread
// that asks for the GIL by unwinding it, and our frames would release objects without it: such a thread stays here
// until the process ends.
template <class Body>
auto outliving_python(Body body) {
    try {
        return body();
    } catch (abi::__forced_unwind&) {
        wait_for_the_end();
    }
}

// How deep this thread is in code of the program that the engine has called: there it may be ended at any moment, and
// may block for long.
std::atomic<int>& depth_in_program() noexcept;

// Runs body(), which calls code of the program.
template <class Body>
auto in_program(Body body) {
    std::atomic<int>& depth = depth_in_program();
    ++depth;
    const auto result = outliving_python(body);
    --depth;
    return result;
}

// Runs body() for a callback of the interpreter, whose C frames no C++ exception may cross: what is thrown becomes the
// raised exception, and `failed` the result.
template <class Result, class Body>
Result as_callback(Result failed, Body body) {
    try {
        return body();
    } catch (const PythonError& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_SystemError, error.what());
    }
    return failed;
}

// Runs body() where nothing may fail: what it throws is told to sys.unraisablehook.
template <class Body>
void unfailing(Body body) {
    try {
        body();
    } catch (const PythonError& error) {
        error.restore();
        PyErr_WriteUnraisable(nullptr);
    }
}

// Lets other threads run while it lives.
class GilReleased {
   public:
    GilReleased() noexcept : state_(PyEval_SaveThread()) {}
    ~GilReleased() {
        outliving_python([this] { PyEval_RestoreThread(state_); });
    }
    GilReleased(const GilReleased&) = delete;
    GilReleased& operator=(const GilReleased&) = delete;

   private:
    PyThreadState* state_;
};

// Keeps the collector from running while it lives.
class NoCollection {
   public:
    NoCollection() noexcept : was_on_(PyGC_Disable()) {}
    ~NoCollection() {
        if (was_on_ != 0) PyGC_Enable();
    }
    NoCollection(const NoCollection&) = delete;
    NoCollection& operator=(const NoCollection&) = delete;

   private:
    int was_on_;
};

// Puts a raised exception aside while it lives, so that C++ code runs without the error indicator set.
class ErrorAside {
   public:
    ErrorAside() noexcept : exception_(PyErr_GetRaisedException()) {}
    ~ErrorAside() { PyErr_SetRaisedException(exception_); }
    ErrorAside(const ErrorAside&) = delete;
    ErrorAside& operator=(const ErrorAside&) = delete;

   private:
    PyObject* exception_;
};

// Turns a negative result into the raised PythonError.
inline int check(int result) {
    if (result < 0) throw PythonError();
    return result;
}

// Drops the raised exception, if there is one. Errors: one that is no answer is thrown.
void dismiss();

// Raises `type(message)` as a PythonError.
[[noreturn]] void raise(PyObject* type, const std::string& message);

Ref to_str(std::string_view text);
Ref interned(std::string_view text);
// The text of a str object; for anything else of its str().
std::string to_text(PyObject* object);
// An exception as "Type: text", even where its own text can't be made.
std::string describe(PyObject* exception);
// The text of a str object without a copy. Errors: TypeError for anything else.
std::string_view view(PyObject* str);
Ref to_int(long value);

Ref attribute(PyObject* object, const char* name);
// The attribute, or nothing where there is none. Errors: any but AttributeError.
Ref attribute_or_null(PyObject* object, const char* name);
std::string attribute_text(PyObject* object, const char* name);
long attribute_long(PyObject* object, const char* name);

// A module that the engine works with: as it was found first, whatever the program puts under its name later.
Ref import_module(const char* name);
Ref call(PyObject* callable, std::initializer_list<PyObject*> arguments = {});
Ref call_method(PyObject* object, const char* name, std::initializer_list<PyObject*> arguments = {});

// Runs code in these namespaces; its result.
Ref run_code(PyObject* code, PyObject* globals, PyObject* names);

// Calls body(PyObject* object), borrowed, for each object that the collector knows. It must not run Python code.
template <class Body>
void for_all_objects(Body body) {
    std::pair<Body&, std::exception_ptr> visit{body, nullptr};
    using Visit = decltype(visit);
    PyUnstable_GC_VisitObjects(
        [](PyObject* object, void* data) {
            auto* walk = static_cast<Visit*>(data);
            try {
                walk->first(object);
            } catch (const std::exception&) {  // thrown again when the interpreter's frames are left
                walk->second = std::current_exception();
            }
            return walk->second == nullptr ? 1 : 0;
        },
        &visit);
    if (visit.second != nullptr) std::rethrow_exception(visit.second);
}

// The objects that the collector sees in another one, borrowed, each as often as it is there.
std::vector<PyObject*> references_in(PyObject* holder);

// Whether it is a classmethod or a staticmethod.
inline bool is_method_holder(PyObject* object) {
    return Py_IS_TYPE(object, &PyClassMethod_Type) || Py_IS_TYPE(object, &PyStaticMethod_Type);
}

// What a classmethod or staticmethod (one) or a property (getter, setter, deleter, docstring) holds; each may be NULL.
inline PyObject** held_by(PyObject* descriptor) { return reinterpret_cast<PyObject**>(descriptor + 1); }

Ref new_dict();
// The value under a str key, borrowed, or NULL.
PyObject* dict_get(PyObject* dict, PyObject* key);
PyObject* dict_get(PyObject* dict, std::string_view key);
void dict_set(PyObject* dict, PyObject* key, PyObject* value);
void dict_set(PyObject* dict, std::string_view key, PyObject* value);

// Calls body(PyObject* key, PyObject* value), both borrowed. The dict must not change meanwhile.
template <class Body>
void for_items(PyObject* dict, Body body) {
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value) != 0) body(key, value);
}

// Calls body(PyObject* item), borrowed, for each item of a list or a tuple.
template <class Body>
void for_sequence(PyObject* sequence, Body body) {
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence);
    for (Py_ssize_t i = 0; i < size; ++i) body(PySequence_Fast_GET_ITEM(sequence, i));
}

}  // namespace rebottle
