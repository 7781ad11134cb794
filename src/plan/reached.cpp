// Modules that are still being executed: statements that they haven't come to aren't run by an update.
#include <algorithm>

#include "code/tree.hpp"
#include "plan/plan.hpp"

namespace rebottle {
namespace {

// The line that the code of a module executes in some thread, or 0.
int line_of_module(PyObject* names, const std::string& file) {
    const Ref frames = call_method(import_module("sys").get(), "_current_frames");
    int line = 0;
    for_items(frames.get(), [&](PyObject*, PyObject* top) {
        Ref frame = Ref::borrow(top);
        while (line == 0 && frame.get() != Py_None) {
            auto* at = frame.as<PyFrameObject>();
            const Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(at)));
            if (!is_function_code(as_code(code.get())) && view(as_code(code.get())->co_name) == "<module>" &&
                to_text(as_code(code.get())->co_filename) == file && Ref::steal(PyFrame_GetGlobals(at)).get() == names)
                line = PyFrame_GetLineNumber(at);
            PyObject* const back = reinterpret_cast<PyObject*>(PyFrame_GetBack(at));
            frame = back != nullptr ? Ref::steal(back) : Ref::borrow(Py_None);
        }
    });
    return line;
}

// Where a line of the former version stands in the new one.
int moved_line(const ModulePlan& plan, int line) {
    for (const LineMove& move : plan.moves)
        if (line >= move.first && line <= move.last) return line + move.by;
    for (const Edit& edit : plan.edits)
        if (edit.old && edit.now && edit.old.line <= line && line <= last_line(edit.old.node.get()) + edit.old.offset)
            return edit.now.line;
    return line;
}

bool runs(const Edit& edit) {
    return edit.kind != Edit::Kind::lines && edit.kind != Edit::Kind::body && edit.kind != Edit::Kind::gone;
}

}  // namespace

void leave_out_unreached(ModulePlan& plan) {
    if (std::none_of(plan.edits.begin(), plan.edits.end(), runs)) return;
    const int reached = line_of_module(namespace_of(plan.module.get()), plan.record->version.path);
    if (reached == 0) return;
    const int line = moved_line(plan, reached);
    std::erase_if(plan.edits, [&](const Edit& edit) {
        if (!runs(edit) || edit.now.line <= line) return false;
        const std::string where = plan.name + (edit.where.empty() ? "" : "." + edit.where);
        plan.kept.push_back({where, "the module is still being executed and hasn't come to it, it isn't run",
                             plan.now.path, edit.now.line});
        return true;
    });
}

}  // namespace rebottle
