#include "workers.h"

#include <unistd.h>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace forecast {

namespace {
const pid_t loading_process = getpid();
constexpr auto patience = std::chrono::milliseconds(50);
constexpr unsigned calls_between_clocks = 32;
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
  auto& worker = *static_cast<Worker*>(self);
  if (worker.first && ++worker.calls % calls_between_clocks == 0) worker.sign->ask(worker.caller_word);
  return worker.sign->stopped();
}

void StopSign::ask(uint64_t caller_word) {
  const auto now = Clock::now();
  if (now - asked_ < patience) return;
  const FloatGuard guard(caller_word);
  if (interrupted_ && interrupted_()) stopped_.store(true, std::memory_order_relaxed);
  asked_ = Clock::now();
}

}  // namespace forecast
