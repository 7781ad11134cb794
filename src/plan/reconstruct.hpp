// Former versions whose statements aren't known: what bytecode, or the live program, tells of them.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"
#include "code/statement.hpp"
#include "plan/plan.hpp"
#include "source/version.hpp"

namespace rebottle {

// A statement together with the compiled code that holds it.
struct Located {
    Statement statement;
    Ref root;
};

// The statements of a version that make a class of this name at the top level.
std::vector<Located> class_statements(const Version& version, const std::string& name);

// The edits that lead from the statements of one version to those of the other.
std::vector<Edit> compare_scopes(const ModulePlan& plan, const std::vector<Located>& olds,
                                 const std::vector<Located>& news, Force force);

// The statements of the former version, as far as they have to do with those of the new one: where bytecode (or, if
// there is none, the live code) says the same as a new statement, that very statement; else one that differs where the
// code does.
std::vector<Located> reconstruct(const Version& old, PyObject* dict, const std::vector<Located>& news, int flags);

// Whether two module codes differ only within functions.
bool same_statements(PyCodeObject* old, PyCodeObject* now);

}  // namespace rebottle
