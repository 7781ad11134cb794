#include "commit/loosen.hpp"

#include "code/code.hpp"
#include "commit/place.hpp"
#include "commit/remnant.hpp"
#include "compat/compat.hpp"

namespace rebottle {
namespace {

void loosen(Ref& object) {
    if (PyWeakref_Check(object.get()) || !PyType_SUPPORTS_WEAKREFS(Py_TYPE(object.get()))) return;
    object = Ref::steal(PyWeakref_NewRef(object.get(), nullptr));
}

// A class of our own: Python gives everybody one and the same weak reference of the usual class.
PyTypeObject* weak_type() {
    static PyTypeObject* const type = [] {
        const Ref bases = Ref::steal(Py_BuildValue("(O)", &_PyWeakref_RefType));
        const Ref members = new_dict();
        dict_set(members.get(), "__slots__", Ref::steal(PyTuple_New(0)).get());
        return reinterpret_cast<PyTypeObject*>(
            call(reinterpret_cast<PyObject*>(&PyType_Type), {to_str("rebottle.Weak").get(), bases.get(), members.get()})
                .release());
    }();
    return type;
}

bool has_cell(PyObject* closure, PyObject* cell) {
    bool found = false;
    if (closure != nullptr) for_sequence(closure, [&](PyObject* each) { found = found || each == cell; });
    return found;
}

// The cells that the function still has are found there by name.
Ref former_closure(PyObject* former, PyObject* closure) {
    const Ref cells = Ref::steal(PySequence_List(former));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(cells.get()); ++i)
        if (has_cell(closure, PyList_GET_ITEM(cells.get(), i)))
            check(PyList_SetItem(cells.get(), i, Ref(unchanged_mark()).release()));
    return Ref::steal(PyList_AsTuple(cells.get()));
}

bool same_items(PyObject* a, PyObject* b) {
    if (a == b) return true;
    if (a == nullptr || b == nullptr || PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); ++i)
        if (PyTuple_GET_ITEM(a, i) != PyTuple_GET_ITEM(b, i)) return false;
    return true;
}

bool same_closure(const FunctionContent& a, const FunctionContent& b) {
    PyCodeObject* x = as_code(a.code.get());
    PyCodeObject* y = as_code(b.code.get());
    if (x->co_nfreevars != y->co_nfreevars || !same_items(a.closure.get(), b.closure.get())) return false;
    const Ref names = Ref::steal(PyCode_GetFreevars(x));
    const Ref others = Ref::steal(PyCode_GetFreevars(y));
    return check(PyObject_RichCompareBool(names.get(), others.get(), Py_EQ)) == 1;
}

void loosen(FunctionWrite& write) {
    loosen(write.function);
    if (!write.after.name) return;  // it is loosened already
    FunctionContent before = write.before;
    if (same_closure(before, write.after)) {
        before.closure = unchanged_mark();
    } else if (before.closure) {
        before.closure = former_closure(before.closure.get(), write.after.closure.get());
    }
    for (const auto field : function_fields)
        if (field != &FunctionContent::code && field != &FunctionContent::closure &&
            (before.*field).get() == (write.after.*field).get())
            before.*field = unchanged_mark();
    FunctionContent after;
    after.code = write.after.code;
    after.dict = number_of(write.after.dict.get());
    write.before = std::move(before);
    write.after = std::move(after);
}

void loosen(NameWrite& write) {
    if (PyDict_Check(write.dict.get())) write.dict = weak_namespace(write.dict.get());
}

}  // namespace

Ref weak_namespace(PyObject* dict) {
    PyObject* name = dict_get(dict, "__name__");
    if (name == nullptr || !PyUnicode_Check(name)) return Ref::borrow(dict);
    PyObject* module = dict_get(PyImport_GetModuleDict(), name);
    if (module == nullptr || !PyModule_Check(module) || PyModule_GetDict(module) != dict) return Ref::borrow(dict);
    Ref held = Ref::borrow(module);
    loosen(held);
    return PyWeakref_Check(held.get()) ? held : Ref::borrow(dict);
}

Ref namespace_behind(const Ref& reference) {
    if (!reference || !PyWeakref_Check(reference.get())) return reference;
    PyObject* module = compat::target_of(reference.get());
    return Ref::borrow(module == nullptr ? nullptr : PyModule_GetDict(module));
}

void loosen_instance(Ref& object) {
    if (!PyWeakref_Check(object.get()) && PyType_SUPPORTS_WEAKREFS(Py_TYPE(object.get())))
        object = call(reinterpret_cast<PyObject*>(weak_type()), {object.get()});
}

bool is_own_weak_reference(PyObject* object) { return object != nullptr && Py_IS_TYPE(object, weak_type()); }

Ref number_of(const void* object) { return Ref::steal(PyLong_FromVoidPtr(const_cast<void*>(object))); }

void loosen(Journal& journal) noexcept {
    unfailing([&] { join_places(journal); });
    for (Write& write : journal) {
        unfailing([&] {
            if (auto* function = std::get_if<FunctionWrite>(&write)) loosen(*function);
            if (auto* name = std::get_if<NameWrite>(&write)) loosen(*name);
            if (auto* member = std::get_if<MemberWrite>(&write)) loosen(member->type);
            if (auto* bases = std::get_if<BasesWrite>(&write)) loosen(bases->type);
            if (auto* own = std::get_if<AttributeWrite>(&write)) loosen_instance(own->object);
            if (auto* cache = std::get_if<CacheWrite>(&write)) loosen(cache->wrapper);
        });
    }
}

}  // namespace rebottle
