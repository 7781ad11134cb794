// The wall to Python: the extension module `rebottle._native`. C++ exceptions end here.
#include <map>

#include "bind/arguments.hpp"
#include "bind/values.hpp"
#include "bind/watcher.hpp"
#include "compat/memory.hpp"
#include "engine/attach.hpp"
#include "engine/core.hpp"
#include "engine/turn.hpp"
#include "live/stale.hpp"
#include "plan/rules.hpp"

namespace rebottle {
namespace {

std::map<std::string, PyObject*>& error_types() {
    static auto* types = new std::map<std::string, PyObject*>;
    return *types;
}

void raise_failure(const UpdateFailure& failure) {
    const compat::SureMemory sure;
    const auto found = error_types().find(failure.type);
    PyObject* type = found == error_types().end() ? error_types()["UpdateError"] : found->second;
    const Ref error = call(type, {to_str(failure.message).get()});
    check(PyObject_SetAttrString(error.get(), "report", Ref::steal(new_report(failure.report)).get()));
    check(PyObject_SetAttrString(error.get(), "refusals", Ref::steal(new_refusals(failure.report.refusals)).get()));
    if (failure.cause) PyException_SetCause(error.get(), Py_NewRef(failure.cause.get()));
    PyErr_SetObject(type, error.get());
}

// Runs body(), which returns a new reference; turns what it throws into Python exceptions.
template <class Body>
PyObject* guarded(Body body) {
    try {
        try {
            return body();
        } catch (const UpdateFailure& failure) {
            Turns::instance().let_end();
            raise_failure(failure);
        }
    } catch (const PythonError& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_Format(PyExc_SystemError, "rebottle: %s", error.what());
    } catch (abi::__forced_unwind&) {
        throw;  // the interpreter is finalized and ends this thread
    } catch (...) {
        PyErr_SetString(PyExc_SystemError, "rebottle: an unknown C++ exception");
    }
    return nullptr;
}

// The report of update(), as Python sees it: what was applied isn't lost for want of memory to tell of it.
template <class Update>
PyObject* report_of(Update update) {
    return guarded([&] {
        const Visit visit;
        const compat::MemoryReserve reserve;
        const Report report = update();
        const compat::SureMemory sure;
        return new_report(report);
    });
}

PyObject* reload(PyObject*, PyObject* arguments, PyObject* keywords) {
    return report_of([&] { return Core::instance().reload(read_request(arguments, keywords, "reload")); });
}

PyObject* plan(PyObject*, PyObject* arguments, PyObject* keywords) {
    return guarded([&] {
        const Visit visit;
        return new_plan(Core::instance().plan(read_request(arguments, keywords, "plan")));
    });
}

// Text as it is; a path is read, its name is the default name.
std::string snippet_text(PyObject* source, std::string& name) {
    if (PyUnicode_Check(source)) return source_text(source);
    const Ref path_type = attribute(import_module("pathlib").get(), "PurePath");
    if (check(PyObject_IsInstance(source, path_type.get())) == 0)
        raise(PyExc_TypeError,
              std::string("a hotfix is a text (str) or a pathlib.Path, not ") + Py_TYPE(source)->tp_name);
    const std::string path = to_text(source);
    if (name.empty()) name = path;
    try {
        return decode(read_file(path));
    } catch (const PythonError& error) {
        Report report;
        report.kind = "hotfix";
        report.ok = false;
        throw UpdateFailure{"SourceError", path + ": the hotfix can't be read: " + to_text(error.value()), report,
                            Ref::borrow(error.value())};
    }
}

PyObject* hotfix(PyObject*, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"source", "name", nullptr};
    PyObject* source = nullptr;
    PyObject* name = Py_None;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O|$O:hotfix", const_cast<char**>(names), &source, &name) == 0)
        return nullptr;
    return report_of([&] {
        if (name != Py_None && !PyUnicode_Check(name))
            raise(PyExc_TypeError, std::string("name is a str, not ") + Py_TYPE(name)->tp_name);
        std::string label = name == Py_None ? "" : to_text(name);
        const std::string text = snippet_text(source, label);
        return Core::instance().hotfix(text, label);
    });
}

PyObject* rollback(PyObject*, PyObject*) { return rollback_report(nullptr, false); }

PyObject* history(PyObject*, PyObject*) {
    return guarded([] {
        Ref list = Ref::steal(PyList_New(0));
        for (const auto& past : Core::instance().history())
            check(PyList_Append(list.get(), Ref::steal(new_report(past->report)).get()));
        return list.release();
    });
}

PyObject* track(PyObject*, PyObject* arguments) {
    return guarded([&] {
        Request request;
        read_modules(arguments, request);
        Modules::instance().track(request.modules);
        return Py_NewRef(Py_None);
    });
}

PyObject* tracked(PyObject*, PyObject*) {
    return guarded([] {
        Ref list = Ref::steal(PyList_New(0));
        for (const std::string& name : Modules::instance().tracked()) {
            const std::string& path = Modules::instance().record(name).version.path;
            if (path.empty() || path[0] == '<') continue;
            check(PyList_Append(list.get(), Ref::steal(Py_BuildValue("(ss)", name.c_str(), path.c_str())).get()));
        }
        return list.release();
    });
}

PyObject* on_update(PyObject*, PyObject* callback) {
    return guarded([&] {
        if (PyCallable_Check(callback) == 0)
            raise(PyExc_TypeError, std::string("a callback is callable, not ") + Py_TYPE(callback)->tp_name);
        Core::instance().on_update(Ref::borrow(callback));
        return Py_NewRef(callback);
    });
}

PyObject* stale(PyObject*, PyObject*) {
    return guarded([] {
        Report report;
        report.stale = stale_now();
        return PyObject_GetAttrString(Ref::steal(new_report(report)).get(), "stale");
    });
}

PyObject* rule_table(PyObject*, PyObject*) {
    return guarded([] {
        Ref list = Ref::steal(PyList_New(0));
        for (const Rule& rule : rules())
            check(PyList_Append(
                list.get(), Ref::steal(Py_BuildValue("(ssss)", rule.id, rule.what, rule.why, rule.what_to_do)).get()));
        return list.release();
    });
}

PyObject* disabled(PyObject*, PyObject*) { return PyBool_FromLong(Core::disabled() ? 1 : 0); }

// --- hold()

PyObject* the_hold = nullptr;

PyObject* hold(PyObject*, PyObject*) { return Py_NewRef(the_hold); }

PyObject* hold_enter(PyObject*, PyObject*) {
    return guarded([] {
        Turns::instance().hold();
        return Py_NewRef(Py_None);
    });
}

PyObject* hold_exit(PyObject*, PyObject* const*, Py_ssize_t) {
    return guarded([] {
        Turns::instance().release();
        return Py_NewRef(Py_None);
    });
}

PyMethodDef hold_methods[] = {
    {"__enter__", &hold_enter, METH_NOARGS, nullptr},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&hold_exit)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

void add_hold() {
    PyType_Slot slots[] = {
        {Py_tp_methods, hold_methods}, {Py_tp_doc, const_cast<char*>("No update is committed inside.")}, {0, nullptr}};
    PyType_Spec spec{"rebottle.Hold", sizeof(PyObject), 0,
                     static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION), slots};
    const Ref type = Ref::steal(PyType_FromSpec(&spec));
    the_hold = type.as<PyTypeObject>()->tp_alloc(type.as<PyTypeObject>(), 0);
    if (the_hold == nullptr) throw PythonError();
}

// --- errors

void add_error(PyObject* module, const std::string& name, PyObject* base, const char* doc) {
    const Ref type = Ref::steal(PyErr_NewExceptionWithDoc(("rebottle." + name).c_str(), doc, base, nullptr));
    error_types()[name] = Py_NewRef(type.get());
    check(PyModule_AddObjectRef(module, name.c_str(), type.get()));
}

void add_errors(PyObject* module) {
    add_error(module, "UpdateError", PyExc_Exception,
              "An update that was not applied; the program is as it was. `report` says more.");
    PyObject* base = error_types()["UpdateError"];
    add_error(module, "SourceError", base,
              "Text that is gone, or can't be read, decoded or compiled; chained to the cause.");
    add_error(module, "ExecutionError", base,
              "The program's own code raised while an update ran it; chained to its exception.");
    add_error(module, "RefusedError", base,
              "What can't be updated soundly; `refusals` tells what, where, why and what to do.");
    add_error(module, "VerificationError", base,
              "After the commit a definition was not what it was to be; the update was undone.");
    add_error(module, "UnknownModuleError", base, "A name that was never imported.");
}

template <class Function>
PyCFunction with_keywords(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"reload", with_keywords(&reload), METH_VARARGS | METH_KEYWORDS,
     "reload($module, modules=None, *, policy='keep', prune=False,\n       on_refusal='error', sources=None, "
     "force=False)\n--\n\n"
     "Swap the new source of modules in, as one atomic update."},
    {"plan", with_keywords(&plan), METH_VARARGS | METH_KEYWORDS,
     "plan($module, modules=None, *, policy='keep', prune=False,\n     on_refusal='error', sources=None, "
     "force=False)\n--\n\n"
     "Say what reload() with the same arguments would change; run and touch nothing."},
    {"hotfix", with_keywords(&hotfix), METH_VARARGS | METH_KEYWORDS,
     "hotfix($module, source, *, name=None)\n--\n\nRun a snippet and let every holder of what it rebinds follow, as "
     "one update."},
    {"rollback", &rollback, METH_NOARGS,
     "rollback($module)\n--\n\nUndo the last update still in force; two calls go back two steps."},
    {"history", &history, METH_NOARGS, "history($module)\n--\n\nThe reports of the last updates, oldest first."},
    {"track", &track, METH_VARARGS, "track($module, *modules)\n--\n\nChoose which modules reload() looks at."},
    {"tracked", &tracked, METH_NOARGS,
     "tracked($module)\n--\n\nThe tracked modules that have a source file: name and path."},
    {"on_update", &on_update, METH_O,
     "on_update($module, callback)\n--\n\nCall callback(report) after every update; usable as a decorator."},
    {"hold", &hold, METH_NOARGS, "hold($module)\n--\n\nInside the with block no update is committed."},
    {"stale", &stale, METH_NOARGS, "stale($module)\n--\n\nWhat runs old code now: frames, generators, coroutines."},
    {"rules", &rule_table, METH_NOARGS,
     "rules($module)\n--\n\nThe table of refusals: for each its id, what, why and what to do instead."},
    {"disabled", &disabled, METH_NOARGS, "disabled($module)\n--\n\nWhether REBOTTLE_DISABLE=1 switches updates off."},
    {nullptr, nullptr, 0, nullptr}};

int execute(PyObject* module) {
    const Ref done = Ref::steal_or_null(guarded([&] {
        if (const auto refused = attach())
            raise(PyExc_ImportError, "rebottle [" + refused->rule + "]: " + refused->why + "; " + refused->what_to_do);
        check(PyModule_AddStringConstant(module, "__version__", REBOTTLE_VERSION));
        add_values(module);
        add_errors(module);
        add_hold();
        check(add_watcher(module));
        Core::instance().set_publisher(&new_report);
        return Py_NewRef(Py_None);
    }));
    return done ? 0 : -1;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(&execute)},
                            {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
                            {0, nullptr}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "rebottle._native",
                          "The engine, as Python sees it.",
                          0,
                          functions,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyObject* rollback_report(const Report* report, bool cascade) {
    return report_of([&] {
        return report == nullptr ? Core::instance().rollback(0, cascade) : Core::instance().rollback(*report, cascade);
    });
}

Ref new_native_module() {
    const Ref machinery = import_module("importlib.machinery");
    const Ref spec = call(attribute(machinery.get(), "ModuleSpec").get(), {to_str(definition.m_name).get(), Py_None});
    Ref module = Ref::steal(PyModule_FromDefAndSpec(&definition, spec.get()));
    check(PyModule_ExecDef(module.get(), &definition));
    return module;
}

}  // namespace rebottle

PyMODINIT_FUNC PyInit__native() { return PyModuleDef_Init(&rebottle::definition); }
