#include "stage/world.hpp"

#include "code/code.hpp"
#include "compat/memory.hpp"

namespace rebottle {
namespace {

World* current = nullptr;
unsigned long staging_thread = 0;

}  // namespace

struct View {
    static void fail() { current->failed_ = true; }
};

namespace {

// The view: a type of module that looks at the thread. One for each type of module there is.
PyObject* view_type_for(PyTypeObject* base);

StagedModule* staged(PyObject* module) {
    if (current == nullptr || PyThread_get_thread_ident() != staging_thread) return nullptr;
    return current->find(module);
}

bool is_internal(PyObject* name) {
    return PyUnicode_CompareWithASCIIString(name, "__class__") == 0 ||
           PyUnicode_CompareWithASCIIString(name, "__name__") == 0;
}

// Whether the module's statements have run; an exception is raised otherwise.
bool reached(StagedModule& module) {
    return as_callback(false, [&] {
        try {
            World::reach(module);
        } catch (const ExecutionError& error) {
            View::fail();
            throw error.cause;
        }
        return true;
    });
}

PyObject* view_getattro(PyObject* self, PyObject* name) {
    PyTypeObject* base = Py_TYPE(self)->tp_base;
    StagedModule* module = staged(self);
    if (module == nullptr || !PyUnicode_Check(name) || is_internal(name)) return base->tp_getattro(self, name);
    if (!reached(*module)) return nullptr;
    if (PyUnicode_CompareWithASCIIString(name, "__dict__") == 0) return Py_NewRef(module->ns.get());
    PyObject* value = PyDict_GetItemWithError(module->ns.get(), name);
    if (value != nullptr) return Py_NewRef(value);
    if (PyErr_Occurred() != nullptr) return nullptr;
    if (PyDict_Contains(module->live, name) == 1) {
        PyErr_Format(PyExc_AttributeError, "module '%s' has no attribute '%U'", module->name.c_str(), name);
        return nullptr;
    }
    return base->tp_getattro(self, name);
}

int view_setattro(PyObject* self, PyObject* name, PyObject* value) {
    StagedModule* module = staged(self);
    if (module == nullptr || !PyUnicode_Check(name) || is_internal(name))
        return Py_TYPE(self)->tp_base->tp_setattro(self, name, value);
    if (value != nullptr) return PyDict_SetItem(module->ns.get(), name, value);
    if (PyDict_Contains(module->ns.get(), name) == 1) return PyDict_DelItem(module->ns.get(), name);
    PyErr_SetObject(PyExc_AttributeError, name);
    return -1;
}

PyObject* view_type_for(PyTypeObject* base) {
    static std::unordered_map<PyTypeObject*, PyObject*> types;
    if (const auto known = types.find(base); known != types.end()) return known->second;
    PyType_Slot slots[] = {{Py_tp_getattro, reinterpret_cast<void*>(&view_getattro)},
                           {Py_tp_setattro, reinterpret_cast<void*>(&view_setattro)},
                           {0, nullptr}};
    PyType_Spec spec{"rebottle.module", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    PyObject* type = PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(base));
    if (type == nullptr) throw PythonError();
    Py_INCREF(base);
    types[base] = type;
    return type;
}

// As assigning __class__ does, without its audit event: no Python code may run here.
void set_type(PyObject* module, PyTypeObject* type) {
    PyTypeObject* former = Py_TYPE(module);
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) Py_INCREF(type);
    Py_SET_TYPE(module, type);
    if ((former->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) Py_DECREF(former);
}

// A copy of a function that looks names up in another namespace and may have other code.
Ref twin_of(PyFunctionObject* function, PyObject* code, PyObject* globals) {
    Ref twin = Ref::steal(PyFunction_NewWithQualName(code, globals, function->func_qualname));
    auto* copy = twin.as<PyFunctionObject>();
    const auto set = [](PyObject*& field, PyObject* value) { Py_XSETREF(field, Py_XNewRef(value)); };
    set(copy->func_closure, function->func_closure);
    set(copy->func_defaults, function->func_defaults);
    set(copy->func_kwdefaults, function->func_kwdefaults);
    set(copy->func_name, function->func_name);
    set(copy->func_annotations, function->func_annotations);
    set(copy->func_typeparams, function->func_typeparams);
    set(copy->func_module, function->func_module);
    set(copy->func_builtins, function->func_builtins);
    if (code == function->func_code) set(copy->func_doc, function->func_doc);
    if (function->func_dict != nullptr) {
        const Ref dict = Ref::steal(PyDict_Copy(function->func_dict));
        set(copy->func_dict, dict.get());
    }
    return twin;
}

}  // namespace

World::World() {
    current = this;
    staging_thread = PyThread_get_thread_ident();
}

// A staged namespace and the functions made in it hold each other: without this they would stay until the next
// collection, and be updated like any others meanwhile. What still reads the namespace finds the live names, but for
// `__spec__`, by which a module knows its functions.
World::~World() {
    leave();
    const ErrorAside aside;
    const compat::SureMemory sure;
    for (const auto& module : modules_) {
        module->before = Ref();
        PyDict_Clear(module->ns.get());
        if (Py_REFCNT(module->ns.get()) == 1) continue;
        unfailing([&] {
            check(PyDict_Update(module->ns.get(), module->live));
            if (dict_get(module->ns.get(), "__spec__") != nullptr)
                check(PyDict_DelItemString(module->ns.get(), "__spec__"));
        });
    }
}

StagedModule* World::find(PyObject* module) {
    for (const auto& each : modules_)
        if (each->module.get() == module) return each.get();
    return nullptr;
}

StagedModule& World::add(const std::string& name, Ref module, const std::map<PyCodeObject*, Ref>& new_code,
                         std::function<void()> run) {
    auto added = std::make_unique<StagedModule>();
    added->name = name;
    added->live = PyModule_GetDict(module.get());
    added->module = std::move(module);
    added->ns = Ref::steal(PyDict_Copy(added->live));
    added->run = std::move(run);
    for_items(added->live, [&](PyObject* key, PyObject* value) {
        if (!PyFunction_Check(value)) return;
        auto* function = reinterpret_cast<PyFunctionObject*>(value);
        if (function->func_globals != added->live) return;
        PyObject* code = function->func_code;
        if (const auto changed = new_code.find(as_code(code)); changed != new_code.end())
            if (as_code(changed->second.get())->co_nfreevars == as_code(code)->co_nfreevars)
                code = changed->second.get();
        Ref twin = twin_of(function, code, added->ns.get());
        dict_set(added->ns.get(), key, twin.get());
        added->twins.emplace(twin.get(), Ref::borrow(value));
    });
    added->before = Ref::steal(PyDict_Copy(added->ns.get()));
    if (PyObject* annotations = dict_get(added->ns.get(), "__annotations__");
        annotations != nullptr && PyDict_Check(annotations))
        dict_set(added->ns.get(), "__annotations__", Ref::steal(PyDict_Copy(annotations)).get());
    added->former_type = Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(added->module.get())));
    set_type(added->module.get(), reinterpret_cast<PyTypeObject*>(view_type_for(Py_TYPE(added->module.get()))));
    modules_.push_back(std::move(added));
    return *modules_.back();
}

void World::reach(StagedModule& module) {
    if (module.state != StagedModule::State::waiting || !module.run) return;
    module.state = StagedModule::State::running;
    module.run();
    module.state = StagedModule::State::done;
}

void World::leave() noexcept {
    for (const auto& module : modules_) {
        if (!module->former_type) continue;
        set_type(module->module.get(), module->former_type.as<PyTypeObject>());
        module->former_type = Ref();
    }
    if (current == this) current = nullptr;
}

void World::abandon() noexcept {
    if (current != nullptr) current->leave();
}

}  // namespace rebottle
