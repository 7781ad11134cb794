// What a C++ host includes: change the code and data of the CPython interpreter that it embeds, while it runs.
//
//     // Once, after Py_Initialize and before the scripts are imported.
//     auto created = rebottle::Engine::create();
//     if (!created) return fail(created.error().message);
//     const auto engine = created.value();
//
//     engine->request({.modules = {"player"}});           // from any thread
//     engine->poll(std::chrono::microseconds{500});       // once a frame: applies what waits
//     auto report = engine->hotfix("import player\nplayer.Player.speed = 3\n");
//     if (report) log(report->text()); else log(report.error().message);
//
// One engine in a process. Scripts of the host that do `import rebottle` (where the Python package is installed) get
// this very engine: `create` puts the native module into sys.modules, so the package doesn't load its own. Where
// scripts did so before `create`, the package has brought its own engine along and `create` is refused (rule
// `second-engine`); so is the package's, should it be loaded after all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rebottle/report.hpp"
#include "rebottle/request.hpp"
#include "rebottle/result.hpp"

namespace rebottle {

struct Options {
    std::size_t history = 32;  // how many updates are kept for history() and rollback()
};

// While it lives no update is committed. Threads: belongs to the thread that took it and ends there.
class [[nodiscard]] Hold {
   public:
    Hold(Hold&& other) noexcept : held_(std::exchange(other.held_, false)) {}
    Hold& operator=(Hold&& other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~Hold();

   private:
    friend class Engine;
    Hold() = default;
    bool held_ = true;
};

// The engine, attached to the interpreter.
//
// Threads: every function may be called from any thread, with the GIL or without: it takes the GIL where it needs it,
// and gives it back. A thread that waits for the engine must not hold what the holder of the GIL waits for. Errors: an
// update that fails gives an Error and leaves the program as it was; an update asked for by code that an update runs is
// refused (rule `nested-update`), and by the thread that has a Hold, too (rule `held`). No Python exception is left
// behind; one that was raised before the call still is after it.
// Lifetime: may outlive the interpreter; then every call is refused (rule `interpreter-gone`) and touches nothing.
// While the interpreter is finalized, other threads must not call.
class Engine {
   public:
    // The engine of the running interpreter; a second call gives the same one and sets its options anew. Modules
    // imported from now on are recorded with the source that they were made of, so call it before the scripts are
    // imported. Lifetime: what was attached stays so until the interpreter is finalized, even where no Engine is left.
    // Cost: a walk of all objects, some milliseconds. Errors: refusals `interpreter-gone` (there is none),
    // `sub-interpreter`, `second-engine`, `interpreter-again` (this process has finalized the interpreter it was made
    // for).
    static Result<std::shared_ptr<Engine>> create(const Options& options = {});

    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Swaps the new source of modules in, all of them or none, in the calling thread: those that the request names;
    // those of these names or patterns; every tracked module whose source changed. Cost: about that of compiling what
    // changed; other threads wait for `timing.pause`. Waits for holders.
    Result<Report> reload(const Request& request);
    Result<Report> reload(const std::vector<std::string>& modules);
    Result<Report> reload();

    // What such a reload would change; runs and touches nothing.
    Result<Report> plan(const Request& request);
    Result<Report> plan(const std::vector<std::string>& modules);

    // Runs a snippet and lets every holder of what it rebinds follow. `name` is what tracebacks and the history call
    // it.
    Result<Report> hotfix(const std::string& text, const std::string& name = {});

    // Undoes an update (0: the last one in force); with `cascade` later ones that touched the same definitions, too.
    Result<Report> rollback(std::uint64_t id = 0, bool cascade = false);

    // The reports of the updates that are kept, oldest first. Empty where the interpreter is gone.
    std::vector<Report> history();
    // Whether an update of the history has neither been undone nor superseded.
    bool in_force(std::uint64_t id);
    // What runs old code now. Cost: the frames of all threads; a walk of all objects where generators were changed.
    std::vector<Stale> stale();

    // Calls `listener` after every update, those asked for by scripts included, in the thread that made it, with the
    // GIL held. Lifetime: as long as the engine. Errors: what it throws goes to sys.unraisablehook.
    void on_update(std::function<void(const Report&)> listener);

    // Which modules reload() looks at: names and patterns such as "ui.*". The default is everything from outside of the
    // standard library and installed packages; the first call replaces it, later ones add.
    void track(const std::vector<std::string>& modules);

    // Holds updates off: a transaction, a frame. Nests. Waits for an update that runs or waits.
    Result<Hold> hold();

    // Leaves a request for the host's safe point. Threads: any; never waits and never takes the GIL.
    void request(Request request);

    // The host's safe point: applies the requests that wait, in order, and calls their `done` with the result, the GIL
    // being as the caller had it. Takes no further one when the budget is used up; what was begun is finished. Returns
    // how many were taken. Takes none inside of an update or of a hold of this thread. Threads: any; several may poll.
    // Cost: one atomic read where nothing waits. Errors: what `done` throws goes to the caller; requests that wait go
    // on waiting.
    std::size_t poll(std::chrono::microseconds budget);

   private:
    struct State;
    explicit Engine(std::unique_ptr<State> state);
    static void tell(const Report& report);

    std::unique_ptr<State> state_;
};

}  // namespace rebottle
