// The product of product.h for one window, with units in the lanes: the same chains, so the same bits.
//
// An operand is [k]. Sums and weights come in vectors of units: sum i = vector * R + row, and weights are packed
// [block of vectors][tile][k][sum in tile][unit in vector], so that a step reads them from end to end.
#pragma once

#include "product.h"

namespace forecast::FORECAST_ISA {

// Vectors of units whose sums are stored before the cell reads them; a multiple of every tile. Few if the weights are
// barely larger than the first-level cache: half of them are then still there when the next step starts with it, and
// the cell of one half overlaps with the product of the other.
constexpr int most_units_block = 8;
constexpr bool in_halves(int R, int64_t vectors) { return R > 1 && vectors <= 4; }
constexpr int64_t units_block(int R, int64_t vectors) { return in_halves(R, vectors) ? 2 : most_units_block; }
constexpr int64_t units_blocks(int R, int64_t vectors) {  // with constants: a division takes as long as a small cell
  return in_halves(R, vectors) ? (vectors + 1) / 2 : (vectors + most_units_block - 1) / most_units_block;
}
constexpr int largest_power(int n) { return n < 2 ? 1 : 2 * largest_power(n / 2); }

template <class Tile>
constexpr int units_tile = largest_power(accumulators / Tile::running);  // vectors

// Weights of one vector of units.
template <class F, class T>
INLINE int64_t units_pack(const Operands<T>& x) {
  return ((F::A1 - F::A0) * (x.K_a + x.passed_a) + (F::B1 - F::B0) * (x.K_b + x.passed_b)) * width<T>;
}

template <int LO, int HI, class T, int M, int R>
INLINE const T* accumulate_units(Vec<T> (&acc)[M][R], const T* w, const T* x, int64_t K) {
  UNROLL
  for (int m = 0; m < M; ++m) {
    UNROLL
    for (int r = LO; r < HI; ++r) pin(acc[m][r]);
  }
  const T* const end = x + K;
  UNROLL_4  // 3 % of a LSTM of 64 units
      for (const T* p = x; p != end; ++p, w += M * (HI - LO) * width<T>) {
    const Vec<T> operand = splat<Vec<T>>(*p);
    UNROLL
    for (int m = 0; m < M; ++m) {
      UNROLL
      for (int r = LO; r < HI; ++r) acc[m][r] = madd(load(w + (m * (HI - LO) + r - LO) * width<T>), operand, acc[m][r]);
    }
  }
  return w;
}

// Like tile() of product.h; sums start as start[i] and end in sums[i], both vectors. A separate function, so that its
// sums stay in registers. Operands are passed by reference: when gcc copied them to the stack for every tile, one
// window of an LSTM of 64 units took 126 us instead of 75.
template <class F, int M, class T>
__attribute__((noinline)) void tile_units(const T* w, const Operands<T>& x, const T* start, T* sums) {
  Vec<T> acc[M][F::R];
  const auto each = [&](int first, int last, auto act) INLINE_LAMBDA {
    UNROLL
    for (int m = 0; m < M; ++m) {
      UNROLL
      for (int r = first; r < last; ++r) act((m * F::R + r) * width<T>, acc[m][r]);
    }
  };
  const auto begin = [&](int at, Vec<T>& sum) INLINE_LAMBDA { sum = load(start + at); };
  const auto end = [&](int at, Vec<T>& sum) INLINE_LAMBDA { store(sums + at, sum); };
  each(F::A0, F::A1, begin);
  w = accumulate_units<F::A0, F::A1>(acc, w, x.a, x.K_a) + x.passed_a * M * (F::A1 - F::A0) * width<T>;
  if constexpr (F::second) {
    each(F::A0, F::B0, end);
    each(F::A1, F::B1, begin);
    accumulate_units<F::B0, F::B1>(acc, w, x.b, x.K_b);
  }
  each(F::second ? F::B0 : F::A0, F::R, end);
}

template <class F, int M, class T>
INLINE void tiles_units(int64_t n, const T* w, const Operands<T>& x, bool backwards, const T* start, T* sums) {
  if constexpr (M > 0) {
    const int64_t whole = n / M, size = M * units_pack<F>(x);
    const auto less = [&]() INLINE_LAMBDA {
      const int64_t at = whole * M * F::R * width<T>;
      tiles_units<F, M / 2>(n - whole * M, w + whole * size, x, backwards, start + at, sums + at);
    };
    if (backwards) less();
    for (int64_t i = 0; i < whole; ++i) {
      const int64_t tile = backwards ? whole - 1 - i : i, at = tile * M * F::R * width<T>;
      tile_units<F, M>(w + tile * size, x, start + at, sums + at);
    }
    if (!backwards) less();
  }
}

// The blocks [from, to) of a share.
struct UnitsShare {
  int64_t size, from, to;
  UnitsShare(int R, int64_t vectors, int part, int parts) : size(units_block(R, vectors)) {
    const int64_t blocks = units_blocks(R, vectors);
    from = parts == 1 ? 0 : blocks * part / parts, to = parts == 1 ? blocks : blocks * (part + 1) / parts;
  }
};

// For some vectors of units: calls finish(unit, a) with a[row] = start[vector * R + row] + its products, where a holds
// consecutive vectors. Only one of `parts` shares of the blocks is computed. `Backwards` takes the tiles in the
// opposite order: a step that starts where the previous one ended finds those weights still in the nearest cache, and a
// single window mostly waits for weights.
template <class F, class T, class Finish>
INLINE void product_units(const T* w, const Operands<T>& x, int64_t vectors, bool backwards, int part, int parts,
                          const T* start, Finish finish) {
  using Tile = typename Tiling<F>::Tile;
  constexpr int per_unit = Tiling<F>::per_unit;
  alignas(64) T sums[most_units_block * F::R * width<T>];
  const UnitsShare own(F::R, vectors, part, parts);
  for (int64_t i = own.from; i < own.to; ++i) {
    const int64_t first = (backwards ? own.from + own.to - 1 - i : i) * own.size;
    const int64_t n = smaller(vectors - first, own.size);
    tiles_units<Tile, units_tile<Tile>>(n * per_unit, w + first * units_pack<F>(x), x, backwards,
                                        start + first * F::R * width<T>, sums);
    const auto take = [&]<int count>(int64_t vector, Sums<F::R, 1, count, T> a) INLINE_LAMBDA {
      a.first = sums + vector * F::R * width<T>;
      finish((first + vector) * width<T>, a);
      return vector + count;
    };
    int64_t vector = 0;
    while (vector + 2 <= n) vector = take(vector, Sums<F::R, 1, 2, T>{});
    if (vector < n) take(vector, Sums<F::R, 1, 1, T>{});
  }
}

// The same without a cell: the sums go to memory, [vector][row][unit in vector], and `added` is added to them, unless it
// is null.
template <class F, class T>
__attribute__((noinline)) void product_sums_units(const T* w, const Operands<T>& x, int64_t vectors, int part, int parts,
                                                  const T* start, const T* added, T* sums) {
  using Tile = typename Tiling<F>::Tile;
  const UnitsShare own(F::R, vectors, part, parts);
  for (int64_t i = own.from; i < own.to; ++i) {
    const int64_t first = i * own.size, n = smaller(vectors - first, own.size), at = first * F::R * width<T>;
    tiles_units<Tile, units_tile<Tile>>(n * Tiling<F>::per_unit, w + first * units_pack<F>(x), x, false, start + at,
                                        sums + at);
    if (added) add_in_place(sums + at, added + at, n * F::R * width<T>);
  }
}

// The start of product_units, then its weights: bias(row, unit), weight_a(row, unit, k), weight_b(row, unit, k).
template <class Tile, class T, class Bias, class A, class B>
inline T* pack_units(int per_unit, T* w, int64_t vectors, int64_t K_a, int64_t K_b, Bias bias, A weight_a, B weight_b) {
  const int R = Tile::R * per_unit;
  for (int64_t i = 0; i < vectors * R; ++i)
    for (int lane = 0; lane < width<T>; ++lane) *w++ = bias(int(i % R), i / R * width<T> + lane);
  const auto pack = [&](int64_t at, int64_t end, int LO, int HI, int64_t K, auto weight) {
    for (int64_t k = 0; k < K; ++k)
      for (int64_t i = at; i < end; ++i)
        for (int r = LO; r < HI; ++r)
          for (int lane = 0; lane < width<T>; ++lane)
            *w++ = weight(int(i % per_unit) + r, i / per_unit * width<T> + lane, k);
  };
  const int64_t size = units_block(R, vectors);
  for (int64_t first = 0; first < vectors; first += size) {
    const int64_t stop = smaller(first + size, vectors) * per_unit;
    for (int64_t at = first * per_unit, end; at < stop; at = end) {
      int M = units_tile<Tile>;
      while (M > stop - at) M /= 2;
      end = at + M;
      pack(at, end, Tile::A0, Tile::A1, K_a, weight_a);
      pack(at, end, Tile::B0, Tile::B1, K_b, weight_b);
    }
  }
  return w;
}

}  // namespace forecast::FORECAST_ISA
