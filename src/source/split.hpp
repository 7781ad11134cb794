// Splits Python source into its top-level statements without parsing it, so that the cost follows the change.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rebottle {

// The text of one or more top-level statements that share lines: from its first line to its last, decorators included,
// blank lines and comments around it left out.
struct Chunk {
    std::size_t begin = 0;  // byte offset of its first character
    std::size_t end = 0;    // byte offset past its last character, line end left out
    int line = 1;           // 1-based number of its first line

    std::string_view in(std::string_view text) const { return text.substr(begin, end - begin); }
};

// A whole source, split.
struct Split {
    std::vector<Chunk> chunks;
    bool complete = true;  // false: it ends within a string or a bracket, the parser will say where
};

// Whether a name can have this byte.
bool is_name_character(char c);

// Splits `text` (UTF-8, lines ended by \n). Cost: one pass.
Split split(std::string_view text);

// What two versions of a source share at both ends: chunks [0, head) are equal and in place; the last `tail` chunks are
// equal, moved by a number of lines.
struct SplitChange {
    Split now;
    std::size_t head = 0;
    std::size_t tail = 0;
};

// Splits `text` with the help of the split of its former version. Cost: the comparison, then what lies between.
SplitChange split_again(std::string_view old_text, const Split& old, std::string_view text);

}  // namespace rebottle
