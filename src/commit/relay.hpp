// Instances that are laid out anew: where a class's storage changes, each gets a successor, and whoever held it holds
// that one.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "commit/replace.hpp"
#include "commit/write.hpp"
#include "live/storage.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

// The descriptor of a slot is told where the slot lies now.
struct SlotMove {
    Ref descriptor;
    PyMemberDef* before;
    PyMemberDef* after;
};

// The storage of one class's instances changes.
struct LayoutChange {
    Ref type;  // a weak reference in the history
    Layout before;
    Layout after;
    Ref model_before;  // classes of ours whose instances are laid out like those of the class
    Ref model_after;
    std::string where;
    // Other members whose names slots take: they come back when the slots go.
    std::vector<std::pair<Ref, Ref>> displaced;
    // Not kept in the history:
    Journal members;  // descriptors that appear or go
    std::vector<SlotMove> moves;
};

// What instances held and have no place for now, to be given back.
struct Leftover {
    Ref object;  // a weak reference, where the class allows it
    Ref values;  // a dict
};

// What it takes to change the layout of classes that were run aside (`staged`, by live class), where it differs, and of
// their subclasses.
// Errors: Unlayable.
std::vector<LayoutChange> layout_changes(const std::map<PyTypeObject*, PyTypeObject*>& staged,
                                         const std::map<PyObject*, Ref>& bottles);

// Why a class and its subclasses can't have the bases that staged classes have; "" where they can.
std::string bases_obstacle(PyTypeObject* type, const std::map<PyTypeObject*, PyTypeObject*>& staged,
                           const std::map<PyObject*, Ref>& bottles);

// Takes out of a journal what these changes do themselves: write `__dict__` and `__weakref__` of classes.
void leave_to_layouts(const std::vector<LayoutChange>& changes, Journal& journal);

// What takes changes of the history back, and changes classes derived since. Errors: Unlayable.
std::vector<LayoutChange> changes_back(const std::vector<LayoutChange>& done, const Journal& journal);
// Drops what the history mustn't hold alive.
void loosen(std::vector<LayoutChange>& changes, std::vector<Leftover>& leftovers);

// One move of all instances of these classes. Between its making and its end no Python code may run.
class Relay {
   public:
    // Attributes that `journal` gives to instances or takes from them are taken out of it, and slots.
    Relay(std::vector<LayoutChange>& changes, Journal& journal);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    // Finds the instances and who holds them, when the contents of the journal are applied. `ours`: references of the
    // engine itself that may be to instances; `leftovers`: those of a former move.
    void look(std::vector<Ref*> ours, const std::vector<Leftover>& leftovers);
    const std::vector<Refusal>& refusals() const { return refusals_; }
    // Whether all refusals are about references that may be gone in a moment.
    bool may_pass() const { return may_pass_; }
    // The successor of an instance, not in use yet; NULL where it isn't moved.
    PyObject* successor(PyObject* object) const;
    // Does it all. Errors: PythonError; nothing is changed then.
    void apply();
    // What instances were given beside, as writes that are done.
    Journal take_given();
    // What instances held in a dict and can't hold in their slots.
    std::vector<Kept> homeless() const;
    std::vector<Leftover> take_leftovers() { return std::move(leftovers_); }

   private:
    void take_gifts(Journal& journal);
    void give_gifts();
    void find_instances();
    void make_successors();
    void give_back(const std::vector<Leftover>& leftovers);
    void find_holders();
    void check_holders(const Replacements& replaced);
    void refuse(const LayoutChange& change, const std::string& why, const std::string& what_to_do);
    Ref mapped(PyObject* value) const;
    void exchange(bool forward) noexcept;
    void undo_members(std::size_t count) noexcept;

    // An instance and its successor; one of them is in use.
    struct Pair {
        Ref object;
        Ref now;
        LayoutChange* change;
        Py_ssize_t references;  // to the former one
    };
    void fill(const Pair& pair);
    void move_weak_references(const Pair& pair, bool forward) const noexcept;

    std::vector<LayoutChange>& changes_;
    std::vector<Ref*> ours_;
    std::map<PyTypeObject*, LayoutChange*> by_type_;
    std::vector<Pair> pairs_;
    std::map<PyObject*, Ref> successors_;
    Journal journal_;  // references to instances
    Journal given_;
    std::vector<Leftover> leftovers_;
    std::set<std::pair<std::string, std::string>> homeless_;  // class, name of the attribute
    std::vector<Refusal> refusals_;
    bool may_pass_ = false;
};

// Why the instances of the changes that `look` finds can't be moved. Where other threads have them in hands for a
// moment, it lets them run, and looks again, for some time; `changes` are those found last.
std::vector<Refusal> obstacles(const std::function<std::vector<LayoutChange>()>& look,
                               std::vector<LayoutChange>& changes, const std::vector<Ref*>& ours,
                               const std::vector<Leftover>& leftovers);

}  // namespace rebottle
