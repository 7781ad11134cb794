// What is alike in all versions served, given the internal headers of the one that is built for.
#define Py_BUILD_CORE 1
#include "base/python.hpp"
#undef HAVE_STD_ATOMIC  // <stdatomic.h> has no usable names in C++20
#include "compat/compat.hpp"
#include "compat/version.hpp"

extern "C" {
#include <internal/pycore_frame.h>
#include <opcode.h>
}

namespace rebottle::compat {

PyCompilerFlags compiler_flags(int flags) {
    PyCompilerFlags result;
    result.cf_flags = flags;
    result.cf_feature_version = PY_MINOR_VERSION;
    return result;
}

namespace {

bool is_python(_PyInterpreterFrame* frame) {
    return frame->owner != FRAME_OWNED_BY_CSTACK && !_PyFrame_IsIncomplete(frame);
}

void visit_frames(_PyInterpreterFrame* frame, unsigned long thread, const std::function<void(const LiveFrame&)>& body) {
    for (; frame != nullptr; frame = frame->previous) {
        if (!is_python(frame)) continue;
        PyCodeObject* code = code_of(frame);
        const int line =
            PyCode_Addr2Line(code, _PyInterpreterFrame_LASTI(frame) * static_cast<int>(sizeof(_Py_CODEUNIT)));
        body({code, frame->f_globals, line, thread, frame});
    }
}

}  // namespace

void set_globals(const LiveFrame& frame, PyObject* globals) {
    static_cast<_PyInterpreterFrame*>(frame.internal)->f_globals = globals;
}

PyObject* builtins_of(const LiveFrame& frame) { return static_cast<_PyInterpreterFrame*>(frame.internal)->f_builtins; }

void set_builtins(const LiveFrame& frame, PyObject* builtins) {
    static_cast<_PyInterpreterFrame*>(frame.internal)->f_builtins = builtins;
}

bool suspended_frame(PyObject* generator, LiveFrame& frame) {
    auto* gen = reinterpret_cast<PyGenObject*>(generator);
    if (gen->gi_frame_state >= FRAME_EXECUTING) return false;
    auto* internal = reinterpret_cast<_PyInterpreterFrame*>(gen->gi_iframe);
    PyCodeObject* code = code_of(internal);
    frame = {code, internal->f_globals,
             PyCode_Addr2Line(code, _PyInterpreterFrame_LASTI(internal) * static_cast<int>(sizeof(_Py_CODEUNIT))), 0,
             internal};
    return true;
}

PyObject* docstring_of(PyCodeObject* code) {
    PyObject* first = PyTuple_GET_SIZE(code->co_consts) > 0 ? PyTuple_GET_ITEM(code->co_consts, 0) : Py_None;
    return PyUnicode_Check(first) && (code->co_flags & CO_OPTIMIZED) != 0 ? first : Py_None;
}

namespace {

// Calls body(opcode, argument) for each instruction until it answers false.
template <class Body>
void for_instructions(PyCodeObject* code, Body body) {
    const Ref text = Ref::steal(PyCode_GetCode(code));
    const auto* bytes = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(text.get()));
    int argument = 0;
    for (Py_ssize_t at = 0; at + 1 < PyBytes_GET_SIZE(text.get()); at += 2) {
        argument = argument << 8 | bytes[at + 1];
        if (bytes[at] == EXTENDED_ARG) continue;
        if (!body(bytes[at], argument)) return;
        argument = 0;
    }
}

}  // namespace

Py_ssize_t stored_constant(PyCodeObject* body, std::string_view name) {
    constexpr int no_constant = -1;
    int loaded = no_constant;
    bool found = false;
    for_instructions(body, [&](int opcode, int argument) {
        found =
            opcode == STORE_NAME && loaded != no_constant && view(PyTuple_GET_ITEM(body->co_names, argument)) == name;
        if (!found) loaded = opcode == LOAD_CONST ? argument : no_constant;
        return !found;
    });
    return found ? loaded : no_constant;
}

bool is_loaded_once(PyCodeObject* code, Py_ssize_t constant) {
    int times = 0;
    for_instructions(code, [&](int opcode, int argument) {
        if ((opcode == LOAD_CONST || opcode == RETURN_CONST) && argument == constant) ++times;
        return true;
    });
    return times == 1;
}

// Only strings can be shared keys: another one makes the interpreter resize the table into one of its own.
void unshare(PyObject* dict) {
    if (reinterpret_cast<PyDictObject*>(dict)->ma_values == nullptr) return;
    check(PyDict_SetItem(dict, Py_None, Py_None));
    check(PyDict_DelItem(dict, Py_None));
}

void detach_attributes(PyObject* object) {
    if ((Py_TYPE(object)->tp_flags & Py_TPFLAGS_MANAGED_DICT) == 0) return;
    unshare(Ref::steal(PyObject_GenericGetDict(object, nullptr)).get());
}

void swap_dicts(PyObject* a, PyObject* b) {
    auto* x = reinterpret_cast<PyDictObject*>(a);
    auto* y = reinterpret_cast<PyDictObject*>(b);
    std::swap(x->ma_used, y->ma_used);
    std::swap(x->ma_keys, y->ma_keys);
    std::swap(x->ma_values, y->ma_values);
    // A dict of plain values alone isn't tracked by the collector; the other's content may need it.
    for (PyObject* dict : {a, b})
        if (PyObject_GC_IsTracked(dict) == 0) PyObject_GC_Track(dict);
}

bool current_frame(LiveFrame& frame) {
    _PyInterpreterFrame* internal = current_frame(PyThreadState_Get());
    while (internal != nullptr && !is_python(internal)) internal = internal->previous;
    if (internal == nullptr) return false;
    frame = {code_of(internal), internal->f_globals, 0, PyThread_get_thread_ident(), internal};
    return true;
}

// A frame that has only begun is incomplete for others, but not for PY_START: see `starting_globals`.
PyObject* starting_globals(PyCodeObject* code) {
    _PyInterpreterFrame* internal = current_frame(PyThreadState_Get());
    while (internal != nullptr && (internal->owner == FRAME_OWNED_BY_CSTACK || code_of(internal) != code))
        internal = internal->previous;
    return internal == nullptr ? nullptr : internal->f_globals;
}

PyObject* peek_stack(int depth, int below_top) {
    PyThreadState* thread = PyThreadState_Get();
    _PyInterpreterFrame* frame = current_frame(thread);
    while (frame != nullptr && !is_python(frame)) frame = frame->previous;
    const int index = depth - 1 - below_top;
    if (frame == nullptr || index < 0) return nullptr;
    return _PyFrame_Stackbase(frame)[index];
}

PyObject* captured_cell(int index) {
    _PyInterpreterFrame* frame = current_frame(PyThreadState_Get());
    while (frame != nullptr && !is_python(frame)) frame = frame->previous;
    if (frame == nullptr || (_PyLocals_GetKind(code_of(frame)->co_localspluskinds, index) & CO_FAST_FREE) == 0)
        return nullptr;
    PyObject* cell = frame->localsplus[index];
    return cell != nullptr && PyCell_Check(cell) ? cell : nullptr;
}

void for_running_frames(const std::function<void(const LiveFrame&)>& body) {
    for (PyThreadState* thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get()); thread != nullptr;
         thread = PyThreadState_Next(thread))
        visit_frames(current_frame(thread), thread->thread_id, body);
}

}  // namespace rebottle::compat
