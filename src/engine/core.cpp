#include "engine/core.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>

#include "code/index.hpp"
#include "commit/derived.hpp"
#include "commit/events.hpp"
#include "commit/gifts.hpp"
#include "commit/invert.hpp"
#include "commit/resolve_hotfix.hpp"
#include "compat/compat.hpp"
#include "engine/describe.hpp"
#include "engine/follow.hpp"
#include "engine/turn.hpp"
#include "live/in_flight.hpp"
#include "live/retired.hpp"
#include "live/stale.hpp"
#include "plan/plan.hpp"
#include "plan/rules.hpp"
#include "stage/hotfix.hpp"
#include "stage/imports.hpp"
#include "stage/stage.hpp"
#include "stage/world.hpp"

namespace rebottle {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double now_in_seconds() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void refuse(std::vector<Refusal> refusals, Report report = {}) {
    std::string message;
    for (const Refusal& r : refusals)
        message += (message.empty() ? "" : "\n") + std::string("[") + r.rule + "] " + r.where +
                   (r.where.empty() ? "" : ": ") + r.why + "; " + r.what_to_do +
                   (r.file.empty() ? "" : " (" + r.file + (r.line > 0 ? ", line " + std::to_string(r.line) : "") + ")");
    report.ok = false;
    report.refusals = std::move(refusals);
    throw UpdateFailure{"RefusedError", message, report, {}};
}

std::string place_of(const std::string& file, int line) {
    if (file.empty()) return "";
    return " (" + file + (line > 0 ? ", line " + std::to_string(line) : "") + ")";
}

[[noreturn]] void fail(const SourceError& error, Report report) {
    report.ok = false;
    std::string message = error.module + ": " + error.what() + place_of(error.file, error.line);
    throw UpdateFailure{"SourceError", message + "; nothing was changed, mend the source and reload again", report,
                        error.cause};
}

// The line of the deepest frame of a traceback that lies in the file.
int line_in(PyObject* exception, const std::string& file) {
    int line = 0;
    Ref traceback = attribute(exception, "__traceback__");
    while (traceback.get() != Py_None) {
        const Ref frame = attribute(traceback.get(), "tb_frame");
        const Ref code = attribute(frame.get(), "f_code");
        if (attribute_text(code.get(), "co_filename") == file)
            line = static_cast<int>(attribute_long(traceback.get(), "tb_lineno"));
        traceback = attribute(traceback.get(), "tb_next");
    }
    return line;
}

[[noreturn]] void fail(const ExecutionError& error, Report report) {
    if (error.cause.is(PyExc_KeyboardInterrupt)) throw error.cause;
    report.ok = false;
    int line = line_in(error.cause.value(), error.file);
    if (line == 0) line = error.line;
    const std::string where = error.module + (error.where.empty() ? "" : "." + error.where);
    const std::string message = where + " raised " + describe(error.cause.value()) + place_of(error.file, line) +
                                "; nothing was changed, mend the source and reload again";
    throw UpdateFailure{"ExecutionError", message, report, Ref::borrow(error.cause.value())};
}

// Lets audit hooks object before anything is committed.
void audit_update(const char* kind, const std::vector<std::string>& modules) {
    const Ref names = Ref::steal(PyList_New(0));
    for (const std::string& module : modules) check(PyList_Append(names.get(), to_str(module).get()));
    if (outliving_python([&] { return PySys_Audit("rebottle.update", "sO", kind, names.get()); }) < 0)
        throw ExecutionError{"an audit hook", "", "", 0, PythonError()};
}

bool same_call(const FunctionContent& a, const FunctionContent& b) {
    auto* x = as_code(a.code.get());
    auto* y = as_code(b.code.get());
    return x == y ||
           (same_parameters(x, y) && a.defaults.get() == b.defaults.get() && a.kwdefaults.get() == b.kwdefaults.get());
}

// Functions that are called in another way after the update, each with a function that has its present content.
std::vector<ChangedCallee> changed_callees(const Journal& journal) {
    std::vector<ChangedCallee> callees;
    for (const Write& write : journal) {
        const auto* function = std::get_if<FunctionWrite>(&write);
        if (function == nullptr || same_call(function->before, function->after)) continue;
        callees.push_back({function->function, copy_of_function(function->function.as<PyFunctionObject>())});
    }
    return callees;
}

// After the commit every place must hold what was written.
void verify(const Journal& journal, Report& report) {
    for (const Write& write : journal)
        if (!holds(write)) {
            report.ok = false;
            throw UpdateFailure{"VerificationError",
                                "after the commit a definition isn't what it was to be; the update was undone",
                                report,
                                {}};
        }
}

// Takes touches back unless they are to be kept.
class TouchGuard {
   public:
    explicit TouchGuard(const Touches& touches) : touches_(touches) {}
    ~TouchGuard() {
        if (kept_) return;
        const ErrorAside aside;
        undo_touches(touches_);
    }
    TouchGuard(const TouchGuard&) = delete;
    TouchGuard& operator=(const TouchGuard&) = delete;
    void keep() { kept_ = true; }

   private:
    const Touches& touches_;
    bool kept_ = false;
};

// Takes back what was applied unless it is to be kept.
class AppliedGuard {
   public:
    explicit AppliedGuard(std::function<void()> take_back) : take_back_(std::move(take_back)) {}
    ~AppliedGuard() {
        if (!applied_) return;
        const ErrorAside aside;
        take_back_();
    }
    AppliedGuard(const AppliedGuard&) = delete;
    AppliedGuard& operator=(const AppliedGuard&) = delete;
    void applied() { applied_ = true; }
    void keep() { applied_ = false; }

   private:
    std::function<void()> take_back_;
    bool applied_ = false;
};

// Other threads are not switched to while it lives, as long as this one doesn't block.
class LongTurns {
   public:
    LongTurns() : former_(call_method(import_module("sys").get(), "getswitchinterval")) {
        set(Ref::steal(PyFloat_FromDouble(1.0)).get());
    }
    ~LongTurns() {
        const ErrorAside aside;
        unfailing([this] { set(former_.get()); });
    }
    LongTurns(const LongTurns&) = delete;
    LongTurns& operator=(const LongTurns&) = delete;

   private:
    static void set(PyObject* seconds) { call_method(import_module("sys").get(), "setswitchinterval", {seconds}); }
    Ref former_;
};

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

}  // namespace

// One reload from the plan to the report.
class Update {
   public:
    Update(Core& core, const Request& request) : core_(core), request_(request), start_(Clock::now()) {
        report_.kind = "reload";
    }

    Report run() {
        try {
            Plan plan = make_plan();
            ImportState imports;
            World world;
            const auto staging = Clock::now();
            Outcome outcome = stage(plan, request_, world);
            report_.timing.stage = seconds_since(staging);
            TouchGuard touched(outcome.touches);
            if (is_empty(plan) && report_.refusals.empty()) return finish();
            std::vector<Ref> contexts;
            for (const ModulePlan& module : plan.modules) {
                contexts.push_back(new_dict());
                if (module.changed()) call_hook(module, "__before_update__", contexts.back());
            }
            std::vector<std::string> names;
            for (const ModulePlan& module : plan.modules) names.push_back(module.name);
            audit_update("reload", names);
            AppliedGuard applied([&] { take_back(plan); });
            commit(plan, outcome, world, applied);
            drop_staged(outcome, world);
            report_.stale = stale_now_of(std::move(stale_functions_));
            update_instances();
            for (std::size_t i = 0; i < plan.modules.size(); ++i)
                if (plan.modules[i].changed()) call_hook(plan.modules[i], "__after_update__", contexts[i]);
            past_->touches.insert(past_->touches.begin(), outcome.touches.begin(), outcome.touches.end());
            applied.keep();
            loosen(past_->journal);
            touched.keep();
            past_->new_modules = imports.keep();
            release_results(past_->journal);
        } catch (const SourceError& error) {
            fail(error, report_);
        } catch (const ExecutionError& error) {
            fail(error, report_);
        } catch (const UnknownModule& unknown) {
            report_.ok = false;
            throw UpdateFailure{
                "UnknownModuleError",
                "module '" + unknown.name + "' was never imported; import it first, or name another one",
                report_,
                {}};
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
        } catch (const UnknownModule& unknown) {
            throw UpdateFailure{
                "UnknownModuleError",
                "module '" + unknown.name + "' was never imported; import it first, or name another one",
                report_,
                {}};
        }
        report_.timing.total = seconds_since(start_);
        return report_;
    }

   private:
    // Nothing changed: there is nothing to commit, to remember or to take back.
    static bool is_empty(const Plan& plan) {
        return std::none_of(plan.modules.begin(), plan.modules.end(), [](const ModulePlan& module) {
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
        Resolved resolved = resolve(outcome);
        carry_events(resolved.replaced_code);
        for (const ModulePlan& module : plan.modules) follow_places(module, resolved.journal);
        remove_modules(plan.gone, resolved.journal);
        for (const std::string& name : plan.gone) report_.changes.push_back({"module-removed", name, "", 0});
        for (Refusal& each : resolved.refusals) report_.refusals.push_back(each);
        if (!report_.refusals.empty() && !request_.partial) refuse(report_.refusals, report_);
        prepare(resolved.journal);
        reshaped_ = reshaped_instances(resolved);
        const std::vector<ChangedCallee> callees = changed_callees(resolved.journal);
        const std::set<PyObject*> callers =
            callees.empty() ? std::set<PyObject*>() : running_code(resolved.replaced_code);
        past_ = std::make_shared<Past>();
        past_->journal = std::move(resolved.journal);
        past_->replaced_code = std::move(resolved.replaced_code);
        world.leave();
        apply_all(past_->journal);
        applied.applied();
        land(resolved);
        forget_ended_callers();
        if (!callers.empty()) redirect_callers(callees, callers);
        renew_classes(resolved.shaped, past_->journal);
        for (const Ref& type : resolved.touched_types) PyType_Modified(type.as<PyTypeObject>());
        move_frames(outcome.live_globals,
                    std::any_of(outcome.created.begin(), outcome.created.end(), is_generator_function));
        verify(past_->journal, report_);
        report_.timing.pause = seconds_since(start);
        map_touches(outcome.touches, outcome.bottles);
        if (!outcome.deferred.empty()) commit_deferred(plan, outcome.deferred, resolved);
        for (Change& change : resolved.changes) report_.changes.push_back(std::move(change));
        for (Kept& kept : resolved.kept) report_.kept.push_back(std::move(kept));
        remember_replaced(past_->replaced_code);
        stale_functions_ = std::move(resolved.stale);
        for (ModulePlan& module : plan.modules) {
            past_->versions[module.name] = std::move(module.record->version);
            module.record->version = module.now;
        }
    }

    static bool is_generator_function(const Ref& made) {
        return (as_code(made.as<PyFunctionObject>()->func_code)->co_flags &
                (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    }

    // Statements that need the new version in place. What they fail with takes the whole update back.
    void commit_deferred(Plan& plan, const std::vector<Deferred>& deferred, Resolved& resolved) {
        const LongTurns no_switching;
        Outcome late = run_deferred(plan, request_, deferred);
        past_->touches = late.touches;
        Resolved more = resolve(late);
        prepare(more.journal);
        apply_all(more.journal);
        for (Write& write : more.journal) past_->journal.push_back(std::move(write));
        land(more);
        map_touches(late.touches, late.bottles);
        past_->touches = std::move(late.touches);
        past_->replaced_code.merge(more.replaced_code);
        for (Change& change : more.changes) resolved.changes.push_back(std::move(change));
        for (Kept& kept : more.kept) resolved.kept.push_back(std::move(kept));
    }

    static void land(Resolved& resolved) {
        prepare(resolved.landing);
        apply_all(resolved.landing);
    }

    // What is derived from classes follows them, in the same commit.
    static void renew_classes(std::vector<Ref> classes, Journal& journal) {
        for (Ref& type : changed_classes(journal)) classes.push_back(std::move(type));
        for (Write& write : renew_derived(classes)) journal.push_back(std::move(write));
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

    void update_instances() {
        try {
            call_update_hooks(std::exchange(reshaped_, {}), past_->journal);
        } catch (const PythonError& error) {
            throw ExecutionError{"a class", "__update__", "", 0, error};
        }
    }

    void take_back(Plan& plan) {
        undo_all(past_->journal);
        undo_touches(past_->touches);
        unfailing([this] { renew_derived(changed_classes(past_->journal)); });
        forget_replaced(past_->replaced_code);
        for (ModulePlan& module : plan.modules)
            if (const auto former = past_->versions.find(module.name); former != past_->versions.end())
                module.record->version = std::move(former->second);
    }

    Report finish() {
        report_.id = core_.next_id_++;
        report_.time = now_in_seconds();
        report_.ok = report_.refusals.empty();
        report_.timing.total = seconds_since(start_);
        if (!past_) return report_;
        past_->report = report_;
        core_.supersede(report_);
        core_.remember(past_);
        return report_;
    }

    Core& core_;
    const Request& request_;
    Clock::time_point start_;
    Report report_;
    std::vector<Stale> stale_functions_;  // those that can't take new code
    std::shared_ptr<Past> past_;
    std::vector<Reshaped> reshaped_;
};

Core& Core::instance() {
    static auto* core = new Core;
    return *core;
}

bool Core::disabled() {
    const char* value = std::getenv("REBOTTLE_DISABLE");
    return value != nullptr && std::string_view(value) == "1";
}

namespace {

// Whether two updates touched the same definition.
bool overlap(const Past& later, const Past& earlier) {
    for (const Change& a : later.report.changes)
        for (const Change& b : earlier.report.changes)
            if (a.where == b.where || a.where.starts_with(b.where + ".") || b.where.starts_with(a.where + "."))
                return true;
    return false;
}

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

void check_allowed() {
    if (Core::disabled()) refuse({refusal("disabled", "")});
    if (Turns::instance().updating_here()) refuse({refusal("nested-update", "")});
    if (Turns::instance().holds_here()) refuse({refusal("held", "")});
}

}  // namespace

Report Core::reload(const Request& request) {
    check_allowed();
    Report report;
    {
        const Turn turn;
        report = Update(*this, request).run();
    }
    publish(report);
    return report;
}

Report Core::plan(const Request& request) {
    if (disabled()) refuse({refusal("disabled", "")});
    std::optional<Turn> turn;  // what is recorded of modules changes under a plan that runs beside an update
    if (!Turns::instance().updating_here() && !Turns::instance().holds_here()) turn.emplace();
    return Update(*this, request).dry();
}

void Core::remember(std::shared_ptr<Past> past) {
    history_.push_back(std::move(past));
    if (history_.size() <= history_size_) return;
    retire_globals(former_globals(history_.front()->journal));
    history_.erase(history_.begin());
}

void Core::publish(const Report& report) {
    if (listener_ != nullptr) listener_(report);
    if (callbacks_.empty() || publisher_ == nullptr) return;
    const Ref object = Ref::steal(publisher_(report));
    const std::vector<Ref> callbacks = callbacks_;
    for (const Ref& callback : callbacks) {
        PyObject* result = outliving_python([&] { return PyObject_CallOneArg(callback.get(), object.get()); });
        if (result == nullptr) {
            PyErr_WriteUnraisable(callback.get());
        } else {
            Py_DECREF(result);
        }
    }
}

bool Core::in_force(std::uint64_t id) const {
    const auto past = find(id);
    if (!past || !past->in_force) return false;
    if (past->superseded.empty()) return true;
    return std::any_of(past->report.changes.begin(), past->report.changes.end(),
                       [&](const Change& change) { return !past->superseded.contains(change.where); });
}

void Core::supersede(const Report& report) {
    for (const auto& past : history_)
        if (past->report.kind == "hotfix" && past->in_force)
            for (const Change& mine : past->report.changes)
                for (const Change& change : report.changes)
                    if (change.where == mine.where) past->superseded.emplace(mine.where, report.id);
}

std::shared_ptr<Past> Core::find(std::uint64_t id) const {
    const auto found =
        std::find_if(history_.begin(), history_.end(), [id](const auto& past) { return past->report.id == id; });
    return found == history_.end() ? nullptr : *found;
}

Report Core::hotfix(const std::string& text, const std::string& name) {
    check_allowed();
    const auto start = Clock::now();
    Report report;
    report.kind = "hotfix";
    report.name = name;
    {
        const Turn turn;
        try {
            run_hotfix(text, report);
        } catch (const SourceError& error) {
            fail(error, report);
        } catch (const ExecutionError& error) {
            fail(error, report);
        }
        report.timing.total = seconds_since(start);
        history_.back()->report = report;
    }
    publish(report);
    return report;
}

void Core::run_hotfix(const std::string& text, Report& report) {
    const auto start = Clock::now();
    ImportState imports;
    Snippet snippet = run_snippet(text, report.name);
    TouchGuard touched(snippet.outcome.touches);
    report.timing.stage = seconds_since(start);
    report.modules = snippet.modules;
    audit_update("hotfix", snippet.modules);
    auto past = std::make_shared<Past>();
    AppliedGuard applied([&] {
        undo_all(past->journal);
        forget_replaced(past->replaced_code);
    });
    {
        const NoCollection no_collection;
        const auto pausing = Clock::now();
        ResolvedHotfix hotfix = resolve_hotfix(snippet);
        carry_events(hotfix.resolved.replaced_code);
        if (!hotfix.resolved.refusals.empty()) refuse(hotfix.resolved.refusals, report);
        prepare(hotfix.resolved.journal);
        past->journal = std::move(hotfix.resolved.journal);
        past->replaced_code = std::move(hotfix.resolved.replaced_code);
        apply_all(past->journal);
        applied.applied();
        for (const Ref& type : hotfix.resolved.touched_types) PyType_Modified(type.as<PyTypeObject>());
        verify(past->journal, report);
        report.timing.pause = seconds_since(pausing);
        for (const auto& [code, binding] : hotfix.stand_ins)
            register_stand_in(as_code(code.get()), binding.module, binding.where);
        report.changes = std::move(hotfix.resolved.changes);
        report.kept = std::move(hotfix.resolved.kept);
    }
    remember_replaced(past->replaced_code);
    report.stale = stale_now();
    past->touches = snippet.outcome.touches;
    applied.keep();
    loosen(past->journal);
    touched.keep();
    past->new_modules = imports.keep();
    report.id = next_id_++;
    report.time = now_in_seconds();
    past->report = report;
    remember(std::move(past));
}

Report Core::rollback(std::uint64_t id, bool cascade) {
    check_allowed();
    Report report;
    {
        const Turn turn;
        std::shared_ptr<Past> past = find(id);
        if (id == 0)
            for (const auto& each : history_)
                if (each->in_force && each->report.kind != "rollback") past = each;
        if (!past || !past->in_force)
            refuse({refusal("rollback-gone", past ? "update #" + std::to_string(past->report.id) : "")});
        std::vector<std::shared_ptr<Past>> later;
        for (auto each = history_.rbegin(); each != history_.rend() && *each != past; ++each)
            if ((*each)->in_force && (*each)->report.kind != "rollback" && overlap(**each, *past))
                later.push_back(*each);
        if (!later.empty() && !cascade) refuse(later_touches(*past, later));
        for (const auto& each : later) undo(each);
        report = undo(past);
    }
    publish(report);
    return report;
}

Report Core::undo(const std::shared_ptr<Past>& past) {
    const auto start = Clock::now();
    Report report;
    report.kind = "rollback";
    report.modules = past->report.modules;
    auto done = std::make_shared<Past>();
    AppliedGuard applied([&] {
        undo_all(done->journal);
        forget_replaced(done->replaced_code);
        unfailing([&] { remember_replaced(past->replaced_code); });
    });
    {
        const NoCollection no_collection;
        Inverse inverse = invert(past->journal, past->replaced_code);
        carry_events(inverse.replaced_code);
        remove_modules(past->new_modules, inverse.journal);
        prepare(inverse.journal);
        const std::vector<ChangedCallee> callees = changed_callees(inverse.journal);
        const std::set<PyObject*> callers =
            callees.empty() ? std::set<PyObject*>() : running_code(inverse.replaced_code);
        done->journal = std::move(inverse.journal);
        done->replaced_code = std::move(inverse.replaced_code);
        apply_all(done->journal);
        applied.applied();
        forget_ended_callers();
        if (!callers.empty()) redirect_callers(callees, callers);
        renew_derived(changed_classes(done->journal));
        forget_replaced(past->replaced_code);
        remember_replaced(done->replaced_code);
        report.changes = std::move(inverse.changes);
        report.kept = std::move(inverse.kept);
        report.stale = stale_now();
        report.timing.pause = seconds_since(start);
    }
    applied.keep();
    loosen(done->journal);
    if (past->touches_undone) {
        redo_touches(past->touches);
    } else {
        undo_touches(past->touches);
    }
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
    for (const auto& each : history_)
        std::erase_if(each->superseded, [&](const auto& by) { return by.second == past->report.id; });
    past->in_force = false;
    done->undoes = past->report.id;
    if (past->undoes != 0)
        if (const auto original = find(past->undoes)) original->in_force = true;
    report.id = next_id_++;
    report.time = now_in_seconds();
    report.timing.total = seconds_since(start);
    done->report = report;
    remember(done);
    return report;
}

}  // namespace rebottle
