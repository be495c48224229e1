// The peak speed of this processor: independent chains of multiply-adds that never leave the registers. Benchmarks
// compare the kernels with it in the same run.
#pragma once

#include "vec.h"

namespace forecast::FORECAST_ISA {

// Runs n rounds and returns their number of floating-point operations.
template <class T>
double multiply_adds(int64_t n) {
  Vec<T> acc[accumulators];
  const Vec<T> factor = splat<Vec<T>>(T(0.5)), term = splat<Vec<T>>(T(0.5));
  for (int i = 0; i < accumulators; ++i) {
    acc[i] = splat<Vec<T>>(T(i));
    pin(acc[i]);
  }
  for (int64_t round = 0; round < n; ++round) {
    UNROLL
    for (int i = 0; i < accumulators; ++i) acc[i] = madd(acc[i], factor, term);
  }
  for (int i = 0; i < accumulators; ++i) pin(acc[i]);
  return double(n) * accumulators * width<T> * 2;
}

}  // namespace forecast::FORECAST_ISA
