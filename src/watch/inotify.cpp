#include "inotify.hpp"

#include <sys/inotify.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace rebottle::watch {
namespace {

// Never IN_MODIFY: an editor truncates first, and the file is whole only when it is closed.
constexpr std::uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

Inotify::What what_of(std::uint32_t bits) {
    if ((bits & IN_Q_OVERFLOW) != 0) return Inotify::What::overflow;
    if ((bits & (IN_IGNORED | IN_MOVE_SELF)) != 0) return Inotify::What::unwatched;
    return (bits & IN_CREATE) != 0 ? Inotify::What::appeared : Inotify::What::written;
}

}  // namespace

Inotify Inotify::open() noexcept {
    Inotify opened;
    opened.descriptor_ = Descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    return opened;
}

int Inotify::watch(const std::string& path) noexcept {
    return available() ? ::inotify_add_watch(descriptor(), path.c_str(), mask) : -1;
}

void Inotify::unwatch(int watch) noexcept { ::inotify_rm_watch(descriptor(), watch); }

void Inotify::drain(const std::function<void(const Event&)>& take) const {
    alignas(inotify_event) std::array<char, 65536> buffer;
    ssize_t size = 0;
    while ((size = ::read(descriptor(), buffer.data(), buffer.size())) > 0) {
        for (const char* at = buffer.data(); at < buffer.data() + size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(at);
            // The name is padded with zeros.
            const std::string_view name = event->len > 0 ? std::string_view(event->name) : std::string_view();
            take({what_of(event->mask), event->wd, name});
            at += sizeof(inotify_event) + event->len;
        }
    }
}

}  // namespace rebottle::watch
