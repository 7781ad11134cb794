// A method that becomes a static or a class method, or the reverse: holders that took it from the class or from an
// instance earlier go on calling it as they do.
#include "commit/pour.hpp"
#include "live/instances.hpp"

namespace rebottle {
namespace {

enum class Form { plain, static_method, class_method, other };

Form form_of(PyObject* object) {
    if (PyFunction_Check(object)) return Form::plain;
    if (Py_IS_TYPE(object, &PyStaticMethod_Type)) return Form::static_method;
    return Py_IS_TYPE(object, &PyClassMethod_Type) ? Form::class_method : Form::other;
}

// The function that a member is, or is made of; NULL where there is none.
PyObject* function_in(PyObject* member) {
    if (PyFunction_Check(member)) return member;
    PyObject* inner = *held_by(member);
    return inner != nullptr && PyFunction_Check(inner) ? inner : nullptr;
}

// The bound methods that call a function.
std::vector<Ref> methods_of(PyObject* function) {
    std::vector<Ref> found;
    for_all_objects([&](PyObject* object) {
        if (PyMethod_Check(object) && PyMethod_GET_FUNCTION(object) == function) found.push_back(Ref::borrow(object));
    });
    return found;
}

void write_field(const Ref& method, PyObject*& field, const Ref& now, Journal& journal) {
    journal.push_back(SlotWrite{method, &field, Ref::borrow(field), now});
}

}  // namespace

void Pour::change_call_form(const Binding& binding, PyObject* live, PyObject* staged) {
    const Form was = form_of(live);
    const Form is = form_of(staged);
    if (was == is || was == Form::other || is == Form::other || !PyType_Check(binding.owner.get())) return;
    PyObject* former = function_in(live);
    PyObject* now = function_in(staged);
    if (former == nullptr || now == nullptr || mapped(now).get() != former) return;
    const Ref function = Ref::borrow(now);
    if (is == Form::class_method) {
        // Without a class before its arguments it is the bound method; the class has a function of its own.
        outcome_.bottles.erase(now);
        forward(reinterpret_cast<PyFunctionObject*>(former), Ref::steal(PyMethod_New(now, binding.owner.get())).get(),
                binding.place());
    }
    if (is == Form::plain || was == Form::static_method) return;
    const Ref dropper = is == Form::static_method ? without_first(former) : Ref();
    for (const Ref& method : methods_of(former)) {
        auto* bound = method.as<PyMethodObject>();
        write_field(method, bound->im_func, dropper ? dropper : function, result_.journal);
        if (!dropper)
            write_field(method, bound->im_self, Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(bound->im_self))),
                        result_.journal);
    }
}

}  // namespace rebottle
