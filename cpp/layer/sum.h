// The sum of two streams of one width, step by step: out_s = a_s + b_s. A residual connection (He et al. 2016; of
// stacked recurrent layers: Wu et al. 2016, Prakash et al. 2016).
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Sum : Weightless {
  static constexpr int least = 2, most = 2;
  static constexpr bool same_width = false, each_wide = true;

  // The gradient of the first input may be the output's gradient, in place. That of the second input is copied from it
  // before another layer changes it.
  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    p.compact(l.out);
    p.link(l.in[0], l.out, 0);
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const Track<T> a = k.track(l.in[0]), b = k.track(l.in[1]), out = k.track(l.out);
    const int64_t n = k.stream(l.out).width * Way::columns;
    for (int64_t s = from; s < to; ++s) {
      const T *as = a.at(s), *bs = b.at(s);
      T* sum = out.at(s);
      for (int64_t j = 0; j < n; ++j) sum[j] = as[j] + bs[j];
    }
    return !k.stopped();
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    const StreamSpec& out = k.stream(l.out);
    const Gradient<T> d = k.gradient(l.out);
    k.pass(d, 0, out.width * Way::columns, out.steps, l.in[1]);
    if (!k.linked(l.in[0], l.out)) k.pass(d, 0, out.width * Way::columns, out.steps, l.in[0]);
    return !k.stopped();
  }
};

}  // namespace forecast::FORECAST_ISA
