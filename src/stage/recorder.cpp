#include "stage/recorder.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "compat/compat.hpp"
#include "compat/memory.hpp"
#include "stage/callables.hpp"

namespace rebottle {
namespace {

constexpr int event_start = 1 << 0;        // PY_START
constexpr int event_call = 1 << 4;         // CALL
constexpr int event_instruction = 1 << 6;  // INSTRUCTION

Recorder* active = nullptr;

Ref monitoring() { return attribute(import_module("sys").get(), "monitoring"); }

PyObject* disable_marker() {
    static PyObject* const marker = attribute(monitoring().get(), "DISABLE").release();
    return marker;
}

bool is_of_the_import_system(PyCodeObject* code) { return view(code->co_filename).starts_with("<frozen importlib"); }

// Runs one callback unless it is about another thread, or about what the recorder itself does.
template <class Body>
PyObject* notified(Body body) {
    if (active == nullptr || !active->is_watched_thread()) Py_RETURN_NONE;
    const compat::SureMemory sure;  // what isn't recorded can't be undone
    return as_callback<PyObject*>(nullptr, [&] { return body(*active); });
}

PyObject* on_start(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return notified([&](Recorder& recorder) {
        if (count > 0 && PyCode_Check(arguments[0])) recorder.on_start(reinterpret_cast<PyCodeObject*>(arguments[0]));
        return Py_NewRef(Py_None);
    });
}

PyObject* on_instruction(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return notified([&](Recorder& recorder) {
        const bool again = count < 2 || recorder.on_instruction(reinterpret_cast<PyCodeObject*>(arguments[0]),
                                                                static_cast<int>(PyLong_AsLong(arguments[1])));
        return Py_NewRef(again ? Py_None : disable_marker());
    });
}

PyObject* on_call(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return notified([&](Recorder& recorder) {
        if (count >= 4) recorder.on_call(arguments[2], arguments[3]);
        return Py_NewRef(Py_None);
    });
}

PyObject* on_return(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return notified([&](Recorder& recorder) {
        if (count >= 3) recorder.on_return(arguments[2]);
        return Py_NewRef(Py_None);
    });
}

using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);
PyMethodDef callback(const char* name, Fast function) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL, nullptr};
}
PyMethodDef start_callback = callback("on_start", &on_start);
PyMethodDef instruction_callback = callback("on_instruction", &on_instruction);
PyMethodDef call_callback = callback("on_call", &on_call);
PyMethodDef return_callback = callback("on_return", &on_return);

void register_callback(PyObject* tools, int tool, const char* event, PyMethodDef* definition) {
    const Ref number = attribute(attribute(tools, "events").get(), event);
    const Ref function =
        definition == nullptr ? Ref::borrow(Py_None) : Ref::steal(PyCFunction_New(definition, nullptr));
    call_method(tools, "register_callback", {to_int(tool).get(), number.get(), function.get()});
}

constexpr const char* tool_name = "rebottle";

// Takes a tool that nobody uses, or the one that an earlier recorder could not give back for want of memory. -1: there
// is none.
int take_tool(PyObject* tools) {
    const Ref name = to_str(tool_name);
    for (const int tool : {4, 3, 5, 2, 1, 0}) {
        const Ref number = to_int(tool);
        const Ref user = call_method(tools, "get_tool", {number.get()});
        if (PyUnicode_Check(user.get()) && view(user.get()) == tool_name) return tool;
        if (user.get() != Py_None) continue;
        call_method(tools, "use_tool_id", {number.get(), name.get()});
        return tool;
    }
    return -1;
}

}  // namespace

PyObject* deferred_exception() {
    static PyObject* const type =
        Ref::steal(PyErr_NewException("rebottle.Deferred", PyExc_BaseException, nullptr)).release();
    return type;
}

Tool::Tool() {
    const Ref tools = monitoring();
    number_ = take_tool(tools.get());
    if (number_ < 0)
        raise(PyExc_RuntimeError, "rebottle: all tools of sys.monitoring are in use; free one to run new statements");
}

// An audit hook may object to each of these: the others are done nevertheless.
Tool::~Tool() {
    const ErrorAside aside;
    const compat::SureMemory sure;
    unfailing([this] { call_method(monitoring().get(), "set_events", {to_int(number_).get(), to_int(0).get()}); });
    for (const char* event : {"PY_START", "INSTRUCTION", "CALL", "C_RETURN", "C_RAISE"})
        unfailing([&] { register_callback(monitoring().get(), number_, event, nullptr); });
    unfailing([this] { call_method(monitoring().get(), "free_tool_id", {to_int(number_).get()}); });
}

Recorder::Recorder(std::function<bool(PyCodeObject*, PyObject*)> forbidden)
    : forbidden_(std::move(forbidden)), thread_(PyThread_get_thread_ident()) {
    const Ref tools = monitoring();
    register_callback(tools.get(), tool_.number(), "PY_START", &start_callback);
    register_callback(tools.get(), tool_.number(), "INSTRUCTION", &instruction_callback);
    register_callback(tools.get(), tool_.number(), "CALL", &call_callback);
    register_callback(tools.get(), tool_.number(), "C_RETURN", &return_callback);
    register_callback(tools.get(), tool_.number(), "C_RAISE", &return_callback);
    call_method(tools.get(), "set_events", {to_int(tool_.number()).get(), to_int(event_start).get()});
    active = this;
}

Recorder::~Recorder() {
    active = nullptr;
    const ErrorAside aside;
    const compat::SureMemory sure;
    unfailing([this] { undo_touches(take()); });
    for (const auto& watched : watched_)
        unfailing([&] {
            call_method(monitoring().get(), "set_local_events",
                        {to_int(tool_.number()).get(), watched.first, to_int(0).get()});
        });
}

void Recorder::abandon() noexcept { active = nullptr; }

void Recorder::on_start(PyCodeObject* code) {
    if (busy_) return;
    settle_in_place();
    if (forbidden_ && forbidden_(code, compat::starting_globals(code))) {
        forbidden_entered_ = true;
        raise(deferred_exception(), "this statement enters code that the update replaces: it is run at the commit");
    }
    watch(code);
}

void Recorder::watch(PyCodeObject* code) {
    auto* object = reinterpret_cast<PyObject*>(code);
    if (watched_.contains(object) || is_of_the_import_system(code)) return;
    StoreSites sites = store_sites(code);
    const int events = event_call | (sites.empty() ? 0 : event_instruction);
    watched_.emplace(object, std::make_pair(Ref::borrow(object), std::move(sites)));
    call_method(monitoring().get(), "set_local_events", {to_int(tool_.number()).get(), object, to_int(events).get()});
}

bool Recorder::on_instruction(PyCodeObject* code, int offset) {
    if (busy_) return true;
    settle_in_place();
    const auto known = watched_.find(reinterpret_cast<PyObject*>(code));
    if (known == watched_.end()) return false;
    const auto site = known->second.second.find(offset);
    if (site == known->second.second.end()) return false;
    store(code, site->second);
    return true;
}

void Recorder::store(PyCodeObject* code, const StoreSite& site) {
    compat::LiveFrame frame{};
    if (!compat::current_frame(frame) || frame.code != code) return;
    const auto operand = [&](int below_top) { return compat::peek_stack(site.depth, below_top); };
    switch (site.kind) {
        case StoreKind::attribute:
            store_attribute(operand(0), PyTuple_GET_ITEM(code->co_names, site.argument), operand(1));
            break;
        case StoreKind::delete_attribute:
            store_attribute(operand(0), PyTuple_GET_ITEM(code->co_names, site.argument), nullptr);
            break;
        case StoreKind::item:
            store_item(operand(1), operand(0), operand(2));
            break;
        case StoreKind::delete_item:
            store_item(operand(1), operand(0), nullptr);
            break;
        case StoreKind::read_item:
            if (fills_itself(operand(1))) note_content(operand(1));
            break;
        case StoreKind::slice:
        case StoreKind::in_place:
            note_content(operand(site.kind == StoreKind::slice ? 2 : 1));
            break;
        case StoreKind::global_name: {
            PyObject* name = PyTuple_GET_ITEM(code->co_names, site.argument);
            if (std::find(ignored_.begin(), ignored_.end(), frame.globals) != ignored_.end()) break;
            log_.add(ItemTouch{Ref::borrow(frame.globals), Ref::borrow(name),
                               Ref::borrow(dict_get(frame.globals, name)),
                               Ref::borrow(compat::peek_stack(site.depth, 0))});
            break;
        }
        case StoreKind::cell:
        case StoreKind::delete_cell:
            store_cell(compat::captured_cell(site.argument), site.kind == StoreKind::cell ? operand(0) : nullptr);
            break;
    }
}

void Recorder::store_attribute(PyObject* owner, PyObject* name, PyObject* value) {
    if (owner == nullptr || std::string_view(Py_TYPE(owner)->tp_name) == "rebottle.module") return;
    if (!PyType_Check(owner) && !PyModule_Check(owner) && Py_TYPE(owner)->tp_setattro != PyObject_GenericSetAttr)
        return;
    if (const Ref dict = value == nullptr ? dict_of_instance(owner) : Ref(); dict && dict_get(dict.get(), name)) {
        note_content(dict.get());  // for the order
        return;
    }
    log_.add(AttributeTouch{Ref::borrow(owner), Ref::borrow(name), own_attribute(owner, name), Ref::borrow(value)});
}

void Recorder::store_cell(PyObject* cell, PyObject* value) {
    if (cell != nullptr)
        log_.add(AttributeTouch{Ref::borrow(cell), interned("cell_contents"), Ref::borrow(PyCell_GET(cell)),
                                Ref::borrow(value)});
}

void Recorder::store_item(PyObject* owner, PyObject* key, PyObject* value) {
    if (owner == nullptr || key == nullptr || std::find(ignored_.begin(), ignored_.end(), owner) != ignored_.end())
        return;
    if (PyDict_CheckExact(owner) && value != nullptr) {  // a deletion is kept as content, for the order
        busy_ = true;
        PyObject* before = PyDict_GetItemWithError(owner, key);
        busy_ = false;
        if (before == nullptr && PyErr_Occurred() != nullptr) {
            dismiss();  // an unhashable key: the store itself will fail
            return;
        }
        log_.add(ItemTouch{Ref::borrow(owner), Ref::borrow(key), Ref::borrow(before), Ref::borrow(value)});
        return;
    }
    note_content(owner);
}

void Recorder::note_content(PyObject* container) {
    Pending pending{nullptr, {}, {}, {}};
    add_content(pending, container);
    if (!pending.contents.empty()) pending_.push_back(std::move(pending));
}

void Recorder::add_content(Pending& pending, PyObject* container) {
    if (container == nullptr || !is_container(container)) return;
    if (std::find(ignored_.begin(), ignored_.end(), container) != ignored_.end()) return;
    pending.contents.emplace_back(Ref::borrow(container), log_.before(container));
}

void Recorder::add_namespace(Pending& pending, PyObject* owner) {
    if (std::string_view(Py_TYPE(owner)->tp_name) == "rebottle.module") return;
    pending.namespaces.emplace_back(Ref::borrow(owner), own_attributes(owner));
}

void Recorder::on_call(PyObject* callable, PyObject* first) {
    if (busy_) return;
    settle_in_place();
    Pending pending{callable, {}, {}, {}};
    if (is_compiled_callable(callable) && !changes_nothing(callable)) add_arguments(pending, callable, first);
    for (const Ref& each : lent_to(callable, first)) add_content(pending, each.get());
    if (!pending.contents.empty() || !pending.namespaces.empty() || pending.growing.first)
        pending_.push_back(std::move(pending));
}

void Recorder::add_arguments(Pending& pending, PyObject* callable, PyObject* first) {
    if (PyObject* sequence = appended_to(callable, first)) {
        pending.growing = {Ref::borrow(sequence), length_of(sequence)};
        return;
    }
    static PyObject* const missing = attribute(monitoring().get(), "MISSING").release();
    const Ref self = bound_to(callable);
    for (PyObject* each : {first == missing ? nullptr : first, self.get()}) {
        if (each == nullptr) continue;
        add_content(pending, each);
        if (sets_attributes(callable)) add_namespace(pending, each);
    }
    if (first != missing && registers(callable)) pending.contents.emplace_back(Ref::borrow(first), content_of(first));
}

// What wasn't noted when it began ends here, too.
void Recorder::on_return(PyObject* callable) {
    if (busy_) return;
    settle_in_place();
    if (std::none_of(pending_.begin(), pending_.end(), [&](const Pending& each) { return each.callable == callable; }))
        return;
    while (!pending_.empty()) {
        Pending done = std::move(pending_.back());
        pending_.pop_back();
        settle(done);
        if (done.callable == callable) break;
    }
}

// An operation in place has no event of its own for its end: the next event tells.
void Recorder::settle_in_place() {
    while (!pending_.empty() && pending_.back().callable == nullptr) {
        Pending done = std::move(pending_.back());
        pending_.pop_back();
        settle(done);
    }
}

void Recorder::settle(Pending& pending) {
    busy_ = true;
    if (pending.growing.first) log_.grown(pending.growing.first, pending.growing.second);
    for (const auto& [container, before] : pending.contents) log_.changed(container, before);
    for (const auto& [owner, before] : pending.namespaces) settle_namespace(owner, before);
    busy_ = false;
}

void Recorder::settle_namespace(const Ref& owner, const Ref& before) {
    const Ref now = own_attributes(owner.get());
    const auto note = [&](PyObject* name, PyObject* then, PyObject* value) {
        if (then != value) log_.add(AttributeTouch{owner, Ref::borrow(name), Ref::borrow(then), Ref::borrow(value)});
    };
    for_items(before.get(), [&](PyObject* name, PyObject* then) { note(name, then, dict_get(now.get(), name)); });
    for_items(now.get(), [&](PyObject* name, PyObject* value) {
        if (dict_get(before.get(), name) == nullptr) note(name, nullptr, value);
    });
}

std::size_t Recorder::mark() {
    settle_in_place();
    return log_.mark();
}

Touches Recorder::take_from(std::size_t mark) {
    while (!pending_.empty()) {
        Pending done = std::move(pending_.back());
        pending_.pop_back();
        settle(done);
    }
    return log_.take_from(mark);
}

Touches Recorder::take() { return take_from(0); }

}  // namespace rebottle
