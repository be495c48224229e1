// Gradients of weights: sums over windows and steps of outer products.
#pragma once

#include "product.h"
#include "transpose.h"

namespace forecast::FORECAST_ISA {

constexpr int strip_vectors = 2;
template <class T>
constexpr int strip = strip_vectors * width<T>;  // features that are transposed together

// Size of `transpose`, by the number of columns (a column is one window at one step).
template <class T>
constexpr int64_t transposed_size(int64_t features, int64_t columns) {
  return (features + strip<T> - 1) / strip<T> * strip<T> * columns;
}

// G[row][feature] += sum over columns:  d[column][row] * z[column][feature]. A column is one window at one step; a step
// has `Columns` of them, the lanes of a chunk or a single one.
//
//   d   d[s * d_step + row * Columns + column in step]
//   z   z[feature * z_feature + column * z_column + feature in tile]. A chunk's z is transposed, [strip of
//       features][column][feature in strip], so that the sum over windows needs no horizontal addition and a strip fits
//       in the first-level cache; a single window's z already is [column][feature]
template <int Columns, class T>
struct Outer {
  T* G;
  int64_t G_row, rows, features;
  const T* d;
  int64_t d_step;
  const T* z;
  int64_t z_feature, z_column, steps;
};
template <class T>
INLINE Outer<lanes<T>, T> outer_of_chunk(T* G, int64_t rows, int64_t features, const T* d, int64_t d_step, const T* z,
                                         int64_t steps) {
  return {G, features, rows, features, d, d_step, z, steps * lanes<T>, strip<T>, steps};
}
template <class T>
INLINE Outer<1, T> outer_of_window(T* G, int64_t rows, int64_t features, const T* d, int64_t d_step, const T* z,
                                   int64_t z_step, int64_t steps) {
  return {G, features, rows, features, d, d_step, z, 1, z_step, steps};
}

// A separate function, so that its sums stay in registers.
template <int P, int F, int Columns, class T>
__attribute__((noinline)) void outer_sums(T* G, int64_t G_row, const Outer<Columns, T>& o, int64_t row,
                                          int64_t feature) {
  Vec<T> acc[P][F];
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int f = 0; f < F; ++f) {
      acc[p][f] = load(G + p * G_row + f * width<T>);
      pin(acc[p][f]);
    }
  }
  const int64_t z_column = o.z_column;
  const T* z = o.z + feature * o.z_feature;
  const auto column = [&](const T* d) INLINE_LAMBDA {
    Vec<T> operand[F];
    UNROLL
    for (int f = 0; f < F; ++f) operand[f] = load(z + f * width<T>);
    UNROLL
    for (int p = 0; p < P; ++p) {
      const Vec<T> weight = splat<Vec<T>>(d[p * Columns]);
      UNROLL
      for (int f = 0; f < F; ++f) acc[p][f] = madd(weight, operand[f], acc[p][f]);
    }
    z += z_column;
  };
  const T* d = o.d + row * Columns;
  NO_UNROLL
  for (int64_t left = o.steps; left > 0; --left, d += o.d_step) {
    if constexpr (Columns == 1) {
      column(d);
    } else {
      // The next reads are not predictable for the hardware: the same rows a step later, at the end those of the next
      // tile.
      const T* next = left > 1 ? d + o.d_step : o.d + (row + P) * Columns;
      NO_UNROLL
      for (int lane = 0; lane < Columns; ++lane, next += P) {
        __builtin_prefetch(next);
        column(d + lane);
      }
    }
  }
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int f = 0; f < F; ++f) store(G + p * G_row + f * width<T>, acc[p][f]);
  }
}

template <int P, int F, int Columns, class T>
INLINE void outer_tile(const Outer<Columns, T>& o, int64_t row, int64_t feature) {
  constexpr int64_t full = F * width<T>;
  const int64_t left = o.features - feature;
  T* const G = o.G + row * o.G_row + feature;
  if (left >= full) return outer_sums<P, F>(G, o.G_row, o, row, feature);
  const auto copy = [=](const T* from, T* to) INLINE_LAMBDA {
    int64_t f = 0;
    for (; f + width<T> <= left; f += width<T>) store(to + f, load(from + f));
    for (; f < left; ++f) to[f] = from[f];
  };
  T ragged[P * full] = {};  // the end of a row, which must not be overrun
  for (int p = 0; p < P; ++p) copy(G + p * o.G_row, ragged + p * full);
  outer_sums<P, F>(ragged, full, o, row, feature);
  for (int p = 0; p < P; ++p) copy(ragged + p * full, G + p * o.G_row);
}

template <int P, int F, int Columns, class T>
INLINE void outer_rest(const Outer<Columns, T>& o, int64_t row, int64_t feature) {
  if constexpr (P > 0) {
    if (o.rows - row >= P) {
      outer_tile<P, F>(o, row, feature);
      row += P;
    }
    outer_rest<tile_below(P), F>(o, row, feature);
  }
}

template <int F, int Columns, class T>
inline void outer_rows(const Outer<Columns, T>& o, int64_t row, int64_t feature) {
  constexpr int P = accumulators / F;
  for (; row + P <= o.rows; row += P) outer_tile<P, F>(o, row, feature);
  outer_rest<tile_below(P), F>(o, row, feature);
}

// Number of rows at a time: their gradients d stay in the second-level cache while strips of z pass through the first.
constexpr int64_t rows_in_cache = 256 * 1024;  // bytes of d
template <int Columns, class T>
inline void outer(Outer<Columns, T> o) {
  constexpr int64_t whole = accumulators;  // a multiple of every tile
  const int64_t fit = rows_in_cache / (o.steps * Columns * int64_t(sizeof(T))) / whole * whole;
  const int64_t all = o.rows, step = fit > whole ? fit : whole;
  for (int64_t row = 0; row < all; row += step) {
    o.rows = smaller(row + step, all);
    int64_t feature = 0;
    for (; feature + width<T> < o.features; feature += strip<T>) outer_rows<strip_vectors>(o, row, feature);
    if (feature < o.features) outer_rows<1>(o, row, feature);
  }
}

// ---- transposition ---------------------------------------------------------------------------------------

// Copies one step's [feature][lanes] to the columns of step s of `steps`; zeros follow the last feature.
template <class T>
inline void transpose(const T* x, int64_t features, T* z, int64_t s, int64_t steps) {
  constexpr int w = width<T>;
  for (int64_t f = 0; f < features; f += w) {
    T* to = z + (f / strip<T> * steps + s) * lanes<T> * strip<T> + f % strip<T>;
    for (int n = 0; n < N; ++n) {
      Vec<T> rows[w];
      UNROLL
      for (int i = 0; i < w; ++i) rows[i] = f + i < features ? load(x + (f + i) * lanes<T> + n * w) : Vec<T>{};
      transpose_square<1>(rows);
      UNROLL
      for (int i = 0; i < w; ++i) store(to + (n * w + i) * strip<T>, rows[i]);
    }
  }
}

}  // namespace forecast::FORECAST_ISA
