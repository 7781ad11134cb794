#include "commit/resolve.hpp"

#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "commit/class_merge.hpp"
#include "commit/escaped.hpp"
#include "commit/gifts.hpp"
#include "commit/made_again.hpp"
#include "commit/pour.hpp"
#include "commit/stand_in.hpp"
#include "commit/tables.hpp"
#include "compat/compat.hpp"
#include "live/stale.hpp"
#include "plan/plan.hpp"
#include "source/modules.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

// Resolves one outcome.
class Resolver {
   public:
    Resolver(Outcome& outcome, const std::vector<Ref*>& ours)
        : outcome_(outcome), ours_(ours), pour_(outcome, result_) {
        for (const Swap& swap : outcome.swaps) {
            staged_code_.insert(as_code(swap.now_code.get()));
            ++definitions_[{swap.module, swap.where}];
        }
    }

    Resolved run() {
        result_.kept = std::move(outcome_.kept);
        result_.changes = std::move(outcome_.changes);
        for (const Change& change : result_.changes)
            if (change.kind == "class-replaced") reported_.insert(change.where);
        result_.refusals = std::move(outcome_.refusals);
        plan_classes(outcome_, ours_, result_);
        const std::vector<Attribute> attributes = statements_attributes();
        for (const Swap& swap : outcome_.swaps) resolve_swap(swap);
        for (const FunctionPour& each : outcome_.pours) resolve_pour(each);
        for (const Binding& binding : outcome_.bindings) resolve_move(binding);
        merge_classes(outcome_, pour_, result_);
        for (const Binding& binding : outcome_.bindings) resolve_binding(binding);
        empty_caches();
        for (const Renewal& renewal : outcome_.renewals) renew(renewal.live, renewal.content, renewal.where);
        result_.shaped = outcome_.shaped;
        for (const Ref& type : outcome_.reshaped) result_.reshaped.push_back(type);
        give_attributes(outcome_, result_);
        settle_tables(result_, outcome_.bottles);
        for (const Attribute& each : attributes) pour_.set_attribute(each.function, each.name, each.value);
        publish_created();
        replace_escaped(outcome_, result_);
        return std::move(result_);
    }

   private:
    // --- functions

    struct Attribute {
        PyFunctionObject* function;
        Ref name;
        Ref value;  // nothing: it was deleted
    };

    // What statements did to attributes of unchanged functions was done to their twins.
    std::vector<Attribute> statements_attributes() const {
        std::vector<Attribute> found;
        for (const Touch& touch : outcome_.touches) {
            const auto* each = std::get_if<AttributeTouch>(&touch);
            const auto live = each == nullptr ? outcome_.bottles.end() : outcome_.bottles.find(each->owner.get());
            if (live != outcome_.bottles.end() && PyFunction_Check(live->second.get()))
                found.push_back({live->second.as<PyFunctionObject>(), each->name, each->after});
        }
        return found;
    }

    void resolve_swap(const Swap& swap) {
        auto* now = as_code(swap.now_code.get());
        const std::vector<PyCodeObject*> codes = live_codes(swap);
        bool found = false;
        pair_made(swap, codes, now);
        for (PyCodeObject* code : codes) found = pour_code(swap, code, now) || found;
        if (sources_.empty()) adopt_evaluated(swap, codes, now);
        if (found && !swap.kind.empty()) report(swap.kind, swap.module, name_of(swap), swap.file, swap.line);
    }

    void resolve_pour(const FunctionPour& pour) {
        auto* live = pour.live.as<PyFunctionObject>();
        auto* staged = pour.staged.as<PyFunctionObject>();
        outcome_.bottles.emplace(pour.staged.get(), pour.live);
        pour_.whole_function(live, staged, pour.place);
        auto* code = as_code(live->func_code);
        if (same_code(code, as_code(staged->func_code))) return;
        result_.replaced_code.emplace(Ref::borrow(live->func_code), Ref::borrow(staged->func_code));
        if (reported_.insert(pour.place).second)
            result_.changes.push_back({"function-code", pour.place, pour.file, pour.line});
    }

    // A lambda bound to a name is the function of that name.
    static std::string name_of(const Swap& swap) {
        constexpr std::string_view lambda = "<lambda>";
        if (!swap.now || !swap.now.binds_lambda() || !swap.where.ends_with(lambda)) return swap.where;
        return swap.where.substr(0, swap.where.size() - lambda.size()) + swap.now.binds.front();
    }

    void report(const std::string& kind, const std::string& module, const std::string& where, const std::string& file,
                int line) {
        const std::string place = where.empty() ? module : module + "." + where;
        if (reported_.insert(place).second) result_.changes.push_back({kind, place, file, line});
    }

    // Code objects that live functions of the definition run: its own, or what a hotfix put there, or what it kept.
    std::vector<PyCodeObject*> live_codes(const Swap& swap) const {
        auto* old_code = as_code(swap.old_code.get());
        std::vector<PyCodeObject*> exact;
        std::vector<PyCodeObject*> others;
        for (PyCodeObject* code : CodeIndex::instance().codes(swap.file, std::string(qualname(old_code)))) {
            if (staged_code_.contains(code) || is_spent(code)) continue;
            (same_code(code, old_code) ? exact : others).push_back(code);
        }
        if (std::any_of(exact.begin(), exact.end(),
                        [&](PyCodeObject* code) { return code->co_firstlineno == old_code->co_firstlineno; }) &&
            is_ambiguous(swap))
            std::erase_if(exact, [&](PyCodeObject* code) { return code->co_firstlineno != old_code->co_firstlineno; });
        if (exact.empty() && !is_ambiguous(swap)) exact = others;
        for (PyCodeObject* code : stand_ins(swap.module, swap.where)) exact.push_back(code);
        return exact;
    }

    // Whether code was replaced by an earlier update and no function runs it any more; only the history holds it.
    bool is_spent(PyCodeObject* code) const {
        if (!replaced_before_.contains(as_object(code))) return false;
        bool used = false;
        for_all_code(code, [&](PyCodeObject* each) { used = used || !CodeIndex::instance().functions(each).empty(); });
        return !used;
    }

    // Whether several definitions of the update share this qualified name.
    bool is_ambiguous(const Swap& swap) const { return definitions_.at({swap.module, swap.where}) > 1; }

    // A module that has put another object in its own place, in sys.modules, leaves its functions the former namespace.
    bool is_former_self(PyObject* globals, PyObject* names) const {
        if (outcome_.live_globals.contains(globals)) return false;  // a staged copy of it
        PyObject* spec = dict_get(globals, "__spec__");
        return spec != nullptr && spec != Py_None && spec == dict_get(names, "__spec__");
    }

    bool belongs(const Swap& swap, PyFunctionObject* function, PyCodeObject* code) const {
        auto* object = reinterpret_cast<PyObject*>(function);
        if (outcome_.bottles.contains(object) || outcome_.created.contains(object)) return false;
        if (function->func_globals == swap.dict || is_former_self(function->func_globals, swap.dict)) return true;
        const auto hotfixed = stand_ins(swap.module, swap.where);
        return std::find(hotfixed.begin(), hotfixed.end(), code) != hotfixed.end();
    }

    PyFunctionObject* evaluated(PyCodeObject* now) const {
        const std::vector<PyFunctionObject*>& made = outcome_.created.running(now);
        return made.empty() ? nullptr : made.back();
    }

    // What a loop makes of one definition, it makes again.
    void pair_made(const Swap& swap, const std::vector<PyCodeObject*>& codes, PyCodeObject* now) {
        sources_.clear();
        const std::vector<PyFunctionObject*>& made = outcome_.created.running(now);
        if (made.size() < 2) return;
        std::vector<PyFunctionObject*> live;
        for (PyCodeObject* code : codes)
            for (PyFunctionObject* each : CodeIndex::instance().functions(code))
                if (belongs(swap, each, code)) live.push_back(each);
        if (made.size() != live.size()) return;
        sources_ = pair_by_defaults(std::move(live), made);
        for (const auto& [former, each] : sources_)
            outcome_.bottles.emplace(reinterpret_cast<PyObject*>(each),
                                     Ref::borrow(reinterpret_cast<PyObject*>(former)));
    }

    // Whether a function whose code is the same may have other defaults or annotations. What blocks define was
    // compared in the stage.
    static bool has_other_parts(const Swap& swap) {
        if (swap.now.kind == Statement::Kind::block) return false;
        if (swap.old.kind != Statement::Kind::function || swap.now.kind != Statement::Kind::function) return true;
        const FunctionShell shell = compare_shells(swap.old.node.get(), swap.now.node.get());
        return shell.defaults || shell.annotations || shell.type_parameters;
    }

    static bool same_decorators(const Swap& swap) {
        return swap.old && swap.now && is_function(swap.old.node.get()) && is_function(swap.now.node.get()) &&
               same_field(swap.old.node.get(), swap.now.node.get(), "decorator_list");
    }

    bool pour_code(const Swap& swap, PyCodeObject* old_code, PyCodeObject* compiled) {
        PyFunctionObject* evaluation = evaluated(compiled);
        const Ref marked = same_decorators(swap) ? marked_alike(old_code, compiled) : Ref::borrow(as_object(compiled));
        auto* now = as_code(marked.get());
        if (swap.kind.empty() && (evaluation == nullptr || !has_other_parts(swap)) && same_code(old_code, now) &&
            same_lines(old_code, now)) {
            move_lines(old_code, now->co_firstlineno - old_code->co_firstlineno);
            return true;
        }
        bool found = false;
        const std::vector<PyFunctionObject*> functions = CodeIndex::instance().functions(old_code);
        for (PyFunctionObject* function : functions)
            if (belongs(swap, function, old_code)) {
                const auto own = sources_.find(function);
                pour_.function(function, now, own == sources_.end() ? evaluation : own->second, swap);
                found = true;
            }
        if (!same_code(old_code, now))
            result_.replaced_code.emplace(Ref::borrow(as_object(old_code)), Ref::borrow(as_object(now)));
        pour_.nested(old_code, now, swap);
        return found;
    }

    void move_lines(PyCodeObject* code, int by) {
        if (by != 0 && moved_.insert(code).second)
            result_.journal.push_back(LineWrite{Ref::borrow(as_object(code)), by});
    }

    // The function that the stage made of a definition stands for the live one.
    void adopt_evaluated(const Swap& swap, const std::vector<PyCodeObject*>& codes, PyCodeObject* now) {
        if (evaluated(now) == nullptr) return;
        std::vector<PyFunctionObject*> live;
        for (PyCodeObject* code : codes)
            for (PyFunctionObject* function : CodeIndex::instance().functions(code))
                if (belongs(swap, function, code)) live.push_back(function);
        if (live.empty()) return;
        // Others may be left over from an update that was rolled back.
        const Ref bound = live_value(swap.dict, swap.where);
        const auto of_name = std::find_if(live.begin(), live.end(), [&](PyFunctionObject* each) {
            return bound && reaches(bound.get(), reinterpret_cast<PyObject*>(each));
        });
        PyFunctionObject* bottle = of_name == live.end() ? live.front() : *of_name;
        for (PyFunctionObject* made : outcome_.created.running(now))
            outcome_.bottles.emplace(reinterpret_cast<PyObject*>(made),
                                     Ref::borrow(reinterpret_cast<PyObject*>(bottle)));
    }

    // Results of former code are forgotten by the functools.lru_cache wrappers of the module.
    void empty_caches() {
        std::map<PyObject*, std::vector<PyObject*>> wrappers;  // in a namespace
        for (const Swap& swap : outcome_.swaps) {
            auto* old_code = as_code(swap.old_code.get());
            if (swap.kind.empty() || same_code(old_code, as_code(swap.now_code.get()))) continue;
            if (const Ref bound = live_value(swap.dict, swap.where)) pour_.empty_caches(bound.get());
            const auto [all, added] = wrappers.try_emplace(swap.dict);
            if (added)
                for_items(swap.dict, [&all = all->second](PyObject*, PyObject* value) {
                    if (compat::is_cache(value)) all.push_back(value);
                });
            for (PyObject* wrapper : all->second)
                if (runs(*compat::cached_function(wrapper), old_code)) pour_.empty_caches(wrapper);
        }
    }

    static bool runs(PyObject* function, PyCodeObject* code) {
        return PyFunction_Check(function) &&
               same_code(as_code(reinterpret_cast<PyFunctionObject*>(function)->func_code), code);
    }

    // --- names

    // A definition gone here, new under the same name in another module of the update, and imported back: the old
    // object is the new one's bottle, in both.
    void resolve_move(const Binding& binding) {
        if (binding.was != Sort::definition || binding.is != Sort::import_ || !binding.before || !binding.after) return;
        PyObject* before = binding.before.get();
        PyObject* after = binding.after.get();
        if (outcome_.bottles.contains(after) || !is_new_elsewhere(after, binding.name.get())) return;
        if (PyFunction_Check(before) && PyFunction_Check(after)) {
            pour_.whole_function(reinterpret_cast<PyFunctionObject*>(before),
                                 reinterpret_cast<PyFunctionObject*>(after), binding.place());
            outcome_.bottles.emplace(after, binding.before);
        } else if (PyType_Check(before) && PyType_Check(after)) {
            ClassMerge merge;
            merge.live = binding.before;
            merge.staged = binding.after;
            merge.module = attribute_text(after, "__module__");
            merge.where = binding.where;
            merge_like(merge, outcome_, pour_, result_);
            result_.journal.push_back(MemberWrite{binding.before, interned("__module__"),
                                                  attribute(before, "__module__"), attribute(after, "__module__"),
                                                  binding.place()});
        }
    }

    bool is_new_elsewhere(PyObject* object, PyObject* name) const {
        const bool added = std::any_of(outcome_.bindings.begin(), outcome_.bindings.end(), [&](const Binding& other) {
            return !other.before && other.after.get() == object && PyUnicode_Compare(other.name.get(), name) == 0;
        });
        if (added) return true;
        const std::vector<std::string>& imported = Modules::instance().noted();
        return std::any_of(imported.begin(), imported.end(), [&](const std::string& module_name) {
            PyObject* module = dict_get(PyImport_GetModuleDict(), module_name);
            return module != nullptr && PyModule_Check(module) && dict_get(PyModule_GetDict(module), name) == object;
        });
    }

    Ref mapped(const Ref& value) const {
        const auto found = outcome_.bottles.find(value.get());
        return found == outcome_.bottles.end() ? value : found->second;
    }

    void resolve_binding(const Binding& binding) {
        Ref after = binding.after ? mapped(binding.after) : Ref();
        if (after && binding.before && after.get() != binding.before.get() && !is_new_data(binding, after))
            after = pour_.adopt(binding, after);
        if (after.get() == binding.before.get()) {
            bind_again(binding);
            return;
        }
        const bool table =
            binding.before && after && binding.kind.starts_with("data") && is_table(binding.before.get(), after.get());
        if (!binding.kind.empty()) report(binding.kind, binding.module, binding.where, file_of(binding), binding.line);
        if (table) {
            renew(binding.before, after, binding.place());
            outcome_.bottles.emplace(after.get(), binding.before);
            return;
        }
        write_name(binding, after);
        for (const auto& [dict, name] : binding.importers)
            if (dict_get(dict.get(), name.get()) == binding.before.get())
                result_.journal.push_back(NameWrite{dict, name, binding.before, after, binding.where});
    }

    // A statement run at the commit has bound the name already: what it made stands for the name's value.
    void bind_again(const Binding& binding) {
        if (!PyModule_Check(binding.owner.get()) || !binding.after) return;
        PyObject* names = PyModule_GetDict(binding.owner.get());
        if (dict_get(names, binding.name.get()) == binding.after.get())
            outcome_.bottles[binding.after.get()] = binding.before;
    }

    // One value instead of another one: nothing of the former is to be kept.
    static bool is_new_data(const Binding& binding, const Ref& after) {
        return binding.kind.starts_with("data") && is_data(binding.before.get()) && is_data(after.get());
    }

    static std::string file_of(const Binding& binding) {
        PyObject* owner = PyModule_Check(binding.owner.get())
                              ? binding.owner.get()
                              : dict_get(PyImport_GetModuleDict(), to_str(binding.module).get());
        PyObject* dict = owner != nullptr && PyModule_Check(owner) ? PyModule_GetDict(owner) : nullptr;
        PyObject* file = dict != nullptr ? dict_get(dict, "__file__") : nullptr;
        return file != nullptr && PyUnicode_Check(file) ? to_text(file) : "";
    }

    void write_name(const Binding& binding, const Ref& after) {
        const std::string where = binding.kind.empty() ? "" : binding.place();
        if (PyType_Check(binding.owner.get())) {
            result_.journal.push_back(MemberWrite{binding.owner, binding.name, binding.before, after, where});
        } else {
            result_.journal.push_back(NameWrite{Ref::borrow(PyModule_GetDict(binding.owner.get())), binding.name,
                                                binding.before, after, where});
        }
    }

    void renew(const Ref& live, const Ref& content, const std::string& where) {
        const auto copy = [](PyObject* table) { return call_method(table, "copy"); };
        map_items(content.get(), outcome_.bottles);
        result_.journal.push_back(TableWrite{live, copy(content.get()), copy(live.get()), copy(content.get()), where});
    }

    // --- what was made in the stage and stays

    void publish_created() {
        for (const Ref& made : outcome_.created) {
            if (outcome_.bottles.contains(made.get())) continue;
            auto* function = made.as<PyFunctionObject>();
            const auto live = outcome_.live_globals.find(function->func_globals);
            if (live == outcome_.live_globals.end()) continue;
            FunctionContent before = FunctionContent::of(function);
            FunctionContent after = before;
            after.globals = live->second;
            result_.landing.push_back(FunctionWrite{made, before, after, ""});
        }
    }

    Outcome& outcome_;
    const std::vector<Ref*>& ours_;
    const std::set<PyObject*> replaced_before_ = remembered_code();
    Resolved result_;
    Pour pour_;
    std::set<std::string> reported_;
    std::set<PyCodeObject*> staged_code_;                             // compiled for the update
    std::map<std::pair<std::string, std::string>, int> definitions_;  // module and qualified name -> how many
    std::set<PyCodeObject*> moved_;
    std::map<PyFunctionObject*, PyFunctionObject*> sources_;  // live -> made anew by the statement at hand
};

}  // namespace

Resolved resolve(Outcome& outcome, const std::vector<Ref*>& ours) { return Resolver(outcome, ours).run(); }

}  // namespace rebottle
