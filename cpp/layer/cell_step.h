// The code that is compiled for each cell: one step forward and one step backward. The cell is the epilogue of the
// product, so pre-activations never leave the first-level cache. All cells share the rest of a recurrent layer.
#pragma once

#include "cell_view.h"

namespace forecast::FORECAST_ISA {

// A part of each of the steps [from, to).
struct Run {
  int64_t from, to;
  int part = 0, parts = 1;
};

// If every step restarts, b + R h is computed once, at the first step, and W x once for all windows if they share one
// input. Then no product is left.
template <class F, class Way, class T>
__attribute__((noinline)) void begin_shared(const CellView<Way, T>& v, int64_t i, const Run& run, Begun<T>& begun,
                                            Operands<T>& x) {
  const Turn turn{false, run.part, run.parts};
  if constexpr (F::second) {
    const Operands<T> h{nullptr, 0, x.b, v.H, v.I};
    if (i == 0) Way::template multiply_to<F>(v.shared, v.forward, v.forward, h, v.H, turn);
    begun = {v.zeros, v.shared}, x.K_b = 0, x.passed_b = v.H;
  }
  if constexpr (!Way::units) {
    if (!v.common) return;
    const int64_t at = (i - run.from) % width<T>;
    if (at == 0) begin_steps<F::second>(v, i, smaller(i + width<T>, run.to));
    begun.biases = v.begun + at * F::R * v.H, x = {nullptr, 0, nullptr, 0};
  } else if constexpr (F::second) {
    Way::template multiply_to<F>(v.begun, v.forward, v.zeros, x, v.H, turn, v.shared);
    begun.sums = v.begun, x = {nullptr, 0, nullptr, 0};
  }
}

template <class C, class Way, class T>
struct StepOf {
  using View = CellView<Way, T>;
  static constexpr int vectors = vectors_of<C>;
  template <class Sums>
  using OfUnits = typename Way::template OfUnits<typename Sums::V>;

  // Applies the cell to the sums of some units; a row of a state or of the tape has `row` numbers. `p` holds the
  // cell's vectors, if it has any.
  template <class Sums, class... P>
  static INLINE void cell_forward(Sums a, const T* prev, T* next, T* tape, int64_t row, P... p) {
    using V = typename Sums::V;
    C::forward(a, Read<V, T>{prev, row}, Write<V, T>{next, row}, Write<V, T>{tape, row}, p...);
  }

  // Step i, from the states `prev` to the states `next`.
  static INLINE void step(const View& v, int64_t i, Turn turn, Begun<T> begun, const Operands<T>& x, const T* prev,
                          T* next) {
    T* const tape = v.tape(i);
    const int64_t row = v.row;
    if constexpr (vectors > 0) {
      const T* const p = v.p();
      const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        const OfUnits<decltype(a)> own{p + unit, row / Way::columns};
        cell_forward(a, prev + at, next + at, tape + at, row, own);
      };
      Way::template multiply<CellFeed<C>>(v.forward, begun, x, v.H, turn, cell);
    } else {
      const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        cell_forward(a, prev + at, next + at, tape + at, row);
      };
      Way::template multiply<CellFeed<C>>(v.forward, begun, x, v.H, turn, cell);
    }
  }

  // A run of steps in one call: for a small layer, the call itself takes a tenth of the time of a step.
  static bool forward(const Call<T>& k, const View& v, const Masks<Way, T>* masks, Run run) {
    for (int64_t i = run.from; i < run.to; ++i) {
      Begun<T> begun{v.forward};
      if (v.decay.on()) v.decay.forward(i, v.state(i));
      Operands<T> x = v.operands(i);
      const T* const before = x.b;
      T* made = v.after(i);
      if (v.restart) begin_shared<CellFeed<C>>(v, i, run, begun, x);
      else if (i < v.resting) x.K_b = 0, x.passed_b = v.H;  // R h = 0
      if (masks) x.b = masks->hidden_of(i, before);
      if (masks && masks->keep) made = masks->made_at(i);
      step(v, i, Turn{i % 2 != 0, run.part, run.parts}, begun, x, before, made);
      if (masks) masks->mix(i, v.time(i), before, v.after(i));
      if (k.stopped()) return false;
    }
    return true;
  }

  // The cell's gradients from the gradient of h. `p` holds the cell's vectors and their gradients, if it has any.
  template <class V, class... P>
  static INLINE void cell_backward(V dh, const T* prev, const T* next, T* tape, T* carry, int64_t row, P... p) {
    V kept[C::taped + 1], before[C::states], after[C::states], dafter[C::states], dbefore[C::states], da[C::rows];
    UNROLL
    for (int i = 0; i < C::taped; ++i) kept[i] = load_as<V>(tape + i * row);
    UNROLL
    for (int i = 0; i < C::states; ++i) {
      before[i] = load_as<V>(prev + i * row);
      after[i] = load_as<V>(next + i * row);
      dafter[i] = i == 0 ? dh : load_as<V>(carry + i * row);
    }
    C::backward(kept, before, after, dafter, da, dbefore, p...);
    UNROLL
    for (int i = 0; i < C::rows; ++i) store(tape + i * row, da[i]);
    UNROLL
    for (int i = 0; i < C::states; ++i) store(carry + i * row, dbefore[i]);
  }

  // The gradients of the pre-activations overwrite the rows of the tape; the carry becomes that of the previous step.
  // `next` holds the states that the cell has computed.
  static void backward(const View& v, int64_t i, const T* above, bool ready, const T* next) {
    T *tape = v.tape(i), *carry = v.carry(i);
    const T* prev = v.before(i);
    const int64_t row = v.row;
    if constexpr (vectors > 0) {
      const int64_t H = v.H;
      const T* const p = v.p();
      T* const p_sums = v.p_sums();
      v.state_gradient(i, above, ready, [=](int64_t unit, auto dh) INLINE_LAMBDA {
        using V = typename decltype(dh)::V;
        const int64_t at = unit * Way::columns;
        const OfUnits<decltype(dh)> read{p + unit, row / Way::columns};
        V own[vectors], d[vectors];
        UNROLL
        for (int j = 0; j < vectors; ++j) own[j] = read[j];
        cell_backward(dh[0], prev + at, next + at, tape + at, carry + at, row, static_cast<const V*>(own),
                      static_cast<V*>(d));
        UNROLL
        for (int j = 0; j < vectors; ++j) Way::sum_up_units(p_sums, H, j, unit, d[j]);
      });
    } else {
      v.state_gradient(i, above, ready, [=](int64_t unit, auto dh) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        cell_backward(dh[0], prev + at, next + at, tape + at, carry + at, row);
      });
    }
  }
};

// The forward pack: biases, weights of the input and the state, then the vectors.
template <class Tile, class Way, class T>
void pack_forward(const Cell& cell, int64_t I, int64_t H, const T* W, T* to) {
  const T *R = W + cell.R_of(I, H), *b = W + cell.b_of(I, H), *p = W + cell.p_of(I, H);
  const int in = cell.input[0], state = cell.state[0];
  Way::template pack<Tile>(
      cell.feed.per_unit, to, H, I, H, [=](int r, int64_t unit) { return b[r * H + unit]; },
      [=](int r, int64_t unit, int64_t k) { return W[((r - in) * H + unit) * I + k]; },
      [=](int r, int64_t unit, int64_t k) { return R[((r - state) * H + unit) * H + k]; });
  const int64_t row = Way::room(H);
  to += product_pack<Way>(cell, I, H);
  for (int64_t i = 0; i < cell.vectors * row; ++i) to[i] = i % row < H ? p[i / row * H + i % row] : T(0);
}

template <class Way, class T>
struct CellSteps {
  // Returns false if it was stopped.
  bool (*forward)(const Call<T>&, const CellView<Way, T>&, const Masks<Way, T>*, Run);
  void (*backward)(const CellView<Way, T>&, int64_t i, const T* above, bool ready, const T* next);
  void (*pack)(const Cell&, int64_t I, int64_t H, const T* W, T* to);
};
template <class C, class Way, class T>
constexpr CellSteps<Way, T> steps_with() {
  using Step = StepOf<C, Way, T>;
  return {Step::forward, Step::backward, pack_forward<typename Tiling<CellFeed<C>>::Tile, Way, T>};
}
template <class Way, class T>
constexpr CellSteps<Way, T> cell_steps[] = {
#define FORECAST_CELL(name, C) steps_with<C, Way, T>(),
    FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
};

}  // namespace forecast::FORECAST_ISA
