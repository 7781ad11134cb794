#include "engine/hotfix.hpp"

#include "code/index.hpp"
#include "commit/events.hpp"
#include "commit/loosen.hpp"
#include "commit/resolve_hotfix.hpp"
#include "commit/stand_in.hpp"
#include "compat/memory.hpp"
#include "engine/check.hpp"
#include "engine/failure.hpp"
#include "engine/guard.hpp"
#include "live/stale.hpp"
#include "stage/hotfix.hpp"
#include "stage/imports.hpp"
#include "stage/touch.hpp"

namespace rebottle {
namespace {

CodeMap hotfixed_code(const Journal& journal) {
    CodeMap found;
    for (const Write& write : journal)
        if (const auto* function = std::get_if<FunctionWrite>(&write))
            if (function->before.code.get() != function->after.code.get())
                found.emplace(function->before.code, function->after.code);
    return found;
}

// Code that functions have which the snippet made of the replaced ones: it is run again, and on purpose.
CodeMap code_in_use(const CodeMap& replaced) {
    CodeMap found;
    for (const auto& [code, now] : replaced)
        if (!CodeIndex::instance().functions(as_code(code.get())).empty()) found.emplace(code, now);
    return found;
}

void run(const std::string& text, Report& report, History& history) {
    const auto start = Clock::now();
    ImportState imports;
    Snippet snippet;
    TouchGuard touched(snippet.outcome.touches);
    run_snippet(text, report.name, snippet);
    report.timing.stage = seconds_since(start);
    report.modules = snippet.modules;
    audit_update("hotfix", snippet.modules);
    auto past = std::make_shared<Past>();
    AppliedGuard applied([&] {
        undo_all(past->journal);
        forget_replaced(past->replaced_code);
        forget_replaced(past->hotfixed_code);
    });
    {
        const NoCollection no_collection;
        const auto pausing = Clock::now();
        history.add_copies(snippet.outcome.our_containers);
        ResolvedHotfix hotfix = resolve_hotfix(snippet);
        carry_events(hotfix.resolved.replaced_code);
        if (!hotfix.resolved.refusals.empty()) refuse(hotfix.resolved.refusals, report);
        prepare(hotfix.resolved.journal);
        const compat::SureMemory sure;
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
    past->hotfixed_code = hotfixed_code(past->journal);
    remember_replaced(past->hotfixed_code, Holders::meant);
    report.stale = stale_now();
    forget_replaced(code_in_use(past->hotfixed_code));
    past->touches = snippet.outcome.touches;
    forget_born(past->touches, snippet.outcome.born);
    const compat::SureMemory sure;
    applied.keep();
    touched.keep();
    past->new_modules = imports.keep();
    loosen(past->journal);
    history.number(report);
    past->report = report;
    history.add(std::move(past));
}

}  // namespace

Report hotfix(const std::string& text, const std::string& name, History& history) {
    const auto start = Clock::now();
    Report report;
    report.kind = "hotfix";
    report.name = name;
    try {
        run(text, report, history);
    } catch (const SourceError& error) {
        fail(error, report);
    } catch (const ExecutionError& error) {
        fail(error, report);
    }
    report.timing.total = seconds_since(start);
    history.all().back()->report = report;
    return report;
}

}  // namespace rebottle
