#include "live/stale.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "code/code.hpp"
#include "code/index.hpp"
#include "compat/compat.hpp"
#include "source/modules.hpp"

namespace rebottle {
namespace {

struct Replaced {
    Ref code;  // a weak reference
    Holders functions;
};

std::vector<Replaced>& remembered() {
    static auto* codes = new std::vector<Replaced>;
    return *codes;
}

std::map<PyCodeObject*, Holders> replaced_code() {
    std::map<PyCodeObject*, Holders> codes;
    std::erase_if(remembered(), [](const auto& each) { return compat::target_of(each.code.get()) == nullptr; });
    for (const auto& [weak, functions] : remembered()) codes[as_code(compat::target_of(weak.get()))] = functions;
    return codes;
}

// Module and qualified name.
std::string where_of(PyCodeObject* code, PyObject* globals) {
    PyObject* module = globals == nullptr ? nullptr : dict_get(globals, "__name__");
    const std::string prefix = module != nullptr && PyUnicode_Check(module) ? to_text(module) + "." : "";
    return prefix + to_text(code->co_qualname);
}

// The names that threading knows, by identifier, read without running its code.
std::map<unsigned long, std::string> thread_names() {
    std::map<unsigned long, std::string> names;
    const Ref module = loaded_module("threading");
    PyObject* active = module ? dict_get(PyModule_GetDict(module.get()), "_active") : nullptr;
    if (active == nullptr || !PyDict_Check(active)) return names;
    for_items(active, [&](PyObject* identifier, PyObject* thread) {
        const Ref held = attribute_or_null(thread, "__dict__");
        PyObject* name = held ? dict_get(held.get(), "_name") : nullptr;
        if (name != nullptr && PyUnicode_Check(name) && PyLong_Check(identifier))
            names.emplace(PyLong_AsUnsignedLong(identifier), to_text(name));
    });
    return names;
}

// The names of asyncio's tasks, by the coroutines that they wait in.
std::map<PyObject*, std::string> task_names() {
    std::map<PyObject*, std::string> names;
    const Ref module = loaded_module("_asyncio");
    if (!module) return names;
    const Ref type = attribute(module.get(), "Task");
    const Ref name_of = attribute(type.get(), "get_name");
    const Ref coroutine_of = attribute(type.get(), "get_coro");
    std::vector<Ref> tasks;
    for_all_objects([&](PyObject* object) {
        if (PyObject_TypeCheck(object, type.as<PyTypeObject>())) tasks.push_back(Ref::borrow(object));
    });
    for (const Ref& task : tasks) {
        const std::string name = to_text(call(name_of.get(), {task.get()}).get());
        Ref waiting = call(coroutine_of.get(), {task.get()});
        while (waiting && PyCoro_CheckExact(waiting.get()) && names.emplace(waiting.get(), name).second)
            waiting = attribute_or_null(waiting.get(), "cr_await");
    }
    return names;
}

std::string with_name(const std::string& why, const char* kind, const std::string& name) {
    return name.empty() ? why : why + ", in " + kind + " '" + name + "'";
}

Stale describe(const char* kind, PyCodeObject* code, PyObject* globals, int line, unsigned long thread,
               const std::string& why) {
    return {kind, where_of(code, globals), to_text(code->co_filename), line, thread, why};
}

const char* kind_of(PyObject* generator) {
    if (PyCoro_CheckExact(generator)) return "coroutine";
    return PyAsyncGen_CheckExact(generator) ? "async generator" : "generator";
}

}  // namespace

bool is_generator(PyObject* object) {
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

std::vector<PyObject*> all_generators() {
    std::vector<PyObject*> found;
    for_all_objects([&](PyObject* object) {
        if (is_generator(object)) found.push_back(object);
    });
    return found;
}

std::set<PyObject*> remembered_code() {
    std::set<PyObject*> codes;
    for (const auto& [code, functions] : replaced_code()) codes.insert(as_object(code));
    return codes;
}

void for_live_frames(const std::set<PyObject*>& codes, const std::function<void(PyObject*)>& body) {
    if (codes.empty()) return;
    compat::for_running_frames([&](const compat::LiveFrame& frame) {
        if (codes.contains(as_object(frame.code))) body(as_object(frame.code));
    });
    const bool generators = std::any_of(codes.begin(), codes.end(), [](PyObject* code) {
        return (as_code(code)->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    });
    if (!generators) return;
    for (PyObject* generator : all_generators()) {
        compat::LiveFrame frame{};
        if (compat::suspended_frame(generator, frame) && codes.contains(as_object(frame.code)))
            body(as_object(frame.code));
    }
}

void remember_replaced(const CodeMap& replaced, Holders functions) {
    for (const auto& [code, now] : replaced)
        remembered().push_back({Ref::steal(PyWeakref_NewRef(code.get(), nullptr)), functions});
}

void forget_replaced(const CodeMap& replaced) {
    std::erase_if(remembered(),
                  [&](const auto& each) { return replaced.contains(Ref::borrow(compat::target_of(each.code.get()))); });
}

void move_frames(const std::map<PyObject*, Ref>& globals, bool suspended) {
    const auto move = [&](const compat::LiveFrame& frame) {
        if (const auto now = globals.find(frame.globals); now != globals.end())
            compat::set_globals(frame, now->second.get());
    };
    compat::for_running_frames(move);
    if (!suspended) return;
    for (PyObject* generator : all_generators()) {
        compat::LiveFrame frame{};
        if (compat::suspended_frame(generator, frame)) move(frame);
    }
}

std::vector<Stale> stale_now() {
    std::vector<Stale> found;
    const std::map<PyCodeObject*, Holders> codes = replaced_code();
    if (codes.empty()) return found;
    const std::map<unsigned long, std::string> threads = thread_names();
    compat::for_running_frames([&](const compat::LiveFrame& frame) {
        if (!codes.contains(frame.code)) return;
        const auto name = threads.find(frame.thread);
        found.push_back(describe(
            "frame", frame.code, frame.globals, frame.line, frame.thread,
            with_name("it finishes on the code it began with", "thread", name == threads.end() ? "" : name->second)));
    });
    const bool generators = std::any_of(codes.begin(), codes.end(), [](const auto& each) {
        return (each.first->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    });
    if (generators) {
        std::vector<std::pair<PyObject*, compat::LiveFrame>> suspended;
        for (PyObject* generator : all_generators()) {
            compat::LiveFrame frame{};
            if (compat::suspended_frame(generator, frame) && codes.contains(frame.code))
                suspended.emplace_back(generator, frame);
        }
        const std::map<PyObject*, std::string> tasks =
            suspended.empty() ? std::map<PyObject*, std::string>() : task_names();
        for (const auto& [generator, frame] : suspended) {
            const auto name = tasks.find(generator);
            found.push_back(describe(
                kind_of(generator), frame.code, frame.globals, frame.line, 0,
                with_name("it goes on in the code it began with", "task", name == tasks.end() ? "" : name->second)));
        }
    }
    for (const auto& [code, holders] : codes) {
        if (holders == Holders::meant) continue;
        const std::vector<PyFunctionObject*>& functions = CodeIndex::instance().functions(code);
        if (!functions.empty())
            found.push_back(describe("function", code, functions[0]->func_globals, code->co_firstlineno, 0,
                                     "it keeps its old code"));
    }
    return found;
}

}  // namespace rebottle
