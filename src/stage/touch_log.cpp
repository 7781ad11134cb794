#include "stage/touch_log.hpp"

#include <iterator>

namespace rebottle {
namespace {

constexpr Py_ssize_t large = 512;  // items

bool is_large(PyObject* container) {
    if (PyDict_Check(container)) return PyDict_GET_SIZE(container) > large;
    if (PyAnySet_Check(container)) return PySet_GET_SIZE(container) > large;
    return length_of(container) > large;
}

}  // namespace

Py_ssize_t length_of(PyObject* sequence) {
    return PyList_Check(sequence) ? PyList_GET_SIZE(sequence)
                                  : check(Py_TYPE(sequence)->tp_as_sequence->sq_length(sequence));
}

Ref TouchLog::before(PyObject* container) {
    if (large_.contains(container)) return {};
    Ref content = content_of(container);
    if (PyType_Check(container) || !is_large(container)) return content;
    large_.emplace(container, std::pair{Ref::borrow(container), std::move(content)});
    return {};
}

void TouchLog::changed(const Ref& container, const Ref& before) {
    if (!before) return;
    Ref after = content_of(container.get());
    ContentTouch* last = last_of(container.get());
    if (last != nullptr && same_items(last->after.get(), before.get(), PyDict_Check(container.get()))) {
        last->after = std::move(after);
        return;
    }
    add_content(container, before, std::move(after));
}

void TouchLog::grown(const Ref& sequence, Py_ssize_t size) {
    const Py_ssize_t now = length_of(sequence.get());
    if (now <= size || large_.contains(sequence.get())) return;
    if (last_of(sequence.get()) == nullptr) add_content(sequence, Ref::steal(PyList_New(0)), Ref::steal(PyList_New(0)));
    PyObject* after = last_of(sequence.get())->after.get();
    for (Py_ssize_t i = size; i < now; ++i)
        check(PyList_Append(after, Ref::steal(PySequence_GetItem(sequence.get(), i)).get()));
}

ContentTouch* TouchLog::last_of(PyObject* container) {
    const auto found = last_.find(container);
    return found == last_.end() ? nullptr : &std::get<ContentTouch>(touches_[found->second]);
}

void TouchLog::add_content(const Ref& container, Ref before, Ref after) {
    last_[container.get()] = touches_.size();
    touches_.push_back(ContentTouch{container, std::move(before), std::move(after)});
}

void TouchLog::settle_large() {
    for (auto& [container, content] : std::exchange(large_, {}))
        touches_.push_back(ContentTouch{content.first, content.second, content_of(container)});
}

std::size_t TouchLog::mark() {
    settle_large();
    last_.clear();
    return touches_.size();
}

Touches TouchLog::take_from(std::size_t mark) {
    settle_large();
    last_.clear();
    Touches taken(std::make_move_iterator(touches_.begin() + static_cast<std::ptrdiff_t>(mark)),
                  std::make_move_iterator(touches_.end()));
    touches_.resize(mark);
    return taken;
}

}  // namespace rebottle
