// CPython 3.13.
#define Py_BUILD_CORE 1
#include "base/python.hpp"
#undef HAVE_STD_ATOMIC  // <stdatomic.h> has no usable names in C++20
#include "compat/compat.hpp"
#include "compat/version.hpp"

extern "C" {
#include <internal/pycore_ceval.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_gil.h>
#include <internal/pycore_object.h>
}

namespace rebottle::compat {

_PyInterpreterFrame* current_frame(PyThreadState* thread) { return thread->current_frame; }
PyCodeObject* code_of(_PyInterpreterFrame* frame) { return reinterpret_cast<PyCodeObject*>(frame->f_executable); }

bool is_ending() { return Py_IsFinalizing() != 0; }

PyObject* target_of(PyObject* weak_reference) {
    PyObject* object = nullptr;
    if (PyWeakref_GetRef(weak_reference, &object) == 1) Py_DECREF(object);  // somebody else holds it
    return object;
}

const std::vector<const char*>& implicit_class_names() {
    static const std::vector<const char*> names = {
        "__module__", "__qualname__", "__classcell__",   "__classdictcell__",
        "__dict__",   "__weakref__",  "__firstlineno__", "__static_attributes__"};
    return names;
}

void allow_new_versions(PyTypeObject* type) { type->tp_versions_used = 0; }
void clear_internal_caches() {}

bool has_version_of_code(PyFunctionObject* function) {
    return function->func_version != 0 &&
           function->func_version == reinterpret_cast<PyCodeObject*>(function->func_code)->co_version;
}
void set_version_of_code(PyFunctionObject* function) {
    function->func_version = reinterpret_cast<PyCodeObject*>(function->func_code)->co_version;
}

const unsigned long storage_flags =
    Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF | Py_TPFLAGS_INLINE_VALUES;

void give_dict(PyObject* object, PyObject* dict) {
    const bool managed = (Py_TYPE(object)->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0;
    check(managed ? _PyObject_SetManagedDict(object, dict) : PyObject_GenericSetDict(object, dict, nullptr));
}

InlineValues inline_values(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if ((type->tp_flags & Py_TPFLAGS_INLINE_VALUES) == 0) return {};
    PyDictValues* values = _PyObject_InlineValues(object);
    if (!values->valid) return {};
    return {values->values, values->capacity};
}

void restart_waits() noexcept {
    PyThreadState* thread = PyThreadState_Get();
    _gil_runtime_state* gil = thread->interp->ceval.gil;
    pthread_mutex_lock(&gil->mutex);
    ++gil->switch_number;  // whose time is up right now doesn't ask
    _Py_unset_eval_breaker_bit(thread, _PY_GIL_DROP_REQUEST_BIT);
    pthread_cond_broadcast(&gil->cond);
    pthread_mutex_unlock(&gil->mutex);
}

}  // namespace rebottle::compat
