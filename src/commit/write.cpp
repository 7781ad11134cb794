#include "commit/write.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "code/code.hpp"
#include "code/index.hpp"
#include "commit/remnant.hpp"
#include "compat/compat.hpp"
#include "live/instances.hpp"
#include "live/layout.hpp"
#include "live/storage.hpp"

namespace rebottle {
namespace {

void put(PyObject*& field, const Ref& value) {
    PyObject* former = field;
    field = Py_XNewRef(value.get());
    Py_XDECREF(former);  // the journal holds it as well: nothing is released here
}

bool same_size(PyObject* a, PyObject* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return PyDict_Check(a) ? PyDict_GET_SIZE(a) == PyDict_GET_SIZE(b) : PyTuple_GET_SIZE(a) == PyTuple_GET_SIZE(b);
}

void write_function(PyFunctionObject* function, const FunctionContent& content) noexcept {
    if (content.code.get() != function->func_code) CodeIndex::instance().moved(function, as_code(content.code.get()));
    const bool as_made = compat::has_version_of_code(function) &&
                         same_size(function->func_defaults, content.defaults.get()) &&
                         same_size(function->func_kwdefaults, content.kwdefaults.get());
    put(function->func_code, content.code);
    put(function->func_closure, content.closure);
    put(function->func_defaults, content.defaults);
    put(function->func_kwdefaults, content.kwdefaults);
    put(function->func_annotations, content.annotations);
    put(function->func_doc, content.doc);
    put(function->func_typeparams, content.type_params);
    put(function->func_globals, content.globals);
    put(function->func_builtins, content.builtins);
    put(function->func_name, content.name);
    put(function->func_qualname, content.qualname);
    put(function->func_module, content.module);
    put(function->func_dict, content.dict);
    PyFunction_SetVectorcall(function, function->vectorcall);
    if (as_made) compat::set_version_of_code(function);
}

int set_or_delete(PyObject* dict, PyObject* key, PyObject* value) {
    if (value != nullptr) return PyDict_SetItem(dict, key, value);
    const int present = PyDict_Contains(dict, key);
    return present == 1 ? PyDict_DelItem(dict, key) : present;
}

// A class that had a __new__ of its own and inherits a built-in one now: the interpreter keeps its slot, and
// object.__new__ then refuses arguments (bpo-5322).
void inherit_new(PyTypeObject* type) {
    PyObject* found = _PyType_Lookup(type, interned("__new__").get());
    if (found == nullptr || !PyCFunction_Check(found) || !PyType_Check(PyCFunction_GET_SELF(found))) return;
    const newfunc inherited = reinterpret_cast<PyTypeObject*>(PyCFunction_GET_SELF(found))->tp_new;
    if (type->tp_new == inherited) return;
    type->tp_new = inherited;
    const Ref subclasses = call(attribute(reinterpret_cast<PyObject*>(&PyType_Type), "__subclasses__").get(),
                                {reinterpret_cast<PyObject*>(type)});
    for_sequence(subclasses.get(), [](PyObject* subclass) { inherit_new(reinterpret_cast<PyTypeObject*>(subclass)); });
}

// Whether `type` itself answers for this attribute of classes and lets nobody delete it.
bool is_kept_by_type(PyObject* name) {
    PyObject* descriptor = _PyType_Lookup(&PyType_Type, name);
    return descriptor != nullptr && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type) && view(name) != "__abstractmethods__";
}

int set_member(PyObject* type, PyObject* name, PyObject* value) {
    auto* changed = reinterpret_cast<PyTypeObject*>(type);
    compat::allow_new_versions(changed);
    const Ref dict = Ref::steal(PyType_GetDict(changed));
    if (is_kept_by_type(name) && (value == nullptr || view(name) == "__dict__")) {
        const int result = set_or_delete(dict.get(), name, value);
        PyType_Modified(changed);
        return result;
    }
    const Ref line = Ref::borrow(dict_get(dict.get(), "__firstlineno__"));
    const int result = PyType_Type.tp_setattro(type, name, value);
    // 3.13 takes the line away where the module is set.
    if (result == 0 && line && view(name) == "__module__")
        return PyDict_SetItemString(dict.get(), "__firstlineno__", line.get());
    if (result == 0 && value == nullptr && view(name) == "__new__") inherit_new(changed);
    return result;
}

// The interpreter refuses some changes that are sound (to and from plain `object`, of exceptions) because it compares
// the destructors of the best bases: the new one is set beforehand, so that it sees no change there.
void set_bases(PyObject* type, PyObject* bases) {
    auto* changed = reinterpret_cast<PyTypeObject*>(type);
    PyTypeObject* former = changed->tp_base;
    PyTypeObject* best = best_base(bases);
    const Layout layout = Layout::of(changed);
    if (best != nullptr)
        changed->tp_base = reinterpret_cast<PyTypeObject*>(Py_NewRef(reinterpret_cast<PyObject*>(best)));
    static PyObject* const name = interned("__bases__").release();
    const int result = PyType_Type.tp_setattro(type, name, bases);
    const bool other_new = best != nullptr && built_in_base(former) != built_in_base(best);
    if (result < 0 && best != nullptr) {
        changed->tp_base = former;
        Py_DECREF(best);
    } else if (best != nullptr) {
        Py_DECREF(former);
    }
    if (layout.model) lay_out(changed, layout);
    check(result);
    if (other_new) inherit_new(changed);
}

void swap_lists(PyObject* a, PyObject* b) {
    auto* x = reinterpret_cast<PyListObject*>(a);
    auto* y = reinterpret_cast<PyListObject*>(b);
    std::swap(x->ob_item, y->ob_item);
    std::swap(x->allocated, y->allocated);
    const Py_ssize_t size = Py_SIZE(x);
    Py_SET_SIZE(x, Py_SIZE(y));
    Py_SET_SIZE(y, size);
}

void swap_sets(PyObject* a, PyObject* b) {
    auto* x = reinterpret_cast<PySetObject*>(a);
    auto* y = reinterpret_cast<PySetObject*>(b);
    const bool x_small = x->table == x->smalltable;
    const bool y_small = y->table == y->smalltable;
    std::swap(x->fill, y->fill);
    std::swap(x->used, y->used);
    std::swap(x->mask, y->mask);
    std::swap(x->table, y->table);
    std::swap_ranges(std::begin(x->smalltable), std::end(x->smalltable), std::begin(y->smalltable));
    if (y_small) x->table = x->smalltable;
    if (x_small) y->table = y->smalltable;
    x->hash = y->hash = -1;
    x->finger = y->finger = 0;
}

void swap_content(PyObject* a, PyObject* b) {
    if (PyDict_Check(a)) {
        compat::swap_dicts(a, b);
    } else if (PyList_Check(a)) {
        swap_lists(a, b);
    } else {
        swap_sets(a, b);
    }
}

void do_write(FunctionWrite& w) { write_function(w.function.as<PyFunctionObject>(), w.after); }
void do_write(NameWrite& w) { check(set_or_delete(w.dict.get(), w.key.get(), w.after.get())); }
void do_write(MemberWrite& w) { check(set_member(w.type.get(), w.name.get(), w.after.get())); }
void do_write(AttributeWrite& w) { set_held_attribute(w.object.get(), w.name.get(), w.after.get()); }
void do_write(CellWrite& w) { put(w.cell.as<PyCellObject>()->ob_ref, w.after); }
void do_write(TableWrite& w) { swap_content(w.table.get(), w.content.get()); }
void do_write(LineWrite& w) { shift_lines(as_code(w.code.get()), w.by); }
void do_write(SlotWrite& w) { put(*w.slot, w.after); }
void do_write(ItemWrite& w) { check(PySequence_SetItem(w.sequence.get(), w.index, w.after.get())); }
void do_write(BasesWrite& w) { set_bases(w.type.get(), w.after.get()); }
void do_write(TypeWrite& w) {
    Py_INCREF(w.after.get());
    PyTypeObject* former = Py_TYPE(w.object.get());
    Py_SET_TYPE(w.object.get(), w.after.as<PyTypeObject>());
    Py_DECREF(former);
    if (PyType_Check(w.object.get())) PyType_Modified(w.object.as<PyTypeObject>());
}

void do_write(CacheWrite& w) { compat::swap_caches(w.wrapper.get(), w.content.get()); }

void undo_write(FunctionWrite& w) { write_function(w.function.as<PyFunctionObject>(), w.before); }
void undo_write(NameWrite& w) { check(set_or_delete(w.dict.get(), w.key.get(), w.before.get())); }
void undo_write(MemberWrite& w) { check(set_member(w.type.get(), w.name.get(), w.before.get())); }
void undo_write(AttributeWrite& w) { set_held_attribute(w.object.get(), w.name.get(), w.before.get()); }
void undo_write(CellWrite& w) { put(w.cell.as<PyCellObject>()->ob_ref, w.before); }
void undo_write(TableWrite& w) { swap_content(w.table.get(), w.content.get()); }
void undo_write(LineWrite& w) { shift_lines(as_code(w.code.get()), -w.by); }
void undo_write(SlotWrite& w) { put(*w.slot, w.before); }
void undo_write(ItemWrite& w) { check(PySequence_SetItem(w.sequence.get(), w.index, w.before.get())); }
void undo_write(BasesWrite& w) { set_bases(w.type.get(), w.before.get()); }
void undo_write(TypeWrite& w) {
    std::swap(w.before, w.after);
    do_write(w);
    std::swap(w.before, w.after);
}

void undo_write(CacheWrite& w) { compat::swap_caches(w.wrapper.get(), w.content.get()); }

// Whether two dicts, or two lists, hold the same objects, in the same order; two sets, whether as many.
bool same_content(PyObject* a, PyObject* b) {
    if (PyObject_Size(a) != PyObject_Size(b)) return false;
    if (PyList_Check(a) && PyList_Check(b))
        return std::equal(reinterpret_cast<PyListObject*>(a)->ob_item,
                          reinterpret_cast<PyListObject*>(a)->ob_item + PyList_GET_SIZE(a),
                          reinterpret_cast<PyListObject*>(b)->ob_item);
    if (!PyDict_Check(a) || !PyDict_Check(b)) return true;
    PyObject *key = nullptr, *value = nullptr, *other_key = nullptr, *other_value = nullptr;
    Py_ssize_t at = 0;
    Py_ssize_t other_at = 0;
    while (PyDict_Next(a, &at, &key, &value) != 0)
        if (PyDict_Next(b, &other_at, &other_key, &other_value) == 0 || key != other_key || value != other_value)
            return false;
    return true;
}

bool is_there(const FunctionWrite& w) { return FunctionContent::of(w.function.as<PyFunctionObject>()) == w.after; }
bool is_there(const NameWrite& w) { return dict_get(w.dict.get(), w.key.get()) == w.after.get(); }
bool is_there(const MemberWrite& w) {
    const Ref dict = Ref::steal(PyType_GetDict(w.type.as<PyTypeObject>()));
    const std::string_view name = view(w.name.get());
    if (name == "__name__" || name == "__qualname__") return true;  // they live in the type's structure
    return dict_get(dict.get(), w.name.get()) == w.after.get();
}
bool is_there(const AttributeWrite& w) { return held_attribute(w.object.get(), w.name.get()).get() == w.after.get(); }
bool is_there(const CellWrite& w) { return w.cell.as<PyCellObject>()->ob_ref == w.after.get(); }
bool is_there(const TableWrite& w) { return same_content(w.table.get(), w.after.get()); }
bool is_there(const LineWrite&) { return true; }
bool is_there(const SlotWrite& w) { return *w.slot == w.after.get(); }
bool is_there(const ItemWrite& w) {
    return Ref::steal(PySequence_GetItem(w.sequence.get(), w.index)).get() == w.after.get();
}
bool is_there(const BasesWrite& w) {
    return check(PyObject_RichCompareBool(w.type.as<PyTypeObject>()->tp_bases, w.after.get(), Py_EQ)) == 1;
}
bool is_there(const TypeWrite& w) { return Py_TYPE(w.object.get()) == w.after.as<PyTypeObject>(); }

bool is_there(const CacheWrite&) { return true; }

// The type of an object says where its references lie.
bool changes_storage(const Write& write) {
    return std::holds_alternative<BasesWrite>(write) || std::holds_alternative<TypeWrite>(write);
}

// What can fail comes first; names are removed last, since only putting them back could fail.
int phase(const Write& write) {
    if (const auto* name = std::get_if<NameWrite>(&write)) return name->after ? 0 : 3;
    if (const auto* member = std::get_if<MemberWrite>(&write)) return member->after ? 1 : 3;
    if (const auto* own = std::get_if<AttributeWrite>(&write)) return own->after ? 2 : 3;
    return changes_storage(write) ? 4 : 2;
}

}  // namespace

FunctionContent FunctionContent::of(PyFunctionObject* f) {
    const auto ref = [](PyObject* object) { return Ref::borrow(object); };
    return {ref(f->func_code),        ref(f->func_closure), ref(f->func_defaults),   ref(f->func_kwdefaults),
            ref(f->func_annotations), ref(f->func_doc),     ref(f->func_typeparams), ref(f->func_globals),
            ref(f->func_builtins),    ref(f->func_name),    ref(f->func_qualname),   ref(f->func_module),
            ref(f->func_dict)};
}

bool FunctionContent::operator==(const FunctionContent& other) const {
    return std::all_of(function_fields.begin(), function_fields.end(),
                       [&](auto field) { return (this->*field).get() == (other.*field).get(); });
}

Ref copy_of_function(PyFunctionObject* function) {
    Ref copy =
        Ref::steal(PyFunction_NewWithQualName(function->func_code, function->func_globals, function->func_qualname));
    FunctionContent content = FunctionContent::of(function);
    if (content.dict) content.dict = Ref::steal(PyDict_Copy(content.dict.get()));
    fill_function(copy.as<PyFunctionObject>(), content);
    return copy;
}

void fill_function(PyFunctionObject* function, const FunctionContent& content) {
    const auto set = [](PyObject*& field, const Ref& value) { Py_XSETREF(field, Py_XNewRef(value.get())); };
    set(function->func_closure, content.closure);
    set(function->func_defaults, content.defaults);
    set(function->func_kwdefaults, content.kwdefaults);
    set(function->func_annotations, content.annotations);
    set(function->func_doc, content.doc);
    set(function->func_name, content.name);
    set(function->func_typeparams, content.type_params);
    set(function->func_builtins, content.builtins);
    set(function->func_module, content.module);
    set(function->func_dict, content.dict);
}

void apply(Write& write) {
    std::visit([](auto& each) { do_write(each); }, write);
}

void undo(Write& write) noexcept {
    const ErrorAside aside;
    unfailing([&] { std::visit([](auto& each) { undo_write(each); }, write); });
}

bool holds(const Write& write) {
    return std::visit([](const auto& each) { return is_there(each); }, write);
}

void release_results(const Journal& journal) noexcept {
    for (const Write& write : journal)
        if (const auto* cache = std::get_if<CacheWrite>(&write))
            unfailing([&] { call_method(cache->content.get(), "cache_clear"); });
}

void prepare(const Journal& journal) {
    std::unordered_map<PyObject*, std::size_t> functions;  // that run this code before or after
    for (const Write& write : journal) {
        if (const auto* function = std::get_if<FunctionWrite>(&write)) {
            ++functions[function->after.code.get()];
            ++functions[function->before.code.get()];
        } else if (const auto* table = std::get_if<TableWrite>(&write);
                   table != nullptr && PyDict_Check(table->table.get())) {
            compat::unshare(table->table.get());
            compat::unshare(table->content.get());
        } else if (const auto* type = std::get_if<TypeWrite>(&write);
                   type != nullptr && !PyType_Check(type->object.get())) {
            compat::detach_attributes(type->object.get());
        }
    }
    for (const auto& [code, more] : functions) CodeIndex::instance().prepare(as_code(code), more);
}

void order(Journal& journal) {
    const auto sooner = [](const Write& a, const Write& b) { return phase(a) < phase(b); };
    if (!std::is_sorted(journal.begin(), journal.end(), sooner))
        std::stable_sort(journal.begin(), journal.end(), sooner);
}

namespace {

void apply_range(Journal::iterator first, Journal::iterator last) {
    auto done = first;
    try {
        for (; done != last; ++done) apply(*done);
    } catch (const std::exception&) {
        while (done != first) undo(*--done);
        throw;
    }
}

}  // namespace

void apply_contents(Journal& journal) {
    order(journal);
    apply_range(journal.begin(), std::find_if(journal.begin(), journal.end(), changes_storage));
}

void apply_types(Journal& journal) {
    apply_range(std::find_if(journal.begin(), journal.end(), changes_storage), journal.end());
}

void apply_all(Journal& journal) {
    order(journal);
    apply_range(journal.begin(), journal.end());
}

std::vector<Ref> former_namespaces(const Journal& journal) {
    std::vector<Ref> former;
    for (const Write& write : journal)
        if (const auto* function = std::get_if<FunctionWrite>(&write))
            for (Ref FunctionContent::*field : {&FunctionContent::globals, &FunctionContent::builtins})
                if (const Ref& names = function->before.*field;
                    names.get() != (function->after.*field).get() && names.get() != unchanged_mark().get())
                    former.push_back(names);
    return former;
}

void undo_all(Journal& journal) noexcept { undo_from(journal, 0); }

void undo_from(Journal& journal, std::size_t first) noexcept {
    for (std::size_t i = journal.size(); i-- > first;) undo(journal[i]);
}

void undo_before(Journal& journal, std::size_t last) noexcept {
    while (last-- > 0) undo(journal[last]);
}

}  // namespace rebottle
