#include "stage/names_log.hpp"

namespace rebottle {
namespace {

NamesLog* open_log = nullptr;

}  // namespace

NamesLog::NamesLog(PyObject* names) : names_(names) {
    watch();
    open_log = this;
}

NamesLog::~NamesLog() {
    if (open_log != this) return;
    open_log = nullptr;
    unwatch();
}

int NamesLog::watcher() {
    static const int number = check(PyDict_AddWatcher(&NamesLog::on_event));
    return number;
}

int NamesLog::on_event(PyDict_WatchEvent event, PyObject* dict, PyObject* key, PyObject* value) noexcept {
    if (open_log == nullptr || open_log->names_ != dict) return 0;
    const ErrorAside aside;
    unfailing([&] {
        if (event == PyDict_EVENT_CLEARED) {
            for_items(dict, [](PyObject* each, PyObject*) { open_log->note(each); });
        } else if (event == PyDict_EVENT_CLONED) {
            for_items(value, [](PyObject* each, PyObject*) { open_log->note(each); });
        } else if (key != nullptr) {
            open_log->note(key);
        }
    });
    return 0;
}

void NamesLog::undo() {
    open_log = nullptr;
    unwatch();
    for (auto entry = log_.rbegin(); entry != log_.rend(); ++entry) {
        const auto& [name, before] = *entry;
        if (before) {
            dict_set(names_, name.get(), before.get());
        } else if (dict_get(names_, name.get()) != nullptr) {
            check(PyDict_DelItem(names_, name.get()));
        }
    }
}

}  // namespace rebottle
