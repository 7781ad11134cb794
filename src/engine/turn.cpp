#include "engine/turn.hpp"

#include <pthread.h>

#include <chrono>

#include "base/python.hpp"

namespace rebottle {
namespace {

thread_local int depth = 0;

constexpr std::chrono::milliseconds signal_check{50};

}  // namespace

Turns& Turns::instance() {
    static auto* turns = new Turns;  // never destroyed: threads may hold at exit
    return *turns;
}

Turns::Turns() { pthread_atfork(nullptr, nullptr, &Turns::after_fork); }

// Only the forking thread lives on in the child: nobody else holds or updates there.
void Turns::after_fork() {
    Turns& self = instance();
    const bool mine = self.updating_ && self.owner_ == std::this_thread::get_id();
    new (&self.mutex_) std::mutex;
    new (&self.changed_) std::condition_variable;
    self.holders_ = depth > 0 ? 1 : 0;
    self.waiting_ = 0;
    self.updating_ = mine;
}

template <class Ready>
void Turns::wait(std::unique_lock<std::mutex>& lock, Ready ready) {
    while (!ready()) {
        lock.unlock();
        {
            const GilReleased released;
            std::unique_lock<std::mutex> again(mutex_);
            changed_.wait_for(again, signal_check, ready);
        }
        if (PyErr_CheckSignals() < 0) throw PythonError();
        lock.lock();
    }
}

void Turns::hold() {
    if (depth == 0 && !updating_here()) {
        std::unique_lock<std::mutex> lock(mutex_);
        wait(lock, [this] { return waiting_ == 0 && !updating_; });
        ++holders_;
    }
    ++depth;
}

void Turns::release() {
    if (depth == 0 || --depth > 0 || updating_here()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--holders_ == 0) changed_.notify_all();
}

bool Turns::holds_here() const { return depth > 0; }

bool Turns::updating_here() const { return updating_ && owner_ == std::this_thread::get_id(); }

void Turns::begin_update() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    try {
        wait(lock, [this] { return holders_ == 0 && !updating_; });
    } catch (const PythonError&) {
        if (!lock.owns_lock()) lock.lock();
        --waiting_;
        changed_.notify_all();
        throw;
    }
    --waiting_;
    updating_ = true;
    owner_ = std::this_thread::get_id();
}

void Turns::end_update() {
    const std::lock_guard<std::mutex> lock(mutex_);
    updating_ = false;
    changed_.notify_all();
}

}  // namespace rebottle
