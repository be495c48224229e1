// Absolute error: l = |p - y|; the derivative at the kink is 0.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct AbsoluteError {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 1;
  static constexpr Target target = Target::real;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V d = p[0] - y;
    return d < V{} ? -d : d;
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V d = p[0] - y, one = splat<V>(1);
    dp[0] = d < V{} ? -one : (d > V{} ? one : d);  // d is 0 there, or a NaN that must stay one
  }
};

}  // namespace forecast::FORECAST_ISA
