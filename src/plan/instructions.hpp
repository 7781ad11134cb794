// What the top-level code of a module or class does, instruction by instruction, in a form that can be compared.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "code/code.hpp"

namespace rebottle {

// Instructions as texts: positions, jump distances, nested code and what the compiler adds by itself left out.
class Instructions {
   public:
    explicit Instructions(PyCodeObject* code);

    bool operator==(const Instructions& other) const { return all_ == other.all_; }
    // Finds all parts of `statement` among those not taken yet, and takes them.
    bool take(const Instructions& statement);
    // The constant stored under a name by an instruction that isn't taken, or nothing; it is taken.
    Ref take_constant(const std::string& name);
    bool stores(const std::string& name) const { return stored_.contains(name); }
    const std::set<std::string>& stored() const { return stored_; }

   private:
    bool take_part(std::size_t first, std::size_t last, const Instructions& statement);

    std::vector<std::string> all_;  // "end" where the code returns
    std::vector<Ref> constants_;    // beside: the constant that an instruction loads
    std::vector<bool> taken_;
    std::set<std::string> stored_;
};

}  // namespace rebottle
