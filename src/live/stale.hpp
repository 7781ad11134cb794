// What still runs old code: frames of all threads, suspended generators and coroutines, functions that could not
// follow.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "code/code.hpp"
#include "rebottle/report.hpp"

namespace rebottle {

// Whether functions that still have replaced code count as stale; those that a snippet captured are meant to have it.
enum class Holders { stale, meant };
// Remembers code objects that an update replaced; they are forgotten when they die, or by `forget_replaced`.
void remember_replaced(const CodeMap& replaced, Holders functions = Holders::stale);
void forget_replaced(const CodeMap& replaced);

// The replaced code objects that still exist.
std::set<PyObject*> remembered_code();
// Calls body(code) for each running frame and suspended generator that runs one of these.
void for_live_frames(const std::set<PyObject*>& codes, const std::function<void(PyObject*)>& body);

// What runs replaced code now. Cost: the frames; a heap walk where generator code was replaced.
std::vector<Stale> stale_now();

// Whether an object is a generator, coroutine or async generator.
bool is_generator(PyObject* object);
// All that exist. Cost: a heap walk.
std::vector<PyObject*> all_generators();
// Frames that look names up in a key of `globals` do so in its value from now on; `suspended` ones as well. Cost: the
// frames; a heap walk for suspended ones.
void move_frames(const std::map<PyObject*, Ref>& globals, bool suspended);

}  // namespace rebottle
