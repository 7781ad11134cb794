#include "commit/events.hpp"

namespace rebottle {
namespace {

// Numbers of the tools in use; the engine's own is none of them.
std::vector<Ref> tools_in_use(PyObject* monitoring) {
    constexpr long tools = 6;
    std::vector<Ref> found;
    for (long tool = 0; tool < tools; ++tool) {
        Ref number = to_int(tool);
        const Ref name = call_method(monitoring, "get_tool", {number.get()});
        if (PyUnicode_Check(name.get()) && view(name.get()) != "rebottle") found.push_back(std::move(number));
    }
    return found;
}

}  // namespace

void carry_events(const CodeMap& replaced_code) {
    if (replaced_code.empty()) return;
    const Ref monitoring = attribute(import_module("sys").get(), "monitoring");
    for (const Ref& tool : tools_in_use(monitoring.get()))
        for (const auto& [old_code, now_code] : replaced_code) {
            const Ref events = call_method(monitoring.get(), "get_local_events", {tool.get(), old_code.get()});
            if (PyLong_AsLong(events.get()) != 0)
                call_method(monitoring.get(), "set_local_events", {tool.get(), now_code.get(), events.get()});
        }
}

}  // namespace rebottle
