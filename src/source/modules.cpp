#include "source/modules.hpp"

#include <algorithm>

#include "compat/compat.hpp"

namespace rebottle {
namespace {

PyObject* sys_modules() { return PyImport_GetModuleDict(); }

// The path of the Python file that a module dict names, or "".
std::string python_file(PyObject* dict) {
    PyObject* file = PyDict_GetItemString(dict, "__file__");
    if (file == nullptr || !PyUnicode_Check(file)) return "";
    std::string path(view(file));
    return path.ends_with(".py") || path.ends_with(".pyw") ? path : "";
}

// Whether the loader in the module's spec reads plain files by the interpreter's own rules (or there is none: a
// script).
bool has_plain_loader(PyObject* dict) {
    PyObject* loader = PyDict_GetItemString(dict, "__loader__");
    if (loader == nullptr || loader == Py_None) return true;
    return std::string_view(Py_TYPE(loader)->tp_name) == "SourceFileLoader";
}

Ref weakly(PyObject* module) {
    return module != nullptr && PyModule_Check(module) ? Ref::steal(PyWeakref_NewRef(module, nullptr)) : Ref();
}

bool is_namespace_package(PyObject* dict) {
    PyObject* path = PyDict_GetItemString(dict, "__path__");
    return path != nullptr && std::string_view(Py_TYPE(path)->tp_name) == "_NamespacePath";
}

}  // namespace

Ref loaded_module(const std::string& name) { return Ref::borrow(dict_get(sys_modules(), to_str(name).get())); }

Ref namespace_of_package(const std::string& name, PyObject* module) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return {};
    if (PyModule_Check(module)) {
        PyObject* own = dict_get(PyModule_GetDict(module), "__name__");
        if (own == nullptr || !PyUnicode_Check(own) || view(own) != name) return {};
    }
    const Ref package = loaded_module(name.substr(0, dot));
    return package && PyModule_Check(package.get()) ? Ref::borrow(PyModule_GetDict(package.get())) : Ref();
}

PyObject* namespace_of(PyObject* module) {
    if (!PyModule_Check(module))
        raise(PyExc_TypeError, "not a module but an object of type " + std::string(Py_TYPE(module)->tp_name));
    return PyModule_GetDict(module);
}

bool matches(const std::string& pattern, const std::string& name) {
    std::size_t at = 0;  // in the pattern
    std::size_t star = std::string::npos;
    std::size_t covered = 0;  // how much of the name is matched up to the end of the last star
    for (std::size_t i = 0; i < name.size();) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            covered = i;
        } else if (at < pattern.size() && pattern[at] == name[i]) {
            ++at;
            ++i;
        } else if (star != std::string::npos) {  // the last star covers one more: what an earlier one covers is enough
            at = star + 1;
            i = ++covered;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string::npos;
}

bool ModuleRecord::is_about(PyObject* object) const {
    return object != nullptr && module && compat::target_of(module.get()) == object;
}

Modules& Modules::instance() {
    static auto* modules = new Modules;  // never destroyed: it holds Python objects
    return *modules;
}

Modules::Modules() {
    const Ref paths = call_method(import_module("sysconfig").get(), "get_paths");
    for (const char* key : {"stdlib", "platstdlib"})
        if (PyObject* path = dict_get(paths.get(), key)) foreign_.push_back(to_text(path) + "/");
    CodeCatcher::start([this](const std::string& name, Caught caught) { note_code(name, std::move(caught)); });
    watcher_ = check(PyDict_AddWatcher(&Modules::on_event));
    check(PyDict_Watch(watcher_, sys_modules()));
    const Ref items = Ref::steal(PyDict_Copy(sys_modules()));
    for_items(items.get(), [this](PyObject* name, PyObject* module) { note_module(name, module, true); });
}

bool Modules::is_foreign(const std::string& path) const {
    if (path.find("/site-packages/") != std::string::npos || path.find("/dist-packages/") != std::string::npos)
        return true;
    return std::any_of(foreign_.begin(), foreign_.end(),
                       [&](const std::string& folder) { return path.starts_with(folder); });
}

int Modules::on_event(PyDict_WatchEvent event, PyObject*, PyObject* key, PyObject* value) {
    if ((event == PyDict_EVENT_ADDED || event == PyDict_EVENT_MODIFIED) && key != nullptr && value != nullptr) {
        const ErrorAside aside;
        try {
            instance().note_module(key, value, false);
        } catch (const std::exception&) {
            // A module that isn't recorded is judged by its live code.
        }
    }
    return 0;
}

// Runs no Python code: the dict is about to be changed.
void Modules::note_module(PyObject* name, PyObject* module, bool earlier) {
    if (!PyUnicode_Check(name) || !PyModule_Check(module)) return;
    const std::string key(view(name));
    const bool added = dict_get(sys_modules(), name) == nullptr;
    if (noting_ > 0 && added && PyThread_get_thread_ident() == noting_thread_) noted_.push_back(key);
    PyObject* dict = PyModule_GetDict(module);
    const std::string path = python_file(dict);
    const bool plain = has_plain_loader(dict);
    if (const auto known = records_.find(key); known != records_.end()) {
        if (known->second.is_about(module)) return;               // it was only taken out and put back
        known->second = ModuleRecord{key, {}, false, {}, false};  // a plan may hold it: emptied, not erased
    }
    if (is_namespace_package(dict)) {
        ModuleRecord& empty = records_[key];
        empty = ModuleRecord{key, version_of_text("", "<" + key + ">"), false, weakly(module), false};
        return;
    }
    if (!earlier) CodeCatcher::expect(key, !plain);
    if (path.empty() || !plain) return;
    ModuleRecord record;
    record.name = key;
    record.module = weakly(module);
    record.earlier = earlier;
    record.user = !is_foreign(path);
    if (!record.user) return;
    try {
        record.version.stamp = stamp_of(path);
        record.version.raw = read_file(path);
        record.version.form = Version::Form::text;
        record.version.path = path;
    } catch (const PythonError& error) {
        if (!error.is_answer()) return;  // it is looked for when it is asked for
        record.version = Version();      // unreadable: the live code is all there is
    }
    records_[key] = std::move(record);
}

void Modules::note_code(const std::string& name, Caught caught) {
    ModuleRecord record;
    record.name = name;
    record.module = weakly(loaded_module(name).get());
    record.version.form = Version::Form::code;
    record.version.path = to_text(reinterpret_cast<PyCodeObject*>(caught.code.get())->co_filename);
    record.version.code = std::move(caught.code);
    record.version.source = std::move(caught.source);
    record.user = !is_foreign(record.version.path) && !record.version.path.starts_with("<frozen");
    records_[name] = std::move(record);
}

ModuleRecord& Modules::record(const std::string& name) {
    const Ref module = loaded_module(name);
    const bool is_module = module && PyModule_Check(module.get());
    if (const auto known = records_.find(name);
        known != records_.end() && known->second.module && (!is_module || known->second.is_about(module.get()))) {
        ModuleRecord& record = known->second;
        try {
            record.version.prepare();
            if (record.earlier && is_module) record.version = agreeing_version(module.get(), record.version);
        } catch (const PythonError& error) {
            if (!error.is_answer()) throw;
            record.version = Version();
        }
        record.earlier = false;
        return record;
    }
    ModuleRecord record;
    record.name = name;
    record.module = weakly(module.get());
    if (is_module) {
        try {
            std::optional<Version> version = find_version(name, module.get());
            record.version = agreeing_version(module.get(), version ? std::move(*version) : Version());
        } catch (const SourceError&) {
            record.version = agreeing_version(module.get(), Version());
        } catch (const CompiledModule&) {
            record.version = Version();
        } catch (const PythonError& error) {
            if (!error.is_answer()) throw;
            record.version = Version();
        }
        const bool frozen_or_built_in = record.version.path.empty();
        record.user = !frozen_or_built_in && !is_foreign(record.version.path);
    }
    return records_[name] = std::move(record);
}

bool Modules::is_recorded(const std::string& name) const {
    const auto known = records_.find(name);
    return known != records_.end() && known->second.user;
}

void Modules::track(const std::vector<std::string>& patterns) {
    if (!patterns_) patterns_.emplace();
    patterns_->insert(patterns_->end(), patterns.begin(), patterns.end());
}

std::vector<std::string> Modules::tracked() const {
    std::vector<std::string> names;
    const Ref loaded = Ref::steal(PyDict_Keys(sys_modules()));
    for_sequence(loaded.get(), [&](PyObject* key) {
        if (!PyUnicode_Check(key)) return;
        const std::string name(view(key));
        const auto record = records_.find(name);
        const bool wanted = patterns_ ? std::any_of(patterns_->begin(), patterns_->end(),
                                                    [&](const std::string& pattern) { return matches(pattern, name); })
                                      : record != records_.end() && record->second.user;
        if (wanted) names.push_back(name);
    });
    return names;
}

std::vector<std::string> Modules::matching(const std::string& pattern) {
    std::vector<std::string> names;
    const Ref loaded = Ref::steal(PyDict_Keys(sys_modules()));
    for_sequence(loaded.get(), [&](PyObject* key) {
        if (PyUnicode_Check(key) && matches(pattern, std::string(view(key)))) names.emplace_back(view(key));
    });
    return names;
}

bool Modules::maybe_changed(const ModuleRecord& record) const {
    if (record.version.form == Version::Form::unknown || !record.version.stamp.exists()) return true;
    const std::string& path = record.version.path;
    if (stamp_of(path) != record.version.stamp) return true;
    if (path.ends_with("/__init__.py") || !path.ends_with(".py")) return false;
    return stamp_of(path.substr(0, path.size() - 3) + "/__init__.py").exists();
}

std::size_t Modules::start_noting() {
    ++noting_;
    noting_thread_ = PyThread_get_thread_ident();
    return noted_.size();
}

std::vector<std::string> Modules::stop_noting(std::size_t start) {
    --noting_;
    const auto first = noted_.begin() + static_cast<std::ptrdiff_t>(std::min(start, noted_.size()));
    std::vector<std::string> names(first, noted_.end());
    noted_.erase(first, noted_.end());
    return names;
}

}  // namespace rebottle
