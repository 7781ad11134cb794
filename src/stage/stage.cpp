#include "stage/stage.hpp"

#include <algorithm>
#include <memory>

#include "code/index.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

// Remembers the functions made while it lives.
class Recording {
   public:
    Recording() { CodeIndex::instance().start_recording(); }
    ~Recording() {
        if (CodeIndex::instance().recording()) stop();
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    std::vector<Ref> stop() { return CodeIndex::instance().stop_recording(); }
};

bool runs_something(const std::vector<Edit>& edits) {
    return std::any_of(edits.begin(), edits.end(), [](const Edit& edit) {
        if (edit.kind == Kind::members) return runs_something(edit.members);
        return edit.kind != Kind::lines && edit.kind != Kind::body;
    });
}

// The new code of functions that only change their bodies: what twins run.
std::map<PyCodeObject*, Ref> new_code_of(const ModulePlan& plan) {
    std::map<PyCodeObject*, Ref> found;
    CodeIndex& index = CodeIndex::instance();
    for (const Edit& edit : plan.edits) {
        if (edit.kind != Kind::body || edit.now.kind != Statement::Kind::function) continue;
        PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
        PyCodeObject* now_code = find_code(as_code(edit.now_root.get()), edit.where, edit.now.line);
        if (old_code == nullptr || now_code == nullptr) continue;
        for (PyCodeObject* code : index.codes(plan.record->version.path, edit.where))
            if (same_code(code, old_code)) found.emplace(code, Ref::borrow(as_object(now_code)));
    }
    return found;
}

}  // namespace

Outcome stage(Plan& plan, const Request& request, World& world) {
    Outcome outcome;
    Recording recording;
    std::vector<std::unique_ptr<ModuleStage>> stages;
    for (ModulePlan& module : plan.modules) {
        stages.push_back(std::make_unique<ModuleStage>(module, request, outcome));
        ModuleStage& one = *stages.back();
        if (!runs_something(module.edits)) {
            one.without_running();
            continue;
        }
        StagedModule& staged = world.add(module.name, module.module, new_code_of(module), nullptr);
        staged.run = [&one, &staged] { one.run(staged); };
    }
    for (const auto& staged : world.modules()) World::reach(*staged);
    outcome.created = recording.stop();
    for (const auto& staged : world.modules()) {
        outcome.live_globals.emplace(staged->ns.get(), Ref::borrow(staged->live));
        for (const auto& [twin, original] : staged->twins) outcome.bottles.emplace(twin, original);
    }
    return outcome;
}

}  // namespace rebottle
