// Two versions of one module: what of their texts differs, compiled and compared.
#include <algorithm>
#include <map>
#include <numeric>

#include "code/import_names.hpp"
#include "code/tree.hpp"
#include "plan/plan.hpp"
#include "plan/reconstruct.hpp"
#include "plan/rules.hpp"
#include "plan/uncovered.hpp"

namespace rebottle {
namespace {

using Kind = Statement::Kind;

// Parses and compiles the chunks of one version between two indices.
std::vector<Located> located(const Version& version, std::size_t first, std::size_t last, int flags) {
    std::vector<Located> found;
    for (std::size_t i = first; i < last; ++i) {
        const Chunk& chunk = version.split.chunks[i];
        std::string text(chunk.in(version.text));
        int offset = chunk.line - 1;
        if (text.find("class ") != std::string::npos) {
            // A class knows its line, as a constant of its code, which can't be shifted: it is right from the start.
            text.insert(0, static_cast<std::size_t>(offset), '\n');
            offset = 0;
        }
        const Ref tree = parse(text, version.path, flags);
        const Ref root = compile(with_imports(tree.get(), version, flags).get(), version.path, flags);
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

// Whether a chunk may be the docstring: the same text anywhere else is none.
bool may_be_docstring(const Version& version, std::size_t index) {
    if (index != 0) return false;
    const std::string_view text = version.split.chunks[0].in(version.text);
    const std::size_t begin = text.find_first_not_of("rRuU(");
    return begin != std::string_view::npos && (text[begin] == '"' || text[begin] == '\'');
}

Middle differing_chunks(const Version& old, const Version& now, const SplitChange& change,
                        std::vector<LineMove>& moves) {
    using Key = std::pair<bool, std::string_view>;
    const auto key = [](const Version& version, std::size_t index) {
        return Key(may_be_docstring(version, index), version.split.chunks[index].in(version.text));
    };
    Middle middle;
    std::map<Key, std::vector<std::size_t>> waiting;
    std::size_t tail = change.tail;
    std::size_t old_end = old.split.chunks.size() - tail;
    std::size_t now_end = now.split.chunks.size() - tail;
    if (tail > 0 && key(old, old_end) != key(now, now_end)) {
        --tail;
        ++old_end;
        ++now_end;
    }
    for (std::size_t i = change.head; i < old_end; ++i) waiting[key(old, i)].push_back(i);
    const auto moved = [&](std::size_t from, std::size_t to) {
        const Chunk& chunk = old.split.chunks[from];
        const int by = now.split.chunks[to].line - chunk.line;
        const std::string_view text = chunk.in(old.text);
        const int last = chunk.line + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
        if (by != 0) moves.push_back({chunk.line, last, by});
    };
    // Of equal copies the last ones are paired: it is the last that a name is bound to.
    for (std::size_t i = now_end; i-- > change.head;) {
        const auto same = waiting.find(key(now, i));
        if (same != waiting.end() && !same->second.empty()) {
            moved(same->second.back(), i);
            same->second.pop_back();
        } else {
            middle.news.push_back(i);
        }
    }
    std::reverse(middle.news.begin(), middle.news.end());
    for (const auto& [chunk, rest] : waiting) middle.olds.insert(middle.olds.end(), rest.begin(), rest.end());
    std::sort(middle.olds.begin(), middle.olds.end());
    if (tail > 0) {
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
    throw SourceError(name, version.path, "its new source doesn't compile", error);
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
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw_source_error(name, version, error);
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
        const Ref part = call(module_type, {alone.get(), Ref::steal(PyList_New(0)).get()});
        const Ref root = compile(with_imports(part.get(), version, flags).get(), version.path, flags);
        found.push_back({std::move(statement), root});
    }
    return found;
}

std::vector<Located> parsed(const std::string& name, const Version& version, const std::vector<std::size_t>& chunks,
                            int flags) {
    try {
        return version.form == Version::Form::tree ? located_in_tree(version, flags) : located(version, chunks, flags);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        if (version.form == Version::Form::text) check_whole(name, version);
        throw_source_error(name, version, error);
    }
}

std::vector<Statement> statements_in(const std::vector<Located>& all) {
    std::vector<Statement> found;
    for (const Located& each : all) found.push_back(each.statement);
    return found;
}

// Adds the chunks that come to light to those that differ; false where there are none.
bool add_uncovered(ModulePlan& plan, const Version& now, const std::vector<Located>& olds,
                   const std::vector<Located>& news, Middle& middle) {
    const Version& before = plan.record->version;
    const Uncovered found = uncovered(before, now, statements_in(olds), statements_in(news), middle.olds);
    for (const std::size_t i : found.olds)
        std::erase_if(plan.moves, [&](const LineMove& move) { return move.first == before.split.chunks[i].line; });
    middle.olds.insert(middle.olds.end(), found.olds.begin(), found.olds.end());
    middle.news.insert(middle.news.end(), found.news.begin(), found.news.end());
    std::sort(middle.olds.begin(), middle.olds.end());
    std::sort(middle.news.begin(), middle.news.end());
    return !found.news.empty();
}

// There are no statements to run: only functions may differ.
void compare_bytecode(ModulePlan& plan, const Version& now) {
    const Version& before = plan.record->version;
    const Ref old = before.code || before.form == Version::Form::unknown
                        ? before.code
                        : compile(to_str(before.text).get(), before.path, future_flags(before));
    if (old && same_code(as_code(old.get()), as_code(now.code.get())) &&
        same_lines(as_code(old.get()), as_code(now.code.get())))
        return;
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
    edit.whole = true;
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
    if (plan.flags != 0) check_head(plan.name, now, middle.news);
    std::vector<Located> olds = parsed(plan.name, before, middle.olds, old_flags);
    std::vector<Located> news = parsed(plan.name, now, middle.news, plan.flags);
    if (!everything && add_uncovered(plan, now, olds, news, middle)) {
        olds = parsed(plan.name, before, middle.olds, old_flags);
        news = parsed(plan.name, now, middle.news, plan.flags);
    }
    if (force == Force::none && recompiled) force = Force::functions;
    try {
        plan.edits = compare_scopes(plan, olds, news, force);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw_source_error(plan.name, now, error);
    }
}

}  // namespace

std::vector<Located> class_statements(const Version& version, const std::string& name) {
    std::vector<std::size_t> chunks = all_chunks(version);
    if (version.form == Version::Form::text)
        std::erase_if(chunks, [&](std::size_t i) {
            return version.split.chunks[i].in(version.text).find("class " + name) == std::string_view::npos;
        });
    std::vector<Located> found = parsed(name, version, chunks, future_flags(version));
    std::erase_if(found, [&](const Located& each) {
        return each.statement.kind != Statement::Kind::class_ || each.statement.name != name;
    });
    return found;
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
        const std::vector<Located> olds =
            reconstruct(record.version, namespace_of(result.module.get()), news, result.flags);
        result.edits = compare_scopes(result, olds, news, request.force);
    } else {
        compare_statements(result, now, request.force);
    }
    if (result.changed() || record.version.path != now.path)
        result.import_names = changed_import_names(record.name, result.module.get(), now.spec.get());
    result.now = std::move(now);
    return result;
}

}  // namespace rebottle
