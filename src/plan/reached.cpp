// Modules that are still being executed: statements that they haven't come to aren't run by an update.
#include <algorithm>

#include "code/tree.hpp"
#include "compat/compat.hpp"
#include "plan/plan.hpp"

namespace rebottle {
namespace {

// Where the code of a module is, in some thread.
struct Position {
    int line = 0;  // 0: it isn't being executed
    Ref code;
};

Position position_of(PyObject* names, const std::string& file) {
    Position found;
    compat::for_running_frames([&](const compat::LiveFrame& frame) {
        const bool is_module = !is_function_code(frame.code) && view(frame.code->co_name) == "<module>";
        if (found.line == 0 && is_module && frame.globals == names && view(frame.code->co_filename) == file)
            found = {frame.line, Ref::borrow(as_object(frame.code))};
    });
    return found;
}

// The last chunk that begins at or before a line; -1 where there is none.
std::ptrdiff_t chunk_at(const Split& split, int line) {
    const auto after = std::upper_bound(split.chunks.begin(), split.chunks.end(), line,
                                        [](int at, const Chunk& chunk) { return at < chunk.line; });
    return after - split.chunks.begin() - 1;
}

const Edit* edit_of(const ModulePlan& plan, int line) {
    for (const Edit& edit : plan.edits)
        if (edit.old && edit.now && edit.old.line <= line && line <= last_line(edit.old.node.get()) + edit.old.offset)
            return &edit;
    return nullptr;
}

// The chunk of the new version that the one of the former version became; -1 where there is none.
std::ptrdiff_t successor(const ModulePlan& plan, const Chunk& chunk) {
    const Version& old = plan.record->version;
    if (const Edit* edit = edit_of(plan, chunk.line)) return chunk_at(plan.now.split, edit->now.line);
    int line = chunk.line;
    for (const LineMove& move : plan.moves)
        if (line >= move.first && line <= move.last) {
            line += move.by;
            break;
        }
    const std::ptrdiff_t now = chunk_at(plan.now.split, line);
    if (now < 0) return -1;
    const Chunk& found = plan.now.split.chunks[static_cast<std::size_t>(now)];
    return found.line == line && found.in(plan.now.text) == chunk.in(old.text) ? now : -1;
}

bool runs(const Edit& edit) {
    return edit.kind != Edit::Kind::lines && edit.kind != Edit::Kind::body && edit.kind != Edit::Kind::gone;
}

// Where a module that is being executed stands, in both versions.
struct Reached {
    int line = 0;               // of the former version
    std::ptrdiff_t chunk = -1;  // being executed, of the former version
    std::ptrdiff_t now = -1;    // the last one of the new version that it came to

    bool has(const ModulePlan& plan, const Edit& edit) const {
        if (!edit.now) return edit.old.line <= line;
        return now >= 0 && edit.now.line <= plan.now.split.chunks[static_cast<std::size_t>(now)].line;
    }
    bool is_in(const Edit& edit) const {
        return edit.old && edit.old.line <= line && line <= last_line(edit.old.node.get()) + edit.old.offset;
    }
};

Reached reached_by(const ModulePlan& plan, int line) {
    const Split& split = plan.record->version.split;
    Reached reached{line, chunk_at(split, line), -1};
    for (std::ptrdiff_t i = reached.chunk; i >= 0 && reached.now < 0; --i)
        reached.now = successor(plan, split.chunks[static_cast<std::size_t>(i)]);
    return reached;
}

// The code of the module itself moves, so that its frame tells the lines of what is recorded; of what is nested in it
// that which isn't made yet goes along.
void move_rest(ModulePlan& plan, PyCodeObject* code, int from, int by) {
    if (by == 0) return;
    plan.unreached.lines.emplace_back(Ref::borrow(as_object(code)), by);
    for_nested(code, [&](PyCodeObject* nested) {
        if (nested->co_firstlineno < from) plan.unreached.lines.emplace_back(Ref::borrow(as_object(nested)), -by);
    });
}

// What the module will consist of: the new version as far as it came, then the former one.
void record(ModulePlan& plan, const Reached& reached, PyCodeObject* code) {
    const Version& old = plan.record->version;
    if (old.form != Version::Form::text || plan.now.form != Version::Form::text) return;
    const auto next = static_cast<std::size_t>(reached.chunk + 1);
    std::string text = reached.now < 0
                           ? ""
                           : plan.now.text.substr(0, plan.now.split.chunks[static_cast<std::size_t>(reached.now)].end);
    if (!text.empty()) text += '\n';
    if (next < old.split.chunks.size()) {
        const Chunk& first = old.split.chunks[next];
        move_rest(plan, code, first.line,
                  static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1 - first.line);
        text += old.text.substr(first.begin);
    }
    if (text == plan.now.text) return;
    plan.unreached.recorded = version_of_text(std::move(text), plan.now.path);
    plan.unreached.recorded->spec = plan.now.spec;
    plan.unreached.recorded->handed = plan.now.handed;
}

}  // namespace

void leave_out_unreached(ModulePlan& plan) {
    if (plan.edits.empty()) return;
    PyObject* names = namespace_of(plan.module.get());
    const Position position = position_of(names, plan.record->version.path);
    if (position.line == 0) return;
    const Reached reached = reached_by(plan, position.line);
    record(plan, reached, as_code(position.code.get()));
    std::erase_if(plan.edits, [&](const Edit& edit) {
        const bool executing = runs(edit) && reached.is_in(edit);
        const bool made = edit.kind == Edit::Kind::body && (edit.where.empty() || live_value(names, edit.where));
        if (edit.kind == Edit::Kind::lines || (!executing && (made || reached.has(plan, edit)))) return false;
        if (!edit.now) return true;
        const std::string where = plan.name + (edit.where.empty() ? "" : "." + edit.where);
        const char* why = executing ? "the module is executing its former version, it isn't run"
                                    : "the module is still being executed and hasn't come to it, it isn't run";
        plan.kept.push_back({where, why, plan.now.path, edit.now.line});
        return true;
    });
}

}  // namespace rebottle
