// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).
//
//   i  = sigm(W_i x + R_i h + b_i)
//   f  = sigm(W_f x + R_f h + b_f)
//   g  = tanh(W_g x + R_g h + b_g)
//   o  = sigm(W_o x + R_o h + b_o)
//   c' = f c + i g
//   h' = o tanh(c')
//
// Rows: i, f, g, o, all fed by the input and the state. States: h, c. The tape holds the four gates forward and their
// gradients backward; tanh(c') is kept next to them.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct Lstm {
  static constexpr int rows = 4, kept = 1, states = 2, taped = 5;
  static constexpr int input[2] = {0, 4}, state[2] = {0, 4};
  static constexpr const char* row_names[] = {"i", "f", "g", "o"};
  static constexpr const char* state_names[] = {"h", "c"};
  static constexpr double initial_bias[] = {0, 1, 0, 0};  // Jozefowicz, Zaremba and Sutskever (2015)
  static constexpr int gates = 4, gate[] = {0, 1, 2, 3};
  static constexpr const char* gate_names[] = {"i", "f", "g", "o"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape) {
    const auto i = tape[0] = sigmoid(a[0]), f = tape[1] = sigmoid(a[1]), g = tape[2] = tanh(a[2]);
    const auto c = next[1] = madd(f, prev[1], i * g);
    const auto o = tape[3] = sigmoid(a[3]), tanh_c = tape[4] = tanh(c);
    next[0] = o * tanh_c;
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V*, const V* dnext, V* da, V* dprev) {
    const V i = tape[0], f = tape[1], g = tape[2], o = tape[3], tanh_c = tape[4];
    const V dh = dnext[0];
    const V dc = madd(dh * o, d_tanh(tanh_c), dnext[1]);
    da[0] = dc * g * d_sigmoid(i);
    da[1] = dc * prev[1] * d_sigmoid(f);
    da[2] = dc * i * d_tanh(g);
    da[3] = dh * tanh_c * d_sigmoid(o);
    dprev[0] = splat<V>(0), dprev[1] = dc * f;
  }
};

}  // namespace forecast::FORECAST_ISA
