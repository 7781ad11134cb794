// Where frames keep their references, given the internal headers of the version that is built for.
#define Py_BUILD_CORE 1
#include "base/python.hpp"
#undef HAVE_STD_ATOMIC  // <stdatomic.h> has no usable names in C++20
#include "compat/compat.hpp"
#include "compat/version.hpp"

extern "C" {
#include <internal/pycore_frame.h>
}

namespace rebottle::compat {
namespace {

FramePlaces places(_PyInterpreterFrame* frame) {
    if (frame->stacktop >= 0) return {frame->localsplus, frame->stacktop};
    PyCodeObject* code = code_of(frame);
    return {frame->localsplus, code->co_nlocalsplus, code,
            _PyInterpreterFrame_LASTI(frame) * static_cast<int>(sizeof(_Py_CODEUNIT))};
}

// A frame as the collector sees it: where its stack isn't known, nothing.
FramePlaces visible_places(_PyInterpreterFrame* frame, std::size_t head) {
    return {frame->localsplus, frame->stacktop > 0 ? frame->stacktop : 0, nullptr, 0, head};
}

}  // namespace

void for_running_places(const std::function<void(const FramePlaces&)>& body) {
    for (PyThreadState* thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get()); thread != nullptr;
         thread = PyThreadState_Next(thread)) {
        _PyInterpreterFrame* const innermost = thread == PyThreadState_Get() ? nullptr : current_frame(thread);
        for (_PyInterpreterFrame* frame = current_frame(thread); frame != nullptr; frame = frame->previous) {
            const bool seen = frame->owner == FRAME_OWNED_BY_GENERATOR && frame->stacktop > 0;
            if (frame->owner == FRAME_OWNED_BY_CSTACK || seen) continue;
            FramePlaces found = places(frame);
            found.may_have_returned = frame == innermost && found.code != nullptr;
            body(found);
        }
    }
}

FramePlaces places_of(PyObject* holder) {
    if (PyFrame_Check(holder)) {
        auto* frame = reinterpret_cast<PyFrameObject*>(holder);
        if (frame->f_frame->owner != FRAME_OWNED_BY_FRAME_OBJECT) return {nullptr, 0, nullptr, 0, sizeof(*frame)};
        return visible_places(frame->f_frame, offsetof(PyFrameObject, _f_frame_data));
    }
    if (!PyGen_Check(holder) && !PyCoro_CheckExact(holder) && !PyAsyncGen_CheckExact(holder)) return {};
    // Before its frame a generator has fields that nobody has ever set.
    auto* generator = reinterpret_cast<PyGenObject*>(holder);
    if (generator->gi_frame_state >= FRAME_CLEARED) return {nullptr, 0, nullptr, 0, sizeof(PyObject)};
    return visible_places(reinterpret_cast<_PyInterpreterFrame*>(generator->gi_iframe), sizeof(PyObject));
}

void take_shared_keys(PyTypeObject* type, PyTypeObject* giver) {
    auto* taking = reinterpret_cast<PyHeapTypeObject*>(type);
    if (taking->ht_cached_keys == nullptr)
        std::swap(taking->ht_cached_keys, reinterpret_cast<PyHeapTypeObject*>(giver)->ht_cached_keys);
}

}  // namespace rebottle::compat
