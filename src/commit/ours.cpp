#include "commit/ours.hpp"

namespace rebottle {

void add_references(Journal& journal, std::vector<Ref*>& ours) {
    for (Write& write : journal) {
        if (auto* attribute = std::get_if<AttributeWrite>(&write)) ours.push_back(&attribute->object);
        if (auto* type = std::get_if<TypeWrite>(&write)) ours.push_back(&type->object);
        std::visit(
            [&](auto& each) {
                if constexpr (requires { each.before = Ref(); }) {
                    ours.push_back(&each.before);
                    ours.push_back(&each.after);
                }
            },
            write);
    }
}

void add_references(Touches& touches, std::vector<Ref*>& ours) {
    for (Touch& touch : touches)
        std::visit(
            [&](auto& each) {
                ours.push_back(&each.owner);
                ours.push_back(&each.before);
                ours.push_back(&each.after);
            },
            touch);
}

void add_references(Outcome& outcome, std::vector<Ref*>& ours) {
    for (Binding& binding : outcome.bindings) {
        ours.push_back(&binding.before);
        ours.push_back(&binding.after);
    }
    for (Gift& gift : outcome.gifts) ours.push_back(&gift.value);
    for (Given& given : outcome.given) {
        ours.push_back(&given.object);
        ours.push_back(&given.value);
    }
    add_references(outcome.touches, ours);
}

}  // namespace rebottle
