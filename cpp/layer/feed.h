// What a decoder reads from the previous step: its own output or, with teacher forcing, the true target.
//
//   out_0 = newest                                        the newest values of the targets, as the encoder reads them
//   out_s = scale_k z + shift_k,   k = (s - 1, column)    from the units of target k to those of the past
//   z     = the network's output for target k or, with probability `forced`, its true value if that is known
//
// It starts a loop: the layers from here to the last one compute each step together, in training too, because a step
// reads the output of the previous one. The gradient flows back into that output. One of the outputs of a target is fed
// back (`level`). Whether a step reads the true target depends only on the seed, the step and the window's number in
// the batch.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct FeedLayer : Weightless {
  static constexpr bool feeds = true;

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    p.compact(p.net.layers[number].out);
  }

  template <class T>
  struct View {
    int64_t columns, Q;
    int level, n;
    const double *scale, *shift;
    const T *y, *weight;  // as the loss reads them: windows in the lanes
    uint64_t threshold;   // a draw below it reads the true target
    uint32_t number;

    View(const Call<T>& k, int layer) {
      const LayerSpec& l = k.layer(layer);
      columns = k.stream(l.out).width, Q = k.net.Q, level = l.level, n = k.c.n, number = uint32_t(l.number);
      scale = k.c.source->fed_scale, shift = k.c.source->fed_shift;
      y = k.c.arena + k.plan.y, weight = k.c.arena + k.plan.weight;
      threshold = uint64_t(k.c.forced * 4294967296.0);
    }
    int64_t target(int64_t s, int64_t column) const { return (s - 1) * columns + column; }
    T scale_of(int64_t k) const { return scale ? T(scale[k]) : T(1); }
    T shift_of(int64_t k) const { return shift ? T(shift[k]) : T(0); }
    bool drawn(const Call<T>& k, int lane, int64_t s) const {
      const uint32_t window = uint32_t(k.c.first + lane);
      return lane < n && threshold > 0 && philox({{window, uint32_t(s), 0, number}}, k.c.seed).x[0] < threshold;
    }
    bool known(int64_t k, int lane) const { return weight[k * lanes<T> + lane] > 0; }
  };

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    constexpr int C = Way::columns;
    const LayerSpec& l = k.layer(number);
    const View<T> v(k, number);
    for (int64_t s = from; s < to; ++s) {
      T* const out = k.track(l.out).at(s);
      if (s == 0) {
        const T* const newest = k.track(l.in[0]).at(0);
        for (int64_t i = 0; i < v.columns * C; ++i) out[i] = newest[i];
        continue;
      }
      const T* const own = k.track(k.net.out).at(s - 1);
      for (int64_t column = 0; column < v.columns; ++column) {
        const int64_t target = v.target(s, column);
        const T scale = v.scale_of(target), shift = v.shift_of(target), *z = own + (column * v.Q + v.level) * C;
        for (int lane = 0; lane < C; ++lane) out[column * C + lane] = scale * z[lane] + shift;
      }
      for (int lane = 0; v.threshold && lane < C; ++lane) {
        if (!v.drawn(k, lane, s)) continue;
        for (int64_t column = 0; column < v.columns; ++column) {
          const int64_t target = v.target(s, column);
          if (v.known(target, lane))
            out[column * C + lane] = v.scale_of(target) * v.y[target * lanes<T> + lane] + v.shift_of(target);
        }
      }
    }
    return true;
  }

  // Adds to the output of the previous step, if that was read.
  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    constexpr int C = Way::columns;
    const LayerSpec& l = k.layer(number);
    const View<T> v(k, number);
    const Gradient<T> d = k.gradient(l.out);
    if (s == 0) {
      k.pass(d, 0, v.columns * C, 1, l.in[0]);
      return true;
    }
    const T* const ds = d.at(s);
    T* const dout = k.gradient(k.net.out).at(s - 1);
    for (int lane = 0; lane < C; ++lane) {
      const bool drawn = v.drawn(k, lane, s);
      for (int64_t column = 0; column < v.columns; ++column) {
        const int64_t target = v.target(s, column);
        if (!(drawn && v.known(target, lane)))
          dout[(column * v.Q + v.level) * C + lane] += v.scale_of(target) * ds[column * C + lane];
      }
    }
    return true;
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    for (int64_t s = k.stream(k.layer(number).out).steps - 1; s >= 0; --s) backward_step<Way>(k, number, s);
    return !k.stopped();
  }
};

}  // namespace forecast::FORECAST_ISA
