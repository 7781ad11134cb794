// Tells which of the files that it was given changed on disk.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "descriptor.hpp"
#include "inotify.hpp"
#include "stamp.hpp"

namespace rebottle::watch {

struct Options {
    std::chrono::milliseconds quiet{20};     // a burst of changes is over after so long without another one,
    std::chrono::milliseconds longest{500};  // at the latest after so long
    std::chrono::milliseconds sweep{500};    // how often to look for what the kernel doesn't tell
    bool notified = true;                    // false: only look, never ask the kernel
};

// Directories are watched, not files: a file's own watch dies with the first save that replaces the file. What the
// kernel doesn't tell (network file systems, links whose targets change, a directory put in another's place, too many
// watches) is found by looking, twice a second.
// Threads: every method from any thread; wait() in one at a time. A forked child holds a stopped watcher, and can't
// disturb its parent's.
class Watcher {
   public:
    // Errors: std::system_error where the process can't open another descriptor.
    explicit Watcher(Options options = {});

    // Watches the file too, there or not yet; for a member of an archive, the archive. False where it was watched
    // already. Cost: a few microseconds, more for the first file of a directory.
    bool add(const std::string& path);

    // The files that changed since the last call, as they were given to add(), sorted; empty after `timeout` or stop().
    // A burst of changes is waited out. A change means that something was written: the content may be the same.
    std::vector<std::string> wait(std::chrono::milliseconds timeout);

    // Ends the wait() that is under way and all later ones.
    void stop() noexcept;
    bool stopped() const noexcept;

    // Whether the kernel tells about changes at all.
    bool notified() const noexcept { return inotify_.available(); }

   private:
    using Clock = std::chrono::steady_clock;
    using Changed = std::set<std::string>;
    struct File {
        Stamp stamp;
        bool linked = false;             // a symbolic link: the kernel doesn't tell when what it leads to is written
        std::vector<std::string> names;  // as given to add()
    };
    struct Directory {
        Identity identity;
        int watch = -1;
        bool unseen = false;
        std::map<std::string, File, std::less<>> files;
    };

    void attach(const std::string& path, Directory& directory);
    void sleep_until(Clock::time_point time) const noexcept;
    bool collect(Changed& changed);
    bool take(const Inotify::Event& event, Changed& changed);
    bool sweep(Changed& changed);
    bool look(const std::string& directory, const std::string& name, File& file, Changed& changed);

    const Options options_;
    const pid_t owner_;
    Inotify inotify_;
    Descriptor wake_;  // readable once stopped
    std::atomic<bool> stopped_{false};
    std::mutex mutex_;  // guards what follows
    std::unordered_set<std::string> known_;
    std::map<std::string, Directory> directories_;
    Clock::time_point next_sweep_;
};

}  // namespace rebottle::watch
