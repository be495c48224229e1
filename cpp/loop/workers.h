// Workers: one parallel region around whole chunks, never one per time step; and how they are told to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "../kernel/table.h"
#include "guard.h"

namespace forecast {

bool in_forked_child();  // since this library was loaded: OpenMP's threads are gone, and using them would hang
int openmp_threads();    // what OpenMP would use now (its environment and threadpoolctl's limits); 1 without it

// One call's stop sign. Only the first worker, which is the calling thread, looks at the clock and, every 50 ms, asks
// `interrupted` (which takes the interpreter's lock); the others read the flag.
class StopSign {
 public:
  using Interrupted = bool (*)();
  explicit StopSign(Interrupted interrupted) : interrupted_(interrupted), asked_(Clock::now()) {}
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  struct Worker {
    StopSign* sign;
    bool first;
    uint64_t caller_word;  // the float control word that the user's signal handler shall find
    unsigned calls = 0;
  };
  static bool stop(void* self);  // the kernels' Poll; self is a Worker

 private:
  using Clock = std::chrono::steady_clock;
  void ask(uint64_t caller_word);
  Interrupted interrupted_;
  Clock::time_point asked_;
  std::atomic<bool> stopped_{false};
};

// work(worker number, Poll) on `threads` threads; the caller is worker 0. Work must not throw.
template <class Work> void run_workers(int threads, StopSign& sign, const Work& work) {
  const uint64_t caller_word = control_word();
  const auto one = [&](int worker) {
    const FloatGuard guard;
    StopSign::Worker self{&sign, worker == 0, caller_word};
    work(worker, Poll{StopSign::stop, &self});
  };
  if (threads <= 1) return one(0);
#if defined(_OPENMP)
#pragma omp parallel for num_threads(threads) schedule(static, 1)
#endif
  for (int worker = 0; worker < threads; ++worker) one(worker);
}

}  // namespace forecast
