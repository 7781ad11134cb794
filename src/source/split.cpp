#include "source/split.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace rebottle {
namespace {

// Walks over the characters of one source; knows strings, replacement fields, brackets and continuation lines.
class Scanner {
   public:
    Scanner(std::string_view text, std::size_t position, int line) : text_(text), position_(position), line_(line) {}

    bool complete() const { return complete_; }
    std::size_t position() const { return position_; }

    // Reads the chunk that begins at or after the position; false at the end of the text.
    bool next(Chunk& chunk) {
        if (!skip_blank_lines()) return false;
        chunk.begin = position_;
        chunk.line = line_;
        bool decorated = peek() == '@';
        read_logical_line();
        chunk.end = logical_end_;
        while (skip_blank_lines()) {
            const bool indented = peek() == ' ' || peek() == '\t' || peek() == '\f';
            if (!indented && !decorated && !continues_compound_statement()) break;
            if (!indented && decorated) decorated = peek() == '@';
            read_logical_line();
            chunk.end = logical_end_;
        }
        return true;
    }

   private:
    char peek(std::size_t ahead = 0) const {
        return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
    }
    bool at_end() const { return position_ >= text_.size(); }

    void advance() {
        if (text_[position_] == '\n') ++line_;
        ++position_;
    }

    // Moves to the start of the next line that has code; false at the end.
    bool skip_blank_lines() {
        while (!at_end()) {
            std::size_t p = position_;
            while (p < text_.size() && (text_[p] == ' ' || text_[p] == '\t' || text_[p] == '\f')) ++p;
            if (p < text_.size() && text_[p] != '\n' && text_[p] != '#') return true;
            p = text_.find('\n', p);
            if (p == std::string_view::npos) {
                position_ = text_.size();
                return false;
            }
            position_ = p + 1;
            ++line_;
        }
        return false;
    }

    bool continues_compound_statement() const {
        static constexpr std::array<std::string_view, 4> words = {"else", "elif", "except", "finally"};
        return std::any_of(words.begin(), words.end(), [this](std::string_view word) {
            return text_.substr(position_, word.size()) == word && !is_name_character(peek(word.size()));
        });
    }

    // Reads up to and over the line end that ends the logical line.
    void read_logical_line() {
        int depth = 0;
        logical_end_ = position_;
        while (!at_end()) {
            const char c = peek();
            if (c == '\n' && depth <= 0) {
                advance();
                return;
            }
            if (c == '#') {
                skip_comment();
                continue;
            }
            if (c == '"' || c == '\'') {
                read_string();
            } else if (c == '\\' && position_ + 1 < text_.size()) {
                advance();
                advance();
            } else {
                if (c == '(' || c == '[' || c == '{') ++depth;
                if (c == ')' || c == ']' || c == '}') --depth;
                advance();
            }
            if (c != ' ' && c != '\t' && c != '\n') logical_end_ = position_;
        }
        if (depth > 0) complete_ = false;
    }

    void skip_comment() {
        while (!at_end() && peek() != '\n') ++position_;
    }

    struct Prefix {
        bool formatted = false;
        bool raw = false;
    };

    // The letters before the quote at the position.
    Prefix prefix() const {
        Prefix found;
        std::size_t p = position_;
        while (p > 0 && position_ - p < 3 && is_name_character(text_[p - 1])) --p;
        if (p > 0 && is_name_character(text_[p - 1])) return {};
        for (; p < position_; ++p) {
            const char c = text_[p];
            if (c == 'f' || c == 'F') {
                found.formatted = true;
            } else if (c == 'r' || c == 'R') {
                found.raw = true;
            } else if (c != 'b' && c != 'B' && c != 'u' && c != 'U') {
                return {};
            }
        }
        return found;
    }

    void read_string() {
        const Prefix kind = prefix();
        const char quote = peek();
        const bool triple = peek(1) == quote && peek(2) == quote;
        for (int i = 0; i < (triple ? 3 : 1); ++i) advance();
        while (!at_end()) {
            const char c = peek();
            if (c == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
                for (int i = 0; i < (triple ? 3 : 1); ++i) advance();
                return;
            }
            if (c == '\n' && !triple) break;
            if (c == '\\') {
                read_escape(kind);
            } else if (c == '{' && kind.formatted) {
                if (peek(1) == '{') {
                    position_ += 2;
                } else {
                    read_replacement_field();
                }
            } else {
                advance();
            }
        }
        complete_ = false;
    }

    void read_escape(Prefix kind) {
        advance();
        if (at_end()) return;
        if (kind.formatted && peek() == '{') return;
        if (kind.formatted && !kind.raw && peek() == 'N' && peek(1) == '{') {
            while (!at_end() && peek() != '}' && peek() != '\n') advance();
            return;
        }
        advance();
    }

    // Reads from the opening brace over the closing one. What is nested deeper than CPython takes isn't read on.
    void read_replacement_field() {
        constexpr int deepest = 400;  // MAXFSTRINGLEVEL (CPython's Parser/lexer) is 150
        if (nested_ == deepest) position_ = text_.size();
        ++nested_;
        read_field();
        --nested_;
    }

    void read_field() {
        if (at_end()) return;
        advance();
        int depth = 0;
        while (!at_end()) {
            const char c = peek();
            if (c == '}' && depth == 0) {
                advance();
                return;
            }
            if (c == ':' && depth == 0) {
                read_format();
                continue;
            }
            if (c == '"' || c == '\'') {
                read_string();
                continue;
            }
            if (c == '#') {
                skip_comment();
                continue;
            }
            if (c == '(' || c == '[' || c == '{') ++depth;
            if (c == ')' || c == ']' || c == '}') --depth;
            advance();
        }
        complete_ = false;
    }

    // Reads a format specification up to the closing brace of its field.
    void read_format() {
        while (!at_end() && peek() != '}') {
            if (peek() == '{') {
                read_replacement_field();
            } else {
                advance();
            }
        }
    }

    std::string_view text_;
    std::size_t position_;
    std::size_t logical_end_ = 0;
    int line_;
    int nested_ = 0;
    bool complete_ = true;
};

constexpr std::size_t kBlock = 4096;  // compared at once: memcmp is many times faster than a loop over bytes

std::size_t common_head(std::string_view a, std::string_view b) {
    const std::size_t size = std::min(a.size(), b.size());
    std::size_t same = 0;
    while (same + kBlock <= size && std::memcmp(a.data() + same, b.data() + same, kBlock) == 0) same += kBlock;
    while (same < size && a[same] == b[same]) ++same;
    return same;
}

std::size_t common_tail(std::string_view a, std::string_view b) {
    const std::size_t size = std::min(a.size(), b.size());
    const char* a_end = a.data() + a.size();
    const char* b_end = b.data() + b.size();
    std::size_t same = 0;
    while (same + kBlock <= size && std::memcmp(a_end - same - kBlock, b_end - same - kBlock, kBlock) == 0)
        same += kBlock;
    while (same < size && *(a_end - same - 1) == *(b_end - same - 1)) ++same;
    return same;
}

std::size_t first_chunk_at(const Split& split, std::size_t offset) {
    const auto at = std::lower_bound(split.chunks.begin(), split.chunks.end(), offset,
                                     [](const Chunk& chunk, std::size_t where) { return chunk.begin < where; });
    return static_cast<std::size_t>(at - split.chunks.begin());
}

// Appends the chunks of `old` from index `at` on, moved so that the first of them stands where `first` does.
void append_moved(Split& now, const Split& old, std::size_t at, const Chunk& first) {
    const std::size_t moved = first.begin - old.chunks[at].begin;  // modulo 2^64: also backwards
    const int lines = first.line - old.chunks[at].line;
    for (std::size_t i = at; i < old.chunks.size(); ++i)
        now.chunks.push_back({old.chunks[i].begin + moved, old.chunks[i].end + moved, old.chunks[i].line + lines});
}

}  // namespace

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

Split split(std::string_view text) {
    Split result;
    Scanner scanner(text, 0, 1);
    Chunk chunk;
    while (scanner.next(chunk)) result.chunks.push_back(chunk);
    result.complete = scanner.complete();
    return result;
}

SplitChange split_again(std::string_view old_text, const Split& old, std::string_view text) {
    SplitChange change;
    if (!old.complete) {
        change.now = split(text);
        return change;
    }
    // The chunk before the first difference is read again: a changed line can belong to it ("else:").
    const std::size_t touched = first_chunk_at(old, common_head(old_text, text) + 1);
    change.head = touched > 2 ? touched - 2 : 0;
    change.now.chunks.assign(old.chunks.begin(), old.chunks.begin() + static_cast<std::ptrdiff_t>(change.head));
    const bool from_start = change.head == 0;
    Scanner scanner(text, from_start ? 0 : old.chunks[change.head].begin,
                    from_start ? 1 : old.chunks[change.head].line);
    const std::size_t tail_size = common_tail(old_text, text);
    Chunk chunk;
    while (scanner.next(chunk)) {
        const std::size_t rest = text.size() - chunk.begin;
        // Equal to the end, the line end before it included: from here on the old chunks are the new ones.
        const std::size_t at = rest < tail_size ? first_chunk_at(old, old_text.size() - rest) : old.chunks.size();
        if (at < old.chunks.size() && at >= change.head && old.chunks[at].begin == old_text.size() - rest) {
            change.tail = old.chunks.size() - at;
            append_moved(change.now, old, at, chunk);
            break;
        }
        change.now.chunks.push_back(chunk);
    }
    change.now.complete = scanner.complete();
    return change;
}

}  // namespace rebottle
