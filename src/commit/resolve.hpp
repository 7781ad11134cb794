// Turns what staging left into writes: finds the live objects that are meant, and decides how each takes over its new
// content.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "code/code.hpp"
#include "commit/relay.hpp"
#include "commit/write.hpp"
#include "rebottle/report.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

struct Resolved {
    Journal journal;
    Journal landing;  // staged objects that others hold come into use: done after the journal, never taken back
    std::vector<Change> changes;
    std::vector<Kept> kept;
    std::vector<Refusal> refusals;
    std::vector<Stale> stale;        // functions that keep old code
    CodeMap replaced_code;           // old code object -> new one, what differs only in lines left out
    std::vector<Ref> touched_types;  // classes whose cached lookups must be dropped
    std::vector<Ref> shaped;         // classes whose abstract methods are to be computed again
    std::set<PyObject*> becoming;    // live objects whose references are rewritten to what stands for them now
    std::vector<LayoutChange> layouts;
    std::vector<Ref> reshaped;  // classes whose instances have other attributes, slots or bases
};

// `ours`: references that the history holds. Runs no Python code of the program. Errors: MemoryError.
Resolved resolve(Outcome& outcome, const std::vector<Ref*>& ours);

}  // namespace rebottle
