#include "engine/history.hpp"

#include <algorithm>
#include <chrono>

#include "commit/ours.hpp"
#include "live/retired.hpp"

namespace rebottle {
namespace {

bool can_be_undone(const Past& past) { return past.in_force && past.report.kind != "rollback"; }

bool builds_on(const Past& later, const Past& earlier) {
    return later.in_force && (later.report.kind != "rollback" || later.undoes < earlier.report.id);
}

// Whether two updates touched the same definition.
bool overlap(const Past& later, const Past& earlier) {
    for (const Change& a : later.report.changes)
        for (const Change& b : earlier.report.changes)
            if (a.where == b.where || a.where.starts_with(b.where + ".") || b.where.starts_with(a.where + "."))
                return true;
    return false;
}

}  // namespace

void History::number(Report& report) {
    report.id = next_id_++;
    report.time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void History::trim() {
    release_retired();
    while (all_.size() > size_) {
        // It goes when the list is whole again: what it held may run destructors.
        const std::shared_ptr<Past> oldest = all_.front();
        all_.erase(all_.begin());
        retire_namespaces(former_namespaces(oldest->journal));
        for (const auto& part : oldest->parts) retire_namespaces(former_namespaces(part->journal));
    }
}

void History::remove(const std::shared_ptr<Past>& past) { std::erase(all_, past); }

std::shared_ptr<Past> History::find(std::uint64_t id) const {
    const auto found = std::find_if(all_.begin(), all_.end(), [id](const auto& past) { return past->report.id == id; });
    return found == all_.end() ? nullptr : *found;
}

std::shared_ptr<Past> History::last_in_force() const {
    const auto found = std::find_if(all_.rbegin(), all_.rend(), [](const auto& each) { return can_be_undone(*each); });
    return found == all_.rend() ? nullptr : *found;
}

std::vector<std::shared_ptr<Past>> History::later(const Past& past) const {
    std::vector<std::shared_ptr<Past>> found;
    for (auto each = all_.rbegin(); each != all_.rend() && each->get() != &past; ++each)
        if (builds_on(**each, past) && overlap(**each, past)) found.push_back(*each);
    return found;
}

bool History::in_force(std::uint64_t id) const {
    const auto past = find(id);
    if (!past || !past->in_force) return false;
    if (past->superseded.empty()) return true;
    return std::any_of(past->report.changes.begin(), past->report.changes.end(),
                       [&](const Change& change) { return !past->superseded.contains(change.where); });
}

void add_references(Past& past, std::vector<Ref*>& ours) {
    add_references(past.journal, ours);
    add_references(past.touches, ours);
    for (Leftover& each : past.leftovers) ours.push_back(&each.object);
    for (const auto& part : past.parts) add_references(*part, ours);
}

std::vector<Ref*> History::references() const {
    std::vector<Ref*> ours;
    for (const auto& past : all_) add_references(*past, ours);
    return ours;
}

namespace {

void add_copies_of(const Past& past, std::vector<PyObject*>& copies) {
    add_copies(past.journal, copies);
    add_copies(past.touches, copies);
    for (const auto& part : past.parts) add_copies_of(*part, copies);
}

}  // namespace

void History::add_copies(std::vector<PyObject*>& copies) const {
    for (const auto& past : all_) add_copies_of(*past, copies);
}

void History::supersede(const Report& report) {
    for (const auto& past : all_)
        if (past->report.kind == "hotfix" && past->in_force)
            for (const Change& mine : past->report.changes)
                for (const Change& change : report.changes)
                    if (change.where == mine.where) past->superseded.emplace(mine.where, report.id);
}

void History::forget_supersedes(std::uint64_t id) {
    for (const auto& each : all_) std::erase_if(each->superseded, [&](const auto& by) { return by.second == id; });
}

}  // namespace rebottle
