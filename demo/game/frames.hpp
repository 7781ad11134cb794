// What each frame of the server cost, for the diagram.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace game {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

struct Frame {
    double start = 0;   // seconds since the first frame
    double work = 0;    // µs: everything but the wait for the next frame
    double update = 0;  // µs of it in the engine's poll()
    std::size_t messages = 0;
    std::string event;  // the update that was applied in it
};

class FrameLog {
   public:
    void add(Frame frame) { frames_.push_back(std::move(frame)); }
    void write_csv(const std::filesystem::path& file) const;

    // The frame cost that this share of all frames stays under, in µs.
    double quantile(double share) const;
    std::size_t count() const { return frames_.size(); }

   private:
    std::vector<Frame> frames_;
};

}  // namespace game
