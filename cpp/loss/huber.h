// Huber (1964): l = d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere; d = p - y.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct Huber {
  static constexpr const char* parameter = "delta";
  static constexpr int outputs = 1;
  static constexpr Target target = Target::real;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T* parameters, int) {
    const V delta = splat<V>(parameters[0]), half = splat<V>(T(0.5));
    const V d = p[0] - y, size = d < V{} ? -d : d;
    return size > delta ? delta * (size - half * delta) : half * d * d;
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T* parameters, int, V* dp) {
    const V delta = splat<V>(parameters[0]);
    dp[0] = at_least(at_most(p[0] - y, delta), -delta);
  }
};

}  // namespace forecast::FORECAST_ISA
