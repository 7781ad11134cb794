#include "engine/undo.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "code/index.hpp"
#include "commit/derived.hpp"
#include "commit/events.hpp"
#include "commit/gifts.hpp"
#include "commit/invert.hpp"
#include "commit/loosen.hpp"
#include "compat/memory.hpp"
#include "engine/check.hpp"
#include "engine/failure.hpp"
#include "engine/follow.hpp"
#include "engine/guard.hpp"
#include "engine/moving.hpp"
#include "live/in_flight.hpp"
#include "live/stale.hpp"
#include "plan/rules.hpp"
#include "stage/imports.hpp"
#include "stage/touch.hpp"

namespace rebottle {
namespace {

// One refusal for each definition that later updates touched as well.
std::vector<Refusal> later_touches(const Past& past, const std::vector<std::shared_ptr<Past>>& later) {
    std::vector<Refusal> found;
    for (const Change& mine : past.report.changes)
        for (const auto& other : later)
            for (const Change& change : other->report.changes)
                if (change.where == mine.where && (found.empty() || found.back().where != mine.where))
                    found.push_back(
                        refusal("rollback-order", mine.where, "update #" + std::to_string(other->report.id)));
    if (found.empty()) found.push_back(refusal("rollback-order", "update #" + std::to_string(past.report.id)));
    return found;
}

std::vector<LayoutChange> layouts_back(const Past& past) {
    try {
        return changes_back(past.layouts, past.journal);
    } catch (const Unlayable& error) {
        refuse({{"class-layout", past.layouts.front().where, error.what(), "undo later updates first", "", 0}});
    }
}

// What an undone rollback took back is in force again, what that one had undone isn't, and so on.
void mark_undone(std::shared_ptr<Past> past, const History& history) {
    for (bool in_force = false; past; in_force = !in_force) {
        past->in_force = in_force;
        past = past->undoes == 0 ? nullptr : history.find(past->undoes);
    }
}

std::shared_ptr<Past> undo(const std::shared_ptr<Past>& past, History& history) {
    const auto start = Clock::now();
    Report report;
    report.kind = "rollback";
    report.modules = past->report.modules;
    try {
        audit_update("rollback", report.modules);
    } catch (const ExecutionError& error) {
        fail(error, report);
    }
    history.fetch(*past);
    auto done = std::make_shared<Past>();
    AppliedGuard applied([&] {
        take_writes_back(*done, [&] {
            std::vector<Ref*> ours = history.references();
            add_references(*done, ours);
            return ours;
        });
        forget_replaced(done->replaced_code);
        forget_replaced(done->hotfixed_code);
        unfailing([&] {
            remember_replaced(past->replaced_code);
            remember_replaced(past->hotfixed_code, Holders::meant);
        });
    });
    std::optional<compat::SureMemory> sure;  // from the first write to the end
    std::optional<TouchGuard> touched;
    if (past->touches_undone) {  // statements came before the writes: so does what they did, again
        touched.emplace(past->touches);
        redo_touches(past->touches);
    }
    {
        const NoCollection no_collection;
        std::vector<LayoutChange> layouts;
        const std::vector<Refusal> found =
            obstacles([&] { return layouts_back(*past); }, layouts, history.references(), past->leftovers);
        if (!found.empty()) refuse(found, report);
        static const Touches none;
        Inverse inverse = invert(past->journal, past->replaced_code, past->touches_undone ? none : past->touches);
        leave_to_layouts(layouts, inverse.journal);
        carry_events(inverse.replaced_code);
        remove_modules(past->new_modules, inverse.journal);
        prepare(inverse.journal);
        Relay relay(layouts, inverse.journal);
        const std::vector<ChangedCallee> callees = changed_callees(inverse.journal);
        const std::set<PyObject*> callers =
            callees.empty() ? std::set<PyObject*>() : running_code(inverse.replaced_code);
        sure.emplace();
        done->journal = std::move(inverse.journal);
        done->replaced_code = std::move(inverse.replaced_code);
        apply_contents(done->journal);
        applied.applied();
        std::vector<Ref*> ours = history.references();
        add_references(*done, ours);
        relay.look(std::move(ours), past->leftovers);
        if (!relay.refusals().empty()) refuse(relay.refusals(), report);
        apply_types(done->journal);
        move_instances(relay, layouts, *done);
        forget_ended_callers();
        redirect_callers(callees, callers);
        keep_names(gone_names(done->journal), done->replaced_code);
        renew_derived(changed_classes(done->journal), loses_members(done->journal));
        verify(done->journal, report);
        forget_replaced(past->replaced_code);
        remember_replaced(done->replaced_code);
        forget_replaced(past->hotfixed_code);
        for (const auto& [former, now] : past->hotfixed_code) done->hotfixed_code.emplace(now, former);
        remember_replaced(done->hotfixed_code, Holders::meant);
        report.changes = std::move(inverse.changes);
        report.kept = std::move(inverse.kept);
        report.stale = stale_now();
        report.timing.pause = seconds_since(start);
    }
    applied.keep();
    loosen(done->journal);
    loosen(done->layouts, done->leftovers);
    if (touched) {
        touched->keep();
    } else {
        undo_touches(past->touches);
    }
    unfailing([] { forget_dispatched(); });
    done->touches = past->touches;
    done->touches_undone = !past->touches_undone;
    release_results(done->journal);
    done->taken_out = take_out(past->new_modules);
    put_back(past->taken_out);
    for (const auto& [name, module] : past->taken_out) done->new_modules.push_back(name);
    for (const auto& [name, version] : past->versions) {
        ModuleRecord& record = Modules::instance().record(name);
        done->versions[name] = record.version;
        record.version = version;
    }
    history.forget_supersedes(past->report.id);
    done->undoes = past->report.id;
    mark_undone(past, history);
    history.number(report);
    report.timing.total = seconds_since(start);
    done->report = report;
    history.add(done);
    return done;
}

// Takes several rollbacks back that are part of one, the last one first, where a later part of it failed.
class PartsGuard {
   public:
    explicit PartsGuard(History& history) : history_(history) {}
    ~PartsGuard() {
        const ErrorAside aside;
        for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) unfailing([&] { redo(*part); });
    }
    PartsGuard(const PartsGuard&) = delete;
    PartsGuard& operator=(const PartsGuard&) = delete;
    void add(std::shared_ptr<Past> part) { parts_.push_back(std::move(part)); }

    // The parts as one rollback.
    Report join() {
        std::shared_ptr<Past> whole = std::move(parts_.back());
        parts_.pop_back();
        for (const auto& part : parts_) {
            history_.remove(part);
            add_report(part->report, whole->report);
        }
        whole->parts = std::move(parts_);
        parts_.clear();
        return whole->report;
    }

   private:
    static void add_report(const Report& part, Report& whole) {
        for (const std::string& name : part.modules)
            if (std::find(whole.modules.begin(), whole.modules.end(), name) == whole.modules.end())
                whole.modules.push_back(name);
        whole.changes.insert(whole.changes.begin(), part.changes.begin(), part.changes.end());
        whole.kept.insert(whole.kept.begin(), part.kept.begin(), part.kept.end());
        whole.timing.pause += part.timing.pause;
        whole.timing.total += part.timing.total;
    }

    void redo(const std::shared_ptr<Past>& part) {
        std::string why;
        try {
            history_.remove(undo(part, history_));
            history_.remove(part);
            return;
        } catch (const UpdateFailure& failure) {
            why = failure.message;
        }
        raise(PyExc_RuntimeError, "rebottle: a rollback that failed left an update undone: " + why);
    }

    History& history_;
    std::vector<std::shared_ptr<Past>> parts_;
};

}  // namespace

Report rollback(std::uint64_t id, bool cascade, History& history) {
    const std::shared_ptr<Past> past = id == 0 ? history.last_in_force() : history.find(id);
    if (!past || !past->in_force)
        refuse({refusal("rollback-gone", past ? "update #" + std::to_string(past->report.id) : "")});
    const auto later = history.later(*past);
    if (!later.empty() && !cascade) refuse(later_touches(*past, later));
    std::vector<std::shared_ptr<Past>> wanted = later;
    wanted.push_back(past);
    PartsGuard done(history);
    for (const auto& each : wanted) {
        const std::vector<std::shared_ptr<Past>> parts = each->parts;
        done.add(undo(each, history));
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) done.add(undo(*part, history));
    }
    return done.join();
}

Report rollback(const Report& report, bool cascade, History& history) {
    if (report.id == 0) refuse({refusal("rollback-gone", "an update that failed")});
    const bool committed = !report.changes.empty() || report.timing.pause > 0;
    if (committed) return rollback(report.id, cascade, history);
    Report nothing;
    nothing.kind = "rollback";
    history.number(nothing);
    return nothing;
}

}  // namespace rebottle
