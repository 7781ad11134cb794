#include "source/caught.hpp"

#include <map>
#include <vector>

namespace rebottle {
namespace {

struct Expected {
    std::string module;
    bool wanted;
    Ref source;
};

// What one thread expects, innermost import last. Never destroyed: it holds Python objects.
std::map<unsigned long, std::vector<Expected>>& expectations() {
    static auto* all = new std::map<unsigned long, std::vector<Expected>>;
    return *all;
}

CodeCatcher::Report& reporter() {
    static auto* report = new CodeCatcher::Report;
    return *report;
}

// One piece of work whose code is caught.
struct Catching {
    unsigned long thread;
    bool executes;  // its exec() isn't to run
    Caught caught;
};
Catching* catching = nullptr;

bool is_module_code(PyObject* object) {
    if (object == nullptr || !PyCode_Check(object)) return false;
    auto* code = reinterpret_cast<PyCodeObject*>(object);
    return (code->co_flags & CO_OPTIMIZED) == 0 && view(code->co_name) == "<module>";
}

bool is_being_imported(const std::string& name) {
    PyObject* module = dict_get(PyImport_GetModuleDict(), name);
    PyObject* spec =
        module != nullptr && PyModule_Check(module) ? dict_get(PyModule_GetDict(module), "__spec__") : nullptr;
    const Ref mark = spec != nullptr ? attribute_or_null(spec, "_initializing") : Ref();
    return mark.get() == Py_True;
}

// The innermost import of this thread that still goes on, or NULL.
Expected* expected(unsigned long thread) {
    const auto found = expectations().find(thread);
    if (found == expectations().end()) return nullptr;
    std::vector<Expected>& stack = found->second;
    while (!stack.empty() && !is_being_imported(stack.back().module)) stack.pop_back();
    if (!stack.empty()) return &stack.back();
    expectations().erase(found);
    return nullptr;
}

void on_compile(unsigned long thread, PyObject* source) {
    if (catching != nullptr && catching->thread == thread) {
        catching->caught.source = Ref::borrow(source);
    } else if (Expected* import = expected(thread); import != nullptr && import->wanted) {
        import->source = Ref::borrow(source);
    }
}

// Returns whether the code may run.
bool on_exec(unsigned long thread, PyObject* code) {
    if (!is_module_code(code)) return true;
    if (catching != nullptr && catching->thread == thread) {
        if (!catching->executes || catching->caught.code) return true;
        catching->caught.code = Ref::borrow(code);
        return false;
    }
    Expected* import = expected(thread);
    if (import == nullptr) return true;
    const Expected done = std::move(*import);
    expectations()[thread].pop_back();
    if (done.wanted) reporter()(done.module, {Ref::borrow(code), done.source});
    return true;
}

// Audit hooks are called in sub-interpreters too, which may run at the same time as this one.
bool is_elsewhere() { return PyInterpreterState_Get() != PyInterpreterState_Main(); }

int on_audit(const char* event, PyObject* arguments, void*) {
    const std::string_view name = event;
    const bool compiles = name == "compile";
    if ((!compiles && name != "exec") || PyTuple_GET_SIZE(arguments) == 0 || is_elsewhere()) return 0;
    if (catching == nullptr && expectations().empty()) return 0;
    try {
        const ErrorAside aside;
        const unsigned long thread = PyThread_get_thread_ident();
        PyObject* subject = PyTuple_GET_ITEM(arguments, 0);
        if (compiles) {
            on_compile(thread, subject);
            return 0;
        }
        if (on_exec(thread, subject)) return 0;
    } catch (const std::exception&) {
        return 0;  // what isn't caught is unknown; the import itself goes on
    }
    PyErr_SetString(PyExc_SystemExit, "rebottle: the code of the module is caught, not run");
    return -1;
}

void hook() {
    static const bool hooked = PySys_AddAuditHook(&on_audit, nullptr) == 0;
    if (!hooked) raise(PyExc_RuntimeError, "rebottle: an audit hook was refused");
}

Caught catch_from(const std::function<Ref()>& work, bool executes) {
    hook();
    Catching mine{PyThread_get_thread_ident(), executes, {}};
    Catching* const outer = std::exchange(catching, &mine);
    try {
        Ref result = work();
        if (!executes) mine.caught.code = std::move(result);
    } catch (const PythonError&) {
        catching = outer;
        if (!executes || !mine.caught.code) throw;
    }
    catching = outer;
    return std::move(mine.caught);
}

}  // namespace

void CodeCatcher::start(Report report) {
    reporter() = std::move(report);
    hook();
}

void CodeCatcher::expect(const std::string& module, bool wanted) {
    expectations()[PyThread_get_thread_ident()].push_back({module, wanted, {}});
}

Caught catch_compiled(const std::function<Ref()>& work) { return catch_from(work, false); }
Caught catch_executed(const std::function<Ref()>& work) { return catch_from(work, true); }

}  // namespace rebottle
