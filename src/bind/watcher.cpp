#include "bind/watcher.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <system_error>

#include "watch/watcher.hpp"

namespace rebottle {
namespace {

using watch::Watcher;

struct Object {
    PyObject_HEAD Watcher* watcher;
};

Watcher& watcher_of(PyObject* self) { return *reinterpret_cast<Object*>(self)->watcher; }

// Runs `body` and turns what it throws into a Python exception.
template <class Body>
PyObject* guarded(Body body) {
    try {
        return body().release();
    } catch (const PythonError& error) {
        error.restore();
    } catch (const std::system_error& error) {
        Ref arguments = Ref::steal_or_null(Py_BuildValue("is", error.code().value(), error.what()));
        if (arguments) PyErr_SetObject(PyExc_OSError, arguments.get());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return nullptr;
}

// Runs `body` while other threads run. Not a guard object: where the interpreter is shutting down, taking the GIL back
// ends the thread by unwinding it, which a destructor would turn into std::terminate. No Ref may be alive meanwhile.
template <class Body>
auto without_gil(Body body) {
    std::optional<decltype(body())> result;
    std::exception_ptr thrown;
    PyThreadState* state = PyEval_SaveThread();
    try {
        result = body();
    } catch (const std::exception&) {
        thrown = std::current_exception();
    }
    PyEval_RestoreThread(state);
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*result);
}

std::vector<std::string> to_paths(PyObject* iterable) {
    std::vector<std::string> paths;
    const Ref items = Ref::steal(PySequence_Fast(iterable, "paths: an iterable of paths is needed"));
    for_sequence(items.get(), [&](PyObject* item) {
        PyObject* bytes = nullptr;
        if (PyUnicode_FSConverter(item, &bytes) == 0) throw PythonError();
        const Ref path = Ref::steal(bytes);
        paths.emplace_back(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    });
    return paths;
}

PyObject* add(PyObject* self, PyObject* iterable) {
    return guarded([&] {
        const std::vector<std::string> paths = to_paths(iterable);
        return to_int(without_gil([&] {
            return std::count_if(paths.begin(), paths.end(),
                                 [self](const std::string& path) { return watcher_of(self).add(path); });
        }));
    });
}

PyObject* wait(PyObject* self, PyObject* argument) {
    return guarded([&] {
        const double seconds = PyFloat_AsDouble(argument);
        if (PyErr_Occurred() != nullptr) throw PythonError();
        if (std::isnan(seconds)) raise(PyExc_ValueError, "seconds: a number is needed, not nan");
        const auto timeout = std::chrono::milliseconds(static_cast<long>(std::clamp(seconds, 0.0, 1e9) * 1e3));
        const auto changed = without_gil([&] { return watcher_of(self).wait(timeout); });
        Ref list = Ref::steal(PyList_New(0));
        for (const std::string& path : changed) {
            const Ref item =
                Ref::steal(PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
            check(PyList_Append(list.get(), item.get()));
        }
        return list;
    });
}

PyObject* stop(PyObject* self, PyObject*) {
    watcher_of(self).stop();
    Py_RETURN_NONE;
}

PyObject* notified(PyObject* self, void*) { return PyBool_FromLong(watcher_of(self).notified() ? 1 : 0); }

PyObject* create(PyTypeObject* type, PyObject* positional, PyObject* keywords) {
    return guarded([&] {
        static const char* const names[] = {nullptr};
        if (PyArg_ParseTupleAndKeywords(positional, keywords, ":Watcher", const_cast<char**>(names)) == 0)
            throw PythonError();
        auto watcher = std::make_unique<Watcher>();
        Ref self = Ref::steal(type->tp_alloc(type, 0));
        self.as<Object>()->watcher = watcher.release();
        return self;
    });
}

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete &watcher_of(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"add", add, METH_O,
     "add($self, paths, /)\n--\n\n"
     "Watch these files too, there or not yet; return how many are new to the watcher."},
    {"wait", wait, METH_O,
     "wait($self, seconds, /)\n--\n\n"
     "The files that changed since the last call, as they were given, sorted; empty after so many seconds or stop()."},
    {"stop", stop, METH_NOARGS,
     "stop($self, /)\n--\n\n"
     "End the wait() that is under way in another thread, and all later ones."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef properties[] = {
    {"notified", notified, nullptr, "Whether the kernel tells about changes; otherwise files are looked at.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("Tells which files changed.")},
                       {Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                       {Py_tp_methods, methods},
                       {Py_tp_getset, properties},
                       {0, nullptr}};

PyType_Spec specification = {"rebottle._native.Watcher", sizeof(Object), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

}  // namespace

int add_watcher(PyObject* module) {
    const Ref type = Ref::steal_or_null(PyType_FromModuleAndSpec(module, &specification, nullptr));
    return type ? PyModule_AddType(module, type.as<PyTypeObject>()) : -1;
}

}  // namespace rebottle
