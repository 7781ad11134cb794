// The import system around an update: what a failed one imported is taken out again.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

class ImportState {
   public:
    ImportState();
    ~ImportState();
    ImportState(const ImportState&) = delete;
    ImportState& operator=(const ImportState&) = delete;

    // The update succeeded: what it imported stays. Returns the names of the modules that it imported.
    std::vector<std::string> keep();

   private:
    void restore() noexcept;
    std::vector<std::pair<Ref, Ref>> lists_;  // a list of the import system and its former content
    std::size_t start_ = 0;
    bool kept_ = false;
};

// Forgets, unless it is to be kept, for which folders the import system has asked for finders while it lived, and what
// finders, loaders and codecs have imported.
class FinderState {
   public:
    FinderState();
    ~FinderState();
    FinderState(const FinderState&) = delete;
    FinderState& operator=(const FinderState&) = delete;
    void keep() noexcept { kept_ = true; }

   private:
    std::size_t start_;
    bool kept_ = false;
    Ref cache_;
    Ref former_;
};

// Takes modules out of sys.modules and of their parent packages.
void forget_modules(const std::vector<std::string>& names) noexcept;

// The same, and back again.
using ImportedModules = std::vector<std::pair<std::string, Ref>>;
ImportedModules take_out(const std::vector<std::string>& names);
void put_back(const ImportedModules& modules);

}  // namespace rebottle
