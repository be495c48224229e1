// Cross-entropy of labels: y is the number of the class, p_j the score of class j (one output per class), w_j its weight.
//
//   l = w_y (log sum_j exp(p_j) - p_y)
//
// The largest score is subtracted first, so that no exponential overflows. If y is not a class, its weight is 0.
#pragma once

#include "target.h"

namespace forecast::FORECAST_ISA {

struct CrossEntropy {
  static constexpr const char* parameter = "class_weight";
  static constexpr int outputs = 0;
  static constexpr Target target = Target::labels;

  template <class V>
  static INLINE V greatest(const V* p, int Q) {
    V top = p[0];
    for (int j = 1; j < Q; ++j) top = at_least(p[j], top);
    return top;
  }

  template <class V, class T>
  static INLINE V value(const V* p, V y, const T* weights, int Q) {
    const V top = greatest(p, Q);
    V total{}, own = y - y, weight = own;  // 0, or a NaN that must stay one
    for (int j = 0; j < Q; ++j) {
      const auto hit = y == splat<V>(T(j));
      total += exp(p[j] - top);
      own = hit ? p[j] - top : own, weight = hit ? splat<V>(weights[j]) : weight;
    }
    return weight * (log(total) - own);
  }
  template <class V, class T>
  static INLINE void derivative(const V* p, V y, const T* weights, int Q, V* dp) {
    const V top = greatest(p, Q);
    V total{}, weight = y - y;
    for (int j = 0; j < Q; ++j) {
      dp[j] = exp(p[j] - top), total += dp[j];
      weight = y == splat<V>(T(j)) ? splat<V>(weights[j]) : weight;
    }
    const V share = weight / total;
    for (int j = 0; j < Q; ++j) dp[j] = dp[j] * share - (y == splat<V>(T(j)) ? weight : V{});
  }
};

}  // namespace forecast::FORECAST_ISA
