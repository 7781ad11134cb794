// Lambdas in tables: which live one each of a newly evaluated table stands for.
#pragma once

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/python.hpp"
#include "stage/scope.hpp"

namespace rebottle {

// Whether a lambda occurs anywhere in an expression.
bool has_lambda(PyObject* expression);

// Compares what the former and the new source make of one expression with what is live, place by place.
class LambdaMatch {
   public:
    LambdaMatch(const Scope::Value& old, const Scope::Value& now, PyObject* live);

    using Others = std::unordered_map<PyObject*, Ref>;

    // Live lambdas, and those of the new source that they are to become.
    const std::vector<std::pair<Ref, Ref>>& pairs() const { return pairs_; }
    // The value with the live lambdas in place, and whatever else is to be replaced in it.
    Ref settled(const Ref& value, const Others& others);

   private:
    void match(PyObject* old, PyObject* now, PyObject* live);
    void match_lists(PyObject* old, PyObject* now, PyObject* live);
    void match_functions(PyObject* old, PyObject* now, PyObject* live);
    static bool is_made_by(PyObject* value, const Ref& root);
    bool settle_items(PyObject* list, const Others& others);

    Ref old_root_;
    Ref now_root_;
    std::map<PyObject*, Ref> live_;  // lambda of either source -> the live one
    std::vector<std::pair<Ref, Ref>> pairs_;
};

}  // namespace rebottle
