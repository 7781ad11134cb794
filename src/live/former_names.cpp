#include "live/former_names.hpp"

#include <algorithm>

#include "compat/compat.hpp"
#include "live/retired.hpp"
#include "live/stale.hpp"

namespace rebottle {
namespace {

bool mentions(PyCodeObject* code, PyObject* name) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i) {
        PyObject* each = PyTuple_GET_ITEM(code->co_names, i);
        if (each == name || PyUnicode_Compare(each, name) == 0) return true;
    }
    return false;
}

bool in_generators(const std::vector<GoneName>& gone, const CodeMap& replaced) {
    std::set<PyObject*> candidates = remembered_code();
    for (const auto& [code, now] : replaced) candidates.insert(code.get());
    return std::any_of(candidates.begin(), candidates.end(), [&](PyObject* object) {
        PyCodeObject* code = as_code(object);
        return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0 &&
               std::any_of(gone.begin(), gone.end(), [&](const GoneName& each) { return mentions(code, each.key); });
    });
}

}  // namespace

void keep_names(const std::vector<GoneName>& gone, const CodeMap& replaced) {
    if (gone.empty()) return;
    std::vector<Ref> made;
    const auto keep = [&](const compat::LiveFrame& frame) {
        Ref builtins;
        for (const GoneName& each : gone) {
            if (each.names != frame.globals || !mentions(frame.code, each.key)) continue;
            if (!builtins) builtins = Ref::steal(PyDict_Copy(compat::builtins_of(frame)));
            dict_set(builtins.get(), each.key, each.value);
        }
        if (!builtins) return;
        compat::set_builtins(frame, builtins.get());
        made.push_back(std::move(builtins));
    };
    compat::for_running_frames(keep);
    if (in_generators(gone, replaced))
        for (PyObject* generator : all_generators()) {
            compat::LiveFrame frame{};
            if (compat::suspended_frame(generator, frame)) keep(frame);
        }
    retire_namespaces(std::move(made));
}

}  // namespace rebottle
