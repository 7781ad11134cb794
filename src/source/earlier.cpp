// Modules that were imported before anybody recorded them: what they were made from is found out afterwards.
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "source/modules.hpp"

namespace rebottle {
namespace {

PyCodeObject* code_of(PyObject* function) {
    return reinterpret_cast<PyCodeObject*>(reinterpret_cast<PyFunctionObject*>(function)->func_code);
}

// Whether the code comes from text of its own: dataclasses make such methods, in the module's namespace.
bool is_generated(PyCodeObject* code, const std::string& path) {
    const std::string file = to_text(code->co_filename);
    return file.starts_with("<") && file != path;
}

// Looks for functions of a namespace in objects that hold them: properties, wrappers and what these closed over.
class Search {
   public:
    Search(PyObject* names, const std::string& path) : names_(names), path_(path) {}

    void look_at(PyObject* object, int depth = 4) {
        if (PyFunction_Check(object) && reinterpret_cast<PyFunctionObject*>(object)->func_globals == names_) {
            if (!is_generated(code_of(object), path_)) found_.push_back(code_of(object));
            return;
        }
        if (depth == 0 || PyType_Check(object) || PyModule_Check(object) || PyDict_Check(object)) return;
        if (PyObject_IS_GC(object) != 0)
            for (PyObject* held : references_in(object)) look_at(held, depth - 1);
    }

    std::vector<PyCodeObject*> found() const { return found_; }

   private:
    PyObject* names_;
    std::string path_;
    std::vector<PyCodeObject*> found_;
};

// The code of the functions that a module and its classes hold and that were made in its namespace, from its source.
std::vector<PyCodeObject*> live_codes(PyObject* dict, const std::string& path) {
    Search search(dict, path);
    const auto look = [&](PyObject*, PyObject* value) { search.look_at(value); };
    for_items(dict, [&](PyObject* name, PyObject* value) {
        look(name, value);
        if (!PyType_Check(value)) return;
        const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value)));
        if (members) for_items(members.get(), look);
    });
    return search.found();
}

using ByName = std::unordered_multimap<std::string, PyCodeObject*>;

void collect(PyObject* code, ByName& found) {
    PyObject* constants = reinterpret_cast<PyCodeObject*>(code)->co_consts;
    for_sequence(constants, [&](PyObject* constant) {
        if (!PyCode_Check(constant)) return;
        found.emplace(to_text(reinterpret_cast<PyCodeObject*>(constant)->co_qualname),
                      reinterpret_cast<PyCodeObject*>(constant));
        collect(constant, found);
    });
}

// Whether code comes from no file: a dataclass makes such methods.
bool is_generated(PyCodeObject* code) { return view(code->co_filename).starts_with('<'); }

bool agrees(PyObject* whole, const std::vector<PyCodeObject*>& live) {
    ByName known;
    collect(whole, known);
    for (PyCodeObject* code : live) {
        if (is_generated(code) && !is_generated(reinterpret_cast<PyCodeObject*>(whole))) continue;
        const auto [first, last] = known.equal_range(to_text(code->co_qualname));
        bool found = false;
        for (auto each = first; each != last && !found; ++each)
            found = check(PyObject_RichCompareBool(reinterpret_cast<PyObject*>(each->second),
                                                   reinterpret_cast<PyObject*>(code), Py_EQ)) == 1;
        if (!found) return false;
    }
    return true;
}

struct Cached {
    Ref code;
    std::uint32_t modified = 0;  // of the source, seconds
    std::uint32_t size = 0;
    bool by_time = false;
    bool is_of(const Stamp& stamp) const {
        return by_time && stamp.exists() && static_cast<std::uint32_t>(stamp.modified / 1'000'000'000) == modified &&
               static_cast<std::uint32_t>(stamp.size) == size;
    }
};

// The bytecode that the import system keeps of a module, where this interpreter can read it.
Cached cached_code(PyObject* dict) {
    constexpr std::size_t header = 16;
    Cached cached;
    PyObject* path = dict_get(dict, "__cached__");
    if (path == nullptr || !PyUnicode_Check(path)) return cached;
    try {
        const std::string bytes = read_file(to_text(path));
        std::uint32_t words[4] = {};
        if (bytes.size() <= header) return cached;
        std::memcpy(words, bytes.data(), header);
        if (words[0] != static_cast<std::uint32_t>(PyImport_GetMagicNumber())) return cached;
        cached.by_time = words[1] == 0;
        cached.modified = words[2];
        cached.size = words[3];
        const Ref content = Ref::steal(
            PyBytes_FromStringAndSize(bytes.data() + header, static_cast<Py_ssize_t>(bytes.size() - header)));
        Ref code = call_method(import_module("marshal").get(), "loads", {content.get()});
        if (PyCode_Check(code.get())) cached.code = std::move(code);
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        cached.code = {};  // not there, or damaged: it says nothing
    }
    return cached;
}

Ref code_of_version(const Version& version) {
    if (version.code) return version.code;
    if (version.form == Version::Form::unknown) return {};
    return Ref::steal_or_null(Py_CompileString(version.text.c_str(), version.path.c_str(), Py_file_input));
}

}  // namespace

Version agreeing_version(PyObject* module, Version candidate) {
    PyObject* dict = PyModule_GetDict(module);
    const std::vector<PyCodeObject*> live = live_codes(dict, candidate.path);
    const Cached cached = cached_code(dict);
    if (cached.code && agrees(cached.code.get(), live)) {
        if (candidate.form == Version::Form::text && cached.is_of(candidate.stamp)) return candidate;
        Version version;
        version.form = Version::Form::code;
        version.path = candidate.path;
        version.code = cached.code;
        return version;
    }
    const Ref code = code_of_version(candidate);
    if (!code) dismiss();
    if (code && agrees(code.get(), live)) return candidate;
    Version version;
    version.path = live.empty() ? candidate.path : to_text(live.front()->co_filename);
    return version;
}

}  // namespace rebottle
