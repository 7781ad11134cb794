#include "engine/core.hpp"

#include <cstdlib>
#include <optional>
#include <string_view>

#include "compat/memory.hpp"
#include "engine/failure.hpp"
#include "engine/hotfix.hpp"
#include "engine/reload.hpp"
#include "engine/turn.hpp"
#include "engine/undo.hpp"
#include "plan/rules.hpp"

namespace rebottle {

Core& Core::instance() {
    static auto* core = new Core;
    return *core;
}

bool Core::disabled() {
    const char* value = std::getenv("REBOTTLE_DISABLE");
    return value != nullptr && std::string_view(value) == "1";
}

namespace {

class PuttingAway {
   public:
    explicit PuttingAway(History& history) : history_(history) {}
    ~PuttingAway() { history_.put_away(); }
    PuttingAway(const PuttingAway&) = delete;
    PuttingAway& operator=(const PuttingAway&) = delete;

   private:
    History& history_;
};

}  // namespace

template <class Run>
Report Core::in_turn(Run run) {
    if (disabled()) refuse({refusal("disabled", "")});
    if (Turns::instance().updating_here()) refuse({refusal("nested-update", "")});
    if (Turns::instance().holds_here()) refuse({refusal("held", "")});
    const compat::MemoryReserve reserve;
    Report report;
    try {
        const Turn turn;
        const compat::SureMemory sure(compat::Work::usual);
        FinderState finders;
        const PuttingAway afterwards(history_);
        report = run();
        history_.trim();
        finders.keep();
    } catch (const PythonError& error) {
        fail(error);
    }
    publish(report);
    return report;
}

Report Core::reload(const Request& request) {
    return in_turn([&] { return rebottle::reload(request, history_); });
}

Report Core::hotfix(const std::string& text, const std::string& name) {
    return in_turn([&] { return rebottle::hotfix(text, name, history_); });
}

Report Core::rollback(std::uint64_t id, bool cascade) {
    return in_turn([&] { return rebottle::rollback(id, cascade, history_); });
}

Report Core::rollback(const Report& report, bool cascade) {
    return in_turn([&] { return rebottle::rollback(report, cascade, history_); });
}

Report Core::plan(const Request& request) {
    if (disabled()) refuse({refusal("disabled", "")});
    std::optional<Turn> turn;  // what is recorded of modules changes under a plan that runs beside an update
    try {
        if (!Turns::instance().updating_here() && !Turns::instance().holds_here()) turn.emplace();
        const compat::SureMemory sure(compat::Work::usual);
        const FinderState finders;
        return dry_reload(request);
    } catch (const PythonError& error) {
        fail(error);
    }
}

void Core::publish(const Report& report) {
    if (listener_ != nullptr) listener_(report);
    if (callbacks_.empty() || publisher_ == nullptr) return;
    const Ref object = [&] {
        const compat::SureMemory sure;
        return Ref::steal(publisher_(report));
    }();
    const std::vector<Ref> callbacks = callbacks_;
    for (const Ref& callback : callbacks) {
        PyObject* result = in_program([&] { return PyObject_CallOneArg(callback.get(), object.get()); });
        if (result == nullptr) {
            PyErr_WriteUnraisable(callback.get());
        } else {
            Py_DECREF(result);
        }
    }
}

}  // namespace rebottle
