#include "stage/created.hpp"

namespace rebottle {

Created::Created(std::vector<Ref> functions) : functions_(std::move(functions)) {
    for (const Ref& each : functions_) {
        set_.insert(each.get());
        auto* function = each.as<PyFunctionObject>();
        by_code_[function->func_code].push_back(function);
    }
}

const std::vector<PyFunctionObject*>& Created::running(PyCodeObject* code) const {
    static const std::vector<PyFunctionObject*> none;
    const auto found = by_code_.find(reinterpret_cast<PyObject*>(code));
    return found == by_code_.end() ? none : found->second;
}

}  // namespace rebottle
