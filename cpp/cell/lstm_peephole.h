// Long short-term memory whose gates see the cell state (Gers and Schmidhuber 2000): i and f the previous one, o the
// new one.
//
//   i  = sigm(W_i x + R_i h + p_i c + b_i)
//   f  = sigm(W_f x + R_f h + p_f c + b_f)
//   g  = tanh(W_g x + R_g h + b_g)
//   c' = f c + i g
//   o  = sigm(W_o x + R_o h + p_o c' + b_o)
//   h' = o tanh(c')
//
// Rows: i, f, g, o, all fed by the input and the state. Vectors: i, f, o, one number per unit. States: h, c. The tape
// holds the four gates forward and their gradients backward, and tanh(c').
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct LstmPeephole {
  static constexpr int rows = 4, kept = 1, states = 2, taped = 5, vectors = 3;
  static constexpr int input[2] = {0, 4}, state[2] = {0, 4};
  static constexpr const char* row_names[] = {"i", "f", "g", "o"};
  static constexpr const char* state_names[] = {"h", "c"};
  static constexpr const char* vector_names[] = {"i", "f", "o"};
  static constexpr double initial_bias[] = {0, 1, 0, 0};  // Jozefowicz, Zaremba and Sutskever (2015)
  static constexpr int gates = 4, gate[] = {0, 1, 2, 3};
  static constexpr const char* gate_names[] = {"i", "f", "g", "o"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape, auto p) {
    const auto i = tape[0] = sigmoid(madd(p[0], prev[1], a[0])), f = tape[1] = sigmoid(madd(p[1], prev[1], a[1]));
    const auto g = tape[2] = tanh(a[2]);
    const auto c = next[1] = madd(f, prev[1], i * g);
    const auto o = tape[3] = sigmoid(madd(p[2], c, a[3])), tanh_c = tape[4] = tanh(c);
    next[0] = o * tanh_c;
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V* next, const V* dnext, V* da, V* dprev, const V* p,
                              V* dp) {
    const V i = tape[0], f = tape[1], g = tape[2], o = tape[3], tanh_c = tape[4];
    const V dh = dnext[0], c = prev[1];
    const V d_o = dh * tanh_c * d_sigmoid(o);
    const V dc = madd(p[2], d_o, madd(dh * o, d_tanh(tanh_c), dnext[1]));
    const V d_i = dc * g * d_sigmoid(i), d_f = dc * c * d_sigmoid(f);
    da[0] = d_i, da[1] = d_f, da[2] = dc * i * d_tanh(g), da[3] = d_o;
    dp[0] = d_i * c, dp[1] = d_f * c, dp[2] = d_o * next[1];
    dprev[0] = splat<V>(0), dprev[1] = madd(dc, f, madd(p[0], d_i, p[1] * d_f));
  }
};

}  // namespace forecast::FORECAST_ISA
