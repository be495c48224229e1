// Gated recurrent unit (Cho et al. 2014), reset after the product, as in PyTorch and cuDNN.
//
//   m  =         R_nh h + b_nh
//   r  = sigm(W_r x + R_r h + b_r)
//   z  = sigm(W_z x + R_z h + b_z)
//   n  = tanh(W_nx x + b_nx + r m)
//   h' = (1 - z) n + z h
//
// Rows: nx, r, z, nh. The input feeds the first three, the state the last three: the order makes both a range.
// States: h. The tape holds n, r, z, m forward and the four gradients backward.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct Gru {
  static constexpr int rows = 4, kept = 0, states = 1, taped = 4;
  static constexpr int input[2] = {0, 3}, state[2] = {1, 4};
  static constexpr const char* row_names[] = {"nx", "r", "z", "nh"};
  static constexpr const char* state_names[] = {"h"};
  static constexpr double initial_bias[] = {0, 0, 0, 0};
  static constexpr int gates = 3, gate[] = {1, 2, 0};
  static constexpr const char* gate_names[] = {"r", "z", "n"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape) {
    const auto r = tape[1] = sigmoid(a[1]), z = tape[2] = sigmoid(a[2]), m = tape[3] = a[3];
    const auto n = tape[0] = tanh(madd(r, m, a[0]));
    next[0] = madd(z, prev[0] - n, n);
  }

  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V*, const V* dnext, V* da, V* dprev) {
    const V n = tape[0], r = tape[1], z = tape[2], m = tape[3];
    const V h = prev[0], dh = dnext[0];
    const V dn = dh * (splat<V>(1) - z) * d_tanh(n);
    const V dz = dh * (h - n) * d_sigmoid(z);
    const V dr = dn * m * d_sigmoid(r);
    da[0] = dn, da[1] = dr, da[2] = dz, da[3] = dn * r;
    dprev[0] = dh * z;
  }
};

}  // namespace forecast::FORECAST_ISA
