// The conductor: gives each update its turn, keeps the history, tells what happened. Both walls (C++ and Python) stand
// around it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/failure.hpp"
#include "engine/history.hpp"
#include "rebottle/report.hpp"
#include "rebottle/request.hpp"

namespace rebottle {

class Core {
   public:
    static Core& instance();
    static bool disabled();

    // Errors: UpdateFailure; PythonError for KeyboardInterrupt.
    Report reload(const Request& request);
    Report plan(const Request& request);
    Report hotfix(const std::string& text, const std::string& name);
    Report rollback(std::uint64_t id, bool cascade);  // 0: the last one in force
    Report rollback(const Report& report, bool cascade);
    std::vector<std::shared_ptr<Past>> history() const { return history_.all(); }
    bool in_force(std::uint64_t id) const { return history_.in_force(id); }
    void on_update(Ref callback) { callbacks_.push_back(std::move(callback)); }
    void set_history_size(std::size_t size) { history_.set_size(size); }
    // What the C++ interface wants to be told of, too.
    void set_listener(void (*listener)(const Report&)) { listener_ = listener; }
    // Turns a report into what callbacks get.
    void set_publisher(PyObject* (*publisher)(const Report&)) { publisher_ = publisher; }

   private:
    // Runs one update in its turn, then tells of it.
    template <class Run>
    Report in_turn(Run run);
    void publish(const Report& report);

    History history_;
    std::vector<Ref> callbacks_;
    PyObject* (*publisher_)(const Report&) = nullptr;
    void (*listener_)(const Report&) = nullptr;
};

}  // namespace rebottle
