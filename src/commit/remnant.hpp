// What the history keeps of functions and classes that it mustn't keep alive: a weak reference, and what it takes to
// make them again.
#pragma once

#include <array>
#include <functional>

#include "base/python.hpp"

namespace rebottle {

// Stands in the history, and in what only the history holds, where a function or class stood. One for each function or
// class. An object of the interpreter, so that the collector sees what it holds.
struct Remnant {
    enum class Kind { function, type, cell, property, method, wrapper, unchanged };
    static constexpr std::size_t room = 13;

    PyObject head;
    Kind kind;
    bool complete;                // it could be made again
    const void* place;            // of a wrapper: itself; of a function: its dict
    Ref weak;                     // to the function or class
    std::array<Ref, room> parts;  // what it consists of; other remnants in place of functions and classes
};

// Parts of each kind; those of a function are its fields.
namespace part {
enum Type : std::uint8_t { name, qualname, bases, members };
enum Cell : std::uint8_t { content };
enum Property : std::uint8_t { getter, setter, deleter, doc };
enum Method : std::uint8_t { holder, function };  // the same of a wrapper, to which nothing is to be given back
}  // namespace part

bool is_remnant(PyObject* object);
inline Remnant* as_remnant(PyObject* object) { return reinterpret_cast<Remnant*>(object); }

Ref new_remnant(Remnant::Kind kind);
// That of a function or class: the one there is, or a new one that knows only which it is.
Ref remnant_of(PyObject* definition);
// That of a function or class, borrowed, or NULL.
Remnant* known_remnant(PyObject* definition);
// The function or class, borrowed; NULL where it is gone.
PyObject* survivor(const Remnant* remnant);
// From now on it is that of another object, which was made from it; the former weak reference stays with the caller.
void transfer(Remnant* remnant, Ref weak) noexcept;
// Calls body for each remnant of a function or class.
void for_remnants(const std::function<void(Remnant*)>& body);

// Says in the history that a field of a function, or a cell of its closure, is as it was.
const Ref& unchanged_mark();

}  // namespace rebottle
