// A few cells at a time, origin by origin. The window is kept sorted: when a score enters and the oldest one leaves,
// the scores between their places move by one.
#include "adaptive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace forecast {

namespace {

constexpr int64_t at_once = 8;  // cells: while one waits for its places, the others search theirs
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

// A cell after the residuals learnt so far, and its pending origins.
class Cell {
 public:
  Cell(const Adapted& state, int64_t n)
      : state_(state),
        levels_(2 * state.levels),
        ordered_(state.window),
        alpha_(levels_),
        bound_(levels_),
        came_(n),
        score_(n),
        judged_(n * levels_) {}

  void begin(int64_t group) {
    const int64_t groups = state_.steps * state_.targets, W = state_.window;
    before_ = state_.scores + group * W;
    std::copy_n(state_.ordered + group * W, W, ordered_.begin());
    for (known_ = W; known_ > 0 && std::isnan(ordered_[known_ - 1]);) --known_;
    for (int64_t i = 0; i < levels_; ++i) alpha_[i] = state_.alpha[i * groups + group];
    sum_ = state_.sum[group], weight_ = state_.weight[group];
    heard_ = state_.heard[group], count_ = state_.count[group], new_ = 0;
  }

  // The bounds of origin i for a residual of 0, and whether its residual is outside.
  void issue(int64_t i, double residual) {
    const double s = scale();
    for (int64_t b = 0; b < levels_; ++b) bound_[b] = quantile(b);
    score_[i] = s != 0 ? residual / s : (residual > 0) - (residual < 0);
    for (int64_t b = 0; b < levels_; ++b)
      judged_[i * levels_ + b] = std::isnan(bound_[b]) ? none
                                 : b < state_.levels   ? (score_[i] < bound_[b] ? missed : hit)
                                                       : (score_[i] > bound_[b] ? missed : hit);
    for (int64_t b = 0; b < levels_; ++b) bound_[b] *= s;
  }

  // The places of the score of origin i and of the one that leaves: found together and without a branch, which would be
  // mispredicted half of the time.
  void find(int64_t i) {
    const double come = score_[i], go = oldest(), *a = ordered_.data(), *b = a;
    int64_t m = known_;
    for (; m > 1; m -= m / 2) {
      const int64_t half = m / 2;
      a += half & -int64_t(a[half - 1] < come);
      b += half & -int64_t(b[half - 1] < go);
    }
    to_ = a - ordered_.data() + (m && *a < come);
    from_ = b - ordered_.data() + (m && *b < go);
  }

  // Enters the residual of origin i at the places found.
  void learn(int64_t i, double residual, double decay, double gamma, bool enters) {
    if (!std::isnan(score_[i])) {
      for (int64_t b = 0; b < levels_; ++b)
        if (const char how = judged_[i * levels_ + b]; how != none)
          alpha_[b] = std::min(alpha_[b] + gamma * (state_.tail[b % state_.levels] - (how == missed)), 0.5);
      if (enters) push(score_[i]);
    }
    ++heard_;
    weight_ = decay * weight_ + (1 - decay);
    sum_ = decay * sum_ + (1 - decay) * std::fabs(residual);
  }

  bool has_room() const { return count_ < state_.window; }
  const std::vector<double>& bounds() const { return bound_; }
  void tell(int64_t cell, int64_t cells, const Learnt& out);

 private:
  enum : char { none, hit, missed };

  double scale() const {
    if (!state_.scaled) return 1;
    return heard_ < state_.settled ? unknown : sum_ > 0 ? sum_ / weight_ : 0;
  }

  // The offset of bound b. Lower bounds come first; their ranks count downwards. Unknown if there are too few scores.
  double quantile(int64_t b) const {
    const int64_t W = state_.window, count = std::min(count_, W);
    if (count < state_.needed[b % state_.levels]) return unknown;
    const bool up = b >= state_.levels;
    const double rank = (count + 1) * (1 - alpha_[b]);
    const int64_t most = std::max<int64_t>(count - 1, 1);
    const int64_t below = !(rank >= 1) ? 1 : rank >= most ? most : int64_t(rank);  // a level may be NaN
    const auto at = [&](int64_t place) { return ordered_[std::clamp<int64_t>(place, 0, W - 1)]; };
    const int64_t first = up ? below - 1 : count - below;
    const double near = at(first), far = at(first + (up ? 1 : -1));
    const double found = near + std::clamp(rank - below, 0.0, 1.0) * (far - near);
    if (!(rank > count)) return found;
    return found + 10 * ((rank - count) / (count + 1)) * (found - at(std::max<int64_t>(count - 1, 0) / 2));
  }

  double oldest() const { return new_ < state_.window ? before_[new_] : came_[new_ - state_.window]; }

  void push(double score) {
    double* const values = ordered_.data();
    int64_t to = to_, from = std::min(from_, known_ - 1);
    if (known_ < state_.window && (std::isnan(oldest()) || !known_)) from = known_++;
    came_[new_++] = score, ++count_;
    if (to <= from) {
      std::copy_backward(values + to, values + from, values + from + 1);
    } else {
      std::copy(values + from + 1, values + to, values + from);
      --to;
    }
    values[to] = score;
  }

  const Adapted& state_;
  const int64_t levels_;  // lower ones, then upper ones
  const double* before_ = nullptr;
  std::vector<double> ordered_, alpha_, bound_, came_, score_;
  std::vector<char> judged_;
  double sum_ = 0, weight_ = 0;
  int64_t heard_ = 0, count_ = 0, known_ = 0, new_ = 0, to_ = 0, from_ = 0;
};

void Cell::tell(int64_t cell, int64_t cells, const Learnt& out) {
  for (int64_t b = 0; b < levels_; ++b) {
    out.alpha[b * cells + cell] = alpha_[b];
    out.offsets[b * cells + cell] = quantile(b) * scale();
  }
  if (!out.scores) return;
  const int64_t W = state_.window;
  out.sum[cell] = sum_, out.weight[cell] = weight_, out.heard[cell] = heard_, out.count[cell] = count_;
  for (int64_t i = 0; i < W; ++i) out.scores[cell * W + i] = new_ + i < W ? before_[new_ + i] : came_[new_ + i - W];
}

}  // namespace

void learn(const Adapted& state, const Residuals& residuals, const Learnt& out) {
  const int64_t n = residuals.n, wide = residuals.series * state.targets, cells = state.steps * wide;
  std::vector<Cell> some(std::min(at_once, wide), Cell(state, n));
  for (int64_t first = 0; first < cells;) {
    // Cells of one step, whose residuals become known at the same time.
    const int64_t step = first / wide, m = std::min(at_once, (step + 1) * wide - first);
    for (int64_t c = 0; c < m; ++c) some[c].begin(step * state.targets + (first + c) % wide % state.targets);
    int64_t done = 0;
    const auto learn_until = [&](int64_t row) {
      for (; done < n && residuals.positions[done] + step + 1 <= row; ++done) {
        const double* const r = residuals.values + done * cells + first;
        const double decay = residuals.decay[done], gamma = residuals.gamma[done];
        const bool enters = residuals.enters[done];
        for (int64_t c = 0; c < m; ++c)
          if (enters || (residuals.fills && some[c].has_room())) some[c].find(done);
        for (int64_t c = 0; c < m; ++c)
          if (!std::isnan(r[c]))
            some[c].learn(done, r[c], decay, gamma, enters || (residuals.fills && some[c].has_room()));
      }
    };
    for (int64_t i = 0; i < n; ++i) {
      learn_until(std::min(residuals.positions[i], residuals.now));
      for (int64_t c = 0; c < m; ++c) {
        const double r = residuals.values[i * cells + first + c];
        if (!out.issued && std::isnan(r)) continue;
        some[c].issue(i, r);
        for (int64_t b = 0; out.issued && b < 2 * state.levels; ++b)
          out.issued[(b * n + i) * cells + first + c] = some[c].bounds()[b];
      }
    }
    learn_until(residuals.now);
    for (int64_t c = 0; c < m; ++c) some[c].tell(first + c, cells, out);
    first += m;
  }
}

}  // namespace forecast
