#include "commit/gifts.hpp"

#include <map>
#include <set>

#include "code/code.hpp"
#include "live/instances.hpp"
#include "stage/world.hpp"

namespace rebottle {
namespace {

constexpr const char* hook_name = "__update__";

// Whether the __init__ of a subclass takes the place of that of `base`: it calls no other one.
bool has_other_init(PyTypeObject* type, PyObject* base) {
    static PyObject* const name = interned("__init__").release();
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        PyObject* each = PyTuple_GET_ITEM(type->tp_mro, i);
        if (each == base) return false;
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(each)));
        PyObject* init = dict_get(members.get(), name);
        if (init == nullptr || !PyFunction_Check(init)) continue;
        const auto* code = as_code(reinterpret_cast<PyFunctionObject*>(init)->func_code);
        if (PySequence_Contains(code->co_names, name) != 1) return true;
    }
    return false;
}

class Giving {
   public:
    Giving(const Outcome& outcome, Resolved& result) : outcome_(outcome), result_(result) {}

    void run() {
        for (const Write& write : result_.journal)
            if (const auto* member = std::get_if<MemberWrite>(&write); member != nullptr && !member->after)
                freed_.insert(to_text(member->name.get()));
        for (const LayoutChange& change : result_.layouts) laid_out_.insert(change.type.as<PyTypeObject>());
        std::vector<PyTypeObject*> types;
        for (const Gift& gift : outcome_.gifts) types.push_back(gift.type.as<PyTypeObject>());
        for (PyObject* object : instances_of(types))
            for (const Gift& gift : outcome_.gifts)
                if (PyType_IsSubtype(Py_TYPE(object), gift.type.as<PyTypeObject>()) != 0) give(object, gift);
        for (const Given& given : outcome_.given) write(given.object.get(), given.name, given.value, "");
    }

   private:
    void give(PyObject* object, const Gift& gift) {
        if (held_attribute(object, gift.name.get())) return;
        if (gift.by_init && has_other_init(Py_TYPE(object), gift.type.get())) return;
        if (gift.value) {
            const auto bottle = outcome_.bottles.find(gift.value.get());
            write(object, gift.name, own_copy((bottle == outcome_.bottles.end() ? gift.value : bottle->second).get()),
                  gift.where);
        } else if (can_hold(object, gift.name.get()) && !updates_itself(gift.type.as<PyTypeObject>())) {
            report_missing(gift);
        }
    }

    void write(PyObject* object, const Ref& name, const Ref& value, const std::string& where) {
        const bool free = freed_.contains(to_text(name.get())) && has_dict(object);
        // Whether an instance that is laid out anew has a place for it turns out when it is moved.
        if ((free || laid_out_.contains(Py_TYPE(object)) || can_hold(object, name.get())) &&
            !held_attribute(object, name.get()))
            result_.journal.push_back(AttributeWrite{Ref::borrow(object), name, Ref(), value, where});
    }

    void report_missing(const Gift& gift) {
        const std::string name = to_text(gift.name.get());
        if (!reported_.insert(gift.where + "." + name).second) return;
        result_.kept.push_back({gift.where,
                                "missing-attribute: living instances have no '" + name +
                                    "', which new ones compute; give it to them in a method __update__(self, old)",
                                "", 0});
    }

    // Whether the class has, or gets, a method that gives instances what the engine can't know.
    bool updates_itself(PyTypeObject* type) const {
        if (_PyType_Lookup(type, interned(hook_name).get()) != nullptr) return true;
        for (const Write& write : result_.journal)
            if (const auto* member = std::get_if<MemberWrite>(&write))
                if (member->after && view(member->name.get()) == hook_name &&
                    PyType_IsSubtype(type, member->type.as<PyTypeObject>()) != 0)
                    return true;
        return false;
    }

    const Outcome& outcome_;
    Resolved& result_;
    std::set<PyTypeObject*> laid_out_;
    std::set<std::string> reported_;
    std::set<std::string> freed_;  // names that this update takes out of classes
};

bool any_hook(const Resolved& resolved) {
    for (const Write& write : resolved.journal)
        if (const auto* member = std::get_if<MemberWrite>(&write))
            if (member->after && view(member->name.get()) == hook_name) return true;
    return false;
}

// Adds what a hook changed to the journal; where the update itself gave the attribute, that write takes the last value.
class OwnWrites {
   public:
    explicit OwnWrites(Journal& journal) : journal_(journal) {
        for (std::size_t i = 0; i < journal.size(); ++i)
            if (const auto* own = std::get_if<AttributeWrite>(&journal[i]))
                known_[{own->object.get(), own->name.get()}] = i;
    }

    void note(const Ref& object, PyObject* before) {
        const Ref now = held_attributes(object.get());
        for_items(now.get(),
                  [&](PyObject* name, PyObject* value) { add(object, name, dict_get(before, name), value); });
        for_items(before, [&](PyObject* name, PyObject* value) {
            if (dict_get(now.get(), name) == nullptr) add(object, name, value, nullptr);
        });
    }

   private:
    void add(const Ref& object, PyObject* name, PyObject* before, PyObject* after) {
        if (before == after) return;
        const auto known = known_.find({object.get(), name});
        if (known != known_.end()) {
            std::get<AttributeWrite>(journal_[known->second]).after = Ref::borrow(after);
        } else {
            journal_.push_back(AttributeWrite{object, Ref::borrow(name), Ref::borrow(before), Ref::borrow(after), ""});
        }
    }

    Journal& journal_;
    std::map<std::pair<PyObject*, PyObject*>, std::size_t> known_;
};

}  // namespace

void give_attributes(const Outcome& outcome, Resolved& result) {
    if (!outcome.gifts.empty() || !outcome.given.empty()) Giving(outcome, result).run();
}

std::vector<Reshaped> reshaped_instances(const Resolved& resolved) {
    std::vector<PyTypeObject*> types;
    for (const Ref& type : resolved.reshaped) types.push_back(type.as<PyTypeObject>());
    const bool all = any_hook(resolved);
    const Ref hook = interned(hook_name);
    std::vector<Reshaped> found;
    for (PyObject* object : instances_of(types))
        if (all || _PyType_Lookup(Py_TYPE(object), hook.get()) != nullptr)
            found.push_back({Ref::borrow(object), held_attributes(object)});
    return found;
}

namespace {

// The error names the function that raised, and the class of the instance where it inherits that one.
ExecutionError failure_of_hook(PyTypeObject* type, const PythonError& error) {
    PyObject* plain = reinterpret_cast<PyObject*>(type);
    const std::string module = attribute_text(plain, "__module__");
    PyObject* hook = _PyType_Lookup(type, interned(hook_name).get());
    if (hook == nullptr || !PyFunction_Check(hook)) return {module, hook_name, "", 0, error};
    const auto* code = as_code(reinterpret_cast<PyFunctionObject*>(hook)->func_code);
    const Ref members = Ref::steal(PyType_GetDict(type));
    const bool inherited = dict_get(members.get(), hook_name) != hook;
    const std::string whose =
        inherited ? " of an instance of " + module + "." + attribute_text(plain, "__qualname__") : "";
    return {inherited ? attribute_text(hook, "__module__") : module, to_text(code->co_qualname) + whose,
            to_text(code->co_filename), code->co_firstlineno, error};
}

}  // namespace

void call_update_hooks(const std::vector<Reshaped>& instances, Journal& journal) {
    OwnWrites writes(journal);
    const Ref hook = interned(hook_name);
    for (const Reshaped& each : instances) {
        if (_PyType_Lookup(Py_TYPE(each.object.get()), hook.get()) == nullptr) continue;
        const Ref before = held_attributes(each.object.get());
        try {
            call_method(each.object.get(), hook_name, {each.before.get()});
        } catch (const PythonError& error) {
            writes.note(each.object, before.get());
            throw failure_of_hook(Py_TYPE(each.object.get()), error);
        }
        writes.note(each.object, before.get());
    }
}

}  // namespace rebottle
