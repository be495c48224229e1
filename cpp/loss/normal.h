// Negative log likelihood of the normal distribution; outputs p_0, p_1 per target, which is standardised.
//
//   mu = p_0,   sigma = softplus(p_1) + 1e-3,   z = (y - mu) / sigma
//   l  = log sigma + z^2 / 2 + log(2 pi) / 2
//   dl/dmu = -z / sigma,   dl/dsigma = (1 - z^2) / sigma
//
// p_0 is limited to +-1e6 and p_1 to at most 1e6; beyond, the derivative is that at the limit.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct Normal {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 2;
  static constexpr Target target = Target::real;
  static constexpr double least = 1e-3, most = 1e6;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V sigma = positive_of(p[1], least, most), z = (y - location(p[0])) / sigma;
    return log(sigma) + splat<V>(T(0.5)) * z * z + splat<V>(T(half_log_2pi));
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V sigma = positive_of(p[1], least, most), z = (y - location(p[0])) / sigma, one = splat<V>(1);
    dp[0] = -z / sigma;
    dp[1] = (one - z * z) / sigma * sigmoid(p[1]);
  }
};

}  // namespace forecast::FORECAST_ISA
