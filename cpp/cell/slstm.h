// Long short-term memory with exponential gates, sLSTM (Beck et al. 2024, xLSTM). A normaliser n makes c / n a weighted
// mean of the candidates; a stabiliser m keeps the exponentials in range.
//
//   g  = tanh(W_g x + R_g h + b_g)
//   o  = sigm(W_o x + R_o h + b_o)
//   m' = max(a_f + m, a_i), or a_i if n = 0             a_i = W_i x + R_i h + b_i,  a_f = W_f x + R_f h + b_f
//   i  = exp(a_i - m'),  f = exp(a_f + m - m')
//   c' = f c + i g
//   n' = f n + i
//   h' = o c' / n'
//
// One of i and f is 1 and the other at most 1, and n' >= 1 from the first step on. h' does not depend on m', because c'
// and n' both carry the factor e^-m'. So backward treats m' as a constant, and the gradient of m through f is that of
// a_f. Rows: i, f, g, o, all fed by the input and the state. States: h, c, n, m; n >= 0. The tape holds i, f, g, o
// forward and their gradients backward.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct Slstm {
  static constexpr int rows = 4, kept = 0, states = 4, taped = 4;
  static constexpr int input[2] = {0, 4}, state[2] = {0, 4};
  static constexpr const char* row_names[] = {"i", "f", "g", "o"};
  static constexpr const char* state_names[] = {"h", "c", "n", "m"};
  static constexpr double initial_bias[] = {0, 0, 0, 0};
  static constexpr int gates = 4, gate[] = {0, 1, 2, 3};
  static constexpr const char* gate_names[] = {"i", "f", "g", "o"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape) {
    using V = decltype(a[0]);
    const V a_i = a[0], kept = a[1] + prev[3];
    const V most = madd(positive(prev[2]), splat<V>(1e30f), a_i);  // a bound only before the first step
    const auto m = next[3] = at_least(at_most(kept, most), a_i);
    const auto i = tape[0] = exp(a_i - m), f = tape[1] = exp(kept - m), g = tape[2] = tanh(a[2]);
    const auto c = next[1] = madd(f, prev[1], i * g), n = next[2] = madd(f, prev[2], i);
    const auto o = tape[3] = sigmoid(a[3]);
    next[0] = o * c * reciprocal(n);
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V* next, const V* dnext, V* da, V* dprev) {
    const V i = tape[0], f = tape[1], g = tape[2], o = tape[3];
    const V dh = dnext[0], one_n = reciprocal(next[2]), mean = next[1] * one_n;
    const V dmean = dh * o * one_n;
    const V dc = dnext[1] + dmean, dn = nmadd(dmean, mean, dnext[2]);
    const V d_f = f * madd(dc, prev[1], dn * prev[2]);
    da[0] = i * madd(dc, g, dn);
    da[1] = d_f;
    da[2] = dc * i * d_tanh(g);
    da[3] = dh * mean * d_sigmoid(o);
    dprev[0] = splat<V>(0), dprev[1] = dc * f, dprev[2] = dn * f, dprev[3] = d_f;
  }
};

}  // namespace forecast::FORECAST_ISA
