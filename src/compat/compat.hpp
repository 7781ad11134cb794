// The only place that knows CPython versions and internals. Functions are named by what they are for.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/python.hpp"

namespace rebottle::compat {

// What the parser of this version wants to know beside `flags`.
PyCompilerFlags compiler_flags(int flags);

// Whether the interpreter is beyond its atexit handlers and takes itself apart.
bool is_ending();

// The docstring that functions of this code get, borrowed; None where there is none.
PyObject* docstring_of(PyCodeObject* code);

// The object of a weak reference, borrowed; NULL where it is gone.
PyObject* target_of(PyObject* weak_reference);

// The names of attributes that a class body of this version sets by itself (``__module__`` and so on).
const std::vector<const char*>& implicit_class_names();

// The index of the constant that a class body stores under this name by itself, or -1.
Py_ssize_t stored_constant(PyCodeObject* body, std::string_view name);
// Whether just one instruction loads this constant.
bool is_loaded_once(PyCodeObject* code, Py_ssize_t constant);

// Lets attribute loads of a class specialise again after very many changes of it.
void allow_new_versions(PyTypeObject* type);

// Forgets what the interpreter derived from functions and classes beside their versions.
void clear_internal_caches();

// A frame of Python code, as the interpreter keeps it.
struct LiveFrame {
    PyCodeObject* code;  // borrowed
    PyObject* globals;   // borrowed
    int line;
    unsigned long thread;
    void* internal;
};

// Calls body for every frame that runs, of all threads, innermost first. No Python code runs meanwhile.
void for_running_frames(const std::function<void(const LiveFrame&)>& body);
// The frame of a suspended generator, coroutine or async generator; false where it has ended.
bool suspended_frame(PyObject* generator, LiveFrame& frame);
// Makes a frame use other globals; the dict must outlive it.
void set_globals(const LiveFrame& frame, PyObject* globals);
// The namespace that a frame looks into last, borrowed; and exchanging it, likewise.
PyObject* builtins_of(const LiveFrame& frame);
void set_builtins(const LiveFrame& frame, PyObject* builtins);

// The inline values of an instance: owned slots, some of them NULL. None where it has a dict.
struct InlineValues {
    PyObject** slots = nullptr;
    std::size_t count = 0;
};
InlineValues inline_values(PyObject* object);

// Gives a dict keys and values of its own, where it shares the keys of a class (and, on 3.13, an instance's inline
// values).
void unshare(PyObject* dict);
// Makes the attributes of an instance independent of its class, which can then be exchanged.
void detach_attributes(PyObject* object);

// Makes a dict the one that an instance keeps its attributes in.
void give_dict(PyObject* object, PyObject* dict);

// Exchanges what two dicts hold. Both must be exact in layout (subclasses of dict without storage of their own are) and
// unshared.
void swap_dicts(PyObject* a, PyObject* b);

// The topmost Python frame of this thread; false where there is none.
bool current_frame(LiveFrame& frame);

// The globals of the frame that is about to run `code` in this thread, borrowed; NULL where there is none.
PyObject* starting_globals(PyCodeObject* code);
// Whether a function has the version that it got with its code when it was made, and giving it that of its present
// code: without, calls of it never specialise again (3.13). Only sound where its defaults are as many as those of
// functions newly made.
bool has_version_of_code(PyFunctionObject* function);
void set_version_of_code(PyFunctionObject* function);

// functools.lru_cache wrappers: whether an object is one, the place of the function that it calls, and new ones that
// hold nothing and call nothing: with the parameters of another one, and one that caches nothing.
bool is_cache(PyObject* object);
PyObject** cached_function(PyObject* wrapper);
Ref empty_cache(PyObject* like);
Ref no_cache(PyObject* like);
// Exchanges parameters, counters and results of two wrappers; function, attributes and weak references stay.
void swap_caches(PyObject* a, PyObject* b);

// Places of a frame that own references: its variables, then its stack.
struct FramePlaces {
    PyObject** first = nullptr;
    int count = 0;
    // Where the frame calls C, it doesn't say how much of its stack is in use: its code tells, by this instruction.
    PyCodeObject* code = nullptr;  // NULL: `count` says it all
    int offset = 0;                // in bytes
    std::size_t head = 0;          // bytes of the holder that may have references beside
    // The innermost frame of another thread. Where that stopped after a call, and not within, its stack is shorter than
    // its code tells, and the places above hold what isn't there any more.
    bool may_have_returned = false;
};
// Calls body for every frame that runs, of all threads, but for generators whose places the collector sees.
void for_running_places(const std::function<void(const FramePlaces&)>& body);
// Those of a generator, a coroutine or a frame object, as far as the collector sees them; none for other objects.
FramePlaces places_of(PyObject* holder);

// Calls body(place of the key, hash, value) for each entry of a dict, unless all its keys are strings.
void for_entries(PyObject* dict, const std::function<void(PyObject**, Py_hash_t, PyObject*)>& body);
// Adds an entry whose hash is known: a key's own code isn't run unless another key has the same hash.
void add_entry(PyObject* dict, PyObject* key, Py_hash_t hash, PyObject* value);

// The items of a set with their hashes, and a set of such items, with as much room as another one. Runs no code of
// them.
void for_set_entries(PyObject* set, const std::function<void(PyObject*, Py_hash_t)>& body);
std::size_t room_of(PyObject* set);
Ref set_of(const std::vector<std::pair<PyObject*, Py_hash_t>>& items, std::size_t room);

// The flags of a class that are about the storage of its instances.
extern const unsigned long storage_flags;

// Gives a class whose instances are to have a dict the keys that they share; takes them from `giver`, a class that
// never has instances.
void take_shared_keys(PyTypeObject* type, PyTypeObject* giver);

// The cell that the topmost Python frame has for a variable of a function around it, borrowed; NULL where that variable
// is its own. `index` is the one of the instruction.
PyObject* captured_cell(int index);

// Threads that wait for their turn begin to wait anew, with the switch interval as it is now, also the one that has
// asked for its turn already.
void restart_waits() noexcept;

// What the stack holds below its top while the instruction at `offset` of the topmost Python frame is about to run.
// `depth` is the stack's depth there. Borrowed; NULL where there is nothing.
PyObject* peek_stack(int depth, int below_top);

}  // namespace rebottle::compat
