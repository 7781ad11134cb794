#include "frames.hpp"

#include <algorithm>
#include <fstream>

namespace game {

void FrameLog::write_csv(const std::filesystem::path& file) const {
    std::ofstream out(file);
    out << "start_s,work_us,update_us,messages,event\n";
    for (const Frame& frame : frames_) {
        out << frame.start << ',' << frame.work << ',' << frame.update << ',' << frame.messages << ',' << frame.event
            << '\n';
    }
}

double FrameLog::quantile(double share) const {
    std::vector<double> work;
    work.reserve(frames_.size());
    for (const Frame& frame : frames_) work.push_back(frame.work);
    const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(work.size() - 1));
    std::nth_element(work.begin(), work.begin() + index, work.end());
    return work[static_cast<std::size_t>(index)];
}

}  // namespace game
