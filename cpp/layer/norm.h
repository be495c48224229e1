// Layer normalisation (Ba, Kiros and Hinton 2016): over the features of each step of each window separately.
//
//   mean = sum_k x_k / n,  s = 1 / sqrt(sum_k (x_k - mean)^2 / n + epsilon)
//   y_k  = g_k (x_k - mean) s + b_k
//
//   dg_k += dy_k (x_k - mean) s,  db_k += dy_k
//   e_k  = g_k dy_k,  dx_k = s (e_k - sum e / n - (x_k - mean) s sum(e (x - mean) s) / n)
//
// Sums run over the features in ascending order, in both ways. The mean and s of every step are kept for backward.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Norm : Weightless {
  static constexpr bool each_wide = true;
  static constexpr double epsilon = 1e-5;  // PyTorch's

  template <class Way, class T>
  struct Memory {
    int64_t moments, products = 0;
    Memory(const NetworkSpec& net, const LayerSpec& l, Use use, Cursor& arena) {
      const StreamSpec& out = net.streams[l.out];
      moments = arena.take((use.backward ? out.steps : 1) * 2 * Way::columns);
      if (use.backward) products = arena.take((out.width + 2) * Way::columns);
    }
  };

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    p.plan.slots[number].memory = p.arena.used;
    const Memory<Way, T> m(p.net, l, p.plan.use, p.arena);
    p.compact(l.out);
    p.link(l.in[0], l.out, 0);
  }

  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    put('g', -1, net.streams[l.out].width, 0);
    put('b', -1, net.streams[l.out].width, 0);
  }

  template <class Way, class T>
  struct View {
    int64_t n, kept;  // features; steps whose moments are kept
    Track<T> x, out;
    T *moments, *products;
    const T *g, *b;

    View(const Call<T>& k, int number) {
      const LayerSpec& l = k.layer(number);
      Cursor arena{k.plan.slots[number].memory};
      const Memory<Way, T> m(k.net, l, k.plan.use, arena);
      n = k.stream(l.out).width, kept = k.plan.use.backward ? k.stream(l.out).steps : 1;
      x = k.track(l.in[0]), out = k.track(l.out);
      moments = k.c.arena + m.moments, products = k.c.arena + m.products;
      g = k.weights(k.network.theta, number), b = g + n;
    }
    T* mean(int64_t s) const { return moments + s % kept * 2 * Way::columns; }
  };

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    constexpr int C = Way::columns;
    const View<Way, T> v(k, number);
    const T n = T(v.n);
    for (int64_t t = from; t < to; ++t) {
      const T* const x = v.x.at(t);
      T *const y = v.out.at(t), *const mean = v.mean(t), *const s = mean + C;
      clear(mean, 2 * C);
      for (int64_t i = 0; i < v.n; ++i)
        for (int c = 0; c < C; ++c) mean[c] += x[i * C + c];
      for (int c = 0; c < C; ++c) mean[c] /= n;
      for (int64_t i = 0; i < v.n; ++i)
        for (int c = 0; c < C; ++c) s[c] += (x[i * C + c] - mean[c]) * (x[i * C + c] - mean[c]);
      for (int c = 0; c < C; ++c) s[c] = T(1) / root(s[c] / n + T(epsilon));
      for (int64_t i = 0; i < v.n; ++i)
        for (int c = 0; c < C; ++c) y[i * C + c] = v.g[i] * ((x[i * C + c] - mean[c]) * s[c]) + v.b[i];
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    constexpr int C = Way::columns;
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    const Gradient<T> d = k.gradient(l.out);
    const T n = T(v.n);
    T *const dg = k.weights(k.c.gradient, number), *const db = dg + v.n;
    T *const products = v.products, *const e_mean = products + v.n * C, *const ez_mean = e_mean + C;
    for (int64_t t = 0; t < k.stream(l.out).steps; ++t) {
      const T *const x = v.x.at(t), *const mean = v.mean(t), *const s = mean + C;
      T* const dy = d.at(t);
      clear(e_mean, 2 * C);
      Way::add_column_sums(dy, v.n, db);
      for (int64_t i = 0; i < v.n; ++i)
        for (int c = 0; c < C; ++c) {
          const int64_t at = i * C + c;
          products[at] = dy[at] * ((x[at] - mean[c]) * s[c]);
          e_mean[c] += v.g[i] * dy[at], ez_mean[c] += v.g[i] * products[at];
        }
      Way::add_column_sums(products, v.n, dg);
      for (int c = 0; c < C; ++c) e_mean[c] /= n, ez_mean[c] /= n;
      for (int64_t i = 0; i < v.n; ++i)  // overwrites the gradient that it is computed from
        for (int c = 0; c < C; ++c) {
          const int64_t at = i * C + c;
          dy[at] = s[c] * (v.g[i] * dy[at] - e_mean[c] - (x[at] - mean[c]) * s[c] * ez_mean[c]);
        }
      if (k.stopped()) return false;
    }
    if (!k.linked(l.in[0], l.out)) k.pass(d, 0, v.n * C, k.stream(l.out).steps, l.in[0]);
    return !k.stopped();
  }

  static float root(float x) { return __builtin_sqrtf(x); }
  static double root(double x) { return __builtin_sqrt(x); }
};

}  // namespace forecast::FORECAST_ISA
