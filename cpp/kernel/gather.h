// A chunk of windows straight from the raw series into lanes: x[t][channel][lane], y[k][lane], extra[e][lane].
// The arithmetic (anchor, mean, scale) is in double, so that a series with a large level loses nothing in float32.
#pragma once

#include "vec.h"
#include "table.h"

namespace forecast::FORECAST_ISA {

INLINE int64_t base_of(const Source& s, int64_t window) { return s.origin ? s.origin[window] : window; }

INLINE double at(const Matrix& m, int64_t row, int64_t column) {
  const int64_t i = row * m.row + column * m.column;
  return m.is_double ? static_cast<const double*>(m.data)[i] : double(static_cast<const float*>(m.data)[i]);
}

INLINE int64_t past_row(const Source& s, int64_t window) { return base_of(s, window) * s.past_stride + s.past_shift; }
INLINE int64_t target_row(const Source& s, int64_t window) {
  return base_of(s, window) * s.target_stride + s.target_shift;
}

// The newest value of a channel in a window: what an anchored value is measured from.
INLINE double newest(const Source& s, int64_t window, int64_t channel) {
  return at(s.past, past_row(s, window) + s.T - 1, channel);
}

INLINE double past_anchor(const Source& s, int64_t window, int64_t channel) {
  return s.anchor && s.anchor[channel] ? newest(s, window, channel) : 0.0;
}
INLINE double target_anchor(const Source& s, int64_t window, int64_t column) {
  return s.target_anchor && s.target_anchor[column] >= 0 ? newest(s, window, s.target_anchor[column]) : 0.0;
}

INLINE double scaled(double x, const double* mean, const double* inverse, int64_t i) {
  if (mean) x -= mean[i];
  return inverse ? x * inverse[i] : x;
}

// One window's past into x[t * step + channel * gap]; gap is `lanes` for a chunk and 1 for a single window.
template <class S, class T>
inline void gather_past_as(const Source& s, int64_t window, T* x, int64_t gap, int64_t step) {
  const S* rows = static_cast<const S*>(s.past.data) + past_row(s, window) * s.past.row;
  for (int64_t c = 0; c < s.I; ++c) {
    const double anchor = past_anchor(s, window, c);
    const S* p = rows + c * s.past.column;
    T* out = x + c * gap;
    for (int64_t t = 0; t < s.T; ++t, p += s.past.row, out += step)
      *out = T(scaled(double(*p) - anchor, s.past_mean, s.past_inverse, c));
  }
}

template <class T>
inline void gather_past(const Source& s, int64_t window, T* x, int64_t gap, int64_t step) {
  if (s.past.is_double) gather_past_as<double>(s, window, x, gap, step);
  else gather_past_as<float>(s, window, x, gap, step);
}

template <class T>
inline void gather_extra(const Source& s, int64_t window, T* extra, int64_t gap) {
  for (int64_t e = 0; e < s.E; ++e)
    extra[e * gap] = T(scaled(at(s.extra, window, e), s.extra_mean, s.extra_inverse, e));
}

// A missing target (NaN) becomes a 0 of weight 0, so that nothing of it reaches loss or gradient.
template <class T>
inline void gather_targets(const Source& s, int64_t window, double normaliser, T* y, T* weight, int64_t gap) {
  const int64_t first = target_row(s, window);
  const double w = (s.weight ? s.weight[window] : 1.0) * normaliser;
  for (int64_t k = 0; k < s.K; ++k) {
    const int64_t row = first + k / s.columns, column = k % s.columns;
    const double value = at(s.target, row, column);
    const bool missing = value != value;
    const double from = value - target_anchor(s, window, column);
    y[k * gap] = missing ? T(0) : T(scaled(from, s.target_mean, s.target_inverse, k));
    weight[k * gap] = missing ? T(0) : T(w);
  }
}

template <class T>
inline void clear(T* p, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = T(0);
}

inline double observed(const Source& s, const int64_t* index, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t w = index[i], first = target_row(s, w);
    int64_t seen = 0;
    for (int64_t k = 0; k < s.K; ++k) {
      const double value = at(s.target, first + k / s.columns, k % s.columns);
      seen += value == value;
    }
    total += (s.weight ? s.weight[w] : 1.0) * double(seen);
  }
  return total;
}

struct Moment {
  int power;
  const double* centre;
  double *weight, *sum;
  INLINE void add(int64_t i, double x, double w) const {
    if (x != x) return;
    const double d = centre ? x - centre[i] : x;
    sum[i] += w * (power == 2 ? d * d : d);
    weight[i] += w;
  }
};

inline void moments(const Source& s, const int64_t* index, int64_t n, int power, const double* const centre[3],
                    double* const weight[3], double* const sum[3]) {
  const Moment past{power, centre[0], weight[0], sum[0]}, target{power, centre[1], weight[1], sum[1]},
      extra{power, centre[2], weight[2], sum[2]};
  for (int64_t i = 0; i < n; ++i) {
    const int64_t window = index[i];
    const double w = s.weight ? s.weight[window] : 1.0;
    for (int64_t c = 0; c < s.I; ++c) {
      const double anchor = past_anchor(s, window, c);
      for (int64_t t = 0; t < s.T; ++t) past.add(c, at(s.past, past_row(s, window) + t, c) - anchor, w);
    }
    for (int64_t k = 0; s.target.data && k < s.K; ++k) {
      const double value = at(s.target, target_row(s, window) + k / s.columns, k % s.columns);
      target.add(k, value - target_anchor(s, window, k % s.columns), w);
    }
    for (int64_t e = 0; e < s.E; ++e) extra.add(e, at(s.extra, window, e), w);
  }
}

}  // namespace forecast::FORECAST_ISA
