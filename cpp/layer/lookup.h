// A vector per series: out = V[row of the window's series]. The last row is for unknown series: a window whose row is
// -1 reads it. In training, so does a share of the other windows, drawn by their number in the batch.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Lookup : Weightless {
  static constexpr int least = 0, most = 0;
  static constexpr bool table = true, same_width = false;

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    p.compact(p.net.layers[number].out);
  }
  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    put('\0', -1, l.rows, net.streams[l.out].width);
  }

  template <class T>
  static int64_t row_of(const Call<T>& k, const LayerSpec& l, int lane) {
    const int64_t row = k.c.source->series_row[k.c.index[lane]];
    const uint32_t window = uint32_t(k.c.first + lane);
    const bool left_out = k.plan.use.drop && philox({{window, 0, 0, uint32_t(l.number)}}, k.c.seed).x[0] <
                                                 uint32_t(k.network.left_out * 4294967296.0);
    return row < 0 || left_out ? l.rows - 1 : row;
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t, int64_t) {
    const LayerSpec& l = k.layer(number);
    const int64_t width = k.stream(l.out).width;
    T* out = k.track(l.out).at(0);
    clear(out, width * Way::columns);
    for (int lane = 0; lane < k.c.n; ++lane) {
      const T* vector = k.weights(k.network.theta, number) + row_of(k, l, lane) * width;
      for (int64_t i = 0; i < width; ++i) out[i * Way::columns + lane] = vector[i];
    }
    return true;
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    const Gradient<T> d = k.gradient(l.out);
    for (int lane = 0; lane < k.c.n; ++lane) {
      T* to = k.read_row(number, lane, row_of(k, l, lane));
      for (int64_t i = 0; d.wanted() && i < k.stream(l.out).width; ++i) to[i] += d.at(0)[i * Way::columns + lane];
    }
    return true;
  }
};

}  // namespace forecast::FORECAST_ISA
