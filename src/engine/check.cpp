#include "engine/check.hpp"

#include "engine/failure.hpp"

namespace rebottle {
namespace {

bool same_call(const FunctionContent& a, const FunctionContent& b) {
    auto* x = as_code(a.code.get());
    auto* y = as_code(b.code.get());
    return x == y ||
           (same_parameters(x, y) && a.defaults.get() == b.defaults.get() && a.kwdefaults.get() == b.kwdefaults.get());
}

}  // namespace

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void audit_update(const char* kind, const std::vector<std::string>& modules) {
    const Ref names = Ref::steal(PyList_New(0));
    for (const std::string& module : modules) check(PyList_Append(names.get(), to_str(module).get()));
    if (outliving_python([&] { return PySys_Audit("rebottle.update", "sO", kind, names.get()); }) < 0)
        throw ExecutionError{"an audit hook", "", "", 0, PythonError()};
}

std::vector<ChangedCallee> changed_callees(const Journal& journal) {
    std::vector<ChangedCallee> callees;
    for (const Write& write : journal) {
        const auto* function = std::get_if<FunctionWrite>(&write);
        if (function == nullptr || same_call(function->before, function->after)) continue;
        callees.push_back({function->function, copy_of_function(function->function.as<PyFunctionObject>())});
    }
    return callees;
}

void verify(const Journal& journal, Report& report) {
    for (const Write& write : journal)
        if (!holds(write)) {
            report.ok = false;
            throw UpdateFailure{"VerificationError",
                                "after the commit a definition isn't what it was to be; the update was undone",
                                report,
                                {}};
        }
}

}  // namespace rebottle
