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

// Names that running the statement reads: bodies of functions are not entered, their defaults and decorators are.
std::set<std::string> names_read_when_run(PyObject* statement);
// Names of the attributes, and of what is imported, that a tree mentions; and those in what running a statement
// evaluates.
std::set<std::string> attributes_in(PyObject* node);
std::set<std::string> attributes_read_when_run(PyObject* statement);

// Paths are names ("f") and what is read from them ("module.K.member").
std::set<std::string> paths_read_when_run(PyObject* statement);
// Of functions and classes that running the statement calls directly.
std::set<std::string> paths_called_when_run(PyObject* statement);
// Of values that are called, operated on, looked into or handed on when the statement is run, and not only stored.
// Bases of a class statement aren't among them.
std::set<std::string> paths_acted_on(PyObject* statement);
// Of the bases of a class statement; none for others.
std::set<std::string> paths_of_bases(PyObject* statement);

// Whether both stand at the same place of the same version.
bool same_place(const Statement& a, const Statement& b);

}  // namespace rebottle
