// Work that the steps of a decoder share if each of them restarts from the same states, and that windows share if they
// have the same input, such as a decoder's learned positions. It is done once:
//
//   forward    S = b + R h0 for all steps. A step's sums are S + (W x_s), where W x_s is a chain from zero; if all
//              windows have one input, it is the same for all of them
//   backward   dR = (sum_s da_s) h0,  dh0 = R^T (sum_s da_s); and with D_s = sum of da_s over the windows of a chunk,
//                db = sum_s D_s,  dW = sum_s D_s x_s,  dx_s = W^T D_s     if all windows have one input
//
// The order of the sums is the same in both ways, so the bits are too. Steps that are computed alone and layers that do
// not restart do not use this.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

inline bool restarts(const NetworkSpec& net, const LayerSpec& l) { return l.restart && net.streams[l.out].steps > 1; }

// Whether its input is the same for all windows and known in advance: a decoder's learned positions.
inline __attribute__((noinline)) bool common_input(const NetworkSpec& net, const LayerSpec& l) {
  int stream = l.in[0];
  while (net.streams[stream].of >= 0) stream = net.streams[stream].of;
  for (int i = 0; restarts(net, l) && i < net.n_layers; ++i) {
    const LayerSpec& maker = net.layers[i];
    if (maker.out == stream) return !maker.inputs && maker.added < 0 && maker.bias == Bias::steps;
  }
  return false;
}

// `shared`: S; in backward, the sum of da over the steps. `zeros`: the start of W x_s. `begun`: with windows in the
// lanes, W x_s of up to `width` steps if the windows have one input and, in backward, D_s by unit and by step; with
// units in the lanes, W x_s + S.
template <class T>
struct SharedMemory {
  int64_t shared = 0, zeros = 0, begun = 0;
  SharedMemory() = default;
  SharedMemory(bool units, bool restart, bool common, int rows, int64_t I, int64_t H, int64_t row, Cursor& arena) {
    if (!restart) return;
    shared = arena.take(rows * row), zeros = arena.take(units ? rows * row : rows * H);
    begun = arena.take(units ? rows * row : common ? (2 * rows * H + I) * width<T> + strip<T> : 0);
  }
};

constexpr int units_together = 4;  // in a product with steps in the lanes

// sums[j] += sum over k < n of weights[j][k * apart] * x[k][step]. A separate function, so that its sums stay in
// registers.
template <class T>
__attribute__((noinline)) void add_products(Vec<T> (&sums)[units_together], const T* const (&weights)[units_together],
                                            int64_t apart, const T* x, int64_t n) {
  Vec<T> acc[units_together];
  UNROLL
  for (int j = 0; j < units_together; ++j) {
    acc[j] = sums[j];
    pin(acc[j]);
  }
  for (int64_t k = 0; k < n; ++k) {
    const Vec<T> operand = load(x + k * width<T>);
    UNROLL
    for (int j = 0; j < units_together; ++j) acc[j] = madd(splat<Vec<T>>(weights[j][k * apart]), operand, acc[j]);
  }
  UNROLL
  for (int j = 0; j < units_together; ++j) sums[j] = acc[j];
}

// W x of the steps [i, end), at most `width`, if all windows have one input: a chain as in a product, from zero or from
// the bias, with steps in the lanes. The result goes to begun[step][unit][row].
template <bool from_zero, class View>
__attribute__((noinline)) void begin_steps(const View& v, int64_t i, int64_t end) {
  using T = typename View::Number;
  constexpr int64_t w = width<T>;
  const int64_t I = v.I, H = v.H, n = end - i, rows = v.cell.rows, inputs = v.cell.input[1];
  const T *const W = v.weights, *const b = W + v.cell.b_of(I, H);
  T* const x = v.begun + w * rows * H;
  for (int64_t k = 0; k < I; ++k)
    for (int64_t s = 0; s < w; ++s) x[k * w + s] = s < n ? v.input(i + s)[k * v.columns] : T(0);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t unit = 0; unit < H; unit += units_together) {
      Vec<T> sums[units_together];
      const T* weights[units_together];
      for (int j = 0; j < units_together; ++j) {
        const int64_t own = smaller(unit + j, H - 1);  // repeats the last one if there are no more
        sums[j] = splat<Vec<T>>(from_zero ? T(0) : b[row * H + own]);
        weights[j] = row < inputs ? W + (row * H + own) * I : nullptr;
      }
      if (row < inputs) add_products(sums, weights, 1, x, I);
      for (int j = 0; j < units_together && unit + j < H; ++j) {
        T of_step[w];
        store(of_step, sums[j]);
        for (int64_t s = 0; s < n; ++s) v.begun[(s * H + unit + j) * rows + row] = of_step[s];
      }
    }
}

// db, dW and dx of the steps [i, end), at most `width`, if all windows have one input. Only the first lane of dx
// receives the sum over all windows.
template <class View, class T>
__attribute__((noinline)) void steps_gradients(const View& v, const Gradient<T>& dx, T* dW, int64_t i, int64_t end) {
  constexpr int64_t w = width<T>;
  const int64_t I = v.I, H = v.H, n = end - i, all = v.cell.rows * H, fed = v.cell.input[1] * H;
  T *const by_unit = v.begun, *const by_step = by_unit + all * w, *const x = by_step + all * w;
  T* const db = dW + v.cell.b_of(I, H);
  clear(by_unit, n < w ? all * w : 0), clear(by_step, n * all);
  for (int64_t s = 0; s < n; ++s) {
    T* const D = by_step + s * all;
    WindowsInLanes<T>::add_column_sums(v.tape(i + s), all, D);
    for (int64_t j = 0; j < all; ++j) by_unit[j * w + s] = D[j], db[j] += D[j];
    for (int64_t k = 0; k < I; ++k) x[s * I + k] = v.input(i + s)[k * v.columns];
  }
  outer(Outer<1, T>{dW, I, fed, I, by_step, all, x, 1, I, n});
  for (int64_t k = 0; dx.wanted() && k < I; k += units_together) {
    Vec<T> sums[units_together];
    const T* weights[units_together];
    for (int j = 0; j < units_together; ++j) sums[j] = Vec<T>{}, weights[j] = v.weights + smaller(k + j, I - 1);
    add_products(sums, weights, I, by_unit, fed);
    for (int j = 0; j < units_together && k + j < I; ++j) {
      T of_step[w];
      store(of_step, sums[j]);
      for (int64_t s = 0; s < n; ++s) {
        T* const to = dx.at(v.time(i + s)) + (k + j) * v.columns;
        if (!dx.adds) clear(to, v.columns);
        to[0] += of_step[s];
      }
    }
  }
}

}  // namespace forecast::FORECAST_ISA
