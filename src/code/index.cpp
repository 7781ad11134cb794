#include "code/index.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "code/code.hpp"

namespace rebottle {
namespace {

constexpr std::size_t many = 32;

PyCodeObject* code_of(PyFunctionObject* function) { return as_code(function->func_code); }

}  // namespace

CodeIndex& CodeIndex::instance() {
    static auto* index = new CodeIndex;  // never destroyed: code objects may outlive it
    return *index;
}

CodeIndex::CodeIndex() {
    slot_ = PyUnstable_Eval_RequestCodeExtraIndex(&CodeIndex::on_code_freed);
    if (slot_ < 0) raise(PyExc_RuntimeError, "rebottle: no slot for data of code objects is left in this interpreter");
    visit_all();
    watcher_ = check(PyFunction_AddWatcher(&CodeIndex::on_function));
}

void CodeIndex::visit_all() {
    for_all_objects([this](PyObject* object) {
        if (!PyFunction_Check(object)) return;
        auto* function = reinterpret_cast<PyFunctionObject*>(object);
        if (!hidden_.contains(function)) add(entry_for(code_of(function)), function);
    });
}

int CodeIndex::on_function(PyFunction_WatchEvent event, PyFunctionObject* function, PyObject* value) {
    CodeIndex& index = instance();
    try {
        index.on_event(event, function, value);
    } catch (const PythonError&) {
        index.incomplete_ = true;
    } catch (const std::bad_alloc&) {
        index.incomplete_ = true;
    }
    return 0;
}

void CodeIndex::on_event(PyFunction_WatchEvent event, PyFunctionObject* function, PyObject* value) {
    switch (event) {
        case PyFunction_EVENT_CREATE:
            if (recording_ && PyThread_get_thread_ident() == recording_thread_)
                recorded_.insert_or_assign(function, made_++);
            add(entry_for(code_of(function)), function);
            break;
        case PyFunction_EVENT_DESTROY:
            if (Entry* entry = entry_of(code_of(function))) remove(*entry, function);
            if (!hidden_.empty()) hidden_.erase(function);
            if (recording_) recorded_.erase(function);
            break;
        case PyFunction_EVENT_MODIFY_CODE:
            if (Entry* entry = entry_of(code_of(function))) remove(*entry, function);
            add(entry_for(as_code(value)), function);
            break;
        default:
            break;
    }
}

void CodeIndex::mend() {
    if (!incomplete_) return;
    for (auto& [file, names] : files_)
        for (auto& [name, entry] : names) {
            entry->functions.clear();
            entry->places.clear();
        }
    visit_all();
    incomplete_ = false;
}

void CodeIndex::on_code_freed(void* data) {
    auto* entry = static_cast<Entry*>(data);
    CodeIndex& index = instance();
    const auto file = index.files_.find(entry->file);
    file->second.erase(entry->place);
    if (file->second.empty()) index.files_.erase(file);
    delete entry;
}

CodeIndex::Entry* CodeIndex::entry_of(PyCodeObject* code) const {
    void* data = nullptr;
    if (PyUnstable_Code_GetExtra(as_object(code), slot_, &data) < 0) PyErr_Clear();
    return static_cast<Entry*>(data);
}

CodeIndex::Entry& CodeIndex::entry_for(PyCodeObject* code) {
    if (Entry* known = entry_of(code)) return *known;
    const ErrorAside aside;
    auto entry = std::make_unique<Entry>(Entry{code, to_text(code->co_filename), {}, {}, {}});
    ByName& names = files_[entry->file];
    entry->place = names.emplace(to_text(code->co_qualname), entry.get());
    if (PyUnstable_Code_SetExtra(as_object(code), slot_, entry.get()) < 0) {
        names.erase(entry->place);
        throw PythonError();
    }
    return *entry.release();
}

void CodeIndex::add(Entry& entry, PyFunctionObject* function) {
    if (entry.functions.size() >= many || !entry.places.empty()) {
        if (entry.places.empty())
            for (std::size_t i = 0; i < entry.functions.size(); ++i) entry.places[entry.functions[i]] = i;
        entry.places[function] = entry.functions.size();
    }
    entry.functions.push_back(function);
}

void CodeIndex::remove(Entry& entry, PyFunctionObject* function) noexcept {
    auto& functions = entry.functions;
    std::size_t place = functions.size();
    if (!entry.places.empty()) {
        const auto found = entry.places.find(function);
        if (found == entry.places.end()) return;
        place = found->second;
        entry.places.erase(found);
    } else {
        const auto found = std::find(functions.rbegin(), functions.rend(), function);
        if (found == functions.rend()) return;
        place = static_cast<std::size_t>(functions.rend() - found) - 1;
    }
    if (place + 1 != functions.size()) {
        functions[place] = functions.back();
        if (const auto moved = entry.places.find(functions[place]); moved != entry.places.end()) moved->second = place;
    }
    functions.pop_back();
}

const std::vector<PyFunctionObject*>& CodeIndex::functions(PyCodeObject* code) {
    static const std::vector<PyFunctionObject*> none;
    mend();
    const Entry* entry = entry_of(code);
    return entry != nullptr ? entry->functions : none;
}

std::vector<PyCodeObject*> CodeIndex::codes(const std::string& file, const std::string& qualified) {
    mend();
    std::vector<PyCodeObject*> found;
    if (const auto names = files_.find(file); names != files_.end()) {
        const auto [first, last] = names->second.equal_range(qualified);
        for (auto at = first; at != last; ++at) found.push_back(at->second->code);
    }
    return found;
}

std::vector<PyCodeObject*> CodeIndex::codes_in(const std::string& file) {
    mend();
    std::vector<PyCodeObject*> found;
    if (const auto names = files_.find(file); names != files_.end())
        for (const auto& [name, entry] : names->second) found.push_back(entry->code);
    return found;
}

void CodeIndex::prepare(PyCodeObject* code, std::size_t more) {
    Entry& entry = entry_for(code);
    entry.functions.reserve(entry.functions.size() + more);
    if (entry.functions.size() + more > many) entry.places.reserve(entry.functions.size() + more);
}

void CodeIndex::moved(PyFunctionObject* function, PyCodeObject* code) noexcept {
    if (Entry* entry = entry_of(code_of(function))) remove(*entry, function);
    Entry* entry = entry_of(code);
    if (entry == nullptr) return;
    try {
        add(*entry, function);
    } catch (const std::bad_alloc&) {
        incomplete_ = true;
    }
}

void CodeIndex::hide(PyFunctionObject* function) {
    hidden_.insert(function);
    if (Entry* entry = entry_of(code_of(function))) remove(*entry, function);
}

void CodeIndex::start_recording() {
    recorded_.clear();
    recording_ = true;
    recording_thread_ = PyThread_get_thread_ident();
}

void CodeIndex::forget_since(std::size_t mark) {
    std::erase_if(recorded_, [=](const auto& each) { return each.second >= mark; });
}

std::vector<Ref> CodeIndex::stop_recording() {
    recording_ = false;
    std::vector<std::pair<std::size_t, PyFunctionObject*>> made;
    for (const auto& [function, number] : recorded_) made.emplace_back(number, function);
    recorded_.clear();
    std::sort(made.begin(), made.end());
    std::vector<Ref> alive;
    for (const auto& [number, function] : made) alive.push_back(Ref::borrow(reinterpret_cast<PyObject*>(function)));
    return alive;
}

}  // namespace rebottle
