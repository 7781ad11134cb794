// Which modules took a name from another one with an import statement.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/python.hpp"
#include "source/modules.hpp"

namespace rebottle {

// `from module import name as as`, outside of functions and classes.
struct ImportedName {
    std::string module;  // absolute
    std::string name;    // "*": everything
    std::string as;
};

// What the import statements of a recorded module bind. Cost: once for each version, those statements are parsed.
const std::vector<ImportedName>& imported_names(ModuleRecord& record, PyObject* module);

// Calls body for each module of the program that has its source recorded, with its name.
void for_recorded(const std::function<void(const std::string&, PyObject*)>& body);

struct Importer {
    std::string name;  // of the module
    Ref module;
    std::string as;
};

// Modules that took `name` from `module`, directly, and in which it still is `value`.
std::vector<Importer> importers_of(const std::string& module, const std::string& name, PyObject* value);
// Modules that star-import `module`.
std::vector<Importer> star_importers_of(const std::string& module);

}  // namespace rebottle
