// Dropout (random.h) at every step. If nothing is dropped, the output is a view of the input and costs no work.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct DropoutLayer : Weightless {
  static constexpr bool always = false;

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    p.compact(l.out);
    p.link(l.in[0], l.out, 0);
  }
  // Masks depend on the time in the base stream, even if only some of its steps are viewed.
  template <class Way, class T>
  static void mask(const Call<T>& k, const LayerSpec& l, int64_t s, const T* from, T* to) {
    const Place& view = k.plan.places[l.in[0]];
    const int64_t first = view.first / k.stream(view.base).width;
    apply_dropout<Way::columns>(k.dropout(), l.number, first + s, k.stream(l.out).width, from, to);
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const Track<T> x = k.track(l.in[0]), out = k.track(l.out);
    for (int64_t s = from; s < to; ++s) {
      mask<Way>(k, l, s, x.at(s), out.at(s));
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class Way, class T>
  static bool steps_backward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const Gradient<T> d = k.gradient(l.out);
    for (int64_t s = from; s < to; ++s) {
      mask<Way>(k, l, s, d.at(s), d.at(s));
      if (k.stopped()) return false;
    }
    const StreamSpec& out = k.stream(l.out);
    if (!k.linked(l.in[0], l.out)) k.pass_steps(d, 0, out.width * Way::columns, from, to, out.steps, l.in[0]);
    return true;
  }
  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return steps_backward<Way>(k, number, 0, k.stream(k.layer(number).out).steps);
  }
  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    return steps_backward<Way>(k, number, s, s + 1);
  }
};

}  // namespace forecast::FORECAST_ISA
