#include "code/code.hpp"

#include <algorithm>
#include <map>

#include "compat/compat.hpp"
#include "compat/memory.hpp"

namespace rebottle {
namespace {

// The compiler may crash where it finds no memory (it doesn't look at the result of all of its allocations).
std::size_t memory_for(PyObject* tree_or_text) {
    constexpr std::size_t bytes_per_character = 64;
    constexpr std::size_t enough = std::size_t{1} << 28;
    const std::size_t size = PyUnicode_Check(tree_or_text) ? PyUnicode_GET_LENGTH(tree_or_text) : 0;
    return std::clamp(size * bytes_per_character, compat::MemoryReserve::usual, enough);
}

Ref compile_as(PyObject* tree_or_text, const std::string& filename, int flags, const char* mode) {
    static PyObject* const builtin = attribute(import_module("builtins").get(), "compile").release();
    const Ref name = to_str(filename);
    const Ref how = to_str(mode);
    const Ref future = to_int(flags);
    const compat::MemoryReserve reserve(memory_for(tree_or_text));
    const compat::SureMemory sure;
    return call(builtin, {tree_or_text, name.get(), how.get(), future.get(), Py_True});
}

bool same_strings(PyObject* a, PyObject* b) { return check(PyObject_RichCompareBool(a, b, Py_EQ)) == 1; }

bool same_constant(PyObject* a, PyObject* b, bool shell);

// `position` is the index of a constant that says where the code stands; -1 where there is none.
bool same_tuple(PyObject* a, PyObject* b, bool shell, Py_ssize_t position = -1) {
    if (PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); ++i)
        if (i != position && !same_constant(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i), shell)) return false;
    return true;
}

bool same(PyCodeObject* a, PyCodeObject* b, bool shell) {
    if (a == b) return true;
    if (!same_strings(a->co_name, b->co_name) || !same_strings(a->co_qualname, b->co_qualname)) return false;
    if (!same_parameters(a, b) || a->co_flags != b->co_flags) return false;
    if (!same_strings(a->co_names, b->co_names) || !same_strings(a->co_localsplusnames, b->co_localsplusnames) ||
        !same_strings(a->co_localspluskinds, b->co_localspluskinds) ||
        !same_strings(a->co_exceptiontable, b->co_exceptiontable))
        return false;
    const Ref x = Ref::steal(PyCode_GetCode(a));
    const Ref y = Ref::steal(PyCode_GetCode(b));
    const Py_ssize_t line = is_function_code(a) ? -1 : compat::stored_constant(a, "__firstlineno__");
    return same_strings(x.get(), y.get()) && same_tuple(a->co_consts, b->co_consts, shell, line);
}

bool same_constant(PyObject* a, PyObject* b, bool shell) {
    if (a == b) return true;
    if (!Py_IS_TYPE(a, Py_TYPE(b))) return false;
    if (PyCode_Check(a)) {
        PyCodeObject* x = as_code(a);
        PyCodeObject* y = as_code(b);
        if (shell && is_function_code(x) && is_function_code(y))
            return same_strings(x->co_qualname, y->co_qualname) && same_parameters(x, y);
        return same(x, y, shell);
    }
    if (PyTuple_Check(a)) return same_tuple(a, b, shell);
    if (PyUnicode_Check(a) || PyBytes_Check(a) || PyLong_Check(a)) return same_strings(a, b);
    return to_text(Ref::steal(PyObject_Repr(a)).get()) == to_text(Ref::steal(PyObject_Repr(b)).get());
}

// Takes equal pairs out of both lists.
void pair_equal(std::vector<PyCodeObject*>& olds, std::vector<PyCodeObject*>& news, CodePairs& pairs) {
    for (auto old = olds.begin(); old != olds.end();) {
        const auto now =
            std::find_if(news.begin(), news.end(), [&](PyCodeObject* code) { return same_code(*old, code); });
        if (now == news.end()) {
            ++old;
            continue;
        }
        pairs.emplace_back(*old, *now);
        news.erase(now);
        old = olds.erase(old);
    }
}

void pair_group(std::vector<PyCodeObject*> olds, std::vector<PyCodeObject*> news, CodePairs& pairs,
                std::vector<PyCodeObject*>& unmatched) {
    CodePairs found;
    pair_equal(olds, news, found);
    while (!olds.empty() && !news.empty()) {
        found.emplace_back(olds.back(), news.back());
        olds.pop_back();
        news.pop_back();
    }
    unmatched.insert(unmatched.end(), olds.begin(), olds.end());
    for (const auto& [old, now] : found) {
        if (is_function_code(old) && is_function_code(now)) pairs.emplace_back(old, now);
        pair_nested(old, now, pairs, unmatched);
    }
}

// A class body stores its line (3.13). A constant that the body's own text uses as well can't be changed.
void shift_line_constant(PyCodeObject* body, int lines) {
    const Py_ssize_t index = compat::stored_constant(body, "__firstlineno__");
    if (index < 0 || Py_REFCNT(body->co_consts) > 1 || !compat::is_loaded_once(body, index)) return;
    PyObject** place = &PyTuple_GET_ITEM(body->co_consts, index);
    if (!PyLong_Check(*place)) return;
    Py_SETREF(*place, to_int(PyLong_AsLong(*place) + lines).release());
}

}  // namespace

bool same_parameters(PyCodeObject* a, PyCodeObject* b) {
    const int arguments = a->co_argcount + a->co_kwonlyargcount + ((a->co_flags & CO_VARARGS) != 0 ? 1 : 0) +
                          ((a->co_flags & CO_VARKEYWORDS) != 0 ? 1 : 0);
    const int kinds = CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    if (a->co_argcount != b->co_argcount || a->co_posonlyargcount != b->co_posonlyargcount ||
        a->co_kwonlyargcount != b->co_kwonlyargcount || (a->co_flags & kinds) != (b->co_flags & kinds))
        return false;
    for (Py_ssize_t i = 0; i < arguments; ++i)
        if (!same_strings(PyTuple_GET_ITEM(a->co_localsplusnames, i), PyTuple_GET_ITEM(b->co_localsplusnames, i)))
            return false;
    return true;
}

Ref compile(PyObject* tree_or_text, const std::string& filename, int flags) {
    return compile_as(tree_or_text, filename, flags, "exec");
}

Ref compile_expression(PyObject* tree, const std::string& filename, int flags) {
    return compile_as(tree, filename, flags, "eval");
}

void for_nested(PyCodeObject* code, const std::function<void(PyCodeObject*)>& body) {
    for_sequence(code->co_consts, [&](PyObject* constant) {
        if (PyCode_Check(constant)) body(as_code(constant));
    });
}

void for_all_code(PyCodeObject* code, const std::function<void(PyCodeObject*)>& body) {
    body(code);
    for_nested(code, [&](PyCodeObject* nested) { for_all_code(nested, body); });
}

void shift_lines(PyCodeObject* code, int lines) {
    for_all_code(code, [lines](PyCodeObject* each) {
        each->co_firstlineno += lines;
        if (!is_function_code(each)) shift_line_constant(each, lines);
    });
}

std::string_view qualname(PyCodeObject* code) { return view(code->co_qualname); }

bool is_function_code(PyCodeObject* code) { return (code->co_flags & CO_OPTIMIZED) != 0; }

bool same_code(PyCodeObject* a, PyCodeObject* b) { return same(a, b, false); }
bool same_shell(PyCodeObject* a, PyCodeObject* b) { return same(a, b, true); }

bool same_lines(PyCodeObject* a, PyCodeObject* b) {
    if (!same_strings(a->co_linetable, b->co_linetable)) return false;
    std::vector<PyCodeObject*> olds;
    std::vector<PyCodeObject*> news;
    for_nested(a, [&](PyCodeObject* code) { olds.push_back(code); });
    for_nested(b, [&](PyCodeObject* code) { news.push_back(code); });
    for (std::size_t i = 0; i < olds.size(); ++i)
        if (olds[i]->co_firstlineno - a->co_firstlineno != news[i]->co_firstlineno - b->co_firstlineno ||
            !same_lines(olds[i], news[i]))
            return false;
    return true;
}

void pair_nested(PyCodeObject* old, PyCodeObject* now, CodePairs& pairs, std::vector<PyCodeObject*>& unmatched) {
    std::vector<PyCodeObject*> olds;
    std::vector<PyCodeObject*> news;
    for_nested(old, [&](PyCodeObject* code) { olds.push_back(code); });
    for_nested(now, [&](PyCodeObject* code) { news.push_back(code); });
    pair_codes(olds, news, pairs, unmatched);
}

void pair_codes(const std::vector<PyCodeObject*>& olds, const std::vector<PyCodeObject*>& news, CodePairs& pairs,
                std::vector<PyCodeObject*>& unmatched) {
    std::map<std::string_view, std::pair<std::vector<PyCodeObject*>, std::vector<PyCodeObject*>>> groups;
    for (PyCodeObject* code : olds) groups[qualname(code)].first.push_back(code);
    for (PyCodeObject* code : news) groups[qualname(code)].second.push_back(code);
    for (auto& [name, group] : groups) pair_group(std::move(group.first), std::move(group.second), pairs, unmatched);
}

std::vector<PyCodeObject*> codes_within(PyCodeObject* root, int first, int last) {
    std::vector<PyCodeObject*> found;
    for_nested(root, [&](PyCodeObject* code) {
        if (code->co_firstlineno >= first && code->co_firstlineno <= last) {
            found.push_back(code);
        } else if (code->co_firstlineno < first) {
            for (PyCodeObject* inner : codes_within(code, first, last)) found.push_back(inner);
        }
    });
    return found;
}

PyCodeObject* find_code(PyCodeObject* root, std::string_view qualified, int line) {
    PyCodeObject* found = nullptr;
    for_all_code(root, [&](PyCodeObject* code) {
        if (found == nullptr && code != root && code->co_firstlineno == line && qualname(code) == qualified)
            found = code;
    });
    return found;
}

Ref marked_alike(PyCodeObject* live, PyCodeObject* now) {
    constexpr int mark = CO_ITERABLE_COROUTINE;
    const bool marked = (live->co_flags & mark) != 0;
    if (!marked || (now->co_flags & mark) != 0 || (now->co_flags & CO_GENERATOR) == 0)
        return Ref::borrow(as_object(now));
    const Ref flags = new_dict();
    dict_set(flags.get(), "co_flags", to_int(now->co_flags | mark).get());
    const Ref replace = attribute(as_object(now), "replace");
    return Ref::steal(PyObject_VectorcallDict(replace.get(), nullptr, 0, flags.get()));
}

std::vector<std::string> free_variables(PyCodeObject* code) {
    std::vector<std::string> names;
    const int total = static_cast<int>(PyTuple_GET_SIZE(code->co_localsplusnames));
    for (int i = total - code->co_nfreevars; i < total; ++i)
        names.emplace_back(view(PyTuple_GET_ITEM(code->co_localsplusnames, i)));
    return names;
}

}  // namespace rebottle
