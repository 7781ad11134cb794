#include "commit/class_merge.hpp"

#include <algorithm>
#include <set>

#include "live/layout.hpp"
#include "live/storage.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

PyTypeObject* as_type(const Ref& type) { return type.as<PyTypeObject>(); }
PyObject* as_plain(PyTypeObject* type) { return reinterpret_cast<PyObject*>(type); }

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_implicit(const std::string& name) {
    return name == "__dict__" || name == "__weakref__" || name == "__classcell__" || name == "_abc_impl" ||
           name == "__module__" || name == "__qualname__";
}

// What the language and its tools write into a class without being asked by its body.
bool is_implied(std::string_view name, PyObject* value) {
    static const std::set<std::string_view> names = {
        "__match_args__", "__slots__",          "__type_params__",      "__orig_bases__",
        "__parameters__", "__protocol_attrs__", "_is_runtime_protocol", "__non_callable_proto_members__",
        "__final__"};
    return names.contains(name) || name.starts_with("__dataclass_") || (name == "__hash__" && value == Py_None);
}

struct ChangedBases {
    const ClassMerge* merge;
    Ref former;
    Ref now;
};

class Merger {
   public:
    Merger(const ClassMerge& merge, Outcome& outcome, Pour& pour, Resolved& result, std::vector<ChangedBases>& changed)
        : merge_(merge),
          outcome_(outcome),
          pour_(pour),
          result_(result),
          changed_bases_(changed),
          live_(Ref::steal(PyType_GetDict(as_type(merge.live)))),
          staged_(Ref::steal(PyType_GetDict(as_type(merge.staged)))) {}

    void run() {
        outcome_.our_containers.push_back(staged_.get());
        if (!Py_IS_TYPE(merge_.live.get(), Py_TYPE(merge_.staged.get())) &&
            mapped(reinterpret_cast<PyObject*>(Py_TYPE(merge_.staged.get()))).get() !=
                reinterpret_cast<PyObject*>(Py_TYPE(merge_.live.get()))) {
            change_metaclass();
        }
        members();
        gone();
        bases();
        const bool laid_out = !same_storage(as_type(merge_.live), as_type(merge_.staged));
        if (!is_laid_out_anew()) descriptors();
        result_.changes.push_back({laid_out         ? "class-layout"
                                   : bases_changed_ ? "class-bases"
                                                    : "class-changed",
                                   merge_.place(), merge_.file, merge_.line});
    }

   private:
    void refuse(const std::string& rule, const std::string& why, const std::string& what) {
        result_.refusals.push_back({rule, merge_.place(), why, what, merge_.file, merge_.line});
    }

    Ref mapped(PyObject* object) const {
        const auto found = outcome_.bottles.find(object);
        return found == outcome_.bottles.end() ? Ref::borrow(object) : found->second;
    }

    void change_metaclass() {
        PyTypeObject* former = Py_TYPE(merge_.live.get());
        PyTypeObject* now = Py_TYPE(merge_.staged.get());
        if (former->tp_basicsize != now->tp_basicsize || former->tp_itemsize != now->tp_itemsize ||
            built_in_base(former) != built_in_base(now)) {
            refuse("class-metaclass", "its metaclass changed to one with storage or compiled code of its own",
                   "restart to change this metaclass");
            return;
        }
        const Ref metaclass = mapped(as_plain(now));
        result_.journal.push_back(TypeWrite{merge_.live, Ref::borrow(as_plain(former)), metaclass});
        pass_on_metaclass(merge_.live.get(), metaclass);
    }

    // Subclasses that had no other metaclass get it as well.
    void pass_on_metaclass(PyObject* type, const Ref& metaclass) {
        const Ref subclasses = call(attribute(as_plain(&PyType_Type), "__subclasses__").get(), {type});
        for_sequence(subclasses.get(), [&](PyObject* each) {
            const bool merged = std::any_of(
                outcome_.merges.begin(), outcome_.merges.end(),
                [&](const ClassMerge& other) { return other.live.get() == each || other.staged.get() == each; });
            if (merged || Py_TYPE(each) == metaclass.as<PyTypeObject>() ||
                PyType_IsSubtype(metaclass.as<PyTypeObject>(), Py_TYPE(each)) == 0)
                return;
            result_.journal.push_back(TypeWrite{Ref::borrow(each), Ref::borrow(as_plain(Py_TYPE(each))), metaclass});
            if (dict_get(staged_.get(), "_abc_impl") != nullptr) give_registry(each);
            result_.kept.push_back({attribute_text(each, "__module__") + "." + attribute_text(each, "__qualname__"),
                                    "made earlier: the new metaclass of " + merge_.place() + " isn't run for it",
                                    merge_.file, 0});
            pass_on_metaclass(each, metaclass);
        });
    }

    // What an abstract class has to remember its answers.
    void give_registry(PyObject* type) {
        const Ref maker = call(as_plain(&PyType_Type),
                               {to_str("registry").get(), Ref::steal(PyTuple_New(0)).get(), new_dict().get()});
        call_method(import_module("_abc").get(), "_abc_init", {maker.get()});
        result_.journal.push_back(
            MemberWrite{Ref::borrow(type), interned("_abc_impl"), Ref(), attribute(maker.get(), "_abc_impl"), ""});
    }

    void members() {
        pair_enum_members();
        for_items(staged_.get(), [&](PyObject* key, PyObject* value) {
            const std::string name = to_text(key);
            if (is_implicit(name) && !(name == "_abc_impl" && dict_get(live_.get(), key) == nullptr)) return;
            if (contains(merge_.kept_names, name) || Py_IS_TYPE(value, &PyMemberDescr_Type)) return;
            member(key, value, name);
        });
    }

    void member(PyObject* key, PyObject* value, const std::string& name) {
        PyObject* before = dict_get(live_.get(), key);
        Ref after = mapped(value);
        if (after.get() == before) return;
        const bool generated = after.get() == value && !outcome_.created.contains(value);
        if (generated && before != nullptr && PyFunction_Check(before) && PyFunction_Check(value)) {
            pour_.whole_function(reinterpret_cast<PyFunctionObject*>(before), after.as<PyFunctionObject>(),
                                 merge_.place() + "." + name);
            outcome_.bottles.emplace(after.get(), Ref::borrow(before));
            return;
        }
        Binding binding;
        binding.owner = merge_.live;
        binding.name = Ref::borrow(key);
        binding.before = Ref::borrow(before);
        binding.after = after;
        binding.module = merge_.module;
        binding.where = merge_.where + "." + name;
        binding.decorated = binding.decorators_changed = true;
        binding.was = binding.is = Sort::definition;
        if (before != nullptr && !(is_data(before) && is_data(after.get()))) {
            after = pour_.adopt(binding, after);
            if (after.get() == before || (PyUnicode_Check(before) && equal(before, after.get()))) return;
        }
        result_.journal.push_back(
            MemberWrite{merge_.live, Ref::borrow(key), Ref::borrow(before), after, binding.place()});
    }

    // Members of an enumeration stay; they take the new values.
    void pair_enum_members() {
        PyObject* former = dict_get(live_.get(), "_member_map_");
        PyObject* now = dict_get(staged_.get(), "_member_map_");
        if (former == nullptr || now == nullptr || !PyDict_Check(former) || !PyDict_Check(now)) return;
        keep_combined_members();
        for_items(now, [&](PyObject* key, PyObject* member) {
            PyObject* live = dict_get(former, key);
            if (live == nullptr || live == member || !stands_for(live, key, now, member)) return;
            if (!same_built_in_value(live, member)) {
                pour_.become(live, Ref::borrow(member));
                return;
            }
            outcome_.bottles.emplace(member, Ref::borrow(live));
            forget_inverted(live);
            const Ref to = attribute_or_null(live, "__dict__");
            const Ref from = attribute_or_null(member, "__dict__");
            if (!to || !from) return;
            for_items(from.get(), [&](PyObject* name, PyObject* value) {
                PyObject* before = dict_get(to.get(), name);
                const Ref after = mapped(value);
                if (before != after.get() && view(name) != inverted_flag)
                    result_.journal.push_back(
                        NameWrite{to, Ref::borrow(name), Ref::borrow(before), after, merge_.place()});
            });
        });
    }

    // An alias is no member of its own: the former one counts for the name that it goes by itself.
    static bool stands_for(PyObject* live, PyObject* key, PyObject* now, PyObject* member) {
        const Ref own = attribute_or_null(live, "_name_");
        if (!own || !PyUnicode_Check(own.get()) || equal(own.get(), key)) return true;
        return dict_get(now, own.get()) == member;
    }

    // A flag remembers what it is inverted, which depends on the other members: also for the way back.
    void forget_inverted(PyObject* member) {
        static PyObject* const name = interned(inverted_flag).release();
        const Ref held = attribute_or_null(member, "__dict__");
        if (held && dict_get(live_.get(), "_flag_mask_") != nullptr)
            result_.journal.push_back(
                NameWrite{held, Ref::borrow(name), Ref::borrow(dict_get(held.get(), name)), Ref(), ""});
    }

    // Combinations of flags (`A | B`) were made as they were needed, and are compared by identity.
    void keep_combined_members() {
        PyObject* former = dict_get(live_.get(), "_value2member_map_");
        PyObject* now = dict_get(staged_.get(), "_value2member_map_");
        PyObject* named = dict_get(live_.get(), "_member_map_");
        PyObject* mask = dict_get(staged_.get(), "_flag_mask_");
        if (former == nullptr || now == nullptr || mask == nullptr || !PyLong_CheckExact(mask)) return;
        for_items(former, [&](PyObject* value, PyObject* member) {
            if (!PyLong_CheckExact(value) || dict_get(now, value) != nullptr) return;
            bool is_named = false;
            for_items(named, [&](PyObject*, PyObject* each) { is_named = is_named || each == member; });
            const Ref known = Ref::steal(PyNumber_And(value, mask));
            if (is_named || !equal(known.get(), value)) return;
            dict_set(now, value, member);
            forget_inverted(member);
        });
    }

    // A member that is an int or a str itself can't take another value.
    bool same_built_in_value(PyObject* a, PyObject* b) {
        PyTypeObject* type = built_in_base(Py_TYPE(a));
        if (type == &PyBaseObject_Type || type->tp_richcompare == nullptr) return true;
        const Ref equal = Ref::steal(type->tp_richcompare(a, b, Py_EQ));
        if (equal.get() == Py_True) return true;
        result_.kept.push_back({merge_.place(),
                                "a member's value is the object itself: references were rewritten, its id() changed",
                                merge_.file, merge_.line});
        return false;
    }

    // Fields with a default and members of enumerations follow the source: those that are gone go.
    bool is_former_field(PyObject* key, PyObject* value) const {
        for (const char* table : {"__dataclass_fields__", "_member_map_"}) {
            PyObject* former = dict_get(live_.get(), table);
            if (former != nullptr && PyDict_Check(former) && dict_get(former, key) != nullptr) return true;
        }
        PyObject* former = dict_get(live_.get(), "_fields");
        return former != nullptr && PyTuple_Check(former) && PySequence_Contains(former, key) == 1 &&
               std::string_view(Py_TYPE(value)->tp_name).find("tuplegetter") != std::string_view::npos;
    }

    // What class creation had made and makes no more; names of the source stay.
    void gone() {
        for_items(live_.get(), [&](PyObject* key, PyObject* value) {
            const std::string name = to_text(key);
            if (is_implicit(name) || dict_get(staged_.get(), key) != nullptr) return;
            if (Py_IS_TYPE(value, &PyMemberDescr_Type)) return;  // slots go with the storage
            const bool taken_out = contains(merge_.gone_names, name) || is_former_field(key, value);
            if (!taken_out && contains(merge_.old_names, name) && name != "__slots__") return;
            const bool generated =
                PyFunction_Check(value) &&
                to_text(reinterpret_cast<PyCodeObject*>(reinterpret_cast<PyFunctionObject*>(value)->func_code)
                            ->co_filename) == "<string>";
            const bool added =
                PyFunction_Check(value) &&
                std::any_of(merge_.removed_makers.begin(), merge_.removed_makers.end(), [&](const Ref& maker) {
                    return maker.get() == reinterpret_cast<PyFunctionObject*>(value)->func_globals;
                });
            if (taken_out || generated || added || is_implied(name, value))
                result_.journal.push_back(
                    MemberWrite{merge_.live, Ref::borrow(key), Ref::borrow(value), Ref(), merge_.place() + "." + name});
        });
    }

    bool is_laid_out_anew() const {
        return std::any_of(result_.layouts.begin(), result_.layouts.end(),
                           [&](const LayoutChange& each) { return each.type.get() == merge_.live.get(); });
    }

    // `__dict__` and `__weakref__`: a class has its own ones where no base has them.
    void descriptors() {
        for (const char* name : {"__dict__", "__weakref__"}) {
            PyObject* now = dict_get(staged_.get(), name);
            if (now == nullptr || dict_get(live_.get(), name) != nullptr) continue;
            Ref own = Ref::steal(
                PyDescr_NewGetSet(as_type(merge_.live), reinterpret_cast<PyGetSetDescrObject*>(now)->d_getset));
            result_.journal.push_back(MemberWrite{merge_.live, interned(name), Ref(), std::move(own), ""});
        }
    }

    void bases() {
        PyObject* former = as_type(merge_.live)->tp_bases;
        const Ref now = Ref::steal(PySequence_List(as_type(merge_.staged)->tp_bases));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(now.get()); ++i)
            check(PyList_SetItem(now.get(), i, mapped(PyList_GET_ITEM(now.get(), i)).release()));
        const Ref after = Ref::steal(PyList_AsTuple(now.get()));
        bases_changed_ = check(PyObject_RichCompareBool(former, after.get(), Py_EQ)) == 0;
        if (bases_changed_) result_.reshaped.push_back(merge_.live);
        if (bases_changed_) changed_bases_.push_back({&merge_, Ref::borrow(former), after});
    }

    const ClassMerge& merge_;
    Outcome& outcome_;
    Pour& pour_;
    Resolved& result_;
    std::vector<ChangedBases>& changed_bases_;
    Ref live_;
    Ref staged_;
    bool bases_changed_ = false;
};

// Old bases of one class and new ones of another can contradict each other: where several classes change, each is left
// with one base first. Derived classes let go first, and come last when the new bases are set.
void write_bases(std::vector<ChangedBases> changed, Journal& journal) {
    std::stable_sort(changed.begin(), changed.end(), [](const ChangedBases& a, const ChangedBases& b) {
        return PyTuple_GET_SIZE(as_type(a.merge->staged)->tp_mro) < PyTuple_GET_SIZE(as_type(b.merge->staged)->tp_mro);
    });
    if (changed.size() > 1) {
        for (auto each = changed.rbegin(); each != changed.rend(); ++each) {
            PyTypeObject* live = as_type(each->merge->live);
            PyTypeObject* best = best_base(live->tp_bases);
            const Ref alone = Ref::steal(PyTuple_Pack(1, as_plain(best != nullptr ? best : live->tp_base)));
            journal.push_back(BasesWrite{each->merge->live, each->former, alone, ""});
            each->former = alone;
        }
    }
    for (const ChangedBases& each : changed)
        journal.push_back(BasesWrite{each.merge->live, each.former, each.now, each.merge->place()});
}

}  // namespace

void merge_classes(Outcome& outcome, Pour& pour, Resolved& result) {
    std::vector<ChangedBases> changed;
    for (const ClassMerge& merge : outcome.merges) Merger(merge, outcome, pour, result, changed).run();
    write_bases(std::move(changed), result.journal);
}

void merge_like(const ClassMerge& merge, Outcome& outcome, Pour& pour, Resolved& result) {
    outcome.bottles.emplace(merge.staged.get(), merge.live);
    if (same_storage(as_type(merge.live), as_type(merge.staged))) {
        std::vector<ChangedBases> changed;
        Merger(merge, outcome, pour, result, changed).run();
        write_bases(std::move(changed), result.journal);
    } else {
        result.refusals.push_back({"class-layout", merge.module + "." + merge.where,
                                   "another class takes its place whose instances are laid out in another way",
                                   "edit __slots__ in its own source and reload that", "", merge.line});
    }
}

}  // namespace rebottle
