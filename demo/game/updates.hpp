// What happens to the scripts while everybody plays: requested by a thread of its own, applied at the server's safe
// point.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <rebottle/rebottle.hpp>
#include <string>
#include <thread>
#include <vector>

namespace game {

// One of the updates, and how it ended.
struct Outcome {
    std::string name;
    std::string what;
    rebottle::Result<rebottle::Report> result;
};

class Updates {
   public:
    struct Folders {
        std::filesystem::path scripts;  // what the server runs, a copy that may be edited
        std::filesystem::path edits;    // the edited versions, ready to be put there
    };

    Updates(std::shared_ptr<rebottle::Engine> engine, Folders folders);

    // Starts the thread that requests one update after the other, each followed by this much play.
    void start(std::chrono::milliseconds play);
    bool finished() const { return finished_; }

    // The safe point, once a frame: applies what waits. Says how it ended, if something waited.
    std::optional<Outcome> apply();

   private:
    struct Step {
        std::string name;
        std::string what;
        std::function<void()> ask;
    };

    std::vector<Step> steps();
    void request(rebottle::Request request);
    void hotfix();
    void reload_edited();
    void reload_broken();
    void roll_back();

    std::shared_ptr<rebottle::Engine> engine_;
    Folders folders_;
    std::optional<rebottle::Result<rebottle::Report>> answer_;  // of the engine, on the thread of the game
    std::mutex mutex_;                                          // guards what follows
    std::condition_variable_any stopped_;
    Step current_;
    bool rollback_wanted_ = false;
    std::atomic<bool> finished_ = false;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace game
