// What an update did, or would do, as values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rebottle {

// One definition that an update changed.
struct Change {
    std::string kind;   // "function-code", "class-bases", "data-merged", ...
    std::string where;  // "player.Player.fire"
    std::string file;
    int line = 0;  // 1-based, in the new source; 0 where there is none
};

// Data that was left alone although its source changed, or something that did not follow.
struct Kept {
    std::string where;
    std::string why;
    std::string file;
    int line = 0;
};

// Why something cannot be updated soundly, and what to do instead. The rules are listed in docs/limits.md.
struct Refusal {
    std::string rule;
    std::string where;
    std::string why;
    std::string what_to_do;
    std::string file;
    int line = 0;
};

// Something that still runs, or still holds, old code.
struct Stale {
    std::string kind;   // "frame", "generator", "coroutine", "async generator", "function"
    std::string where;  // qualified name of the function
    std::string file;
    int line = 0;              // where it stands now, in the old source
    std::uint64_t thread = 0;  // identifier of the thread, 0 where it is none
    std::string why;
};

// Seconds.
struct Timing {
    double read = 0;
    double compile = 0;
    double stage = 0;
    double pause = 0;
    double total = 0;
};

// The result of one reload, hotfix or rollback.
struct Report {
    bool ok = true;
    std::string kind = "reload";
    std::vector<std::string> modules;
    std::vector<Change> changes;
    std::vector<Kept> kept;
    std::vector<Refusal> refusals;
    std::vector<Stale> stale;
    std::vector<std::string> unknown;  // only in a plan: what only running would tell
    Timing timing;
    std::uint64_t id = 0;
    double time = 0;   // seconds since the epoch
    std::string name;  // of a hotfix

    // What a person wants to read.
    std::string text() const;
    std::string to_json() const;
};

}  // namespace rebottle
