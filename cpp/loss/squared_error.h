// Squared error: l = (p - y)^2.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct SquaredError {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 1;
  static constexpr Target target = Target::real;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V d = p[0] - y;
    return d * d;
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V d = p[0] - y;
    dp[0] = d + d;
  }
};

}  // namespace forecast::FORECAST_ISA
