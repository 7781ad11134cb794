#include "stage/stage.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "compat/memory.hpp"
#include "plan/importers.hpp"
#include "stage/decorated.hpp"
#include "stage/elsewhere.hpp"
#include "stage/followers.hpp"
#include "stage/module_stage.hpp"
#include "stage/nursery.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

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

bool is_within(int line, const Statement& statement) {
    return line >= statement.line && line <= last_line(statement.node.get()) + statement.offset;
}

// Another name of the same scope.
std::string beside(const std::string& where, const std::string& name) {
    return where.substr(0, where.rfind('.') + 1) + name;
}

void collect_replaced(const std::vector<Edit>& edits, const ModulePlan& plan, std::set<PyCodeObject*>& codes) {
    for (const Edit& edit : edits) {
        if (edit.kind == Kind::lines || edit.kind == Kind::gone) continue;
        collect_replaced(edit.members, plan, codes);
        if (!edit.old) continue;
        CodeIndex& index = CodeIndex::instance();
        const std::string& path = plan.record->version.path;
        if (edit.old.kind == Statement::Kind::function) {
            for (PyCodeObject* code : index.codes(path, edit.where)) codes.insert(code);
        } else if (edit.old.kind == Statement::Kind::assignment) {
            for (PyCodeObject* code : index.codes(path, beside(edit.where, "<lambda>")))
                if (is_within(code->co_firstlineno, edit.old)) codes.insert(code);
        }
    }
}

// Code that a staged statement must not enter: it is replaced, or it reads a name of its module that is another one in
// the stage.
class Forbidden {
   public:
    Forbidden(const Plan& plan, const Deferral& deferral) : deferral_(deferral) {
        for (const ModulePlan& module : plan.modules) {
            collect_replaced(module.edits, module, replaced_);
            std::set<std::string>& names = changed_[namespace_of(module.module.get())];
            for (const Edit& edit : module.edits)
                if (edit.kind != Kind::lines && edit.kind != Kind::body && edit.kind != Kind::members)
                    names.insert(edit.now.binds.begin(), edit.now.binds.end());
        }
    }

    bool operator()(PyCodeObject* code, PyObject* globals) const {
        return replaced_.contains(code) || reads_changed_names(code, globals) ||
               deferral_.changed.concern(code, globals);
    }

   private:
    bool reads_changed_names(PyCodeObject* code, PyObject* globals) const {
        const auto names = changed_.find(globals);
        if (names == changed_.end()) return false;
        bool reads = false;
        for_sequence(code->co_names, [&](PyObject* each) {
            const std::string name(view(each));
            reads = reads || names->second.contains(name) || deferral_.attributes.contains(name);
        });
        return reads;
    }

    const Deferral& deferral_;
    std::set<PyCodeObject*> replaced_;
    std::map<PyObject*, std::set<std::string>> changed_;  // by the live namespace
};

// A namespace gets back the names that it had; nobody else wrote to it meanwhile.
void take_names_back(PyObject* names, PyObject* former) {
    const Ref now = Ref::steal(PyDict_Copy(names));
    for_items(now.get(), [&](PyObject* name, PyObject* value) {
        PyObject* before = dict_get(former, name);
        if (before == nullptr) {
            check(PyDict_DelItem(names, name));
        } else if (before != value) {
            dict_set(names, name, before);
        }
    });
    for_items(former, [&](PyObject* name, PyObject* value) {
        if (dict_get(names, name) == nullptr) dict_set(names, name, value);
    });
}

// Whether a call of the function that the old statement defines only makes a generator or a coroutine.
bool starts_later(const Edit& edit) {
    PyCodeObject* code = edit.old && edit.old.kind == Statement::Kind::function
                             ? find_code(as_code(edit.old_root.get()), edit.where, edit.old.line)
                             : nullptr;
    return code != nullptr && (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

void collect_changed(const ModulePlan& plan, const std::vector<Edit>& edits, Deferral& deferral) {
    PyObject* names = namespace_of(plan.module.get());
    for (const Edit& edit : edits) {
        if (edit.kind == Kind::lines) continue;
        if (edit.old && edit.where == edit.old.defined_name()) {
            if (PyObject* live = dict_get(names, edit.where); live != nullptr && !PyType_Check(live))
                deferral.changed.add_function(Ref::borrow(live), edit.kind == Kind::body && !starts_later(edit));
        }
        if (edit.kind != Kind::members && edit.kind != Kind::aside) continue;
        if (const Ref live = live_class(names, edit.where)) deferral.changed.add_class(live, edit);
        if (edit.kind == Kind::aside) continue;
        deferral.classes = true;
        for (const Edit& member : edit.members)
            if (member.kind != Kind::lines && (member.kind != Kind::body || starts_later(member))) {
                const std::vector<std::string>& bound = (member.now ? member.now : member.old).binds;
                deferral.attributes.insert(bound.begin(), bound.end());
            }
        collect_changed(plan, edit.members, deferral);
    }
}

void take_import(const StagedModule& source, const std::string& name, StagedModule& staged, const std::string& as,
                 ModuleStage& stage) {
    PyObject* before = dict_get(source.live, name);
    PyObject* after = dict_get(source.ns.get(), name);
    if (before == nullptr || after == nullptr || before == after || dict_get(staged.live, as) != before) return;
    if (is_data(before)) {
        stage.take(staged, as, Ref::borrow(after));
    } else if (PyType_Check(before) && PyType_Check(after)) {  // run aside: it becomes the same class at the commit
        dict_set(staged.ns.get(), as, after);
        dict_set(staged.before.get(), as, after);
    }
}

// A module of the update that imported data which another one renews, or a class which it runs aside, sees the new
// ones from the start.
void take_renewed_imports(World& world, const ModulePlan& plan, StagedModule& staged, ModuleStage& stage) {
    if (world.modules().size() < 2) return;
    for (const ImportedName& each : imported_names(*plan.record, plan.module.get())) {
        const Ref target = loaded_module(each.module);
        StagedModule* source = target ? world.find(target.get()) : nullptr;
        if (source == nullptr || source == &staged) continue;
        World::reach(*source);
        if (each.name != "*") {
            take_import(*source, each.name, staged, each.as, stage);
            continue;
        }
        const Ref names = Ref::steal(PyDict_Keys(staged.live));
        for_sequence(names.get(), [&](PyObject* name) {
            if (PyUnicode_Check(name)) take_import(*source, to_text(name), staged, to_text(name), stage);
        });
    }
}

// Modules that imported renewed data take the new values; what they derived from it is evaluated again.
void stage_followers(Plan& plan, const Request& request, World& world, Outcome& outcome, Recorder& recorder) {
    for (std::size_t first = 0; first < outcome.bindings.size();) {
        const std::size_t end = outcome.bindings.size();
        std::map<std::string, std::vector<Taker>> fresh;
        for (const Taker& taker : add_importers(outcome, first)) {
            if (world.find(taker.object.get()) == nullptr) fresh[taker.module].push_back(taker);
        }
        first = end;
        for (const auto& [name, takers] : fresh) {
            ModulePlan& follower = plan.followers.emplace_back();
            follower.name = name;
            follower.module = takers.front().object;
            follower.record = &Modules::instance().record(name);
            follower.now = follower.record->version;
            follower.flags = future_flags(follower.now);
            ModuleStage stage(follower, 0, request, outcome, nullptr);
            StagedModule& staged = world.add(name, follower.module, {}, nullptr);
            recorder.ignore(staged.ns.get());
            staged.run = [&] { stage.run(staged); };
            for (const Taker& taker : takers) stage.take(staged, taker.as, taker.value);
            World::reach(staged);
            staged.run = nullptr;
        }
    }
}

}  // namespace

void stage(Plan& plan, const Request& request, World& world, Outcome& outcome) {
    list_decorated(plan, outcome);
    Recording recording;
    Deferral deferral;
    std::vector<std::unique_ptr<ModuleStage>> stages;
    std::vector<std::function<void()>> starts;  // in the order of the world's modules
    for (std::size_t i = 0; i < plan.modules.size(); ++i) {
        ModulePlan& module = plan.modules[i];
        stages.push_back(std::make_unique<ModuleStage>(module, i, request, outcome, &deferral));
        ModuleStage& one = *stages.back();
        one.prepare();
        collect_changed(module, module.edits, deferral);
        if (!runs_something(module.edits) && !module.import_names) {
            one.without_running();
            continue;
        }
        StagedModule& staged = world.add(module.name, module.module, new_code_of(module), nullptr);
        starts.emplace_back([&] {
            take_renewed_imports(world, module, staged, one);
            one.run(staged);
        });
    }
    if (!world.modules().empty()) {
        const Nursery nursery;
        Recorder recorder{Forbidden(plan, deferral)};
        deferral.recorder = &recorder;
        deferral.world = &world;
        for (std::size_t i = 0; i < starts.size(); ++i) {
            world.modules()[i]->run = std::move(starts[i]);
            recorder.ignore(world.modules()[i]->ns.get());
        }
        for (const auto& staged : world.modules()) World::reach(*staged);
        stage_followers(plan, request, world, outcome, recorder);
        settle_gone(outcome);
        outcome.touches = recorder.take();
        outcome.born = nursery.born(outcome.touches);
    }
    outcome.created = Created(recording.stop());
    if (request.force == Force::none) list_elsewhere(plan, outcome);
    for (const auto& staged : world.modules()) {
        outcome.live_globals.emplace(staged->ns.get(), Ref::borrow(staged->live));
        for (const auto& [twin, original] : staged->twins) outcome.bottles.emplace(twin, original);
    }
}

void drop_staged(Outcome& outcome, World& world) {
    Touches touches = std::move(outcome.touches);
    outcome = Outcome();
    outcome.touches = std::move(touches);
    for (const auto& module : world.modules()) {
        const auto twins = std::move(module->twins);
        const Ref names = Ref::steal(PyDict_Copy(module->ns.get()));
        for_items(names.get(), [&](PyObject* name, PyObject* value) {
            if (const auto twin = twins.find(value); twin != twins.end())
                dict_set(module->ns.get(), name, twin->second.get());
        });
        PyDict_Clear(module->before.get());
    }
}

NamesGuard::~NamesGuard() {
    const ErrorAside aside;
    const compat::SureMemory sure;
    for (auto each = namespaces_.rbegin(); each != namespaces_.rend(); ++each)
        unfailing([&] { take_names_back(each->first.get(), each->second.get()); });
}

void run_deferred(Plan& plan, const Request& request, const std::vector<Deferred>& deferred, Outcome& outcome,
                  NamesGuard& names) {
    Recording recording;
    const Nursery nursery;
    Recorder recorder;
    for (std::size_t first = 0; first < deferred.size();) {
        const std::size_t module = deferred[first].module;
        std::vector<std::vector<std::size_t>> paths;
        for (; first < deferred.size() && deferred[first].module == module; ++first)
            paths.push_back(deferred[first].path);
        StagedModule live;
        live.name = plan.modules[module].name;
        live.module = plan.modules[module].module;
        live.live = namespace_of(live.module.get());
        live.ns = Ref::borrow(live.live);
        live.before = Ref::steal(PyDict_Copy(live.live));
        names.add(live.ns, live.before);
        recorder.ignore(live.live);
        ModuleStage(plan.modules[module], module, request, outcome, nullptr).run_deferred(live, paths);
    }
    settle_gone(outcome);
    outcome.touches = recorder.take();
    outcome.born = nursery.born(outcome.touches);
    outcome.created = Created(recording.stop());
    add_importers(outcome, 0);
}

}  // namespace rebottle
