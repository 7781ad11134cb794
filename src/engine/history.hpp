// The updates that can be taken back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "code/code.hpp"
#include "commit/resolve.hpp"
#include "commit/storeroom.hpp"
#include "commit/write.hpp"
#include "rebottle/report.hpp"
#include "source/modules.hpp"
#include "stage/imports.hpp"

namespace rebottle {

// One update.
struct Past {
    Report report;
    Journal journal;
    std::vector<LayoutChange> layouts;
    std::size_t moved_at = 0;  // where the journal was when instances were first moved, if they were
    std::vector<Leftover> leftovers;
    CodeMap replaced_code;
    CodeMap hotfixed_code;                    // what a snippet replaced
    std::map<std::string, Version> versions;  // of its modules, before
    std::vector<std::string> new_modules;     // imported by it
    ImportedModules taken_out;                // by a rollback
    Touches touches;                          // what its statements did to objects of others
    bool touches_undone = false;              // they are taken back now (of a rollback)
    bool put_away = false;                    // it holds no functions and classes
    bool in_force = true;
    std::map<std::string, std::uint64_t>
        superseded;            // of a hotfix: definition edited in the source since -> by which update
    std::uint64_t undoes = 0;  // of a rollback: the update that it undid
    // Of a rollback that undid several updates: those before the last one, in the order in which they were undone.
    std::vector<std::shared_ptr<Past>> parts;
};

// Appends where one update refers to objects of the program.
void add_references(Past& past, std::vector<Ref*>& ours);

class History {
   public:
    const std::vector<std::shared_ptr<Past>>& all() const { return all_; }
    void set_size(std::size_t size) { size_ = size; }

    // Gives the report its number and its time.
    void number(Report& report);
    void add(std::shared_ptr<Past> past) { all_.push_back(std::move(past)); }
    // The oldest go where there are too many.
    void trim();
    void remove(const std::shared_ptr<Past>& past);
    std::shared_ptr<Past> find(std::uint64_t id) const;
    // The last one that is in force and no rollback, or nothing.
    std::shared_ptr<Past> last_in_force() const;
    // Those in force that came after `past` and touched the same definitions, the last one first; rollbacks only where
    // they undid what had come before it.
    std::vector<std::shared_ptr<Past>> later(const Past& past) const;
    bool in_force(std::uint64_t id) const;
    // Where it refers to objects of the program.
    std::vector<Ref*> references() const;
    // Appends the copies that only it holds.
    void add_copies(std::vector<PyObject*>& copies) const;
    // Marks the hotfixes whose definitions a reload edited in the source.
    void supersede(const Report& report);
    // Takes the marks back that the update set.
    void forget_supersedes(std::uint64_t id);

    // Lets go of functions and classes: what the program itself doesn't hold ends. Runs destructors.
    void put_away() noexcept;
    // Makes the references of an update whole, for its rollback; until `put_away` it holds functions and classes.
    // Errors: PythonError; nothing is changed then.
    void fetch(Past& past);

   private:
    void rename(const std::map<PyObject*, Reviver::Reborn>& reborn);

    Storeroom storeroom_;
    std::vector<std::shared_ptr<Past>> all_;
    std::size_t size_ = 32;
    std::uint64_t next_id_ = 1;
};

}  // namespace rebottle
