// Flushes denormals while a worker computes. Vanishing gradients produce them, and on many processors they take a
// hundred times as long as normal numbers. The caller's control word is always restored.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace forecast {

#if defined(__x86_64__)
inline uint64_t control_word() { return _mm_getcsr(); }
inline void set_control_word(uint64_t word) { _mm_setcsr(static_cast<unsigned>(word)); }
// Round to nearest, all exceptions masked, flush to zero, denormals are zero: the same for every caller.
inline uint64_t working_word() { return 0x9FC0; }
#elif defined(__aarch64__)
inline uint64_t control_word() {
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
inline void set_control_word(uint64_t word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
inline uint64_t working_word() { return uint64_t(1) << 24; }
#endif

class FloatGuard {
 public:
  explicit FloatGuard(uint64_t word = working_word()) : before_(control_word()) { set_control_word(word); }
  ~FloatGuard() { set_control_word(before_); }
  FloatGuard(const FloatGuard&) = delete;
  FloatGuard& operator=(const FloatGuard&) = delete;
  uint64_t before() const { return before_; }

 private:
  uint64_t before_;
};

}  // namespace forecast
