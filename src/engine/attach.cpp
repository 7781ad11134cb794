#include "engine/attach.hpp"

#include <atomic>

#include "code/index.hpp"
#include "compat/memory.hpp"
#include "engine/turn.hpp"
#include "plan/rules.hpp"
#include "source/modules.hpp"

namespace rebottle {
namespace {

enum class Tie { never, attached, gone };

// Its address tells this copy of the engine from others in the process.
std::atomic<Tie> tie = Tie::never;

constexpr const char* key = "rebottle.engine";

// The interpreter holds it in a place that no script reaches; it dies with the interpreter.
Ref new_mark() {
    return Ref::steal(PyCapsule_New(&tie, key, [](PyObject*) { tie = Tie::gone; }));
}

// What the engine imports for itself is there before any update: one that fails takes away what its own statements
// imported.
void import_helpers() {
    for (const char* name :
         {"ast", "copy", "dis", "importlib.machinery", "importlib.util", "linecache", "marshal", "sysconfig"})
        import_module(name);
}

// What the interpreter calls when it is about to end, and around a fork.
template <void (Turns::*Step)()>
PyObject* tell_turns(PyObject*, PyObject*) {
    return as_callback<PyObject*>(nullptr, [] {
        (Turns::instance().*Step)();
        return Py_NewRef(Py_None);
    });
}

PyMethodDef at_exit = {"at_exit", &tell_turns<&Turns::close>, METH_NOARGS, nullptr};
PyMethodDef before_fork = {"before_fork", &tell_turns<&Turns::before_fork>, METH_NOARGS, nullptr};
PyMethodDef after_fork = {"after_fork", &tell_turns<&Turns::after_fork_in_parent>, METH_NOARGS, nullptr};

void follow_the_process() {
    const auto function = [](PyMethodDef& definition) { return Ref::steal(PyCFunction_New(&definition, nullptr)); };
    call_method(import_module("atexit").get(), "register", {function(at_exit).get()});
    const Ref hooks = new_dict();
    dict_set(hooks.get(), "before", function(before_fork).get());
    dict_set(hooks.get(), "after_in_parent", function(after_fork).get());
    const Ref at_fork = attribute(import_module("os").get(), "register_at_fork");
    Ref::steal(PyObject_VectorcallDict(at_fork.get(), nullptr, 0, hooks.get()));
}

}  // namespace

std::optional<Refusal> attach() {
    PyInterpreterState* interpreter = PyInterpreterState_Get();
    if (interpreter != PyInterpreterState_Main()) return refusal("sub-interpreter", "");
    PyObject* dict = PyInterpreterState_GetDict(interpreter);
    if (dict == nullptr) throw std::bad_alloc();
    if (PyObject* mark = dict_get(dict, key)) {
        if (PyCapsule_GetPointer(mark, key) != &tie) return refusal("second-engine", "");
        return std::nullopt;
    }
    if (tie == Tie::gone) return refusal("interpreter-again", "");
    compat::note_allocators();
    import_helpers();
    follow_the_process();
    CodeIndex::instance();
    Modules::instance();
    dict_set(dict, key, new_mark().get());
    tie = Tie::attached;
    return std::nullopt;
}

bool attached() noexcept { return tie == Tie::attached && Py_IsInitialized() != 0; }

}  // namespace rebottle
