// A square of lanes, transposed in registers.
#pragma once

#include "vec.h"

namespace forecast::FORECAST_ISA {

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

}  // namespace forecast::FORECAST_ISA
