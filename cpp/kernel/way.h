// The two ways of computing a network, under the same names: the place of a unit, the product, the sum of outer
// products and the pack. Layers are written once and take the way as a parameter.
//
//   WindowsInLanes   a chunk of `lanes` windows: [feature][lane]. Weights are broadcast.
//   UnitsInLanes     one window: [feature]. Weights fill the lanes. Its time is that of reading the weights.
//
// Both give the same bits. In UnitsInLanes, the output of a cell has whole vectors of units, `room` for n; after the
// last unit, the packed weights are 0. All other streams there are contiguous, so that views can join their steps. A
// step's last vector may overwrite the first features of the next step, which are therefore computed later. After the
// last step, there is room for one vector.
#pragma once

#include "gather_lanes.h"
#include "inner.h"
#include "units.h"

namespace forecast::FORECAST_ISA {

template <class T>
constexpr int64_t padded(int64_t n) {
  return (n + width<T> - 1) / width<T> * width<T>;
}

// The share of a product's units and its direction: see product_units.
struct Turn {
  bool backwards = false;
  int part = 0, parts = 1;
};

template <class T>
struct WindowsInLanes {
  static constexpr int columns = lanes<T>;
  static constexpr bool units = false;
  static constexpr Pack forward_pack = forward_lanes, backward_pack = backward_lanes;
  static int64_t room(int64_t n) { return n; }
  static int64_t segment(int64_t) { return 8; }  // steps whose gradients are summed together, while they are in cache

  // Calls finish(unit, sums) with sums[row] = bias + products. The pack begins with the biases; other start values may
  // be given.
  template <class F, class Finish>
  static INLINE void multiply(const T* pack, const T* biases, const Operands<T>& x, int64_t n, Turn, Finish finish) {
    product<F>(pack + F::R * n, x, n, FromBiases<T>{biases}, finish);
  }
  template <class F, class Finish>
  static INLINE void multiply(const T* pack, Begun<T> begun, const Operands<T>& x, int64_t n, Turn, Finish finish) {
    product<F>(pack + F::R * n, x, n, begun, finish);
  }
  // The sums alone, for steps that share them: rows * room(n) * columns numbers.
  template <class F>
  static void multiply_to(T* sums, const T* pack, const T* biases, const Operands<T>& x, int64_t n, Turn) {
    product_sums<F>(pack + F::R * n, x, n, FromBiases<T>{biases}, sums);
  }
  // The same from a + b in memory, [unit][lane]; each may be null.
  template <class F, class Finish>
  static INLINE void multiply_from(T* a, const T* b, const T* pack, const Operands<T>& x, int64_t n, Turn,
                                   Finish finish) {
    product<F>(pack, x, n, FromMemory<T>{a, b}, finish);
  }

  static int64_t pack_size(const Shape& f, int64_t n, int64_t K_a, int64_t K_b) { return n * f.pack(K_a, K_b); }
  // For a product with tiles of that kind, `per_unit` of them.
  template <class Tile, class B, class A, class A2>
  static void pack(int per_unit, T* to, int64_t n, int64_t K_a, int64_t K_b, B bias, A weight_a, A2 weight_b) {
    for (int64_t unit = 0; unit < n; ++unit)
      for (int r = 0; r < Tile::R * per_unit; ++r) *to++ = bias(r, unit);
    pack_lanes<Tile, false>(per_unit, to, n, K_a, K_b, weight_a, weight_b);
  }
  // weight(unit, k), k < K: for products over gradients.
  static int64_t transposed_size(int64_t n, int64_t K) { return n * K; }
  template <class Weight>
  static void pack_transposed(T* to, int64_t n, int64_t K, Weight weight) {
    const auto by = [=](int, int64_t unit, int64_t k) { return weight(unit, k); };
    pack_lanes<Plain, true>(1, to, n, K, 0, by, by);
  }

  // G[row][feature] += sum over n steps and the windows of d z. d has `gates` rows of H.
  static int64_t scratch(int64_t features, int64_t steps) {
    return FORECAST_ISA::transposed_size<T>(features, steps * lanes<T>);
  }
  static void outer_sum(T* G, int64_t G_row, int gates, int64_t H, int64_t features, const T* d, int64_t d_step,
                        const T* z, int64_t z_step, int64_t n, T* scratch) {
    for (int64_t i = 0; i < n; ++i) transpose(z + i * z_step, features, scratch, i, n);
    outer(Outer<lanes<T>, T>{G, G_row, gates * H, features, d, d_step, scratch, n * lanes<T>, strip<T>, n});
  }

  // Sums over steps and windows without transposition, in `sums`: the gradients of `rows` rows of H (biases) and their
  // products with few inputs (inner.h). `few` is then I, otherwise 0.
  static int64_t few(int rows, int64_t I, int64_t H) {  // unless the sums outgrow the caches
    return I <= width<T> * 3 / 4 && rows * H * (I + 1) * bytes <= (160 << 10) ? I : 0;
  }
  static int64_t sums(int rows, int64_t I, int64_t H) { return rows * H * (few(rows, I, H) + 1) * width<T>; }
  // Rows [A0, A1) have inputs.
  static void sum_up(T* sums, int rows, int A0, int A1, int64_t I, int64_t H, const T* d, int64_t d_step, const T* x,
                     int64_t x_step, int64_t n) {
    const int64_t per_row = few(rows, I, H) + 1;
    const auto add = [=](int first, int last, int64_t features) {
      if (first == last) return;
      inner(Inner<T>{sums + first * H * per_row * width<T>, per_row, features, d + first * H * lanes<T>, d_step, x,
                     x_step, n},
            (last - first) * H);
    };
    add(0, A0, 0);
    add(A0, A1, per_row - 1);
    add(A1, rows, 0);
  }
  static void add_sums(const T* sums, int rows, int A0, int A1, int64_t I, int64_t H, T* db, T* dW) {
    const int64_t per_row = few(rows, I, H) + 1;
    T* const W = dW - A0 * H * I;
    int64_t row = 0, i = 0;
    add_lanes(sums, rows * H * per_row, [&](int64_t, T total) {
      if (i == 0) db[row] += total;
      else if (row >= A0 * H && row < A1 * H) W[row * I + i - 1] += total;
      if (++i == per_row) i = 0, ++row;
    });
  }

  // Values per unit, [value][row], shared by all windows; and sums of their gradients over steps and windows,
  // [value][unit][width], whose lanes are added at the end.
  template <class V>
  struct OfUnits {
    const T* p;
    int64_t row;
    INLINE V operator[](int i) const {
      V x;
      UNROLL
      for (int v = 0; v < V::count; ++v) x.v[v] = splat<Vec<T>>(p[i * row + v / N]);
      return x;
    }
  };
  static int64_t unit_sums(int values, int64_t H) { return values * H * width<T>; }
  template <class V>
  static INLINE void sum_up_units(T* sums, int64_t H, int value, int64_t unit, V d) {
    T* const first = sums + (value * H + unit) * width<T>;
    UNROLL
    for (int v = 0; v < V::count; v += N) {
      Vec<T> total = load(first + v / N * width<T>);
      UNROLL
      for (int n = 0; n < N; ++n) total += d.v[v + n];
      store(first + v / N * width<T>, total);
    }
  }
  static void add_unit_sums(const T* sums, int values, int64_t H, T* d) {
    add_lanes(sums, values * H, [=](int64_t i, T total) { d[i] += total; });
  }

  // Of n features over the windows.
  static void add_column_sums(const T* d, int64_t n, T* to) {
    const auto row = [=](int64_t i) INLINE_LAMBDA {
      Vec<T> total = load(d + i * lanes<T>);
      for (int v = 1; v < N; ++v) total += load(d + i * lanes<T> + v * width<T>);
      return total;
    };
    add_lanes<T>(n, row, [=](int64_t i, T total) { to[i] += total; });
  }
};

template <class T>
struct UnitsInLanes {
  static constexpr int columns = 1;
  static constexpr bool units = true;
  static constexpr Pack forward_pack = forward_units, backward_pack = backward_units;
  static int64_t room(int64_t n) { return padded<T>(n); }
  static int64_t segment(int64_t steps) { return steps; }

  template <class F, class Finish>
  static INLINE void multiply(const T* pack, const T* biases, const Operands<T>& x, int64_t n, Turn turn,
                              Finish finish) {
    const int64_t room = padded<T>(n);
    product_units<F>(pack + F::R * room, x, room / width<T>, turn.backwards, turn.part, turn.parts, biases, finish);
  }
  template <class F, class Finish>
  static INLINE void multiply(const T* pack, Begun<T> begun, const Operands<T>& x, int64_t n, Turn turn,
                              Finish finish) {
    multiply<F>(pack, begun.sums ? begun.sums : begun.biases, x, n, turn, finish);
  }
  template <class F>
  static void multiply_to(T* sums, const T* pack, const T* biases, const Operands<T>& x, int64_t n, Turn turn,
                          const T* added = nullptr) {
    const int64_t room = padded<T>(n);
    product_sums_units<F>(pack + F::R * room, x, room / width<T>, turn.part, turn.parts, biases, added, sums);
  }
  // Adds b to a if both are given; the pack begins with zeros.
  template <class F, class Finish>
  static INLINE void multiply_from(T* a, const T* b, const T* pack, const Operands<T>& x, int64_t n, Turn turn,
                                   Finish finish) {
    const int64_t room = padded<T>(n);
    for (int64_t i = 0; a && b && i < n; i += width<T>) {
      const int left = n - i < width<T> ? int(n - i) : width<T>;
      store_first(a + i, load_first(a + i, left) + load_first(b + i, left), left);
    }
    product_units<F>(pack + room, x, room / width<T>, turn.backwards, turn.part, turn.parts,
                     a   ? a
                     : b ? b
                         : pack,
                     finish);
  }

  static int64_t pack_size(const Shape& f, int64_t n, int64_t K_a, int64_t K_b) {
    return padded<T>(n) * f.pack(K_a, K_b);
  }
  template <class Tile, class B, class A, class A2>
  static void pack(int per_unit, T* to, int64_t n, int64_t K_a, int64_t K_b, B bias, A weight_a, A2 weight_b) {
    const auto padding = [=](auto weight) {
      return [=](int row, int64_t unit, auto... k) { return unit < n ? weight(row, unit, k...) : T(0); };
    };
    pack_units<Tile>(per_unit, to, padded<T>(n) / width<T>, K_a, K_b, padding(bias), padding(weight_a),
                     padding(weight_b));
  }
  static int64_t transposed_size(int64_t n, int64_t K) { return padded<T>(n) * (1 + K); }
  template <class Weight>
  static void pack_transposed(T* to, int64_t n, int64_t K, Weight weight) {
    const auto by = [=](int, int64_t unit, int64_t k) { return unit < n ? weight(unit, k) : T(0); };
    const auto zero = [](int, int64_t) { return T(0); };
    pack_units<Plain>(1, to, padded<T>(n) / width<T>, K, 0, zero, by, by);
  }

  static int64_t scratch(int64_t, int64_t) { return 0; }
  static void outer_sum(T* G, int64_t G_row, int gates, int64_t H, int64_t features, const T* d, int64_t d_step,
                        const T* z, int64_t z_step, int64_t n, T*) {
    for (int r = 0; r < gates; ++r)
      outer(Outer<1, T>{G + r * H * G_row, G_row, H, features, d + r * room(H), d_step, z, 1, z_step, n});
  }

  static int64_t few(int, int64_t, int64_t) { return 0; }
  static int64_t sums(int rows, int64_t, int64_t H) { return rows * room(H); }
  static void sum_up(T* sums, int rows, int, int, int64_t, int64_t H, const T* d, int64_t d_step, const T*, int64_t,
                     int64_t n) {
    for (int64_t t = 0; t < n; ++t)
      for (int64_t i = 0; i < rows * room(H); i += width<T>) store(sums + i, load(sums + i) + load(d + t * d_step + i));
  }
  static void add_sums(const T* sums, int rows, int, int, int64_t, int64_t H, T* db, T*) {
    for (int r = 0; r < rows; ++r)
      for (int64_t unit = 0; unit < H; ++unit) db[r * H + unit] += sums[r * room(H) + unit];
  }

  template <class V>
  using OfUnits = Read<V, T>;
  static int64_t unit_sums(int values, int64_t H) { return values * room(H); }
  template <class V>
  static INLINE void sum_up_units(T* sums, int64_t H, int value, int64_t unit, V d) {
    T* const at = sums + value * room(H) + unit;
    store(at, load_as<V>(at) + d);
  }
  static void add_unit_sums(const T* sums, int values, int64_t H, T* d) {
    for (int i = 0; i < values; ++i)
      for (int64_t unit = 0; unit < H; ++unit) d[i * H + unit] += sums[i * room(H) + unit];
  }

  static void add_column_sums(const T* d, int64_t n, T* to) {
    for (int64_t i = 0; i < n; ++i) to[i] += d[i];
  }
};

}  // namespace forecast::FORECAST_ISA
