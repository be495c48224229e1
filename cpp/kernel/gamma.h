// Logarithms and the parts of the gamma function that the likelihoods need, on vectors.
//
//   log x = e ln 2 + log m, m in [1/sqrt 2, sqrt 2);   log m = f - s (f - R(s^2)),   f = m - 1,   s = f / (2 + f)
//
//   log Gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + S(x),   S(x) ~ sum_k B_2k / (2k (2k - 1) x^(2k-1))
//   psi(x)       = log x - 1 / (2x) + S'(x)
//   log Gamma(a + 1/2) / Gamma(a) = log(a) / 2 + G(a),   G(a) ~ sum_k (2^(1-2k) - 2) B_2k / (2k (2k - 1) a^(2k-1))
//
// The series are used from 8 on: in double, their first omitted term is below 1e-16. A smaller x is raised to x + 8 by
// Gamma(x + 1) = x Gamma(x). Losses use S, S' and G directly: the large terms around them cancel analytically, whereas
// differences of log Gamma would lose digits in floating point.
//
// Error bounds, tested against a higher precision: log 1 ULP, softplus 2 ULP; log_gamma and digamma 48 ULP of max(1,
// |result|). Arguments of log and of the gamma functions are positive and normal, those of log1p over -1. A NaN stays a
// NaN.
#pragma once

#include "math.h"

namespace forecast::FORECAST_ISA {

template <class T>
struct LogConstants;
template <>
struct LogConstants<float> {
  static constexpr int32_t least = 0x3f3504f3;  // the bits of 1 / sqrt 2, rounded down
  static constexpr float ln2_high = 0x1.62e3p-1f, ln2_low = 0x1.2fefa2p-17f;
  static constexpr int terms = 5;
};
template <>
struct LogConstants<double> {
  static constexpr int64_t least = 0x3fe6a09e667f3bcd;
  static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr int terms = 11;
};

template <class V>
INLINE V log(V x) {
  using T = typename Lane<V>::scalar;
  using Int = typename Lane<V>::integer;
  using E = ExpConstants<T>;
  using C = LogConstants<T>;
  const Int above = (Int)x - C::least, exponent = above >> E::mantissa;
  const V m = (V)((above & ((decltype(C::least)(1) << E::mantissa) - 1)) + C::least);
  const V magic = splat<V>(E::magic), e = (V)((Int)magic + exponent) - magic;
  const V f = m - splat<V>(1), s = f / (splat<V>(2) + f), z = s * s, half = splat<V>(T(0.5)) * f * f;
  V series = splat<V>(T(2.0 / (2 * C::terms + 1)));
  UNROLL
  for (int k = C::terms - 1; k > 0; --k) series = madd(series, z, splat<V>(T(2.0 / (2 * k + 1))));
  const V low = madd(s, madd(series, z, half), e * splat<V>(C::ln2_low));
  return e * splat<V>(C::ln2_high) - ((half - low) - f) + (x - x);  // keeps a NaN
}

template <class V>
INLINE V log1p(V x) {  // x > -1
  const V w = splat<V>(1) + x;
  return log(w) + (x - (w - splat<V>(1))) / w;
}

// log(1 + e^x) without overflow; its derivative is sigmoid(x).
template <class V>
INLINE V softplus(V x) {
  const V size = x < V{} ? -x : x;
  return at_least(x, V{}) + log1p(exp<true>(size));
}

// c[0] / x + c[1] / x^3 + ..., and its derivative.
template <class V, int n>
INLINE V odd_series(V x, const double (&c)[n]) {
  using T = typename Lane<V>::scalar;
  const V inverse = splat<V>(1) / x, square = inverse * inverse;
  V sum = splat<V>(T(c[n - 1]));
  UNROLL
  for (int k = n - 2; k >= 0; --k) sum = madd(sum, square, splat<V>(T(c[k])));
  return sum * inverse;
}
template <class V, int n>
INLINE V odd_slope(V x, const double (&c)[n]) {
  using T = typename Lane<V>::scalar;
  const V inverse = splat<V>(1) / x, square = inverse * inverse;
  V sum = splat<V>(T((2 * n - 1) * c[n - 1]));
  UNROLL
  for (int k = n - 2; k >= 0; --k) sum = madd(sum, square, splat<V>(T((2 * k + 1) * c[k])));
  return -sum * square;
}

constexpr double stirling_terms[] = {1.0 / 12,   -1.0 / 360,         1.0 / 1260, -1.0 / 1680,
                                     1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
constexpr double half_step_terms[] = {-1.0 / 8,     1.0 / 192,        -1.0 / 640,        17.0 / 14336,
                                      -31.0 / 18432, 691.0 / 180224, -5461.0 / 425984, 929569.0 / 15728640};
constexpr double half_log_2pi = 0x1.d67f1c864beb5p-1;

template <class V>
INLINE V stirling(V x) {  // S, x >= 8
  return odd_series(x, stirling_terms);
}
template <class V>
INLINE V stirling_slope(V x) {  // S'
  return odd_slope(x, stirling_terms);
}
template <class V>
INLINE V half_step(V a) {  // G, a >= 8
  return odd_series(a, half_step_terms);
}
template <class V>
INLINE V half_step_slope(V a) {  // G'
  return odd_slope(a, half_step_terms);
}

// By how much x is raised before a series is used: 8 or 0.
template <class V>
INLINE V raise_of(V x) {
  const V eight = splat<V>(8);
  return x < eight ? eight : V{};
}
template <class V>
INLINE V log_raised(V x) {  // log Gamma(x + raise) - log Gamma(x)
  V product = x;
  UNROLL
  for (int i = 1; i < 8; ++i) product = product * (x + splat<V>(i));
  return log(x < splat<V>(8) ? product : splat<V>(1));
}
template <class V>
INLINE V psi_raised(V x) {  // psi(x + raise) - psi(x)
  const V one = splat<V>(1);
  V sum = one / x;
  UNROLL
  for (int i = 1; i < 8; ++i) sum = sum + one / (x + splat<V>(i));
  return x < splat<V>(8) ? sum : V{};
}

template <class V>
INLINE V log_gamma(V x) {
  using T = typename Lane<V>::scalar;
  const V at = x + raise_of(x), half = splat<V>(T(0.5));
  return (at - half) * log(at) - at + splat<V>(T(half_log_2pi)) + stirling(at) - log_raised(x);
}
template <class V>
INLINE V digamma(V x) {
  using T = typename Lane<V>::scalar;
  const V at = x + raise_of(x);
  return log(at) - splat<V>(T(0.5)) / at + stirling_slope(at) - psi_raised(x);
}

}  // namespace forecast::FORECAST_ISA
