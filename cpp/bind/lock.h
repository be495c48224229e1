// The interpreter's lock: released around long work, acquired again after it, and briefly by the stop sign.
//
// When the interpreter exits, every daemon thread that requests the lock ends. Up to Python 3.13, its stack is unwound
// (pthread_exit), which aborts the whole process at a destructor or in OpenMP. Such a thread instead sleeps here until
// the process has ended.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

#include "../loop/workers.h"

namespace forecast {

inline bool interpreter_ends() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// The lock is released for the lifetime of this object, on the thread that created it.
class Unlocked {
 public:
  Unlocked() : ends_itself_(interpreter_ends()), state_(PyEval_SaveThread()) {}
  ~Unlocked() { take(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

  // Runs the user's signal handlers; returns true if one raised. `self` is an Unlocked.
  static bool interrupted(void* self) {
    auto& unlocked = *static_cast<Unlocked*>(self);
    unlocked.take();
    const bool raised = PyErr_CheckSignals() != 0;  // runs Python code
    unlocked.state_ = PyEval_SaveThread();
    return raised;
  }

 private:
  void take() noexcept {
    if (!ends_itself_ && interpreter_ends()) sleep();
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // not an exception but the unwinding: the interpreter began to exit after the check above
      sleep();
    }
  }
  [[noreturn]] static void sleep() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }

  bool ends_itself_;  // the thread that held the lock then ends the interpreter and may continue
  PyThreadState* state_;
};

// Runs body without the lock (it must not touch Python objects); raises the exception of a signal handler.
template <class Body>
void unlocked(const Body& body) {
  bool done;
  {
    Unlocked outside;
    StopSign sign(Unlocked::interrupted, &outside);
    done = body(sign);
  }
  if (!done) throw pybind11::error_already_set();
}

}  // namespace forecast
