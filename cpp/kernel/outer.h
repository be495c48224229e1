// Gradients of weights: sums over windows and steps of outer products.
#pragma once

#include "product.h"

namespace forecast::FORECAST_ISA {

constexpr int strip_vectors = 2;
template <class T>
constexpr int strip = strip_vectors * width<T>;  // features that are transposed into neighbours

// What `transpose` needs for so many columns (a column is one window at one step).
template <class T>
constexpr int64_t transposed_size(int64_t features, int64_t columns) {
  return (features + strip<T> - 1) / strip<T> * strip<T> * columns;
}

// G[row][feature] += sum over s < steps, lane:  d[s * d_step + row * lanes + lane] * z(s * lanes + lane, feature).
// z is transposed, [strip of features][column][feature in strip], so that the sum over windows needs no horizontal
// addition and a strip lies together in the first cache.
template <class T>
struct Outer {
  T* G;
  int64_t G_row, rows, features;
  const T* d;
  int64_t d_step;
  const T* z;
  int64_t steps;
};

// A function of its own, so that nothing around it takes the registers of its sums.
template <int P, int F, class T>
__attribute__((noinline)) void outer_sums(T* G, int64_t G_row, const Outer<T>& o, int64_t row, int64_t feature) {
  Vec<T> acc[P][F];
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int f = 0; f < F; ++f) {
      acc[p][f] = load(G + p * G_row + f * width<T>);
      pin(acc[p][f]);
    }
  }
  const T* z = o.z + feature * o.steps * lanes<T>;
  for (int64_t s = 0; s < o.steps; ++s) {
    const T* d = o.d + s * o.d_step + row * lanes<T>;
    // What is read next lies where no stream leads: the same rows a step later, at the end those of the next tile.
    const T* next = s + 1 < o.steps ? d + o.d_step : o.d + (row + P) * lanes<T>;
    NO_UNROLL
    for (int lane = 0; lane < lanes<T>; ++lane, z += strip<T>, next += P) {
      __builtin_prefetch(next);
      Vec<T> operand[F];
      UNROLL
      for (int f = 0; f < F; ++f) operand[f] = load(z + f * width<T>);
      UNROLL
      for (int p = 0; p < P; ++p) {
        const Vec<T> weight = splat<Vec<T>>(d[p * lanes<T> + lane]);
        UNROLL
        for (int f = 0; f < F; ++f) acc[p][f] = madd(weight, operand[f], acc[p][f]);
      }
    }
  }
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int f = 0; f < F; ++f) store(G + p * G_row + f * width<T>, acc[p][f]);
  }
}

template <int P, int F, class T>
INLINE void outer_tile(const Outer<T>& o, int64_t row, int64_t feature) {
  constexpr int64_t full = F * width<T>;
  const int64_t left = o.features - feature;
  T* const G = o.G + row * o.G_row + feature;
  if (left >= full) return outer_sums<P, F>(G, o.G_row, o, row, feature);
  T ragged[P * full] = {};  // the end of a row, not to be overrun
  for (int p = 0; p < P; ++p)
    for (int64_t f = 0; f < left; ++f) ragged[p * full + f] = G[p * o.G_row + f];
  outer_sums<P, F>(ragged, full, o, row, feature);
  for (int p = 0; p < P; ++p)
    for (int64_t f = 0; f < left; ++f) G[p * o.G_row + f] = ragged[p * full + f];
}

template <int P, int F, class T>
INLINE void outer_rest(const Outer<T>& o, int64_t row, int64_t feature) {
  if constexpr (P > 0) {
    if (o.rows - row >= P) {
      outer_tile<P, F>(o, row, feature);
      row += P;
    }
    outer_rest<tile_below(P), F>(o, row, feature);
  }
}

template <int F, class T>
inline void outer_rows(const Outer<T>& o, int64_t row, int64_t feature) {
  constexpr int P = accumulators / F;
  for (; row + P <= o.rows; row += P) outer_tile<P, F>(o, row, feature);
  outer_rest<tile_below(P), F>(o, row, feature);
}

// So many rows at a time that their gradients d stay in the second cache while one strip of z after the other, which
// stays in the first, is held against them.
constexpr int64_t rows_in_cache = 256 * 1024;  // bytes of d
template <class T>
inline void outer(Outer<T> o) {
  constexpr int64_t whole = accumulators;  // a multiple of every tile
  const int64_t fit = rows_in_cache / (o.steps * lanes<T> * int64_t(sizeof(T))) / whole * whole;
  const int64_t all = o.rows, step = fit > whole ? fit : whole;
  for (int64_t row = 0; row < all; row += step) {
    o.rows = smaller(row + step, all);
    int64_t feature = 0;
    for (; feature + width<T> < o.features; feature += strip<T>) outer_rows<strip_vectors>(o, row, feature);
    if (feature < o.features) outer_rows<1>(o, row, feature);
  }
}

// ---- transposition ---------------------------------------------------------------------------------------

// log2(width) rounds; the round of distance S exchanges, in every pair of vectors S apart, the upper half of each
// group of 2 S lanes of the first with the lower half of the second.
template <int... J>
struct Indices {};
template <int n, int... J>
struct UpTo : UpTo<n - 1, n - 1, J...> {};
template <int... J>
struct UpTo<0, J...> {
  using type = Indices<J...>;
};

template <int S, class V, int... J>
INLINE void exchange(V& a, V& b, Indices<J...>) {
  constexpr int w = sizeof...(J);
#if defined(__clang__)
  const V lower = __builtin_shufflevector(a, b, ((J & S) ? w + J - S : J)...);
  const V upper = __builtin_shufflevector(a, b, ((J & S) ? w + J : J + S)...);
#else
  using Int = typename Lane<V>::integer;
  const V lower = __builtin_shuffle(a, b, Int{((J & S) ? w + J - S : J)...});
  const V upper = __builtin_shuffle(a, b, Int{((J & S) ? w + J : J + S)...});
#endif
  a = lower, b = upper;
}

template <int S, class V, int w>
INLINE void transpose_square(V (&rows)[w]) {
  if constexpr (S < w) {
    UNROLL
    for (int i = 0; i < w; ++i)
      if (!(i & S)) exchange<S>(rows[i], rows[i + S], typename UpTo<w>::type{});
    transpose_square<2 * S>(rows);
  }
}

// One step's [feature][lanes] into the columns of step s out of `steps`; behind the last feature stand zeros.
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
