#include "commit/remnant.hpp"

#include <new>
#include <unordered_map>

#include "compat/compat.hpp"

namespace rebottle {
namespace {

// By weak reference: an object has one without a callback.
std::unordered_map<PyObject*, Remnant*>& known() {
    static auto* all = new std::unordered_map<PyObject*, Remnant*>;
    return *all;
}

void forget(Remnant* remnant) {
    if (remnant->weak) known().erase(remnant->weak.get());
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_remnant(self)->weak.get());
    for (const Ref& each : as_remnant(self)->parts) Py_VISIT(each.get());
    return 0;
}

int clear(PyObject* self) {
    for (Ref& each : as_remnant(self)->parts) each = Ref();
    return 0;
}

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Remnant* remnant = as_remnant(self);
    forget(remnant);
    remnant->weak.~Ref();
    remnant->parts.~array();
    type->tp_free(self);
    Py_DECREF(type);
}

PyTypeObject* remnant_type() {
    static PyTypeObject* const type = [] {
        PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&destroy)},
                               {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
                               {Py_tp_clear, reinterpret_cast<void*>(&clear)},
                               {0, nullptr}};
        PyType_Spec spec{
            "rebottle.Remnant", sizeof(Remnant), 0,
            static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION), slots};
        return reinterpret_cast<PyTypeObject*>(Ref::steal(PyType_FromSpec(&spec)).release());
    }();
    return type;
}

Ref weak_reference_to(PyObject* object) { return Ref::steal(PyWeakref_NewRef(object, nullptr)); }

}  // namespace

bool is_remnant(PyObject* object) { return object != nullptr && Py_IS_TYPE(object, remnant_type()); }

Ref new_remnant(Remnant::Kind kind) {
    Ref made = Ref::steal(remnant_type()->tp_alloc(remnant_type(), 0));
    Remnant* remnant = as_remnant(made.get());
    remnant->kind = kind;
    new (&remnant->weak) Ref();
    new (&remnant->parts) std::array<Ref, Remnant::room>();
    return made;
}

Ref remnant_of(PyObject* definition) {
    Ref weak = weak_reference_to(definition);
    if (const auto found = known().find(weak.get()); found != known().end())
        return Ref::borrow(reinterpret_cast<PyObject*>(found->second));
    Ref made = new_remnant(PyType_Check(definition) ? Remnant::Kind::type : Remnant::Kind::function);
    known().emplace(weak.get(), as_remnant(made.get()));
    as_remnant(made.get())->weak = std::move(weak);
    return made;
}

Remnant* known_remnant(PyObject* definition) {
    if (known().empty()) return nullptr;
    const auto found = known().find(weak_reference_to(definition).get());
    return found == known().end() ? nullptr : found->second;
}

PyObject* survivor(const Remnant* remnant) { return remnant->weak ? compat::target_of(remnant->weak.get()) : nullptr; }

void transfer(Remnant* remnant, Ref weak) noexcept {
    forget(remnant);
    known().emplace(weak.get(), remnant);
    remnant->weak = std::move(weak);
}

void for_remnants(const std::function<void(Remnant*)>& body) {
    std::vector<Ref> all;
    for (const auto& [weak, remnant] : known()) all.push_back(Ref::borrow(reinterpret_cast<PyObject*>(remnant)));
    for (const Ref& each : all) body(as_remnant(each.get()));
}

const Ref& unchanged_mark() {
    static const Ref* const mark = new Ref(new_remnant(Remnant::Kind::unchanged));
    return *mark;
}

}  // namespace rebottle
