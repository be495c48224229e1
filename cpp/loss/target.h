// The kind of a loss's targets, which determines their scaling.
#pragma once

#include "../kernel/gamma.h"

namespace forecast::FORECAST_ISA {

// real: mean 0 and standard deviation 1. positive: divided by their mean, never centred. counts: the same, and
// `parameters[0]` of the loss is the divisor, so that the likelihood can be that of integers. labels: class numbers,
// unchanged.
enum class Target { real, positive, counts, labels };

constexpr const char* name_of(Target t) {
  return t == Target::real ? "real" : t == Target::positive ? "positive" : t == Target::counts ? "counts" : "labels";
}

// ---- from outputs of any size to parameters in a sensible range; the derivative passes as if nothing was held -------

// A location, in scales of the target.
template <class V>
INLINE V location(V raw) {
  const V most = splat<V>(typename Lane<V>::scalar(1e6));
  return at_least(at_most(raw, most), -most);
}

// A positive number: `least` + softplus(raw), with raw limited to `most`.
template <class V>
INLINE V positive_of(V raw, double least, double most) {
  using T = typename Lane<V>::scalar;
  return softplus(at_most(raw, splat<V>(T(most)))) + splat<V>(T(least));
}

}  // namespace forecast::FORECAST_ISA
