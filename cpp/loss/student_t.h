// Negative log likelihood of Student's t; outputs p_0, p_1, p_2 per target, which is standardised.
//
//   mu = p_0,   sigma = softplus(p_1) + 1e-3,   nu = 2 + 1e-2 + softplus(p_2),   z = (y - mu) / sigma,   a = nu / 2
//   l  = log sigma + log Gamma(a) - log Gamma(a + 1/2) + log(2 pi a) / 2 + (a + 1/2) log(1 + z^2 / nu)
//   dl/dmu    = -w z / sigma,   w = (nu + 1) / (nu + z^2)
//   dl/dsigma = (1 - w z^2) / sigma
//   dl/dnu    = (psi(a) - psi(a + 1/2) + 1 / (2a) + log(1 + z^2 / nu) - w z^2 / nu) / 2
//
// nu is above 2, so that the variance is finite. The differences of log Gamma and psi come from the series (gamma.h).
// p_0 is limited to +-1e6, p_1 to at most 1e6 and p_2 to at most 1e4; beyond, the derivative is that at the limit.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct StudentT {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 3;
  static constexpr Target target = Target::real;
  static constexpr double least = 1e-3, most = 1e6, least_nu = 2.01, most_nu = 1e4;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T*, int) {
    const V one = splat<V>(1), half = splat<V>(T(0.5));
    const V sigma = positive_of(p[1], least, most), nu = positive_of(p[2], least_nu, most_nu);
    const V z = (y - location(p[0])) / sigma, a = half * nu, at = a + raise_of(a);
    V ratio = one;  // of Gamma(a + 1/2) / Gamma(a) to the same where a is raised, inverted
    UNROLL
    for (int i = 0; i < 8; ++i) ratio = ratio * ((a + splat<V>(T(i + 0.5))) / (a + splat<V>(T(i))));
    ratio = a < splat<V>(8) ? ratio * ratio : one;
    const V constant = half * log(a / at * ratio) + splat<V>(T(half_log_2pi)) - half_step(at);
    return log(sigma) + constant + (a + half) * log1p(z * z / nu);
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T*, int, V* dp) {
    const V one = splat<V>(1), half = splat<V>(T(0.5));
    const V sigma = positive_of(p[1], least, most), nu = positive_of(p[2], least_nu, most_nu);
    const V z = (y - location(p[0])) / sigma, square = z * z, w = (nu + one) / (nu + square);
    const V a = half * nu, raise = raise_of(a), at = a + raise;
    V raised{};  // psi(a) - psi(a + 1/2) where a is raised, less than here
    UNROLL
    for (int i = 0; i < 8; ++i) {
      const V x = a + splat<V>(T(i));
      raised = raised + half / (x * (x + half));
    }
    raised = a < splat<V>(8) ? raised : V{};
    const V gammas = half * raise / (a * at) - half_step_slope(at) - raised;
    dp[0] = -w * z / sigma;
    dp[1] = (one - w * square) / sigma * sigmoid(p[1]);
    dp[2] = half * (gammas + log1p(square / nu) - w * square / nu) * sigmoid(p[2]);
  }
};

}  // namespace forecast::FORECAST_ISA
