// Asks the import system (sys.meta_path, the module's loader) for the present source of a module.
#include <array>

#include "source/modules.hpp"

namespace rebottle {
namespace {

Ref machinery(const char* name) { return attribute(import_module("importlib.machinery").get(), name); }

Ref parent_path(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return Ref::borrow(Py_None);
    const Ref parent = loaded_module(name.substr(0, dot));
    if (!parent) return Ref::borrow(Py_None);
    Ref path = attribute_or_null(parent.get(), "__path__");
    return path ? path : Ref::borrow(Py_None);
}

// What sys.meta_path answers, or nothing.
Ref find_spec(const std::string& name) {
    const Ref finders = Ref::steal(PySequence_List(attribute(import_module("sys").get(), "meta_path").get()));
    const Ref key = to_str(name);
    const Ref path = parent_path(name);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(finders.get()); ++i) {
        const Ref find = attribute_or_null(PyList_GET_ITEM(finders.get(), i), "find_spec");
        if (!find) continue;
        Ref spec = call(find.get(), {key.get(), path.get(), Py_None});
        if (spec.get() != Py_None) return spec;
    }
    return {};
}

// Whether a loader's method is the one that the interpreter's own loaders have.
bool is_own_method(PyObject* loader, const char* method, const char* standard_class) {
    const Ref mine = attribute_or_null(reinterpret_cast<PyObject*>(Py_TYPE(loader)), method);
    const Ref standard = attribute_or_null(machinery(standard_class).get(), method);
    return mine && standard && mine.get() == standard.get();
}

std::string python_path(PyObject* spec, PyObject* loader, const std::string& name) {
    if (const Ref find = attribute_or_null(loader, "get_filename")) {
        const Ref path = call(find.get(), {to_str(name).get()});
        if (PyUnicode_Check(path.get())) return to_text(path.get());
    }
    const Ref origin = attribute_or_null(spec, "origin");
    return origin && PyUnicode_Check(origin.get()) ? to_text(origin.get()) : "<" + name + ">";
}

void set_text(Version& version, const std::string& text) {
    version.text = text;
    version.split = split(text);
}

std::string loader_bytes(PyObject* loader, const std::string& path) {
    if (is_own_method(loader, "get_data", "SourceFileLoader")) return read_file(path);
    const Ref data = call_method(loader, "get_data", {to_str(path).get()});
    const Ref bytes = Ref::steal(PyBytes_FromObject(data.get()));
    return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

bool is_standard_loader(PyObject* loader) {
    return is_own_method(loader, "exec_module", "SourceFileLoader") && is_own_method(loader, "get_code", "SourceFileLoader");
}

Ref loader_source(PyObject* loader, const std::string& name) {
    const Ref get = attribute_or_null(loader, "get_source");
    if (!get) return {};
    Ref text = call(get.get(), {to_str(name).get()});
    return PyUnicode_Check(text.get()) ? text : Ref();
}

// The code object that `exec_module` of a loader would run: it is caught as it is handed to exec().
Ref code_of_exec_module(PyObject* loader, PyObject* spec);

// Where a loader makes code by itself, its code counts; its text too if both say the same.
void set_from_loader(Version& version, PyObject* loader, const std::string& name) {
    const Ref get_code = attribute_or_null(loader, "get_code");
    const bool zip = std::string_view(Py_TYPE(loader)->tp_name) == "zipimport.zipimporter" ||
                     std::string_view(Py_TYPE(loader)->tp_name) == "zipimporter";
    const bool plain_exec = is_own_method(loader, "exec_module", "SourceFileLoader") || zip;
    if (const Ref text = loader_source(loader, name); text && (zip || (plain_exec && !get_code))) {
        version.form = Version::Form::text;
        set_text(version, decode(std::string(view(text.get()))));
        return;
    }
    version.form = Version::Form::code;
    version.code = plain_exec && get_code ? call(get_code.get(), {to_str(name).get()})
                                          : code_of_exec_module(loader, version.spec.get());
    if (!version.code || !PyCode_Check(version.code.get()))
        throw SourceError(name, version.path, 0, "its loader gives neither text nor code");
    version.path = to_text(reinterpret_cast<PyCodeObject*>(version.code.get())->co_filename);
}

// The function exec() audits, while one loader's code is being caught.
PyObject* catching = nullptr;
PyObject* caught = nullptr;

int on_audit(const char* event, PyObject* arguments, void*) {
    if (catching == nullptr || std::string_view(event) != "exec") return 0;
    PyObject* code = PyTuple_GET_SIZE(arguments) > 0 ? PyTuple_GET_ITEM(arguments, 0) : nullptr;
    if (code == nullptr || !PyCode_Check(code) || reinterpret_cast<PyCodeObject*>(code)->co_flags & CO_OPTIMIZED) return 0;
    caught = Py_NewRef(code);
    catching = nullptr;
    PyErr_SetString(PyExc_SystemExit, "rebottle: the module's code is caught, not run");
    return -1;
}

Ref code_of_exec_module(PyObject* loader, PyObject* spec) {
    static const bool hooked = PySys_AddAuditHook(&on_audit, nullptr) == 0;
    if (!hooked) raise(PyExc_RuntimeError, "rebottle: an audit hook was refused");
    const Ref make = attribute(import_module("importlib.util").get(), "module_from_spec");
    const Ref module = call(make.get(), {spec});
    catching = spec;
    caught = nullptr;
    const Ref done = Ref::steal_or_null(PyObject_CallMethod(loader, "exec_module", "O", module.get()));
    catching = nullptr;
    if (caught == nullptr && !done) throw PythonError();
    PyErr_Clear();
    return Ref::steal_or_null(std::exchange(caught, nullptr));
}

Version read_version(const std::string& name, Ref spec) {
    Version version;
    version.spec = spec;
    const Ref loader = attribute(spec.get(), "loader");
    if (loader.get() == Py_None || std::string_view(Py_TYPE(loader.get())->tp_name) == "NamespaceLoader") {
        version.form = Version::Form::text;  // a namespace package has no code
        version.path = "<" + name + ">";
        return version;
    }
    const Ref origin = attribute_or_null(spec.get(), "origin");
    for (const char* compiled : {"ExtensionFileLoader", "BuiltinImporter", "FrozenImporter"})
        if (PyType_IsSubtype(Py_TYPE(loader.get()), reinterpret_cast<PyTypeObject*>(machinery(compiled).get())) != 0 ||
            loader.get() == machinery(compiled).get())
            throw CompiledModule{origin ? to_text(origin.get()) : ""};
    version.path = python_path(spec.get(), loader.get(), name);
    version.loader = loader;
    if (!is_standard_loader(loader.get())) {
        set_from_loader(version, loader.get(), name);
        return version;
    }
    version.stamp = stamp_of(version.path);
    version.form = is_own_method(loader.get(), "source_to_code", "SourceFileLoader") ? Version::Form::text
                                                                                    : Version::Form::transformed;
    set_text(version, decode(loader_bytes(loader.get(), version.path)));
    return version;
}

Version read_script(const std::string& path) {
    Version version = version_of_text(decode(read_file(path)), path);
    version.stamp = stamp_of(path);
    return version;
}

[[noreturn]] void throw_source_error(const std::string& name, const std::string& path, const PythonError& error) {
    int line = 0;
    if (error.is(PyExc_SyntaxError))
        if (const Ref number = attribute_or_null(error.value(), "lineno"); number && PyLong_Check(number.get()))
            line = static_cast<int>(PyLong_AsLong(number.get()));
    throw SourceError(name, path, line, "its source can't be read: " + describe(error.value()), Ref::borrow(error.value()));
}

}  // namespace

Version version_of_text(std::string text, const std::string& path) {
    Version version;
    version.form = Version::Form::text;
    version.path = path;
    set_text(version, text);
    return version;
}

std::optional<Version> find_version(const std::string& name, PyObject* module) {
    PyObject* dict = namespace_of(module);
    PyObject* known = dict_get(dict, "__spec__");
    PyObject* file = dict_get(dict, "__file__");
    std::string path = file != nullptr && PyUnicode_Check(file) ? to_text(file) : "";
    try {
        if (known == nullptr || known == Py_None) {
            if (path.empty()) throw SourceError(name, "", 0, "it has neither a spec nor a file; hand its text over with sources=");
            return read_script(path);
        }
        const Ref real_name = attribute(known, "name");
        Ref spec = find_spec(PyUnicode_Check(real_name.get()) ? to_text(real_name.get()) : name);
        if (!spec) return std::nullopt;
        return read_version(name, std::move(spec));
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw_source_error(name, path, error);
    }
}

}  // namespace rebottle
