// How a class says that its instances are stored, and classes of ours that say it in its place.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

// What a class object says about the memory of its instances. The descriptions of slots lie in the class object itself,
// which has no room for more: a model, a class of ours, then stands between it and its base for them. Interpreters walk
// along `tp_base` for storage and along the method resolution order for names, so nobody else sees the model.
struct Layout {
    Ref model;               // nothing: the class itself describes its slots
    Py_ssize_t members = 0;  // slots that the class itself describes
    Py_ssize_t basicsize = 0;
    Py_ssize_t itemsize = 0;
    Py_ssize_t dictoffset = 0;
    Py_ssize_t weaklistoffset = 0;
    unsigned long flags = 0;  // those of them that are about storage
    traverseproc traverse = nullptr;
    inquiry clear = nullptr;
    freefunc free = nullptr;

    static Layout of(PyTypeObject* type);
    static Layout like(const Ref& model);
    bool operator==(const Layout& other) const;
};

// Makes a class say this; its instances must be moved before any Python code runs. It must have shared keys already
// where it needs some.
void lay_out(PyTypeObject* type, const Layout& layout) noexcept;

// Whether a class statement made it: its instances are freed along the chain of bases.
bool is_python_class(PyTypeObject* type);
// The class that describes the slots of a class: its model or itself.
PyTypeObject* describer_of(PyTypeObject* type);
// The slots that a class adds to what it inherits, borrowed.
std::vector<PyMemberDef*> own_slots(PyTypeObject* type);
// Where instances have their slots, by name; the dict and the list of weak references count as slots.
std::map<std::string, Py_ssize_t> slot_offsets(PyTypeObject* type);
// What an instance holds in its dict and its slots, whatever its class has under their names. A new dict.
Ref stored_attributes(PyObject* object);
// Whether instances of both have the same storage, and each slot in the same place.
bool same_storage(PyTypeObject* a, PyTypeObject* b);

// A class can't be laid out as wanted.
struct Unlayable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Classes of ours with the storage of classes of the program: plain ones, without their code.
class Models {
   public:
    // `staged` are classes that say what some live ones are to be; `bottles` what staged objects stand for.
    Models(const std::map<PyTypeObject*, PyTypeObject*>& staged, const std::map<PyObject*, Ref>& bottles)
        : staged_(staged), bottles_(bottles) {}
    // A class whose instances are stored as those of a live class are to be. Errors: Unlayable.
    Ref of(PyTypeObject* type);
    // The model of a class is known.
    void know(PyTypeObject* type, const Ref& model) { made_.emplace(type, model); }

   private:
    Ref make(PyTypeObject* type);
    static Ref of_compiled(PyTypeObject* type);
    Ref bases_of(PyTypeObject* type);

    const std::map<PyTypeObject*, PyTypeObject*>& staged_;
    const std::map<PyObject*, Ref>& bottles_;
    std::map<PyTypeObject*, Ref> made_;
};

}  // namespace rebottle
