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

std::set<PyObject*> globals_of_frames() {
    std::set<PyObject*> found;
    compat::for_running_frames([&](const compat::LiveFrame& frame) { found.insert(frame.globals); });
    for_all_objects([&](PyObject* object) {
        compat::LiveFrame frame{};
        if (is_generator(object)) {
            if (compat::suspended_frame(object, frame)) found.insert(frame.globals);
        } else if (PyFrame_Check(object)) {
            found.insert(Ref::steal(PyFrame_GetGlobals(reinterpret_cast<PyFrameObject*>(object))).get());
        }
    });
    return found;
}

}  // namespace

void retire_globals(std::vector<Ref> namespaces) {
    if (namespaces.empty()) return;
    std::vector<Ref>& all = retired();
    for (Ref& each : namespaces) all.push_back(std::move(each));
    if (all.size() < few) return;
    const std::set<PyObject*> read = globals_of_frames();
    const auto unread =
        std::partition(all.begin(), all.end(), [&](const Ref& each) { return read.contains(each.get()); });
    const std::vector<Ref> dropped(std::make_move_iterator(unread), std::make_move_iterator(all.end()));
    all.erase(unread, all.end());
}

}  // namespace rebottle
