#include "plan/uncovered.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "plan/bindings.hpp"

namespace rebottle {
namespace {

// The chunk that holds a line.
std::size_t chunk_at(const Version& version, int line) {
    const auto& chunks = version.split.chunks;
    const auto after = std::upper_bound(chunks.begin(), chunks.end(), line,
                                        [](int place, const Chunk& chunk) { return place < chunk.line; });
    return static_cast<std::size_t>(after - chunks.begin()) - 1;
}

}  // namespace

Uncovered uncovered(const Version& before, const Version& now, const std::vector<Statement>& olds,
                    const std::vector<Statement>& news, const std::vector<std::size_t>& old_chunks) {
    std::set<std::string> bound;
    for (const Statement& each : news) bound.insert(each.binds.begin(), each.binds.end());
    Bindings bindings_before(before, before.path, future_flags(before));
    Bindings bindings_now(now, now.path, future_flags(now));
    std::set<std::size_t> found;
    for (const Statement& old : olds) {
        if (!old.binds_anew()) continue;
        for (const std::string& name : old.binds) {
            if (bound.contains(name)) continue;
            const int line = bindings_now.last_line(name);
            if (line != 0 && bindings_before.last_line(name) == old.line) found.insert(chunk_at(now, line));
        }
    }
    Uncovered result;
    const std::set<std::size_t> differing(old_chunks.begin(), old_chunks.end());
    for (const std::size_t chunk : found) {
        const std::string_view text = now.split.chunks[chunk].in(now.text);
        for (std::size_t i = before.split.chunks.size(); i-- > 0;) {
            if (differing.contains(i) || before.split.chunks[i].in(before.text) != text) continue;
            result.olds.push_back(i);
            result.news.push_back(chunk);
            break;
        }
    }
    return result;
}

}  // namespace rebottle
