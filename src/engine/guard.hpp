// What takes back a part of an update that doesn't come to its end.
#pragma once

#include <functional>
#include <utility>

#include "commit/write.hpp"
#include "stage/outcome.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// Takes touches back unless they are to be kept.
class TouchGuard {
   public:
    explicit TouchGuard(const Touches& touches) : touches_(touches) {}
    ~TouchGuard() {
        if (kept_) return;
        const ErrorAside aside;
        undo_touches(touches_);
    }
    TouchGuard(const TouchGuard&) = delete;
    TouchGuard& operator=(const TouchGuard&) = delete;
    void keep() { kept_ = true; }

   private:
    const Touches& touches_;
    bool kept_ = false;
};

// Takes back what was applied unless it is to be kept.
class AppliedGuard {
   public:
    explicit AppliedGuard(std::function<void()> take_back) : take_back_(std::move(take_back)) {}
    ~AppliedGuard() {
        if (!applied_) return;
        const ErrorAside aside;
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
        unfailing([this] { set(former_.get()); });
    }
    LongTurns(const LongTurns&) = delete;
    LongTurns& operator=(const LongTurns&) = delete;

   private:
    static void set(PyObject* seconds) { call_method(import_module("sys").get(), "setswitchinterval", {seconds}); }
    Ref former_;
};

}  // namespace rebottle
