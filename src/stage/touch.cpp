#include "stage/touch.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "compat/compat.hpp"

namespace rebottle {
namespace {

bool is_deque(PyObject* object) { return std::string_view(Py_TYPE(object)->tp_name) == "collections.deque"; }

void set_item(PyObject* owner, PyObject* key, PyObject* value) {
    int result = 0;
    if (PyDict_Check(owner) && !PyODict_Check(owner)) {
        result = value != nullptr ? PyDict_SetItem(owner, key, value) : PyDict_DelItem(owner, key);
    } else {
        result = value != nullptr ? PyObject_SetItem(owner, key, value) : PyObject_DelItem(owner, key);
    }
    if (result < 0) PyErr_Clear();
}

Ref get_item(PyObject* owner, PyObject* key) {
    PyObject* value =
        PyDict_Check(owner) ? Py_XNewRef(PyDict_GetItemWithError(owner, key)) : PyObject_GetItem(owner, key);
    if (value == nullptr) PyErr_Clear();
    return Ref::steal_or_null(value);
}

// How often each item is in a list.
std::unordered_map<PyObject*, int> counted(PyObject* list) {
    std::unordered_map<PyObject*, int> counts;
    for_sequence(list, [&](PyObject* item) { ++counts[item]; });
    return counts;
}

// Takes one from the count of an item, where there is one.
bool take_one(std::unordered_map<PyObject*, int>& counts, PyObject* item) {
    const auto found = counts.find(item);
    if (found == counts.end() || found->second == 0) return false;
    --found->second;
    return true;
}

bool has_item(PyObject* list, PyObject* item) {
    bool found = false;
    for_sequence(list, [&](PyObject* each) { found = found || each == item; });
    return found;
}

void restore_dict(PyObject* dict, PyObject* from, PyObject* to, bool untouched) {
    if (untouched) {
        if (PyODict_Check(dict)) {
            call_method(dict, "clear");
        } else {
            PyDict_Clear(dict);
        }
        for_sequence(to, [&](PyObject* pair) { set_item(dict, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1)); });
        return;
    }
    const auto values = [](PyObject* pairs) {
        std::unordered_map<PyObject*, PyObject*> found;
        for_sequence(pairs, [&](PyObject* pair) { found[PyTuple_GET_ITEM(pair, 0)] = PyTuple_GET_ITEM(pair, 1); });
        return found;
    };
    const auto value_in = [](const std::unordered_map<PyObject*, PyObject*>& pairs, PyObject* key) {
        const auto found = pairs.find(key);
        return found == pairs.end() ? nullptr : found->second;
    };
    const auto after = values(to);
    const auto before = values(from);
    for_sequence(from, [&](PyObject* pair) {
        PyObject* key = PyTuple_GET_ITEM(pair, 0);
        PyObject* wanted = value_in(after, key);
        if (wanted != PyTuple_GET_ITEM(pair, 1) && get_item(dict, key).get() == PyTuple_GET_ITEM(pair, 1))
            set_item(dict, key, wanted);
    });
    for_sequence(to, [&](PyObject* pair) {
        PyObject* key = PyTuple_GET_ITEM(pair, 0);
        if (value_in(before, key) == nullptr && !get_item(dict, key)) set_item(dict, key, PyTuple_GET_ITEM(pair, 1));
    });
}

void restore_set(PyObject* set, PyObject* from, PyObject* to) {
    const auto before = counted(from);
    const auto after = counted(to);
    for_sequence(from, [&](PyObject* item) {
        if (!after.contains(item)) check(PySet_Discard(set, item));
    });
    for_sequence(to, [&](PyObject* item) {
        if (!before.contains(item)) check(PySet_Add(set, item));
    });
}

// What `now` is without the items that only `from` has, the last of them first, and with those that only `to` has.
Ref mixed(PyObject* now, PyObject* from, PyObject* to) {
    auto staying = counted(to);
    std::unordered_map<PyObject*, int> going;
    for_sequence(from, [&](PyObject* item) {
        if (!take_one(staying, item)) ++going[item];
    });
    Ref result = Ref::steal(PyList_New(0));
    for (Py_ssize_t i = PyList_GET_SIZE(now); i-- > 0;)
        if (!take_one(going, PyList_GET_ITEM(now, i))) check(PyList_Append(result.get(), PyList_GET_ITEM(now, i)));
    check(PyList_Reverse(result.get()));
    for_sequence(to, [&](PyObject* item) {
        if (take_one(staying, item)) check(PyList_Append(result.get(), item));
    });
    return result;
}

// Takes what was added out again and puts back what was taken out.
void restore_sequence(PyObject* sequence, PyObject* now, PyObject* from, PyObject* to, bool untouched) {
    const Ref result = untouched ? Ref::borrow(to) : mixed(now, from, to);
    if (PyList_Check(sequence)) {
        check(PyList_SetSlice(sequence, 0, PyList_GET_SIZE(sequence), result.get()));
        return;
    }
    call_method(sequence, "clear");
    call_method(sequence, "extend", {result.get()});
}

// The classes that an abstract class was told of. Those that it was told of since stay.
void restore_registry(PyObject* type, PyObject* from, PyObject* to) {
    const Ref module = import_module("_abc");
    const Ref now = content_of(type);
    call_method(module.get(), "_reset_registry", {type});
    call_method(module.get(), "_reset_caches", {type});
    const auto add = [&](PyObject* each) { call_method(module.get(), "_abc_register", {type, each}); };
    for_sequence(now.get(), [&](PyObject* each) {
        if (has_item(to, each) || !has_item(from, each)) add(each);
    });
    for_sequence(to, [&](PyObject* each) {
        if (!has_item(now.get(), each)) add(each);
    });
}

void restore(PyObject* owner, PyObject* from, PyObject* to) {
    if (PyType_Check(owner)) {
        restore_registry(owner, from, to);
        return;
    }
    const Ref now = content_of(owner);
    const bool untouched = same_items(now.get(), from, PyDict_Check(owner));
    if (PyDict_Check(owner)) {
        restore_dict(owner, from, to, untouched);
    } else if (PyAnySet_Check(owner)) {
        restore_set(owner, from, to);
    } else {
        restore_sequence(owner, now.get(), from, to, untouched);
    }
}

void set_back(const AttributeTouch& touch, const Ref& from, const Ref& to) {
    if (own_attribute(touch.owner.get(), touch.name.get()).get() == from.get())
        set_own_attribute(touch.owner.get(), touch.name.get(), to.get());
}
void set_back(const ItemTouch& touch, const Ref& from, const Ref& to) {
    if (get_item(touch.owner.get(), touch.key.get()).get() == from.get())
        set_item(touch.owner.get(), touch.key.get(), to.get());
}
void set_back(const ContentTouch& touch, const Ref& from, const Ref& to) {
    restore(touch.owner.get(), from.get(), to.get());
}

void map_value(Ref& value, const std::map<PyObject*, Ref>& bottles) {
    if (const auto found = bottles.find(value.get()); found != bottles.end()) value = found->second;
}

bool has_identity_hash(PyObject* key) { return Py_TYPE(key)->tp_hash == PyBaseObject_Type.tp_hash; }

// An entry under a staged key becomes the one of the live key, and the former value of that is what was there before.
void map_key(ItemTouch& touch, const std::map<PyObject*, Ref>& bottles) {
    const auto found = bottles.find(touch.key.get());
    if (found == bottles.end() || !has_identity_hash(touch.key.get())) return;
    touch.key = found->second;
    if (!touch.before && PyDict_CheckExact(touch.owner.get()) && has_identity_hash(touch.key.get()))
        touch.before = Ref::borrow(dict_get(touch.owner.get(), touch.key.get()));
}

bool has(PyObject* list, PyObject* object) {
    bool found = false;
    for_sequence(list, [&](PyObject* item) { found = found || item == object; });
    return found;
}

// A list (the `owner`) that has the live object already gets no second one, as when the staged one is replaced in it.
void map_content(Ref& list, const std::map<PyObject*, Ref>& bottles, PyObject* owner) {
    const bool single = PyList_Check(owner);
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.get()); ++i) {
        PyObject* item = PyList_GET_ITEM(list.get(), i);
        if (const auto found = bottles.find(item); found != bottles.end()) {
            PyObject* live = found->second.get();
            if (single && (has(list.get(), live) || has(owner, live))) {
                check(PyList_SetSlice(list.get(), i, i + 1, nullptr));
                --i;
                continue;
            }
            check(PyList_SetItem(list.get(), i, Py_NewRef(live)));
        } else if (PyTuple_CheckExact(item) && PyTuple_GET_SIZE(item) == 2) {
            Ref key = Ref::borrow(PyTuple_GET_ITEM(item, 0));
            Ref value = Ref::borrow(PyTuple_GET_ITEM(item, 1));
            map_value(key, bottles);
            map_value(value, bottles);
            if (key.get() == PyTuple_GET_ITEM(item, 0) && value.get() == PyTuple_GET_ITEM(item, 1)) continue;
            check(PyList_SetItem(list.get(), i, PyTuple_Pack(2, key.get(), value.get())));
        }
    }
}

Ref registered_classes(PyObject* type) {
    const Ref known = Ref::steal(PyObject_GetIter(call_method(import_module("_abc").get(), "_get_dump", {type}).get()));
    const Ref weak = Ref::steal(PySequence_List(Ref::steal(PyIter_Next(known.get())).get()));
    Ref found = Ref::steal(PyList_New(0));
    for_sequence(weak.get(), [&](PyObject* each) {
        if (PyObject* target = compat::target_of(each)) check(PyList_Append(found.get(), target));
    });
    return found;
}

// Its order isn't that of the dict beneath.
Ref ordered_items(PyObject* dict) {
    Ref items = Ref::steal(PyList_New(0));
    const Ref keys = Ref::steal(PyODict_Type.tp_iter(dict));
    while (const Ref key = Ref::steal_or_null(PyIter_Next(keys.get())))
        check(PyList_Append(items.get(), Ref::steal(PyTuple_Pack(2, key.get(), dict_get(dict, key.get()))).get()));
    return items;
}

}  // namespace

bool is_container(PyObject* object) {
    return PyList_Check(object) || PyDict_Check(object) || PySet_Check(object) || is_deque(object);
}

bool same_items(PyObject* a, PyObject* b, bool pairs) {
    const auto same = [pairs](PyObject* x, PyObject* y) {
        if (x == y || !pairs) return x == y;
        return PyTuple_GET_ITEM(x, 0) == PyTuple_GET_ITEM(y, 0) && PyTuple_GET_ITEM(x, 1) == PyTuple_GET_ITEM(y, 1);
    };
    if (PyList_GET_SIZE(a) != PyList_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(a); ++i)
        if (!same(PyList_GET_ITEM(a, i), PyList_GET_ITEM(b, i))) return false;
    return true;
}

Ref content_of(PyObject* container) {
    if (PyType_Check(container)) return registered_classes(container);
    if (PyList_Check(container)) return Ref::steal(PyList_GetSlice(container, 0, PyList_GET_SIZE(container)));
    if (PyODict_Check(container)) return ordered_items(container);
    if (PyDict_Check(container)) return Ref::steal(PyDict_Items(container));
    if (PySet_Check(container) || is_deque(container)) return Ref::steal(PySequence_List(container));
    return {};
}

void undo_touches(const Touches& touches) {
    for (auto touch = touches.rbegin(); touch != touches.rend(); ++touch)
        unfailing([&] { std::visit([](const auto& each) { set_back(each, each.after, each.before); }, *touch); });
}

void redo_touches(const Touches& touches) {
    for (const Touch& touch : touches)
        unfailing([&] { std::visit([](const auto& each) { set_back(each, each.before, each.after); }, touch); });
}

void map_touches(Touches& touches, const std::map<PyObject*, Ref>& bottles, const Created& created) {
    std::erase_if(touches, [&](const Touch& touch) {
        return created.contains(owner_of(touch)) || bottles.contains(owner_of(touch));
    });
    for (Touch& touch : touches) {
        std::visit(
            [&](auto& each) {
                map_value(each.before, bottles);
                map_value(each.after, bottles);
                if constexpr (std::is_same_v<std::decay_t<decltype(each)>, ItemTouch>) map_key(each, bottles);
                if constexpr (std::is_same_v<std::decay_t<decltype(each)>, ContentTouch>) {
                    map_content(each.before, bottles, each.owner.get());
                    map_content(each.after, bottles, each.owner.get());
                }
            },
            touch);
    }
    std::erase_if(touches, [](const Touch& touch) {
        const auto* item = std::get_if<ItemTouch>(&touch);
        return item != nullptr && item->before.get() == item->after.get();
    });
}

PyObject* owner_of(const Touch& touch) {
    return std::visit([](const auto& each) { return each.owner.get(); }, touch);
}

void forget_born(Touches& touches, const std::set<PyObject*>& born) {
    std::erase_if(touches, [&](const Touch& touch) { return born.contains(owner_of(touch)); });
}

void forget_ended(Touches& touches) {
    std::map<PyObject*, Py_ssize_t> ours;
    for (const Touch& touch : touches) ++ours[owner_of(touch)];
    Touches ended;
    std::erase_if(touches, [&](Touch& touch) {
        PyObject* owner = owner_of(touch);
        if (Py_REFCNT(owner) > ours[owner]) return false;
        ended.push_back(std::move(touch));
        return true;
    });
}

}  // namespace rebottle
