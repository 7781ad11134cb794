// Which modules are tracked, and which version of its source each of them runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "source/caught.hpp"
#include "source/version.hpp"

namespace rebottle {

struct ModuleRecord {
    std::string name;
    Version version;   // what the live module was made from
    bool user = true;  // from outside of the interpreter's library and installed packages
    Ref module;        // weak reference to the object in sys.modules that it is about
    bool earlier =
        false;  // imported before this engine: whether the file is what the module was made from isn't known yet

    // Whether it is about this very object; a module that took the place of one that died isn't.
    bool is_about(PyObject* object) const;
};

// Records modules as they are imported. Threads: GIL held.
class Modules {
   public:
    static Modules& instance();

    // Patterns that reload() looks at; the first call replaces the default (everything of the user).
    void track(const std::vector<std::string>& patterns);
    // Names of the tracked modules that are loaded, in the order of sys.modules.
    std::vector<std::string> tracked() const;
    // Names of loaded modules that match a name or a pattern with * in it.
    static std::vector<std::string> matching(const std::string& pattern);

    // The record of a loaded module, made if there is none.
    ModuleRecord& record(const std::string& name);

    // Whether a loaded module has a record of the user's code, without making one.
    bool is_recorded(const std::string& name) const;

    // Whether the file of a recorded module may have been written since. Cost: one or two stats.
    bool maybe_changed(const ModuleRecord& record) const;

    // Notes what this thread adds to sys.modules; nests. Stopped, it gives the names since `start`, which it returned.
    std::size_t start_noting();
    std::vector<std::string> stop_noting(std::size_t start);
    const std::vector<std::string>& noted() const { return noted_; }

   private:
    Modules();
    static int on_event(PyDict_WatchEvent event, PyObject* dict, PyObject* key, PyObject* value);
    void note_module(PyObject* name, PyObject* module, bool earlier);
    void note_code(const std::string& name, Caught caught);

    std::unordered_map<std::string, ModuleRecord> records_;
    std::optional<std::vector<std::string>> patterns_;
    int watcher_ = -1;
    int noting_ = 0;
    unsigned long noting_thread_ = 0;
    std::vector<std::string> noted_;
    std::vector<std::string> foreign_;  // folders of the interpreter's library and of installed packages
    bool is_foreign(const std::string& path) const;
};

// The module object of a name, or nothing.
Ref loaded_module(const std::string& name);
// The dict of the package that has the module as a submodule; nothing where there is none, as for an alias that a
// program has put into sys.modules.
Ref namespace_of_package(const std::string& name, PyObject* module);
// The dict of a module object. Errors: TypeError for what is no module.
PyObject* namespace_of(PyObject* module);
bool matches(const std::string& pattern, const std::string& name);

// Asks the import system for the source of a loaded module as it is now. Returns nothing where it isn't found any more.
// Errors: SourceError; what finders and loaders raise comes as its cause.
std::optional<Version> find_version(const std::string& name, PyObject* module, const Version* former = nullptr);
// The former version of a module that was imported before anybody looked: `candidate`, the cached bytecode of its file,
// or nothing, whichever agrees with the live functions.
Version agreeing_version(PyObject* module, Version candidate);
// Makes finders look again at what they remember of folders and archives.
void refresh_finders();
// The names that the import system would write into a loaded module otherwise, now that it answers with `spec`
// (Ellipsis: it would not write that one any more); nothing where it is all the same.
Ref changed_import_names(const std::string& name, PyObject* module, PyObject* spec);
// The name under which a module is recorded: "os.path" is an alias of another one.
std::string listed_name(const std::string& name);
// A version from text that a caller hands over for a loaded module. Errors: SourceError, CompiledModule.
Version handed_version(const std::string& name, PyObject* module, const std::string& text, const Version& former);
// A version from text; `path` is the file name of its code.
Version version_of_text(std::string text, const std::string& path, const Version* former = nullptr);

}  // namespace rebottle
