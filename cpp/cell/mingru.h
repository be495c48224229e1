// Minimal gated recurrent unit (Feng et al. 2024): gates and candidate see only the input, not the state.
//
//   z  = sigm(W_z x + b_z)
//   n  = W_n x + b_n
//   h' = (1 - z) n + z h
//
// Rows: z, n, both fed by the input; the state feeds none. States: h. The tape holds z, n forward and their gradients
// backward. z keeps the state, as in the GRU; the paper's z is 1 - z here.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct MinGru {
  static constexpr int rows = 2, kept = 0, states = 1, taped = 2;
  static constexpr int input[2] = {0, 2}, state[2] = {2, 2};
  static constexpr const char* row_names[] = {"z", "n"};
  static constexpr const char* state_names[] = {"h"};
  static constexpr double initial_bias[] = {0, 0};
  static constexpr int gates = 2, gate[] = {0, 1};
  static constexpr const char* gate_names[] = {"z", "n"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape) {
    const auto z = tape[0] = sigmoid(a[0]), n = tape[1] = a[1];
    next[0] = madd(z, prev[0] - n, n);
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V*, const V* dnext, V* da, V* dprev) {
    const V z = tape[0], n = tape[1], h = prev[0], dh = dnext[0];
    da[0] = dh * (h - n) * d_sigmoid(z);
    da[1] = dh * (splat<V>(1) - z);
    dprev[0] = dh * z;
  }
};

}  // namespace forecast::FORECAST_ISA
