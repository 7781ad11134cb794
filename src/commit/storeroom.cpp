#include "commit/storeroom.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "commit/places.hpp"
#include "live/retired.hpp"

namespace rebottle {
namespace {

const std::size_t globals_part = number_of_field(&FunctionContent::globals);

bool stands_for_definition(PyObject* object) {
    return is_remnant(object) &&
           (as_remnant(object)->kind == Remnant::Kind::function || as_remnant(object)->kind == Remnant::Kind::type);
}

void add(References& all, FunctionWrite& w) {
    for (const auto field : function_fields)
        if (field != &FunctionContent::builtins) all.to_return.push_back(&(w.before.*field));
    all.builtins.push_back(&w.before.builtins);
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

// A function that was taken out of its module finds others that were, in builtins of its own. Frames read them without
// holding them.
static void keep_builtins(const std::vector<Ref*>& all, Keeper& keeper) {
    std::optional<std::set<PyObject*>> read;
    for (Ref* each : all) {
        if (each->get() == PyEval_GetBuiltins()) continue;
        Ref kept = keeper.container(each->get());
        if (kept.get() == each->get()) continue;
        if (!read) read = namespaces_of_frames();
        if (!read->contains(each->get())) keeper.release_later(std::exchange(*each, std::move(kept)));
    }
}

void Storeroom::put_away(const References& all) {
    std::vector<Ref> ended;
    std::erase_if(emptied_, [&](auto& each) {
        if (Py_REFCNT(each.first) > 1) return false;
        ended.push_back(std::move(each.second));
        return true;
    });
    {
        Keeper keeper;
        for (Ref* each : all.to_return) keeper.keep(*each, Keeper::Use::to_return);
        for (Ref* each : all.to_compare) keeper.keep(*each, Keeper::Use::to_compare);
        keep_builtins(all.builtins, keeper);
        keeper.finish();
    }
    empty(count_references(all));
}

Storeroom::Counts Storeroom::count_references(const References& all) const {
    Counts counts;
    const auto count = [&](const Ref& each) {
        if (is_open_holder(each.get())) ++counts[each.get()];
    };
    for (const Ref* each : all.to_return) count(*each);
    for (const Ref* each : all.to_compare) count(*each);
    for (const auto& [holder, held] : emptied_) count(held);
    for_remnants([&](Remnant* each) {
        if (each->kind == Remnant::Kind::function && each->complete) count(each->parts[globals_part]);
    });
    return counts;
}

namespace {

// Finds the holders that only the history has, in turn.
class Alone {
   public:
    explicit Alone(std::map<PyObject*, Py_ssize_t> counts) : counts_(std::move(counts)) {
        for (const auto& [object, count] : counts_) look_at(object, count);
    }

    PyObject* next() {
        if (waiting_.empty()) return nullptr;
        PyObject* holder = waiting_.back();
        waiting_.pop_back();
        for (PyObject* each : references_in(holder))
            if (is_open_holder(each)) look_at(each, ++counts_[each]);
        return holder;
    }

   private:
    void look_at(PyObject* object, Py_ssize_t known) {
        const bool names = is_namespace(object);
        if (names) known += own_functions(object);
        if (Py_REFCNT(object) == known && !(names && is_read(object))) waiting_.push_back(object);
    }

    static bool is_namespace(PyObject* object) {
        return PyDict_Check(object) &&
               (dict_get(object, "__builtins__") != nullptr || dict_get(object, "__build_class__") != nullptr);
    }

    // How many functions in a namespace have it as theirs and are held by nothing else.
    static Py_ssize_t own_functions(PyObject* names) {
        Py_ssize_t count = 0;
        for_items(names, [&](PyObject*, PyObject* value) {
            if (PyFunction_Check(value) && Py_REFCNT(value) == 1 && PyFunction_GET_GLOBALS(value) == names) ++count;
        });
        return count;
    }

    // A frame reads its namespaces without holding them.
    bool is_read(PyObject* names) {
        if (!read_) read_ = namespaces_of_frames();
        return read_->contains(names);
    }

    std::map<PyObject*, Py_ssize_t> counts_;
    std::vector<PyObject*> waiting_;
    std::optional<std::set<PyObject*>> read_;
};

}  // namespace

// From holders that only the history has to those that only such holders have.
void Storeroom::empty(const Counts& counts) {
    Keeper keeper;
    const auto kept = [&](PyObject* object) {
        Ref now = is_let_go(object) ? keeper.item(object) : Ref();
        return now.get() == object ? Ref() : now;
    };
    Alone alone(counts);
    std::vector<Ref> former;
    while (PyObject* holder = alone.next())
        if (exchange_in(holder, kept, former)) emptied_.emplace(holder, Ref::borrow(holder));
    for (Ref& each : former) keeper.release_later(std::move(each));
}

void Storeroom::fetch(const References& of_update, Reviver& reviver) {
    std::vector<std::pair<Ref*, Ref>> whole;
    for (Ref* each : of_update.to_return)
        if (stands_for_definition(each->get())) whole.emplace_back(each, reviver.object(as_remnant(each->get())));
    for (Ref* each : of_update.builtins) whole.emplace_back(each, reviver.container(*each));
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
