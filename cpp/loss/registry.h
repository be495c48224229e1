// Every loss, by the name that Python and the tests know it by. A new loss is its header and its line here (and its
// formula in tests/reference.py: without that the suite is red).
//
// A loss sees one target at a time: p are its outputs for that target, y the observed value, in lanes of windows.
#pragma once

#include "absolute_error.h"
#include "cross_entropy.h"
#include "huber.h"
#include "pseudo_huber.h"
#include "quantile.h"
#include "squared_error.h"

namespace forecast::FORECAST_ISA {

// Whether its targets are numbers of classes.
template <class Loss>
constexpr bool of_labels = requires { Loss::labels; };

}  // namespace forecast::FORECAST_ISA

#define FORECAST_LOSSES(X)           \
  X("squared_error", SquaredError)   \
  X("absolute_error", AbsoluteError) \
  X("huber", Huber)                  \
  X("pseudo_huber", PseudoHuber)     \
  X("quantile", Quantile)            \
  X("cross_entropy", CrossEntropy)
