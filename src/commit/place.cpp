#include "commit/place.hpp"

#include <cstdint>
#include <map>
#include <type_traits>
#include <variant>

namespace rebottle {
namespace {

std::string key_of(const Ref& key) {
    return PyUnicode_Check(key.get()) ? to_text(key.get())
                                      : "#" + std::to_string(reinterpret_cast<std::uintptr_t>(key.get()));
}

Place place(const FunctionWrite& w) { return {w.function.get(), ""}; }
Place place(const NameWrite& w) { return {w.dict.get(), key_of(w.key)}; }
Place place(const MemberWrite& w) { return {w.type.get(), key_of(w.name)}; }
Place place(const AttributeWrite& w) { return {w.object.get(), key_of(w.name)}; }
Place place(const CellWrite& w) { return {w.cell.get(), ""}; }
Place place(const TableWrite& w) { return {w.table.get(), ""}; }
Place place(const LineWrite& w) { return {w.code.get(), ""}; }
Place place(const SlotWrite& w) { return {w.slot, ""}; }
Place place(const ItemWrite& w) { return {w.sequence.get(), std::to_string(w.index)}; }
Place place(const BasesWrite& w) { return {w.type.get(), "__bases__"}; }
Place place(const TypeWrite& w) { return {w.object.get(), "__class__"}; }
Place place(const CacheWrite& w) { return {w.wrapper.get(), ""}; }

// The first write goes on to where `later` leads; false where they don't join: lines add up, and bases go by way of
// others, since classes of one family can't all be changed in any order.
template <class Same>
bool join(Same& first, const Same& later) {
    if constexpr (std::is_same_v<Same, LineWrite> || std::is_same_v<Same, BasesWrite>) return false;
    if constexpr (requires { first.after; }) first.after = later.after;
    if constexpr (requires { first.where; })
        if (first.where.empty()) first.where = later.where;
    return true;
}

bool join(Write& first, const Write& later) {
    return std::visit(
        [&later](auto& mine) {
            const auto* other = std::get_if<std::decay_t<decltype(mine)>>(&later);
            return other != nullptr && join(mine, *other);
        },
        first);
}

}  // namespace

Place place_of(const Write& write) {
    return std::visit([](const auto& each) { return place(each); }, write);
}

void join_places(Journal& journal) {
    std::map<Place, std::size_t> first;
    Journal joined;
    joined.reserve(journal.size());
    for (Write& write : journal) {
        const auto [found, fresh] = first.emplace(place_of(write), joined.size());
        if (fresh || !join(joined[found->second], write)) joined.push_back(write);
    }
    journal = std::move(joined);
}

}  // namespace rebottle
