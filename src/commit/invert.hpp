// Undoing an update that is in force: the way back from what its journal says to what was before.
#pragma once

#include "commit/resolve.hpp"
#include "commit/write.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// The writes that take a committed journal back. What the program changed meanwhile stays and is listed in `kept`.
// Functions born since with new code go back too. `touches`: what statements did after the writes, to be undone as
// well.
struct Inverse {
    Journal journal;
    std::vector<Change> changes;
    std::vector<Kept> kept;
    CodeMap replaced_code;
};
Inverse invert(const Journal& journal, const CodeMap& replaced_code, const Touches& touches);

}  // namespace rebottle
