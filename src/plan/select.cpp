// Which modules an update is about, and their new versions.
#include <algorithm>
#include <chrono>
#include <set>

#include "plan/heirs.hpp"
#include "plan/plan.hpp"
#include "plan/rules.hpp"

namespace rebottle {
namespace {

using Clock = std::chrono::steady_clock;

struct Wanted {
    std::string name;
    bool by_name = true;  // named one by one, not by a pattern
};

std::vector<Wanted> select(const Request& request) {
    std::vector<Wanted> wanted;
    std::set<std::string> seen;
    const auto add = [&](const std::string& name, bool by_name) {
        if (seen.insert(name).second) wanted.push_back({name, by_name});
    };
    for (const std::string& each : request.modules) {
        if (each.find('*') != std::string::npos) {
            for (const std::string& name : Modules::matching(each)) add(listed_name(name), false);
        } else {
            add(listed_name(each), true);
        }
    }
    for (const auto& [name, text] : request.sources) add(name, true);
    if (request.all_tracked)
        for (const std::string& name : Modules::instance().tracked()) add(name, false);
    return wanted;
}

// The new version of one wanted module; nothing where there is nothing to do.
std::optional<Version> new_version(const Wanted& wanted, PyObject* module, ModuleRecord& record, const Request& request,
                                   Plan& plan) {
    if (const auto text = request.sources.find(wanted.name); text != request.sources.end())
        return handed_version(wanted.name, module, text->second, record.version);
    if (!wanted.by_name && request.force == Force::none && !Modules::instance().maybe_changed(record))
        return std::nullopt;
    std::optional<Version> version = find_version(wanted.name, module, &record.version);
    if (!version) {
        if (wanted.by_name)
            throw SourceError(wanted.name, record.version.path, 0, "the import system doesn't find it any more");
        if (request.prune) {
            plan.gone.push_back(wanted.name);
        } else {
            plan.kept.push_back({wanted.name, "the import system doesn't find it any more", record.version.path, 0});
        }
    }
    return version;
}

void plan_module(const Wanted& wanted, const Request& request, Plan& plan) {
    const Ref module = loaded_module(wanted.name);
    if (!module) throw UnknownModule{wanted.name};
    if (!PyModule_Check(module.get())) {
        if (wanted.by_name) plan.refusals.push_back(refusal("not-a-module", wanted.name));
        return;
    }
    ModuleRecord& record = Modules::instance().record(wanted.name);
    const auto start = Clock::now();
    std::optional<Version> now;
    try {
        now = new_version(wanted, module.get(), record, request, plan);
    } catch (const CompiledModule& compiled) {
        if (wanted.by_name) plan.refusals.push_back(refusal("compiled-module", wanted.name, "", compiled.path));
        return;
    }
    const auto read = Clock::now();
    plan.read += std::chrono::duration<double>(read - start).count();
    if (!now) return;
    ModulePlan compared = compare(record, std::move(*now), request);
    leave_out_unreached(compared);
    plan.kept.insert(plan.kept.end(), compared.kept.begin(), compared.kept.end());
    plan.compile += std::chrono::duration<double>(Clock::now() - read).count();
    plan.refusals.insert(plan.refusals.end(), compared.refusals.begin(), compared.refusals.end());
    if (compared.refusals.empty()) plan.modules.push_back(std::move(compared));
}

}  // namespace

Plan plan(const Request& request) {
    Plan result;
    refresh_finders();
    for (const Wanted& wanted : select(request)) plan_module(wanted, request, result);
    if (result.refusals.empty()) add_heirs(result);
    return result;
}

}  // namespace rebottle
