// Pseudo-Huber (Charbonnier et al. 1994): l = sqrt(1 + d^2) - 1, d = p - y, computed without a difference of
// nearly equal numbers. It is about d^2 / 2 near 0 and |d| - 1 far from it, with a smooth transition.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct PseudoHuber {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 1;
  static constexpr Target target = Target::real;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V d = p[0] - y, square = d * d, one = splat<V>(1);
    return square / (square_root(square + one) + one);  // a square that overflows is a NaN here, and training stops
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V d = p[0] - y;
    dp[0] = d / square_root(madd(d, d, splat<V>(1)));
  }
};

}  // namespace forecast::FORECAST_ISA
