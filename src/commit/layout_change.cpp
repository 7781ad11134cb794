// What changes in class objects when their instances are laid out in another way.
#include <algorithm>
#include <set>

#include "commit/loosen.hpp"
#include "commit/relay.hpp"
#include "compat/compat.hpp"
#include "live/instances.hpp"

namespace rebottle {
namespace {

PyObject* as_plain(PyTypeObject* type) { return reinterpret_cast<PyObject*>(type); }

// What a descriptor tells whose slot is gone: nothing, and nothing can be set.
PyMemberDef no_slot{"", 20 /* T_NONE */, 0, Py_READONLY, nullptr};

bool contains(PyObject* sequence, PyObject* object) {
    bool found = false;
    for_sequence(sequence, [&](PyObject* each) { found = found || each == object; });
    return found;
}

using Bases = std::map<PyTypeObject*, PyObject*>;

// `bases`: the classes that get other ones, and these.
std::vector<PyTypeObject*> with_subclasses(std::vector<PyTypeObject*> found, const Bases& bases = {}) {
    static PyObject* const method = attribute(as_plain(&PyType_Type), "__subclasses__").release();
    std::set<PyTypeObject*> seen(found.begin(), found.end());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const Ref subclasses = call(method, {as_plain(found[i])});
        for_sequence(subclasses.get(), [&](PyObject* each) {
            auto* type = reinterpret_cast<PyTypeObject*>(each);
            const auto other = bases.find(type);
            const bool leaves = other != bases.end() && !contains(other->second, as_plain(found[i]));
            if (!leaves && seen.insert(type).second) found.push_back(type);
        });
    }
    return found;
}

bool is_own_slot(PyObject* value, PyTypeObject* type) {
    return value != nullptr && Py_IS_TYPE(value, &PyMemberDescr_Type) &&
           reinterpret_cast<PyMemberDescrObject*>(value)->d_common.d_type == type;
}

// The change of one class.
class OneClass {
   public:
    OneClass(PyTypeObject* type, const Ref& before, const Ref& after)
        : type_(type), members_(Ref::steal(PyType_GetDict(type))) {
        result_.type = Ref::borrow(as_plain(type));
        result_.before = Layout::of(type);
        result_.after = Layout::like(after);
        result_.model_before = before;
        result_.model_after = after;
        result_.where = to_text(attribute(as_plain(type), "__module__").get()) + "." +
                        to_text(attribute(as_plain(type), "__qualname__").get());
    }

    // Its members are merged with those of this class.
    void merges(PyTypeObject* staged) { staged_ = Ref::steal(PyType_GetDict(staged)); }
    // It becomes what it was before this change.
    void undoes(const LayoutChange& change) {
        result_.after = change.before;
        former_ = change.displaced;
    }

    LayoutChange make() {
        slots();
        for (const char* name : {"__dict__", "__weakref__"}) getset(name);
        if (PyObject* cached = dict_get(members_.get(), "__slotnames__"))  // for copies and pickles
            write(interned("__slotnames__"), cached, Ref());
        if ((result_.after.flags & Py_TPFLAGS_MANAGED_DICT) != 0) give_keys();
        return std::move(result_);
    }

   private:
    // The descriptions of its slots must live as long as the class: they are its own or its model's.
    std::vector<PyMemberDef*> slots_after() const {
        if (result_.after.model) return own_slots(result_.after.model.as<PyTypeObject>());
        std::vector<PyMemberDef*> found;
        for (Py_ssize_t i = 0; i < result_.after.members; ++i) found.push_back(&type_->tp_members[i]);
        return found;
    }

    void slots() {
        std::set<std::string> now;
        for (PyMemberDef* slot : slots_after()) {
            now.insert(slot->name);
            PyObject* held = dict_get(members_.get(), slot->name);
            if (is_own_slot(held, type_)) {
                move(held, slot);
                continue;
            }
            if (held != nullptr) result_.displaced.emplace_back(interned(slot->name), Ref::borrow(held));
            write(interned(slot->name), held, Ref::steal(PyDescr_NewMember(type_, slot)));
        }
        for_items(members_.get(), [&](PyObject* name, PyObject* value) {
            if (!is_own_slot(value, type_) || now.contains(to_text(name))) return;
            move(value, &no_slot);
            if (!staged_ || dict_get(staged_.get(), name) == nullptr) write(Ref::borrow(name), value, displaced(name));
        });
    }

    Ref displaced(PyObject* name) const {
        for (const auto& [former, value] : former_)
            if (PyUnicode_Compare(former.get(), name) == 0) return value;
        return {};
    }

    void move(PyObject* descriptor, PyMemberDef* now) {
        result_.moves.push_back(
            {Ref::borrow(descriptor), reinterpret_cast<PyMemberDescrObject*>(descriptor)->d_member, now});
    }

    // `__dict__` or `__weakref__`.
    void getset(const char* name) {
        PyObject* held = dict_get(members_.get(), name);
        const Ref model = Ref::steal(PyType_GetDict(result_.model_after.as<PyTypeObject>()));
        PyObject* now = dict_get(model.get(), name);
        if ((held != nullptr) == (now != nullptr)) return;
        Ref descriptor;
        if (now != nullptr)
            descriptor = Ref::steal(PyDescr_NewGetSet(type_, reinterpret_cast<PyGetSetDescrObject*>(now)->d_getset));
        write(interned(name), held, std::move(descriptor));
    }

    void write(Ref name, PyObject* before, Ref after) {
        result_.members.emplace_back(
            MemberWrite{result_.type, std::move(name), Ref::borrow(before), std::move(after), ""});
    }

    void give_keys() {
        const Ref giver =
            call(as_plain(&PyType_Type), {to_str("keys").get(), Ref::steal(PyTuple_New(0)).get(), new_dict().get()});
        compat::take_shared_keys(type_, giver.as<PyTypeObject>());
    }

    PyTypeObject* type_;
    Ref members_;
    Ref staged_;
    std::vector<std::pair<Ref, Ref>> former_;
    LayoutChange result_;
};

}  // namespace

namespace {

const std::map<PyTypeObject*, PyTypeObject*> none_staged;
const std::map<PyObject*, Ref> no_bottles;

// Instances that the update itself made become instances of the live class as they are.
void check_staged_instances(PyTypeObject* staged, const Ref& after) {
    if (!same_storage(after.as<PyTypeObject>(), staged) && !instances_of({staged}).empty())
        throw Unlayable(std::string("a statement makes instances of '") + staged->tp_name +
                        "' in the update that changes the layout of its bases");
}

}  // namespace

namespace {

PyTypeObject* live_of(PyObject* type, const std::map<PyObject*, Ref>& bottles) {
    const auto found = bottles.find(type);
    return reinterpret_cast<PyTypeObject*>(found == bottles.end() ? type : found->second.get());
}

// These classes, their subclasses, and those that become subclasses.
std::vector<PyTypeObject*> with_heirs(std::vector<PyTypeObject*> types,
                                      const std::map<PyTypeObject*, PyTypeObject*>& staged,
                                      const std::map<PyObject*, Ref>& bottles) {
    for (;;) {
        std::vector<PyTypeObject*> found = with_subclasses(types);
        const std::set<PyTypeObject*> known(found.begin(), found.end());
        types = found;
        for (const auto& [live, now] : staged) {
            bool inherits = false;
            for_sequence(now->tp_bases,
                         [&](PyObject* base) { inherits = inherits || known.contains(live_of(base, bottles)); });
            if (inherits && !known.contains(live)) types.push_back(live);
        }
        if (types.size() == found.size()) return found;
    }
}

}  // namespace

std::vector<LayoutChange> layout_changes(const std::map<PyTypeObject*, PyTypeObject*>& staged,
                                         const std::map<PyObject*, Ref>& bottles) {
    Models former(none_staged, no_bottles);
    Models next(staged, bottles);
    std::vector<PyTypeObject*> types;
    for (const auto& [live, now] : staged)
        if (!same_storage(live, now)) types.push_back(live);
    std::vector<LayoutChange> changes;
    for (PyTypeObject* type : with_heirs(std::move(types), staged, bottles)) {
        const Ref before = former.of(type);
        const Ref after = next.of(type);
        if (!same_storage(before.as<PyTypeObject>(), type))
            throw Unlayable(std::string("the storage of '") + type->tp_name + "' isn't what its slots say");
        OneClass change(type, before, after);
        if (const auto made = staged.find(type); made != staged.end()) {
            check_staged_instances(made->second, after);
            change.merges(made->second);
        }
        changes.push_back(change.make());
    }
    return changes;
}

std::string bases_obstacle(PyTypeObject* type, const std::map<PyTypeObject*, PyTypeObject*>& staged,
                           const std::map<PyObject*, Ref>& bottles) {
    static PyObject* const order = interned("mro").release();
    Models next(staged, bottles);
    std::string whose;
    try {
        for (PyTypeObject* each : with_subclasses({type})) {
            if (each != type)
                whose = "its subclass " + attribute_text(as_plain(each), "__module__") + "." +
                        attribute_text(as_plain(each), "__qualname__") + ": ";
            if (_PyType_Lookup(Py_TYPE(as_plain(each)), order) != _PyType_Lookup(&PyType_Type, order))
                return std::string("the metaclass of '") + each->tp_name +
                       "' has a method mro() that would have to run";
            next.of(each);
        }
    } catch (const Unlayable& error) {
        return whose + error.what();
    }
    return "";
}

namespace {

// What the history holds, or holds weakly.
PyTypeObject* type_in(const Ref& reference) {
    PyObject* object = PyWeakref_Check(reference.get()) ? compat::target_of(reference.get()) : reference.get();
    return reinterpret_cast<PyTypeObject*>(object);
}

// One change for each class, where several were made one after the other.
std::vector<LayoutChange> joined(const std::vector<LayoutChange>& done) {
    std::vector<LayoutChange> found;
    for (const LayoutChange& each : done) {
        const auto former = std::find_if(found.begin(), found.end(), [&](const LayoutChange& other) {
            return type_in(other.type) == type_in(each.type);
        });
        if (former == found.end()) {
            found.push_back(each);
        } else {
            former->after = each.after;
            former->model_after = each.model_after;
        }
    }
    return found;
}

// The bases that classes have when a journal is undone.
Bases former_bases(const Journal& journal) {
    Bases found;
    for (const Write& write : journal)
        if (const auto* each = std::get_if<BasesWrite>(&write))
            if (PyTypeObject* type = type_in(each->type)) found.emplace(type, each->before.get());
    return found;
}

}  // namespace

std::vector<LayoutChange> changes_back(const std::vector<LayoutChange>& done, const Journal& journal) {
    std::vector<LayoutChange> changes;
    std::vector<PyTypeObject*> types;
    Models former(none_staged, no_bottles);
    Models next(none_staged, no_bottles);
    for (const LayoutChange& each : joined(done)) {
        PyTypeObject* type = type_in(each.type);
        if (type == nullptr) continue;
        if (!(Layout::of(type) == each.after)) throw Unlayable("the layout of '" + each.where + "' changed since");
        OneClass change(type, each.model_after, each.model_before);
        change.undoes(each);
        changes.push_back(change.make());
        types.push_back(type);
        former.know(type, each.model_after);
        next.know(type, each.model_before);
    }
    const std::vector<PyTypeObject*> all = with_subclasses(types, former_bases(journal));
    for (std::size_t i = types.size(); i < all.size(); ++i)
        changes.push_back(OneClass(all[i], former.of(all[i]), next.of(all[i])).make());
    return changes;
}

void leave_to_layouts(const std::vector<LayoutChange>& changes, Journal& journal) {
    std::erase_if(journal, [&](const Write& write) {
        const auto* member = std::get_if<MemberWrite>(&write);
        if (member == nullptr || (view(member->name.get()) != "__dict__" && view(member->name.get()) != "__weakref__"))
            return false;
        return std::any_of(changes.begin(), changes.end(),
                           [&](const LayoutChange& each) { return type_in(each.type) == type_in(member->type); });
    });
}

void loosen(std::vector<LayoutChange>& changes, std::vector<Leftover>& leftovers) {
    for (LayoutChange& change : changes) {
        if (!PyWeakref_Check(change.type.get())) change.type = Ref::steal(PyWeakref_NewRef(change.type.get(), nullptr));
        change.members.clear();
        change.moves.clear();
    }
    for (Leftover& each : leftovers) loosen_instance(each.object);
}

}  // namespace rebottle
