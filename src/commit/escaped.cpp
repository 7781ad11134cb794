#include "commit/escaped.hpp"

#include <algorithm>
#include <map>

#include "commit/ours.hpp"
#include "commit/replace.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

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

// A class was registered under a key that its statement names no more.
void drop_former_key(const Replacements::FormerKey& entry, const Ref& live, Outcome& outcome, Journal& journal) {
    for (const ClassMerge& merge : outcome.merges) {
        if (merge.staged.get() != entry.object) continue;
        const bool gone = std::any_of(merge.gone_literals.begin(), merge.gone_literals.end(),
                                      [&](const Ref& each) { return equal(each.get(), entry.key.get()); });
        if (!gone) continue;
        journal.push_back(NameWrite{entry.dict, entry.key, live, Ref(), ""});
        const Ref before = content_of(entry.dict.get());
        const Ref after = Ref::steal(PyList_New(0));
        for_sequence(before.get(), [&](PyObject* pair) {
            if (PyTuple_GET_ITEM(pair, 0) != entry.key.get()) check(PyList_Append(after.get(), pair));
        });
        outcome.touches.push_back(ContentTouch{entry.dict, before, after});  // its place among the entries, too
    }
}

void replace(const std::map<PyObject*, Ref>& pairs, const std::vector<PyObject*>& ignored, Outcome& outcome,
             Resolved& resolved, Journal& journal) {
    if (pairs.empty()) return;
    Replacements replaced = replace_references(pairs, ignored, journal);
    for (const auto& entry : replaced.former_keys)
        if (outcome.created.contains(entry.object)) {
            list_former_key(entry.object, entry.key.get(), resolved);
        } else if (PyType_Check(entry.object)) {
            drop_former_key(entry, pairs.at(entry.object), outcome, journal);
        }
    for (Ref& type : replaced.touched_types) resolved.touched_types.push_back(std::move(type));
}

}  // namespace

void replace_escaped(Outcome& outcome, Resolved& resolved) {
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
    add_copies(outcome.touches, ignored);  // `map_touches` maps them
    for (const auto& [object, bottle] : escaped) ignored.push_back(object);
    for (const auto& [object, bottle] : becoming) ignored.push_back(object);
    replace(becoming, ignored, outcome, resolved, resolved.journal);
    replace(escaped, ignored, outcome, resolved, resolved.landing);
}

}  // namespace rebottle
