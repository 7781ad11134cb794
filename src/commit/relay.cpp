#include "commit/relay.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "commit/loosen.hpp"
#include "commit/ours.hpp"
#include "commit/replace.hpp"
#include "compat/compat.hpp"
#include "live/instances.hpp"
#include "live/layout.hpp"
#include "live/switching.hpp"
#include "plan/rules.hpp"

namespace rebottle {
namespace {

void retype(PyObject* object, const Ref& type) {
    Py_INCREF(type.get());
    PyTypeObject* former = Py_TYPE(object);
    Py_SET_TYPE(object, type.as<PyTypeObject>());
    Py_DECREF(former);
}

PyWeakReference** weak_references(PyObject* object, const Layout& layout) {
    if (layout.weaklistoffset == 0) return nullptr;
    return reinterpret_cast<PyWeakReference**>(reinterpret_cast<char*>(object) + layout.weaklistoffset);
}

// Those of the engine become references, where there is no place for weak ones.
bool has_weak_references_of_the_program(PyWeakReference* first) {
    for (; first != nullptr; first = first->wr_next)
        if (!is_own_weak_reference(reinterpret_cast<PyObject*>(first))) return true;
    return false;
}

bool has_identity_hash(PyTypeObject* type) { return type->tp_hash == PyBaseObject_Type.tp_hash; }

// Calls body for objects of these types that the collector doesn't know itself, but whose holders it knows.
template <class Body>
void for_untracked(const std::map<PyTypeObject*, LayoutChange*>& types, Body body) {
    const auto visit = [&](PyObject* object) {
        if (object != nullptr && !PyObject_IS_GC(object) && types.contains(Py_TYPE(object))) body(object);
    };
    for_all_objects([&](PyObject* holder) {
        if (const traverseproc traverse = Py_TYPE(holder)->tp_traverse)
            traverse(
                holder,
                [](PyObject* each, void* data) {
                    (*static_cast<decltype(visit)*>(data))(each);
                    return 0;
                },
                const_cast<void*>(static_cast<const void*>(&visit)));
    });
    compat::for_running_places([&](const compat::FramePlaces& places) {
        for (int i = 0; i < places.count; ++i) visit(places.first[i]);
    });
}

}  // namespace

Relay::Relay(std::vector<LayoutChange>& changes, Journal& journal) : changes_(changes) {
    if (changes_.empty()) return;
    for (LayoutChange& change : changes_) by_type_.emplace(change.type.as<PyTypeObject>(), &change);
    take_gifts(journal);
    std::erase_if(journal, [this](const Write& write) {  // slots come with the storage
        const auto* member = std::get_if<MemberWrite>(&write);
        return member != nullptr && by_type_.contains(member->type.as<PyTypeObject>()) && member->after &&
               Py_IS_TYPE(member->after.get(), &PyMemberDescr_Type);
    });
}

void Relay::look(std::vector<Ref*> ours, const std::vector<Leftover>& leftovers) {
    if (changes_.empty()) return;
    ours_ = std::move(ours);
    add_references(given_, ours_);
    find_instances();
    make_successors();
    if (!refusals_.empty()) return;
    give_back(leftovers);
    give_gifts();
    find_holders();
}

void Relay::take_gifts(Journal& journal) {
    const auto is_gift = [this](const Write& write) {
        const auto* own = std::get_if<AttributeWrite>(&write);
        return own != nullptr && by_type_.contains(Py_TYPE(own->object.get()));
    };
    std::copy_if(journal.begin(), journal.end(), std::back_inserter(given_), is_gift);
    std::erase_if(journal, is_gift);
}

void Relay::give_gifts() {
    for (Write& write : given_) {
        const auto& gift = std::get<AttributeWrite>(write);
        PyObject* now = successor(gift.object.get());
        if (!gift.after && !held_attribute(now, gift.name.get())) continue;
        if (can_hold(now, gift.name.get())) set_held_attribute(now, gift.name.get(), mapped(gift.after.get()).get());
    }
}

Journal Relay::take_given() {
    std::erase_if(given_, [](const Write& write) { return !holds(write); });
    return std::move(given_);
}

PyObject* Relay::successor(PyObject* object) const {
    const auto found = successors_.find(object);
    return found == successors_.end() ? nullptr : found->second.get();
}

Ref Relay::mapped(PyObject* value) const {
    PyObject* now = successor(value);
    return Ref::borrow(now != nullptr ? now : value);
}

void Relay::refuse(const LayoutChange& change, const std::string& why, const std::string& what_to_do) {
    if (std::any_of(refusals_.begin(), refusals_.end(),
                    [&](const Refusal& each) { return each.where == change.where; }))
        return;
    refusals_.push_back({"class-layout", change.where, why, what_to_do, "", 0});
}

void Relay::find_instances() {
    call_method(import_module("gc").get(), "unfreeze");  // frozen objects aren't visited
    std::set<PyObject*> found;
    for_all_objects([&](PyObject* object) {
        if (by_type_.contains(Py_TYPE(object))) found.insert(object);
    });
    const bool untracked = std::any_of(changes_.begin(), changes_.end(), [](const LayoutChange& change) {
        return (change.before.flags & Py_TPFLAGS_HAVE_GC) == 0;
    });
    if (untracked) for_untracked(by_type_, [&](PyObject* object) { found.insert(object); });
    for (PyObject* object : found) pairs_.push_back({Ref::borrow(object), Ref(), by_type_.at(Py_TYPE(object)), 0});
}

void Relay::make_successors() {
    for (Pair& pair : pairs_) {
        PyObject* object = pair.object.get();
        const LayoutChange& change = *pair.change;
        PyWeakReference** weak = weak_references(object, change.before);
        if (built_in_base(Py_TYPE(object)) != &PyBaseObject_Type) {
            refuse(
                change,
                "living instances hold the storage of '" + std::string(built_in_base(Py_TYPE(object))->tp_name) + "'",
                "keep __slots__ as they are, or restart");
        } else if (change.after.weaklistoffset == 0 && weak != nullptr && has_weak_references_of_the_program(*weak)) {
            refuse(change, "weak references to living instances would have no place",
                   "add '__weakref__' to __slots__, or restart");
        } else {
            compat::detach_attributes(object);
            pair.now = Ref::steal(PyType_GenericAlloc(change.model_after.as<PyTypeObject>(), 0));
            successors_.emplace(object, pair.now);
        }
    }
    if (!refusals_.empty()) return;
    for (const Pair& pair : pairs_) fill(pair);
}

void Relay::fill(const Pair& pair) {
    PyObject* object = pair.object.get();
    PyObject* successor = pair.now.get();
    const Ref held = stored_attributes(object);
    const auto slots = slot_offsets(Py_TYPE(successor));
    const Ref former = has_dict(object) ? Ref::steal(PyObject_GenericGetDict(object, nullptr)) : Ref();
    const bool into_dict = has_dict(successor);
    bool same_dict = into_dict && former;
    for_items(held.get(), [&](PyObject* name, PyObject*) {
        const bool was = former && dict_get(former.get(), name) != nullptr;
        same_dict = same_dict && was != slots.contains(to_text(name));
    });
    // A dict of its own: the keys that instances of the model share aren't those of the class.
    if (into_dict) compat::give_dict(successor, (same_dict ? former : new_dict()).get());
    Ref left;
    for_items(held.get(), [&](PyObject* name, PyObject* value) {
        if (slots.contains(to_text(name)) || (into_dict && !same_dict)) {
            set_held_attribute(successor, name, mapped(value).get());
        } else if (!into_dict) {
            if (!left) left = new_dict();
            dict_set(left.get(), name, value);
            if (former && dict_get(former.get(), name) != nullptr) homeless_.emplace(pair.change->where, to_text(name));
        }
    });
    if (left) leftovers_.push_back({Ref::borrow(successor), left});
}

std::vector<Kept> Relay::homeless() const {
    std::vector<Kept> found;
    for (const auto& [where, name] : homeless_)
        found.push_back({where,
                         "lost-attribute: living instances held '" + name +
                             "', which the new __slots__ have no place for; add it there, or take its value over in a "
                             "method __update__(self, old)",
                         "", 0});
    return found;
}

void Relay::give_back(const std::vector<Leftover>& leftovers) {
    for (const Leftover& each : leftovers) {
        PyObject* object =
            PyWeakref_Check(each.object.get()) ? compat::target_of(each.object.get()) : each.object.get();
        PyObject* now = successor(object);
        if (now == nullptr) continue;
        for_items(each.values.get(), [&](PyObject* name, PyObject* value) {
            if (!held_attribute(now, name) && can_hold(now, name)) set_held_attribute(now, name, mapped(value).get());
        });
    }
}

void Relay::find_holders() {
    if (pairs_.empty()) return;
    Rehashed rehashed;
    std::vector<PyObject*> ignored;
    for (const Pair& pair : pairs_) {
        ignored.push_back(pair.object.get());
        PyWeakReference** weak = weak_references(pair.object.get(), pair.change->before);
        if (weak == nullptr || !has_identity_hash(Py_TYPE(pair.object.get()))) continue;
        for (PyWeakReference* each = *weak; each != nullptr; each = each->wr_next)
            rehashed.emplace(reinterpret_cast<PyObject*>(each), PyBaseObject_Type.tp_hash(pair.now.get()));
    }
    for (Pair& pair : pairs_) pair.references = Py_REFCNT(pair.object.get());  // the writes add theirs
    Replacements replaced = replace_everywhere(successors_, rehashed, ignored, journal_);
    for (const auto& [holder, why] : replaced.unresolved)
        refuse(changes_.front(),
               "a living instance is held by a '" + std::string(Py_TYPE(holder.get())->tp_name) +
                   "' object that can't be rewritten: " + why,
               "let that object go before the update, or restart");
    may_pass_ = refusals_.empty();
    check_holders(replaced);
}

// Every reference must be one that can be rewritten.
void Relay::check_holders(const Replacements& replaced) {
    std::map<PyObject*, Py_ssize_t> ours;
    for (const Ref* each : ours_)
        if (successors_.contains(each->get())) ++ours[each->get()];
    for (const Pair& pair : pairs_) {
        PyObject* object = pair.object.get();
        if (replaced.in_other_hands.contains(object))
            refuse(*pair.change, "a living instance is in use by a call in another thread",
                   "let that call end before the update, or restart");
        const auto found = replaced.seen.find(object);
        const Py_ssize_t known = (found == replaced.seen.end() ? 0 : found->second) + ours[object] + 1;
        if (pair.references != known)
            refuse(*pair.change,
                   "a living instance is held from where the engine can't see, by C code: " +
                       std::to_string(pair.references - known) + " reference(s)",
                   "let it go before the update, or restart");
    }
}

std::vector<Refusal> obstacles(const std::function<std::vector<LayoutChange>()>& look,
                               std::vector<LayoutChange>& changes, const std::vector<Ref*>& ours,
                               const std::vector<Leftover>& leftovers) {
    constexpr std::chrono::milliseconds patience{1000};
    constexpr int looks = 40;  // each of many busy threads must have come to run
    const auto start = std::chrono::steady_clock::now();
    const PyThreadState* first = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    const bool alone = first == nullptr || PyThreadState_Next(const_cast<PyThreadState*>(first)) == nullptr;
    std::optional<SwitchInterval> quick_turns;
    for (int count = 1;; ++count) {
        {
            changes = look();
            Journal nothing;
            Relay relay(changes, nothing);
            relay.look(ours, leftovers);
            if (relay.refusals().empty() || !relay.may_pass() || alone ||
                (count > looks && std::chrono::steady_clock::now() - start > patience))
                return relay.refusals();
        }
        if (!quick_turns) quick_turns.emplace(1e-4);
        const GilReleased released;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
}

void Relay::move_weak_references(const Pair& pair, bool forward) const noexcept {
    PyWeakReference** former = weak_references(pair.object.get(), pair.change->before);
    PyWeakReference** now = weak_references(pair.now.get(), pair.change->after);
    if (former == nullptr || now == nullptr) return;
    if (!forward) std::swap(former, now);
    PyObject* object = (forward ? pair.now : pair.object).get();
    for (PyWeakReference* each = *former; each != nullptr; each = each->wr_next) {
        each->wr_object = object;
        if (each->hash != -1 && has_identity_hash(pair.change->type.as<PyTypeObject>()))
            each->hash = PyBaseObject_Type.tp_hash(object);
    }
    *now = std::exchange(*former, nullptr);
}

void Relay::exchange(bool forward) noexcept {
    for (LayoutChange& change : changes_) {
        lay_out(change.type.as<PyTypeObject>(), forward ? change.after : change.before);
        for (const SlotMove& move : change.moves)
            move.descriptor.as<PyMemberDescrObject>()->d_member = forward ? move.after : move.before;
    }
    for (const Pair& pair : pairs_) {
        move_weak_references(pair, forward);
        retype((forward ? pair.now : pair.object).get(), pair.change->type);
        if (forward) {
            retype(pair.object.get(), pair.change->model_before);
        } else {
            retype(pair.now.get(), pair.change->model_after);
        }
    }
}

void Relay::undo_members(std::size_t count) noexcept {
    while (count-- > 0) undo_all(changes_[count].members);
}

void Relay::apply() {
    std::size_t done = 0;
    try {
        for (; done < changes_.size(); ++done) apply_all(changes_[done].members);
        exchange(true);
        try {
            apply_all(journal_);
        } catch (const PythonError&) {
            exchange(false);
            throw;
        }
    } catch (const PythonError&) {
        undo_members(done);
        throw;
    }
    for (Ref* ours : ours_) {
        const bool weak = is_own_weak_reference(ours->get());
        if (PyObject* now = successor(weak ? compat::target_of(ours->get()) : ours->get())) *ours = Ref::borrow(now);
    }
}

}  // namespace rebottle
