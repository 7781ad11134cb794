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

// Other threads are not switched to while it lives, as long as this one doesn't block.
class LongTurns {
   public:
    LongTurns() : former_(call_method(import_module("sys").get(), "getswitchinterval")) {
        set(Ref::steal(PyFloat_FromDouble(1.0)).get());
    }
    ~LongTurns() {
        const ErrorAside aside;
        const compat::SureMemory sure;
        unfailing([this] { set(former_.get()); });
    }
    LongTurns(const LongTurns&) = delete;
    LongTurns& operator=(const LongTurns&) = delete;

   private:
    static void set(PyObject* seconds) { call_method(import_module("sys").get(), "setswitchinterval", {seconds}); }
    Ref former_;
};

}  // namespace rebottle
