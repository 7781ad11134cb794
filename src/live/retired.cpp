#include "live/retired.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "compat/compat.hpp"
#include "live/stale.hpp"

namespace rebottle {
namespace {

constexpr std::size_t few = 16;  // that many are kept without a look at who reads them

std::vector<Ref>& retired() {
    static auto* all = new std::vector<Ref>;  // never destroyed: it holds Python objects
    return *all;
}

}  // namespace

std::set<PyObject*> namespaces_of_frames() {
    std::set<PyObject*> found;
    const auto add = [&](const compat::LiveFrame& frame) {
        found.insert(frame.globals);
        found.insert(compat::builtins_of(frame));
    };
    compat::for_running_frames(add);
    for_all_objects([&](PyObject* object) {
        compat::LiveFrame frame{};
        if (is_generator(object)) {
            if (compat::suspended_frame(object, frame)) add(frame);
        } else if (PyFrame_Check(object)) {
            auto* ended = reinterpret_cast<PyFrameObject*>(object);
            found.insert(Ref::steal(PyFrame_GetGlobals(ended)).get());
            found.insert(Ref::steal(PyFrame_GetBuiltins(ended)).get());
        }
    });
    return found;
}

void retire_namespaces(std::vector<Ref> namespaces) {
    for (Ref& each : namespaces) retired().push_back(std::move(each));
}

void release_retired() {
    std::vector<Ref>& all = retired();
    if (all.size() < few) return;
    const std::set<PyObject*> read = namespaces_of_frames();
    const auto unread =
        std::partition(all.begin(), all.end(), [&](const Ref& each) { return read.contains(each.get()); });
    const std::vector<Ref> dropped(std::make_move_iterator(unread), std::make_move_iterator(all.end()));
    all.erase(unread, all.end());
}

}  // namespace rebottle
