// Names that a module or a class binds more than once.
#include <algorithm>
#include <limits>

#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

// The line of the last statement of the scope that binds the name; 0 where none does.
int ModuleStage::last_binder(const Scope& scope, const std::string& name) {
    if (!scope.is_class()) return bindings_now_.last_line(name);
    int line = 0;
    for (const Statement& member : members_of(around_))
        if (member.binds_name(name)) line = member.line;
    return line;
}

void ModuleStage::note_shadowed(const Scope& scope, const Edit& edit) {
    for (const std::string& name : edit.now.binds) {
        if (dict_get(scope.before(), name) == nullptr) continue;
        const int line = last_binder(scope, name);
        if (line <= edit.now.line) continue;
        const bool runs = std::any_of(edits_here_->rbegin(), edits_here_->rend(), [&](const Edit& other) {
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
