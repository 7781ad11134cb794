// How the history lets go of functions and classes, and has them again.
#include "compat/memory.hpp"
#include "engine/history.hpp"

namespace rebottle {
namespace {

void collect(References& all, Past& past) {
    all.add(past.journal);
    all.add(past.touches);
    for (const auto& part : past.parts) collect(all, *part);
}

bool has_something(Past& past) {
    References own;
    collect(own, past);
    return is_of_interest(own);
}

class Renamer {
   public:
    explicit Renamer(const std::map<PyObject*, Reviver::Reborn>& reborn) : reborn_(reborn) {}

    void in(Past& past) const {
        for (Write& write : past.journal) std::visit([this](auto& each) { in_write(each); }, write);
        for (LayoutChange& each : past.layouts) weak(each.type);
        for (const auto& part : past.parts) in(*part);
    }

   private:
    void weak(Ref& reference) const {
        if (const auto found = reborn_.find(reference.get()); found != reborn_.end()) reference = found->second.weak;
    }

    void in_write(FunctionWrite& w) const {
        const auto found = reborn_.find(w.function.get());
        if (found == reborn_.end()) return;
        w.function = found->second.weak;
        if (w.after.dict && PyLong_AsVoidPtr(w.after.dict.get()) == PyLong_AsVoidPtr(found->second.former_dict.get()))
            w.after.dict = found->second.dict;
    }
    template <class Any>
    void in_write(Any& w) const {
        if constexpr (requires { w.type; }) weak(w.type);
    }

    const std::map<PyObject*, Reviver::Reborn>& reborn_;
};

}  // namespace

void History::put_away() noexcept {
    const ErrorAside aside;
    const compat::SureMemory sure;
    unfailing([this] {
        bool any = false;
        for (const auto& past : all_) any = any || (!past->put_away && has_something(*past));
        for (const auto& past : all_) past->put_away = true;
        if (!any) return;
        References all;
        for (const auto& past : all_) collect(all, *past);
        storeroom_.put_away(all);
    });
}

void History::fetch(Past& past) {
    References own;
    own.add(past.journal);
    own.add(past.touches);
    Reviver reviver;
    storeroom_.fetch(own, reviver);
    rename(reviver.reborn());
    for (const auto& each : all_) each->put_away = false;
}

void History::rename(const std::map<PyObject*, Reviver::Reborn>& reborn) {
    if (reborn.empty()) return;
    const Renamer renamer(reborn);
    for (const auto& past : all_) renamer.in(*past);
}

}  // namespace rebottle
