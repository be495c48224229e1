// Workers: one parallel region around a whole call, in which a team takes pieces of work, and the stop sign. The
// threads come from OpenMP or, in a build without it, from the standard library.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "../kernel/table.h"
#include "guard.h"

namespace forecast {

bool in_forked_child();  // since this library was loaded: OpenMP's threads are gone, and using them would hang
// Number of threads that OpenMP would use now (environment, threadpoolctl). Without it: OMP_NUM_THREADS, or all cores.
int default_threads();

// How many of the wanted threads the system grants the calling thread, including itself. Checked right before a region,
// because OpenMP's runtime ends the process if it cannot start a thread. If the calling thread's last team was that
// large, its threads still exist. Otherwise as many threads are started and ended, on stacks that the runtime then
// reuses.
int granted(int threads);

// The stop sign of one call, created when the call enters. Only the calling thread reads the clock and, every 50 ms,
// calls `interrupted` (which takes the interpreter's lock); the others read the flag.
class StopSign {
 public:
  using Interrupted = bool (*)(void* of);
  explicit StopSign(Interrupted interrupted, void* of = nullptr)
      : interrupted_(interrupted), of_(of), seen_(Clock::now()), asked_(seen_) {}
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void look();      // for the calling thread, at any time
  void look_now();  // reads the clock every time: after work of unknown length
  uint64_t caller_word() const { return caller_word_; }

  struct Worker {
    StopSign* sign;
    bool is_caller;
  };
  static bool stop(void* self);  // the kernels' Poll; self is a Worker

 private:
  using Clock = std::chrono::steady_clock;
  Interrupted interrupted_;
  void* of_;
  uint64_t caller_word_ = control_word();  // restored for the user's signal handler
  Clock::time_point seen_, asked_;
  unsigned calls_ = 0, interval_ = 1;  // looks per reading of the clock, adapted to about half a millisecond
  std::atomic<bool> stopped_{false};
};

// The threads of one call. The caller posts one job after another, all threads take pieces of it, and the caller
// continues when every piece taken is done. It does not wait for a worker that has taken nothing, so a thread without a
// core, on a busy machine, does not delay it. Between two jobs the workers spin briefly, then sleep.
class Team {
 public:
  explicit Team(StopSign& sign) : sign_(sign) {}
  void gather(int size) { size_ = size; }
  int size() const { return size_; }

  // Runs work(number, worker, poll) for every number below n on the free threads. Only the caller may call this. `work`
  // must not throw. Ends with a look at the stop sign.
  template <class Work>
  void each(int64_t n, const Work& work) {
    const auto call = [](const void* w, int64_t number, int worker, Poll poll) {
      (*static_cast<const Work*>(w))(number, worker, poll);
    };
    put_up(n, {call, &work});
  }

  void serve(int worker);  // the workers: take pieces until dismissed
  void dismiss();

 private:
  struct Job {
    void (*call)(const void* work, int64_t number, int worker, Poll);
    const void* work;
  };
  void put_up(int64_t n, Job job);
  bool take_one(int worker, Poll poll);

  int size_ = 1;
  StopSign& sign_;
  Job job_{};
  int64_t pieces_ = 0;
  // Number of pieces not taken yet. A worker that takes one may read the job, which exists until that piece is done.
  std::atomic<int64_t> left_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<uint32_t> bell_{0};  // incremented with every job; sleepers wait for it
  std::atomic<bool> dismissed_{false};
};

#if !defined(_OPENMP)
std::vector<std::thread> hire(Team& team, int wanted);  // threads that serve the team, fewer if the system is short
#endif

// Runs body(team) on the calling thread and up to threads - 1 others; the system and the runtime may grant fewer.
template <class Body>
void with_team(int threads, StopSign& sign, const Body& body) {
  if (threads > 1) threads = granted(threads);
  if (threads > 1) {
    const FloatGuard as_called(sign.caller_word());  // new threads inherit it, and OpenMP keeps them
    Team team(sign);
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
    {
      const FloatGuard guard;
      if (omp_get_thread_num() == 0) {
        team.gather(omp_get_num_threads());
        body(team);
        team.dismiss();
      } else {
        team.serve(omp_get_thread_num());
      }
    }
#else
    const FloatGuard guard;
    std::vector<std::thread> others = hire(team, threads - 1);
    team.gather(int(others.size()) + 1);
    body(team);
    team.dismiss();
    for (std::thread& other : others) other.join();
#endif
    return;
  }
  const FloatGuard guard;
  Team alone(sign);
  body(alone);
}

}  // namespace forecast
