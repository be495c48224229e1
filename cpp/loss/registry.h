// Every loss, with its name in Python and in the tests. A new loss needs its header, a line here and its formula in
// tests/reference.py; without the formula, the tests fail.
//
// A loss sees one target at a time: p are its outputs for that target, y the observed value, in lanes of windows.
#pragma once

#include "absolute_error.h"
#include "cross_entropy.h"
#include "gamma.h"
#include "huber.h"
#include "negative_binomial.h"
#include "normal.h"
#include "poisson.h"
#include "pseudo_huber.h"
#include "quantile.h"
#include "squared_error.h"
#include "student_t.h"

#define FORECAST_LOSSES(X)                 \
  X("squared_error", SquaredError)         \
  X("absolute_error", AbsoluteError)       \
  X("huber", Huber)                        \
  X("pseudo_huber", PseudoHuber)           \
  X("quantile", Quantile)                  \
  X("normal", Normal)                      \
  X("student_t", StudentT)                 \
  X("poisson", Poisson)                    \
  X("negative_binomial", NegativeBinomial) \
  X("gamma", Gamma)                        \
  X("cross_entropy", CrossEntropy)
