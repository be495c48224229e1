// States that decay with the time since the previous step (Che et al. 2018, GRU-D, with several times and a matrix):
//
//   g_t = exp(-max(0, w e_t + b));  the cell of step t reads g_t h instead of h
//
//   d = gradient of g_t h:   dh = g_t d,  and if w e_t + b > 0   da = -d h g_t,  dw += da e_t,  db += da,
//   de_t += sum_u da w
//
// e_t is one number per window and step; w and b have one per unit. A layer that reads from the last step to the first
// comes from the later step, so it uses the e of that step.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

inline bool decays(const LayerSpec& l) { return l.inputs > 1; }  // the second input is e

// Its arrays. A state of a step has `row` numbers.
struct DecayMemory {
  int64_t before = 0, factor = 0, sums = 0, part = 0;
  DecayMemory() = default;
  DecayMemory(const LayerSpec& l, Use use, int64_t row, int64_t unit_sums, int64_t steps, Cursor& arena) {
    if (!decays(l)) return;
    const int64_t taped = use.backward ? steps : 1;
    before = arena.take(taped * row), factor = arena.take(taped * row);
    if (use.backward) sums = arena.take(unit_sums), part = arena.take(row);
  }
};

template <class Way, class T>
struct Decay {
  using V = Several<Vec<T>, Way::units ? 1 : N>;  // one unit of all windows, or units of one window

  int64_t H = 0, row = 0, step = 0, last = 0;  // step: distance between the steps kept, 0 without a tape
  bool reverse = false;
  Track<T> elapsed;
  const T *w = nullptr, *b = nullptr;  // null: no decay
  T *befores = nullptr, *factors = nullptr, *sums = nullptr, *part = nullptr;

  Decay() = default;
  Decay(const Call<T>& k, int number, const DecayMemory& m, int64_t units, int64_t row_, int64_t offset)
      : H(units), row(row_) {
    const LayerSpec& l = k.layer(number);
    T* const block = k.c.arena;
    step = k.plan.use.backward ? row : 0, last = k.stream(l.out).steps - 1, reverse = l.reverse;
    elapsed = k.track(l.in[1]);
    w = k.weights(k.network.theta, number) + offset, b = w + H;
    befores = block + m.before, factors = block + m.factor, sums = block + m.sums, part = block + m.part;
  }
  bool on() const { return w; }
  T* before(int64_t i) const { return befores + i * step; }  // what the cell reads instead of h
  int64_t time(int64_t i) const { return reverse ? smaller(last - i + 1, last) : i; }

  // body(place in a row, unit, w, b, e)
  template <class Body>
  INLINE void each(int64_t i, const Body& body) const {
    const T* const e = elapsed.at(time(i));
    for (int64_t unit = 0; unit < H; unit += Way::units ? width<T> : 1) {
      if constexpr (Way::units) {
        const int left = int(smaller(H - unit, width<T>));
        body(unit, unit, V{{load_first(w + unit, left)}}, V{{load_first(b + unit, left)}}, splat<V>(e[0]));
      } else {
        body(unit * Way::columns, unit, splat<V>(w[unit]), splat<V>(b[unit]), load_as<V>(e));
      }
    }
  }

  __attribute__((noinline)) void forward(int64_t i, const T* h) const {
    T *const to = before(i), *const factor = factors + i * step;
    each(i, [=](int64_t at, int64_t, V w_u, V b_u, V e) INLINE_LAMBDA {
      const V g = exp<true>(at_least(madd(w_u, e, b_u), splat<V>(0)));
      store(factor + at, g), store(to + at, g * load_as<V>(h + at));
    });
  }

  // d, the gradient of what the cell has read at step i, becomes the gradient of h. That of e is added if needed.
  __attribute__((noinline)) void backward(int64_t i, const T* h, T* d, const Gradient<T>& de) const {
    const T* const factor = factors + i * step;
    each(i, [=, this](int64_t at, int64_t unit, V w_u, V b_u, V e) INLINE_LAMBDA {
      const V g = load_as<V>(factor + at), dh = load_as<V>(d + at) * g;
      const V da = -dh * load_as<V>(h + at) * positive(madd(w_u, e, b_u));
      Way::sum_up_units(sums, H, 0, unit, da * e), Way::sum_up_units(sums, H, 1, unit, da);
      store(d + at, dh), store(part + at, da * w_u);
    });
    if (!de.wanted()) return;
    T* const to = de.at(time(i));
    for (int64_t j = 0; j < H * Way::columns; ++j) to[j % Way::columns] += part[j];
  }
};

}  // namespace forecast::FORECAST_ISA
