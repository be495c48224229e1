// Negative log likelihood of the gamma distribution, for positive targets; outputs p_0, p_1 per target, y over the
// target's mean.
//
//   mu = softplus(p_0) + 1e-6,   a = softplus(p_1) + 1e-2 (its shape; the standard deviation is mu / sqrt a)
//   l  = a (y / mu - log(y / mu)) + log y + log Gamma(a) - a log a
//   dl/dmu = a (1 - y / mu) / mu
//   dl/da  = y / mu - log(y / mu) - 1 + psi(a) - log a
//
// y counts as 1e-30 at least: a missing target is a 0 of weight 0. p_0 is limited to at most 1e6 and p_1 to at most
// 1e4; beyond, the derivative is that at the limit.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct Gamma {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 2;
  static constexpr Target target = Target::positive;
  static constexpr double least_mean = 1e-6, most_mean = 1e6, least = 1e-2, most = 1e4, least_y = 1e-30;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V mu = positive_of(p[0], least_mean, most_mean), a = positive_of(p[1], least, most);
    const V held = at_least(y, splat<V>(T(least_y))), ratio = held / mu, at = a + raise_of(a);
    const V constant = splat<V>(T(half_log_2pi)) + stirling(at) - log_raised(a);
    const V rest = (at - a - splat<V>(T(0.5))) * log(at) - at + constant;  // of log Gamma(a), less a log(at)
    return a * (ratio - log(ratio)) + log(held) + a * log(at / a) + rest;
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V one = splat<V>(1), mu = positive_of(p[0], least_mean, most_mean), a = positive_of(p[1], least, most);
    const V ratio = at_least(y, splat<V>(T(least_y))) / mu, at = a + raise_of(a);
    const V psi = log(at / a) - splat<V>(T(0.5)) / at + stirling_slope(at) - psi_raised(a);  // psi(a) - log a
    dp[0] = a * (one - ratio) / mu * sigmoid(p[0]);
    dp[1] = (ratio - log(ratio) - one + psi) * sigmoid(p[1]);
  }
};

}  // namespace forecast::FORECAST_ISA
