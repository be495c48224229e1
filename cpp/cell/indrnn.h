// Independently recurrent network (Li et al. 2018): each unit sees only its own past, with tanh or ReLU.
//
//   a  = W x + p h + b
//   h' = act(a)
//
// Rows: h, fed by the input. Vectors: h, one number per unit. States: h. The tape's row holds nothing forward, da
// backward.
#pragma once

#include "elman.h"

namespace forecast::FORECAST_ISA {

template <class Act>
struct IndRnn {
  static constexpr int rows = 1, kept = 0, states = 1, taped = 0, vectors = 1;
  static constexpr int input[2] = {0, 1}, state[2] = {1, 1};
  static constexpr const char* row_names[] = {"h"};
  static constexpr const char* state_names[] = {"h"};
  static constexpr const char* vector_names[] = {"h"};
  static constexpr double initial_bias[] = {0};
  static constexpr double initial_vector[][2] = {{0, 1}};  // some units forget at once, some slowly
  static constexpr int gates = 0;
  static constexpr const int* gate = nullptr;
  static constexpr const char* const* gate_names = nullptr;
  static constexpr const char* argument = "indrnn";  // both; the argument `activation` selects one

  static INLINE void forward(auto a, auto prev, auto next, auto, auto p) {
    next[0] = Act::value(madd(p[0], prev[0], a[0]));
  }

  template <class V>
  static INLINE void backward(const V*, const V* prev, const V* next, const V* dnext, V* da, V* dprev, const V* p,
                              V* dp) {
    const V d = dnext[0] * Act::derivative(next[0]);
    da[0] = d, dp[0] = d * prev[0];
    dprev[0] = d * p[0];
  }
};

struct IndRnnTanh : IndRnn<Tanh> {};
struct IndRnnRelu : IndRnn<Relu> {};

}  // namespace forecast::FORECAST_ISA
