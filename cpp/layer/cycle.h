// A learned cycle: one vector Q of `length` values per target channel, and per series where there are several rows. It
// is subtracted from the inputs and added to the outputs (Lin et al. 2024, CycleNet):
//
//   CycleOff   out_tc = past_tc - Q[row, c, (phase + t) mod length]                      c < channels, others unchanged
//   CycleOn    out_kq = in_kq + ratio_k Q[row, c, (phase + T + step) mod length]           k = step * channels + c
//
// phase is the phase of the window's oldest row, T its number of real steps (padding has the phase of the oldest row).
// ratio_k converts the units of the inputs to those of the outputs. A window of an unknown series has no cycle, unless
// all series share one.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Cycle : Weightless {
  static constexpr bool table = true, by_phase = true;

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    p.compact(p.net.layers[number].out);
    p.link(p.net.layers[number].in[0], p.net.layers[number].out, 0);
  }
  template <class Put>
  static void fields(const NetworkSpec&, const LayerSpec& l, const Put& put) {
    put('\0', -1, l.rows, l.channels, l.length);
  }
  template <class T>
  static int64_t row_of(const Call<T>& k, const LayerSpec& l, int lane) {
    const int64_t rows = l.tied < 0 ? l.rows : k.layer(l.tied).rows;
    return rows == 1 ? 0 : k.c.source->series_row[k.c.index[lane]];
  }

  // Calls body(entry of the stream, place in Q's row, factor) for every entry that the cycle applies to.
  template <class T, class Body>
  static void each_off(const Call<T>& k, const LayerSpec& l, int64_t phase, const Body& body) {
    const StreamSpec& past = k.stream(l.out);
    const int64_t padding = k.c.source->padding;
    for (int64_t t = 0; t < past.steps; ++t)
      for (int64_t c = 0; c < l.channels; ++c)
        body(t * past.width + c, c * l.length + (phase + (t > padding ? t - padding : 0)) % l.length, T(-1));
  }
  template <class T, class Body>
  static void each_on(const Call<T>& k, const LayerSpec& l, int64_t phase, const Body& body) {
    const Source& s = *k.c.source;
    for (int64_t target = 0; target < k.net.K; ++target) {
      const int64_t step = target / l.channels, place = (phase + s.T + step) % l.length;
      for (int64_t q = 0; q < k.net.Q; ++q)
        body(target * k.net.Q + q, target % l.channels * l.length + place,
             s.cycle_ratio ? T(s.cycle_ratio[target]) : T(1));
    }
  }

  template <class Way, class T, class Each>
  static bool add(const Call<T>& k, int number, const Each& each) {
    const LayerSpec& l = k.layer(number);
    const int64_t row = k.stream(l.out).width * Way::columns, entries = l.channels * l.length;
    const Track<T> x = k.track(l.in[0]);
    T* out = k.track(l.out).at(0);
    for (int64_t s = 0; s < k.stream(l.out).steps; ++s)
      for (int64_t i = 0; i < row; ++i) out[s * row + i] = x.at(s)[i];
    for (int lane = 0; lane < k.c.n; ++lane) {
      const int64_t series = row_of(k, l, lane);
      if (series < 0) continue;
      const T* cycle = k.weights(k.network.theta, number) + series * entries;
      each(k, l, k.c.source->phase[k.c.index[lane]],
           [&](int64_t entry, int64_t place, T factor) { out[entry * Way::columns + lane] += factor * cycle[place]; });
    }
    return !k.stopped();
  }

  template <class Way, class T, class Each>
  static bool take(const Call<T>& k, int number, const Each& each) {
    const LayerSpec& l = k.layer(number);
    const Gradient<T> d = k.gradient(l.out);
    for (int lane = 0; d.wanted() && lane < k.c.n; ++lane) {
      const int64_t series = row_of(k, l, lane), width = k.stream(l.out).width;
      if (series < 0) continue;
      T* to = k.read_row(number, lane, series);
      each(k, l, k.c.source->phase[k.c.index[lane]], [&](int64_t entry, int64_t place, T factor) {
        to[place] += factor * d.at(entry / width)[entry % width * Way::columns + lane];
      });
    }
    if (!k.linked(l.in[0], l.out)) k.pass(d, 0, k.stream(l.out).width * Way::columns, k.stream(l.out).steps, l.in[0]);
    return !k.stopped();
  }
};

struct CycleOff : Cycle {
  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t, int64_t) {
    return add<Way>(k, number, [](const auto&... a) { each_off(a...); });
  }
  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return take<Way>(k, number, [](const auto&... a) { each_off(a...); });
  }
};

struct CycleOn : Cycle {
  static constexpr const char* owner = "cycle_off";

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t, int64_t) {
    return add<Way>(k, number, [](const auto&... a) { each_on(a...); });
  }
  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return take<Way>(k, number, [](const auto&... a) { each_on(a...); });
  }
};

}  // namespace forecast::FORECAST_ISA
