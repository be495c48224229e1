// How many workers there may be, and when they are told to stop.
#include "workers.h"

#include <unistd.h>

#include <algorithm>

namespace forecast {

namespace {
const pid_t loading_process = getpid();
constexpr auto patience = std::chrono::milliseconds(50);
constexpr auto often = std::chrono::microseconds(100);
constexpr auto seldom = std::chrono::milliseconds(1);
}  // namespace

bool in_forked_child() { return getpid() != loading_process; }

int openmp_threads() {
#if defined(_OPENMP)
  return in_forked_child() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

bool StopSign::stop(void* self) {
  const auto& worker = *static_cast<Worker*>(self);
  if (worker.is_caller) worker.sign->look();
  return worker.sign->stopped();
}

void StopSign::look() {
  if (++calls_ >= interval_) look_now();
}

void StopSign::look_now() {
  calls_ = 0;
  const auto now = Clock::now();
  // A time step takes 50 ns or 5 ms: read the clock neither at every short one nor after many long ones.
  if (now - seen_ < often) interval_ = std::min(2 * interval_, 1024u);
  if (now - seen_ > seldom) interval_ = 1;
  seen_ = now;
  if (now - asked_ < patience) return;
  const FloatGuard guard(caller_word_);
  if (interrupted_ && interrupted_()) stopped_.store(true, std::memory_order_relaxed);
  asked_ = Clock::now();
}

}  // namespace forecast
