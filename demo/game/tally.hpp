// What the players saw: damages by phase and by the way in which the server's script held the function.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace game {

// What every player must see between two updates.
struct Phase {
    const char* name;
    int damage;
    bool knows_rank;  // the method that only the edited script has
};

inline constexpr std::array<Phase, 5> kPhases{{
    {"as shipped (the bug)", 5, false},
    {"after the hotfix", 100, false},
    {"after the reload", 120, true},
    {"after the broken edit", 120, true},
    {"after the rollback", 100, false},
}};

class Tally {
   public:
    void hit(std::size_t phase, int player, std::string_view way, int damage);
    void told_rank(std::size_t phase, int player, bool known);
    void fault(std::string what) { faults_.push_back(std::move(what)); }

    // Prints the table; true if every number in it is as it must be, for this many players.
    bool report(std::size_t players) const;

   private:
    struct Seen {
        std::map<std::string, std::set<int>, std::less<>> damages;  // by way
        std::set<int> players;
        std::set<int> rank_known, rank_unknown;
        std::size_t hits = 0;
    };

    static bool right(const Phase& phase, const Seen& seen, std::size_t players);
    static void print(const Phase& phase, const Seen& seen);

    std::array<Seen, kPhases.size()> seen_;
    std::vector<std::string> faults_;
};

}  // namespace game
