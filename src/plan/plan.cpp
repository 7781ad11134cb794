#include "plan/plan.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "code/tree.hpp"
#include "plan/reconstruct.hpp"
#include "plan/rules.hpp"

namespace rebottle {
namespace {

using Kind = Statement::Kind;

// Compares two versions of one scope and lists the edits.
class Comparison {
   public:
    Comparison(const ModulePlan& plan, Force force) : plan_(plan), dict_(namespace_of(plan.module.get())), force_(force) {}

    std::vector<Edit> scope(const std::vector<Located>& olds, const std::vector<Located>& news, const std::string& path) {
        std::vector<Statement> before;
        std::vector<Statement> after;
        for (const Located& each : olds) before.push_back(each.statement);
        for (const Located& each : news) after.push_back(each.statement);
        std::vector<Edit> edits;
        for (StatementPair& pair : pair_statements(before, after, plan_.flags)) {
            Edit edit;
            edit.old_root = root_of(olds, pair.old);
            edit.now_root = root_of(news, pair.now);
            edit.where = name_in(path, pair.now ? pair.now : pair.old);
            edit.old = std::move(pair.old);
            edit.now = std::move(pair.now);
            if (classify(edit, pair.same, path)) edits.push_back(std::move(edit));
        }
        return edits;
    }

   private:
    static Ref root_of(const std::vector<Located>& all, const Statement& statement) {
        for (const Located& each : all)
            if (each.statement.node.get() == statement.node.get()) return each.root;
        return {};
    }

    static std::string name_in(const std::string& path, const Statement& statement) {
        const std::string& name = !statement.name.empty() || statement.binds.empty() ? statement.name : statement.binds[0];
        return path.empty() || name.empty() ? path + name : path + "." + name;
    }

    // Sets the kind; false where nothing is to be done.
    bool classify(Edit& edit, bool same, const std::string&) {
        if (!edit.now) {
            edit.kind = Edit::Kind::gone;
            return !edit.old.binds.empty();
        }
        if (same) return classify_same(edit);
        const Kind kind = edit.now.kind;
        if (kind == Kind::constant) return false;
        if (edit.old && kind == edit.old.kind) {
            if (kind == Kind::function) return classify_function(edit);
            if (kind == Kind::class_) return classify_class(edit);
            if (kind == Kind::assignment && !is_node(edit.now.node.get(), "AugAssign")) {
                edit.kind = Edit::Kind::data;
                return true;
            }
            if ((kind == Kind::block || kind == Kind::guard) && edit.old_root && edit.now_root && same_blocks(edit)) {
                edit.kind = Edit::Kind::body;
                return true;
            }
        }
        edit.kind = Edit::Kind::run;
        if (kind == Kind::guard) edit.kind = Edit::Kind::body;
        return kind != Kind::guard || static_cast<bool>(edit.old);
    }

    // Equal but for positions: code objects follow where lines within them moved.
    bool classify_same(Edit& edit) {
        if (force_ == Force::classes && edit.now.kind == Kind::class_) return classify_class(edit);
        if (plan_.other_future && annotates(edit)) return true;
        edit.kind = force_ == Force::none ? Edit::Kind::lines : Edit::Kind::body;
        return edit.now.kind != Kind::assignment || mentioned_lambda(edit.now.node.get());
    }

    // Annotations mean something else under another `from __future__` line: they are evaluated again.
    bool annotates(Edit& edit) {
        if (edit.now.kind == Kind::class_) return classify_class(edit);
        if (edit.now.kind == Kind::function && has_annotations(edit.now.node.get())) {
            edit.kind = Edit::Kind::function;
        } else if (is_node(edit.now.node.get(), "AnnAssign")) {
            edit.kind = Edit::Kind::data;
        } else {
            return false;
        }
        return true;
    }

    static bool mentioned_lambda(PyObject* node) {
        bool found = is_node(node, "Lambda") || is_node(node, "GeneratorExp");
        for_children(node, [&](PyObject* child) { found = found || mentioned_lambda(child); });
        return found;
    }

    bool same_blocks(const Edit& edit) const {
        return node_type(edit.old.node.get()) == node_type(edit.now.node.get()) &&
               PyList_GET_SIZE(decorated(edit.old).get()) == 0 && same_shell_of(edit);
    }

    static Ref decorated(const Statement&) { return Ref::steal(PyList_New(0)); }

    // The chunk may hold more statements than this one; they are compared together.
    static bool same_shell_of(const Edit& edit) {
        return same_shell(as_code(edit.old_root.get()), as_code(edit.now_root.get()));
    }

    bool classify_function(Edit& edit) {
        const FunctionShell shell = compare_shells(edit.old.node.get(), edit.now.node.get());
        edit.kind = shell.evaluate() ? Edit::Kind::function : Edit::Kind::body;
        return true;
    }

    bool classify_class(Edit& edit) {
        const Ref live = live_class(dict_, edit.where);
        if (!live) {
            edit.kind = Edit::Kind::run;
            return true;
        }
        edit.members = compare_members(edit);
        const bool only_bodies = has_only_bodies(edit.members);
        const bool same_header = is_same_header(edit);
        if (force_ != Force::classes && same_header && ((only_bodies && (is_plain(live.get(), edit) || same_order(edit))) || (is_plain(live.get(), edit) && !slots_changed(edit)))) {
            edit.kind = Edit::Kind::members;
        } else {
            edit.kind = Edit::Kind::aside;
        }
        return true;
    }

    std::vector<Edit> compare_members(const Edit& edit) {
        return scope(members_of(edit.old, edit.old_root), members_of(edit.now, edit.now_root), edit.where);
    }

    static std::vector<Located> members_of(const Statement& statement, const Ref& root) {
        std::vector<Located> found;
        for (Statement& member : statements_of(attribute(statement.node.get(), "body").get(), statement.offset, true))
            found.push_back({std::move(member), root});
        return found;
    }

    static bool has_only_bodies(const std::vector<Edit>& edits) {
        return std::all_of(edits.begin(), edits.end(), [](const Edit& edit) {
            return edit.kind == Edit::Kind::body || edit.kind == Edit::Kind::lines ||
                   (edit.kind == Edit::Kind::members && has_only_bodies(edit.members));
        });
    }

    // Fields and members of an enumeration have an order.
    static bool same_order(const Edit& edit) {
        const auto order = [](const Statement& statement) {
            std::vector<std::string> names;
            for (const Statement& member : statements_of(attribute(statement.node.get(), "body").get(), 0, true))
                if (member.kind == Kind::assignment) names.insert(names.end(), member.binds.begin(), member.binds.end());
            return names;
        };
        return order(edit.old) == order(edit.now);
    }

    static bool is_same_header(const Edit& edit) {
        for (const char* field : {"bases", "keywords", "decorator_list", "type_params"})
            if (!same_field(edit.old.node.get(), edit.now.node.get(), field)) return false;
        return true;
    }

    static bool is_plain(PyObject* live, const Edit& edit) {
        static PyObject* const abc = attribute(import_module("abc").get(), "ABCMeta").release();
        if (PyList_GET_SIZE(attribute(edit.now.node.get(), "decorator_list").get()) > 0) return false;
        PyObject* dict = reinterpret_cast<PyTypeObject*>(live)->tp_dict;
        if (dict != nullptr && PyDict_GetItemString(dict, "_field_defaults") != nullptr) return false;  // a NamedTuple
        return Py_IS_TYPE(live, &PyType_Type) || Py_IS_TYPE(live, reinterpret_cast<PyTypeObject*>(abc));
    }

    static bool slots_changed(const Edit& edit) {
        return std::any_of(edit.members.begin(), edit.members.end(), [](const Edit& member) {
            return (member.now.binds_name("__slots__") || member.old.binds_name("__slots__")) &&
                   member.kind != Edit::Kind::lines;
        });
    }

    const ModulePlan& plan_;
    PyObject* dict_;
    Force force_;
};

// Parses and compiles the chunks of one version between two indices.
std::vector<Located> located(const Version& version, std::size_t first, std::size_t last, int flags) {
    std::vector<Located> found;
    for (std::size_t i = first; i < last; ++i) {
        const Chunk& chunk = version.split.chunks[i];
        const Ref tree = parse(std::string(chunk.in(version.text)), version.path, flags);
        const int offset = chunk.line - 1;
        const Ref root = compile(tree.get(), version.path, flags);
        shift_lines(as_code(root.get()), offset);
        for (Statement& statement : statements_of(attribute(tree.get(), "body").get(), offset, i == 0))
            found.push_back({std::move(statement), root});
    }
    return found;
}

// Chunks of equal text need no parsing: they are taken out of both sides, in order, and become moves.
struct Middle {
    std::vector<std::size_t> olds;
    std::vector<std::size_t> news;
};

Middle differing_chunks(const Version& old, const Version& now, const SplitChange& change, std::vector<LineMove>& moves) {
    Middle middle;
    std::map<std::string_view, std::deque<std::size_t>> waiting;
    const std::size_t old_end = old.split.chunks.size() - change.tail;
    const std::size_t now_end = now.split.chunks.size() - change.tail;
    for (std::size_t i = change.head; i < old_end; ++i) waiting[old.split.chunks[i].in(old.text)].push_back(i);
    const auto moved = [&](std::size_t from, std::size_t to) {
        const Chunk& chunk = old.split.chunks[from];
        const int by = now.split.chunks[to].line - chunk.line;
        const std::string_view text = chunk.in(old.text);
        const int last = chunk.line + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
        if (by != 0) moves.push_back({chunk.line, last, by});
    };
    for (std::size_t i = change.head; i < now_end; ++i) {
        const auto same = waiting.find(now.split.chunks[i].in(now.text));
        if (same != waiting.end() && !same->second.empty()) {
            moved(same->second.front(), i);
            same->second.pop_front();
        } else {
            middle.news.push_back(i);
        }
    }
    for (const auto& [text, rest] : waiting) middle.olds.insert(middle.olds.end(), rest.begin(), rest.end());
    std::sort(middle.olds.begin(), middle.olds.end());
    if (change.tail > 0) {
        const Chunk& first_old = old.split.chunks[old_end];
        const int by = now.split.chunks[now_end].line - first_old.line;
        if (by != 0) moves.push_back({first_old.line, 1 << 30, by});
    }
    return middle;
}

std::vector<Located> located(const Version& version, const std::vector<std::size_t>& chunks, int flags) {
    std::vector<Located> found;
    for (const std::size_t i : chunks)
        for (Located& each : located(version, i, i + 1, flags)) found.push_back(std::move(each));
    return found;
}

[[noreturn]] void throw_source_error(const std::string& name, const Version& version, const PythonError& error) {
    int line = 0;
    if (const Ref number = attribute_or_null(error.value(), "lineno"); number && PyLong_Check(number.get()))
        line = static_cast<int>(PyLong_AsLong(number.get()));
    const std::string type = Py_TYPE(error.value())->tp_name;
    throw SourceError(name, version.path, line, "its new source doesn't compile: " + type + ": " + to_text(error.value()),
                      Ref::borrow(error.value()));
}

// The parser is the judge of the whole where a part is wrong, or where the parts don't tell.
void check_whole(const std::string& name, const Version& version) {
    try {
        compile(to_str(version.text).get(), version.path, future_flags(version));
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw_source_error(name, version, error);
    }
}

// What only the whole can tell: the place of future lines and of `global`.
bool needs_whole_check(const Version& version, const std::vector<std::size_t>& chunks) {
    return std::any_of(chunks.begin(), chunks.end(), [&](std::size_t i) {
        const std::string_view text = version.split.chunks[i].in(version.text);
        return text.find("global ") != std::string_view::npos || text.find("__future__") != std::string_view::npos ||
               text.starts_with(" ") || text.starts_with("\t");
    });
}

// Future lines stay first: what stands before and between them is compiled with them.
void check_head(const std::string& name, const Version& version, const std::vector<std::size_t>& chunks) {
    const std::size_t place = version.text.rfind("from __future__");
    if (place == std::string::npos || chunks.empty() || version.split.chunks[chunks.front()].begin > place) return;
    const std::string head = version.text.substr(0, version.text.find('\n', place));
    try {
        compile(to_str(head).get(), version.path, 0);
    } catch (const PythonError&) {
        check_whole(name, version);
    }
}

std::vector<std::size_t> all_chunks(const Version& version) {
    std::vector<std::size_t> all(version.split.chunks.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

// The statements of a tree that a loader made, each compiled by itself.
std::vector<Located> located_in_tree(const Version& version, int flags) {
    static PyObject* const module_type = attribute(import_module("ast").get(), "Module").release();
    std::vector<Located> found;
    for (Statement& statement : statements_of(attribute(version.tree.get(), "body").get(), 0, true)) {
        const Ref alone = Ref::steal(PyList_New(0));
        check(PyList_Append(alone.get(), statement.node.get()));
        const Ref root = compile(call(module_type, {alone.get(), Ref::steal(PyList_New(0)).get()}).get(), version.path, flags);
        found.push_back({std::move(statement), root});
    }
    return found;
}

std::vector<Located> parsed(const std::string& name, const Version& version, const std::vector<std::size_t>& chunks, int flags) {
    try {
        return version.form == Version::Form::tree ? located_in_tree(version, flags) : located(version, chunks, flags);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        if (version.form == Version::Form::text) check_whole(name, version);
        throw_source_error(name, version, error);
    }
}

// There are no statements to run: only functions may differ.
void compare_bytecode(ModulePlan& plan, const Version& now) {
    const Version& before = plan.record->version;
    const Ref old = before.code || before.form == Version::Form::unknown ? before.code : compile(to_str(before.text).get(), before.path, future_flags(before));
    if (old && same_code(as_code(old.get()), as_code(now.code.get())) && same_lines(as_code(old.get()), as_code(now.code.get()))) return;
    if (!old || !same_statements(as_code(old.get()), as_code(now.code.get()))) {
        plan.refusals.push_back(refusal("bytecode-statement", plan.name, "", now.path));
        return;
    }
    const Ref pass = parse("pass", now.path, 0);
    const std::vector<Statement> whole = statements_of(attribute(pass.get(), "body").get(), 0, false);
    Edit edit;
    edit.kind = Edit::Kind::body;
    edit.old = edit.now = whole.front();
    edit.now.kind = edit.old.kind = Kind::block;
    edit.old_root = old;
    edit.now_root = now.code;
    plan.edits.push_back(std::move(edit));
}

void compare_statements(ModulePlan& plan, Version& now, Force force) {
    const Version& before = plan.record->version;
    const int old_flags = future_flags(before);
    const bool trees = before.form == Version::Form::tree || now.form == Version::Form::tree;
    plan.other_future = old_flags != plan.flags;
    const bool recompiled = plan.other_future || before.path != now.path;
    const bool everything = force != Force::none || recompiled || trees;
    if (!everything && before.text == now.text) return;
    Middle middle{all_chunks(before), all_chunks(now)};
    if (!everything) {
        SplitChange change = split_again(before.text, before.split, now.text);
        now.split = std::move(change.now);
        middle = differing_chunks(before, now, change, plan.moves);
    }
    if (!now.split.complete || needs_whole_check(now, middle.news)) check_whole(plan.name, now);
    check_head(plan.name, now, middle.news);
    const std::vector<Located> olds = parsed(plan.name, before, middle.olds, old_flags);
    const std::vector<Located> news = parsed(plan.name, now, middle.news, plan.flags);
    if (force == Force::none && recompiled) force = Force::functions;
    try {
        plan.edits = Comparison(plan, force).scope(olds, news, "");
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw_source_error(plan.name, now, error);
    }
}

}  // namespace

Ref live_value(PyObject* module_dict, const std::string& path) {
    Ref dict = Ref::borrow(module_dict);
    std::size_t from = 0;
    for (;;) {
        const std::size_t dot = path.find('.', from);
        PyObject* value = dict_get(dict.get(), path.substr(from, dot == std::string::npos ? dot : dot - from));
        if (value == nullptr) return {};
        if (dot == std::string::npos) return Ref::borrow(value);
        if (!PyType_Check(value)) return {};
        dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value)));
        from = dot + 1;
    }
}

Ref live_class(PyObject* module_dict, const std::string& path) {
    Ref value = live_value(module_dict, path);
    if (!value || !PyType_Check(value.get())) return {};
    if ((reinterpret_cast<PyTypeObject*>(value.get())->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return {};
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value.get())));
    PyObject* module = dict_get(dict.get(), "__module__");
    PyObject* name = dict_get(module_dict, "__name__");
    const Ref qualified = Ref::steal(PyType_GetQualName(reinterpret_cast<PyTypeObject*>(value.get())));
    const bool same_module =
        module != nullptr && name != nullptr && PyUnicode_Check(module) && PyUnicode_Compare(module, name) == 0;
    return same_module && to_text(qualified.get()) == path ? value : Ref();
}

ModulePlan compare(ModuleRecord& record, Version now, const Request& request) {
    ModulePlan result;
    result.name = record.name;
    result.module = loaded_module(record.name);
    result.record = &record;
    result.flags = future_flags(now);
    if (!now.has_statements()) {
        compare_bytecode(result, now);
    } else if (!record.version.has_statements()) {
        const std::vector<Located> news = parsed(record.name, now, all_chunks(now), result.flags);
        check_whole(record.name, now);
        const std::vector<Located> olds = reconstruct(record.version, namespace_of(result.module.get()), news, result.flags);
        result.edits = Comparison(result, request.force).scope(olds, news, "");
    } else {
        compare_statements(result, now, request.force);
    }
    if (result.changed() || record.version.path != now.path)
        result.import_names = changed_import_names(record.name, result.module.get(), now.spec.get());
    result.now = std::move(now);
    return result;
}

}  // namespace rebottle
