// The simple recurrent network (Elman 1990), with tanh or ReLU.
//
//   a  = W x + R h + b
//   h' = act(a)
//
// Rows: h, fed by the input and the state. States: h. The tape's row holds nothing forward, da backward.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

struct Tanh {
  template <class V>
  static INLINE V value(V a) {
    return tanh(a);
  }
  template <class V>
  static INLINE V derivative(V y) {
    return d_tanh(y);
  }
};

struct Relu {
  template <class V>
  static INLINE V value(V a) {
    return at_least(a, splat<V>(0));
  }
  template <class V>
  static INLINE V derivative(V y) {
    return positive(y);
  }
};

template <class Act>
struct Elman {
  static constexpr int rows = 1, kept = 0, states = 1, taped = 0;
  static constexpr int input[2] = {0, 1}, state[2] = {0, 1};
  static constexpr const char* row_names[] = {"h"};
  static constexpr const char* state_names[] = {"h"};
  static constexpr double initial_bias[] = {0};
  static constexpr int gates = 0;
  static constexpr const int* gate = nullptr;
  static constexpr const char* const* gate_names = nullptr;
  static constexpr const char* argument = "rnn";  // both; the argument `activation` selects one

  static INLINE void forward(auto a, auto, auto next, auto) {
    next[0] = Act::value(a[0]);
  }

  template <class V>
  static INLINE void backward(const V*, const V*, const V* next, const V* dnext, V* da, V* dprev) {
    da[0] = dnext[0] * Act::derivative(next[0]);
    dprev[0] = splat<V>(0);
  }
};

struct RnnTanh : Elman<Tanh> {};
struct RnnRelu : Elman<Relu> {};

}  // namespace forecast::FORECAST_ISA
