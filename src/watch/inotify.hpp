// The kernel's word on what happens in directories. Linux only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "descriptor.hpp"

namespace rebottle::watch {

class Inotify {
   public:
    enum class What { written, appeared, unwatched, overflow };
    struct Event {
        What what;
        int watch;              // what watch() returned for the directory
        std::string_view name;  // within the directory; empty for unwatched and overflow
    };

    // Where the kernel grants nothing (limits, seccomp), available() is false and watch() returns -1.
    static Inotify open() noexcept;

    bool available() const noexcept { return bool(descriptor_); }
    int descriptor() const noexcept { return descriptor_.get(); }

    // Watches the directory that `path` leads to now; the same directory gives the same number. -1: can't be watched.
    int watch(const std::string& path) noexcept;
    void unwatch(int watch) noexcept;

    // Hands over what has been reported so far. Never waits.
    void drain(const std::function<void(const Event&)>& take) const;

   private:
    Descriptor descriptor_;
};

}  // namespace rebottle::watch
