// Conformal intervals whose level adapts in time: residuals of further origins are learnt, one origin after the other.
//
// Letters: n origins, K steps, M targets, L coverages, S series side by side, W scores of a window. A cell is a step of
// a target of a series; there are K * S * M, series by series within a step. Of series side by side, each goes on from
// the same K * M groups. Cells do not touch each other.
//
// Of one cell, at an origin, after all residuals r that are known by its row:
//   scale     s = sum / weight, which are exponentially weighted, of |r| and of 1; 1 where decay is 1; known from
//             `settled` residuals on
//   score     z = r / s, of the scale at the origin that the residual belongs to; the newest W are the window
//   quantile  q(a) of the m scores of the window at rank (m + 1) (1 - a), between two neighbours on a line; beyond the
//             last one its distance from the median grows by 10 % for each missing 0.01
//   level     a += gamma (tail - missed), at most 1/2, tail = (1 - coverage) / 2 and missed = z > q(a); the lower side
//   is
//             the upper one with the signs turned
// Gibbs, Candes: Adaptive conformal inference under distribution shift. NeurIPS 34 (2021), 1660-1672.
#pragma once

#include <cstdint>

namespace forecast {

// What was learnt before, of each group g = step * M + target.
struct Adapted {
  int64_t steps, targets, levels, window;
  const double* scores;   // [g][W] the newest last, NaN in front where there are fewer
  const double* ordered;  // [g][W] ascending, NaN last
  const double* alpha;    // [2][L][g] lower, upper
  const double* sum;      // [g]
  const double* weight;   // [g]
  const int64_t* heard;   // [g] residuals behind the scale
  const int64_t* count;   // [g] scores, also of those that left the window
  const double* tail;     // [L]
  const int64_t* needed;  // [L] scores that a bound needs
  double gamma, decay;
  int64_t settled;
};

// Residuals of further origins; positions rise.
struct Residuals {
  int64_t n, series;
  const double* values;      // [n][cell], NaN where not known
  const int64_t* positions;  // [n] row of each origin
  int64_t now;               // rows up to which residuals are learnt
};

// What is known afterwards, of each cell.
struct Learnt {
  double* alpha = nullptr;    // [2][L][cell]
  double* offsets = nullptr;  // [2][L][cell] what to add to a forecast for its bounds; NaN where too little is known
  double* issued = nullptr;   // [2][L][n][cell] offsets at each origin, of what it knows; null: not asked for
  double* scores = nullptr;   // [cell][W]; null: not asked for, nor is what follows
  double* sum = nullptr;      // [cell]
  double* weight = nullptr;   // [cell]
  int64_t* heard = nullptr;   // [cell]
  int64_t* count = nullptr;   // [cell]
};

void learn(const Adapted& state, const Residuals& residuals, const Learnt& out);

}  // namespace forecast
