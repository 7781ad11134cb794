// Functions and classes that the history let go are made again.
#pragma once

#include <map>
#include <vector>

#include "commit/remnant.hpp"

namespace rebottle {

// Threads: GIL held; runs no code of the program. Errors: PythonError; what was made by then is let go.
class Reviver {
   public:
    // What stands where a remnant stands: the function or class if it lives, or one made again; nothing where that
    // can't be done. It is whole after `finish`.
    Ref object(Remnant* remnant);
    // A tuple or dict, or a copy of it with what remnants in it stand for.
    Ref container(const Ref& container);
    void finish();
    // The function or class, where it lives or was made again.
    Ref known(Remnant* remnant) const;
    // A function or class that was made again, by the weak reference to the one that is gone.
    struct Reborn {
        Ref object;
        Ref former_weak;
        Ref weak;
        Ref former_dict;  // their numbers, of a function
        Ref dict;
    };
    const std::map<PyObject*, Reborn>& reborn() const { return reborn_; }
    // From now on the remnants are those of what was made.
    void keep() noexcept;

   private:
    Ref function(Remnant* remnant);
    Ref type(Remnant* remnant);
    Ref cell(Remnant* remnant);
    Ref property(Remnant* remnant);
    Ref method(Remnant* remnant);
    void fill(PyObject* function, Remnant* remnant);
    Ref item(const Ref& value);

    std::map<Remnant*, Ref> made_;
    std::map<PyObject*, Reborn> reborn_;
    std::map<Remnant*, Ref> cells_;
    std::vector<std::pair<Ref, Remnant*>> unfinished_;  // functions and cells
};

}  // namespace rebottle
