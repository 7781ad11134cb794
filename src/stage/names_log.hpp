// What happens to a namespace, so that it can be put back.
#pragma once

#include <utility>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// Remembers the former values of the entries of a dict that change while it lives. One at a time. Threads: GIL held;
// only one thread changes the dict. Cost: that of each change. Errors: RuntimeError where the interpreter has no dict
// watcher left.
class NamesLog {
   public:
    explicit NamesLog(PyObject* names);
    ~NamesLog();
    NamesLog(const NamesLog&) = delete;
    NamesLog& operator=(const NamesLog&) = delete;

    // Gives every entry its former value.
    void undo();

   private:
    static int on_event(PyDict_WatchEvent event, PyObject* dict, PyObject* key, PyObject* value) noexcept;
    void note(PyObject* key) { log_.emplace_back(Ref::borrow(key), Ref::borrow(dict_get(names_, key))); }
    static int watcher();
    void watch() { check(PyDict_Watch(watcher(), names_)); }
    void unwatch() noexcept { PyDict_Unwatch(watcher(), names_); }

    PyObject* names_;
    std::vector<std::pair<Ref, Ref>> log_;  // name, value before; nothing: there was none
};

}  // namespace rebottle
