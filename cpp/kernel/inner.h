// Gradients of biases and of the weights of a few inputs: inner products over windows and steps.
//
// outer.h puts features into the lanes and needs x transposed; a single input would leave all lanes but one empty. Here
// windows stay in the lanes: every sum is a vector, [row][bias, then features][width], whose lanes are added only after
// the layer's last step.
#pragma once

#include "outer.h"

namespace forecast::FORECAST_ISA {

// sums[row][0] += d[row], sums[row][1 + feature] += d[row] * x[feature], lane by lane, over the vectors of a chunk and
// `steps` steps; d[s * d_step + row * lanes + lane], x[s * x_step + feature * lanes + lane].
template <class T>
struct Inner {
  T* sums;
  int64_t row_sums, features;  // sums of a row in memory; features to sum: at most one less
  const T* d;
  int64_t d_step;
  const T* x;
  int64_t x_step, steps;
};

// P rows; F features starting at `feature`, with the bias before them.
template <int P, int F, bool bias, class T>
__attribute__((noinline)) void inner_sums(const Inner<T>& in, int64_t row, int64_t feature) {
  constexpr int terms = F + bias;
  T* const sums = in.sums + (row * in.row_sums + (bias ? 0 : 1 + feature)) * width<T>;
  const int64_t apart = in.row_sums * width<T>;
  Vec<T> acc[P][terms];
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int i = 0; i < terms; ++i) {
      acc[p][i] = load(sums + p * apart + i * width<T>);
      pin(acc[p][i]);
    }
  }
  const T *d = in.d + row * lanes<T>, *x = in.x + feature * lanes<T>;
  NO_UNROLL
  for (int64_t left = in.steps; left > 0; --left, d += in.d_step, x += in.x_step) {
    UNROLL
    for (int n = 0; n < N; ++n) {
      Vec<T> operand[F + 1];
      UNROLL
      for (int f = 0; f < F; ++f) operand[f] = load(x + f * lanes<T> + n * width<T>);
      UNROLL
      for (int p = 0; p < P; ++p) {
        const Vec<T> gradient = load(d + p * lanes<T> + n * width<T>);
        if constexpr (bias) acc[p][0] += gradient;
        UNROLL
        for (int f = 0; f < F; ++f) acc[p][f + bias] = madd(gradient, operand[f], acc[p][f + bias]);
      }
    }
  }
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int i = 0; i < terms; ++i) store(sums + p * apart + i * width<T>, acc[p][i]);
  }
}

constexpr int inner_block = 8;  // rows whose d stay in the first-level cache over all groups of features

// Number of rows of a tile, by the number of sums per row: a power of two, so that it divides the block.
constexpr int inner_rows(int terms) {
  int rows = inner_block;
  while (rows > 1 && rows * terms > accumulators) rows /= 2;
  return rows;
}

template <int P, int F, bool bias, class T>
INLINE void inner_group(const Inner<T>& in, int64_t row, int64_t end, int64_t feature) {
  for (; row + P <= end; row += P) inner_sums<P, F, bias>(in, row, feature);
  if constexpr (P > 1) inner_group<P / 2, F, bias>(in, row, end, feature);
}

template <int F, bool bias, class T>
INLINE int64_t inner_features(const Inner<T>& in, int64_t row, int64_t end, int64_t feature) {
  inner_group<inner_rows(F + bias), F, bias>(in, row, end, feature);
  return feature + F;
}

template <class T>
inline void inner(const Inner<T>& in, int64_t rows) {
  for (int64_t row = 0; row < rows; row += inner_block) {
    const int64_t end = smaller(row + inner_block, rows), all = in.features;
    int64_t f = all >= 4   ? inner_features<4, true>(in, row, end, 0)
                : all >= 2 ? inner_features<2, true>(in, row, end, 0)
                : all      ? inner_features<1, true>(in, row, end, 0)
                           : inner_features<0, true>(in, row, end, 0);
    while (all - f >= 4) f = inner_features<4, false>(in, row, end, f);
    if (all - f >= 2) f = inner_features<2, false>(in, row, end, f);
    if (f < all) inner_features<1, false>(in, row, end, f);
  }
}

// Adds the lanes of n sums, in lane order, and calls total(i, sum) for each vector row(i).
template <class T, class Row, class Total>
inline void add_lanes(int64_t n, Row row, Total total) {
  constexpr int w = width<T>;
  for (int64_t first = 0; first < n; first += w) {
    const int64_t here = smaller(w, n - first);
    Vec<T> rows[w];
    UNROLL
    for (int i = 0; i < w; ++i) rows[i] = i < here ? row(first + i) : Vec<T>{};
    transpose_square<1>(rows);
    UNROLL
    for (int i = 1; i < w; ++i) rows[0] += rows[i];
    T totals[w];
    store(totals, rows[0]);
    for (int64_t i = 0; i < here; ++i) total(first + i, totals[i]);
  }
}
template <class T, class Total>
inline void add_lanes(const T* sums, int64_t n, Total total) {
  add_lanes<T>(n, [=](int64_t i) INLINE_LAMBDA { return load(sums + i * width<T>); }, total);
}

}  // namespace forecast::FORECAST_ISA
