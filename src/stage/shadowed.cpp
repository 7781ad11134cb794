// Names that a module binds more than once.
#include <algorithm>
#include <limits>

#include "code/tree.hpp"
#include "stage/module_stage.hpp"

namespace rebottle {

using Kind = Edit::Kind;

void ModuleStage::note_shadowed(const Scope& scope, const Edit& edit) {
    if (scope.is_class()) return;
    for (const std::string& name : edit.now.binds) {
        if (dict_get(scope.before(), name) == nullptr) continue;
        const int line = last_line_binding(plan_.now, name);
        const bool runs = std::any_of(plan_.edits.begin(), plan_.edits.end(), [&](const Edit& other) {
            return other.now && other.now.line == line && other.kind != Kind::lines && other.kind != Kind::body &&
                   other.kind != Kind::members;
        });
        if (line > edit.now.line && !runs) shadowed_[name] = line;
    }
}

int ModuleStage::last_line_binding(const Version& version, const std::string& name) const {
    const auto& chunks = version.split.chunks;
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
        const std::string text(chunk->in(version.text));
        if (text.find(name) == std::string::npos) continue;
        const Ref tree = parse(text, plan_.now.path, plan_.flags);
        const std::vector<Statement> statements =
            statements_of(attribute(tree.get(), "body").get(), chunk->line - 1, false);
        for (auto statement = statements.rbegin(); statement != statements.rend(); ++statement)
            if (statement->binds_name(name)) return statement->line;
    }
    return 0;
}

void ModuleStage::unshadow(Scope& scope, int line) {
    std::erase_if(shadowed_, [&](const auto& each) {
        if (each.second >= line) return false;
        dict_set(scope.names(), each.first, dict_get(scope.before(), each.first));
        return true;
    });
}

}  // namespace rebottle
