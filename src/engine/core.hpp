// The conductor: runs the stages of one update, keeps the history. Both walls (C++ and Python) stand around it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "code/code.hpp"
#include "commit/resolve.hpp"
#include "commit/write.hpp"
#include "rebottle/report.hpp"
#include "rebottle/request.hpp"
#include "source/modules.hpp"
#include "stage/imports.hpp"

namespace rebottle {

// An update that was not applied; the program is as it was.
struct UpdateFailure {
    std::string type;  // "SourceError", ...
    std::string message;
    Report report;
    Ref cause;  // the Python exception behind it, or nothing
};

// One update of the history.
struct Past {
    Report report;
    Journal journal;
    CodeMap replaced_code;
    std::map<std::string, Version> versions;  // of its modules, before
    std::vector<std::string> new_modules;     // imported by it
    ImportedModules taken_out;                // by a rollback
    Touches touches;                          // what its statements did to objects of others
    bool touches_undone = false;              // they are taken back now (of a rollback)
    bool in_force = true;
    std::map<std::string, std::uint64_t>
        superseded;            // of a hotfix: definition edited in the source since -> by which update
    std::uint64_t undoes = 0;  // of a rollback: the update that it undid
};

class Core {
   public:
    static Core& instance();
    static bool disabled();

    // Errors: UpdateFailure; PythonError for KeyboardInterrupt.
    Report reload(const Request& request);
    Report plan(const Request& request);
    Report hotfix(const std::string& text, const std::string& name);
    Report rollback(std::uint64_t id, bool cascade);  // 0: the last one in force
    std::vector<std::shared_ptr<Past>> history() const { return history_; }
    bool in_force(std::uint64_t id) const;
    void on_update(Ref callback) { callbacks_.push_back(std::move(callback)); }
    void set_history_size(std::size_t size) { history_size_ = size; }
    // What the C++ interface wants to be told of, too.
    void set_listener(void (*listener)(const Report&)) { listener_ = listener; }
    // Turns a report into what callbacks get.
    void set_publisher(PyObject* (*publisher)(const Report&)) { publisher_ = publisher; }

   private:
    friend class Update;
    void remember(std::shared_ptr<Past> past);
    void publish(const Report& report);
    void run_hotfix(const std::string& text, Report& report);
    // Marks the hotfixes whose definitions an update edited in the source.
    void supersede(const Report& report);
    std::shared_ptr<Past> find(std::uint64_t id) const;
    Report undo(const std::shared_ptr<Past>& past);

    std::vector<std::shared_ptr<Past>> history_;
    std::vector<Ref> callbacks_;
    std::size_t history_size_ = 32;
    std::uint64_t next_id_ = 1;
    PyObject* (*publisher_)(const Report&) = nullptr;
    void (*listener_)(const Report&) = nullptr;
};

}  // namespace rebottle
