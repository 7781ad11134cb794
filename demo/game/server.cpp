// A small multiplayer game server whose rules are Python scripts, changed while 200 people play.
//
// usage: game_server PYTHON SCRIPTS EDITS CSV PLAYERS MILLISECONDS_BETWEEN_UPDATES
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "frames.hpp"
#include "net.hpp"
#include "scripting.hpp"
#include "updates.hpp"
#include "world.hpp"

namespace game {

namespace {

constexpr double kFramesPerSecond = 60;
constexpr auto kFrame =
    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / kFramesPerSecond));

struct Options {
    std::string python, scripts, edits, csv;
    std::size_t players;
    std::chrono::milliseconds play;
};

std::shared_ptr<rebottle::Engine> new_engine() {
    auto engine = rebottle::Engine::create();
    if (!engine) throw std::runtime_error(engine.error().message);
    return engine.value();
}

double elapsed(Clock::time_point since) { return Microseconds(Clock::now() - since).count(); }

}  // namespace

class Server {
   public:
    explicit Server(const Options& options);
    void run();

   private:
    void frame();
    void wait_for_players();
    void on_line(int player, std::string_view line);
    void tell(const Outcome& outcome, const Frame& frame) const;
    void tell_summary() const;

    Options options_;
    World world_;
    Interpreter interpreter_;
    std::shared_ptr<rebottle::Engine> engine_ = new_engine();  // before the scripts: it records what they are made of
    Scripts scripts_;
    Updates updates_;
    Net net_;
    FrameLog frames_;
    std::size_t messages_ = 0;
    int updates_done_ = 0;
    Clock::time_point opened_ = Clock::now();
};

Server::Server(const Options& options)
    : options_(options),
      interpreter_(options.python, options.scripts, world_),
      updates_(engine_, {options.scripts, options.edits}),
      net_({
          .joined =
              [this](int player) {
                  world_.enter(player);
                  net_.send(player, scripts_.joined(player));
              },
          .said = [this](int player, std::string_view line) { on_line(player, line); },
          .left =
              [this](int player) {
                  scripts_.left(player);
                  world_.leave(player);
              },
      }) {}

void Server::on_line(int player, std::string_view line) {
    ++messages_;
    net_.send(player, scripts_.message(player, line));
}

void Server::run() {
    std::printf("PORT %d\n", net_.port());
    wait_for_players();
    std::printf("  %zu players connected over loopback TCP; the scripts run %.0f times a second\n", net_.players(),
                kFramesPerSecond);
    updates_.start(options_.play);
    opened_ = Clock::now();
    for (auto next = opened_; !updates_.finished(); next = std::max(next + kFrame, Clock::now())) {
        {
            const WithoutGil other_threads_may_run;
            std::this_thread::sleep_until(next);
        }
        frame();
    }
    tell_summary();
    net_.broadcast("BYE");
    net_.flush();
    frames_.write_csv(options_.csv);
}

void Server::wait_for_players() {
    while (net_.players() < options_.players) {
        net_.receive();
        net_.flush();
        const WithoutGil other_threads_may_run;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void Server::frame() {
    const auto begin = Clock::now();
    Frame frame;
    frame.start = std::chrono::duration<double>(begin - opened_).count();
    messages_ = 0;
    world_.step(1 / kFramesPerSecond);
    net_.receive();

    const auto safe_point = Clock::now();
    const auto outcome = updates_.apply();
    frame.update = elapsed(safe_point);
    if (outcome) {
        frame.event = outcome->name;
        net_.broadcast("UPDATE " + std::to_string(++updates_done_));
    }

    net_.flush();
    frame.messages = messages_;
    frame.work = elapsed(begin);
    if (outcome) tell(*outcome, frame);
    frames_.add(std::move(frame));
}

void Server::tell(const Outcome& outcome, const Frame& frame) const {
    std::printf("\n  %5.2f s  %s: %s\n           ", frame.start, outcome.name.c_str(), outcome.what.c_str());
    if (outcome.result) {
        const rebottle::Report& report = outcome.result.value();
        std::printf("applied, everybody paused for %.0f µs (the update took %.2f ms altogether)\n",
                    1e6 * report.timing.pause, 1e3 * report.timing.total);
        for (const auto& change : report.changes) {
            std::printf("           %s %s\n", change.kind.c_str(), change.where.c_str());
        }
    } else {
        const rebottle::Error& error = outcome.result.error();
        std::printf("refused, nothing was touched, the game goes on\n           %s: %s\n", error.type.c_str(),
                    error.message.c_str());
    }
    std::printf("           the frame took %.2f ms of its 16.67; %zu of %zu players connected\n", frame.work / 1e3,
                net_.players(), options_.players);
}

void Server::tell_summary() const {
    std::printf("\n  %zu frames: half of them under %.2f ms of work, 99 %% under %.2f ms, the longest %.2f ms\n",
                frames_.count(), frames_.quantile(0.5) / 1e3, frames_.quantile(0.99) / 1e3, frames_.quantile(1) / 1e3);
    std::printf("  connections dropped: %zu\n", net_.dropped());
}

}  // namespace game

int main(int count, char** arguments) {
    if (count != 7) {
        std::fputs("usage: game_server PYTHON SCRIPTS EDITS CSV PLAYERS MILLISECONDS_BETWEEN_UPDATES\n", stderr);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        const game::Options options{arguments[1],
                                    arguments[2],
                                    arguments[3],
                                    arguments[4],
                                    std::stoul(arguments[5]),
                                    std::chrono::milliseconds(std::stol(arguments[6]))};
        game::Server(options).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "game_server: %s\n", error.what());
        return 1;
    }
    return 0;
}
