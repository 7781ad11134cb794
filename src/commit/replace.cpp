#include "commit/replace.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "code/stack.hpp"
#include "compat/compat.hpp"

namespace rebottle {
namespace {

// Tells fast that an object is not among the keys.
class Filter {
   public:
    void add(const void* object) { bits_[slot(object) >> 6] |= 1ULL << (slot(object) & 63); }
    bool maybe(const void* object) const { return (bits_[slot(object) >> 6] >> (slot(object) & 63) & 1) != 0; }

   private:
    static std::size_t slot(const void* object) {
        return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(object) >> 4) * 0x9E3779B97F4A7C15ULL >> 50);
    }
    std::array<std::uint64_t, 256> bits_{};
};

class Rewriter {
   public:
    Rewriter(const std::map<PyObject*, Ref>& pairs, const std::vector<PyObject*>& ignored, Journal& journal)
        : pairs_(pairs), ignored_(ignored.begin(), ignored.end()), journal_(journal), rekeyer_(pairs) {
        for (const auto& [key, value] : pairs) filter_.add(key);
    }

    // All holders, running frames as well; each reference that is seen is counted.
    Replacements run_everywhere(const Rehashed& rehashed) {
        everywhere_ = true;
        rekeyer_.rehashed() = rehashed;
        counting_ = true;
        for_all_objects([this](PyObject* object) { look_at(object); });
        counting_ = false;
        find_rehashed_tables();
        compat::for_running_places([this](const compat::FramePlaces& places) { rewrite_running(places); });
        return rewrite_all();
    }

    Replacements run() {
        for_all_objects([this](PyObject* object) { look_at(object); });
        find_rehashed_tables();
        return rewrite_all();
    }

    void run_on(const std::vector<PyObject*>& holders) {
        for (PyObject* holder : holders)
            if (count(holder) > 0) rewrite(holder);
    }

   private:
    Replacements rewrite_all() {
        for (PyObject* type : types_) dict_owners_.emplace(reinterpret_cast<PyTypeObject*>(type)->tp_dict, type);
        for (PyObject* holder : holders_) rewrite(holder);
        drop_cached_descriptors();
        return std::move(result_);
    }

    void look_at(PyObject* object) {
        if (PyType_Check(object)) types_.push_back(object);
        if (count(object) > 0 && !ignored_.contains(object)) holders_.push_back(object);
    }

    // Dicts and sets with keys that stay and get another hash.
    void find_rehashed_tables() {
        for (PyObject* holder : holders_)
            if (PyTuple_CheckExact(holder)) rekeyer_.note_tuple(holder);
        if (rekeyer_.rehashed().empty()) return;
        const std::unordered_set<PyObject*> known(holders_.begin(), holders_.end());
        for_all_objects([&](PyObject* object) {
            if (known.contains(object)) return;
            bool found = false;
            if (PyDict_Check(object))
                compat::for_entries(object, [&](PyObject** key, Py_hash_t, PyObject*) {
                    found = found || rekeyer_.rehashed().contains(*key);
                });
            else if (PyAnySet_Check(object))
                compat::for_set_entries(
                    object, [&](PyObject* key, Py_hash_t) { found = found || rekeyer_.rehashed().contains(key); });
            if (found) holders_.push_back(object);
        });
    }

    // What the instruction that calls C works on, the interpreter has in hands: it releases those objects, not what
    // lies in their places by then.
    void rewrite_running(const compat::FramePlaces& places) {
        int count = places.count;
        int in_hands = count;
        const int depth = places.code != nullptr ? stack_depth(places.code, places.offset) : 0;
        if (places.code != nullptr && depth > 0) {
            count += depth;
            in_hands = std::max(places.count, count - operands(places.code, places.offset));
        }
        for (int i = 0; i < count; ++i) {
            PyObject* object = places.first[i];
            const Ref* now = find(object);
            if (now == nullptr) continue;
            ++result_.seen[object];
            if (places.may_have_returned && i >= in_hands) result_.in_other_hands.insert(object);
            if (places.code == nullptr || i < in_hands)
                journal_.push_back(SlotWrite{*now, &places.first[i], Ref::borrow(object), *now});
        }
    }

    static int on_reference(PyObject* object, void* data) {
        auto* counter = static_cast<std::pair<Rewriter*, int>*>(data);
        if (counter->first->find(object) == nullptr) return 0;
        ++counter->second;
        if (counter->first->counting_) ++counter->first->result_.seen[object];
        return 0;
    }

    int count(PyObject* holder) {
        std::pair<Rewriter*, int> counter{this, 0};
        if (const traverseproc traverse = Py_TYPE(holder)->tp_traverse)
            traverse(holder, &Rewriter::on_reference, &counter);
        return counter.second;
    }

    const Ref* find(PyObject* object) const {
        if (object == nullptr || !filter_.maybe(object)) return nullptr;
        const auto found = pairs_.find(object);
        return found == pairs_.end() ? nullptr : &found->second;
    }

    Ref mapped(PyObject* object) const {
        const Ref* value = find(object);
        return value != nullptr ? *value : Ref::borrow(object);
    }

    void unresolved(PyObject* holder, const char* why) { result_.unresolved.emplace_back(Ref::borrow(holder), why); }

    void rewrite(PyObject* holder) {
        if (PyList_CheckExact(holder)) {
            rewrite_list(holder);
        } else if (is_order(holder)) {
            return;  // made anew with the bases
        } else if (PyTuple_CheckExact(holder)) {
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(holder); ++i)
                slot(holder, &reinterpret_cast<PyTupleObject*>(holder)->ob_item[i]);
        } else if (PyDict_Check(holder)) {
            rewrite_dict(holder);
            rewrite_type_of(holder);
        } else if (PyAnySet_Check(holder)) {
            rewrite_set(holder);
            rewrite_type_of(holder);
        } else if (PyCell_Check(holder)) {
            PyObject* content = reinterpret_cast<PyCellObject*>(holder)->ob_ref;
            journal_.push_back(CellWrite{Ref::borrow(holder), Ref::borrow(content), mapped(content)});
        } else if (PyType_Check(holder)) {
            rewrite_type(holder);
        } else if (std::string_view(Py_TYPE(holder)->tp_name) == "collections.deque") {
            rewrite_deque(holder);
        } else if (everywhere_ || compat::places_of(holder).head == 0) {
            rewrite_body(holder);
        }
    }

    void rewrite_list(PyObject* list) {
        const Ref content = Ref::steal(PyList_New(0));
        for_sequence(list, [&](PyObject* item) {
            const Ref* value = find(item);
            if (value != nullptr && list_has(list, value->get())) return;
            check(PyList_Append(content.get(), value != nullptr ? value->get() : item));
        });
        table(list, content, Ref::steal(PyList_GetSlice(list, 0, PyList_GET_SIZE(list))),
              Ref::steal(PyList_GetSlice(content.get(), 0, PyList_GET_SIZE(content.get()))));
    }

    static bool list_has(PyObject* list, PyObject* object) {
        bool found = false;
        for_sequence(list, [&](PyObject* item) { found = found || item == object; });
        return found;
    }

    void table(PyObject* owner, const Ref& content, Ref before, Ref after) {
        journal_.push_back(TableWrite{Ref::borrow(owner), content, std::move(before), std::move(after), ""});
    }

    void rewrite_dict(PyObject* dict) {
        const auto owner = dict_owners_.find(dict);
        if (owner != dict_owners_.end()) {
            for_items(dict, [&](PyObject* key, PyObject* value) {
                if (const Ref* now = find(value))
                    journal_.push_back(
                        MemberWrite{Ref::borrow(owner->second), Ref::borrow(key), Ref::borrow(value), *now, ""});
            });
            return;
        }
        bool keys = false;
        compat::for_entries(dict, [&](PyObject** key, Py_hash_t, PyObject*) { keys = keys || rekeyer_.is_key(*key); });
        if (keys) {
            const Ref content = PyODict_Check(dict) ? Ref() : rekeyer_.dict(dict);
            if (content) {
                table(dict, content, Ref::steal(PyDict_Copy(dict)), Ref::steal(PyDict_Copy(content.get())));
            } else {
                unresolved(dict, "one of its keys would have to be compared by code of its own");
            }
            return;
        }
        for_items(dict, [&](PyObject* key, PyObject* value) {
            const Ref* now = find(value);
            if (now == nullptr) return;
            note_former_keys(dict, value, now->get());
            journal_.push_back(NameWrite{Ref::borrow(dict), Ref::borrow(key), Ref::borrow(value), *now, ""});
        });
    }

    void note_former_keys(PyObject* dict, PyObject* object, PyObject* now) {
        for_items(dict, [&](PyObject* key, PyObject* value) {
            if (value == now) result_.former_keys.push_back({object, Ref::borrow(dict), Ref::borrow(key)});
        });
    }

    void rewrite_set(PyObject* set) {
        const Ref content = rekeyer_.set(set);
        if (content) {
            table(set, content, Ref::steal(PySet_New(set)), Ref::steal(PySet_New(content.get())));
        } else {
            unresolved(set, "one of its items would have to be compared by code of its own");
        }
    }

    void rewrite_deque(PyObject* deque) {
        for (Py_ssize_t i = 0; i < PySequence_Size(deque); ++i) {
            const Ref item = Ref::steal(PySequence_GetItem(deque, i));
            if (const Ref* now = find(item.get())) journal_.push_back(ItemWrite{Ref::borrow(deque), i, item, *now});
        }
    }

    // Whether it is the method resolution order of a class.
    static bool is_order(PyObject* holder) {
        if (!PyTuple_CheckExact(holder) || PyTuple_GET_SIZE(holder) == 0) return false;
        PyObject* first = PyTuple_GET_ITEM(holder, 0);
        return PyType_Check(first) && reinterpret_cast<PyTypeObject*>(first)->tp_mro == holder;
    }

    // A class made in the stage: its bases and its own type may be staged.
    void rewrite_type(PyObject* type) {
        if (pairs_.contains(type)) return;
        rewrite_type_of(type);
        PyObject* bases = reinterpret_cast<PyTypeObject*>(type)->tp_bases;
        const Ref now = Ref::steal(PySequence_List(bases));
        bool changed = false;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(now.get()); ++i) {
            PyObject* base = PyList_GET_ITEM(now.get(), i);
            if (const Ref* value = find(base)) {
                check(PyList_SetItem(now.get(), i, Py_NewRef(value->get())));
                changed = true;
            }
        }
        if (changed)
            journal_.push_back(
                BasesWrite{Ref::borrow(type), Ref::borrow(bases), Ref::steal(PyList_AsTuple(now.get())), ""});
    }

    static PyObject* as_object(PyTypeObject* type) { return reinterpret_cast<PyObject*>(type); }

    void rewrite_type_of(PyObject* object) {
        PyObject* type = as_object(Py_TYPE(object));
        if (const Ref* now = find(type)) journal_.push_back(TypeWrite{Ref::borrow(object), Ref::borrow(type), *now});
    }

    void slot(PyObject* owner, PyObject** place) {
        if (const Ref* now = find(*place))
            journal_.push_back(SlotWrite{Ref::borrow(owner), place, Ref::borrow(*place), *now});
    }

    // Any other object: the matching words of its body are rewritten if their number is what the collector reports.
    void rewrite_body(PyObject* object) {
        PyTypeObject* type = Py_TYPE(object);
        std::size_t words = static_cast<std::size_t>(type->tp_basicsize) / sizeof(void*);
        const compat::FramePlaces frame = compat::places_of(object);
        if (frame.head > 0) {
            words = frame.head / sizeof(void*);
        } else if (type->tp_itemsize > 0 &&
                   !PyLong_Check(object))  // digits hold no references, and ints keep their number elsewhere
            words += static_cast<std::size_t>(std::abs(Py_SIZE(object)) * type->tp_itemsize) / sizeof(void*);
        auto** body = reinterpret_cast<PyObject**>(object);
        std::vector<PyObject**> places;
        for (std::size_t i = sizeof(PyObject) / sizeof(void*); i < words; ++i)
            if (find(body[i]) != nullptr) places.push_back(&body[i]);
        for (int i = 0; i < frame.count; ++i)
            if (find(frame.first[i]) != nullptr) places.push_back(&frame.first[i]);
        std::size_t attributes = 0;
        const compat::InlineValues inline_values = compat::inline_values(object);
        for (std::size_t i = 0; i < inline_values.count; ++i)
            if (find(inline_values.slots[i]) != nullptr) ++attributes;
        const bool instance = find(as_object(type)) != nullptr;
        if (places.size() + attributes + (instance ? 1 : 0) != static_cast<std::size_t>(count(object))) {
            unresolved(object, "its references can't be found in its body");
            return;
        }
        for (PyObject** place : places) slot(object, place);
        // Inline values may move or end before the object does: they are written by name.
        if (attributes > 0) rewrite_dict(Ref::steal(PyObject_GenericGetDict(object, nullptr)).get());
        rewrite_type_of(object);
        if (type->tp_descr_get != nullptr && !places.empty()) descriptors_.insert(object);
    }

    // Inline caches hold what a rewritten descriptor pointed to.
    void drop_cached_descriptors() {
        if (descriptors_.empty()) return;
        for (const auto& [dict, owner] : dict_owners_) {
            if (dict == nullptr) continue;
            bool holds_one = false;
            for_items(dict, [&](PyObject*, PyObject* value) { holds_one = holds_one || descriptors_.contains(value); });
            if (holds_one) result_.touched_types.push_back(Ref::borrow(owner));
        }
    }

    const std::map<PyObject*, Ref>& pairs_;
    std::unordered_set<PyObject*> ignored_;
    Journal& journal_;
    Rekeyer rekeyer_;
    bool everywhere_ = false;
    bool counting_ = false;
    Filter filter_;
    std::vector<PyObject*> types_;
    std::vector<PyObject*> holders_;
    std::unordered_map<PyObject*, PyObject*> dict_owners_;
    std::unordered_set<PyObject*> descriptors_;
    Replacements result_;
};

}  // namespace

Replacements replace_references(const std::map<PyObject*, Ref>& pairs, const std::vector<PyObject*>& ignored,
                                Journal& journal) {
    return Rewriter(pairs, ignored, journal).run();
}

Replacements replace_everywhere(const std::map<PyObject*, Ref>& pairs, const Rehashed& rehashed,
                                const std::vector<PyObject*>& ignored, Journal& journal) {
    return Rewriter(pairs, ignored, journal).run_everywhere(rehashed);
}

void replace_references_in(const std::vector<PyObject*>& holders, const std::map<PyObject*, Ref>& pairs,
                           Journal& journal) {
    Rewriter(pairs, {}, journal).run_on(holders);
}

}  // namespace rebottle
