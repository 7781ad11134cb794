#include "commit/storeroom.hpp"

#include <algorithm>

#include "commit/places.hpp"

namespace rebottle {
namespace {

bool stands_for_definition(PyObject* object) {
    return is_remnant(object) && (as_remnant(object)->kind == Remnant::Kind::function ||
                                  as_remnant(object)->kind == Remnant::Kind::type);
}

void add(References& all, FunctionWrite& w) {
    for (const auto field : function_fields)
        if (field != &FunctionContent::globals && field != &FunctionContent::builtins)
            all.to_return.push_back(&(w.before.*field));
}
void add(References&, LineWrite&) {}
void add(References& all, CacheWrite& w) { all.to_return.push_back(&w.content); }
void add(References& all, TableWrite& w) {
    for (Ref* each : {&w.table, &w.content, &w.before, &w.after}) all.to_return.push_back(each);
}
template <class Any>
void add(References& all, Any& w) {
    all.to_return.push_back(&w.before);
    all.to_compare.push_back(&w.after);
    if constexpr (requires { w.object; }) all.to_compare.push_back(&w.object);
    if constexpr (requires { w.cell; }) all.to_compare.push_back(&w.cell);
    if constexpr (requires { w.dict; }) all.to_compare.push_back(&w.dict);
    if constexpr (requires { w.key; }) all.to_return.push_back(&w.key);
}

}  // namespace

void References::add(Journal& journal) {
    for (Write& write : journal) std::visit([this](auto& each) { rebottle::add(*this, each); }, write);
}

void References::add(Touches& touches) {
    for (Touch& touch : touches)
        std::visit(
            [this](auto& each) {
                to_compare.push_back(&each.owner);
                to_return.push_back(&each.before);
                to_return.push_back(&each.after);
                if constexpr (requires { each.key; }) to_return.push_back(&each.key);
            },
            touch);
}

bool is_of_interest(const References& references) {
    const auto any = [](const std::vector<Ref*>& refs) {
        return std::any_of(refs.begin(), refs.end(), [](const Ref* each) {
            return each->get() != nullptr && (is_let_go(each->get()) || is_open_holder(each->get()));
        });
    };
    return any(references.to_return) || any(references.to_compare);
}

void Storeroom::put_away(const References& all) {
    std::vector<Ref> ended;
    std::erase_if(emptied_, [&](auto& each) {
        if (Py_REFCNT(each.first) > 1) return false;
        ended.push_back(std::move(each.second));
        return true;
    });
    Keeper keeper;
    for (Ref* each : all.to_return) keeper.keep(*each, Keeper::Use::to_return);
    for (Ref* each : all.to_compare) keeper.keep(*each, Keeper::Use::to_compare);
    keeper.finish();
    Counts counts;
    const auto count = [&](const Ref& each) {
        if (is_open_holder(each.get())) ++counts[each.get()];
    };
    for (const Ref* each : all.to_return) count(*each);
    for (const Ref* each : all.to_compare) count(*each);
    for (const auto& [holder, held] : emptied_) count(held);
    empty(counts, keeper);
}

// From holders that only the history has to those that only such holders have.
void Storeroom::empty(const Counts& ours, Keeper& keeper) {
    Counts counts = ours;
    std::vector<PyObject*> waiting;
    const auto wait_if_alone = [&](PyObject* object, Py_ssize_t known) {
        if (Py_REFCNT(object) == known) waiting.push_back(object);
    };
    for (const auto& [object, known] : ours) wait_if_alone(object, known);
    std::vector<Ref> former;
    while (!waiting.empty()) {
        PyObject* holder = waiting.back();
        waiting.pop_back();
        const auto kept = [&](PyObject* object) {
            Ref now = is_let_go(object) ? keeper.item(object) : Ref();
            return now.get() == object ? Ref() : now;
        };
        for (PyObject* each : references_in(holder))
            if (is_open_holder(each)) wait_if_alone(each, ++counts[each]);
        if (exchange_in(holder, kept, former)) emptied_.emplace(holder, Ref::borrow(holder));
    }
    for (Ref& each : former) keeper.release_later(std::move(each));
}

void Storeroom::fetch(const References& of_update, Reviver& reviver) {
    std::vector<std::pair<Ref*, Ref>> whole;
    for (Ref* each : of_update.to_return)
        if (stands_for_definition(each->get())) whole.emplace_back(each, reviver.object(as_remnant(each->get())));
    std::map<PyObject*, Ref> living;
    for (const auto& [holder, held] : emptied_)
        for (PyObject* each : references_in(holder))
            if (stands_for_definition(each)) living.emplace(each, reviver.object(as_remnant(each)));
    reviver.finish();
    for (Ref* each : of_update.to_compare)
        if (stands_for_definition(each->get())) whole.emplace_back(each, reviver.known(as_remnant(each->get())));
    reviver.keep();
    for (auto& [place, object] : whole)
        if (object) std::swap(*place, object);
    fill(living);
}

void Storeroom::fill(const std::map<PyObject*, Ref>& living) {
    std::vector<Ref> former;
    for (const auto& [holder, held] : emptied_)
        exchange_in(
            holder,
            [&](PyObject* object) {
                const auto found = living.find(object);
                return found == living.end() ? Ref() : found->second;
            },
            former);
    emptied_.clear();
}

}  // namespace rebottle
