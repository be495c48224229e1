// Dropout masks from a counter-based generator: Philox4x32-10 (Salmon et al. 2011). A mask depends only on the
// seed and on (window in the batch, unit, step, layer), so it is the same for any thread count and chunk, and backward
// computes it again instead of storing it.
#pragma once

#include "product.h"

namespace forecast::FORECAST_ISA {

struct Philox {
  uint32_t x[4];
};

INLINE Philox philox(Philox counter, uint64_t seed) {
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * counter.x[0], b = uint64_t(0xCD9E8D57u) * counter.x[2];
    counter = {
        {uint32_t(b >> 32) ^ counter.x[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ counter.x[3] ^ k1, uint32_t(a)}};
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return counter;
}

struct Dropout {
  double rate;
  uint64_t seed;
  int64_t first;  // number of lane 0 in the batch
};

// to[unit][lane] = `low` with probability `rate`, else `high`.
template <int Lanes, class T>
inline void draw_mask(const Dropout& d, int64_t layer, int64_t t, int64_t H, T low, T high, T* to) {
  const uint32_t threshold = uint32_t(d.rate * 4294967296.0);
  for (int64_t unit = 0; unit < H; unit += 4)
    for (int lane = 0; lane < Lanes; ++lane) {
      const Philox draw =
          philox({{uint32_t(d.first + lane), uint32_t(unit / 4), uint32_t(t), uint32_t(layer)}}, d.seed);
      for (int64_t u = unit; u < H && u < unit + 4; ++u)
        to[u * Lanes + lane] = draw.x[u - unit] < threshold ? low : high;
    }
}

// to[unit][lane] = from[unit][lane] * mask, where mask is 0 with probability `rate` and 1 / (1 - rate) otherwise.
template <int Lanes, class T>
inline void apply_dropout(const Dropout& d, int64_t layer, int64_t t, int64_t H, const T* from, T* to) {
  const uint32_t threshold = uint32_t(d.rate * 4294967296.0);  // a draw below it is dropped
  const T keep = T(1 / (1 - d.rate));
  for (int64_t unit = 0; unit < H; unit += 4) {
    Philox draw[Lanes];
    for (int lane = 0; lane < Lanes; ++lane)
      draw[lane] = philox({{uint32_t(d.first + lane), uint32_t(unit / 4), uint32_t(t), uint32_t(layer)}}, d.seed);
    for (int64_t u = unit; u < H && u < unit + 4; ++u)
      for (int lane = 0; lane < Lanes; ++lane)
        to[u * Lanes + lane] = from[u * Lanes + lane] * (draw[lane].x[u - unit] < threshold ? T(0) : keep);
  }
}

}  // namespace forecast::FORECAST_ISA
