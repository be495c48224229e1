// Concatenates streams at every step: out_s = [a_s ; b_s ; ...]. A stream of a single step is repeated at every step.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Concat : Weightless {
  static constexpr int most = most_inputs;

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    p.compact(l.out);
    for (int64_t i = 0, feature = 0; i < l.inputs; feature += p.net.streams[l.in[i++]].width)
      p.link(l.in[i], l.out, feature);
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    T* out = k.track(l.out).at(from);
    for (int64_t s = from; s < to; ++s)
      for (int i = 0; i < l.inputs; ++i) {
        const T* x = k.track(l.in[i]).at(k.stream(l.in[i]).steps == 1 ? 0 : s);
        const int64_t n = k.stream(l.in[i]).width * Way::columns;
        for (int64_t j = 0; j < n; ++j) *out++ = x[j];
      }
    return !k.stopped();
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return steps_backward<Way>(k, number, 0, k.stream(k.layer(number).out).steps);
  }
  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    return steps_backward<Way>(k, number, s, s + 1);
  }
  template <class Way, class T>
  static bool steps_backward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const Gradient<T> d = k.gradient(l.out);
    for (int64_t i = 0, feature = 0; i < l.inputs; feature += k.stream(l.in[i++]).width) {
      const StreamSpec& in = k.stream(l.in[i]);
      if (!k.linked(l.in[i], l.out))
        k.pass_steps(d, feature * Way::columns, in.width * Way::columns, from, to, k.stream(l.out).steps, l.in[i]);
    }
    return !k.stopped();
  }
};

}  // namespace forecast::FORECAST_ISA
