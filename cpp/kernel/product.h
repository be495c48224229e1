// The small matrix products of a recurrent step and of its BPTT, all one shape of tile:
//
//   acc[row][vector] += broadcast(weight or gradient) * load(activations)
//
// Bit contract: every output is ONE chain of multiply-adds over ascending k that begins with its start value, whatever
// the tile around it. So windows in the lanes, units in the lanes, one window or many give the same bits.
//
// Windows in the lanes:  an operand is [k][lanes], a chunk of `lanes` windows; weights are packed [block of
// units][k][unit][row]. Units in the lanes:    an operand is [k], one window;  weights are packed [block of
// vectors][k][vector][row][unit in vector].
#pragma once

#include "vec.h"

namespace forecast::FORECAST_ISA {

constexpr int N = 2;  // vectors in a chunk: enough independent chains with one broadcast serving two multiply-adds
template <class T>
constexpr int lanes = N * width<T>;

constexpr int larger(int a, int b) { return a > b ? a : b; }
// Units that one tile takes when `rows` of its accumulators run at a time: as many chains as there are registers.
constexpr int units_per_tile(int rows) { return larger(1, accumulators / (rows * N)); }

// What is left behind whole tiles of U goes in tiles of powers of two: a handful of instantiations, not U.
constexpr int tile_below(int U) {
  int power = 1;
  while (2 * power < U) power *= 2;
  return U > 1 ? power : 0;
}
constexpr int64_t tile_of(int64_t left, int U) {
  while (U > left) U = tile_below(U);
  return U;
}

// How a product with R rows per unit is fed: the first operand feeds rows [A0, A1), the second rows [B0, B1).
template <int R_, int A0_, int A1_, int B0_, int B1_>
struct Feed {
  static constexpr int R = R_, A0 = A0_, A1 = A1_, B0 = B0_, B1 = B1_;
  static constexpr int U = units_per_tile(larger(A1 - A0, B1 - B0));
  static constexpr int M = larger(1, accumulators / R);  // vectors of units per tile, units in the lanes
};
using Plain = Feed<1, 0, 1, 0, 0>;  // an ordinary product: one row per unit, one operand

template <int LO, int HI, class T, int U, int R>
INLINE const T* accumulate(Vec<T> (&acc)[U][R][N], const T* w, const T* x, int64_t K) {
  for (int64_t k = 0; k < K; ++k, x += lanes<T>, w += U * (HI - LO)) {
    Vec<T> operand[N];
    UNROLL
    for (int n = 0; n < N; ++n) operand[n] = load(x + n * width<T>);
    UNROLL
    for (int u = 0; u < U; ++u) {
      UNROLL
      for (int r = LO; r < HI; ++r) {
        const Vec<T> weight = splat<Vec<T>>(w[u * (HI - LO) + r - LO]);
        UNROLL
        for (int n = 0; n < N; ++n) acc[u][r][n] = madd(weight, operand[n], acc[u][r][n]);
      }
    }
  }
  return w;
}

// One operand pair of a product; a second operand with no rows is never read.
template <class T>
struct Operands {
  const T* a;
  int64_t K_a;
  const T* b;
  int64_t K_b;
};

template <class F, int U, class T, class Start, class Finish>
INLINE const T* tile(const T* w, Operands<T> x, int64_t unit, Start start, Finish finish) {
  Vec<T> acc[U][F::R][N];
  UNROLL
  for (int u = 0; u < U; ++u) {
    UNROLL
    for (int r = 0; r < F::R; ++r) {
      UNROLL
      for (int n = 0; n < N; ++n) acc[u][r][n] = start(unit + u, r, n);
    }
  }
  w = accumulate<F::A0, F::A1>(acc, w, x.a, x.K_a);
  if constexpr (F::B1 > F::B0) w = accumulate<F::B0, F::B1>(acc, w, x.b, x.K_b);
  UNROLL
  for (int u = 0; u < U; ++u) {
    UNROLL
    for (int n = 0; n < N; ++n) {
      Vec<T> a[F::R];
      UNROLL
      for (int r = 0; r < F::R; ++r) a[r] = acc[u][r][n];
      finish(unit + u, n, a);
    }
  }
  return w;
}

// The last units, fewer than a tile of the size above holds.
template <class F, int U, class T, class Start, class Finish>
INLINE void rest(int64_t left, const T* w, Operands<T> x, int64_t unit, Start start, Finish finish) {
  if constexpr (U > 0) {
    if (left >= U) {
      w = tile<F, U>(w, x, unit, start, finish);
      left -= U, unit += U;
    }
    rest<F, tile_below(U)>(left, w, x, unit, start, finish);
  }
}

// For every unit and vector n: a[r] = start(unit, r, n) + its products, handed to finish(unit, n, a).
template <class F, class T, class Start, class Finish>
INLINE void product(const T* w, Operands<T> x, int64_t units, Start start, Finish finish) {
  int64_t unit = 0;
  for (; unit + F::U <= units; unit += F::U) w = tile<F, F::U>(w, x, unit, start, finish);
  rest<F, tile_below(F::U)>(units - unit, w, x, unit, start, finish);
}

// Packs for product(): weight_a(row, unit, k) and weight_b(row, unit, k) give the plain weights.
template <class F, class T, class A, class B>
inline T* pack_lanes(T* w, int64_t units, int64_t K_a, int64_t K_b, A weight_a, B weight_b) {
  for (int64_t first = 0, end; first < units; first = end) {
    end = first + tile_of(units - first, F::U);
    for (int64_t k = 0; k < K_a; ++k)
      for (int64_t unit = first; unit < end; ++unit)
        for (int r = F::A0; r < F::A1; ++r) *w++ = weight_a(r, unit, k);
    for (int64_t k = 0; k < K_b; ++k)
      for (int64_t unit = first; unit < end; ++unit)
        for (int r = F::B0; r < F::B1; ++r) *w++ = weight_b(r, unit, k);
  }
  return w;
}

// ---- units in the lanes: one window ----------------------------------------------------------------------

template <int LO, int HI, class T, int M, int R>
INLINE const T* accumulate_units(Vec<T> (&acc)[M][R], const T* w, const T* x, int64_t K) {
  for (int64_t k = 0; k < K; ++k, w += M * (HI - LO) * width<T>) {
    const Vec<T> operand = splat<Vec<T>>(x[k]);
    UNROLL
    for (int m = 0; m < M; ++m) {
      UNROLL
      for (int r = LO; r < HI; ++r) acc[m][r] = madd(load(w + (m * (HI - LO) + r - LO) * width<T>), operand, acc[m][r]);
    }
  }
  return w;
}

template <class F, int M, class T, class Start, class Finish>
INLINE const T* tile_units(const T* w, Operands<T> x, int64_t unit, Start start, Finish finish) {
  Vec<T> acc[M][F::R];
  UNROLL
  for (int m = 0; m < M; ++m) {
    UNROLL
    for (int r = 0; r < F::R; ++r) acc[m][r] = start(unit + m * width<T>, r);
  }
  w = accumulate_units<F::A0, F::A1>(acc, w, x.a, x.K_a);
  if constexpr (F::B1 > F::B0) w = accumulate_units<F::B0, F::B1>(acc, w, x.b, x.K_b);
  UNROLL
  for (int m = 0; m < M; ++m) finish(unit + m * width<T>, acc[m]);
  return w;
}

template <class F, int M, class T, class Start, class Finish>
INLINE void rest_units(int64_t left, const T* w, Operands<T> x, int64_t unit, Start start, Finish finish) {
  if constexpr (M > 0) {
    if (left >= M) {
      w = tile_units<F, M>(w, x, unit, start, finish);
      left -= M, unit += M * width<T>;
    }
    rest_units<F, tile_below(M)>(left, w, x, unit, start, finish);
  }
}

// As product(), with `units` a multiple of the width: start(unit, r) and finish(unit, a) see a vector of units.
template <class F, class T, class Start, class Finish>
INLINE void product_units(const T* w, Operands<T> x, int64_t units, Start start, Finish finish) {
  constexpr int64_t step = F::M * width<T>;
  int64_t unit = 0;
  for (; unit + step <= units; unit += step) w = tile_units<F, F::M>(w, x, unit, start, finish);
  rest_units<F, tile_below(F::M)>((units - unit) / width<T>, w, x, unit, start, finish);
}

template <class F, class T, class A, class B>
inline T* pack_units(T* w, int64_t units, int64_t K_a, int64_t K_b, A weight_a, B weight_b) {
  for (int64_t first = 0, end; first < units; first = end) {  // units is a multiple of the width
    end = first + tile_of((units - first) / width<T>, F::M) * width<T>;
    for (int64_t k = 0; k < K_a; ++k)
      for (int64_t vector = first; vector < end; vector += width<T>)
        for (int r = F::A0; r < F::A1; ++r)
          for (int64_t unit = vector; unit < vector + width<T>; ++unit) *w++ = weight_a(r, unit, k);
    for (int64_t k = 0; k < K_b; ++k)
      for (int64_t vector = first; vector < end; vector += width<T>)
        for (int r = F::B0; r < F::B1; ++r)
          for (int64_t unit = vector; unit < vector + width<T>; ++unit) *w++ = weight_b(r, unit, k);
  }
  return w;
}

// ---- gradients of weights --------------------------------------------------------------------------------

// G[row][feature] += sum over s < steps, lane:  d[s * d_step + row * lanes + lane] * z[(s * lanes + lane) * z_row +
// feature]. z is transposed, features next to each other, so that the sum over windows needs no horizontal addition.
template <class T>
struct Outer {
  T* G;
  int64_t G_row, rows, features;
  const T* d;
  int64_t d_step;
  const T* z;
  int64_t z_row, steps;
};

template <int P, int F, class T>
INLINE void outer_tile(const Outer<T>& o, int64_t row, int64_t feature) {
  const int64_t left = o.features - feature;
  Vec<T> acc[P][F];
  T* G = o.G + row * o.G_row + feature;
  UNROLL
  for (int p = 0; p < P; ++p) {
    UNROLL
    for (int f = 0; f < F; ++f) acc[p][f] = load_first(G + p * o.G_row + f * width<T>, int(left) - f * width<T>);
  }
  for (int64_t s = 0; s < o.steps; ++s) {
    const T* d = o.d + s * o.d_step + row * lanes<T>;
    const T* z = o.z + s * lanes<T> * o.z_row + feature;
    for (int lane = 0; lane < lanes<T>; ++lane, z += o.z_row) {
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
    for (int f = 0; f < F; ++f) store_first(G + p * o.G_row + f * width<T>, acc[p][f], int(left) - f * width<T>);
  }
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
inline void outer_rows(const Outer<T>& o, int64_t feature) {
  constexpr int P = accumulators / 2;
  int64_t row = 0;
  for (; row + P <= o.rows; row += P) outer_tile<P, F>(o, row, feature);
  outer_rest<tile_below(P), F>(o, row, feature);
}

// Features outermost: a tile of z stays in the first cache while the gradients d stream past it.
template <class T>
inline void outer(const Outer<T>& o) {
  int64_t feature = 0;
  for (; feature + width<T> < o.features; feature += 2 * width<T>) outer_rows<2>(o, feature);
  if (feature < o.features) outer_rows<1>(o, feature);
}

// z[lane][feature] = x[feature][lane]; z's rows are z_row long, what lies behind the features is not touched.
template <class T>
inline void transpose(const T* x, int64_t features, T* z, int64_t z_row) {
  for (int64_t f = 0; f < features; ++f)
    for (int lane = 0; lane < lanes<T>; ++lane) z[lane * z_row + f] = x[f * lanes<T> + lane];
}

}  // namespace forecast::FORECAST_ISA
