// Where a source binds names.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "source/version.hpp"

namespace rebottle {

// Answers for one version; only statements that mention a name are parsed, each once. Cost: a search in the text for
// each of the first names, for more of them one pass that notes where every name is mentioned.
class Bindings {
   public:
    // `version` must outlive it.
    Bindings(const Version& version, std::string path, int flags)
        : version_(version), path_(std::move(path)), flags_(flags) {}

    // The line of the last statement of the module that binds the name; 0 where none does.
    int last_line(const std::string& name);
    // Whether a statement `name += …` of the module, or the like, begins a line. Cost: once, the begin of each
    // statement.
    bool augments(const std::string& name);

   private:
    using Lines = std::unordered_map<std::string, int>;  // name -> line of the last statement that binds it

    int search(const std::string& name);
    const Lines& lines_of(std::size_t chunk);
    void note_mentions();

    const Version& version_;
    std::string path_;
    int flags_;
    std::size_t asked_ = 0;
    std::optional<std::unordered_set<std::string_view>> augmented_;
    Lines answers_;
    std::unordered_map<std::size_t, Lines> parsed_;                            // by number of the chunk
    std::unordered_map<std::string_view, std::vector<std::size_t>> mentions_;  // numbers of chunks, in order
};

}  // namespace rebottle
