// An exact index from code objects to the live functions that run them, and from file and qualified name to code
// objects.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// Kept up to date by the interpreter's function watcher. Threads: GIL held. Cost: some tens of nanoseconds for each
// function made or destroyed, one heap walk at the start.
class CodeIndex {
   public:
    // The index of this process, started on the first call.
    static CodeIndex& instance();

    // The live functions that run `code`, borrowed.
    const std::vector<PyFunctionObject*>& functions(PyCodeObject* code);
    // Code objects with this file name and qualified name that some live function runs (or ran), borrowed.
    std::vector<PyCodeObject*> codes(const std::string& file, const std::string& qualified);
    std::vector<PyCodeObject*> codes_in(const std::string& file);

    // Makes `moved` unable to fail for one more function of this code.
    void prepare(PyCodeObject* code, std::size_t more);
    // Tells that `function` is about to run `code` instead of its own. Allocates nothing after `prepare`.
    void moved(PyFunctionObject* function, PyCodeObject* code) noexcept;

    // Leaves out a function whose content is to stay, whatever becomes of its code.
    void hide(PyFunctionObject* function);

    // From now on, functions made by this thread are remembered; returns those still alive at the end.
    void start_recording();
    std::vector<Ref> stop_recording();
    bool recording() const { return recording_; }
    // Those made since `mark` are left out of what is returned: a statement that made them was broken off.
    std::size_t mark() const { return made_; }
    void forget_since(std::size_t mark);

    struct Entry;
    using ByName = std::multimap<std::string, Entry*>;  // by qualified name

    struct Entry {
        PyCodeObject* code = nullptr;
        std::string file;
        ByName::iterator place;
        std::vector<PyFunctionObject*> functions;
        std::unordered_map<PyFunctionObject*, std::size_t> places;  // only where the functions are many
    };

   private:
    CodeIndex();
    static int on_function(PyFunction_WatchEvent event, PyFunctionObject* function, PyObject* value);
    static void on_code_freed(void* entry);
    void visit_all();
    void on_event(PyFunction_WatchEvent event, PyFunctionObject* function, PyObject* value);
    // Makes the index whole again where there was no memory to follow an event.
    void mend();

    Entry* entry_of(PyCodeObject* code) const;
    Entry& entry_for(PyCodeObject* code);
    static void add(Entry& entry, PyFunctionObject* function);
    static void remove(Entry& entry, PyFunctionObject* function) noexcept;

    std::unordered_map<std::string, ByName> files_;
    Py_ssize_t slot_ = -1;
    int watcher_ = -1;
    bool incomplete_ = false;
    bool recording_ = false;
    unsigned long recording_thread_ = 0;
    std::size_t made_ = 0;
    std::unordered_map<PyFunctionObject*, std::size_t> recorded_;  // and when they were made
    std::unordered_set<PyFunctionObject*> hidden_;
};

// Remembers the functions made while it lives, by this thread.
class Recording {
   public:
    Recording() { CodeIndex::instance().start_recording(); }
    ~Recording() {
        if (CodeIndex::instance().recording()) stop();
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    // Those that are still alive.
    std::vector<Ref> stop() { return CodeIndex::instance().stop_recording(); }
};

}  // namespace rebottle
