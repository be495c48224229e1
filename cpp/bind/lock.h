// The interpreter's lock: given up around long work, taken back after it, and taken for a moment by the stop sign.
//
// When the interpreter ends, so does every daemon thread that asks for the lock: up to Python 3.13 by an unwinding of
// its stack (pthread_exit), which ends the whole process where it meets a destructor or OpenMP. Such a thread stops
// here instead: it sleeps until the process is gone.
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

// The lock is given up while one of these lives, on the thread that made it.
class Unlocked {
 public:
  Unlocked() : ends_itself_(interpreter_ends()), state_(PyEval_SaveThread()) {}
  ~Unlocked() { take(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

  // Runs the user's signal handlers; true where one raised. `self` is an Unlocked.
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
    } catch (...) {  // not an exception but the unwinding: the interpreter began to end after the question above
      sleep();
    }
  }
  [[noreturn]] static void sleep() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }

  bool ends_itself_;  // whoever held the lock then is the thread that ends the interpreter, which may go on
  PyThreadState* state_;
};

// Runs body without the lock (it must touch no Python object); raises what a signal handler raised.
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
