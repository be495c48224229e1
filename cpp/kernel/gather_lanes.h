// Copies the past of a whole chunk from the raw series into lanes, with the same bits as gather_past of every window.
//
// Copying window by window writes one lane of every line of x, and the lines do not all stay in cache. Here a square of
// values, as many windows as consecutive values in memory, is transposed in registers. Anchor, mean and scale are
// applied to all windows of a row of the square at once.
#pragma once

#include "gather.h"
#include "product.h"
#include "transpose.h"

namespace forecast::FORECAST_ISA {

// The anchors of a chunk's windows, [channel][lane]; null: none.
struct Anchors {
  double *centre, *spread;
};

INLINE void store_rounded(double* p, f64 v) { store(p, v); }
INLINE void store_rounded(float* p, f64 v) {
  typedef float half __attribute__((vector_size(bytes / 2), aligned(4), may_alias));
  *reinterpret_cast<half*>(p) = __builtin_convertvector(v, half);
}

// Copies n consecutive values, starting at from[lane], to x[i * x_step + lane]. Value i belongs to channel
// `channel` + i mod `channels`.
template <class S, class T>
inline void gather_run(const Source& s, const S* const* from, int64_t n, int64_t channel, int64_t channels, Anchors by,
                       T* x, int64_t x_step) {
  constexpr int w = width<S>, half = width<double>, all = lanes<T>;
  const auto put = [&](const S* values, int64_t c, int lane, T* out) INLINE_LAMBDA {
    UNROLL
    for (int h = 0; h < w; h += half) {
      f64 v = as_double(values + h);
      if (by.centre) {
        const int64_t at = c * all + lane + h;
        v = (v - load(by.centre + at)) / load(by.spread + at);
      }
      if (s.past_mean) v -= splat<f64>(s.past_mean[c]);
      if (s.past_inverse) v *= splat<f64>(s.past_inverse[c]);
      store_rounded(out + h, v);
    }
  };
  for (int lane = 0; lane < all; lane += w) {
    int64_t c = 0;
    for (int64_t first = 0; first < n; first += w) {
      const int here = int(smaller(w, n - first));
      Vec<S> rows[w];
      UNROLL
      for (int i = 0; i < w; ++i) rows[i] = load_first(from[lane + i] + first, here);
      transpose_square<1>(rows);
      S square[w * w];
      UNROLL
      for (int i = 0; i < w; ++i) store(square + i * w, rows[i]);
      for (int i = 0; i < here; ++i) {
        put(square + i * w, channel + c, lane, x + (first + i) * x_step + lane);
        c = c + 1 < channels ? c + 1 : 0;
      }
    }
  }
}

template <class S, class T>
inline void gather_runs(const Source& s, const int64_t* index, Anchors by, T* x) {
  constexpr int all = lanes<T>;
  const S* from[all];
  const auto begin = [&](int64_t channel) {
    for (int lane = 0; lane < all; ++lane)
      from[lane] = static_cast<const S*>(s.past.data) + past_row(s, index[lane]) * s.past.row + channel * s.past.column;
  };
  if (s.past.column == 1 && s.past.row == s.I) {
    begin(0);
    return gather_run(s, from, s.T * s.I, 0, s.I, by, x, all);
  }
  for (int64_t c = 0; c < s.I; ++c) {
    begin(c);
    gather_run(s, from, s.T, c, 1, by, x + c * all, s.I * all);
  }
}

// Whether gather_past_lanes can read these windows: rows or columns are contiguous in memory, and every channel has one
// anchor at most.
INLINE bool in_runs(const Source& s) {
  return !s.season && (s.past.row == 1 || (s.past.column == 1 && s.past.row == s.I));
}

// x[padding + t][channel][lane] of a full chunk; `scratch` has room for 2 * I * lanes values.
template <class T>
inline void gather_past_lanes(const Source& s, const int64_t* index, T* x, double* scratch) {
  constexpr int64_t all = lanes<T>;
  Anchors by{};
  if (s.anchor) {
    by = {scratch, scratch + s.I * all};
    for (int64_t c = 0; c < s.I; ++c)
      for (int lane = 0; lane < all; ++lane) {
        const Anchor anchor = anchor_of(s, past_row(s, index[lane]), c);
        by.centre[c * all + lane] = anchor.centre, by.spread[c * all + lane] = anchor.spread;
      }
  }
  const int64_t step = s.I * all;
  T* real = x + s.padding * step;
  if (s.past.is_double) gather_runs<double>(s, index, by, real);
  else gather_runs<float>(s, index, by, real);
  for (int64_t i = 0; i < s.padding * step; ++i) x[i] = real[i % step];
}

}  // namespace forecast::FORECAST_ISA
