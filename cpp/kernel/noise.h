// Applied to the scaled past of a window before the network reads it: a bound and, in training, normal noise.
//
//   clip    x = max(min(x, bound), -bound)
//   noise   x = x + sigma z,  z ~ N(0, 1)                                                      (Box and Muller 1958)
//           z = sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v),  u and v uniform, from two words of a Philox draw
//
// z depends only on the seed and on (window in the batch, step, channel) and is computed in double without fused
// multiply-adds, so it is the same for any thread count, chunk, way and instruction set. |z| is at most 6.8, as u >=
// 2^-33.
#pragma once

#include "random.h"

namespace forecast::FORECAST_ISA {

template <class T>
inline void apply_clip(double bound, T* x, int64_t n) {
  const Vec<T> most = splat<Vec<T>>(T(bound));
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    store_first(x + i, at_least(at_most(load_first(x + i, left), most), -most), left);
  }
}

struct Noise {
  double sigma;
  uint64_t seed;
  int64_t first;  // number of lane 0 in the batch
};
constexpr uint32_t noise_layer = 0xFFFFFFFFu;  // used as the counter's layer; no dropout mask has this number

// sum of c[k] x^(n - 1 - k)
template <int n>
INLINE f64 horner(const double (&c)[n], f64 x) {
  f64 sum = splat<f64>(c[0]);
  UNROLL
  for (int k = 1; k < n; ++k) sum = sum * x + splat<f64>(c[k]);
  return sum;
}

// ln u for normal numbers 0 < u < 1: u = 2^e m with m between sqrt(1/2) and sqrt(2), and the series of
// ln m = 2 artanh((m - 1) / (m + 1)), whose next term is below 1e-13.
INLINE f64 log_of(f64 u) {
  constexpr int64_t half = 0x3FE6A09E667F3BCD;  // the bits of sqrt(1/2)
  constexpr double series[] = {2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0};
  const f64 magic = splat<f64>(0x1.8p52), one = splat<f64>(1);
  const i64 e = ((i64)u - half) >> 52;
  const f64 m = (f64)((i64)u - (e << 52)), exponent = (f64)((i64)magic + e) - magic;
  const f64 s = (m - one) / (m + one);
  return exponent * splat<f64>(0x1.62e42fefa39efp-1) + s * horner(series, s * s);
}

// Turns two words of a draw per lane, given as numbers, into two normal numbers. `word` gives u. `angle` in (-1/2, 1/2)
// covers a quarter of the circle; the signs `side` and `turn` (1 or -1) select the quarter.
INLINE void normal_pair(f64 word, f64 angle, f64 side, f64 turn, double* a, double* b) {
  constexpr double sine[] = {1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0};
  constexpr double cosine[] = {1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -1.0 / 2, 1.0};
  const f64 u = (word + splat<f64>(0.5)) * splat<f64>(0x1p-32);
  const f64 radius = square_root(splat<f64>(-2) * log_of(u)) * side;
  const f64 x = angle * splat<f64>(0x1.921fb54442d18p+0), square = x * x;  // pi / 2
  const f64 s = x * horner(sine, square), c = horner(cosine, square);
  store(a, radius * (turn > f64{} ? c : s));
  store(b, radius * (turn > f64{} ? s : c));
}

// Four normal numbers per lane, for the entries 4 n to 4 n + 3 of its window.
template <int Lanes>
struct Normals {
  static constexpr int w = width<double>, all = Lanes < w ? w : Lanes;
  double z[4][all];

  INLINE Normals(const Noise& noise, int64_t n) {
    double word[2][all] = {}, angle[2][all] = {}, side[2][all] = {}, turn[2][all] = {};
    for (int lane = 0; lane < Lanes; ++lane) {
      const Philox draw = philox({{uint32_t(noise.first + lane), uint32_t(n), 0, noise_layer}}, noise.seed);
      for (int pair = 0; pair < 2; ++pair) {
        const uint32_t v = draw.x[2 * pair + 1];
        word[pair][lane] = double(draw.x[2 * pair]);
        angle[pair][lane] = (double(v & 0x3FFFFFFFu) + 0.5) * 0x1p-30 - 0.5;
        side[pair][lane] = v >> 31 ? -1.0 : 1.0, turn[pair][lane] = v >> 30 & 1 ? -1.0 : 1.0;
      }
    }
    for (int pair = 0; pair < 2; ++pair)
      for (int i = 0; i < all; i += w)
        normal_pair(load(word[pair] + i), load(angle[pair] + i), load(side[pair] + i), load(turn[pair] + i),
                    z[2 * pair] + i, z[2 * pair + 1] + i);
  }
};

// x[t * row + channel * Lanes + lane] += sigma z; entries of a window are numbered step by step.
template <int Lanes, class T>
inline void apply_noise(const Noise& noise, int64_t steps, int64_t channels, T* x, int64_t row) {
  int64_t t = 0, channel = 0;
  for (int64_t entry = 0; entry < steps * channels; entry += 4) {
    const Normals<Lanes> draw(noise, entry / 4);
    for (int i = 0; i < 4 && t < steps; ++i) {
      T* to = x + t * row + channel * Lanes;
      for (int lane = 0; lane < Lanes; ++lane) to[lane] += T(noise.sigma * draw.z[i][lane]);
      if (++channel == channels) channel = 0, ++t;
    }
  }
}

}  // namespace forecast::FORECAST_ISA
