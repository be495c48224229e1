// Workers: one parallel region around whole chunks, never one per time step; and how they are told to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "../kernel/table.h"
#include "guard.h"

namespace forecast {

bool in_forked_child();  // since this library was loaded: OpenMP's threads are gone, and using them would hang
int openmp_threads();    // what OpenMP would use now (its environment and threadpoolctl's limits); 1 without it

// One call's stop sign, made where the call enters. Only the calling thread looks at the clock and, every 50 ms, asks
// `interrupted` (which takes the interpreter's lock); the others read the flag.
class StopSign {
 public:
  using Interrupted = bool (*)();
  explicit StopSign(Interrupted interrupted) : interrupted_(interrupted), seen_(Clock::now()), asked_(seen_) {}
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void look();      // for the calling thread, as often as it likes
  void look_now();  // the same without leaving any out: after a piece of work of unknown length

  struct Worker {
    StopSign* sign;
    bool is_caller;
  };
  static bool stop(void* self);  // the kernels' Poll; self is a Worker

 private:
  using Clock = std::chrono::steady_clock;
  Interrupted interrupted_;
  uint64_t caller_word_ = control_word();  // what the user's signal handler shall find
  Clock::time_point seen_, asked_;
  unsigned calls_ = 0, interval_ = 1;  // looks between two readings of the clock: adapted, about half a millisecond
  std::atomic<bool> stopped_{false};
};

// work(worker number, Poll) on up to `threads` threads, the caller is worker 0; returns how many there were. The
// runtime may grant fewer, so work must take its pieces from a common counter; it must not throw.
template <class Work>
int run_workers([[maybe_unused]] int threads, StopSign& sign, const Work& work) {
  const auto one = [&](int worker) {
    const FloatGuard guard;
    StopSign::Worker self{&sign, worker == 0};
    work(worker, Poll{StopSign::stop, &self});
  };
  int team = 1;
#if defined(_OPENMP)
  if (threads > 1) {
#pragma omp parallel num_threads(threads)
    {
      if (omp_get_thread_num() == 0) team = omp_get_num_threads();
      one(omp_get_thread_num());
    }
    return team;
  }
#endif
  one(0);
  return team;
}

}  // namespace forecast
