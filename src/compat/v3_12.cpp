// CPython 3.12.
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

_PyInterpreterFrame* current_frame(PyThreadState* thread) { return thread->cframe->current_frame; }
PyCodeObject* code_of(_PyInterpreterFrame* frame) { return frame->f_code; }

bool is_ending() { return _Py_IsFinalizing() != 0; }

PyObject* target_of(PyObject* weak_reference) {
    PyObject* object = PyWeakref_GET_OBJECT(weak_reference);
    return object == Py_None ? nullptr : object;
}

const std::vector<const char*>& implicit_class_names() {
    static const std::vector<const char*> names = {"__module__",        "__qualname__", "__classcell__",
                                                   "__classdictcell__", "__dict__",     "__weakref__"};
    return names;
}

// 3.12 has no limit on the versions of one class.
void allow_new_versions(PyTypeObject*) {}
void clear_internal_caches() {}

// Versions are given anew on demand.
bool has_version_of_code(PyFunctionObject*) { return false; }
void set_version_of_code(PyFunctionObject*) {}

const unsigned long storage_flags = Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF;

void give_dict(PyObject* object, PyObject* dict) { check(PyObject_GenericSetDict(object, dict, nullptr)); }

InlineValues inline_values(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if ((type->tp_flags & Py_TPFLAGS_MANAGED_DICT) == 0) return {};
    const PyDictOrValues* held = _PyObject_DictOrValuesPointer(object);
    if (!_PyDictOrValues_IsValues(*held)) return {};
    PyDictValues* values = _PyDictOrValues_GetValues(*held);
    if (values == nullptr) return {};
    return {values->values,
            static_cast<std::size_t>(reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys->dk_nentries)};
}

void restart_waits() noexcept {
    _ceval_state& state = PyInterpreterState_Get()->ceval;
    pthread_mutex_lock(&state.gil->mutex);
    ++state.gil->switch_number;  // whose time is up right now doesn't ask
    _Py_atomic_store_relaxed(&state.gil_drop_request, 0);
    pthread_cond_broadcast(&state.gil->cond);
    pthread_mutex_unlock(&state.gil->mutex);
}

}  // namespace rebottle::compat
