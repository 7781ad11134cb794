#include "commit/keep.hpp"

#include <algorithm>

#include "commit/loosen.hpp"
#include "commit/write.hpp"
#include "live/storage.hpp"

namespace rebottle {
namespace {

PyTypeObject* as_type(PyObject* object) { return reinterpret_cast<PyTypeObject*>(object); }

Ref members_of(PyTypeObject* type) { return Ref::steal(PyType_GetDict(type)); }

// Whether a base has code of its own for classes that are derived from it.
bool bases_take_part(PyTypeObject* type) {
    PyObject* order = type->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(order); ++i) {
        PyTypeObject* base = as_type(PyTuple_GET_ITEM(order, i));
        if (base != &PyBaseObject_Type && dict_get(members_of(base).get(), "__init_subclass__") != nullptr) return true;
    }
    return false;
}

bool has_name_hook(PyObject* value) {
    return (Py_TYPE(value)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 &&
           _PyType_Lookup(Py_TYPE(value), interned("__set_name__").get()) != nullptr;
}

// Whether a class can be made again from its name, bases and members, without code of the program.
bool can_be_made_again(PyTypeObject* type) {
    if (!Py_IS_TYPE(type, &PyType_Type) || !is_python_class(type) || describer_of(type) != type) return false;
    const Ref members = members_of(type);
    if (dict_get(members.get(), "__slots__") != nullptr || bases_take_part(type)) return false;
    bool plain = true;
    for_items(members.get(), [&](PyObject*, PyObject* value) { plain = plain && !has_name_hook(value); });
    return plain;
}

const std::size_t closure_part = number_of_field(&FunctionContent::closure);

PyObject* remnant_object(Remnant* remnant) { return remnant == nullptr ? nullptr : &remnant->head; }
PyObject* content_of_cell(PyObject* remnant) { return as_remnant(remnant)->parts[part::content].get(); }

bool is_nested_in(PyObject* object, PyObject* owner) {
    if (!PyType_Check(object)) return false;
    const std::string outer = attribute_text(owner, "__qualname__") + ".";
    return attribute_text(object, "__qualname__").starts_with(outer);
}

// The function that a property, a static or a class method calls first.
Ref wrapped_function(PyObject* wrapper) {
    if (Py_IS_TYPE(wrapper, &PyProperty_Type)) return attribute(wrapper, "fget");
    return is_method_holder(wrapper) ? attribute(wrapper, "__func__") : Ref();
}

}  // namespace

bool is_let_go(PyObject* object) {
    return object != nullptr &&
           (PyFunction_Check(object) || (PyType_Check(object) && is_python_class(as_type(object))));
}

bool Keeper::is_same(PyObject* now, const Ref& reference) {
    if (!is_remnant(reference.get())) return now == reference.get();
    const Remnant* remnant = as_remnant(reference.get());
    if (now == nullptr || remnant->kind != Remnant::Kind::wrapper || remnant->place != now) return false;
    const Ref function = wrapped_function(now);
    return function && function.get() == survivor(as_remnant(remnant->parts[part::function].get()));
}

void Keeper::keep(Ref& reference, Use use) {
    PyObject* object = reference.get();
    if (use == Use::to_compare && object != nullptr) keep_wrapper(reference);
    if (!is_let_go(object)) return;
    Ref remnant = remnant_of(object);
    if (use == Use::to_return && !complete(as_remnant(remnant.get()), object)) return;
    released_.push_back(std::exchange(reference, std::move(remnant)));
}

// Nobody can refer to a wrapper weakly: it is known by its number and its function.
void Keeper::keep_wrapper(Ref& reference) {
    const Ref function = wrapped_function(reference.get());
    if (!function || !PyFunction_Check(function.get())) return;
    Ref made = new_remnant(Remnant::Kind::wrapper);
    as_remnant(made.get())->place = reference.get();
    as_remnant(made.get())->parts[part::function] = remnant_of(function.get());
    released_.push_back(std::exchange(reference, std::move(made)));
}

bool Keeper::complete(Remnant* remnant, PyObject* definition) {
    if (PyType_Check(definition) && !remnant->complete && !can_be_made_again(as_type(definition))) return false;
    if (!done_.insert(remnant).second) return true;
    if (PyType_Check(definition)) {
        new_classes_ = new_classes_ || !remnant->complete;
        remnant->complete = true;  // its methods refer to it
        complete_type(remnant, definition);
    } else {
        complete_function(remnant, definition);
        remnant->complete = true;
    }
    return true;
}

void Keeper::complete_function(Remnant* remnant, PyObject* object) {
    auto* function = reinterpret_cast<PyFunctionObject*>(object);
    FunctionContent content = FunctionContent::of(function);
    content.globals = weak_namespace(function->func_globals);
    recall_cells(remnant, content.closure.get());
    for (Ref FunctionContent::*field : {&FunctionContent::closure, &FunctionContent::defaults,
                                        &FunctionContent::kwdefaults, &FunctionContent::annotations})
        content.*field = container((content.*field).get());
    if (content.builtins.get() != PyEval_GetBuiltins()) content.builtins = container(content.builtins.get());
    // The function's own dict is its own: what it gets later is none of the history's business.
    content.dict = Ref::steal_or_null(content.dict ? PyDict_Copy(content.dict.get()) : nullptr);
    content.dict = container(content.dict.get());
    remnant->place = function->func_dict;
    for (std::size_t i = 0; i < function_fields.size(); ++i) set_part(remnant, i, content.*function_fields[i]);
}

// A cell that other functions have as well is the same one for all, whenever they were let go.
void Keeper::recall_cells(const Remnant* remnant, PyObject* closure) {
    PyObject* former = remnant->parts[closure_part].get();
    if (closure == nullptr || former == nullptr || PyTuple_GET_SIZE(former) != PyTuple_GET_SIZE(closure)) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(closure); ++i) {
        PyObject* cell = PyTuple_GET_ITEM(closure, i);
        PyObject* known = PyTuple_GET_ITEM(former, i);
        PyObject* content = reinterpret_cast<PyCellObject*>(cell)->ob_ref;
        if (is_remnant(known) && is_let_go(content) && remnant_object(known_remnant(content)) == content_of_cell(known))
            cells_.try_emplace(cell, Ref::borrow(known));
    }
}

void Keeper::complete_type(Remnant* remnant, PyObject* type) {
    const Ref own = members_of(as_type(type));
    const Ref copy = Ref::steal(PyDict_Copy(own.get()));
    for (const char* name : {"__dict__", "__weakref__"})
        if (PyObject* value = dict_get(copy.get(), name); value != nullptr && Py_IS_TYPE(value, &PyGetSetDescr_Type))
            check(PyDict_DelItemString(copy.get(), name));
    set_part(remnant, part::name, attribute(type, "__name__"));
    set_part(remnant, part::qualname, attribute(type, "__qualname__"));
    set_part(remnant, part::bases, container(as_type(type)->tp_bases));
    set_part(remnant, part::members, members(copy.get(), type));
}

void Keeper::set_part(Remnant* remnant, std::size_t number, Ref value) {
    released_.push_back(std::exchange(remnant->parts[number], std::move(value)));
}

Ref Keeper::item(PyObject* object) {
    if (object == nullptr || !(PyCell_Check(object) || is_let_go(object))) return Ref::borrow(object);
    if (PyCell_Check(object)) return cell(object);
    if (PyType_Check(object)) {
        Remnant* remnant = known_remnant(object);
        return Ref::borrow(remnant != nullptr && remnant->complete ? remnant_object(remnant) : object);
    }
    Ref remnant = remnant_of(object);
    complete(as_remnant(remnant.get()), object);
    return remnant;
}

Ref Keeper::cell(PyObject* cell) {
    PyObject* content = reinterpret_cast<PyCellObject*>(cell)->ob_ref;
    if (!is_let_go(content)) return Ref::borrow(cell);
    Ref kept = item(content);
    if (kept.get() == content) return Ref::borrow(cell);
    Ref& remnant = cells_[cell];
    if (!remnant) {
        remnant = new_remnant(Remnant::Kind::cell);
        as_remnant(remnant.get())->parts[part::content] = std::move(kept);
    }
    return remnant;
}

Ref Keeper::container(PyObject* container) {
    if (container == nullptr || !(PyTuple_CheckExact(container) || PyDict_CheckExact(container)))
        return Ref::borrow(container);
    Ref copy;
    if (PyDict_CheckExact(container)) {
        for_items(container, [&](PyObject* key, PyObject* value) {
            const Ref kept = item(value);
            if (kept.get() == value) return;
            if (!copy) copy = Ref::steal(PyDict_Copy(container));
            check(PyDict_SetItem(copy.get(), key, kept.get()));
        });
        return copy ? copy : Ref::borrow(container);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(container); ++i) {
        Ref kept = item(PyTuple_GET_ITEM(container, i));
        if (kept.get() == PyTuple_GET_ITEM(container, i)) continue;
        if (!copy) copy = Ref::steal(PySequence_List(container));
        check(PyList_SetItem(copy.get(), i, kept.release()));
    }
    return copy ? Ref::steal(PyList_AsTuple(copy.get())) : Ref::borrow(container);
}

Ref Keeper::members(PyObject* members, PyObject* owner) {
    Ref copy = Ref::steal(PyDict_Copy(members));
    for_items(members, [&](PyObject* name, PyObject* value) {
        const Ref kept = member(name, value, owner);
        if (kept.get() != value) check(PyDict_SetItem(copy.get(), name, kept.get()));
    });
    return copy;
}

Ref Keeper::member(PyObject* name, PyObject* value, PyObject* owner) {
    if (Py_IS_TYPE(value, &PyProperty_Type)) return property(value);
    if (is_method_holder(value)) return method(value);
    if (PyDict_CheckExact(value) && view(name) == "__annotations__") return container(value);
    Ref kept = Ref::borrow(value);
    if (owner != nullptr && is_nested_in(value, owner)) {
        keep(kept, Use::to_return);
        return kept;
    }
    return item(value);
}

Ref Keeper::property(PyObject* property) {
    Ref made = new_remnant(Remnant::Kind::property);
    auto& parts = as_remnant(made.get())->parts;
    const Ref getter = attribute(property, "fget");
    parts[part::getter] = item(getter.get());
    parts[part::setter] = item(attribute(property, "fset").get());
    parts[part::deleter] = item(attribute(property, "fdel").get());
    parts[part::doc] = attribute(property, "__doc__");
    if (PyFunction_Check(getter.get()) &&
        parts[part::doc].get() == reinterpret_cast<PyFunctionObject*>(getter.get())->func_doc)
        parts[part::doc] = Ref::borrow(Py_None);
    return made;
}

Ref Keeper::method(PyObject* holder) {
    const Ref function = attribute(holder, "__func__");
    if (!PyFunction_Check(function.get())) return Ref::borrow(holder);
    Ref made = new_remnant(Remnant::Kind::method);
    auto& parts = as_remnant(made.get())->parts;
    parts[part::holder] = Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(holder)));
    parts[part::function] = item(function.get());
    return made;
}

void Keeper::look_again(Remnant* remnant) {
    if (!remnant->complete) return;
    for (std::size_t i = 0; i < Remnant::room; ++i) {
        const Ref& each = remnant->parts[i];
        const bool of_class = remnant->kind == Remnant::Kind::type && i == part::members;
        set_part(remnant, i, of_class ? members(each.get(), nullptr) : container(each.get()));
    }
}

void Keeper::finish() {
    if (std::exchange(new_classes_, false)) for_remnants([this](Remnant* each) { look_again(each); });
}

}  // namespace rebottle
