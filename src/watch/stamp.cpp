#include "stamp.hpp"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace rebottle::watch {
namespace {

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

Stamp stamp(const std::string& path) noexcept {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return {};
    return {{status.st_dev, status.st_ino}, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

bool appears_whole(const std::string& path) noexcept {
    struct stat status;
    return ::lstat(path.c_str(), &status) == 0 && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

bool is_symbolic_link(const std::string& path) noexcept {
    struct stat status;
    return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

bool changes_unseen(const std::string& directory) noexcept {
    // Numbers from <linux/magic.h> and, for those it lacks, from statfs(2): NFS, SMB, CIFS, SMB2, FUSE, 9P, CEPH, AFS,
    // VBOXSF, OVERLAYFS.
    static constexpr std::array<std::uint32_t, 10> unseen{0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x65735546,
                                                          0x01021997, 0x00C36400, 0x5346414F, 0x786F4256, 0x794C7630};
    struct statfs system;
    return ::statfs(directory.c_str(), &system) == 0 &&
           std::find(unseen.begin(), unseen.end(), static_cast<std::uint32_t>(system.f_type)) != unseen.end();
}

std::string holder(std::string path) {
    struct stat status;
    while (::stat(path.c_str(), &status) != 0 && errno == ENOTDIR) path.erase(path.rfind('/'));
    return path;
}

}  // namespace rebottle::watch
