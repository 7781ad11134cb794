// Two versions of a text, separated by a null byte, are split: libFuzzer's target (make test-deep ARGS=fuzz), and the
// replay of its corpus among the C++ tests.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "source/split.hpp"

using rebottle::Chunk;
using rebottle::Split;
using rebottle::SplitChange;

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "split: %s\n", what);
    std::abort();
}

bool is_blank(std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t\f");
    return first == std::string_view::npos || line[first] == '#';
}

// Whether nothing stands there but blank lines and comments.
bool is_blank_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (!is_blank(text.substr(0, end))) return false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

void check_split(std::string_view text, const Split& split) {
    std::size_t end = 0;
    int line = 1;
    for (const Chunk& chunk : split.chunks) {
        require(chunk.begin >= end && chunk.end > chunk.begin && chunk.end <= text.size(), "chunks are in order");
        require(is_blank_text(text.substr(end, chunk.begin - end)), "between chunks nothing is lost");
        require(chunk.begin == 0 || text[chunk.begin - 1] == '\n', "a chunk begins a line");
        line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(end),
                                            text.begin() + static_cast<std::ptrdiff_t>(chunk.begin), '\n'));
        require(chunk.line == line, "a chunk knows its line");
        line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(chunk.begin),
                                            text.begin() + static_cast<std::ptrdiff_t>(chunk.end), '\n'));
        end = chunk.end;
    }
    require(is_blank_text(text.substr(end)), "after the last chunk nothing is lost");
}

bool same(const Chunk& a, const Chunk& b) { return a.begin == b.begin && a.end == b.end && a.line == b.line; }

void check_change(std::string_view old_text, const Split& old, std::string_view text, const SplitChange& change) {
    const Split anew = rebottle::split(text);
    require(
        std::equal(anew.chunks.begin(), anew.chunks.end(), change.now.chunks.begin(), change.now.chunks.end(), same),
        "split again is split anew");
    require(anew.complete == change.now.complete, "both know whether the text ends too early");
    require(change.head + change.tail <= std::min(old.chunks.size(), anew.chunks.size()), "head and tail are apart");
    for (std::size_t i = 0; i < change.head; ++i)
        require(same(old.chunks[i], anew.chunks[i]) && old.chunks[i].in(old_text) == anew.chunks[i].in(text),
                "the head is in place");
    for (std::size_t i = 1; i <= change.tail; ++i)
        require(old.chunks[old.chunks.size() - i].in(old_text) == anew.chunks[anew.chunks.size() - i].in(text),
                "the tail is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t middle = std::min(input.find('\0'), input.size());
    const std::string_view old_text = input.substr(0, middle);
    const std::string_view text = input.substr(std::min(middle + 1, input.size()));
    const Split old = rebottle::split(old_text);
    check_split(old_text, old);
    check_split(text, rebottle::split(text));
    check_change(old_text, old, text, rebottle::split_again(old_text, old, text));
    return 0;
}
