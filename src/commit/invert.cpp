#include "commit/invert.hpp"

#include <set>

#include "code/code.hpp"
#include "code/index.hpp"
#include "commit/orphans.hpp"
#include "commit/pour.hpp"
#include "compat/compat.hpp"
#include "live/instances.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyObject* target_of(const Ref& reference) {
    if (!PyWeakref_Check(reference.get())) return reference.get();
    return compat::target_of(reference.get());
}

// The dict that a write of the history is about: a module is held weakly.
Ref dict_of(const Ref& reference) {
    if (!PyWeakref_Check(reference.get())) return reference;
    PyObject* module = compat::target_of(reference.get());
    return Ref::borrow(module == nullptr ? nullptr : PyModule_GetDict(module));
}

class Inverter {
   public:
    explicit Inverter(const CodeMap& replaced) : replaced_(replaced) {}

    Inverse run(const Journal& journal) {
        for (auto write = journal.rbegin(); write != journal.rend(); ++write)
            std::visit([this](const auto& each) { take_back(each); }, *write);
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

    void take_back(const FunctionWrite& w) {
        PyObject* object = target_of(w.function);
        if (object == nullptr) return;
        auto* function = reinterpret_cast<PyFunctionObject*>(object);
        done_.insert(function);
        FunctionContent before = FunctionContent::of(function);
        FunctionContent after = before;
        if (before.code.get() == w.after.code.get()) {
            after = w.before;
            if (!after.globals) after.globals = before.globals;
            if (before.dict.get() == w.after.dict.get() && w.before.dict.get() != w.after.dict.get()) {
                after.dict = w.before.dict;
            } else {
                after.dict = before.dict;
            }
        }
        result_.journal.push_back(FunctionWrite{Ref::borrow(object), before, after, w.where});
        changed(w.where);
    }

    void take_back(const NameWrite& w) {
        const Ref dict = dict_of(w.dict);
        if (!dict) return;
        const Ref now = Ref::borrow(dict_get(dict.get(), w.key.get()));
        const bool cache = PyUnicode_Check(w.key.get()) && view(w.key.get()) == inverted_flag;
        if (now.get() != w.after.get() && !cache) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(NameWrite{dict, w.key, now, w.before, w.where});
        changed(w.where);
        if (w.before || !w.after) return;
        removed_.push_back(w.after);
        removed_names_[dict.get()].emplace(w.key.get(), w.after);
    }

    void take_back(const MemberWrite& w) {
        PyObject* type = target_of(w.type);
        if (type == nullptr) return;
        const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
        PyObject* now = dict_get(dict.get(), w.name.get());
        if (now != w.after.get() && !view(w.name.get()).starts_with("__")) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(MemberWrite{Ref::borrow(type), w.name, w.after, w.before, w.where});
        changed(w.where);
        if (!w.before && w.after) removed_.push_back(w.after);
    }

    void take_back(const AttributeWrite& w) {
        PyObject* object = target_of(w.object);
        if (object == nullptr) return;
        if (held_attribute(object, w.name.get()).get() != w.after.get()) {
            conflict(w.where);
            return;
        }
        result_.journal.push_back(AttributeWrite{Ref::borrow(object), w.name, w.after, w.before, w.where});
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
    std::set<PyFunctionObject*> done_;
    std::set<std::string> reported_;
    std::vector<Ref> removed_;  // added by the update
    RemovedNames removed_names_;
    Inverse result_;
};

}  // namespace

Inverse invert(const Journal& journal, const CodeMap& replaced_code) { return Inverter(replaced_code).run(journal); }

namespace {

void loosen(Ref& object) {
    if (PyWeakref_Check(object.get()) || !PyType_SUPPORTS_WEAKREFS(Py_TYPE(object.get()))) return;
    object = Ref::steal(PyWeakref_NewRef(object.get(), nullptr));
}

}  // namespace

namespace {

// The namespace would keep alive what the program has let go.
void loosen(FunctionWrite& write) {
    loosen(write.function);
    if (write.before.globals.get() == write.after.globals.get()) write.before.globals = write.after.globals = Ref();
}

void loosen(NameWrite& write) {
    PyObject* name = PyDict_Check(write.dict.get()) ? dict_get(write.dict.get(), "__name__") : nullptr;
    if (name == nullptr || !PyUnicode_Check(name)) return;
    PyObject* module = dict_get(PyImport_GetModuleDict(), name);
    if (module == nullptr || !PyModule_Check(module) || PyModule_GetDict(module) != write.dict.get()) return;
    Ref held = Ref::borrow(module);
    loosen(held);
    if (PyWeakref_Check(held.get())) write.dict = std::move(held);
}

}  // namespace

void loosen(Journal& journal) noexcept {
    for (Write& write : journal) {
        unfailing([&] {
            if (auto* function = std::get_if<FunctionWrite>(&write)) loosen(*function);
            if (auto* name = std::get_if<NameWrite>(&write)) loosen(*name);
            if (auto* member = std::get_if<MemberWrite>(&write)) loosen(member->type);
            if (auto* bases = std::get_if<BasesWrite>(&write)) loosen(bases->type);
            if (auto* own = std::get_if<AttributeWrite>(&write)) loosen(own->object);
            if (auto* cache = std::get_if<CacheWrite>(&write)) loosen(cache->wrapper);
        });
    }
}

}  // namespace rebottle
