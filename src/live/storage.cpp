#include "live/storage.hpp"

#include "compat/compat.hpp"
#include "live/instances.hpp"
#include "live/layout.hpp"

namespace rebottle {
namespace {

PyObject* as_plain(PyTypeObject* type) { return reinterpret_cast<PyObject*>(type); }

Ref new_class(PyObject* name, PyObject* bases, PyObject* members) {
    return call(as_plain(&PyType_Type), {name, bases, members});
}

PyTypeObject* model_of(PyTypeObject* type) {
    PyTypeObject* base = type->tp_base;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i)
        if (PyTuple_GET_ITEM(type->tp_mro, i) == as_plain(base)) return nullptr;
    return base;
}

void forget_subclass(const Ref& type) {
    const Ref weak = Ref::steal(PyWeakref_NewRef(type.get(), nullptr));  // the one that its bases hold
    _PyWeakref_ClearRef(weak.as<PyWeakReference>());
}

Ref new_model(PyTypeObject* type, const Ref& bases, const Ref& members) {
    try {
        Ref model = new_class(to_str(type->tp_name).get(), bases.get(), members.get());
        forget_subclass(model);
        return model;
    } catch (const PythonError& error) {
        if (error.is(PyExc_MemoryError)) throw;
        throw Unlayable(describe(error.value()));
    }
}

}  // namespace

bool is_python_class(PyTypeObject* type) {
    static const destructor standard = [] {
        const Ref sample = new_class(to_str("sample").get(), Ref::steal(PyTuple_New(0)).get(), new_dict().get());
        return sample.as<PyTypeObject>()->tp_dealloc;
    }();
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && type->tp_dealloc == standard;
}

Layout Layout::of(PyTypeObject* type) {
    return {Ref::borrow(as_plain(model_of(type))),
            Py_SIZE(type),
            type->tp_basicsize,
            type->tp_itemsize,
            type->tp_dictoffset,
            type->tp_weaklistoffset,
            type->tp_flags & compat::storage_flags,
            type->tp_traverse,
            type->tp_clear,
            type->tp_free};
}

Layout Layout::like(const Ref& model) {
    Layout layout = of(model.as<PyTypeObject>());
    layout.model = model;
    layout.members = 0;
    return layout;
}

bool Layout::operator==(const Layout& other) const {
    return model.get() == other.model.get() && members == other.members && basicsize == other.basicsize &&
           itemsize == other.itemsize && dictoffset == other.dictoffset && weaklistoffset == other.weaklistoffset &&
           flags == other.flags;
}

void lay_out(PyTypeObject* type, const Layout& layout) noexcept {
    PyTypeObject* base = layout.model ? layout.model.as<PyTypeObject>() : best_base(type->tp_bases);
    PyTypeObject* former = type->tp_base;
    type->tp_base = reinterpret_cast<PyTypeObject*>(Py_NewRef(as_plain(base)));
    Py_SET_SIZE(type, layout.members);
    type->tp_basicsize = layout.basicsize;
    type->tp_itemsize = layout.itemsize;
    type->tp_dictoffset = layout.dictoffset;
    type->tp_weaklistoffset = layout.weaklistoffset;
    type->tp_flags = (type->tp_flags & ~compat::storage_flags) | layout.flags;
    type->tp_traverse = layout.traverse;
    type->tp_clear = layout.clear;
    type->tp_free = layout.free;
    PyType_Modified(type);
    Py_DECREF(former);
}

PyTypeObject* describer_of(PyTypeObject* type) {
    PyTypeObject* model = model_of(type);
    return model != nullptr ? model : type;
}

std::vector<PyMemberDef*> own_slots(PyTypeObject* type) {
    PyTypeObject* describer = describer_of(type);
    std::vector<PyMemberDef*> found;
    for (Py_ssize_t i = 0; i < Py_SIZE(describer); ++i) found.push_back(&describer->tp_members[i]);
    return found;
}

std::map<std::string, Py_ssize_t> slot_offsets(PyTypeObject* type) {
    std::map<std::string, Py_ssize_t> found;
    if (type->tp_dictoffset != 0) found.emplace("__dict__", type->tp_dictoffset);
    if (type->tp_weaklistoffset != 0) found.emplace("__weakref__", type->tp_weaklistoffset);
    for (; is_python_class(type); type = type->tp_base)
        for (Py_ssize_t i = 0; i < Py_SIZE(type); ++i)
            found.emplace(type->tp_members[i].name, type->tp_members[i].offset);
    return found;
}

Ref stored_attributes(PyObject* object) {
    Ref all = has_dict(object) ? Ref::steal(PyDict_Copy(Ref::steal(PyObject_GenericGetDict(object, nullptr)).get()))
                               : new_dict();
    for (const auto& [name, offset] : slot_offsets(Py_TYPE(object))) {
        if (name == "__dict__" || name == "__weakref__") continue;
        PyObject* value = *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
        if (value != nullptr && dict_get(all.get(), name) == nullptr) dict_set(all.get(), name, value);
    }
    return all;
}

bool same_storage(PyTypeObject* a, PyTypeObject* b) {
    return a->tp_basicsize == b->tp_basicsize && a->tp_itemsize == b->tp_itemsize &&
           (a->tp_flags & compat::storage_flags) == (b->tp_flags & compat::storage_flags) &&
           slot_offsets(a) == slot_offsets(b) && same_built_in(a, b);
}

Ref Models::of(PyTypeObject* type) {
    const auto known = made_.find(type);
    if (known != made_.end()) return known->second;
    return made_.emplace(type, is_python_class(type) ? make(type) : of_compiled(type)).first->second;
}

// A class of C code stands for itself; where it wants to be told of subclasses, a subclass that isn't told.
Ref Models::of_compiled(PyTypeObject* type) {
    if (!Py_IS_TYPE(as_plain(type), &PyType_Type))
        throw Unlayable(std::string("its base '") + type->tp_name + "' has a metaclass that lays classes out");
    const Ref hook = interned("__init_subclass__");
    if (_PyType_Lookup(type, hook.get()) == _PyType_Lookup(&PyBaseObject_Type, hook.get()))
        return Ref::borrow(as_plain(type));
    const Ref bases = Ref::steal(PyTuple_New(1));
    PyTuple_SET_ITEM(bases.get(), 0, Py_NewRef(as_plain(type)));
    const Ref none = Ref::steal(PyTuple_New(0));
    const Ref members = new_dict();
    dict_set(members.get(), "__slots__", none.get());
    dict_set(members.get(), "__orig_bases__", none.get());  // typing.Generic looks for its parameters there
    dict_set(members.get(), "__init_subclass__", _PyType_Lookup(&PyBaseObject_Type, hook.get()));
    return new_model(type, bases, members);
}

Ref Models::make(PyTypeObject* type) {
    const auto staged = staged_.find(type);
    PyTypeObject* source = staged != staged_.end() ? staged->second : type;
    PyTypeObject* describer = describer_of(source);
    const Ref own = Ref::steal(PyType_GetDict(source));
    const Ref members = new_dict();
    if (dict_get(own.get(), "__slots__") != nullptr) {
        const Ref slots = Ref::steal(PyList_New(0));
        for (const PyMemberDef* slot : own_slots(source)) check(PyList_Append(slots.get(), interned(slot->name).get()));
        for (const char* name : {"__dict__", "__weakref__"})
            if (dict_get(Ref::steal(PyType_GetDict(describer)).get(), name) != nullptr)
                check(PyList_Append(slots.get(), interned(name).get()));
        dict_set(members.get(), "__slots__", slots.get());
    }
    const Ref bases = bases_of(source);
    return new_model(type, bases, members);
}

Ref Models::bases_of(PyTypeObject* type) {
    Ref bases = Ref::steal(PyTuple_New(PyTuple_GET_SIZE(type->tp_bases)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_bases); ++i) {
        PyObject* base = PyTuple_GET_ITEM(type->tp_bases, i);
        const auto bottle = bottles_.find(base);
        PyTypeObject* live =
            bottle == bottles_.end() ? reinterpret_cast<PyTypeObject*>(base) : bottle->second.as<PyTypeObject>();
        PyTuple_SET_ITEM(bases.get(), i, of(live).release());
    }
    return bases;
}

}  // namespace rebottle
