// Copies a window from the raw series into a lane: x[t][channel][lane], y[k][lane], extra[e][lane].
// The arithmetic (anchor, mean, scale) is in double, so that a series with a large level loses no precision in float32.
#pragma once

#include "vec.h"
#include "table.h"

namespace forecast::FORECAST_ISA {

INLINE int64_t base_of(const Source& s, int64_t window) {
  if (s.origin_32) return s.origin_32[window];
  return s.origin ? s.origin[window] : window;
}

INLINE double at(const Matrix& m, int64_t row, int64_t column) {
  const int64_t i = row * m.row + column * m.column;
  return m.is_double ? static_cast<const double*>(m.data)[i] : double(static_cast<const float*>(m.data)[i]);
}

INLINE int64_t past_row(const Source& s, int64_t window) { return base_of(s, window) * s.past_stride + s.past_shift; }
INLINE int64_t target_row(const Source& s, int64_t window) {
  return base_of(s, window) * s.target_stride + s.target_shift;
}

// The anchor of a window's channel and its divisor, applied before any scaling learned from all windows.
struct Anchor {
  double centre, spread;
  INLINE double of(double x) const {
    x -= centre;
    return spread != 1 ? x / spread : x;
  }
};

// The series of a row of the past: the last one that starts at or before it.
INLINE int64_t series_at(const Source& s, int64_t row) {
  int64_t first = 0, last = s.series - 1;
  while (first < last) {
    const int64_t middle = last - (last - first) / 2;
    if (s.starts[middle] <= row) first = middle;
    else last = middle - 1;
  }
  return first;
}
INLINE int64_t series_of(const Source& s, int64_t window) { return series_at(s, past_row(s, window) + s.T - 1); }

// Plain sums in time order, over the newest `anchor_steps`, so that the inverse can repeat them bit by bit.
__attribute__((noinline)) inline Anchor averaged(const Source& s, int64_t first, int64_t channel, bool with_spread) {
  const int64_t begin = first + s.T - s.anchor_steps, n = s.anchor_steps;
  double sum = 0, squares = 0;
  for (int64_t t = 0; t < n; ++t) sum += at(s.past, begin + t, channel);
  const double mean = sum / double(n);
  if (!with_spread) return {mean, 1};
  for (int64_t t = 0; t < n; ++t) {
    const double d = at(s.past, begin + t, channel) - mean;
    squares += d * d;
  }
  const int64_t series = s.floors > 1 ? series_at(s, first + s.T - 1) : 0;
  const double deviation = __builtin_sqrt(squares / double(n)),
               least = s.anchor_floor ? s.anchor_floor[series * s.I + channel] : 1e-3 * __builtin_fabs(mean);
  const double spread = deviation > least ? deviation : least;
  return {mean, spread > 0 ? spread : 1};
}

// The mean of the steps t with t mod season = phase: the seasonal pattern of this window.
__attribute__((noinline)) inline Anchor in_season(const Source& s, int64_t first, int64_t channel, int64_t phase) {
  double sum = 0;
  int64_t n = 0;
  for (int64_t t = phase; t < s.T; t += s.season, ++n) sum += at(s.past, first + t, channel);
  return {sum / double(n), 1};
}

INLINE Kind kind_of(const Source& s, int64_t channel) { return s.anchor ? Kind(s.anchor[channel]) : Kind::none; }

// Period of a channel's anchors, in steps: every `period`-th step has the same anchor.
INLINE int64_t period_of(const Source& s, int64_t channel) {
  return kind_of(s, channel) == Kind::seasonal ? s.season : 1;
}

// The anchor of the window whose past begins in row `first`, at the steps of one phase of the period. `Averages` is
// false if no kind is a mean: in short windows, any work before the loads takes noticeable time.
template <bool Averages = true>
INLINE Anchor anchor_of(const Source& s, int64_t first, int64_t channel, int64_t phase = 0) {
  const Kind kind = kind_of(s, channel);
  if (kind == Kind::none) return {0, 1};
  if (!Averages || kind == Kind::newest) return {at(s.past, first + s.T - 1, channel), 1};
  if (kind == Kind::seasonal) return in_season(s, first, channel, phase);
  return averaged(s, first, channel, kind == Kind::standard);
}

// Calls body(k, value) for the targets of a window, column by column, with their anchors subtracted. Step 0 of the
// horizon is step T of the window.
template <class Body>
INLINE void each_target(const Source& s, int64_t window, const Body& body) {
  const int64_t first = target_row(s, window), past = past_row(s, window);
  for (int64_t column = 0; column < s.columns; ++column) {
    const int64_t channel = s.target_anchor ? s.target_anchor[column] : -1;
    const int64_t period = channel >= 0 ? period_of(s, channel) : 1;
    Anchor anchor = channel >= 0 ? anchor_of(s, past, channel, s.T % period) : Anchor{0, 1};
    int64_t row = first;
    for (int64_t k = column; k < s.K; k += s.columns, ++row) {
      if (period > 1) anchor = anchor_of(s, past, channel, (s.T + row - first) % period);
      body(k, anchor.of(at(s.target, row, column)));
    }
  }
}

// Calls body(e, value) for the extra inputs of a window, in their order.
template <class Body>
INLINE void each_extra(const Source& s, int64_t window, const Body& body) {
  int64_t e = 0;
  for (int64_t i = 0; i < s.extra_columns; ++i) body(e++, at(s.extra, window, i));
  if (s.future_columns) {
    const int64_t first = target_row(s, window);
    for (int64_t step = 0; step < s.horizon; ++step)
      for (int64_t i = 0; i < s.future_columns; ++i) {
        const int64_t channel = s.future_anchor ? s.future_anchor[i] : -1;
        const double centre = channel < 0 ? 0 : anchor_of<false>(s, past_row(s, window), channel).centre;
        body(e++, at(s.future, first + step, i) - centre);
      }
  }
  if (s.constant_columns) {
    const int64_t series = series_of(s, window);
    for (int64_t i = 0; i < s.constant_columns; ++i) body(e++, at(s.constant, series, i));
  }
}

INLINE double scaled(double x, const double* mean, const double* inverse, int64_t i) {
  if (mean) x -= mean[i];
  return inverse ? x * inverse[i] : x;
}

// Writes the past of a window to x[t * step + channel * gap]; gap is `lanes` for a chunk and 1 for a single window.
template <bool Averages, class S, class T>
inline void gather_past_as(const Source& s, int64_t window, T* x, int64_t gap, int64_t step) {
  const int64_t first = past_row(s, window);
  const S* rows = static_cast<const S*>(s.past.data) + first * s.past.row;
  for (int64_t c = 0; c < s.I; ++c) {
    const int64_t period = Averages ? period_of(s, c) : 1;
    for (int64_t phase = 0; phase < period; ++phase) {
      const Anchor anchor = anchor_of<Averages>(s, first, c, phase);
      const S* p = rows + phase * s.past.row + c * s.past.column;
      T* out = x + phase * step + c * gap;
      for (int64_t t = phase; t < s.T; t += period, p += period * s.past.row, out += period * step)
        *out = T(scaled(anchor.of(double(*p)), s.past_mean, s.past_inverse, c));
    }
  }
}

template <bool Averages, class T>
inline void gather_past_of(const Source& s, int64_t window, T* x, int64_t gap, int64_t step) {
  if (s.past.is_double) gather_past_as<Averages, double>(s, window, x, gap, step);
  else gather_past_as<Averages, float>(s, window, x, gap, step);
}

// Copies the oldest real step of x to each of the `padding` steps before it.
template <class T>
inline void repeat_oldest(const Source& s, T* x, int64_t gap, int64_t step) {
  const T* oldest = x + s.padding * step;
  for (int64_t t = 0; t < s.padding; ++t)
    for (int64_t c = 0; c < s.I; ++c) x[t * step + c * gap] = oldest[c * gap];
}

template <class T>
inline void gather_past(const Source& s, int64_t window, T* x, int64_t gap, int64_t step) {
  if (s.averages) gather_past_of<true>(s, window, x + s.padding * step, gap, step);
  else gather_past_of<false>(s, window, x + s.padding * step, gap, step);
  repeat_oldest(s, x, gap, step);
}

template <class T>
inline void gather_extra(const Source& s, int64_t window, T* extra, int64_t gap) {
  each_extra(s, window, [&](int64_t e, double value) INLINE_LAMBDA {
    extra[e * gap] = T(scaled(value, s.extra_mean, s.extra_inverse, e));
  });
}

// A missing target (NaN) becomes a 0 with weight 0, so that it affects neither the loss nor the gradient.
template <class T>
inline void gather_targets(const Source& s, int64_t window, double normaliser, T* y, T* weight, int64_t gap) {
  const double w = (s.weight ? s.weight[window] : 1.0) * normaliser;
  each_target(s, window, [&](int64_t k, double value) INLINE_LAMBDA {
    const bool missing = value != value;
    y[k * gap] = missing ? T(0) : T(scaled(value, s.target_mean, s.target_inverse, k));
    weight[k * gap] = missing ? T(0) : T(w);
  });
}

template <class T>
inline void clear(T* p, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = T(0);
}

// Number of observed targets of a window.
template <class S>
inline int64_t seen_of(const Source& s, int64_t window) {
  const S* first = static_cast<const S*>(s.target.data) + target_row(s, window) * s.target.row;
  int64_t seen = 0;
  for (int64_t column = 0; column < s.columns; ++column, first += s.target.column) {
    const S* p = first;
    for (int64_t k = column; k < s.K; k += s.columns, p += s.target.row) seen += *p == *p;
  }
  return seen;
}

inline double observed(const Source& s, const int64_t* index, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t w = index[i], seen = s.target.is_double ? seen_of<double>(s, w) : seen_of<float>(s, w);
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
    const int64_t first = past_row(s, window), begin = s.begin ? s.begin[window] : 0;
    for (int64_t c = 0; c < s.I; ++c) {
      const int64_t period = period_of(s, c);
      for (int64_t phase = 0; phase < period; ++phase) {
        const Anchor anchor = anchor_of(s, first, c, phase);
        const int64_t skipped = begin > phase ? (begin - phase + period - 1) / period * period : 0;
        for (int64_t t = phase + skipped; t < s.T; t += period) past.add(c, anchor.of(at(s.past, first + t, c)), w);
      }
    }
    if (s.target.data)
      each_target(s, window, [&](int64_t k, double value) INLINE_LAMBDA { target.add(k, value, w); });
    each_extra(s, window, [&](int64_t e, double value) INLINE_LAMBDA { extra.add(e, value, w); });
  }
}

}  // namespace forecast::FORECAST_ISA
