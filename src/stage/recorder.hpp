// Watches what the staging thread runs: what it does to objects of others, and whether it enters code that can't be
// shown to it staged.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/python.hpp"
#include "code/stack.hpp"
#include "stage/touch_log.hpp"

namespace rebottle {

// A tool of sys.monitoring that is ours while it lives. Errors: RuntimeError where all are in use.
class Tool {
   public:
    Tool();
    ~Tool();
    Tool(const Tool&) = delete;
    Tool& operator=(const Tool&) = delete;
    int number() const { return number_; }

   private:
    int number_ = -1;
};

// Uses a tool of sys.monitoring while it lives. Threads: one at a time, GIL held; other threads are left alone. Cost:
// for code that the watched thread enters, a call for each call and each store; other threads pay for the start of a
// function.
class Recorder {
   public:
    // `forbidden(code, globals)` tells that code must not be entered: a Deferred exception is raised there.
    explicit Recorder(std::function<bool(PyCodeObject*, PyObject*)> forbidden = nullptr);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // Touches so far; `mark` and `take_from` handle those of one statement.
    std::size_t mark();
    Touches take_from(std::size_t mark);
    Touches take();

    // Whether forbidden code was entered since the last call.
    bool take_forbidden() { return std::exchange(forbidden_entered_, false); }

    // Writes to these dicts are not recorded: staged namespaces.
    void ignore(PyObject* dict) { ignored_.push_back(dict); }

    // In a forked child, where the watched thread doesn't live on: nothing more is recorded.
    static void abandon() noexcept;

    // Callbacks of the interpreter.
    void on_start(PyCodeObject* code);
    bool on_instruction(PyCodeObject* code, int offset);  // false: never tell again
    void on_call(PyObject* callable, PyObject* first);
    void on_return(PyObject* callable);
    bool is_watched_thread() const { return PyThread_get_thread_ident() == thread_; }

   private:
    struct Pending {
        PyObject* callable;                           // borrowed; NULL for an operation in place
        std::vector<std::pair<Ref, Ref>> contents;    // container, content before
        std::vector<std::pair<Ref, Ref>> namespaces;  // owner, copy of its attributes before
        std::pair<Ref, Py_ssize_t> growing;           // list or deque that is appended to, its length before
    };
    void watch(PyCodeObject* code);
    void settle_in_place();
    void settle(Pending& pending);
    void store(PyCodeObject* code, const StoreSite& site);
    void store_attribute(PyObject* owner, PyObject* name, PyObject* value);
    void store_cell(PyObject* cell, PyObject* value);
    void store_item(PyObject* owner, PyObject* key, PyObject* value);
    // A container is about to be changed by an operation that has no event for its end.
    void note_content(PyObject* container);
    void add_content(Pending& pending, PyObject* container);
    void add_arguments(Pending& pending, PyObject* callable, PyObject* first);
    static void add_namespace(Pending& pending, PyObject* owner);
    void settle_namespace(const Ref& owner, const Ref& before);

    std::function<bool(PyCodeObject*, PyObject*)> forbidden_;
    unsigned long thread_;
    Tool tool_;
    bool busy_ = false;
    bool forbidden_entered_ = false;
    TouchLog log_;
    std::vector<Pending> pending_;
    std::vector<PyObject*> ignored_;
    std::unordered_map<PyObject*, std::pair<Ref, StoreSites>> watched_;
};

// The exception raised where forbidden code is entered (a BaseException).
PyObject* deferred_exception();

}  // namespace rebottle
