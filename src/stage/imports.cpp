#include "stage/imports.hpp"

#include "compat/memory.hpp"
#include "source/modules.hpp"

namespace rebottle {

ImportState::ImportState() {
    const Ref sys = import_module("sys");
    for (const char* name : {"meta_path", "path", "path_hooks"}) {
        const Ref list = attribute_or_null(sys.get(), name);
        if (list && PyList_Check(list.get()))
            lists_.emplace_back(list, Ref::steal(PyList_GetSlice(list.get(), 0, PyList_GET_SIZE(list.get()))));
    }
    start_ = Modules::instance().start_noting();
}

ImportState::~ImportState() {
    if (!kept_) restore();
}

std::vector<std::string> ImportState::keep() {
    kept_ = true;
    return Modules::instance().stop_noting(start_);
}

void ImportState::restore() noexcept {
    const ErrorAside aside;
    const compat::SureMemory sure;
    forget_modules(Modules::instance().stop_noting(start_));
    for (const auto& [list, content] : lists_)
        if (PyList_SetSlice(list.get(), 0, PyList_GET_SIZE(list.get()), content.get()) < 0) PyErr_Clear();
}

FinderState::FinderState() : start_(Modules::instance().start_noting()) {
    cache_ = attribute_or_null(import_module("sys").get(), "path_importer_cache");
    if (cache_ && PyDict_Check(cache_.get())) former_ = Ref::steal(PyDict_Copy(cache_.get()));
}

FinderState::~FinderState() {
    const ErrorAside aside;
    const compat::SureMemory sure;
    const std::vector<std::string> modules = Modules::instance().stop_noting(start_);
    if (kept_) return;
    forget_modules(modules);
    if (!cache_ || !former_) return;
    unfailing([this] {
        const Ref now = Ref::steal(PyDict_Keys(cache_.get()));
        for_sequence(now.get(), [this](PyObject* folder) {
            if (dict_get(former_.get(), folder) == nullptr) check(PyDict_DelItem(cache_.get(), folder));
        });
    });
}

void forget_modules(const std::vector<std::string>& names) noexcept {
    const ErrorAside aside;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        try {
            const Ref key = to_str(*name);
            const Ref module = loaded_module(*name);
            if (!module) continue;
            check(PyDict_DelItem(PyImport_GetModuleDict(), key.get()));
            const Ref package = namespace_of_package(*name, module.get());
            const Ref last = to_str(name->substr(name->rfind('.') + 1));
            if (package && dict_get(package.get(), last.get()) == module.get())
                check(PyDict_DelItem(package.get(), last.get()));
        } catch (const PythonError&) {
            continue;  // its exception is dropped: the others are to be taken out as well
        }
    }
}

ImportedModules take_out(const std::vector<std::string>& names) {
    ImportedModules taken;
    for (const std::string& name : names)
        if (PyObject* module = dict_get(PyImport_GetModuleDict(), name)) taken.emplace_back(name, Ref::borrow(module));
    forget_modules(names);
    return taken;
}

void put_back(const ImportedModules& modules) {
    for (const auto& [name, module] : modules) {
        dict_set(PyImport_GetModuleDict(), name, module.get());
        if (const Ref package = namespace_of_package(name, module.get()))
            dict_set(package.get(), name.substr(name.rfind('.') + 1), module.get());
    }
}

}  // namespace rebottle
