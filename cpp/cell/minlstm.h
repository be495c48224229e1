// Minimal long short-term memory (Feng et al. 2024): gates and candidate see only the input, and the two gates sum
// to 1.
//
//   f  = sigm(W_f x + b_f)
//   i  = sigm(W_i x + b_i)
//   n  = W_n x + b_n
//   s  = f / (f + i)
//   h' = s h + (1 - s) n
//
// With p = 1 + e^-a_i and q = 1 + e^-a_f, s is p / (p + q), which neither overflows nor divides by 0.
// Rows: f, i, n, all fed by the input; the state feeds none. States: h. The tape holds f, i, n forward and their
// gradients backward, and s.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct MinLstm {
  static constexpr int rows = 3, kept = 1, states = 1, taped = 4;
  static constexpr int input[2] = {0, 3}, state[2] = {3, 3};
  static constexpr const char* row_names[] = {"f", "i", "n"};
  static constexpr const char* state_names[] = {"h"};
  static constexpr double initial_bias[] = {1, 0, 0};  // as of the LSTM
  static constexpr int gates = 4, gate[] = {0, 1, 2, 3};
  static constexpr const char* gate_names[] = {"f", "i", "n", "s"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape) {
    using V = decltype(a[0]);
    const V one = splat<V>(1), p = one + exp<true>(a[1]), q = one + exp<true>(a[0]);
    tape[0] = reciprocal(q), tape[1] = reciprocal(p);
    const auto n = tape[2] = a[2], s = tape[3] = p / (p + q);
    next[0] = madd(s, prev[0] - n, n);
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V*, const V* dnext, V* da, V* dprev) {
    const V f = tape[0], i = tape[1], n = tape[2], s = tape[3];
    const V one = splat<V>(1), h = prev[0], dh = dnext[0];
    const V ds = dh * (h - n) * d_sigmoid(s);
    da[0] = ds * (one - f);
    da[1] = -ds * (one - i);
    da[2] = dh * (one - s);
    dprev[0] = dh * s;
  }
};

}  // namespace forecast::FORECAST_ISA
