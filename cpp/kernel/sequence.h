// One layer over time: forward above backward.
//
//   states[t]  [state][H][lanes], t = 0 ... T; states[0] is the initial state, h comes first
//   tape[t]    [row or kept value][H][lanes]; forward leaves what the cell's backward needs, backward writes the
//   gradients
//              da over the rows, and when all weight gradients are done dx over the first row
//
// The cell is the epilogue of the product: pre-activations never leave the first cache.
#pragma once

#include "gather.h"
#include "inner.h"
#include "random.h"
#include "units.h"

namespace forecast::FORECAST_ISA {

constexpr int64_t segment = 8;  // steps whose gradients are summed into the weights at a time, while they are in cache

template <class T>
constexpr int64_t padded(int64_t n) {
  return (n + width<T> - 1) / width<T> * width<T>;
}

template <class C>
using CellFeed = Feed<C::rows, C::input[0], C::input[1], C::state[0], C::state[1]>;
template <class C>
constexpr int64_t input_rows = C::input[1] - C::input[0];
template <class C>
constexpr int64_t state_rows = C::state[1] - C::state[0];
template <class C>
constexpr int64_t tape_rows = C::rows + C::kept;

// Few inputs: the gradients of their weights keep windows in the lanes (inner.h), unless the sums outgrow the caches.
template <class C, class T>
constexpr int64_t sums_of_row(int64_t I, int64_t H) {
  const bool few = I <= width<T> * 3 / 4 && C::rows * H * (I + 1) * bytes <= (160 << 10);
  return few ? I + 1 : 1;
}

template <class T>
struct Layer {
  int64_t I, H;
  const T *W, *R, *b;                           // plain, inside theta
  const T *bias, *forward, *R_T, *W_T, *units;  // packs; the bias is [unit][row]; units begins with it
  T *dW, *dR, *db;                              // inside a gradient slot
};

// ---- packs -----------------------------------------------------------------------------------------------

template <class C, class T>
INLINE auto weight_of(const T* W, int first_row, int64_t H, int64_t K) {
  return [=](int row, int64_t unit, int64_t k) { return unit < H ? W[((row - first_row) * H + unit) * K + k] : T(0); };
}

template <class C, class T>
inline T* pack_layer(const Layer<T>& l, T* pack) {
  for (int64_t unit = 0; unit < l.H; ++unit)
    for (int r = 0; r < C::rows; ++r) *pack++ = l.b[r * l.H + unit];
  return pack_lanes<CellFeed<C>>(pack, l.H, l.I, l.H, weight_of<C>(l.W, C::input[0], l.H, l.I),
                                 weight_of<C>(l.R, C::state[0], l.H, l.H));
}

template <class C, class T>
inline T* pack_layer_units(const Layer<T>& l, T* pack) {
  const T* b = l.b;
  const int64_t H = l.H;
  const auto bias = [=](int row, int64_t unit) { return unit < H ? b[row * H + unit] : T(0); };
  return pack_units<CellFeed<C>>(pack, padded<T>(H) / width<T>, l.I, H, bias, weight_of<C>(l.W, C::input[0], H, l.I),
                                 weight_of<C>(l.R, C::state[0], H, H));
}

// The transpose of M (K rows of `units`), for products over M's rows.
template <class T>
inline T* pack_transposed(const T* M, int64_t K, int64_t row, int64_t units, T* pack) {
  const auto weight = [=](int, int64_t unit, int64_t k) { return M[k * row + unit]; };
  return pack_lanes<Plain>(pack, units, K, 0, weight, weight);
}

// ---- forward ---------------------------------------------------------------------------------------------

// The cell on the sums of some units; a row of a state or of the tape is `row` long.
template <class C, bool Keep, class Sums, class T>
INLINE void cell_forward(Sums a, const T* prev, T* next, T* tape, int64_t row) {
  using V = typename Sums::V;
  C::forward(a, Read<V, T>{prev, row}, Write<V, true, T>{next, row}, Write<V, Keep, T>{tape, row});
}

template <class C, bool Keep, class T>
inline void step_forward(const Layer<T>& l, const T* x, const T* prev, T* next, T* tape) {
  const int64_t H = l.H, row = H * lanes<T>;
  const T* bias = l.bias;
  const auto start = [=](int64_t i, int) INLINE_LAMBDA { return splat<Vec<T>>(bias[i]); };
  const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
    cell_forward<C, Keep>(a, prev + unit * lanes<T>, next + unit * lanes<T>, tape + unit * lanes<T>, row);
  };
  product<CellFeed<C>>(l.forward, Operands<T>{x, l.I, prev, H}, H, start, cell);
}

// The same for one window, units in the lanes; states are [state][padded H], and so is the tape.
template <class C, bool Keep, class T>
inline void step_units(const Layer<T>& l, const T* x, const T* prev, T* next, T* tape, bool backwards, int part,
                       int parts) {
  const int64_t row = padded<T>(l.H);
  const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
    cell_forward<C, Keep>(a, prev + unit, next + unit, Keep ? tape + unit : tape, row);
  };
  product_units<CellFeed<C>>(l.units + C::rows * row, Operands<T>{x, l.I, prev, l.H}, row / width<T>, backwards, part,
                             parts, l.units, cell);
}

// ---- backward --------------------------------------------------------------------------------------------

template <class T>
struct Bptt {
  const T* states;  // as above
  T* tape;
  const T* upstream;  // gradient of h at step t: upstream + t * upstream_step; null: only the last step's, below
  int64_t upstream_step;
  const T* last;     // gradient of h at the last step, from the head; null: none
  T* carry;          // [state][H][lanes]: on return the gradient of the initial state, but for R da
  T* sums;           // [row][H][sums_of_row][width], see inner.h
  T* transposed;     // transposed_size(max(I, H), segment * lanes)
  T* dh;             // [H][lanes], used where there is a flow
  double* flow;      // [T] added to: squares of the gradient of h after each step; null: not asked for
};

// The cell's gradients from that of its h; a row of a state, of the tape or of the carry is `row` long. The gradients
// of the pre-activations go over the tape's rows, the carry becomes that of the step before.
template <class C, class V, class T>
INLINE void cell_backward(V dh, const T* prev, const T* next, T* tape, T* carry, int64_t row) {
  V kept[C::taped + 1], before[C::states], after[C::states], dafter[C::states], dbefore[C::states], da[C::rows];
  UNROLL
  for (int i = 0; i < C::taped; ++i) kept[i] = load_as<V>(tape + i * row);
  UNROLL
  for (int i = 0; i < C::states; ++i) {
    before[i] = load_as<V>(prev + i * row);
    after[i] = load_as<V>(next + i * row);
    dafter[i] = i == 0 ? dh : load_as<V>(carry + i * row);
  }
  C::backward(kept, before, after, dafter, da, dbefore);
  UNROLL
  for (int i = 0; i < C::rows; ++i) store(tape + i * row, da[i]);
  UNROLL
  for (int i = 0; i < C::states; ++i) store(carry + i * row, dbefore[i]);
}

// Gradient of h after step t that comes from above; null: none.
template <class T>
INLINE const T* from_above(const Bptt<T>& s, int64_t t, int64_t steps) {
  return t + 1 == steps && s.last ? s.last : (s.upstream ? s.upstream + t * s.upstream_step : nullptr);
}

// Gradient of the state after step t: the carry, what comes from above, and R da of step t + 1.
template <class C, class T>
inline void step_backward(const Layer<T>& l, const Bptt<T>& s, int64_t t, int64_t steps) {
  const int64_t H = l.H, row = H * lanes<T>;
  T *tape = s.tape + t * tape_rows<C> * row, *carry = s.carry;
  const T* later = tape + (tape_rows<C> + C::state[0]) * row;
  const T *prev = s.states + t * C::states * row, *next = prev + C::states * row;
  const T* above = from_above(s, t, steps);
  const auto start = [=](int64_t unit, int n) INLINE_LAMBDA {
    const int64_t at = unit * lanes<T> + n * width<T>;
    return above ? load(carry + at) + load(above + at) : load(carry + at);
  };
  const auto cell = [=](int64_t unit, auto dh) INLINE_LAMBDA {
    const int64_t at = unit * lanes<T>;
    cell_backward<C>(dh[0], prev + at, next + at, tape + at, carry + at, row);
  };
  const int64_t K = t + 1 < steps ? state_rows<C> * H : 0;
  product<Plain>(l.R_T, Operands<T>{later, K, nullptr, 0}, H, start, cell);
}

// y[unit][lane] = start + sum over rows [first, last) of the gradients da: dx through W, dh through R.
template <class T>
inline void through(const T* pack_T, const T* da, int64_t K, int64_t units, const T* start, T* y) {
  product<Plain>(
      pack_T, Operands<T>{da, K, nullptr, 0}, units,
      [=](int64_t unit, int n)
          INLINE_LAMBDA { return start ? load(start + unit * lanes<T> + n * width<T>) : Vec<T>{}; },
      [=](int64_t unit, auto a) INLINE_LAMBDA { store(y + unit * lanes<T>, a[0]); });
}

// The squares of that gradient of h. It is made once more, because step_backward hands it to the cell in registers: who
// asks pays for a product, who does not ask for nothing.
template <class C, class T>
__attribute__((noinline)) double state_gradient(const Layer<T>& l, const Bptt<T>& s, int64_t t, int64_t steps) {
  const int64_t row = l.H * lanes<T>;
  const T* above = from_above(s, t, steps);
  for (int64_t i = 0; i < row; i += width<T>)
    store(s.dh + i, above ? load(s.carry + i) + load(above + i) : load(s.carry + i));
  const T* later = s.tape + ((t + 1) * tape_rows<C> + C::state[0]) * row;
  through(l.R_T, later, t + 1 < steps ? state_rows<C> * l.H : 0, l.H, static_cast<const T*>(s.dh), s.dh);
  return norm2(s.dh, row, 0);
}

// dW, dR += da (x, h) over steps [t, end), and the sums of inner.h. input(t) points to x[t] as [I][lanes]; steps that
// follow each other lie equally far apart.
template <class C, class T, class Input>
inline void weight_gradients(const Layer<T>& l, const Bptt<T>& s, int64_t t, int64_t end, Input input) {
  const int64_t H = l.H, row = H * lanes<T>, step = tape_rows<C> * row, n = end - t;
  const T* const da = s.tape + t * step;
  const int64_t row_sums = sums_of_row<C, T>(l.I, H), few = row_sums - 1;
  const auto add_inner = [&](int first, int last, int64_t features) {
    if (first == last) return;
    T* const sums = s.sums + first * H * row_sums * width<T>;
    inner(Inner<T>{sums, row_sums, features, da + first * row, step, input(t), input(1) - input(0), n},
          (last - first) * H);
  };
  add_inner(0, C::input[0], 0);
  add_inner(C::input[0], C::input[1], few);
  add_inner(C::input[1], C::rows, 0);
  const auto add_outer = [&](T* G, int64_t features, int first, int64_t rows) {
    outer(outer_of_chunk<T>(G, rows * H, features, da + first * row, step, s.transposed, n));
  };
  if (!few) {
    for (int64_t i = 0; i < n; ++i) transpose(input(t + i), l.I, s.transposed, i, n);
    add_outer(l.dW, l.I, C::input[0], input_rows<C>);
  }
  for (int64_t i = 0; i < n; ++i) transpose(s.states + (t + i) * C::states * row, H, s.transposed, i, n);
  add_outer(l.dR, H, C::state[0], state_rows<C>);
}

// The sums of inner.h into db, dW.
template <class C, class T>
inline void add_sums(const Layer<T>& l, const T* sums) {
  const int64_t row_sums = sums_of_row<C, T>(l.I, l.H);
  T* const dW = l.dW - C::input[0] * l.H * l.I;
  int64_t row = 0, i = 0;
  add_lanes(sums, C::rows * l.H * row_sums, [&](int64_t, T total) {
    if (i == 0) l.db[row] += total;
    else if (row >= C::input[0] * l.H && row < C::input[1] * l.H) dW[row * l.I + i - 1] += total;
    if (++i == row_sums) i = 0, ++row;
  });
}

// All steps of one layer; false: told to stop.
template <class C, class T, class Input>
inline bool backward(const Layer<T>& l, const Bptt<T>& s, int64_t steps, const Poll& poll, Input input) {
  clear(s.carry, C::states * l.H * lanes<T>);
  clear(s.sums, C::rows * l.H * sums_of_row<C, T>(l.I, l.H) * width<T>);
  for (int64_t t = steps - 1; t >= 0; --t) {
    if (s.flow) s.flow[t] += state_gradient<C>(l, s, t, steps);
    step_backward<C>(l, s, t, steps);
    if (t % segment == 0) weight_gradients<C>(l, s, t, t + segment < steps ? t + segment : steps, input);
    if (poll.stop(poll.self)) return false;
  }
  add_sums<C>(l, s.sums);
  return true;
}

}  // namespace forecast::FORECAST_ISA
