// Whether classes that were run aside can be merged with the live ones, before anything is written.
#include <algorithm>
#include <set>

#include "commit/class_merge.hpp"
#include "commit/ours.hpp"
#include "live/storage.hpp"

namespace rebottle {
namespace {

PyTypeObject* as_type(const Ref& type) { return type.as<PyTypeObject>(); }

class ClassPlan {
   public:
    ClassPlan(Outcome& outcome, Resolved& result) : outcome_(outcome), result_(result) {
        for (const ClassMerge& merge : outcome.merges) {
            outcome.bottles.emplace(merge.staged.get(), merge.live);
            staged_.emplace(as_type(merge.live), as_type(merge.staged));
        }
    }

    void run(const std::vector<Ref*>& history) {
        for (const ClassMerge& merge : outcome_.merges) {
            if (PyType_IsSubtype(as_type(merge.staged), as_type(merge.live)) != 0) {
                refuse(merge, "class-bases", "it would be its own base", "give one of the two classes another name");
            } else if (bases_differ(merge)) {
                look_at_bases(merge);
            }
        }
        const bool laid_out = std::any_of(outcome_.merges.begin(), outcome_.merges.end(), &storage_differs);
        if (laid_out && refused_.empty()) plan_layouts(history);
        if (refused_.empty()) {
            report_layouts();
        } else {
            result_.layouts.clear();
            take_out_refused();
        }
    }

   private:
    static bool storage_differs(const ClassMerge& merge) {
        return !same_storage(as_type(merge.live), as_type(merge.staged));
    }

    bool bases_differ(const ClassMerge& merge) const {
        PyObject* former = as_type(merge.live)->tp_bases;
        PyObject* now = as_type(merge.staged)->tp_bases;
        if (PyTuple_GET_SIZE(former) != PyTuple_GET_SIZE(now)) return true;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(now); ++i) {
            const auto bottle = outcome_.bottles.find(PyTuple_GET_ITEM(now, i));
            PyObject* live = bottle == outcome_.bottles.end() ? PyTuple_GET_ITEM(now, i) : bottle->second.get();
            if (live != PyTuple_GET_ITEM(former, i)) return true;
        }
        return false;
    }

    void look_at_bases(const ClassMerge& merge) {
        const std::string why = bases_obstacle(as_type(merge.live), staged_, outcome_.bottles);
        if (!why.empty()) refuse(merge, "class-bases", why, "keep the order and the kind of the bases, or restart");
    }

    void refuse(const ClassMerge& merge, const std::string& rule, const std::string& why, const std::string& what) {
        result_.refusals.push_back({rule, merge.place(), why, what, merge.file, merge.line});
        refused_.insert(merge.live.get());
    }

    // Whether all instances could be moved now, too.
    void plan_layouts(std::vector<Ref*> ours) {
        try {
            add_references(outcome_, ours);
            const std::vector<Refusal> found =
                obstacles([this] { return layout_changes(staged_, outcome_.bottles); }, result_.layouts, ours, {});
            if (found.empty()) return;
            result_.refusals.insert(result_.refusals.end(), found.begin(), found.end());
            for (const ClassMerge& merge : outcome_.merges)
                if (storage_differs(merge)) refused_.insert(merge.live.get());
        } catch (const Unlayable& error) {
            for (const ClassMerge& merge : outcome_.merges)
                if (storage_differs(merge))
                    refuse(merge, "class-layout", error.what(), "keep __slots__ and bases as they are, or restart");
        }
    }

    void report_layouts() {
        for (const LayoutChange& change : result_.layouts) {
            result_.reshaped.push_back(change.type);
            result_.kept.push_back(
                {change.where,
                 "its instances were laid out anew: references to them were rewritten, their id() changed", "", 0});
            if (!staged_.contains(as_type(change.type)))
                result_.changes.push_back({"class-layout", change.where, "", 0});
        }
    }

    void take_out_refused() {
        for (const ClassMerge& merge : outcome_.merges) {
            if (!refused_.contains(merge.live.get())) continue;
            std::erase_if(outcome_.swaps, [&](const Swap& swap) {
                return swap.module == merge.module && swap.where.starts_with(merge.where + ".");
            });
            std::erase_if(outcome_.gifts, [&](const Gift& gift) { return gift.type.get() == merge.live.get(); });
        }
        std::erase_if(outcome_.merges, [&](const ClassMerge& merge) { return refused_.contains(merge.live.get()); });
    }

    Outcome& outcome_;
    Resolved& result_;
    std::map<PyTypeObject*, PyTypeObject*> staged_;
    std::set<PyObject*> refused_;
};

}  // namespace

namespace {

// Of several statements for one class the last one counts: it may build on the others.
void keep_last_ones(std::vector<ClassMerge>& merges) {
    std::set<PyObject*> later;
    std::vector<ClassMerge> kept;
    for (auto merge = merges.rbegin(); merge != merges.rend(); ++merge)
        if (later.insert(merge->live.get()).second) kept.push_back(std::move(*merge));
    std::reverse(kept.begin(), kept.end());
    merges = std::move(kept);
}

}  // namespace

void plan_classes(Outcome& outcome, const std::vector<Ref*>& ours, Resolved& result) {
    keep_last_ones(outcome.merges);
    if (!outcome.merges.empty()) ClassPlan(outcome, result).run(ours);
}

}  // namespace rebottle
