#include "plan/bindings.hpp"

#include "code/statement.hpp"
#include "code/tree.hpp"

namespace rebottle {
namespace {

constexpr std::size_t few = 16;  // names that are searched one by one

template <class Visit>
void for_words(std::string_view text, Visit visit) {
    std::size_t begin = 0;
    for (std::size_t end = 0; end <= text.size(); ++end) {
        if (end < text.size() && is_name_character(text[end])) continue;
        if (end > begin) visit(text.substr(begin, end - begin));
        begin = end + 1;
    }
}

// The name that an augmented assignment begins with; empty where it is something else.
std::string_view augmented_name(std::string_view text) {
    const std::size_t end = text.find_first_of(" =+-*/%@&|^<>(.[:,;#");
    const std::size_t sign = text.find_first_not_of(' ', end);
    if (end == std::string_view::npos || sign == std::string_view::npos) return {};
    const std::size_t equals = text.find_first_not_of("+-*/%@&|^<>", sign);
    const bool augmented = equals != std::string_view::npos && equals > sign && text[equals] == '=';
    return augmented ? text.substr(0, end) : std::string_view();
}

}  // namespace

int Bindings::last_line(const std::string& name) {
    const auto [answer, is_new] = answers_.try_emplace(name, 0);
    if (is_new) answer->second = search(name);
    return answer->second;
}

int Bindings::search(const std::string& name) {
    if (++asked_ == few) note_mentions();
    const auto line_in = [&](std::size_t chunk) {
        const Lines& lines = lines_of(chunk);
        const auto found = lines.find(name);
        return found == lines.end() ? 0 : found->second;
    };
    const auto& chunks = version_.split.chunks;
    if (asked_ < few) {
        for (std::size_t i = chunks.size(); i-- > 0;)
            if (chunks[i].in(version_.text).find(name) != std::string_view::npos)
                if (const int line = line_in(i); line != 0) return line;
        return 0;
    }
    const auto mentions = mentions_.find(name);
    if (mentions == mentions_.end()) return 0;
    for (auto chunk = mentions->second.rbegin(); chunk != mentions->second.rend(); ++chunk)
        if (const int line = line_in(*chunk); line != 0) return line;
    return 0;
}

const Bindings::Lines& Bindings::lines_of(std::size_t chunk) {
    if (const auto known = parsed_.find(chunk); known != parsed_.end()) return known->second;
    const Chunk& place = version_.split.chunks[chunk];
    const Ref tree = parse(std::string(place.in(version_.text)), path_, flags_);
    Lines lines;
    for (const Statement& statement : statements_of(attribute(tree.get(), "body").get(), place.line - 1, false))
        for (const std::string& name : statement.binds) lines[name] = statement.line;
    return parsed_.emplace(chunk, std::move(lines)).first->second;
}

void Bindings::note_mentions() {
    const auto& chunks = version_.split.chunks;
    for (std::size_t i = 0; i < chunks.size(); ++i)
        for_words(chunks[i].in(version_.text), [&](std::string_view word) {
            std::vector<std::size_t>& where = mentions_[word];
            if (where.empty() || where.back() != i) where.push_back(i);
        });
}

bool Bindings::augments(const std::string& name) {
    if (!augmented_) {
        augmented_.emplace();
        for (const Chunk& chunk : version_.split.chunks)
            if (const std::string_view found = augmented_name(chunk.in(version_.text)); !found.empty())
                augmented_->insert(found);
    }
    return augmented_->contains(name);
}

}  // namespace rebottle
