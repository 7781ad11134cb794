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
                if constexpr (requires { each.key; }) ours.push_back(&each.key);
            },
            write);
    }
}

void add_references(Touches& touches, std::vector<Ref*>& ours) {
    for (Touch& touch : touches)
        std::visit(
            [&](auto& each) {
                if constexpr (requires { each.key; }) ours.push_back(&each.key);
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

void add_copies(const Journal& journal, std::vector<PyObject*>& copies) {
    for (const Write& write : journal)
        if (const auto* table = std::get_if<TableWrite>(&write))
            for (const Ref& copy : {table->content, table->before, table->after}) copies.push_back(copy.get());
}

void add_copies(const Touches& touches, std::vector<PyObject*>& copies) {
    for (const Touch& touch : touches) {
        const auto* content = std::get_if<ContentTouch>(&touch);
        if (content == nullptr) continue;
        for (const Ref& copy : {content->before, content->after}) {
            if (!copy) continue;
            copies.push_back(copy.get());
            if (PyDict_Check(content->owner.get()))
                for_sequence(copy.get(), [&](PyObject* pair) { copies.push_back(pair); });
        }
    }
}

}  // namespace rebottle
