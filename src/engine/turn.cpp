#include "engine/turn.hpp"

#include <pthread.h>

#include <algorithm>

#include "base/python.hpp"
#include "compat/compat.hpp"
#include "engine/failure.hpp"
#include "plan/rules.hpp"
#include "stage/recorder.hpp"
#include "stage/world.hpp"

namespace rebottle {
namespace {

// How deep a thread is in holds. One that ends in them holds nothing off any more.
struct Depth {
    Depth() = default;
    ~Depth() {
        if (holds > 0) Turns::instance().forget_holder();
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    int holds = 0;
};

thread_local Depth own;
thread_local bool forking = false;

constexpr std::chrono::milliseconds signal_check{50};

}  // namespace

Turns& Turns::instance() {
    static auto* turns = new Turns;  // never destroyed: threads may hold at exit
    return *turns;
}

Turns::Turns() { pthread_atfork(nullptr, nullptr, &Turns::after_fork_in_child); }

// Only the forking thread lives on in the child: nobody else holds or updates there.
void Turns::after_fork_in_child() {
    Turns& self = instance();
    const auto me = std::this_thread::get_id();
    const bool mine = self.updating_ && self.owner_ == me;
    new (&self.mutex_) std::mutex;
    new (&self.changed_) std::condition_variable;
    if (self.updating_ && !mine) {
        World::abandon();
        Recorder::abandon();
    }
    std::erase_if(self.visitors_, [me](const Visitor& each) { return each.thread != me; });
    self.holders_ = own.holds > 0 ? 1 : 0;
    self.waiting_ = 0;
    self.queued_ = 0;
    self.admitted_ = 0;
    self.forks_ = 0;
    self.updating_ = mine;
    forking = false;
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

// Whether code of the program has kept a thread in the engine for too long to be waited for.
bool Turns::is_kept(const std::atomic<int>* depth_in_program, Clock::time_point since) {
    return *depth_in_program > 0 && Clock::now() - since > patience;
}

void Turns::hold() {
    if (own.holds == 0) {
        std::unique_lock<std::mutex> lock(mutex_);
        if (!updating_here()) queue(lock);
        ++holders_;
    }
    ++own.holds;
}

// Waits for the updates that wait already. When one has ended, all holds that came before go first, then the next one.
void Turns::queue(std::unique_lock<std::mutex>& lock) {
    const std::uint64_t came = updates_;
    const auto leave = [&] {
        --queued_;
        if (updates_ != came) --admitted_;
        changed_.notify_all();
    };
    ++queued_;
    try {
        wait(lock, [&] { return !updating_ && (waiting_ == 0 || updates_ != came); });
    } catch (const PythonError&) {
        if (!lock.owns_lock()) lock.lock();
        leave();
        throw;
    }
    leave();
}

void Turns::release() {
    if (own.holds > 0 && --own.holds == 0) forget_holder();
}

void Turns::forget_holder() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--holders_ == 0) changed_.notify_all();
}

bool Turns::holds_here() const { return own.holds > 0; }

bool Turns::updating_here() const { return updating_ && owner_ == std::this_thread::get_id(); }

bool Turns::begin_update() {
    const auto me = std::this_thread::get_id();
    const auto closed = [&] { return closed_ && closer_ != me; };
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    try {
        wait(lock,
             [&] { return closed() || (holders_ == 0 && admitted_ == 0 && !updating_ && (forks_ == 0 || forking)); });
    } catch (const PythonError&) {
        if (!lock.owns_lock()) lock.lock();
        --waiting_;
        changed_.notify_all();
        throw;
    }
    --waiting_;
    if (closed()) return false;
    updating_ = true;
    owner_ = me;
    owners_depth_ = &depth_in_program();
    return true;
}

void Turns::end_update() {
    const std::lock_guard<std::mutex> lock(mutex_);
    updating_ = false;
    ++updates_;
    admitted_ = queued_;
    changed_.notify_all();
}

void Turns::close() {
    const auto me = std::this_thread::get_id();
    const auto start = Clock::now();
    std::unique_lock<std::mutex> lock(mutex_);
    closed_ = true;
    closer_ = me;
    changed_.notify_all();
    wait(lock, [&] {
        return std::all_of(visitors_.begin(), visitors_.end(), [&](const Visitor& each) {
            return each.thread == me || is_kept(each.depth_in_program, start);
        });
    });
}

void Turns::let_end() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!closed_ || closer_ == std::this_thread::get_id()) return;
    }
    const GilReleased released;
    std::this_thread::sleep_for(patience);
}

void Turns::before_fork() {
    const auto start = Clock::now();
    std::unique_lock<std::mutex> lock(mutex_);
    ++forks_;
    forking = true;
    wait(lock, [&] { return !updating_ || updating_here() || is_kept(owners_depth_, start); });
}

void Turns::after_fork_in_parent() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --forks_;
    forking = false;
    changed_.notify_all();
}

Visit::Visit() {
    Turns& turns = Turns::instance();
    const std::lock_guard<std::mutex> lock(turns.mutex_);
    place_ = turns.visitors_.insert(turns.visitors_.end(), {std::this_thread::get_id(), &depth_in_program()});
}

Visit::~Visit() {
    Turns& turns = Turns::instance();
    const std::lock_guard<std::mutex> lock(turns.mutex_);
    turns.visitors_.erase(place_);
    if (turns.closed_) turns.changed_.notify_all();
}

Turn::Turn() {
    if (compat::is_ending() || !Turns::instance().begin_update()) refuse({refusal("shutting-down", "")});
}

}  // namespace rebottle
