// Random masks on a recurrent layer's states between steps, applied in passes outside the product's epilogue.
//
//   recurrent dropout (Gal and Ghahramani 2016)   R reads m h, not h; m is 0 with probability p, else 1 / (1 - p),
//                                                 one number per window and unit, the same at every step
//   zoneout (Krueger et al. 2017)                 s' = k s + (1 - k) cell(s); k is 1 with probability z, else 0, one
//                                                 number per window, unit and step, for all states of the unit
//
// Without masks, m is 1 and k is z, its mean. Both come from the counter-based generator, so backward computes k again.
// A ragged layer has k = 1 at the steps before a window begins, so only the window itself changes the states, in either
// direction.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

constexpr int64_t no_step = 0xFFFFFFFF;  // as the counter's step: one mask for all steps

inline bool hides_h(const LayerSpec& l, Use use) { return l.recurrent_dropout > 0 && use.drop; }
inline bool keeps_states(const LayerSpec& l) { return l.zoneout > 0 || l.ragged; }
inline bool is_masked(const LayerSpec& l, Use use) { return keeps_states(l) || hides_h(l, use); }

// Its arrays. A state of a step has `row` numbers, all states of a step have `states`.
struct MaskMemory {
  int64_t hide = 0, hidden = 0, keep = 0, made = 0, past_cell = 0;
  MaskMemory() = default;
  MaskMemory(const LayerSpec& l, Use use, int64_t row, int64_t states, int64_t steps, Cursor& arena) {
    const int64_t taped = use.backward ? steps : 1;
    if (hides_h(l, use)) hide = arena.take(row), hidden = arena.take(taped * row);
    if (keeps_states(l)) keep = arena.take(row), made = arena.take(taped * states);
    if (keeps_states(l) && use.backward) past_cell = arena.take(states);
  }
};

template <class Way, class T>
struct Masks {
  int64_t H, row, states;                  // units; numbers in a state and in all states of a step
  int64_t hidden_step, made_step;          // distance between the steps kept, 0 without a tape
  T *hide, *keep;                          // [row]; null if there is no such mask
  T *hidden, *made, *past_cell;            // m h of every step; what the cell computes; gradients that bypass it
  Dropout recurrent, zoneout;
  int64_t number;
  const int64_t *begins, *index;           // ragged layer: where each window begins; null: all at 0
  int n;                                   // windows
  bool random;

  Masks() = default;
  Masks(const Call<T>& k, const LayerSpec& l, const MaskMemory& m, int64_t units, int64_t row_, int64_t states_)
      : H(units), row(row_), states(states_) {
    const Use use = k.plan.use;
    T* const block = k.c.arena;
    hidden_step = use.backward ? row : 0, made_step = use.backward ? states : 0;
    hide = hides_h(l, use) ? block + m.hide : nullptr, keep = keeps_states(l) ? block + m.keep : nullptr;
    hidden = block + m.hidden, made = block + m.made, past_cell = block + m.past_cell;
    recurrent = {l.recurrent_dropout, k.c.seed, k.c.first}, zoneout = {l.zoneout, k.c.seed, k.c.first};
    number = l.number, random = use.drop && l.zoneout > 0;
    begins = l.ragged ? k.c.source->begin : nullptr, index = k.c.index, n = k.c.n;
  }
  int64_t units() const { return H * Way::columns; }
  T* hidden_at(int64_t i) const { return hidden + i * hidden_step; }
  T* made_at(int64_t i) const { return made + i * made_step; }

  void begin() const {
    if (hide) draw_mask<Way::columns>(recurrent, number, no_step, H, T(0), T(1 / (1 - recurrent.rate)), hide);
  }
  // What R reads at step i instead of h.
  __attribute__((noinline)) const T* hidden_of(int64_t i, const T* h) const {
    if (!hide) return h;
    T* const to = hidden_at(i);
    for (int64_t j = 0; j < units(); ++j) to[j] = h[j] * hide[j];
    return to;
  }
  // In the padding after the last unit, nothing is kept.
  void draw_kept(int64_t t) const {
    if (random) draw_mask<Way::columns>(zoneout, number, t, H, T(1), T(0), keep);
    for (int64_t j = 0; j < units() && !random; ++j) keep[j] = T(zoneout.rate);
    for (int lane = 0; lane < n && begins; ++lane)
      for (int64_t unit = 0; unit < H && t < begins[index[lane]]; ++unit) keep[unit * Way::columns + lane] = T(1);
    clear(keep + units(), row - units());
  }
  // The states after step i, at time t, from the previous ones and those that the cell has computed.
  __attribute__((noinline)) void mix(int64_t i, int64_t t, const T* before, T* after) const {
    if (!keep) return;
    draw_kept(t);
    const T* from = made_at(i);
    for (int64_t first = 0; first < states; first += row)
      for (int64_t j = 0; j < row; ++j)
        after[first + j] = keep[j] * before[first + j] + (T(1) - keep[j]) * from[first + j];
  }
  // From the gradient of the states after a step at time t to the part that reaches the cell. `join` adds the rest.
  void part(int64_t t, T* d) const {
    draw_kept(t);
    for (int64_t first = 0; first < states; first += row)
      for (int64_t j = 0; j < row; ++j) {
        past_cell[first + j] = keep[j] * d[first + j];
        d[first + j] *= T(1) - keep[j];
      }
  }
  void join(T* d) const {
    for (int64_t j = 0; j < states; ++j) d[j] += past_cell[j];
  }
};

}  // namespace forecast::FORECAST_ISA
