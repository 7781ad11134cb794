// The staged world: namespaces in which new statements run, seen by the staging thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// The user's code failed while it was staged (or at the commit); nothing of the update is in force.
struct ExecutionError {
    std::string module;
    std::string where;
    std::string file;
    int line = 0;
    PythonError cause;
};

// The staged namespace of one module of the update.
struct StagedModule {
    enum class State { waiting, running, done };

    std::string name;
    Ref module;
    PyObject* live = nullptr;  // its dict, borrowed from the module
    Ref ns;                    // the staged namespace: a copy, with twins of the module's own functions
    Ref before;                // the staged namespace as it was at the start
    Ref former_type;
    State state = State::waiting;
    std::function<void()> run;
    std::unordered_map<PyObject*, Ref> twins;  // twin -> function
};

// While it lives, module objects of the update answer the staging thread from the stage. Threads: GIL held.
class World {
   public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Adds a module; `new_code` gives the code that a twin of a function with this code gets. `run` stages the module:
    // it is called once, when the update or an import in the stage reaches it.
    StagedModule& add(const std::string& name, Ref module, const std::map<PyCodeObject*, Ref>& new_code,
                      std::function<void()> run);
    // Whether staging a module failed inside an import: nothing can be deferred then.
    bool failed() const { return failed_; }
    // Stages one module unless that has begun.
    static void reach(StagedModule& module);
    std::vector<std::unique_ptr<StagedModule>>& modules() { return modules_; }
    StagedModule* find(PyObject* module);
    // Takes the views off: module objects answer everybody alike again.
    void leave() noexcept;
    // In a forked child, where the staging thread doesn't live on: its views are taken off.
    static void abandon() noexcept;

   private:
    friend struct View;
    std::vector<std::unique_ptr<StagedModule>> modules_;
    bool failed_ = false;
};

}  // namespace rebottle
