// Where all windows of a chunk have one input, as a decoder's learned positions are: bias + W x is computed once for
// all of them, steps in the lanes.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

// Whether it reads what all windows have in common, ready before it begins: a decoder's learned positions.
inline bool common_input(const NetworkSpec& net, const LayerSpec& l) {
  int stream = l.in[0];
  while (net.streams[stream].of >= 0) stream = net.streams[stream].of;
  for (int i = 0; l.restart && i < net.n_layers; ++i) {
    const LayerSpec& maker = net.layers[i];
    if (maker.out == stream) return !maker.inputs && maker.added < 0 && maker.bias == Bias::steps;
  }
  return false;
}

// What the sums of the steps [i, end), at most `width`, begin with where all windows have one input: bias + W x as
// one chain, as in a product, steps in the lanes. To begun[step][unit][row].
template <class View, class T>
__attribute__((noinline)) void begin_steps(const View& v, const T* W, int64_t i, int64_t end) {
  constexpr int columns = lanes<T>;
  constexpr int together = 4;  // units
  constexpr int64_t w = width<T>;
  const int64_t I = v.I, H = v.H, n = end - i, rows = v.cell.rows;
  const int first = v.cell.input[0], last = v.cell.input[1];
  const T* const b = W + v.cell.b_of(I, H);
  T* const x = v.begun + w * rows * H;
  for (int64_t k = 0; k < I; ++k)
    for (int64_t s = 0; s < w; ++s) x[k * w + s] = s < n ? v.input(i + s)[k * columns] : T(0);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t unit = 0; unit < H; unit += together) {
      Vec<T> sums[together];
      const T* weights[together];
      for (int j = 0; j < together; ++j) {
        const int64_t own = smaller(unit + j, H - 1);  // the last again where there are no more
        sums[j] = splat<Vec<T>>(b[row * H + own]);
        weights[j] = W + ((row - first) * H + own) * I;
      }
      if (row >= first && row < last)
        for (int64_t k = 0; k < I; ++k)
          for (int j = 0; j < together; ++j) sums[j] = madd(splat<Vec<T>>(weights[j][k]), load(x + k * w), sums[j]);
      for (int j = 0; j < together && unit + j < H; ++j) {
        T of_step[w];
        store(of_step, sums[j]);
        for (int64_t s = 0; s < n; ++s) v.begun[(s * H + unit + j) * rows + row] = of_step[s];
      }
    }
}

}  // namespace forecast::FORECAST_ISA
