// The number of workers and their stop sign.
#include "workers.h"

#if !defined(_WIN32)
#include <pthread.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <vector>

namespace forecast {

namespace {
#if !defined(_WIN32)
const pid_t loading_process = getpid();
#endif
constexpr auto patience = std::chrono::milliseconds(50);
constexpr auto often = std::chrono::microseconds(100);
constexpr auto seldom = std::chrono::milliseconds(1);

// Two jobs of a training step are some tens of microseconds apart, which is worth spinning for. After that, the core is
// left to other threads.
constexpr auto spinning = std::chrono::microseconds(100);
constexpr auto nap = std::chrono::microseconds(50);

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Spins until `ready`, for a while. Returns false if it is not ready then.
template <class Ready>
bool spin(const Ready& ready) {
  const auto end = std::chrono::steady_clock::now() + spinning;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}
}  // namespace

// OpenMP's runtimes end the process if the system refuses them a thread, so the system is asked first.
#if defined(_OPENMP) && !defined(_WIN32)
namespace {
// Stack size of OpenMP's threads in bytes, as its runtimes read it; 0: the system's default.
size_t stack_of_workers() {
  for (const char* name : {"OMP_STACKSIZE", "GOMP_STACKSIZE", "KMP_STACKSIZE"}) {
    const char* text = std::getenv(name);
    if (!text) continue;
    char* unit;
    const unsigned long long number = std::strtoull(text, &unit, 10);
    while (*unit == ' ') ++unit;
    const char letter = char(*unit & ~0x20);  // upper case
    const int shift = letter == 'B' ? 0 : letter == 'M' ? 20 : letter == 'G' ? 30 : 10;
    if (number && number < (1ull << (62 - shift))) return size_t(number) << shift;
  }
  return 0;
}

// Threads that wait for each other, so that all of them exist at the same time, like a team.
class Rehearsal {
 public:
  // Number of threads, of n, that could be started. They have ended on return.
  int begin(int n) {
    std::vector<pthread_t> begun;
    begun.reserve(size_t(n));
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return 0;
    if (const size_t stack = stack_of_workers()) pthread_attr_setstacksize(&attributes, stack);  // else the default
    pthread_t thread;
    while (int(begun.size()) < n && !pthread_create(&thread, &attributes, wait, this)) begun.push_back(thread);
    pthread_attr_destroy(&attributes);
    over_.store(true, std::memory_order_release);
    over_.notify_all();
    for (const pthread_t one : begun) pthread_join(one, nullptr);
    return int(begun.size());
  }

 private:
  static void* wait(void* self) {
    static_cast<Rehearsal*>(self)->over_.wait(false, std::memory_order_acquire);
    return nullptr;
  }
  std::atomic<bool> over_{false};
};
}  // namespace

int granted(int threads) {
  static thread_local int last = 1;  // the runtime keeps a team per calling thread
  threads = std::min(threads, omp_get_thread_limit());
  if (threads > last) {
    constexpr size_t for_the_runtime = size_t(1) << 18;  // its record of a team; it also ends without this
    const std::unique_ptr<char[]> reserve(new (std::nothrow) char[for_the_runtime]);
    threads = reserve ? 1 + Rehearsal().begin(threads - 1) : 1;
  }
  return last = threads;
}
#else
int granted(int threads) { return threads; }
#endif

bool in_forked_child() {
#if defined(_WIN32)
  return false;  // this system has no fork
#else
  return getpid() != loading_process;
#endif
}

int default_threads() {
  if (in_forked_child()) return 1;
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  const char* ordered = std::getenv("OMP_NUM_THREADS");
  const int n = ordered ? std::atoi(ordered) : 0;
  return n > 0 ? n : std::max(1, int(std::thread::hardware_concurrency()));
#endif
}

#if !defined(_OPENMP)
std::vector<std::thread> hire(Team& team, int wanted) {
  std::vector<std::thread> hired;
  hired.reserve(size_t(wanted));
  try {
    for (int worker = 1; worker <= wanted; ++worker)
      hired.emplace_back([&team, worker] {
        const FloatGuard guard;
        team.serve(worker);
      });
  } catch (const std::system_error&) {
    // The system has no thread left. As with OpenMP, the threads that it granted do the work, with the same result.
  }
  return hired;
}
#endif

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
  // A time step takes 50 ns to 5 ms: do not read the clock at every short one, nor only after many long ones.
  if (now - seen_ < often) interval_ = std::min(2 * interval_, 1024u);
  if (now - seen_ > seldom) interval_ = 1;
  seen_ = now;
  if (now - asked_ < patience) return;
  const FloatGuard guard(caller_word_);
  if (interrupted_ && interrupted_(of_)) stopped_.store(true, std::memory_order_relaxed);
  asked_ = Clock::now();
}

bool Team::take_one(int worker, Poll poll) {
  int64_t left = left_.load(std::memory_order_relaxed);
  do {
    if (left == 0) return false;
  } while (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acquire, std::memory_order_relaxed));
  job_.call(job_.work, pieces_ - left, worker, poll);
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Team::put_up(int64_t n, Job job) {
  StopSign::Worker self{&sign_, true};
  const Poll poll{StopSign::stop, &self};
  if (size_ == 1 || n < 2) {
    for (int64_t number = 0; number < n; ++number) job.call(job.work, number, 0, poll);
    return sign_.look_now();
  }
  job_ = job, pieces_ = n;
  done_.store(0, std::memory_order_relaxed);
  left_.store(n, std::memory_order_release);
  bell_.fetch_add(1, std::memory_order_release);
  bell_.notify_all();
  while (take_one(0, poll)) {}
  const auto all_done = [&] { return done_.load(std::memory_order_acquire) == n; };
  if (spin(all_done)) return sign_.look_now();
  while (!all_done()) {  // asleep, except for interrupts
    sign_.look_now();
    std::this_thread::sleep_for(nap);
  }
  sign_.look_now();
}

void Team::serve(int worker) {
  StopSign::Worker self{&sign_, false};
  const Poll poll{StopSign::stop, &self};
  for (;;) {
    const uint32_t heard = bell_.load(std::memory_order_acquire);
    if (dismissed_.load(std::memory_order_acquire)) return;
    while (take_one(worker, poll)) {}
    if (!spin([&] { return bell_.load(std::memory_order_acquire) != heard; })) bell_.wait(heard);
  }
}

void Team::dismiss() {
  dismissed_.store(true, std::memory_order_release);
  bell_.fetch_add(1, std::memory_order_release);
  bell_.notify_all();
}

}  // namespace forecast
