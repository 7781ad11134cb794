#include "engine/check.hpp"

#include <set>
#include <utility>

#include "code/index.hpp"
#include "commit/place.hpp"
#include "engine/failure.hpp"

namespace rebottle {
namespace {

bool same_call(const FunctionContent& a, const FunctionContent& b) {
    auto* x = as_code(a.code.get());
    auto* y = as_code(b.code.get());
    return x == y ||
           (same_parameters(x, y) && a.defaults.get() == b.defaults.get() && a.kwdefaults.get() == b.kwdefaults.get());
}

// What a message calls the place.
std::string name_of(const Write& write) {
    return std::visit(
        [](const auto& w) -> std::string {
            if constexpr (requires {
                              w.type;
                              w.name;
                          })
                return std::string(w.type.template as<PyTypeObject>()->tp_name) + "." + to_text(w.name.get());
            if constexpr (requires { w.where; })
                if (!w.where.empty()) return w.where;
            return "a definition";
        },
        write);
}

}  // namespace

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void audit_update(const char* kind, const std::vector<std::string>& modules) {
    const Ref names = Ref::steal(PyList_New(0));
    for (const std::string& module : modules) check(PyList_Append(names.get(), to_str(module).get()));
    if (in_program([&] { return PySys_Audit("rebottle.update", "sO", kind, names.get()); }) < 0)
        throw ExecutionError{"an audit hook", "", "", 0, PythonError()};
}

std::vector<ChangedCallee> changed_callees(const Journal& journal) {
    std::vector<ChangedCallee> callees;
    for (const Write& write : journal) {
        const auto* function = std::get_if<FunctionWrite>(&write);
        if (function == nullptr || same_call(function->before, function->after)) continue;
        callees.push_back({function->function, copy_of_function(function->function.as<PyFunctionObject>())});
        CodeIndex::instance().hide(callees.back().former.as<PyFunctionObject>());
    }
    return callees;
}

std::vector<GoneName> gone_names(const Journal& journal) {
    std::vector<GoneName> gone;
    for (const Write& write : journal)
        if (const auto* name = std::get_if<NameWrite>(&write);
            name != nullptr && name->before && !name->after && PyUnicode_Check(name->key.get()))
            gone.push_back({name->dict.get(), name->key.get(), name->before.get()});
    return gone;
}

void verify(const Journal& journal, Report& report) {
    std::set<Place> later;
    for (auto write = journal.rbegin(); write != journal.rend(); ++write) {
        if (!later.insert(place_of(*write)).second) continue;
        if (holds(*write)) continue;
        report.ok = false;
        throw UpdateFailure{"VerificationError",
                            "after the commit " + name_of(*write) + " isn't what it was to be; the update was undone",
                            report,
                            {}};
    }
}

}  // namespace rebottle
