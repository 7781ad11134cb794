#include "stage/followers.hpp"

#include <map>
#include <set>

#include "plan/importers.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

class Followers {
   public:
    explicit Followers(Outcome& outcome) : outcome_(outcome) {}

    std::vector<Taker> run(std::size_t first) {
        const std::size_t end = outcome_.bindings.size();
        for (std::size_t i = first; i < end; ++i) {
            const Binding binding = outcome_.bindings[i];
            if (!binding.after || !PyModule_Check(binding.owner.get())) continue;
            const std::string name = to_text(binding.name.get());
            renewed(i);
            if (!binding.before) appeared(binding, name);
            if (name == "__all__") listed(binding);
        }
        return std::move(takers_);
    }

    void takers() {
        for (std::size_t i = 0; i < outcome_.bindings.size(); ++i)
            if (outcome_.bindings[i].after && PyModule_Check(outcome_.bindings[i].owner.get())) renewed(i);
    }

   private:
    void renewed(std::size_t index) {
        const Binding binding = outcome_.bindings[index];
        const std::string name = to_text(binding.name.get());
        if (!binding.before || !(is_data(binding.before.get()) || is_alias(binding))) return;
        seen_.clear();
        renewed(index, binding.module, name, binding.before, binding.after);
    }

    // The name of something that is defined elsewhere.
    static bool is_alias(const Binding& binding) {
        PyObject* before = binding.before.get();
        return binding.was == Sort::import_ ||
               (binding.was == Sort::other &&
                (PyFunction_Check(before) || PyType_Check(before) || PyModule_Check(before)));
    }

    void renewed(std::size_t index, const std::string& module, const std::string& name, const Ref& before,
                 const Ref& after) {
        for (const Importer& each : importers_of(module, name, before.get())) {
            if (!seen_.insert({each.name, each.as}).second) continue;
            outcome_.bindings[index].importers.emplace_back(Ref::borrow(PyModule_GetDict(each.module.get())),
                                                            interned(each.as));
            takers_.push_back({each.name, each.module, each.as, after});
            renewed(index, each.name, each.as, before, after);
        }
    }

    void appeared(const Binding& binding, const std::string& name) {
        const Ref all = current(binding, "__all__");
        const bool exported = all ? contains(all.get(), name) : !name.starts_with("_");
        if (exported) add_to_stars(binding, binding.module, name, binding.after);
    }

    // Names that __all__ has and the former one hadn't.
    void listed(const Binding& binding) {
        const Ref names = Ref::steal_or_null(PySequence_List(binding.after.get()));
        if (!names) {
            dismiss();
            return;
        }
        for_sequence(names.get(), [&](PyObject* each) {
            if (!PyUnicode_Check(each)) return;
            const std::string name = to_text(each);
            const Ref value = current(binding, name);
            if (value && !(binding.before && contains(binding.before.get(), name)))
                add_to_stars(binding, binding.module, name, value);
        });
    }

    void add_to_stars(const Binding& origin, const std::string& module, const std::string& name, const Ref& value) {
        for (const Importer& each : stars(module)) {
            if (dict_get(PyModule_GetDict(each.module.get()), name) != nullptr || has_binding(each.module.get(), name))
                continue;
            Binding binding;
            binding.owner = each.module;
            binding.name = interned(name);
            binding.after = value;
            binding.module = each.name;
            binding.where = name;
            outcome_.bindings.push_back(binding);
            if (!name.starts_with("_")) add_to_stars(origin, each.name, name, value);
        }
    }

    const std::vector<Importer>& stars(const std::string& module) {
        const auto [found, is_new] = stars_.try_emplace(module);
        if (is_new) found->second = star_importers_of(module);
        return found->second;
    }

    bool has_binding(PyObject* owner, const std::string& name) { return binding_of(owner, name) != nullptr; }

    // The first of the outcome that binds the name.
    const Binding* binding_of(PyObject* owner, const std::string& name) {
        for (; placed_ < outcome_.bindings.size(); ++placed_) {
            const Binding& each = outcome_.bindings[placed_];
            places_.try_emplace({each.owner.get(), to_text(each.name.get())}, placed_);
        }
        const auto place = places_.find({owner, name});
        return place == places_.end() ? nullptr : &outcome_.bindings[place->second];
    }

    // What a name of the module will be, as far as the stage knows.
    Ref current(const Binding& of, const std::string& name) {
        if (const Binding* staged = binding_of(of.owner.get(), name)) return staged->after;
        return Ref::borrow(dict_get(PyModule_GetDict(of.owner.get()), name));
    }

    static bool contains(PyObject* names, const std::string& name) {
        const int found = PySequence_Contains(names, to_str(name).get());
        if (found < 0) dismiss();
        return found == 1;
    }

    Outcome& outcome_;
    std::vector<Taker> takers_;
    std::set<std::pair<std::string, std::string>> seen_;
    std::map<std::string, std::vector<Importer>> stars_;               // by the module whose names they take
    std::map<std::pair<PyObject*, std::string>, std::size_t> places_;  // owner and name -> binding
    std::size_t placed_ = 0;                                           // how many bindings are in it
};

}  // namespace

std::vector<Taker> add_importers(Outcome& outcome, std::size_t first) { return Followers(outcome).run(first); }
void add_takers(Outcome& outcome) { Followers(outcome).takers(); }

}  // namespace rebottle
