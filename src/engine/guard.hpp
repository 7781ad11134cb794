// What takes back a part of an update that doesn't come to its end.
#pragma once

#include <functional>
#include <utility>

#include "base/python.hpp"
#include "compat/memory.hpp"

namespace rebottle {

// Takes back what was applied unless it is to be kept.
class AppliedGuard {
   public:
    explicit AppliedGuard(std::function<void()> take_back) : take_back_(std::move(take_back)) {}
    ~AppliedGuard() {
        if (!applied_) return;
        const ErrorAside aside;
        const compat::SureMemory sure;
        take_back_();
    }
    AppliedGuard(const AppliedGuard&) = delete;
    AppliedGuard& operator=(const AppliedGuard&) = delete;
    void applied() { applied_ = true; }
    void keep() { applied_ = false; }

   private:
    std::function<void()> take_back_;
    bool applied_ = false;
};

}  // namespace rebottle
