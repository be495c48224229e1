// Negative log likelihood of the negative binomial distribution, for counts that vary more than their mean (Salinas et
// al. 2020, DeepAR); outputs p_0, p_1 per target, s the target's scale as in poisson.h.
//
//   mu = s (softplus(p_0) + 1e-6),   alpha = softplus(p_1) + 1e-4,   r = 1 / alpha;   variance mu + alpha mu^2
//   l  = log Gamma(y + 1) - log Gamma(y + r) + log Gamma(r) + (y + r) log(r + mu) - r log r - y log mu
//   dl/dmu = r (mu - y) / (mu (r + mu))
//   dl/dr  = psi(r) - psi(y + r) + log((r + mu) / r) + (y - mu) / (r + mu),   dr/dalpha = -r^2
//
// Y, Z, R are y, y + r, r raised to 8 or more (gamma.h). With them, the large terms cancel analytically, so a count of
// 10^6 or an alpha near 0 keeps its digits in float. p_0 is limited to at most 1e6 and p_1 to at most 1e3; beyond, the
// derivative is that at the limit.
#pragma once

#include "poisson.h"

namespace forecast::FORECAST_ISA {

struct NegativeBinomial {
  static constexpr const char* parameter = nullptr;
  static constexpr int outputs = 2;
  static constexpr Target target = Target::counts;
  static constexpr double least = 1e-4, most = 1e3;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T* scale, int) {
    const V half = splat<V>(T(0.5)), r = splat<V>(1) / positive_of(p[1], least, most);
    const V mu = mean_of(p[0], *scale), count = splat<V>(*scale) * y, z = count + r;
    const V raise_z = raise_of(z), raise_r = raise_of(r), Y = count + raise_of(count), Z = z + raise_z, R = r + raise_r;
    const V of_z = (raise_z - half) * log(Z) - raise_z + stirling(Z) - log_raised(z);  // less z (log Z - 1)
    const V of_r = (raise_r - half) * log(R) - raise_r + stirling(R) - log_raised(r);
    const V large = count * log(Y / mu) + r * log(R / r) - z * log(Z / (r + mu));
    return large + log_factorial_rest(count, Y) + count - of_z + of_r;
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T* scale, int, V* dp) {
    const V half = splat<V>(T(0.5)), s = splat<V>(*scale), r = splat<V>(1) / positive_of(p[1], least, most);
    const V mu = mean_of(p[0], *scale), count = s * y, z = count + r, both = r + mu, above = mu - count;
    const V raise_z = raise_of(z), raise_r = raise_of(r), Z = z + raise_z, R = r + raise_r;
    // log(R (r + mu) / (r Z)): 1 is subtracted before the product is rounded.
    const V logs = log1p((r * above + raise_r * both - raise_z * r) / (r * Z));
    const V psi_r = stirling_slope(R) - half / R - psi_raised(r), psi_z = stirling_slope(Z) - half / Z - psi_raised(z);
    dp[0] = r * above / (mu * both) * s * sigmoid(p[0]);
    dp[1] = -r * r * (logs - above / both + psi_r - psi_z) * sigmoid(p[1]);
  }
};

}  // namespace forecast::FORECAST_ISA
