// The wall of the C++ interface: takes the GIL, and turns everything that is thrown inside into an Error.
#include <cxxabi.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "engine/attach.hpp"
#include "engine/core.hpp"
#include "engine/turn.hpp"
#include "live/stale.hpp"
#include "plan/rules.hpp"
#include "rebottle/rebottle.hpp"

namespace rebottle {

struct Engine::State {
    std::mutex mutex;  // guards what follows; never held while Python or the host runs
    std::deque<Request> waiting;
    std::vector<std::function<void(const Report&)>> listeners;
    std::atomic<std::size_t> waits = 0;  // how many; read without the mutex

    std::optional<Request> next() {
        const std::lock_guard<std::mutex> lock(mutex);
        if (waiting.empty()) return std::nullopt;
        Request request = std::move(waiting.front());
        waiting.pop_front();
        waits = waiting.size();
        return request;
    }
};

namespace {

// The engine that hosts share.
std::mutex the_engine_mutex;
std::weak_ptr<Engine> the_engine;

// Has the GIL while it lives, whether the thread had it before or not.
class Gil {
   public:
    Gil() : state_(PyGILState_Ensure()) {}
    ~Gil() { PyGILState_Release(state_); }
    Gil(const Gil&) = delete;
    Gil& operator=(const Gil&) = delete;

   private:
    PyGILState_STATE state_;
};

Error error_of(const Refusal& refusal) {
    return {"RefusedError", "[" + refusal.rule + "] " + refusal.why + "; " + refusal.what_to_do, {refusal}};
}

Error error_of(const PythonError& error) {
    try {
        return {Py_TYPE(error.value())->tp_name, to_text(error.value()), {}};
    } catch (const PythonError&) {  // its own __str__ raised
        return {Py_TYPE(error.value())->tp_name, "", {}};
    }
}

// Runs body(), which returns a Result, in the interpreter.
template <class Body>
auto in_interpreter(Body body) -> decltype(body()) {
    const Gil gil;
    const ErrorAside aside;
    const Visit visit;
    try {
        if (PyInterpreterState_Get() != PyInterpreterState_Main()) return error_of(refusal("sub-interpreter", ""));
        return body();
    } catch (const UpdateFailure& failure) {
        return Error{failure.type, failure.message, failure.report.refusals};
    } catch (const PythonError& error) {
        return error_of(error);
    } catch (const std::exception& error) {
        return Error{"SystemError", error.what(), {}};
    } catch (const abi::__forced_unwind&) {
        throw;  // the interpreter ends this thread
    } catch (...) {
        return Error{"SystemError", "an unknown C++ exception", {}};
    }
}

template <class Body>
auto guarded(Body body) -> decltype(body()) {
    if (!attached()) return error_of(refusal("interpreter-gone", ""));
    return in_interpreter(body);
}

// Makes the package `rebottle`, should a script import it, share this engine.
void provide_native_module() {
    PyObject* modules = PyImport_GetModuleDict();
    if (dict_get(modules, "rebottle._native") == nullptr)
        dict_set(modules, "rebottle._native", new_native_module().get());
}

// A listener is the host's: what it throws is told, but the update stands.
void call_listener(const std::function<void(const Report&)>& listener, const Report& report) {
    std::string what = "an unknown C++ exception";
    try {
        listener(report);
        return;
    } catch (const std::exception& error) {
        what = error.what();
    } catch (const abi::__forced_unwind&) {
        throw;
    } catch (...) {
    }
    PyErr_Format(PyExc_RuntimeError, "an on_update listener of the host threw: %s", what.c_str());
    PyErr_WriteUnraisable(nullptr);
}

}  // namespace

Hold::~Hold() {
    if (!held_) return;
    std::optional<Gil> gil;
    if (attached()) gil.emplace();
    Turns::instance().release();
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::shared_ptr<Engine>> Engine::create(const Options& options) {
    if (Py_IsInitialized() == 0) return error_of(refusal("interpreter-gone", ""));
    return in_interpreter([&]() -> Result<std::shared_ptr<Engine>> {
        if (const auto refused = attach()) return error_of(*refused);
        provide_native_module();
        Core::instance().set_history_size(options.history);
        Core::instance().set_listener(&Engine::tell);
        const std::lock_guard<std::mutex> lock(the_engine_mutex);
        auto engine = the_engine.lock();
        if (!engine) the_engine = engine = std::shared_ptr<Engine>(new Engine(std::make_unique<State>()));
        return engine;
    });
}

void Engine::tell(const Report& report) {
    std::shared_ptr<Engine> engine;
    {
        const std::lock_guard<std::mutex> lock(the_engine_mutex);
        engine = the_engine.lock();
    }
    if (!engine) return;
    std::vector<std::function<void(const Report&)>> listeners;
    {
        const std::lock_guard<std::mutex> lock(engine->state_->mutex);
        listeners = engine->state_->listeners;
    }
    for (const auto& listener : listeners) call_listener(listener, report);
}

Result<Report> Engine::reload(const Request& request) {
    return guarded([&]() -> Result<Report> { return Core::instance().reload(request); });
}

Result<Report> Engine::reload(const std::vector<std::string>& modules) { return reload(Request{.modules = modules}); }

Result<Report> Engine::reload() { return reload(Request{.all_tracked = true}); }

Result<Report> Engine::plan(const Request& request) {
    return guarded([&]() -> Result<Report> { return Core::instance().plan(request); });
}

Result<Report> Engine::plan(const std::vector<std::string>& modules) { return plan(Request{.modules = modules}); }

Result<Report> Engine::hotfix(const std::string& text, const std::string& name) {
    return guarded([&]() -> Result<Report> { return Core::instance().hotfix(text, name); });
}

Result<Report> Engine::rollback(std::uint64_t id, bool cascade) {
    return guarded([&]() -> Result<Report> { return Core::instance().rollback(id, cascade); });
}

std::vector<Report> Engine::history() {
    auto reports = guarded([]() -> Result<std::vector<Report>> {
        std::vector<Report> all;
        for (const auto& past : Core::instance().history()) all.push_back(past->report);
        return all;
    });
    return reports ? std::move(reports.value()) : std::vector<Report>();
}

bool Engine::in_force(std::uint64_t id) {
    const auto answer = guarded([&]() -> Result<bool> { return Core::instance().in_force(id); });
    return answer && answer.value();
}

std::vector<Stale> Engine::stale() {
    auto all = guarded([]() -> Result<std::vector<Stale>> { return stale_now(); });
    return all ? std::move(all.value()) : std::vector<Stale>();
}

void Engine::on_update(std::function<void(const Report&)> listener) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->listeners.push_back(std::move(listener));
}

void Engine::track(const std::vector<std::string>& modules) {
    guarded([&]() -> Result<bool> {
        Modules::instance().track(modules);
        return true;
    });
}

Result<Hold> Engine::hold() {
    return guarded([]() -> Result<Hold> {
        Turns::instance().hold();
        return Hold();
    });
}

void Engine::request(Request request) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->waiting.push_back(std::move(request));
    state_->waits = state_->waiting.size();
}

std::size_t Engine::poll(std::chrono::microseconds budget) {
    if (state_->waits == 0) return 0;
    const auto busy =
        guarded([]() -> Result<bool> { return Turns::instance().updating_here() || Turns::instance().holds_here(); });
    if (busy && busy.value()) return 0;
    const auto start = std::chrono::steady_clock::now();
    std::size_t taken = 0;
    do {
        const std::optional<Request> request = state_->next();
        if (!request) break;
        ++taken;
        const Result<Report> result =
            request->hotfix.empty() ? reload(*request) : hotfix(request->hotfix, request->name);
        if (request->done) request->done(result);
    } while (std::chrono::steady_clock::now() - start < budget);
    return taken;
}

}  // namespace rebottle
