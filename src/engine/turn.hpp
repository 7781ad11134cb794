// Whose turn it is: one update at a time, none while somebody holds updates off, none in the middle of which the
// process forks or the interpreter ends.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

namespace rebottle {

// Threads: any, with the GIL held; waiting releases it. Cost of an uncontended hold: one mutex.
class Turns {
   public:
    static Turns& instance();

    // Waits for the update that runs, and for those that wait already; nests. Errors: PythonError (KeyboardInterrupt
    // while waiting).
    void hold();
    void release();
    // Of a thread that has ended.
    void forget_holder();
    bool holds_here() const;

    // Whether this thread is in the middle of an update.
    bool updating_here() const;
    // Waits for holders and other updates. The caller has checked `holds_here` and `updating_here`. False: the
    // interpreter ends, and another thread sees to that.
    bool begin_update();
    void end_update();

    // The interpreter is about to end: waits until other threads have left the engine, and lets no update of theirs
    // begin from now on. One that the program's own code keeps for longer than `patience` is left where it is: the
    // interpreter ends it there.
    void close();
    // Where `close` is another thread's: gives it `patience` to end the interpreter, and this thread with it. An error
    // would be printed in the middle of that, which CPython can't do safely. Threads: GIL held, nothing of the engine's
    // under way here.
    void let_end();
    // The process is about to fork: waits for another thread's update, as `close` does; none begins before
    // `after_fork_in_parent`. In the child no other thread is left.
    void before_fork();
    void after_fork_in_parent();

   private:
    friend class Visit;
    using Clock = std::chrono::steady_clock;
    struct Visitor {
        std::thread::id thread;
        std::atomic<int>* depth_in_program;
    };
    static constexpr std::chrono::seconds patience{1};

    Turns();
    static void after_fork_in_child();

    void queue(std::unique_lock<std::mutex>& lock);
    template <class Ready>
    void wait(std::unique_lock<std::mutex>& lock, Ready ready);
    static bool is_kept(const std::atomic<int>* depth, Clock::time_point since);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Visitor> visitors_;
    int holders_ = 0;
    int waiting_ = 0;            // updates
    int queued_ = 0;             // holds that wait
    int admitted_ = 0;           // those among them that come before the next update
    std::uint64_t updates_ = 0;  // ended so far
    int forks_ = 0;
    bool updating_ = false;
    bool closed_ = false;
    std::thread::id owner_;
    std::atomic<int>* owners_depth_ = nullptr;
    std::thread::id closer_;
};

// A thread's stay in the engine, from the call of an update to its report.
class Visit {
   public:
    Visit();
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    std::list<Turns::Visitor>::iterator place_;
};

// An update's turn, ended when it goes out of scope. Errors: UpdateFailure (rule shutting-down).
class Turn {
   public:
    Turn();
    ~Turn() { Turns::instance().end_update(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
};

}  // namespace rebottle
