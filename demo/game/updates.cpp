#include "updates.hpp"

#include <fstream>
#include <sstream>

namespace game {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto kBudget = 500us;  // of a frame of 16,667 µs

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

}  // namespace

Updates::Updates(std::shared_ptr<rebottle::Engine> engine, Folders folders)
    : engine_(std::move(engine)), folders_(std::move(folders)) {}

std::vector<Updates::Step> Updates::steps() {
    return {
        {"hotfix", "a snippet sets gun.damage to 100 and replaces Player.fire_func", [this] { hotfix(); }},
        {"reload", "player.py was edited: more damage, a new method, new attributes", [this] { reload_edited(); }},
        {"broken edit", "player.py was saved half-way, with a syntax error", [this] { reload_broken(); }},
        {"rollback", "back to what was before the reload", [this] { roll_back(); }},
    };
}

void Updates::start(std::chrono::milliseconds play) {
    thread_ = std::jthread([this, play](const std::stop_token& stop) {
        const auto wait = [&] {
            std::unique_lock lock(mutex_);
            stopped_.wait_for(lock, stop, play, [] { return false; });
        };
        wait();
        for (const Step& step : steps()) {
            if (stop.stop_requested()) break;
            {
                const std::scoped_lock lock(mutex_);
                current_ = step;
            }
            step.ask();
            wait();
        }
        finished_ = true;
    });
}

void Updates::request(rebottle::Request request) {
    request.done = [this](const rebottle::Result<rebottle::Report>& result) { answer_ = result; };
    engine_->request(std::move(request));
}

void Updates::hotfix() {
    rebottle::Request wanted;
    wanted.hotfix = text_of(folders_.edits / "hotfix.py");
    wanted.name = "hotfix.py";
    request(std::move(wanted));
}

void Updates::reload_edited() {
    fs::copy_file(folders_.edits / "player.py", folders_.scripts / "player.py", fs::copy_options::overwrite_existing);
    rebottle::Request wanted;
    wanted.modules = {"player"};
    request(std::move(wanted));
}

void Updates::reload_broken() {
    std::ofstream(folders_.scripts / "player.py", std::ios::app) << "\n\ndef heal(player: Player, points:\n";
    rebottle::Request wanted;
    wanted.modules = {"player"};
    request(std::move(wanted));
}

void Updates::roll_back() {
    const std::scoped_lock lock(mutex_);
    rollback_wanted_ = true;
}

std::optional<Outcome> Updates::apply() {
    engine_->poll(kBudget);
    const std::scoped_lock lock(mutex_);
    if (rollback_wanted_) {
        rollback_wanted_ = false;
        answer_ = engine_->rollback();
    }
    if (!answer_) return std::nullopt;
    Outcome outcome{current_.name, current_.what, std::move(*answer_)};
    answer_.reset();
    return outcome;
}

}  // namespace game
