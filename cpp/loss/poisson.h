// Negative log likelihood of the Poisson distribution, for counts; one output per target. s is the target's scale, its
// mean over the training windows; the loss sees y / s, and the likelihood is that of the count y.
//
//   mu = s (softplus(p_0) + 1e-6)
//   l  = mu - y log mu + log Gamma(y + 1)
//   dl/dmu = 1 - y / mu
//
// p_0 is limited to at most 1e6; beyond, the derivative is that at the limit.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

// The mean of a count, in its own units.
template <class V, class T>
INLINE V mean_of(V raw, T scale) {
  return splat<V>(scale) * positive_of(raw, 1e-6, 1e6);
}

// log Gamma(y + 1) without its y log y, which the callers combine with y log mu: with large counts, the two would
// cancel.
template <class V>
INLINE V log_factorial_rest(V y, V at) {
  using T = typename Lane<V>::scalar;
  V product = splat<V>(1);
  UNROLL
  for (int i = 1; i <= 8; ++i) product = product * (y + splat<V>(T(i)));
  product = y < splat<V>(8) ? product : splat<V>(1);
  return (at - y + splat<V>(T(0.5))) * log(at) - at + splat<V>(T(half_log_2pi)) + stirling(at) - log(product);
}

struct Poisson {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 1;
  static constexpr Target target = Target::counts;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T* scale, int) {
    const V mu = mean_of(p[0], *scale), count = splat<V>(*scale) * y, at = count + raise_of(count);
    return count * log(at / mu) + mu + log_factorial_rest(count, at);
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T* scale, int, V* dp) {
    const V s = splat<V>(*scale), mu = mean_of(p[0], *scale);
    dp[0] = (mu - s * y) / mu * s * sigmoid(p[0]);
  }
};

}  // namespace forecast::FORECAST_ISA
