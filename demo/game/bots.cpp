// The players: each has a connection of its own, shoots ten times a second and keeps count of what comes back.
//
// usage: game_bots PORT PLAYERS
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <system_error>

#include "tally.hpp"

namespace game {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kBetweenShots = 100ms;
constexpr int kShotsPerQuestion = 10;

const std::vector<std::string> kPlayerWays{"method", "bound", "partial", "alias", "table"};

int connection_to(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (socket < 0 || connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
        throw std::system_error(errno, std::generic_category(), "connect");
    }
    const int at_once = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    return socket;
}

}  // namespace

class Bot {
   public:
    Bot(int number, int port, Tally& tally) : number_(number), socket_(connection_to(port)), tally_(&tally) {}

    int socket() const { return socket_; }
    bool playing() const { return playing_; }
    void shoot();
    void receive();

   private:
    void on_line(const std::string& line);
    void on_hit(std::istringstream& words);
    void on_told(std::istringstream& words);
    void say(const std::string& line) const;
    void stop();
    void fault(const std::string& what);

    int number_;
    int socket_;
    Tally* tally_;
    bool playing_ = true;
    bool sniper_ = false;
    std::size_t phase_ = 0;
    int shots_ = 0;
    int score_ = 0;
    std::string medal_;
    std::string in_;
};

void Bot::say(const std::string& line) const {
    const std::string text = line + '\n';
    send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
}

void Bot::fault(const std::string& what) { tally_->fault("player " + std::to_string(number_) + ": " + what); }

void Bot::shoot() {
    if (medal_.empty()) return;  // not welcomed yet
    const auto index = static_cast<std::size_t>(shots_);
    say("FIRE " + kPlayerWays[index % kPlayerWays.size()]);
    if (shots_ % kShotsPerQuestion == number_ % kShotsPerQuestion) say("ASK rank");
    if (shots_ % kShotsPerQuestion == (number_ + 5) % kShotsPerQuestion) say("ASK bag");
    ++shots_;
}

void Bot::receive() {
    char buffer[4096];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) {
        fault("the connection dropped");
        return stop();
    }
    in_.append(buffer, static_cast<std::size_t>(count));
    std::size_t start = 0;
    for (std::size_t end; (end = in_.find('\n', start)) != std::string::npos; start = end + 1) {
        on_line(in_.substr(start, end - start));
    }
    in_.erase(0, start);
}

void Bot::on_line(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "WELCOME") {
        std::string kind;
        words >> kind >> medal_;
        sniper_ = kind == "Sniper";
    } else if (verb == "HIT") {
        on_hit(words);
    } else if (verb == "TOLD") {
        on_told(words);
    } else if (verb == "UPDATE") {
        words >> phase_;
    } else if (verb == "BYE") {
        stop();
    }
}

void Bot::stop() {
    playing_ = false;
    close(socket_);
}

void Bot::on_hit(std::istringstream& words) {
    std::string way;
    int damage = 0;
    int score = 0;
    words >> way >> damage >> score;
    // A sniper's own method is found first by these two and passes the shot on to `super()`.
    if (sniper_ && (way == "method" || way == "bound")) way = "super";
    tally_->hit(phase_, number_, way, damage);
    if (damage != kPhases.at(phase_).damage) fault("damage " + std::to_string(damage) + " through " + way);
    if (score != ++score_) fault("score " + std::to_string(score) + " instead of " + std::to_string(score_));
}

void Bot::on_told(std::istringstream& words) {
    std::string question;
    std::string answer;
    words >> question >> answer;
    if (question == "rank") tally_->told_rank(phase_, number_, answer != "unknown");
    if (question == "bag" && answer != medal_) fault("the bag holds " + answer + " instead of " + medal_);
}

// Plays until the server says good-bye to everybody.
void play(std::vector<Bot>& bots) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < bots.size(); ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        epoll_ctl(epoll, EPOLL_CTL_ADD, bots[i].socket(), &event);
    }
    // Everybody shoots once per round, spread evenly over it.
    const Clock::duration between = Clock::duration(kBetweenShots) / static_cast<int>(bots.size());
    std::size_t next_bot = 0;
    auto next_shot = Clock::now();
    for (std::size_t playing = bots.size(); playing > 0;) {
        for (; next_shot <= Clock::now(); next_shot += between) {
            Bot& bot = bots[next_bot++ % bots.size()];
            if (bot.playing()) bot.shoot();
        }
        epoll_event events[64];
        const int count = epoll_wait(epoll, events, 64, 1);
        for (int i = 0; i < count; ++i) {
            Bot& bot = bots[events[i].data.u64];
            bot.receive();
            if (!bot.playing()) --playing;
        }
    }
    close(epoll);
}

}  // namespace game

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("usage: game_bots PORT PLAYERS\n", stderr);
        return 2;
    }
    try {
        const int port = std::stoi(arguments[1]);
        const int players = std::stoi(arguments[2]);
        game::Tally tally;
        std::vector<game::Bot> bots;
        bots.reserve(static_cast<std::size_t>(players));
        for (int number = 1; number <= players; ++number) bots.emplace_back(number, port, tally);
        game::play(bots);
        return tally.report(static_cast<std::size_t>(players)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "game_bots: %s\n", error.what());
        return 1;
    }
}
