// What tells two states of a file or a directory apart without reading it.
#pragma once

#include <cstdint>
#include <string>

namespace rebottle::watch {

// Which file a path leads to; all zero where there is none.
struct Identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
};

// Which file, and which content, as far as the file system tells.
struct Stamp {
    Identity identity;
    std::int64_t size = 0;
    std::int64_t modified = 0;  // nanoseconds
    std::int64_t changed = 0;   // nanoseconds; also moves where a tool puts the old modification time back
    bool exists() const noexcept { return identity != Identity{}; }
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

// Follows symbolic links.
Stamp stamp(const std::string& path) noexcept;

// True for a file that is whole as soon as its name appears: a symbolic link, or another name of an existing file.
bool appears_whole(const std::string& path) noexcept;

bool is_symbolic_link(const std::string& path) noexcept;

// True where others can change files without this machine's kernel noticing: network and layered file systems.
bool changes_unseen(const std::string& directory) noexcept;

// The file that holds `path`: itself, or the archive in which it is a member.
std::string holder(std::string path);

}  // namespace rebottle::watch
