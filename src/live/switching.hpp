// How long a thread runs before another one gets its turn.
#pragma once

#include "base/python.hpp"
#include "compat/compat.hpp"
#include "compat/memory.hpp"

namespace rebottle {

// Sets the interval while it lives, for threads that wait already, too.
class SwitchInterval {
   public:
    explicit SwitchInterval(double seconds) : former_(call_method(import_module("sys").get(), "getswitchinterval")) {
        set(Ref::steal(PyFloat_FromDouble(seconds)).get());
    }
    ~SwitchInterval() {
        const ErrorAside aside;
        const compat::SureMemory sure;
        unfailing([this] { set(former_.get()); });
    }
    SwitchInterval(const SwitchInterval&) = delete;
    SwitchInterval& operator=(const SwitchInterval&) = delete;

   private:
    static void set(PyObject* seconds) {
        call_method(import_module("sys").get(), "setswitchinterval", {seconds});
        compat::restart_waits();
    }
    Ref former_;
};

}  // namespace rebottle
