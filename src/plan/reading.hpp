// What unchanged statements of a version read and call when they are run: only the chunks that mention a name are
// parsed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "code/statement.hpp"
#include "source/version.hpp"

namespace rebottle {

// Top-level statements whose text mentions the name where it would be read when the statement is run. Cost: one search
// of the text, then the chunks found.
std::vector<Statement> statements_mentioning(const Version& version, const std::string& name, int flags);
// All top-level statements. Cost: parses the whole version.
std::vector<Statement> all_statements(const Version& version, int flags);
// The statements of a class body.
std::vector<Statement> body_of(const Statement& class_statement);

// Names that running the statement reads: bodies of functions are not entered, their defaults and decorators are.
std::set<std::string> names_read_when_run(PyObject* statement);
// Names of functions and classes that running the statement calls directly.
std::set<std::string> names_called_when_run(PyObject* statement);

// Whether both stand at the same place of the same version.
bool same_place(const Statement& a, const Statement& b);

}  // namespace rebottle
