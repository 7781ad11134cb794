#include "engine/reload.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "code/index.hpp"
#include "commit/derived.hpp"
#include "commit/events.hpp"
#include "commit/gifts.hpp"
#include "commit/loosen.hpp"
#include "commit/ours.hpp"
#include "compat/memory.hpp"
#include "engine/check.hpp"
#include "engine/describe.hpp"
#include "engine/failure.hpp"
#include "engine/follow.hpp"
#include "engine/guard.hpp"
#include "engine/moving.hpp"
#include "live/in_flight.hpp"
#include "live/retired.hpp"
#include "live/stale.hpp"
#include "live/switching.hpp"
#include "plan/plan.hpp"
#include "stage/imports.hpp"
#include "stage/stage.hpp"
#include "stage/touch.hpp"
#include "stage/world.hpp"

namespace rebottle {
namespace {

// Calls a hook of a module, if it has one.
void call_hook(const ModulePlan& module, const char* name, const Ref& context) {
    PyObject* hook = dict_get(namespace_of(module.module.get()), name);
    if (hook == nullptr) return;
    try {
        call(hook, {context.get()});
    } catch (const PythonError& error) {
        throw ExecutionError{module.name, name, module.now.path, 0, error};
    }
}

// One reload from the plan to the report.
class Update {
   public:
    Update(const Request& request, History& history) : request_(request), history_(history) { report_.kind = "reload"; }

    Report run() {
        try {
            Plan plan = make_plan();
            moved_code_ = moved_code(plan.modules);
            ImportState imports;
            World world;
            const auto staging = Clock::now();
            Outcome outcome;
            TouchGuard touched(outcome.touches);
            stage(plan, request_, world, outcome);
            report_.timing.stage = seconds_since(staging);
            if (is_empty(plan) && report_.refusals.empty()) return finish();
            std::vector<Ref> contexts;
            for (const ModulePlan& module : plan.modules) {
                contexts.push_back(new_dict());
                if (module.changed()) call_hook(module, "__before_update__", contexts.back());
            }
            std::vector<std::string> names;
            for (const ModulePlan& module : plan.modules) names.push_back(module.name);
            audit_update("reload", names);
            AppliedGuard applied([&] { take_back(plan, outcome); });
            commit(plan, outcome, world, applied);
            drop_staged(outcome, world);
            report_.stale = stale_now_of(std::move(stale_functions_));
            update_instances();
            for (std::size_t i = 0; i < plan.modules.size(); ++i)
                if (plan.modules[i].changed()) call_hook(plan.modules[i], "__after_update__", contexts[i]);
            past_->touches.insert(past_->touches.begin(), outcome.touches.begin(), outcome.touches.end());
            const compat::SureMemory sure;
            applied.keep();
            touched.keep();
            past_->new_modules = imports.keep();
            loosen(past_->journal);
            loosen(past_->layouts, past_->leftovers);
            release_results(past_->journal);
            if (classes_changed_ || !past_->touches.empty()) unfailing([] { forget_dispatched(); });
        } catch (const SourceError& error) {
            fail(error, report_);
        } catch (const ExecutionError& error) {
            fail(error, report_);
        } catch (const UnknownModule& error) {
            fail(error, report_);
        }
        return finish();
    }

    // Only the plan.
    Report dry() {
        try {
            const Plan plan = make_plan();
            describe(plan, request_, report_);
        } catch (const SourceError& error) {
            fail(error, report_);
        } catch (const UnknownModule& error) {
            fail(error, report_);
        }
        report_.timing.total = seconds_since(start_);
        return report_;
    }

   private:
    // Nothing changed: there is nothing to commit, to remember or to take back.
    static bool is_empty(const Plan& plan) {
        return plan.gone.empty() &&
               std::none_of(plan.modules.begin(), plan.modules.end(), [](const ModulePlan& module) {
                   return module.changed() || module.now.text != module.record->version.text ||
                          module.now.path != module.record->version.path;
               });
    }

    Plan make_plan() {
        Plan plan = rebottle::plan(request_);
        report_.timing.read = plan.read;
        report_.timing.compile = plan.compile;
        report_.kept = plan.kept;
        report_.refusals = plan.refusals;
        for (const ModulePlan& module : plan.modules)
            if (module.changed() || module.now.text != module.record->version.text)
                report_.modules.push_back(module.name);
        return plan;
    }

    void commit(Plan& plan, Outcome& outcome, World& world, AppliedGuard& applied) {
        const NoCollection no_collection;
        const auto start = Clock::now();
        history_.add_copies(outcome.our_containers);
        Resolved resolved = resolve(outcome, past_references());
        carry_events(resolved.replaced_code);
        for (const ModulePlan& module : plan.modules) follow_places(module, resolved.journal);
        std::move(moved_code_.begin(), moved_code_.end(), std::back_inserter(resolved.journal));
        remove_modules(plan.gone, resolved.journal);
        for (const std::string& name : plan.gone) report_.changes.push_back({"module-removed", name, "", 0});
        take_refusals(resolved);
        prepare(resolved.journal);
        std::optional<Relay> relay(std::in_place, resolved.layouts, resolved.journal);
        reshaped_ = reshaped_instances(resolved);
        const std::vector<ChangedCallee> callees = changed_callees(resolved.journal);
        const std::set<PyObject*> callers =
            callees.empty() ? std::set<PyObject*>() : running_code(resolved.replaced_code);
        past_ = std::make_shared<Past>();
        past_->journal = std::move(resolved.journal);
        past_->replaced_code = std::move(resolved.replaced_code);
        {
            const compat::SureMemory sure;
            world.leave();
            apply_contents(past_->journal);
            applied.applied();
            relay->look(references(outcome, resolved), {});
            if (!relay->refusals().empty()) refuse(relay->refusals(), report_);
            for (Kept& kept : relay->homeless()) report_.kept.push_back(std::move(kept));
            apply_types(past_->journal);
            move_instances(*relay, resolved.layouts, *past_);
            relay.reset();
            map_touches(outcome.touches, outcome.bottles, outcome.created);
            forget_born(outcome.touches, outcome.born);
            land(resolved);
            forget_ended_callers();
            redirect_callers(callees, callers);
            keep_names(gone_names(past_->journal), past_->replaced_code);
            renew_classes(resolved.shaped, past_->journal);
            for (const Ref& type : resolved.touched_types) PyType_Modified(type.as<PyTypeObject>());
            move_frames(outcome.live_globals,
                        std::any_of(outcome.created.begin(), outcome.created.end(), is_generator_function));
            verify(past_->journal, report_);
        }
        report_.timing.pause = seconds_since(start);
        if (!outcome.deferred.empty()) commit_deferred(plan, outcome, resolved);
        for (Change& change : resolved.changes) report_.changes.push_back(std::move(change));
        for (Kept& kept : resolved.kept) report_.kept.push_back(std::move(kept));
        remember_replaced(past_->replaced_code);
        stale_functions_ = std::move(resolved.stale);
        for (ModulePlan& module : plan.modules) {
            past_->versions[module.name] = std::move(module.record->version);
            module.record->version = module.unreached.recorded ? *module.unreached.recorded : module.now;
        }
    }

    // Where this update, as far as it is done, and those before refer to objects of the program.
    std::vector<Ref*> past_references() {
        std::vector<Ref*> ours = history_.references();
        if (past_) add_references(*past_, ours);
        for (Reshaped& each : reshaped_) ours.push_back(&each.object);
        return ours;
    }

    std::vector<Ref*> references_with(Outcome& outcome) {
        std::vector<Ref*> ours = past_references();
        add_references(outcome, ours);
        return ours;
    }

    std::vector<Ref*> references(Outcome& outcome, Resolved& resolved) {
        std::vector<Ref*> ours = references_with(outcome);
        order(resolved.landing);
        add_references(resolved.landing, ours);
        return ours;
    }

    static bool is_generator_function(const Ref& made) {
        return (as_code(made.as<PyFunctionObject>()->func_code)->co_flags &
                (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    }

    // Unless the update may be partial, they are its end.
    void take_refusals(const Resolved& resolved) {
        report_.refusals.insert(report_.refusals.end(), resolved.refusals.begin(), resolved.refusals.end());
        if (!report_.refusals.empty() && !request_.partial) refuse(report_.refusals, report_);
    }

    // Statements that need the new version in place. What they fail with takes the whole update back.
    void commit_deferred(Plan& plan, Outcome& outcome, Resolved& resolved) {
        const SwitchInterval no_switching(0.1);  // in seconds
        NamesGuard names;
        Outcome late;
        TouchGuard touched(late.touches);
        run_deferred(plan, request_, outcome.deferred, late, names);
        late.live_globals = outcome.live_globals;  // what was broken off in the stage is no part of the module
        history_.add_copies(late.our_containers);
        add_copies(past_->journal, late.our_containers);
        Resolved more = resolve(late, references_with(outcome));
        take_refusals(more);
        prepare(more.journal);
        Relay relay(more.layouts, more.journal);
        const compat::SureMemory sure;
        AppliedGuard applied([&] { undo_all(more.journal); });
        apply_contents(more.journal);
        applied.applied();
        std::vector<Ref*> ours = references(late, more);
        add_references(outcome, ours);
        add_references(more.journal, ours);
        relay.look(std::move(ours), {});
        if (!relay.refusals().empty()) refuse(relay.refusals(), report_);
        apply_types(more.journal);
        move_instances(relay, more.layouts, *past_);
        applied.keep();
        names.keep();
        for (Write& write : more.journal) past_->journal.push_back(std::move(write));
        map_touches(late.touches, late.bottles, late.created);
        forget_born(late.touches, late.born);
        land(more);
        past_->touches = late.touches;
        touched.keep();
        past_->replaced_code.merge(more.replaced_code);
        for (Change& change : more.changes) resolved.changes.push_back(std::move(change));
        for (Kept& kept : more.kept)
            if (std::none_of(resolved.kept.begin(), resolved.kept.end(),
                             [&](const Kept& known) { return known.where == kept.where && known.why == kept.why; }))
                resolved.kept.push_back(std::move(kept));
    }

    static void land(Resolved& resolved) {
        prepare(resolved.landing);
        apply_all(resolved.landing);
    }

    // What is derived from classes follows them, in the same commit.
    void renew_classes(std::vector<Ref> classes, Journal& journal) {
        for (Ref& type : changed_classes(journal)) classes.push_back(std::move(type));
        classes_changed_ = !classes.empty();
        for (Write& write : renew_derived(classes, loses_members(journal))) journal.push_back(std::move(write));
    }

    std::vector<Stale> stale_now_of(std::vector<Stale> functions) {
        std::vector<Stale> all = stale_now();
        std::erase_if(all, [&](const Stale& each) {
            return each.kind == "function" && std::any_of(functions.begin(), functions.end(), [&](const Stale& known) {
                       return known.where.ends_with(each.where);
                   });
        });
        all.insert(all.end(), functions.begin(), functions.end());
        return all;
    }

    void update_instances() { call_update_hooks(std::exchange(reshaped_, {}), past_->journal); }

    void take_back(Plan& plan, Outcome& outcome) {
        take_writes_back(*past_, [&] { return references_with(outcome); });
        undo_touches(past_->touches);
        unfailing([this] { renew_derived(changed_classes(past_->journal), true); });
        forget_replaced(past_->replaced_code);
        for (ModulePlan& module : plan.modules)
            if (const auto former = past_->versions.find(module.name); former != past_->versions.end())
                module.record->version = std::move(former->second);
    }

    Report finish() {
        history_.number(report_);
        report_.ok = report_.refusals.empty();
        report_.timing.total = seconds_since(start_);
        if (!past_) return report_;
        unfailing([this] { forget_ended(past_->touches); });
        past_->report = report_;
        history_.supersede(report_);
        history_.add(past_);
        return report_;
    }

    const Request& request_;
    History& history_;
    Clock::time_point start_ = Clock::now();
    Report report_;
    std::vector<Stale> stale_functions_;  // those that can't take new code
    std::shared_ptr<Past> past_;
    std::vector<Reshaped> reshaped_;
    Journal moved_code_;
    bool classes_changed_ = false;
};

}  // namespace

Report reload(const Request& request, History& history) { return Update(request, history).run(); }

Report dry_reload(const Request& request) {
    History none;
    return Update(request, none).dry();
}

}  // namespace rebottle
