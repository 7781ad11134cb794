// The references that the engine itself holds to objects of the program, outside of what the collector sees.
#pragma once

#include <vector>

#include "commit/write.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// Appends the places of those in a journal, in what statements did to objects of others, or in what staging left.
void add_references(Journal& journal, std::vector<Ref*>& ours);
void add_references(Touches& touches, std::vector<Ref*>& ours);
void add_references(Outcome& outcome, std::vector<Ref*>& ours);

// Appends the copies of contents that only a journal, or what was done to objects of others, holds: they are no part of
// the program, borrowed.
void add_copies(const Journal& journal, std::vector<PyObject*>& copies);
void add_copies(const Touches& touches, std::vector<PyObject*>& copies);

}  // namespace rebottle
