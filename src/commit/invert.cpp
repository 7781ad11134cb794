#include "commit/invert.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "code/code.hpp"
#include "code/index.hpp"
#include "commit/keep.hpp"
#include "commit/loosen.hpp"
#include "commit/orphans.hpp"
#include "commit/pour.hpp"
#include "commit/remnant.hpp"
#include "compat/compat.hpp"
#include "live/instances.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyObject* target_of(const Ref& reference) {
    if (!PyWeakref_Check(reference.get())) return reference.get();
    return compat::target_of(reference.get());
}

// Whether the history can't say any more what was there.
template <class Any>
bool is_lost(const Any& w) {
    bool lost = false;
    if constexpr (requires { Ref(w.before); }) lost = is_remnant(w.before.get());
    if constexpr (requires { w.key; }) lost = lost || is_remnant(w.key.get());
    if constexpr (requires { w.object; }) lost = lost || is_remnant(w.object.get());
    return lost;
}

// The cells that the function had: those that it has still are found by name.
Ref former_closure(const FunctionContent& former, const FunctionContent& now) {
    if (former.closure.get() == unchanged_mark().get()) return now.closure;
    if (!former.closure) return {};
    const Ref names = Ref::steal(PyCode_GetFreevars(as_code(former.code.get())));
    const Ref now_names = Ref::steal(PyCode_GetFreevars(as_code(now.code.get())));
    const Ref cells = Ref::steal(PySequence_List(former.closure.get()));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(cells.get()); ++i) {
        if (PyList_GET_ITEM(cells.get(), i) != unchanged_mark().get()) continue;
        const Py_ssize_t place = PySequence_Index(now_names.get(), PyTuple_GET_ITEM(names.get(), i));
        if (place < 0) throw PythonError();
        check(PyList_SetItem(cells.get(), i, Py_NewRef(PyTuple_GET_ITEM(now.closure.get(), place))));
    }
    return Ref::steal(PyList_AsTuple(cells.get()));
}

// What a function goes back to whose present content is `now`.
FunctionContent former_content(const FunctionWrite& w, const FunctionContent& now) {
    FunctionContent former = w.before;
    former.closure = former_closure(former, now);
    for (const auto field : function_fields)
        if ((former.*field).get() == unchanged_mark().get()) former.*field = now.*field;
    if (w.after.dict && PyLong_AsVoidPtr(w.after.dict.get()) != now.dict.get()) former.dict = now.dict;
    return former;
}

class Inverter {
   public:
    Inverter(const CodeMap& replaced, const Touches& touches) : replaced_(replaced), touches_(touches) {}

    Inverse run(const Journal& journal) {
        for (auto write = journal.rbegin(); write != journal.rend(); ++write)
            std::visit(
                [this](const auto& each) {
                    if (is_lost(each)) {
                        list_lost(each);
                    } else {
                        take_back(each);
                    }
                },
                *write);
        for (const auto& [old_code, now_code] : replaced_) born_since(as_code(old_code.get()), as_code(now_code.get()));
        for (Write& write : keep_orphans_working(removed_, removed_names_, done_))
            result_.journal.push_back(std::move(write));
        return std::move(result_);
    }

   private:
    void changed(const std::string& where) {
        if (!where.empty() && reported_.insert(where).second) result_.changes.push_back({"rolled-back", where, "", 0});
    }
    void conflict(const std::string& where) {
        result_.kept.push_back({where, "the program changed it since, its value stays", "", 0});
    }

    // Whether a statement of the update, run after its writes, left this value.
    bool is_of_statement(PyObject* owner, PyObject* name, PyObject* now) const {
        return std::any_of(touches_.begin(), touches_.end(), [&](const Touch& each) {
            const auto* touch = std::get_if<AttributeTouch>(&each);
            return touch != nullptr && touch->owner.get() == owner && Keeper::is_same(now, touch->after) &&
                   equal(touch->name.get(), name);
        });
    }

    template <class Any>
    void list_lost(const Any& w) {
        if constexpr (requires { w.where; })
            result_.kept.push_back({w.where, "what it was is gone with its module", "", 0});
    }

    void take_back(const FunctionWrite& w) {
        PyObject* object = target_of(w.function);
        if (object == nullptr) return;
        auto* function = reinterpret_cast<PyFunctionObject*>(object);
        done_.insert(function);
        FunctionContent& now = contents_.try_emplace(function, FunctionContent::of(function)).first->second;
        FunctionContent after = now.code.get() == w.after.code.get() ? former_content(w, now) : now;
        result_.journal.push_back(FunctionWrite{Ref::borrow(object), now, after, w.where});
        now = std::move(after);
        changed(w.where);
    }

    void take_back(const NameWrite& w) {
        const Ref dict = namespace_behind(w.dict);
        if (!dict) return;
        const Ref now = Ref::borrow(dict_get(dict.get(), w.key.get()));
        const bool cache = PyUnicode_Check(w.key.get()) && view(w.key.get()) == inverted_flag;
        if (!Keeper::is_same(now.get(), w.after) && !cache) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(NameWrite{dict, w.key, now, w.before, w.where});
        changed(w.where);
        if (w.before || !now) return;
        removed_.push_back(now);
        removed_names_[dict.get()].emplace(w.key.get(), now);
    }

    void take_back(const MemberWrite& w) {
        PyObject* type = target_of(w.type);
        if (type == nullptr) return;
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
        const Ref now = Ref::borrow(dict_get(dict.get(), w.name.get()));
        if (!Keeper::is_same(now.get(), w.after) && !view(w.name.get()).starts_with("__") &&
            !is_of_statement(type, w.name.get(), now.get())) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(MemberWrite{Ref::borrow(type), w.name, now, w.before, w.where});
        changed(w.where);
        if (!w.before && now) removed_.push_back(now);
    }

    void take_back(const AttributeWrite& w) {
        PyObject* object = target_of(w.object);
        if (object == nullptr) return;
        const Ref now = held_attribute(object, w.name.get());
        if (now.get() != w.after.get() && !is_of_statement(object, w.name.get(), now.get())) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(AttributeWrite{Ref::borrow(object), w.name, now, w.before, w.where});
    }

    void take_back(const CellWrite& w) {
        if (w.cell.as<PyCellObject>()->ob_ref == w.after.get())
            result_.journal.push_back(CellWrite{w.cell, w.after, w.before});
    }

    // Entry by entry: only what is as the update left it goes back.
    void take_back(const TableWrite& w) {
        PyObject* table = w.table.get();
        if (equal(table, w.after.get())) {
            const Ref content = call_method(w.before.get(), "copy");
            result_.journal.push_back(TableWrite{w.table, content, w.after, w.before, w.where});
            changed(w.where);
            return;
        }
        conflict(w.where);
        if (!PyDict_Check(table)) return;
        const Ref content = Ref::steal(PyDict_Copy(table));
        const auto unchanged = [&](PyObject* key, PyObject* by_update) {
            PyObject* now = dict_get(table, key);
            return now == by_update || (now != nullptr && by_update != nullptr && equal(now, by_update));
        };
        for_items(w.after.get(), [&](PyObject* key, PyObject* value) {
            PyObject* before = dict_get(w.before.get(), key);
            if (!unchanged(key, value) || before == value) return;
            if (before != nullptr) {
                dict_set(content.get(), key, before);
            } else {
                check(PyDict_DelItem(content.get(), key));
            }
        });
        for_items(w.before.get(), [&](PyObject* key, PyObject* value) {
            if (dict_get(w.after.get(), key) == nullptr && dict_get(table, key) == nullptr)
                dict_set(content.get(), key, value);
        });
        result_.journal.push_back(TableWrite{w.table, content, Ref::steal(PyDict_Copy(table)),
                                             Ref::steal(PyDict_Copy(content.get())), w.where});
    }

    void take_back(const LineWrite& w) { result_.journal.push_back(LineWrite{w.code, -w.by}); }

    void take_back(const SlotWrite& w) {
        if (*w.slot == w.after.get()) result_.journal.push_back(SlotWrite{w.owner, w.slot, w.after, w.before});
    }

    void take_back(const ItemWrite& w) {
        if (w.index < PySequence_Size(w.sequence.get()) &&
            Ref::steal(PySequence_GetItem(w.sequence.get(), w.index)).get() == w.after.get())
            result_.journal.push_back(ItemWrite{w.sequence, w.index, w.after, w.before});
    }

    void take_back(const BasesWrite& w) {
        PyObject* type = target_of(w.type);
        if (type == nullptr) return;
        result_.journal.push_back(BasesWrite{Ref::borrow(type), w.after, w.before, w.where});
        changed(w.where);
    }

    void take_back(const TypeWrite& w) {
        if (Py_TYPE(w.object.get()) == w.after.as<PyTypeObject>())
            result_.journal.push_back(TypeWrite{w.object, w.after, w.before});
    }

    void take_back(const CacheWrite& w) {
        if (PyObject* wrapper = target_of(w.wrapper))
            result_.journal.push_back(CacheWrite{Ref::borrow(wrapper), w.content});
    }

    void born_since(PyCodeObject* old_code, PyCodeObject* now_code) {
        result_.replaced_code.emplace(Ref::borrow(as_object(now_code)), Ref::borrow(as_object(old_code)));
        const std::vector<PyFunctionObject*> functions = CodeIndex::instance().functions(now_code);
        for (PyFunctionObject* function : functions) {
            if (!done_.insert(function).second) continue;
            const Closure closure = closure_for(function, old_code, nullptr, Swap());
            if (!closure.complete) continue;
            FunctionContent before = FunctionContent::of(function);
            FunctionContent after = before;
            after.code = Ref::borrow(as_object(old_code));
            after.closure = closure.cells;
            result_.journal.push_back(
                FunctionWrite{Ref::borrow(reinterpret_cast<PyObject*>(function)), before, after, ""});
        }
    }

    const CodeMap& replaced_;
    const Touches& touches_;
    std::set<PyFunctionObject*> done_;
    std::map<PyFunctionObject*, FunctionContent> contents_;  // of those written so far
    std::set<std::string> reported_;
    std::vector<Ref> removed_;  // added by the update
    RemovedNames removed_names_;
    Inverse result_;
};

}  // namespace

Inverse invert(const Journal& journal, const CodeMap& replaced_code, const Touches& touches) {
    return Inverter(replaced_code, touches).run(journal);
}

}  // namespace rebottle
