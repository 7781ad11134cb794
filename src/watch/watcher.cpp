#include "watcher.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace rebottle::watch {
namespace {

std::string join(const std::string& directory, const std::string& name) {
    return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace

Watcher::Watcher(Options options)
    : options_(options),
      owner_(::getpid()),
      inotify_(options.notified ? Inotify::open() : Inotify()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      next_sweep_(Clock::now() + options.sweep) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "can't watch files");
}

bool Watcher::add(const std::string& path) {
    if (stopped()) return false;
    const std::lock_guard lock(mutex_);
    if (!known_.insert(path).second) return false;
    const std::filesystem::path file = holder(std::filesystem::absolute(path));
    const std::string folder = file.parent_path();
    const auto [place, first] = directories_.try_emplace(folder);
    // The directory is watched before its file is looked at: a change in between is then told, not missed.
    if (first) attach(folder, place->second);
    File& entry = place->second.files[file.filename()];
    entry.stamp = stamp(file);
    entry.linked = is_symbolic_link(file);
    entry.names.push_back(path);
    return true;
}

void Watcher::attach(const std::string& path, Directory& directory) {
    const int old = std::exchange(directory.watch, -1);
    const auto same = [old](const auto& item) { return item.second.watch == old; };
    if (old >= 0 && std::none_of(directories_.begin(), directories_.end(), same)) inotify_.unwatch(old);
    directory.watch = inotify_.watch(path);
    directory.identity = stamp(path).identity;
    directory.unseen = directory.watch < 0 || changes_unseen(path);
}

std::vector<std::string> Watcher::wait(std::chrono::milliseconds timeout) {
    Changed changed;
    auto end = Clock::now() + std::min<std::chrono::milliseconds>(timeout, std::chrono::years(1));
    auto limit = Clock::time_point::max();
    while (!stopped()) {
        sleep_until(std::min(end, next_sweep_));
        const bool more = collect(changed);
        const auto now = Clock::now();
        if (more) {
            limit = std::min(limit, now + options_.longest);
            end = std::min(limit, now + options_.quiet);
        }
        if (now >= end) break;
    }
    return {changed.begin(), changed.end()};
}

void Watcher::sleep_until(Clock::time_point time) const noexcept {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
    std::array<pollfd, 2> wakers{{{wake_.get(), POLLIN, 0}, {inotify_.descriptor(), POLLIN, 0}}};
    ::poll(wakers.data(), wakers.size(), std::max(0, static_cast<int>(left.count())));
}

bool Watcher::collect(Changed& changed) {
    const std::lock_guard lock(mutex_);
    bool found = false;
    if (inotify_.available()) inotify_.drain([&](const auto& event) { found = take(event, changed) || found; });
    const auto now = Clock::now();
    if (now < next_sweep_) return found;
    found = sweep(changed) || found;
    // What a look finds may be half written: look again before the burst counts as over.
    next_sweep_ = now + (found ? options_.quiet : options_.sweep);
    return found;
}

bool Watcher::take(const Inotify::Event& event, Changed& changed) {
    using What = Inotify::What;
    if (event.what == What::overflow || event.what == What::unwatched) {
        next_sweep_ = Clock::now();
        const bool all = event.what == What::overflow;
        for (auto& [path, directory] : directories_)
            if (all || directory.watch == event.watch) directory.identity = {};
        return false;
    }
    bool found = false;
    for (auto& [path, directory] : directories_) {
        if (directory.watch != event.watch) continue;
        const auto entry = directory.files.find(event.name);
        if (entry == directory.files.end()) continue;
        File& file = entry->second;
        const std::string full = join(path, entry->first);
        if (event.what == What::appeared && !appears_whole(full)) continue;
        file.stamp = stamp(full);
        file.linked = is_symbolic_link(full);
        changed.insert(file.names.begin(), file.names.end());
        found = true;
    }
    return found;
}

bool Watcher::sweep(Changed& changed) {
    bool found = false;
    for (auto& [path, directory] : directories_) {
        const bool other = stamp(path).identity != directory.identity;
        if (other) attach(path, directory);
        for (auto& [name, file] : directory.files)
            if (other || directory.unseen || file.linked) found = look(path, name, file, changed) || found;
    }
    return found;
}

// A file that is gone is no change: most often it is on its way back.
bool Watcher::look(const std::string& directory, const std::string& name, File& file, Changed& changed) {
    const std::string full = join(directory, name);
    const Stamp now = stamp(full);
    if (!now.exists() || now == file.stamp) return false;
    file.stamp = now;
    file.linked = is_symbolic_link(full);
    changed.insert(file.names.begin(), file.names.end());
    return true;
}

void Watcher::stop() noexcept {
    if (::getpid() != owner_) return;
    stopped_ = true;
    ::eventfd_write(wake_.get(), 1);
}

bool Watcher::stopped() const noexcept { return stopped_ || ::getpid() != owner_; }

}  // namespace rebottle::watch
