#include "bind/values.hpp"

#include <new>

#include "engine/core.hpp"

namespace rebottle {
namespace {

Ref to_python(const std::string& text) { return to_str(text); }
Ref to_python(int number) { return to_int(number); }
Ref to_python(bool truth) { return Ref::steal(PyBool_FromLong(truth ? 1 : 0)); }
Ref to_python(double number) { return Ref::steal(PyFloat_FromDouble(number)); }
Ref to_python(std::uint64_t number) { return Ref::steal(PyLong_FromUnsignedLongLong(number)); }

// An immutable Python object around a C++ value.
template <class T>
struct Box {
    PyObject_HEAD T value;

    static inline PyTypeObject* type = nullptr;

    static PyObject* make(T value) {
        PyObject* object = type->tp_alloc(type, 0);
        if (object == nullptr) throw PythonError();
        new (&reinterpret_cast<Box*>(object)->value) T(std::move(value));
        return object;
    }
    static const T& of(PyObject* object) { return reinterpret_cast<Box*>(object)->value; }
    static void release(PyObject* object) {
        PyTypeObject* own = Py_TYPE(object);
        reinterpret_cast<Box*>(object)->value.~T();
        own->tp_free(object);
        Py_DECREF(own);
    }
};

struct PlanValue {
    Report report;
};

Ref to_python(const Change& value) { return Ref::steal(Box<Change>::make(value)); }
Ref to_python(const Kept& value) { return Ref::steal(Box<Kept>::make(value)); }
Ref to_python(const Refusal& value) { return Ref::steal(Box<Refusal>::make(value)); }
Ref to_python(const Stale& value) { return Ref::steal(Box<Stale>::make(value)); }
Ref to_python(const Timing& value) { return Ref::steal(Box<Timing>::make(value)); }

template <class Item>
Ref to_python(const std::vector<Item>& items) {
    Ref list = Ref::steal(PyList_New(0));
    for (const Item& item : items) check(PyList_Append(list.get(), to_python(item).get()));
    return list;
}

// A getter of one member.
template <class T, auto Member>
PyObject* get(PyObject* self, void*) {
    try {
        return to_python(Box<T>::of(self).*Member).release();
    } catch (const PythonError& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return nullptr;
}

template <auto Member>
PyObject* get_of_plan(PyObject* self, void*) {
    try {
        return to_python(Box<PlanValue>::of(self).report.*Member).release();
    } catch (const PythonError& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return nullptr;
}

template <class T, auto Member>
PyGetSetDef field(const char* name, const char* doc) {
    return {name, &get<T, Member>, nullptr, doc, nullptr};
}

template <auto Member>
PyGetSetDef plan_field(const char* name, const char* doc) {
    return {name, &get_of_plan<Member>, nullptr, doc, nullptr};
}

const PyGetSetDef last{nullptr, nullptr, nullptr, nullptr, nullptr};

PyGetSetDef change_fields[] = {
    field<Change, &Change::kind>("kind", "What was done, such as \"function-code\"."),
    field<Change, &Change::where>("where", "Module and qualified name."),
    field<Change, &Change::file>("file", "The file of the new source; empty where there is none."),
    field<Change, &Change::line>("line", "The line in the new source, from 1; 0 where there is none."), last};
PyGetSetDef kept_fields[] = {
    field<Kept, &Kept::where>("where", "Module and qualified name."),
    field<Kept, &Kept::why>("why", "The reason, as a sentence."),
    field<Kept, &Kept::file>("file", "The file of the new source; empty where there is none."),
    field<Kept, &Kept::line>("line", "The line in the new source, from 1; 0 where there is none."), last};
PyGetSetDef refusal_fields[] = {
    field<Refusal, &Refusal::rule>("rule", "The stable name of the rule."),
    field<Refusal, &Refusal::where>("where", "Module and qualified name."),
    field<Refusal, &Refusal::why>("why", "The reason, as a sentence."),
    field<Refusal, &Refusal::what_to_do>("what_to_do", "A way to get there nevertheless."),
    field<Refusal, &Refusal::file>("file", "The file of the new source; empty where there is none."),
    field<Refusal, &Refusal::line>("line", "The line in the new source, from 1; 0 where there is none."),
    last};
PyGetSetDef stale_fields[] = {
    field<Stale, &Stale::kind>("kind", "What it is: a frame, a generator, a function, ..."),
    field<Stale, &Stale::where>("where", "Qualified name of the function."),
    field<Stale, &Stale::file>("file", "The file of the old source."),
    field<Stale, &Stale::line>("line", "Where it stands, from 1, in the old source."),
    field<Stale, &Stale::thread>("thread", "The identifier of the thread; 0 for what is suspended."),
    field<Stale, &Stale::why>("why", "Why it didn't follow; may be empty."),
    last};
PyGetSetDef timing_fields[] = {
    field<Timing, &Timing::read>("read", "Seconds for finding and reading sources."),
    field<Timing, &Timing::compile>("compile", "Seconds for comparing and compiling them."),
    field<Timing, &Timing::stage>("stage", "Seconds for running what must be run, away from the live program."),
    field<Timing, &Timing::pause>("pause", "Seconds of the commit, in which nothing else ran."),
    field<Timing, &Timing::total>("total", "Seconds from the call to its result."),
    last};

PyObject* report_in_force(PyObject* self, void*) {
    return PyBool_FromLong(Core::instance().in_force(Box<Report>::of(self).id) ? 1 : 0);
}

PyGetSetDef report_fields[] = {
    field<Report, &Report::ok>("ok", "Whether everything asked for was applied."),
    field<Report, &Report::kind>("kind", "Which verb: \"reload\", \"hotfix\" or \"rollback\"."),
    field<Report, &Report::name>("name", "The name given to a hotfix; otherwise empty."),
    field<Report, &Report::modules>("modules", "The names of the modules that changed."),
    field<Report, &Report::changes>("changes", "What was changed."),
    field<Report, &Report::kept>("kept", "What was left alone, with the reason."),
    field<Report, &Report::refusals>("refusals", "What was refused."),
    field<Report, &Report::stale>("stale", "What ran old code at the commit."),
    field<Report, &Report::timing>("timing", "How long it took."),
    field<Report, &Report::id>("id", "Counts the updates of this process, from 1."),
    field<Report, &Report::time>("time", "When it was committed, in seconds since the epoch."),
    {"in_force", &report_in_force, nullptr, "False once it has been undone or superseded.", nullptr},
    last};
PyGetSetDef plan_fields[] = {plan_field<&Report::ok>("ok", "Whether nothing would be refused."),
                             plan_field<&Report::kind>("kind", "Which verb."),
                             plan_field<&Report::name>("name", "The name given to a hotfix; otherwise empty."),
                             plan_field<&Report::modules>("modules", "The names of the modules that would change."),
                             plan_field<&Report::changes>("changes", "What would be changed."),
                             plan_field<&Report::kept>("kept", "What would be left alone, with the reason."),
                             plan_field<&Report::refusals>("refusals", "What would be refused."),
                             plan_field<&Report::stale>("stale", "What would go on in old code."),
                             plan_field<&Report::unknown>("unknown", "What only running would tell."),
                             plan_field<&Report::timing>("timing", "How long the planning took."),
                             plan_field<&Report::id>("id", "0: a plan is no update."),
                             plan_field<&Report::time>("time", "When it was made, in seconds since the epoch."),
                             last};

std::string place(const std::string& file, int line) {
    return file.empty() ? "" : " (" + file + ", line " + std::to_string(line) + ")";
}
std::string text_of(const Change& c) { return c.kind + " " + c.where + place(c.file, c.line); }
std::string text_of(const Kept& k) { return k.where + ": " + k.why + place(k.file, k.line); }
std::string text_of(const Refusal& r) {
    return "[" + r.rule + "] " + r.where + ": " + r.why + "; " + r.what_to_do + place(r.file, r.line);
}
std::string text_of(const Stale& s) {
    return s.kind + " " + s.where + place(s.file, s.line) + (s.why.empty() ? "" : ": " + s.why);
}
std::string text_of(const Timing& t) {
    return "pause " + std::to_string(t.pause * 1e6) + " us, total " + std::to_string(t.total * 1e3) + " ms";
}
std::string text_of(const Report& r) { return r.text(); }
std::string text_of(const PlanValue& p) { return p.report.text(); }

template <class T>
PyObject* text(PyObject* self) {
    try {
        return to_str(text_of(Box<T>::of(self))).release();
    } catch (const PythonError& error) {
        error.restore();
        return nullptr;
    }
}

template <class T>
PyObject* representation(PyObject* self) {
    PyObject* plain = text<T>(self);
    if (plain == nullptr) return nullptr;
    PyObject* result = PyUnicode_FromFormat("<%s %U>", Py_TYPE(self)->tp_name, plain);
    Py_DECREF(plain);
    return result;
}

template <class T>
PyObject* compare(PyObject* self, PyObject* other, int operation) {
    if ((operation != Py_EQ && operation != Py_NE) || !Py_IS_TYPE(other, Box<T>::type)) Py_RETURN_NOTIMPLEMENTED;
    const bool same = text_of(Box<T>::of(self)) == text_of(Box<T>::of(other));
    return PyBool_FromLong(same == (operation == Py_EQ) ? 1 : 0);
}

template <class T>
Py_hash_t hash(PyObject* self) {
    PyObject* plain = text<T>(self);
    if (plain == nullptr) return -1;
    const Py_hash_t result = PyObject_Hash(plain);
    Py_DECREF(plain);
    return result;
}

PyObject* report_json(PyObject* self, PyObject*) {
    return PyUnicode_FromString(Box<Report>::of(self).to_json().c_str());
}
PyObject* plan_json(PyObject* self, PyObject*) {
    return PyUnicode_FromString(Box<PlanValue>::of(self).report.to_json().c_str());
}

PyObject* report_rollback(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"cascade", nullptr};
    int cascade = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|p", const_cast<char**>(names), &cascade) == 0)
        return nullptr;
    return rollback_report(&Box<Report>::of(self), cascade != 0);
}

PyMethodDef report_methods[] = {
    {"to_json", &report_json, METH_NOARGS,
     "to_json($self, /)\n--\n\nThe report as a JSON object with the names used here."},
    {"rollback", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&report_rollback)),
     METH_VARARGS | METH_KEYWORDS,
     "rollback($self, cascade=False)\n--\n\nUndo this update; refused where later ones touched the same definitions, "
     "unless cascade."},
    {nullptr, nullptr, 0, nullptr}};
PyMethodDef plan_methods[] = {{"to_json", &plan_json, METH_NOARGS,
                               "to_json($self, /)\n--\n\nThe plan as a JSON object with the names used here."},
                              {nullptr, nullptr, 0, nullptr}};
PyMethodDef no_methods[] = {{nullptr, nullptr, 0, nullptr}};

template <class T>
void add_type(PyObject* module, const char* name, const char* doc, PyGetSetDef* fields, PyMethodDef* methods) {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&Box<T>::release)},
                           {Py_tp_getset, fields},
                           {Py_tp_methods, methods},
                           {Py_tp_doc, const_cast<char*>(doc)},
                           {Py_tp_str, reinterpret_cast<void*>(&text<T>)},
                           {Py_tp_repr, reinterpret_cast<void*>(&representation<T>)},
                           {Py_tp_richcompare, reinterpret_cast<void*>(&compare<T>)},
                           {Py_tp_hash, reinterpret_cast<void*>(&hash<T>)},
                           {0, nullptr}};
    PyType_Spec spec{
        name, static_cast<int>(sizeof(Box<T>)), 0,
        static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION),
        slots};
    const Ref type = Ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
    Box<T>::type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type.get()));
    const std::string full = name;
    check(PyModule_AddObjectRef(module, full.substr(full.rfind('.') + 1).c_str(), type.get()));
}

}  // namespace

void add_values(PyObject* module) {
    add_type<Change>(module, "rebottle.Change", "One definition that an update changed.", change_fields, no_methods);
    add_type<Kept>(module, "rebottle.Kept", "Something that was left alone although its source changed.", kept_fields,
                   no_methods);
    add_type<Refusal>(module, "rebottle.Refusal", "Why something can't be updated soundly, and what to do instead.",
                      refusal_fields, no_methods);
    add_type<Stale>(module, "rebottle.Stale", "Something that runs or holds old code.", stale_fields, no_methods);
    add_type<Timing>(module, "rebottle.Timing", "How long an update took; in seconds.", timing_fields, no_methods);
    add_type<Report>(module, "rebottle.Report", "What one update did. A value: it doesn't change, but for `in_force`.",
                     report_fields, report_methods);
    add_type<PlanValue>(module, "rebottle.Plan", "What an update would do.", plan_fields, plan_methods);
}

PyObject* new_report(const Report& report) { return Box<Report>::make(report); }
PyObject* new_plan(const Report& report) { return Box<PlanValue>::make(PlanValue{report}); }
PyObject* new_refusals(const std::vector<Refusal>& refusals) { return to_python(refusals).release(); }

}  // namespace rebottle
