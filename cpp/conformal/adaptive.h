// Conformal intervals whose level adapts over time: they learn the residuals of new origins one origin at a time.
//
// Letters: n origins, K steps, M targets, L coverages, S series, W scores of a window. A cell is one step of one target
// of one series; there are K * S * M cells, series by series within a step. All series start from the same K * M
// groups. Cells are independent of each other.
//
// For one cell, at an origin, after all residuals r known by its row:
//   scale     s = sum / weight, exponentially weighted sums of |r| and of 1; known after `settled` residuals
//   score     z = r / s, with the scale at the origin of the residual; the newest W that enter are the window
//   quantile  q(a) of the m scores of the window at rank (m + 1) (1 - a), interpolated linearly; beyond the last score,
//             its distance from the median grows by 10 % for each missing 0.01
//   level     a += gamma (tail - missed), at most 1/2, tail = (1 - coverage) / 2 and missed = z > q(a); the lower side
//             is the upper side with opposite signs
// Gibbs, Candes: Adaptive conformal inference under distribution shift. NeurIPS 34 (2021), 1660-1672.
#pragma once

#include <cstdint>

namespace forecast {

// What was learnt before, for each group g = step * M + target.
struct Adapted {
  int64_t steps, targets, levels, window;
  const double* scores;   // [g][W] the newest last, NaN in front where there are fewer
  const double* ordered;  // [g][W] ascending, NaN last
  const double* alpha;    // [2][L][g] lower, upper
  const double* sum;      // [g]
  const double* weight;   // [g]
  const int64_t* heard;   // [g] residuals behind the scale
  const int64_t* count;   // [g] scores, including those that left the window
  const double* tail;     // [L]
  const int64_t* needed;  // [L] scores that a bound needs
  int64_t settled;
  bool scaled;  // whether there is a running scale; else it is 1
};

// Residuals of new origins; positions are ascending.
struct Residuals {
  int64_t n, series;
  const double* values;      // [n][cell], NaN where not known
  const int64_t* positions;  // [n] row of each origin
  const double* decay;       // [n] weight of the past in the running scale after it
  const double* gamma;       // [n] step size of the level
  const bool* enters;        // [n] whether its score enters the window
  bool fills;                // whether every score enters a window that is not full
  int64_t now;               // rows up to which residuals are learnt
};

// What is known afterwards, for each cell.
struct Learnt {
  double* alpha = nullptr;    // [2][L][cell]
  double* offsets = nullptr;  // [2][L][cell] to be added to a forecast for its bounds; NaN if too little is known
  double* issued = nullptr;   // [2][L][n][cell] offsets known at each origin; null: not requested
  double* scores = nullptr;   // [cell][W]; null: not requested, as the following ones
  double* sum = nullptr;      // [cell]
  double* weight = nullptr;   // [cell]
  int64_t* heard = nullptr;   // [cell]
  int64_t* count = nullptr;   // [cell]
};

void learn(const Adapted& state, const Residuals& residuals, const Learnt& out);

}  // namespace forecast
