#include "commit/revive.hpp"

#include "commit/loosen.hpp"
#include "commit/write.hpp"

namespace rebottle {
namespace {

Ref or_none(const Ref& object) { return object ? object : Ref::borrow(Py_None); }

}  // namespace

Ref Reviver::object(Remnant* remnant) {
    switch (remnant->kind) {
        case Remnant::Kind::cell:
            return cell(remnant);
        case Remnant::Kind::property:
            return property(remnant);
        case Remnant::Kind::method:
            return method(remnant);
        case Remnant::Kind::wrapper:
            return {};
        case Remnant::Kind::unchanged:
            return unchanged_mark();
        case Remnant::Kind::function:
        case Remnant::Kind::type:
            break;
    }
    if (Ref object = known(remnant)) return object;
    if (!remnant->complete) return {};
    return remnant->kind == Remnant::Kind::type ? type(remnant) : function(remnant);
}

Ref Reviver::known(Remnant* remnant) const {
    if (PyObject* living = survivor(remnant)) return Ref::borrow(living);
    const auto made = made_.find(remnant);
    return made == made_.end() ? Ref() : made->second;
}

Ref Reviver::function(Remnant* remnant) {
    FunctionContent content;
    for (std::size_t i = 0; i < function_fields.size(); ++i) content.*function_fields[i] = remnant->parts[i];
    const Ref globals = namespace_behind(content.globals);
    if (!globals) return {};
    Ref function = Ref::steal(PyFunction_NewWithQualName(content.code.get(), globals.get(), content.qualname.get()));
    made_[remnant] = function;
    unfinished_.emplace_back(function, remnant);
    return function;
}

Ref Reviver::type(Remnant* remnant) {
    const Ref members = new_dict();
    const Ref bases = container(remnant->parts[part::bases]);
    for_items(remnant->parts[part::members].get(), [&](PyObject* name, PyObject* value) {
        Ref member = Ref::borrow(value);
        member = PyDict_CheckExact(value) ? container(member) : item(member);
        check(PyDict_SetItem(members.get(), name, member.get()));
    });
    dict_set(members.get(), "__qualname__", remnant->parts[part::qualname].get());
    Ref type =
        call(reinterpret_cast<PyObject*>(&PyType_Type), {remnant->parts[part::name].get(), bases.get(), members.get()});
    made_[remnant] = type;
    return type;
}

Ref Reviver::cell(Remnant* remnant) {
    Ref& made = cells_[remnant];
    if (!made) {
        made = Ref::steal(PyCell_New(nullptr));
        unfinished_.emplace_back(made, remnant);
    }
    return made;
}

Ref Reviver::property(Remnant* remnant) {
    const auto& parts = remnant->parts;
    return call(reinterpret_cast<PyObject*>(&PyProperty_Type),
                {item(parts[part::getter]).get(), item(parts[part::setter]).get(), item(parts[part::deleter]).get(),
                 parts[part::doc].get()});
}

Ref Reviver::method(Remnant* remnant) {
    return call(remnant->parts[part::holder].get(), {item(remnant->parts[part::function]).get()});
}

Ref Reviver::item(const Ref& value) {
    return is_remnant(value.get()) ? or_none(object(as_remnant(value.get()))) : value;
}

Ref Reviver::container(const Ref& container) {
    if (!container) return {};
    if (PyTuple_CheckExact(container.get())) {
        const Ref items = Ref::steal(PySequence_List(container.get()));
        bool changed = false;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
            if (!is_remnant(PyList_GET_ITEM(items.get(), i))) continue;
            check(PyList_SetItem(items.get(), i, item(Ref::borrow(PyList_GET_ITEM(items.get(), i))).release()));
            changed = true;
        }
        return changed ? Ref::steal(PyList_AsTuple(items.get())) : container;
    }
    if (!PyDict_CheckExact(container.get())) return container;
    Ref copy;
    for_items(container.get(), [&](PyObject* key, PyObject* value) {
        if (!is_remnant(value)) return;
        if (!copy) copy = Ref::steal(PyDict_Copy(container.get()));
        check(PyDict_SetItem(copy.get(), key, item(Ref::borrow(value)).get()));
    });
    return copy ? copy : container;
}

void Reviver::fill(PyObject* function, Remnant* remnant) {
    FunctionContent content;
    for (std::size_t i = 0; i < function_fields.size(); ++i) content.*function_fields[i] = remnant->parts[i];
    for (Ref FunctionContent::*field :
         {&FunctionContent::closure, &FunctionContent::defaults, &FunctionContent::kwdefaults,
          &FunctionContent::annotations, &FunctionContent::builtins})
        content.*field = container(content.*field);
    if (content.dict) content.dict = Ref::steal(PyDict_Copy(container(content.dict).get()));
    fill_function(reinterpret_cast<PyFunctionObject*>(function), content);
}

void Reviver::finish() {
    while (!unfinished_.empty()) {
        const auto [object, remnant] = std::move(unfinished_.back());
        unfinished_.pop_back();
        if (remnant->kind == Remnant::Kind::function) {
            fill(object.get(), remnant);
        } else {
            object.as<PyCellObject>()->ob_ref = item(remnant->parts[part::content]).release();
        }
    }
    for (const auto& [remnant, object] : made_) {
        Reborn reborn{object, remnant->weak, Ref::steal(PyWeakref_NewRef(object.get(), nullptr)), {}, {}};
        if (remnant->kind == Remnant::Kind::function) {
            reborn.former_dict = number_of(remnant->place);
            reborn.dict = number_of(object.as<PyFunctionObject>()->func_dict);
        }
        reborn_.emplace(remnant->weak.get(), std::move(reborn));
    }
}

void Reviver::keep() noexcept {
    for (const auto& [remnant, object] : made_) {
        transfer(remnant, reborn_.at(remnant->weak.get()).weak);
        if (remnant->kind == Remnant::Kind::function) remnant->place = object.as<PyFunctionObject>()->func_dict;
    }
}

}  // namespace rebottle
