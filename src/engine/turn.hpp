// Whose turn it is: one update at a time, none while somebody holds updates off.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace rebottle {

// Threads: any, with the GIL held; waiting releases it. Cost of an uncontended hold: one mutex.
class Turns {
   public:
    static Turns& instance();

    // Waits until no update runs or waits; nests. Errors: PythonError (KeyboardInterrupt while waiting).
    void hold();
    void release();
    bool holds_here() const;

    // Whether this thread is in the middle of an update.
    bool updating_here() const;
    // Waits for holders and other updates. The caller has checked `holds_here` and `updating_here`.
    void begin_update();
    void end_update();

   private:
    Turns();
    static void after_fork();

    template <class Ready>
    void wait(std::unique_lock<std::mutex>& lock, Ready ready);

    std::mutex mutex_;
    std::condition_variable changed_;
    int holders_ = 0;
    int waiting_ = 0;
    bool updating_ = false;
    std::thread::id owner_;
};

// An update's turn, ended when it goes out of scope.
class Turn {
   public:
    Turn() { Turns::instance().begin_update(); }
    ~Turn() { Turns::instance().end_update(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
};

}  // namespace rebottle
