#include "plan/importers.hpp"

#include "code/tree.hpp"

namespace rebottle {

// What Version::imported holds.
struct ImportedNames {
    std::vector<ImportedName> all;
};

namespace {

// The package that a relative import of a module counts from.
std::string package_of(PyObject* dict, const std::string& name) {
    PyObject* package = dict_get(dict, "__package__");
    if (package != nullptr && PyUnicode_Check(package)) return to_text(package);
    if (dict_get(dict, "__path__") != nullptr) return name;
    const std::size_t dot = name.rfind('.');
    return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string absolute(PyObject* statement, std::string package) {
    const Ref module = attribute(statement, "module");
    std::string tail = module.get() == Py_None ? "" : to_text(module.get());
    const Ref number = attribute(statement, "level");
    const long level = number.get() == Py_None ? 0 : PyLong_AsLong(number.get());
    if (level == 0) return tail;
    for (long i = 1; i < level; ++i) {
        const std::size_t dot = package.rfind('.');
        package = dot == std::string::npos ? "" : package.substr(0, dot);
    }
    return tail.empty() ? package : package + "." + tail;
}

void collect(PyObject* node, const std::string& package, std::vector<ImportedName>& found) {
    if (is_definition(node)) return;
    if (!is_node(node, "ImportFrom")) {
        for_children(node, [&](PyObject* child) { collect(child, package, found); });
        return;
    }
    const std::string module = absolute(node, package);
    const Ref names = attribute(node, "names");
    for_sequence(names.get(), [&](PyObject* alias) {
        const std::string name = attribute_text(alias, "name");
        const Ref as = attribute(alias, "asname");
        found.push_back({module, name, as.get() == Py_None ? name : to_text(as.get())});
    });
}

bool may_import(std::string_view text) {
    return text.find("import") != std::string_view::npos && text.find("from") != std::string_view::npos &&
           !text.starts_with("def ") && !text.starts_with("class ") && !text.starts_with("async def ") &&
           !text.starts_with("@");
}

bool holds(PyObject* dict, PyObject* value) {
    bool found = false;
    for_items(dict, [&](PyObject*, PyObject* each) { found = found || each == value; });
    return found;
}

}  // namespace

void for_recorded(const std::function<void(const std::string&, PyObject*)>& body) {
    const Ref modules = Ref::steal(PyDict_Copy(PyImport_GetModuleDict()));
    for_items(modules.get(), [&](PyObject* key, PyObject* module) {
        if (!PyUnicode_Check(key) || !PyModule_Check(module)) return;
        const std::string name(view(key));
        if (Modules::instance().is_recorded(name)) body(name, module);
    });
}

const std::vector<ImportedName>& imported_names(ModuleRecord& record, PyObject* module) {
    Version& version = record.version;
    if (!version.imported) {
        auto names = std::make_shared<ImportedNames>();
        const std::string package = package_of(PyModule_GetDict(module), record.name);
        const int flags = future_flags(version);
        for (const Chunk& chunk : version.split.chunks) {
            const std::string_view text = chunk.in(version.text);
            if (!may_import(text)) continue;
            collect(parse(std::string(text), version.path, flags).get(), package, names->all);
        }
        version.imported = std::move(names);
    }
    return version.imported->all;
}

std::vector<Importer> importers_of(const std::string& module, const std::string& name, PyObject* value) {
    std::vector<Importer> found;
    for_recorded([&](const std::string& importer, PyObject* object) {
        PyObject* dict = PyModule_GetDict(object);
        if (importer == module || !holds(dict, value)) return;
        for (const ImportedName& each : imported_names(Modules::instance().record(importer), object)) {
            const bool by_star = each.name == "*" && !name.starts_with("__");
            if (each.module != module || (each.name != name && !by_star)) continue;
            const std::string as = each.name == "*" ? name : each.as;
            if (dict_get(dict, as) == value) found.push_back({importer, Ref::borrow(object), as});
        }
    });
    return found;
}

std::vector<Importer> star_importers_of(const std::string& module) {
    std::vector<Importer> found;
    for_recorded([&](const std::string& importer, PyObject* object) {
        if (importer == module) return;
        ModuleRecord& record = Modules::instance().record(importer);
        if (record.version.text.find("import *") == std::string::npos) return;
        for (const ImportedName& each : imported_names(record, object))
            if (each.module == module && each.name == "*") found.push_back({importer, Ref::borrow(object), ""});
    });
    return found;
}

}  // namespace rebottle
