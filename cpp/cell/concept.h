// The contract of a cell as concepts: the rules of "A new cell" in cpp/README.md, checked by the compiler. registry.h
// checks every cell, so that a mistake gives one sentence instead of a page of templates.
//
// Precondition: C is a struct of static members. Only the signatures of the formulas are checked here; their bodies are
// compiled with the layer that uses them.
#pragma once

#include "../kernel/math.h"

namespace forecast::FORECAST_ISA {

// An array of names with as many entries as the cell counts.
template <class A>
constexpr bool has_names(const A& names, int n) {
  if (sizeof(A) != n * sizeof(const char*)) return false;
  for (int i = 0; i < n; ++i)
    if (!names[i] || !*names[i]) return false;
  return true;
}
constexpr bool is_range(const int (&rows)[2], int n) { return 0 <= rows[0] && rows[0] <= rows[1] && rows[1] <= n; }

// ---- what a cell owns ------------------------------------------------------------------------------------

template <class C>
concept CountsWhatItOwns = requires(int n) { n = C::rows, n = C::states, n = C::taped, n = C::kept, n = C::gates; } &&
                           C::rows >= 1 && C::states >= 1 && C::taped >= 0 && C::kept >= 0 && C::gates >= 0;

template <class C>
concept NamesRows = requires(const char* name) { name = C::row_names[0]; } && has_names(C::row_names, C::rows);

template <class C>
concept NamesStates = requires(const char* name) { name = C::state_names[0]; } &&
                      has_names(C::state_names, C::states) && C::state_names[0][0] == 'h' && !C::state_names[0][1];

template <class C>
concept InputFeedsRange = requires { is_range(C::input, C::rows); } && is_range(C::input, C::rows);
template <class C>
concept StateFeedsRange = requires { is_range(C::state, C::rows); } && is_range(C::state, C::rows);

// A product begins with the rows of the first operand and ends with those of the second (Feed in kernel/product.h).
template <class C>
concept FeedsEveryRow =
    C::input[0] == 0 &&
    (C::state[0] == C::state[1] ? C::input[1] == C::rows : C::state[0] <= C::input[1] && C::state[1] == C::rows);

template <class C>
concept BeginsBiases =
    requires(const double* bias) { bias = C::initial_bias; } && sizeof(C::initial_bias) == C::rows * sizeof(double);

template <class C>
concept FitsTape = C::taped <= C::rows + C::kept;

template <class C>
constexpr bool gates_are_taped() {
  for (int i = 0; i < C::gates; ++i)
    if (C::gate[i] < 0 || C::gate[i] >= C::taped) return false;
  return true;
}
template <class C>
concept NamesGates =
    C::gates == 0 || (requires(const char* name, int at) {
      name = C::gate_names[0], at = C::gate[0];
    } && has_names(C::gate_names, C::gates) && sizeof(C::gate) == C::gates * sizeof(int) && gates_are_taped<C>());

// ---- vectors, one number per unit, that only some cells own ----------------------------------------------

template <class C>
constexpr int vectors_of = 0;
template <class C>
  requires requires(int n) { n = C::vectors; }
constexpr int vectors_of<C> = C::vectors;

template <class C>
concept NamesVectors = vectors_of<C> == 0 || (requires(const char* name) { name = C::vector_names[0]; } &&
                                              has_names(C::vector_names, vectors_of<C>));

template <class C>
concept BeginsVectors = !requires { C::initial_vector; } || requires(const double* range) {
  range = C::initial_vector[0];
  requires sizeof(C::initial_vector) == vectors_of<C> * 2 * sizeof(double);
};

template <class C>
constexpr const char* const* vector_names_of() {
  if constexpr (vectors_of<C> > 0) return C::vector_names;
  else return nullptr;
}
// [vector][lowest and highest value]; null: they begin with 0.
template <class C>
constexpr const double* initial_vectors_of() {
  if constexpr (requires { C::initial_vector; }) return C::initial_vector[0];
  else return nullptr;
}

// Its name in the estimator's argument `cell`; by default its name in the registry.
template <class C>
constexpr const char* argument_of(const char* name) {
  if constexpr (requires(const char* word) { word = C::argument; }) return C::argument;
  else return name;
}

// ---- what a cell computes --------------------------------------------------------------------------------

template <class C, class V, class T>
concept GoesForwardOn = requires(Read<V, T> in, Write<V, T> out) {
  requires vectors_of<C> == 0;
  C::forward(in, in, out, out);
} || requires(Read<V, T> in, Write<V, T> out) {
  requires vectors_of<C> > 0;
  C::forward(in, in, out, out, in);
};
template <class C, class V>
concept GoesBackwardOn = requires(const V* in, V* out) {
  requires vectors_of<C> == 0;
  C::backward(in, in, in, in, out, out);
} || requires(const V* in, V* out) {
  requires vectors_of<C> > 0;
  C::backward(in, in, in, in, out, out, in, out);
};

template <class C>
concept GoesForward =
    GoesForwardOn<C, Several<Vec<float>, 2>, float> && GoesForwardOn<C, Several<Vec<double>, 1>, double>;
template <class C>
concept GoesBackward = GoesBackwardOn<C, Several<Vec<float>, 2>> && GoesBackwardOn<C, Several<Vec<double>, 1>>;

// ---- all of it, with a sentence each ---------------------------------------------------------------------

template <class C>
constexpr bool is_cell() {
  static_assert(CountsWhatItOwns<C>,
                "a cell counts what it owns in rows, states (1 or more), taped, kept and gates (0 or more)");
  if constexpr (CountsWhatItOwns<C>) {
    static_assert(NamesRows<C>, "a cell lists one name per row in row_names");
    static_assert(NamesStates<C>, "a cell lists one name per state in state_names, \"h\" first");
    static_assert(InputFeedsRange<C>, "the rows that x feeds are a range input[2] = {first, last} within the rows");
    static_assert(StateFeedsRange<C>, "the rows that h feeds are a range state[2] = {first, last} within the rows");
    if constexpr (InputFeedsRange<C> && StateFeedsRange<C>)
      static_assert(FeedsEveryRow<C>,
                    "the rows that x feeds begin with the first row, those that h feeds end with the last, and no row "
                    "lies between");
    static_assert(BeginsBiases<C>, "initial_bias has one number per row");
    static_assert(FitsTape<C>, "the taped values fit into rows + kept");
    static_assert(NamesGates<C>, "gate and gate_names have one entry per gate, and every gate is a taped value");
    static_assert(NamesVectors<C>, "a cell with vectors lists one name for each in vector_names");
    static_assert(BeginsVectors<C>, "initial_vector has a lowest and a highest value for each vector");
    static_assert(
        GoesForward<C>,
        "forward(a, prev, next, tape) can be called on vectors (with vectors: forward(a, prev, next, tape, p))");
    static_assert(GoesBackward<C>,
                  "backward(tape, prev, next, dnext, da, dprev) can be called on vectors (with vectors: backward(tape, "
                  "prev, next, dnext, da, dprev, p, dp))");
  }
  return true;
}

}  // namespace forecast::FORECAST_ISA
