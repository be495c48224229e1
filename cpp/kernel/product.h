// The product of a recurrent step and of its BPTT, with windows in the lanes:
//
//   sum[unit][row][vector] = start + sum over k of broadcast(weight) * load(operand)
//
// Bit contract: every sum is ONE chain of multiply-adds over ascending k, beginning with its start value, in any tile.
// So windows in the lanes, units in the lanes, one window or many give the same bits.
//
// An operand is [k][lanes], a chunk of `lanes` windows. Weights are packed [block of units][tile][k][row of the tile].
// The sums of a block of units stay in the first-level cache until the cell reads them, several vectors at a time.
#pragma once

#include "several.h"

namespace forecast::FORECAST_ISA {

constexpr int N = 2;  // vectors in a chunk: enough independent chains with one broadcast serving two multiply-adds
template <class T>
constexpr int lanes = N * width<T>;

constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// The units after the last whole tile of U use tiles of powers of two: few instantiations instead of U.
constexpr int tile_below(int U) {
  int power = 1;
  while (2 * power < U) power *= 2;
  return U > 1 ? power : 0;
}
constexpr int64_t tile_of(int64_t left, int U) {
  while (U > left) U = tile_below(U);
  return U;
}

// The operands of a product with R rows per unit: the first operand feeds rows [A0, A1), the second rows [B0, B1). If
// both feed all rows, or there is no second operand, all rows are alike, and a tile may end anywhere in a unit (R = 1).
template <int R_, int A0_, int A1_, int B0_, int B1_>
struct Feed {
  static constexpr int R = R_, A0 = A0_, A1 = A1_, B0 = B0_, B1 = B1_;
  static constexpr bool second = B1 > B0;
  static constexpr bool alike = A0 == 0 && A1 == R && (!second || (B0 == 0 && B1 == R));
  static constexpr int running = larger(A1 - A0, B1 - B0);  // rows of a unit that are summed together
  static constexpr int U = larger(1, accumulators / (running * N));
};
template <class F, bool alike = F::alike>
struct Tiling {
  using Tile = F;
  static constexpr int per_unit = 1;
};
template <class F>
struct Tiling<F, true> {
  using Tile = Feed<1, 0, 1, 0, F::second ? 1 : 0>;
  static constexpr int per_unit = F::R;
};
using Plain = Feed<1, 0, 1, 0, 0>;  // an ordinary product: one row per unit, one operand

// The same for code that does not depend on F: rows of a unit, rows fed by each operand, tiles of a unit.
struct Shape {
  int R, a, b, per_unit;
  int64_t pack(int64_t K_a, int64_t K_b) const { return R + a * K_a + b * K_b; }  // numbers per unit, the start too
};
template <class F>
constexpr Shape shape_of = {F::R, F::A1 - F::A0, F::B1 - F::B0, Tiling<F>::per_unit};

constexpr int block = 12;  // units whose sums wait together; a multiple of every tile

template <int LO, int HI, class T, int U, int R>
INLINE const T* accumulate(Vec<T> (&acc)[U][R][N], const T* w, const T* x, int64_t K) {
  const T* const end = w + K * U * (HI - LO);
  UNROLL
  for (int u = 0; u < U; ++u) {
    UNROLL
    for (int r = LO; r < HI; ++r) {
      UNROLL
      for (int n = 0; n < N; ++n) pin(acc[u][r][n]);
    }
  }
  for (const T* p = w; p != end; x += lanes<T>, p += U * (HI - LO)) {
    Vec<T> operand[N];
    UNROLL
    for (int n = 0; n < N; ++n) operand[n] = load(x + n * width<T>);
    UNROLL
    for (int u = 0; u < U; ++u) {
      UNROLL
      for (int r = LO; r < HI; ++r) {
        const Vec<T> weight = splat<Vec<T>>(p[u * (HI - LO) + r - LO]);
        UNROLL
        for (int n = 0; n < N; ++n) acc[u][r][n] = madd(weight, operand[n], acc[u][r][n]);
      }
    }
  }
  return end;
}

// The operands of a product; a second operand without rows is never read. If the part of an operand is already in the
// sums or is zero, its K is 0 and the pack's `passed` weights are skipped.
template <class T>
struct Operands {
  const T* a;
  int64_t K_a;
  const T* b;
  int64_t K_b, passed_a = 0, passed_b = 0;
};

// The start value of sum i = unit * R + row, vector n: one number for all lanes, or a + b in memory, either of which
// may be null.
template <class T>
struct FromBiases {
  const T* biases;
  INLINE Vec<T> operator()(int64_t i, int) const { return splat<Vec<T>>(biases[i]); }
};
template <class T>
struct FromMemory {
  const T *a, *b;
  INLINE Vec<T> operator()(int64_t i, int n) const {
    const int64_t at = i * lanes<T> + n * width<T>;
    return a ? b ? load(a + at) + load(b + at) : load(a + at) : b ? load(b + at) : Vec<T>{};
  }
};

// Computes the sums of a tile into sums[i]. Rows that only the second operand feeds start with it, and rows that are
// complete before it are stored first, so idle sums never occupy registers.
template <class F, int U, class T, class Start>
INLINE const T* tile(const T* w, const Operands<T>& x, int64_t unit, Start start, T* sums) {
  Vec<T> acc[U][F::R][N];
  const auto each = [&](int first, int last, auto act) INLINE_LAMBDA {
    UNROLL
    for (int u = 0; u < U; ++u) {
      UNROLL
      for (int r = first; r < last; ++r) {
        UNROLL
        for (int n = 0; n < N; ++n) act((unit + u) * F::R + r, n, acc[u][r][n]);
      }
    }
  };
  const auto begin = [&](int64_t i, int n, Vec<T>& sum) INLINE_LAMBDA { sum = start(i, n); };
  const auto end = [&](int64_t i, int n, Vec<T>& sum)
                       INLINE_LAMBDA { store(sums + i * lanes<T> + n * width<T>, sum); };
  each(F::A0, F::A1, begin);
  w = accumulate<F::A0, F::A1>(acc, w, x.a, x.K_a) + x.passed_a * U * (F::A1 - F::A0);
  if constexpr (F::second) {
    each(F::A0, F::B0, end);
    each(F::A1, F::B1, begin);
    w = accumulate<F::B0, F::B1>(acc, w, x.b, x.K_b) + x.passed_b * U * (F::B1 - F::B0);
  }
  each(F::second ? F::B0 : F::A0, F::R, end);
  return w;
}

// The last units, fewer than in a tile of the size above.
template <class F, int U, class T, class Start>
INLINE const T* rest(const T* w, const Operands<T>& x, int64_t unit, int64_t end, Start start, T* sums) {
  if constexpr (U > 0) {
    if (unit + U <= end) {
      w = tile<F, U>(w, x, unit, start, sums);
      unit += U;
    }
    return rest<F, tile_below(U)>(w, x, unit, end, start, sums);
  }
  return w;
}

// The sums of the tiles' units [unit, end). A separate function, so that callers share the compiled products.
template <class Tile, class T, class Start>
__attribute__((noinline)) const T* sums_of(const T* w, const Operands<T>& x, int64_t unit, int64_t end, Start start,
                                           T* sums) {
  for (; unit + Tile::U <= end; unit += Tile::U) w = tile<Tile, Tile::U>(w, x, unit, start, sums);
  return rest<Tile, tile_below(Tile::U)>(w, x, unit, end, start, sums);
}

// Start values of the sums of a step, and sums in memory that are added at the end; null: none.
template <class T>
struct Begun {
  const T *biases, *sums = nullptr;
};
template <class T>
__attribute__((noinline)) void add_in_place(T* to, const T* from, int64_t n) {
  for (int64_t i = 0; i < n; i += width<T>) store(to + i, load(from + i) + load(to + i));
}

// For a block. They are added here, so that the cell after the product is compiled once.
template <class F, class T, class Start>
INLINE const T* sums_from(const T* w, const Operands<T>& x, int64_t unit, int64_t end, Start start, T* sums) {
  return sums_of<typename Tiling<F>::Tile>(w, x, unit, end, start, sums);
}
template <class F, class T>
INLINE const T* sums_from(const T* w, const Operands<T>& x, int64_t unit, int64_t end, Begun<T> start, T* sums) {
  constexpr int64_t of_unit = Tiling<F>::Tile::R * lanes<T>;
  w = sums_from<F>(w, x, unit, end, FromBiases<T>{start.biases}, sums);
  if (F::second && start.sums)
    add_in_place(sums + unit * of_unit, start.sums + unit * of_unit, (end - unit) * of_unit);
  return w;
}

// Stored sums, [unit][row][n vectors]: the requested row of `count` consecutive vectors.
template <int R, int n, int count, class T>
struct Sums {
  using V = Several<Vec<T>, count>;
  const T* first;
  INLINE V operator[](int row) const {
    V a;
    UNROLL
    for (int i = 0; i < count; ++i) a.v[i] = load(first + ((i / n * R + row) * n + i % n) * width<T>);
    return a;
  }
};

// For all units: calls finish(unit, a) with a[row] = start(unit * R + row, n) + its products, where a holds the vectors
// of one unit or of two consecutive units.
template <class F, class T, class Start, class Finish>
INLINE void product(const T* w, const Operands<T>& x, int64_t units, Start start, Finish finish) {
  constexpr int per_unit = Tiling<F>::per_unit;
  alignas(64) T sums[block * F::R * lanes<T>];
  for (int64_t first = 0; first < units; first += block) {
    const int64_t last = smaller(first + block, units);
    T* const base = sums - first * F::R * lanes<T>;
    w = sums_from<F>(w, x, first * per_unit, last * per_unit, start, base);
    int64_t unit = first;
    for (; unit + 2 <= last; unit += 2) finish(unit, Sums<F::R, N, 2 * N, T>{base + unit * F::R * lanes<T>});
    if (unit < last) finish(unit, Sums<F::R, N, N, T>{base + unit * F::R * lanes<T>});
  }
}

// The same without a cell: the sums go to memory, [unit][row][lane].
template <class F, class T, class Start>
inline void product_sums(const T* w, const Operands<T>& x, int64_t units, Start start, T* sums) {
  constexpr int per_unit = Tiling<F>::per_unit;
  for (int64_t first = 0; first < units; first += block)
    w = sums_from<F>(w, x, first * per_unit, smaller(first + block, units) * per_unit, start, sums);
}

// Packs weights for product(): weight_a(row, unit, k) and weight_b(row, unit, k) return the plain weights, which are
// contiguous over k or, with `across`, over units.
template <class Tile, bool across, class T, class A, class B>
inline T* pack_lanes(int per_unit, T* w, int64_t units, int64_t K_a, int64_t K_b, A weight_a, B weight_b) {
  const auto pack = [&](int64_t at, int64_t end, int LO, int HI, int64_t K, auto weight) {
    const int64_t step = (end - at) * (HI - LO);
    if constexpr (across) {
      for (int64_t k = 0; k < K; ++k)
        for (int64_t i = at; i < end; ++i)
          for (int r = LO; r < HI; ++r) *w++ = weight(int(i % per_unit) + r, i / per_unit, k);
      return;
    }
    for (int64_t piece = 0; piece < K; piece += 16, w += 16 * step) {  // few enough rows for the first-level cache
      const int64_t n = smaller(K - piece, 16);
      for (int64_t i = at; i < end; ++i)
        for (int r = LO; r < HI; ++r)
          for (int64_t k = 0; k < n; ++k)
            w[k * step + (i - at) * (HI - LO) + r - LO] = weight(int(i % per_unit) + r, i / per_unit, piece + k);
      if (n < 16) w -= (16 - n) * step;
    }
  };
  for (int64_t first = 0; first < units; first += block) {
    const int64_t stop = smaller(first + block, units) * per_unit;
    for (int64_t at = first * per_unit, end; at < stop; at = end) {
      end = at + tile_of(stop - at, Tile::U);
      pack(at, end, Tile::A0, Tile::A1, K_a, weight_a);
      pack(at, end, Tile::B0, Tile::B1, K_b, weight_b);
    }
  }
  return w;
}

}  // namespace forecast::FORECAST_ISA
