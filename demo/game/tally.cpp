#include "tally.hpp"

#include <algorithm>
#include <cstdio>

namespace game {

namespace {

constexpr std::array kWays{"method", "bound", "partial", "alias", "table", "super"};
constexpr std::size_t kFaultsShown = 5;

std::string joined(const std::set<int>& damages) {
    std::string text;
    for (const int damage : damages) text += (text.empty() ? "" : ",") + std::to_string(damage);
    return text.empty() ? "-" : text;
}

}  // namespace

void Tally::hit(std::size_t phase, int player, std::string_view way, int damage) {
    Seen& seen = seen_.at(phase);
    seen.damages[std::string(way)].insert(damage);
    seen.players.insert(player);
    ++seen.hits;
}

void Tally::told_rank(std::size_t phase, int player, bool known) {
    Seen& seen = seen_.at(phase);
    (known ? seen.rank_known : seen.rank_unknown).insert(player);
}

bool Tally::right(const Phase& phase, const Seen& seen, std::size_t players) {
    const auto& asked = phase.knows_rank ? seen.rank_known : seen.rank_unknown;
    const auto& wrong = phase.knows_rank ? seen.rank_unknown : seen.rank_known;
    const bool ranks = asked.size() == players && wrong.empty();
    const bool damages = std::ranges::all_of(kWays, [&](const char* way) {
        const auto found = seen.damages.find(way);
        return found != seen.damages.end() && found->second == std::set{phase.damage};
    });
    return ranks && damages && seen.players.size() == players;
}

void Tally::print(const Phase& phase, const Seen& seen) {
    std::printf("  %-22s %8zu %6zu", phase.name, seen.players.size(), seen.hits);
    for (const char* way : kWays) {
        const auto found = seen.damages.find(way);
        std::printf(" %8s", found == seen.damages.end() ? "-" : joined(found->second).c_str());
    }
    std::printf(" %5zu of %zu\n", seen.rank_known.size(), seen.rank_known.size() + seen.rank_unknown.size());
}

bool Tally::report(std::size_t players) const {
    std::puts("\n  What the players saw: the damage of their shots, by the way in which the script holds the function");
    std::printf("\n  %-22s %8s %6s", "phase", "players", "shots");
    for (const char* way : kWays) std::printf(" %8s", way);
    std::puts("  new method known");
    bool good = faults_.empty();
    for (std::size_t i = 0; i < kPhases.size(); ++i) {
        print(kPhases[i], seen_[i]);
        good = good && right(kPhases[i], seen_[i], players);
    }
    for (std::size_t i = 0; i < std::min(faults_.size(), kFaultsShown); ++i) {
        std::printf("  FAULT: %s\n", faults_[i].c_str());
    }
    std::puts(good ? "\n  every shot of every player did the damage of its phase; scores and medals were kept through "
                     "all updates"
                   : "\n  FAILED: not every number is as it must be");
    return good;
}

}  // namespace game
