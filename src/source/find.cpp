// Asks the import system (sys.meta_path, the module's loader) for the present source of a module.
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

// What the text shares with that of the former version isn't read again.
void set_text(Version& version, std::string text, const Version* former) {
    version.text = std::move(text);
    version.split = former != nullptr && former->form == Version::Form::text
                        ? split_again(former->text, former->split, version.text).now
                        : split(version.text);
}

std::string loader_bytes(PyObject* loader, const std::string& path) {
    if (is_own_method(loader, "get_data", "SourceFileLoader")) return read_file(path);
    const Ref data = call_method(loader, "get_data", {to_str(path).get()});
    const Ref bytes = Ref::steal(PyBytes_FromObject(data.get()));
    return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

bool is_standard_loader(PyObject* loader) {
    return is_own_method(loader, "exec_module", "SourceFileLoader") &&
           is_own_method(loader, "get_code", "SourceFileLoader") &&
           is_own_method(loader, "source_to_code", "SourceFileLoader");
}

Ref loader_source(PyObject* loader, const std::string& name) {
    const Ref get = attribute_or_null(loader, "get_source");
    if (!get) return {};
    Ref text = call(get.get(), {to_str(name).get()});
    return PyUnicode_Check(text.get()) ? text : Ref();
}

// A loader that compiles or executes by itself: its code counts. What it compiles is caught, to know the statements as
// well.
void set_from_loader(Version& version, PyObject* loader, const std::string& name) {
    Caught caught;
    if (is_own_method(loader, "exec_module", "SourceFileLoader")) {
        caught = catch_compiled([&] {
            if (!is_own_method(loader, "get_code", "SourceFileLoader"))
                return call_method(loader, "get_code", {to_str(name).get()});
            const Ref path = to_str(version.path);  // not get_code(): that would look at cached bytecode
            const Ref data = call_method(loader, "get_data", {path.get()});
            return call_method(loader, "source_to_code", {data.get(), path.get()});
        });
    } else {
        const Ref make = attribute(import_module("importlib.util").get(), "module_from_spec");
        const Ref module = call(make.get(), {version.spec.get()});
        caught = catch_executed([&] { return call_method(loader, "exec_module", {module.get()}); });
    }
    if (!caught.code || !PyCode_Check(caught.code.get()))
        throw SourceError(name, version.path, 0, "its loader gives neither text nor code");
    version.form = Version::Form::code;
    version.path = to_text(reinterpret_cast<PyCodeObject*>(caught.code.get())->co_filename);
    version.code = std::move(caught.code);
    version.source = std::move(caught.source);
    version.prepare();
}

void refuse_compiled(PyObject* spec, PyObject* loader, std::initializer_list<const char*> kinds) {
    for (const char* kind : kinds) {
        const Ref type = machinery(kind);
        if (loader != type.get() && PyType_IsSubtype(Py_TYPE(loader), type.as<PyTypeObject>()) == 0) continue;
        const Ref origin = attribute_or_null(spec, "origin");
        throw CompiledModule{origin && PyUnicode_Check(origin.get()) ? to_text(origin.get()) : ""};
    }
}

bool is_zip_importer(PyObject* loader) { return std::string_view(Py_TYPE(loader)->tp_name).ends_with("zipimporter"); }

Version read_version(const std::string& name, const Ref& spec, const Version* former) {
    Version version;
    version.spec = spec;
    const Ref loader = attribute(spec.get(), "loader");
    if (loader.get() == Py_None || std::string_view(Py_TYPE(loader.get())->tp_name) == "NamespaceLoader") {
        version.form = Version::Form::text;  // a namespace package has no code
        version.path = "<" + name + ">";
        return version;
    }
    refuse_compiled(spec.get(), loader.get(), {"ExtensionFileLoader", "BuiltinImporter", "FrozenImporter"});
    version.path = python_path(spec.get(), loader.get(), name);
    const Ref text = is_zip_importer(loader.get()) ? loader_source(loader.get(), name) : Ref();
    if (text) {
        version.form = Version::Form::text;
        set_text(version, plain_text(std::string(view(text.get()))), former);
    } else if (is_standard_loader(loader.get())) {
        version.stamp = stamp_of(version.path);
        version.form = Version::Form::text;
        set_text(version, decode(loader_bytes(loader.get(), version.path)), former);
    } else {
        set_from_loader(version, loader.get(), name);
    }
    return version;
}

Version read_script(const std::string& path, const Version* former) {
    Version version = version_of_text(decode(read_file(path)), path, former);
    version.stamp = stamp_of(path);
    return version;
}

// The name that the import system knows a module by: a script run with -m and an alias are listed under others.
std::string spec_name(PyObject* spec, const std::string& otherwise) {
    const Ref name = attribute_or_null(spec, "name");
    return name && PyUnicode_Check(name.get()) ? to_text(name.get()) : otherwise;
}

void refresh(PyObject* finder) {
    try {
        if (const Ref method = attribute_or_null(finder, "invalidate_caches")) call(method.get());
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;  // it will say so itself when it is asked for the module
    }
}

}  // namespace

void refresh_finders() {
    const Ref sys = import_module("sys");
    const Ref path_finder = machinery("PathFinder");
    const Ref finders = Ref::steal(PySequence_List(attribute(sys.get(), "meta_path").get()));
    for_sequence(finders.get(), [&](PyObject* finder) {
        if (finder != path_finder.get()) refresh(finder);  // it would import importlib.metadata for its caches
    });
    const Ref cache = attribute_or_null(sys.get(), "path_importer_cache");
    if (!cache || !PyDict_Check(cache.get())) return;  // the import system will say so itself
    const Ref importers = Ref::steal(PyDict_Values(cache.get()));
    for_sequence(importers.get(), [](PyObject* importer) {
        if (importer != Py_None) refresh(importer);
    });
}

Version version_of_text(std::string text, const std::string& path, const Version* former) {
    Version version;
    version.form = Version::Form::text;
    version.path = path;
    set_text(version, std::move(text), former);
    return version;
}

Version handed_version(const std::string& name, PyObject* module, const std::string& text, const Version& former) {
    const std::string path = former.path.empty() ? "<" + name + ">" : former.path;
    try {
        PyObject* spec = dict_get(namespace_of(module), "__spec__");
        const Ref loader = spec == nullptr ? Ref() : attribute_or_null(spec, "loader");
        if (loader) refuse_compiled(spec, loader.get(), {"ExtensionFileLoader", "BuiltinImporter"});
        Version version = version_of_text(plain_text(text), path, &former);
        version.stamp = former.stamp;
        version.handed = true;
        return version;
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw SourceError(name, path, "its text can't be read", error);
    }
}

std::optional<Version> find_version(const std::string& name, PyObject* module, const Version* former) {
    PyObject* dict = namespace_of(module);
    PyObject* known = dict_get(dict, "__spec__");
    PyObject* file = dict_get(dict, "__file__");
    std::string path = file != nullptr && PyUnicode_Check(file) ? to_text(file) : "";
    try {
        if (known == nullptr || known == Py_None) {
            if (path.empty())
                throw SourceError(name, "", 0, "it has neither a spec nor a file; hand its text over with sources=");
            return read_script(path, former);
        }
        const std::string known_as = spec_name(known, name);
        const Ref spec = find_spec(known_as);
        if (!spec) return std::nullopt;
        return read_version(known_as, spec, former);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw SourceError(name, path, "its source can't be read", error);
    }
}

std::string listed_name(const std::string& name) {
    const Ref module = loaded_module(name);
    if (!module || !PyModule_Check(module.get())) return name;
    PyObject* spec = dict_get(PyModule_GetDict(module.get()), "__spec__");
    if (spec == nullptr || spec == Py_None) return name;
    std::string known_as = spec_name(spec, name);
    return loaded_module(known_as).get() == module.get() ? known_as : name;
}

}  // namespace rebottle
