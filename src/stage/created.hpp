// The functions made while staging.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

class Created {
   public:
    Created() = default;
    // In the order of their making.
    explicit Created(std::vector<Ref> functions);

    auto begin() const { return functions_.begin(); }
    auto end() const { return functions_.end(); }
    bool contains(PyObject* object) const { return set_.contains(object); }
    // Those that run this code, in the order of their making.
    const std::vector<PyFunctionObject*>& running(PyCodeObject* code) const;

   private:
    std::vector<Ref> functions_;
    std::unordered_set<PyObject*> set_;
    std::unordered_map<PyObject*, std::vector<PyFunctionObject*>> by_code_;
};

}  // namespace rebottle
