// Code objects: compiling trees, finding what is nested in them, comparing and moving them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

struct ByIdentity {
    bool operator()(const Ref& a, const Ref& b) const { return a.get() < b.get(); }
};

// Old code object -> new one; owns both, so that no key is the address of another object by now.
using CodeMap = std::map<Ref, Ref, ByIdentity>;

inline PyCodeObject* as_code(PyObject* object) { return reinterpret_cast<PyCodeObject*>(object); }
inline PyObject* as_object(PyCodeObject* code) { return reinterpret_cast<PyObject*>(code); }

// The code object of an ast.Module (or of source text), as `exec` would run it.
Ref compile(PyObject* tree_or_text, const std::string& filename, int flags);
// The code object of an ast.Expression, for `eval`.
Ref compile_expression(PyObject* tree, const std::string& filename, int flags);

// Calls body for each code object in the constants of `code`, not deeper.
void for_nested(PyCodeObject* code, const std::function<void(PyCodeObject*)>& body);
// The same, at any depth, `code` itself first.
void for_all_code(PyCodeObject* code, const std::function<void(PyCodeObject*)>& body);

// Moves a code object that nobody else has, and all that is nested in it, by a number of lines.
void shift_lines(PyCodeObject* code, int lines);

std::string_view qualname(PyCodeObject* code);
bool is_function_code(PyCodeObject* code);

// Whether functions with this code have the same parameters and are of the same kind.
bool same_parameters(PyCodeObject* a, PyCodeObject* b);
// Whether two code objects do the same: all but positions (and the file's name) compared.
bool same_code(PyCodeObject* a, PyCodeObject* b);
// The same, but the bodies of functions nested in them count only by name and signature.
bool same_shell(PyCodeObject* a, PyCodeObject* b);
// Whether positions are the same as well, relative to the first line.
bool same_lines(PyCodeObject* a, PyCodeObject* b);

// Pairs the function code nested in `old` with that nested in `now`, at any depth: by qualified name; where several
// share one, those with equal code first, then from the last one backwards. Class bodies are entered, not paired.
using CodePairs = std::vector<std::pair<PyCodeObject*, PyCodeObject*>>;
void pair_nested(PyCodeObject* old, PyCodeObject* now, CodePairs& pairs, std::vector<PyCodeObject*>& unmatched);

// The same for code objects given one by one.
void pair_codes(const std::vector<PyCodeObject*>& olds, const std::vector<PyCodeObject*>& news, CodePairs& pairs,
                std::vector<PyCodeObject*>& unmatched);

// The outermost code objects within lines [first, last] of what a root holds.
std::vector<PyCodeObject*> codes_within(PyCodeObject* root, int first, int last);

// The nested function (or class body) code with this qualified name whose first line is `line`; NULL if there is none.
PyCodeObject* find_code(PyCodeObject* root, std::string_view qualified, int line);

// New code for functions that run `live`, with what a decorator has marked that with: types.coroutine does so, in the
// code itself.
Ref marked_alike(PyCodeObject* live, PyCodeObject* now);

// Names of the free variables, in the order of a closure.
std::vector<std::string> free_variables(PyCodeObject* code);

}  // namespace rebottle
