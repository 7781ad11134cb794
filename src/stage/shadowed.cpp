// Names that a module binds more than once.
#include <algorithm>
#include <limits>

#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

void ModuleStage::note_shadowed(const Scope& scope, const Edit& edit) {
    if (scope.is_class()) return;
    for (const std::string& name : edit.now.binds) {
        if (dict_get(scope.before(), name) == nullptr) continue;
        const int line = bindings_now_.last_line(name);
        if (line <= edit.now.line) continue;
        const bool runs = std::any_of(plan_.edits.rbegin(), plan_.edits.rend(), [&](const Edit& other) {
            return other.now && other.now.line == line && other.kind != Kind::lines && other.kind != Kind::body &&
                   other.kind != Kind::members;
        });
        if (!runs) shadowed_[name] = line;
    }
}

void ModuleStage::unshadow(Scope& scope, int line) {
    std::erase_if(shadowed_, [&](const auto& each) {
        if (each.second >= line) return false;
        dict_set(scope.names(), each.first, dict_get(scope.before(), each.first));
        return true;
    });
}

}  // namespace rebottle
