#include "commit/escaped.hpp"

#include <algorithm>
#include <map>

#include "commit/replace.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

bool is_created(const Outcome& outcome, PyObject* object) {
    return std::any_of(outcome.created.begin(), outcome.created.end(),
                       [&](const Ref& made) { return made.get() == object; });
}

void list_former_key(PyObject* object, PyObject* key, Resolved& resolved) {
    auto* function = reinterpret_cast<PyFunctionObject*>(object);
    const std::string shown =
        PyUnicode_Check(key) ? "'" + to_text(key) + "'" : std::string("of type ") + Py_TYPE(key)->tp_name;
    const std::string module = function->func_module != nullptr && PyUnicode_Check(function->func_module)
                                   ? to_text(function->func_module) + "."
                                   : "";
    resolved.kept.push_back(
        {module + to_text(function->func_qualname), "its entry under the former key " + shown + " stays", "", 0});
}

void replace(const std::map<PyObject*, Ref>& pairs, const std::vector<PyObject*>& ignored, const Outcome& outcome,
             Resolved& resolved, Journal& journal) {
    if (pairs.empty()) return;
    Replacements replaced = replace_references(pairs, ignored, journal);
    for (const auto& [object, key] : replaced.former_keys)
        if (PyFunction_Check(object) && is_created(outcome, object)) list_former_key(object, key.get(), resolved);
    for (Ref& type : replaced.touched_types) resolved.touched_types.push_back(std::move(type));
}

}  // namespace

void replace_escaped(const Outcome& outcome, Resolved& resolved) {
    std::map<PyObject*, Ref> escaped;
    std::map<PyObject*, Ref> becoming;
    std::map<PyObject*, Py_ssize_t> own;  // references that only the stage holds
    for (const auto& [object, bottle] : outcome.bottles) own[object] = 0;
    const auto count = [&](PyObject* object) {
        if (const auto known = own.find(object); known != own.end()) ++known->second;
    };
    for (const auto& [ns, live] : outcome.live_globals)
        for_items(ns, [&](PyObject*, PyObject* value) { count(value); });
    for (const Ref& made : outcome.created) count(made.get());
    for (const Ref& held : outcome.held) count(held.get());
    for (const Binding& binding : outcome.bindings)
        if (binding.after) count(binding.after.get());
    for (const ClassMerge& merge : outcome.merges) count(merge.staged.get());
    for (PyObject* object : outcome.staging_holds) count(object);
    for (const auto& [object, bottle] : outcome.bottles)
        if (Py_REFCNT(object) > own[object] && object != bottle.get() && has_identity(object))
            (resolved.becoming.contains(object) ? becoming : escaped).emplace(object, bottle);
    std::vector<PyObject*> ignored;
    for (const auto& [ns, live] : outcome.live_globals) ignored.push_back(ns);
    for (PyObject* object : outcome.our_containers) ignored.push_back(object);
    for (const auto& [object, bottle] : escaped) ignored.push_back(object);
    for (const auto& [object, bottle] : becoming) ignored.push_back(object);
    replace(becoming, ignored, outcome, resolved, resolved.journal);
    replace(escaped, ignored, outcome, resolved, resolved.landing);
}

}  // namespace rebottle
