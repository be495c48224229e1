// Pinball loss of quantile levels q_1 ... q_Q (Koenker and Bassett 1978), one output per target and level:
//
//   l = 1/Q sum_j max(q_j (y - p_j), (q_j - 1) (y - p_j))
//
// The derivative at the kink y = p_j is 0.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct Quantile {
  static constexpr const char* parameter = "level";
  static constexpr int outputs = 0;  // one per parameter
  static constexpr Target target = Target::real;

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T* levels, int Q) {
    V total{};
    for (int j = 0; j < Q; ++j) {
      const V u = y - p[j], q = splat<V>(levels[j]);
      total += u < V{} ? (q - splat<V>(1)) * u : q * u;
    }
    return total / splat<V>(T(Q));
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T* levels, int Q, V* dp) {
    const V share = splat<V>(T(1)) / splat<V>(T(Q));
    for (int j = 0; j < Q; ++j) {
      const V u = y - p[j], q = splat<V>(levels[j]);
      dp[j] = u < V{} ? (splat<V>(1) - q) * share : (u > V{} ? -q * share : u);
    }
  }
};

}  // namespace forecast::FORECAST_ISA
