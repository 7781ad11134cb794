// Statements that didn't change but come to light: what bound their names after them is gone.
#pragma once

#include <cstddef>
#include <vector>

#include "code/statement.hpp"
#include "source/version.hpp"

namespace rebottle {

// Numbers of chunks.
struct Uncovered {
    std::vector<std::size_t> olds;
    std::vector<std::size_t> news;
};

// `olds`, `news`: the statements of the two versions that differ; `old_chunks`: where the former ones stand. Cost: a
// search of both texts for each name that is gone from the statements that differ.
Uncovered uncovered(const Version& before, const Version& now, const std::vector<Statement>& olds,
                    const std::vector<Statement>& news, const std::vector<std::size_t>& old_chunks);

}  // namespace rebottle
