#include "live/in_flight.hpp"

#include <algorithm>
#include <unordered_map>

#include "code/code.hpp"
#include "code/index.hpp"
#include "compat/compat.hpp"
#include "live/stale.hpp"

namespace rebottle {
namespace {

struct Redirection {
    Ref function;
    vectorcallfunc standard = nullptr;
    std::unordered_map<PyObject*, std::pair<Ref, Ref>> former_by_caller;  // code -> (code, function)
};

std::unordered_map<PyObject*, Redirection>& redirections() {
    static auto* all = new std::unordered_map<PyObject*, Redirection>;
    return *all;
}

PyObject* call_by_caller(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
    const auto found = redirections().find(function);
    compat::LiveFrame caller{};
    if (compat::current_frame(caller)) {
        const auto former = found->second.former_by_caller.find(as_object(caller.code));
        if (former != found->second.former_by_caller.end()) {
            const Ref kept = former->second.second;
            return outliving_python([&] { return PyObject_Vectorcall(kept.get(), arguments, count, names); });
        }
    }
    return found->second.standard(function, arguments, count, names);
}

// Whether functions run this code, so that its frames are none of a former version.
bool is_present(PyObject* code) { return !CodeIndex::instance().functions(as_code(code)).empty(); }

}  // namespace

std::set<PyObject*> running_code(const CodeMap& replaced) {
    std::set<PyObject*> candidates = remembered_code();
    for (const auto& [code, now] : replaced)
        for_all_code(as_code(code.get()), [&](PyCodeObject* each) { candidates.insert(as_object(each)); });
    std::set<PyObject*> running;
    if (candidates.empty()) return running;
    for_live_frames(candidates, [&](PyObject* code) { running.insert(code); });
    return running;
}

void redirect_callers(const std::vector<ChangedCallee>& callees, const std::set<PyObject*>& old_code) {
    if (std::all_of(old_code.begin(), old_code.end(), is_present)) return;
    for (const ChangedCallee& callee : callees) {
        auto* function = callee.function.as<PyFunctionObject>();
        Redirection& redirection = redirections()[callee.function.get()];
        if (!redirection.function) {
            redirection.function = callee.function;
            redirection.standard = function->vectorcall;
        }
        for (PyObject* code : old_code)
            if (!is_present(code))
                redirection.former_by_caller.emplace(code, std::make_pair(Ref::borrow(code), callee.former));
        PyFunction_SetVectorcall(function, &call_by_caller);
    }
}

void forget_ended_callers() {
    if (redirections().empty()) return;
    std::set<PyObject*> callers;
    for (const auto& [function, redirection] : redirections())
        for (const auto& [code, former] : redirection.former_by_caller) callers.insert(code);
    std::set<PyObject*> running;
    for_live_frames(callers, [&](PyObject* code) { running.insert(code); });
    std::vector<Ref> ended;  // released at the end: nothing else may run in between
    for (auto each = redirections().begin(); each != redirections().end();) {
        Redirection& redirection = each->second;
        for (auto caller = redirection.former_by_caller.begin(); caller != redirection.former_by_caller.end();) {
            if (running.contains(caller->first) && !is_present(caller->first)) {
                ++caller;
                continue;
            }
            ended.push_back(std::move(caller->second.first));
            ended.push_back(std::move(caller->second.second));
            caller = redirection.former_by_caller.erase(caller);
        }
        if (!redirection.former_by_caller.empty()) {
            ++each;
            continue;
        }
        PyFunction_SetVectorcall(redirection.function.as<PyFunctionObject>(), redirection.standard);
        ended.push_back(std::move(redirection.function));
        each = redirections().erase(each);
    }
}

}  // namespace rebottle
