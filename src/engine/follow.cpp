#include "engine/follow.hpp"

#include <algorithm>
#include <set>

#include "code/index.hpp"

namespace rebottle {
namespace {

void move_codes(const ModulePlan& module, Journal& journal) {
    for (const auto& [code, by] : module.unreached.lines) journal.push_back(LineWrite{code, by});
    if (module.moves.empty()) return;
    std::set<PyCodeObject*> inner;
    std::vector<PyCodeObject*> codes = CodeIndex::instance().codes_in(module.record->version.path);
    std::erase_if(codes, [](PyCodeObject* code) { return !is_function_code(code); });  // being executed: see Unreached
    for (PyCodeObject* code : codes)
        for_nested(
            code, [&](PyCodeObject* nested) { for_all_code(nested, [&](PyCodeObject* each) { inner.insert(each); }); });
    for (PyCodeObject* code : codes) {
        if (inner.contains(code)) continue;
        for (const LineMove& move : module.moves)
            if (code->co_firstlineno >= move.first && code->co_firstlineno <= move.last)
                journal.push_back(LineWrite{Ref::borrow(as_object(code)), move.by});
    }
}

bool is_of_module(PyObject* members, const std::string& module) {
    PyObject* owner = dict_get(members, "__module__");
    return owner != nullptr && PyUnicode_Check(owner) && to_text(owner) == module;
}

// What inspect reads of classes (3.13), nested ones included.
void move_classes(const ModulePlan& module, PyObject* names, std::set<PyObject*>& seen, Journal& journal) {
    for_items(names, [&](PyObject*, PyObject* value) {
        if (!PyType_Check(value) || !seen.insert(value).second) return;
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value)));
        if (!is_of_module(members.get(), module.name)) return;
        move_classes(module, members.get(), seen, journal);
        PyObject* line = dict_get(members.get(), "__firstlineno__");
        if (line == nullptr || !PyLong_Check(line)) return;
        const long at = PyLong_AsLong(line);
        for (const LineMove& move : module.moves)
            if (at >= move.first && at <= move.last)
                journal.push_back(MemberWrite{Ref::borrow(value), interned("__firstlineno__"), Ref::borrow(line),
                                              to_int(at + move.by), ""});
    });
}

// An entry of linecache.cache for text that no file holds.
Ref remembered_lines(const Version& version) {
    const Ref text = to_str(version.text);
    const Ref lines = call_method(text.get(), "splitlines", {Py_True});
    return Ref::steal(
        Py_BuildValue("(nOOO)", PyUnicode_GetLength(text.get()), Py_None, lines.get(), to_str(version.path).get()));
}

// linecache looks at files again by itself; what came from a loader, or was handed over, it keeps.
void follow_text(const ModulePlan& module, Journal& journal) {
    static PyObject* const cache = attribute(import_module("linecache").get(), "cache").release();
    PyObject* before = dict_get(cache, module.now.path);
    const bool from_file = before != nullptr && PyTuple_Check(before) && PyTuple_GET_SIZE(before) == 4 &&
                           PyTuple_GET_ITEM(before, 1) != Py_None;
    if (!module.now.handed && (before == nullptr || from_file)) return;
    const Ref after = module.now.handed ? remembered_lines(module.now) : Ref();
    journal.push_back(NameWrite{Ref::borrow(cache), to_str(module.now.path), Ref::borrow(before), after, ""});
}

}  // namespace

Journal moved_code(const std::vector<ModulePlan>& modules) {
    Journal journal;
    for (const ModulePlan& module : modules) move_codes(module, journal);
    return journal;
}

void follow_places(const ModulePlan& module, Journal& journal) {
    follow_text(module, journal);
    if (module.moves.empty()) return;
    std::set<PyObject*> seen;
    move_classes(module, namespace_of(module.module.get()), seen, journal);
}

void remove_modules(const std::vector<std::string>& names, Journal& journal) {
    PyObject* modules = PyImport_GetModuleDict();
    for (const std::string& name : names) {
        const Ref module = loaded_module(name);
        if (!module) continue;
        journal.push_back(NameWrite{Ref::borrow(modules), to_str(name), module, Ref(), name});
        const Ref package = namespace_of_package(name, module.get());
        const std::string last = name.substr(name.rfind('.') + 1);
        if (package && dict_get(package.get(), last) == module.get())
            journal.push_back(NameWrite{package, to_str(last), module, Ref(), name});
    }
}

}  // namespace rebottle
