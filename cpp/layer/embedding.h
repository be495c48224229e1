// Vectors for integer codes (Guo and Berkhahn 2016): out_s = V[code_s], where code_s is the input's value at step s in
// the window's own source, unscaled and rounded to an integer.
//
// The input is one column of the past or of the extra inputs. With a `rate`, the last row of V is for unknown codes:
// every number without a row of its own reads it. In training, so does a share `rate` of all steps, drawn by the step
// and by the window's number in the batch. Each step has the gradient of its own row.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Embedding : Weightless {
  static constexpr bool table = true, by_code = true, same_width = false;

  template <class T>
  static int64_t rows_memory(int64_t n) {
    return n * int64_t(sizeof(int64_t) / sizeof(T));
  }
  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const int out = p.net.layers[number].out;
    p.plan.slots[number].memory = p.arena.take(rows_memory<T>(p.net.streams[out].steps * Way::columns));
    p.compact(out);
  }
  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    put('\0', -1, l.rows, net.streams[l.out].width);
  }

  // The number in a window's own source at an entry of the past (with its padded steps in order) or of the extra
  // inputs.
  template <class T>
  static double number_at(const Call<T>& k, bool past, int64_t entry, int64_t window) {
    const Source& s = *k.c.source;
    if (past) {
      const int64_t t = entry / s.I - s.padding;
      return at(s.past, past_row(s, window) + (t > 0 ? t : 0), entry % s.I);
    }
    if (entry < s.extra_columns) return at(s.extra, window, entry);
    entry -= s.extra_columns;
    const int64_t F = s.future_columns;
    if (entry < s.horizon * F) return at(s.future, target_row(s, window) + entry / F, entry % F);
    return at(s.constant, series_of(s, window), entry - s.horizon * F);
  }

  template <class T>
  static int64_t row_of(const Call<T>& k, const LayerSpec& l, int lane, int64_t s) {
    const Place& in = k.plan.places[l.in[0]];
    const double number = number_at(k, in.base == k.net.past, in.first + s * in.stride, k.c.index[lane]);
    const int64_t known = l.rate > 0 ? l.rows - 1 : l.rows;
    if (!(number > -0.5 && number < double(known) - 0.5)) return l.rows - 1;
    if (k.plan.use.drop && l.rate > 0 && !k.network.all_known) {
      const uint32_t window = uint32_t(k.c.first + lane);
      if (philox({{window, 0, uint32_t(s), uint32_t(l.number)}}, k.c.seed).x[0] < uint32_t(l.rate * 4294967296.0))
        return l.rows - 1;
    }
    return int64_t(number + 0.5);  // NOLINT(bugprone-incorrect-roundings): a code is a whole number from 0
  }
  template <class Way, class T>
  static int64_t* rows(const Call<T>& k, int number, int64_t s) {
    return reinterpret_cast<int64_t*>(k.c.arena + k.plan.slots[number].memory) + s * Way::columns;
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const int64_t width = k.stream(l.out).width;
    const T* const table = k.weights(k.network.theta, number);
    for (int64_t s = from; s < to; ++s) {
      T* const out = k.track(l.out).at(s);
      int64_t* const row = rows<Way>(k, number, s);
      if (k.c.n < Way::columns) clear(out, width * Way::columns);
      for (int lane = 0; lane < k.c.n; ++lane) {
        row[lane] = row_of(k, l, lane, s);
        const T* vector = table + row[lane] * width;
        for (int64_t i = 0; i < width; ++i) out[i * Way::columns + lane] = vector[i];
      }
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    const Gradient<T> d = k.gradient(l.out), none = k.gradient(l.in[0]);
    const int64_t width = k.stream(l.out).width;
    for (int64_t s = 0; s < k.stream(l.out).steps; ++s) {
      const int64_t* const row = rows<Way>(k, number, s);
      for (int lane = 0; lane < k.c.n; ++lane) {
        T* const to = k.read_row(number, lane, row[lane], s);
        for (int64_t i = 0; d.wanted() && i < width; ++i) to[i] += d.at(s)[i * Way::columns + lane];
      }
      if (none.wanted() && !none.adds) clear(none.at(s), Way::columns);  // codes are discrete: their gradient is zero
    }
    return !k.stopped();
  }
};

}  // namespace forecast::FORECAST_ISA
