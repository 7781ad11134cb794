// Runs what an update must run, away from the live program.
#pragma once

#include <utility>
#include <vector>

#include "plan/plan.hpp"
#include "stage/outcome.hpp"
#include "stage/world.hpp"

namespace rebottle {

// Stages a plan: what has to be run is run in `world`. Errors: ExecutionError; what is in `outcome.touches` by then is
// still in force.
void stage(Plan& plan, const Request& request, World& world, Outcome& outcome);

// Lets go, after the commit, of what only the stage holds: twins of functions and what was mapped onto live objects.
// What frames and functions begun in the stage may still look up stays. Runs destructors.
void drop_staged(Outcome& outcome, World& world);

// Gives namespaces the names back that they had, unless they are to keep those that they got.
class NamesGuard {
   public:
    NamesGuard() = default;
    ~NamesGuard();
    NamesGuard(const NamesGuard&) = delete;
    NamesGuard& operator=(const NamesGuard&) = delete;
    void add(const Ref& names, const Ref& former) { namespaces_.emplace_back(names, former); }
    void keep() noexcept { namespaces_.clear(); }

   private:
    std::vector<std::pair<Ref, Ref>> namespaces_;
};

// Runs, after the first writes of the commit, the statements that could not be staged: in the live namespaces,
// journaled. Errors: ExecutionError; what is in `outcome.touches` by then is still in force.
void run_deferred(Plan& plan, const Request& request, const std::vector<Deferred>& deferred, Outcome& outcome,
                  NamesGuard& names);

}  // namespace rebottle
