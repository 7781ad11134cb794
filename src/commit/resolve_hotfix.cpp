#include "commit/resolve_hotfix.hpp"
#include "commit/stand_in.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "commit/class_merge.hpp"
#include "commit/pour.hpp"
#include "commit/replace.hpp"
#include "plan/plan.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyFunctionObject* as_function(PyObject* object) { return reinterpret_cast<PyFunctionObject*>(object); }

PyObject* module_dict(const Binding& binding) {
    const Ref module = loaded_module(binding.module);
    return module && PyModule_Check(module.get()) ? PyModule_GetDict(module.get()) : nullptr;
}

class HotfixResolver {
   public:
    explicit HotfixResolver(Snippet& snippet)
        : snippet_(snippet), outcome_(snippet.outcome), pour_(outcome_, result_.resolved) {
        for (const Ref& object : snippet.young) young_.insert(object.get());
    }

    ResolvedHotfix run() {
        for (const Binding& binding : outcome_.bindings) resolve(binding);
        for (const ClassMerge& merge : merges_) merge_like(merge, outcome_, pour_, result_.resolved);
        replace_captured();
        replace_followers();
        return std::move(result_);
    }

   private:
    void report(const char* kind, const Binding& binding) {
        result_.resolved.changes.push_back({kind, binding.module + "." + binding.where, "", 0});
    }

    void resolve(const Binding& binding) {
        PyObject* live = binding.before.get();
        PyObject* now = binding.after.get();
        if (live == nullptr || now == nullptr) {
            report(now == nullptr ? "removed" : "name-added", binding);
        } else if (is_data(live) && is_data(now)) {
            resolve_data(binding);
        } else if (!is_own(binding)) {
            report("name-rebound", binding);
        } else if (PyFunction_Check(live) && PyFunction_Check(now)) {
            pour(binding, live, now);
            hold_again(binding);
            report("function-code", binding);
        } else if (Py_IS_TYPE(live, Py_TYPE(now)) && pour_inside(binding)) {
            hold_again(binding);
            report("function-code", binding);
        } else if (PyType_Check(live) && PyType_Check(now)) {
            resolve_class(binding);
        } else {
            follow(binding);
        }
    }

    void hold_again(const Binding& binding) { write_name(binding, binding.before); }

    void write_name(const Binding& binding, const Ref& after) {
        if (PyType_Check(binding.owner.get())) {
            result_.resolved.journal.push_back(
                MemberWrite{binding.owner, binding.name, binding.after, after, binding.module + "." + binding.where});
        } else {
            result_.resolved.journal.push_back(NameWrite{Ref::borrow(PyModule_GetDict(binding.owner.get())),
                                                         binding.name, binding.after, after,
                                                         binding.module + "." + binding.where});
        }
    }

    // --- whose bottle

    // Whether a function is the one that the definition with this name made.
    static bool is_definition(PyObject* object, const Binding& binding) {
        if (!PyFunction_Check(object)) return false;
        auto* code = as_code(as_function(object)->func_code);
        if (as_function(object)->func_globals == module_dict(binding) && qualname(code) == binding.where) return true;
        const auto codes = stand_ins(binding.module, binding.where);
        return std::find(codes.begin(), codes.end(), code) != codes.end();
    }

    // Whether the name's own statement bound the object that it held: the function itself, or what decorators made of
    // it.
    static bool is_own(const Binding& binding) {
        PyObject* live = binding.before.get();
        if (PyType_Check(live)) {
            PyObject* dict = module_dict(binding);
            const Ref qualified = Ref::steal(PyType_GetQualName(reinterpret_cast<PyTypeObject*>(live)));
            const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(live)));
            PyObject* module = dict_get(members.get(), "__module__");
            return dict != nullptr && module != nullptr && PyUnicode_Check(module) &&
                   to_text(module) == binding.module && to_text(qualified.get()) == binding.where;
        }
        bool own = false;
        for_reachable(live, [&](PyObject* object) { own = own || is_definition(object, binding); });
        return own;
    }

    // --- functions

    void pour(const Binding& binding, PyObject* live, PyObject* now) {
        captured_.emplace(live, copy_of_function(as_function(live)));
        pour_.whole_function(as_function(live), as_function(now), binding.module + "." + binding.where,
                             Pour::Names::stay);
        result_.stand_ins.emplace_back(Ref::borrow(as_function(now)->func_code), binding);
    }

    // Function by function, for a classmethod, a staticmethod or a property; false where they aren't functions.
    bool pour_inside(const Binding& binding) {
        const std::vector<PyObject*> live = accessors(binding.before.get());
        const std::vector<PyObject*> now = accessors(binding.after.get());
        if (live.empty()) return false;
        for (std::size_t i = 0; i < live.size(); ++i)
            if ((live[i] == nullptr) != (now[i] == nullptr) ||
                (live[i] != nullptr && (!PyFunction_Check(live[i]) || !PyFunction_Check(now[i]))))
                return false;
        for (std::size_t i = 0; i < live.size(); ++i)
            if (live[i] != nullptr && live[i] != now[i]) pour(binding, live[i], now[i]);
        captured_.emplace(binding.before.get(), copy_of_holder(binding.before.get(), live));
        return true;
    }

    // A classmethod, staticmethod or property like this one, around functions with the old content.
    Ref copy_of_holder(PyObject* holder, const std::vector<PyObject*>& functions) const {
        std::vector<PyObject*> arguments;
        for (PyObject* function : functions) {
            const auto twin = captured_.find(function);
            arguments.push_back(twin != captured_.end() ? twin->second.get()
                                : function == nullptr   ? Py_None
                                                        : function);
        }
        return Ref::steal(PyObject_Vectorcall(reinterpret_cast<PyObject*>(Py_TYPE(holder)), arguments.data(),
                                              arguments.size(), nullptr));
    }

    static std::vector<PyObject*> accessors(PyObject* holder) {
        PyObject** fields = held_by(holder);
        if (Py_IS_TYPE(holder, &PyClassMethod_Type) || Py_IS_TYPE(holder, &PyStaticMethod_Type)) return {fields[0]};
        if (Py_IS_TYPE(holder, &PyProperty_Type)) return {fields[0], fields[1], fields[2]};
        return {};
    }

    // --- what can't take the new content: its holders get the new object, or it passes calls on

    void follow(const Binding& binding) {
        PyObject* live = binding.before.get();
        if (PyFunction_Check(live) && PyCallable_Check(binding.after.get()) && !PyType_Check(binding.owner.get())) {
            captured_.emplace(live, copy_of_function(as_function(live)));
            pour_.forward(as_function(live), binding.after.get(), binding.module + "." + binding.where);
        } else {
            followers_.emplace(live, binding.after);
        }
        report("kind-changed", binding);
    }

    void resolve_class(const Binding& binding) {
        auto* now = reinterpret_cast<PyTypeObject*>(binding.after.get());
        if (!young_.contains(binding.after.get()) || (now->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) {
            report("name-rebound", binding);
            return;
        }
        ClassMerge merge;
        merge.live = binding.before;
        merge.staged = binding.after;
        merge.module = binding.module;
        merge.where = binding.where;
        const Ref dict = Ref::steal(PyType_GetDict(binding.before.as<PyTypeObject>()));
        for_items(dict.get(), [&](PyObject* name, PyObject*) { merge.old_names.push_back(to_text(name)); });
        merges_.push_back(std::move(merge));
        followers_.emplace(binding.after.get(), binding.before);
        hold_again(binding);
    }

    // --- data

    void resolve_data(const Binding& binding) {
        report("data-replaced", binding);
        if (!is_table(binding.before.get(), binding.after.get()) || is_held_by_a_module(binding.after.get(), binding)) {
            for (const auto& [dict, name] : binding.importers)
                result_.resolved.journal.push_back(
                    NameWrite{dict, name, binding.before, binding.after, binding.module + "." + binding.where});
            return;
        }
        const auto copy = [](PyObject* table) { return call_method(table, "copy"); };
        result_.resolved.journal.push_back(TableWrite{binding.before, copy(binding.after.get()),
                                                      copy(binding.before.get()), copy(binding.after.get()),
                                                      binding.module + "." + binding.where});
        followers_.emplace(binding.after.get(), binding.before);
        hold_again(binding);
    }

    // An alias of another module's table is an alias afterwards.
    static bool is_held_by_a_module(PyObject* object, const Binding& binding) {
        bool found = false;
        for_items(PyImport_GetModuleDict(), [&](PyObject*, PyObject* module) {
            if (!PyModule_Check(module) || module == binding.owner.get()) return;
            for_items(PyModule_GetDict(module), [&](PyObject*, PyObject* value) { found = found || value == object; });
        });
        return found;
    }

    // --- references made while the snippet ran

    // What the snippet made, and what that leads to among what was made meanwhile.
    std::vector<PyObject*> made_by_snippet() const {
        std::unordered_set<PyObject*> seen;
        std::vector<PyObject*> waiting{snippet_.names.get()};
        for (const Ref& made : outcome_.created) waiting.push_back(made.get());
        for (const Binding& binding : outcome_.bindings)
            if (binding.after) waiting.push_back(binding.after.get());
        for (const Touch& touch : outcome_.touches)
            std::visit(
                [&](const auto& each) {
                    if (each.after) waiting.push_back(each.after.get());
                },
                touch);
        std::vector<PyObject*> found;
        while (!waiting.empty()) {
            PyObject* object = waiting.back();
            waiting.pop_back();
            const bool made = object == snippet_.names.get() || young_.contains(object);
            if (!made || !seen.insert(object).second) continue;
            found.push_back(object);
            for (PyObject* each : references_in(object)) waiting.push_back(each);
        }
        return found;
    }

    // They mean the old code: they get a function that has it.
    void replace_captured() {
        if (captured_.empty()) return;
        std::map<PyObject*, Ref> pairs;
        for (const auto& [live, twin] : captured_) pairs.emplace(live, twin);
        replace_references_in(made_by_snippet(), pairs, result_.resolved.journal);
        for (const Touch& touch : outcome_.touches) captured_by_touch(touch, pairs);
    }

    void captured_by_touch(const Touch& touch, const std::map<PyObject*, Ref>& pairs) {
        if (const auto* item = std::get_if<ItemTouch>(&touch)) {
            if (const auto twin = pairs.find(item->after.get()); twin != pairs.end() && PyDict_Check(item->owner.get()))
                write_captured(item->owner, item->key, item->after, twin->second);
            return;
        }
        if (const auto* content = std::get_if<ContentTouch>(&touch)) {
            captured_by_list(*content, pairs);
            return;
        }
        const auto* attribute_touch = std::get_if<AttributeTouch>(&touch);
        const auto twin = pairs.find(attribute_touch->after.get());
        if (twin == pairs.end() || attribute_touch->before.get() == attribute_touch->after.get()) return;
        const Ref& owner = attribute_touch->owner;
        if (own_attribute(owner.get(), attribute_touch->name.get()).get() != attribute_touch->after.get()) return;
        if (is_name_of_own_definition(*attribute_touch)) return;
        if (PyType_Check(owner.get())) {
            result_.resolved.journal.push_back(
                MemberWrite{owner, attribute_touch->name, attribute_touch->after, twin->second, ""});
        } else if (const Ref dict = Ref::steal_or_null(PyObject_GenericGetDict(owner.get(), nullptr))) {
            write_captured(dict, attribute_touch->name, attribute_touch->after, twin->second);
        } else {
            dismiss();
        }
    }

    // What the snippet added to a list that was there before; what had been in it stays.
    void captured_by_list(const ContentTouch& touch, const std::map<PyObject*, Ref>& pairs) {
        PyObject* list = touch.owner.get();
        if (!PyList_CheckExact(list) || !touch.before || !touch.after) return;
        const Ref content = content_of(list);
        bool changed = false;
        for (const auto& pair : pairs) {
            const auto count = [&pair](PyObject* items) {
                Py_ssize_t times = 0;
                for_sequence(items, [&](PyObject* item) { times += item == pair.first ? 1 : 0; });
                return times;
            };
            Py_ssize_t added = count(touch.after.get()) - count(touch.before.get());
            for (Py_ssize_t i = PyList_GET_SIZE(content.get()); i-- > 0 && added > 0;)
                if (PyList_GET_ITEM(content.get(), i) == pair.first) {
                    check(PyList_SetItem(content.get(), i, Py_NewRef(pair.second.get())));
                    --added;
                    changed = true;
                }
        }
        if (changed)
            result_.resolved.journal.push_back(
                TableWrite{touch.owner, content, content_of(list), content_of(content.get()), ""});
    }

    bool is_name_of_own_definition(const AttributeTouch& touch) const {
        return std::any_of(outcome_.bindings.begin(), outcome_.bindings.end(), [&](const Binding& binding) {
            return binding.owner.get() == touch.owner.get() &&
                   to_text(binding.name.get()) == to_text(touch.name.get()) && binding.before &&
                   captured_.contains(binding.before.get());
        });
    }

    void write_captured(const Ref& dict, const Ref& key, const Ref& before, const Ref& after) {
        if (dict_get(dict.get(), key.get()) == before.get())
            result_.resolved.journal.push_back(NameWrite{dict, key, before, after, ""});
    }

    void replace_followers() {
        if (followers_.empty()) return;
        std::vector<PyObject*> ignored{snippet_.names.get()};
        for (const Ref& object : snippet_.young) ignored.push_back(object.get());
        for (const auto& [from, to] : followers_) ignored.push_back(from);
        ignored.insert(ignored.end(), outcome_.our_containers.begin(), outcome_.our_containers.end());
        Replacements replaced = replace_references(followers_, ignored, result_.resolved.journal);
        for (Ref& type : replaced.touched_types) result_.resolved.touched_types.push_back(std::move(type));
    }

    Snippet& snippet_;
    Outcome& outcome_;
    ResolvedHotfix result_;
    Pour pour_;
    std::unordered_set<PyObject*> young_;
    std::map<PyObject*, Ref> captured_;   // replaced function -> a function with its old content
    std::map<PyObject*, Ref> followers_;  // object -> what its holders hold instead
    std::vector<ClassMerge> merges_;
};

}  // namespace

ResolvedHotfix resolve_hotfix(Snippet& snippet) { return HotfixResolver(snippet).run(); }

}  // namespace rebottle
