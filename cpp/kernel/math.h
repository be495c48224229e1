// exp, log, sigmoid and tanh on vectors, and their derivatives computed from the outputs that a cell has kept.
//
//   y = n ln 2 + r, |r| <= ln 2 / 2;   m(r) = e^r - 1 = r + r^2 q(r);   e^y = 2^n (1 + m);   e^y - 1 = 2^n m + 2^n - 1
//
// All three use one polynomial. tanh is computed from e^y - 1 to keep its relative accuracy near 0, which 2 sigmoid(2x)
// - 1 would lose. Error bound, tested against a higher precision: 4 ULP. A NaN stays a NaN. Outside the range (float:
// |y| > 88, double: |y| > 709), the functions saturate, and e^y itself stays finite.
#pragma once

#include "several.h"

namespace forecast::FORECAST_ISA {

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float log2e = 0x1.715476p+0f, ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
  static constexpr float limit = 88.0f;
  static constexpr float magic = 0x1.8p23f;  // adding it rounds to an integer and leaves that in the low bits
  static constexpr int mantissa = 23, bias = 127;
  // Weighted least maximum fit of q on [-ln 2 / 2, ln 2 / 2]: relative error of m at most 1.4e-8.
  static constexpr float q[] = {0x1.6bec18p-10f, 0x1.122768p-7f, 0x1.555674p-5f, 0x1.5554b0p-3f, 0x1.fffffep-2f};
};
template <>
struct ExpConstants<double> {
  static constexpr double log2e = 0x1.71547652b82fep+0, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr double limit = 709.0;
  static constexpr double magic = 0x1.8p52;
  static constexpr int mantissa = 52, bias = 1023;
  // The Taylor series: its next term is below 1e-17 of m on this interval.
  static constexpr double q[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                 1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                 1.0 / 120,        1.0 / 24,        1.0 / 6,        1.0 / 2};
};

// 2^n, where adding `magic` has put n into the low bits.
template <class V>
INLINE V power_of_two(V rounded) {
  using Int = typename Lane<V>::integer;
  using C = ExpConstants<typename Lane<V>::scalar>;
  return (V)(((Int)rounded << C::mantissa) + ((Int{} + C::bias) << C::mantissa));
}

template <class V, int P>
INLINE Several<V, P> power_of_two(Several<V, P> rounded) {
  UNROLL
  for (int i = 0; i < P; ++i) rounded.v[i] = power_of_two(rounded.v[i]);
  return rounded;
}

// y = n ln 2 + r; n as a number, and `shifted`, with n in its low bits.
template <class V>
struct Reduced {
  V r, n, shifted;
};

// c + a b, or c - a b if `negative`, so that a sign needs no extra instruction.
template <bool negative, class V>
INLINE V plus(V a, V b, V c) {
  if constexpr (negative) return nmadd(a, b, c);
  else return madd(a, b, c);
}

// Of y = x; with `negative` of y = -x, and the remainder comes as -r.
template <bool negative, class V>
INLINE Reduced<V> reduced(V x) {
  using C = ExpConstants<typename Lane<V>::scalar>;
  x = at_least(at_most(x, splat<V>(C::limit)), splat<V>(-C::limit));
  const V shifted = plus<negative>(x, splat<V>(C::log2e), splat<V>(C::magic));
  const V n = shifted - splat<V>(C::magic);
  const V r = plus<!negative>(n, splat<V>(C::ln2_high), x);
  return {plus<!negative>(n, splat<V>(C::ln2_low), r), n, shifted};
}

// The polynomial q at r, or at -r.
template <bool negative, class V>
INLINE V polynomial(V r) {
  using T = typename Lane<V>::scalar;
  using C = ExpConstants<T>;
  V q = splat<V>(C::q[0]);
  UNROLL
  for (int k = 1; k < int(sizeof(C::q) / sizeof(T)); ++k) q = plus<negative>(q, r, splat<V>(C::q[k]));
  return q;
}

// x 2^n. In the normal range of its result this is exact, with or without the instruction for it.
template <class V>
INLINE V scaled_by(V x, const Reduced<V>& y) {
#if FORECAST_X86 && FORECAST_BYTES == 64
  return scale(x, y.n);
#else
  return x * power_of_two(y.shifted);
#endif
}

template <bool negative = false, class V>
INLINE V exp(V x) {  // e^x or e^-x
  const V one = splat<V>(1);
  const auto y = reduced<negative>(x);
  return scaled_by(plus<negative>(plus<negative>(polynomial<negative>(y.r), y.r, one), y.r, one), y);
}

template <class V>
INLINE V sigmoid(V x) {
  return reciprocal(splat<V>(1) + exp<true>(x));
}

template <class V>
INLINE V tanh(V x) {
  const V one = splat<V>(1);
  const auto y = reduced<false>(x + x);
  const V m = madd(y.r * y.r, polynomial<false>(y.r), y.r), two_n = scaled_by(one, y);
  const V e_minus_1 = madd(two_n, m, two_n - one);
  return e_minus_1 / (e_minus_1 + (one + one));
}

template <class V>
INLINE V d_sigmoid(V y) {
  return y * (splat<V>(1) - y);
}
template <class V>
INLINE V d_tanh(V y) {
  return splat<V>(1) - y * y;
}

}  // namespace forecast::FORECAST_ISA
