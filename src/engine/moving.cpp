#include "engine/moving.hpp"

namespace rebottle {

void move_instances(Relay& relay, const std::vector<LayoutChange>& layouts, Past& past) {
    if (layouts.empty()) return;
    relay.apply();
    if (past.layouts.empty()) past.moved_at = past.journal.size();
    past.layouts.insert(past.layouts.end(), layouts.begin(), layouts.end());
    for (Write& write : relay.take_given()) past.journal.push_back(std::move(write));
    for (Leftover& each : relay.take_leftovers()) past.leftovers.push_back(std::move(each));
}

namespace {

void move_back(Past& past, const FindReferences& references) noexcept {
    if (past.layouts.empty()) return;
    unfailing([&] {
        std::string why;
        try {
            std::vector<LayoutChange> back = changes_back(past.layouts, past.journal);
            Journal none;
            Relay relay(back, none);
            relay.look(references(), past.leftovers);
            if (relay.refusals().empty()) {
                relay.apply();
                past.layouts.clear();
                return;
            }
            why = relay.refusals().front().where + ": " + relay.refusals().front().why;
        } catch (const Unlayable& error) {
            why = error.what();
        }
        raise(PyExc_RuntimeError, "rebottle: a failed update left the layout of its classes in place: " + why);
    });
}

}  // namespace

void take_writes_back(Past& past, const FindReferences& references) noexcept {
    const std::size_t moved_at = past.layouts.empty() ? past.journal.size() : past.moved_at;
    undo_from(past.journal, moved_at);
    move_back(past, references);
    undo_before(past.journal, moved_at);
}

}  // namespace rebottle
