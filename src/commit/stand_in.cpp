#include "commit/stand_in.hpp"

#include <algorithm>

#include "code/code.hpp"
#include "compat/compat.hpp"

namespace rebottle {
namespace {

struct StandIn {
    Ref code;  // a weak reference
    std::string module;
    std::string where;
};

std::vector<StandIn>& all_stand_ins() {
    static auto* all = new std::vector<StandIn>;
    return *all;
}

void forget_dead_stand_ins() {
    std::erase_if(all_stand_ins(), [](const StandIn& each) { return compat::target_of(each.code.get()) == nullptr; });
}

}  // namespace

void register_stand_in(PyCodeObject* code, const std::string& module, const std::string& where) {
    forget_dead_stand_ins();
    all_stand_ins().push_back({Ref::steal(PyWeakref_NewRef(as_object(code), nullptr)), module, where});
}

std::vector<PyCodeObject*> stand_ins(const std::string& module, const std::string& where) {
    auto& all = all_stand_ins();
    forget_dead_stand_ins();
    std::vector<PyCodeObject*> found;
    for (const StandIn& each : all)
        if (each.module == module && each.where == where) found.push_back(as_code(compat::target_of(each.code.get())));
    return found;
}

}  // namespace rebottle
