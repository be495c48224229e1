// The whole network on one chunk: stacked layers, head, loss; forward above backward.
//
//   out = head.W [h_T ; extra] + head.b
//
// Training goes layer by layer (the weights of one layer stay in cache, its tape is its only memory); prediction goes
// step by step through all layers and keeps two states of each.
#pragma once

#include "../cell/registry.h"
#include "../loss/registry.h"
#include "gather_lanes.h"
#include "noise.h"
#include "sequence.h"

namespace forecast::FORECAST_ISA {

using HeadFeed = Feed<1, 0, 1, 0, 1>;

INLINE int64_t outputs_of(const Shape& s) { return s.K * s.Q; }

template <class T>
struct Head {
  const T *W, *b, *forward, *h_T, *extra_T, *units;
  T *dW, *db;
};

// theta: per layer W (input rows x H x inputs), R (state rows x H x H), b (rows x H); then the head's W and b.
template <class C>
INLINE int64_t layer_parameters(const Shape& s, int64_t l) {
  return input_rows<C> * s.H * (l ? s.H : s.I) + state_rows<C> * s.H * s.H + C::rows * s.H;
}
template <class C>
INLINE int64_t layer_weights(const Shape& s, int64_t l) {
  return layer_parameters<C>(s, l) - C::rows * s.H;
}
template <class C, class T>
INLINE int64_t layer_units(const Shape& s, int64_t l) {
  return (input_rows<C> * (l ? s.H : s.I) + state_rows<C> * s.H + C::rows) * padded<T>(s.H);
}
template <class C>
INLINE int64_t head_offset(const Shape& s) {
  return layer_parameters<C>(s, 0) + (s.L - 1) * layer_parameters<C>(s, 1);
}

template <class T>
INLINE T* shifted(T* p, int64_t by) {
  return p ? p + by : nullptr;
}

template <class C, class T>
inline Layer<T> layer_of(const Network<T>& net, T* gradient, int64_t l) {
  const Shape& s = net.shape;
  const int64_t I = l ? s.H : s.I, R = input_rows<C> * s.H * I, b = layer_weights<C>(s, l);
  const int64_t at = l ? layer_parameters<C>(s, 0) + (l - 1) * layer_parameters<C>(s, 1) : 0;
  const int64_t back = l ? layer_weights<C>(s, 0) + (l - 1) * layer_weights<C>(s, 1) : 0;
  const int64_t unit = l ? layer_units<C, T>(s, 0) + (l - 1) * layer_units<C, T>(s, 1) : 0;
  const T* theta = shifted(net.theta, at);
  T* g = shifted(gradient, at);
  return {I,
          s.H,
          theta,
          shifted(theta, R),
          shifted(theta, b),
          shifted(net.pack_forward, at),
          shifted(net.pack_forward, at + C::rows * s.H),
          shifted(net.pack_backward, back),
          shifted(net.pack_backward, back + state_rows<C> * s.H * s.H),
          shifted(net.pack_units, unit),
          g,
          shifted(g, R),
          shifted(g, b)};
}

template <class C, class T>
inline Head<T> head_of(const Network<T>& net, T* gradient) {
  const Shape& s = net.shape;
  const int64_t W = outputs_of(s) * (s.H + s.E), at = head_offset<C>(s);
  const int64_t unit = layer_units<C, T>(s, 0) + (s.L - 1) * layer_units<C, T>(s, 1);
  const T* back = shifted(net.pack_backward, layer_weights<C>(s, 0) + (s.L - 1) * layer_weights<C>(s, 1));
  return {shifted(net.theta, at),
          shifted(net.theta, at + W),
          shifted(net.pack_forward, at),
          back,
          shifted(back, outputs_of(s) * s.H),
          shifted(net.pack_units, unit),
          shifted(gradient, at),
          shifted(gradient, at + W)};
}

// ---- forward ---------------------------------------------------------------------------------------------

template <class T>
inline void head_forward(const Head<T>& head, const Shape& s, const T* h, const T* extra, T* out) {
  const T* b = head.b;
  product<HeadFeed>(
      head.forward, Operands<T>{h, s.H, extra, s.E}, outputs_of(s),
      [=](int64_t o, int) INLINE_LAMBDA { return splat<Vec<T>>(b[o]); },
      [=](int64_t o, auto a) INLINE_LAMBDA { store(out + o * lanes<T>, a[0]); });
}

template <class Loss, class T>
inline double loss_of(const Network<T>& net, const T* y, const T* weight, const T* out, T* dout) {
  const int Q = int(net.shape.Q);
  if (Q < 1) __builtin_unreachable();
  double total = 0;
  for (int64_t k = 0; k < net.shape.K; ++k) {
    for (int n = 0; n < N; ++n) {
      const int64_t at = n * width<T>;
      const Vec<T> target = load(y + k * lanes<T> + at), w = load(weight + k * lanes<T> + at);
      Vec<T> p[most_outputs], dp[most_outputs];
      for (int q = 0; q < Q; ++q) p[q] = load(out + (k * Q + q) * lanes<T> + at);
      total += double(sum(w * Loss::value(p, target, net.loss_parameters, Q)));
      if (!dout) continue;
      Loss::derivative(p, target, net.loss_parameters, Q, dp);
      for (int q = 0; q < Q; ++q) store(dout + (k * Q + q) * lanes<T> + at, w * dp[q]);
    }
  }
  return total;
}

template <class T>
inline double loss(const Network<T>& net, const T* y, const T* weight, const T* out, T* dout) {
  int which = 0;
#define FORECAST_LOSS(name, Loss) \
  if (net.loss == which++) return loss_of<Loss>(net, y, weight, out, dout);
  FORECAST_LOSSES(FORECAST_LOSS)
#undef FORECAST_LOSS
  return 0;
}

// What both forward passes read and write, besides the states.
template <class T>
struct Io {
  T *x, *y, *weight, *extra, *out, *dout;
  double* anchors;  // of gather_past_lanes
};

// Scratch memory, cut from one block; without a block it only counts, so that one list of arrays both measures and
// cuts.
template <class T>
struct Arena {
  T* block;
  int64_t used = 0;
  T* take(int64_t n) {
    T* p = block ? block + used : nullptr;
    used += (n + 15) / 16 * 16;  // every array begins on a cache line
    return p;
  }
};

template <class T>
inline Io<T> take_io(const Shape& s, Arena<T>& arena) {
  Io<T> io;
  io.x = arena.take(s.T * s.I * lanes<T>);
  io.y = arena.take(s.K * lanes<T>);
  io.weight = arena.take(s.K * lanes<T>);
  io.extra = arena.take(s.E * lanes<T>);
  io.out = arena.take(outputs_of(s) * lanes<T>);
  io.dout = arena.take(outputs_of(s) * lanes<T>);
  io.anchors = reinterpret_cast<double*>(arena.take(2 * s.I * lanes<T> * int64_t(sizeof(double) / sizeof(T))));
  return io;
}

template <class T>
inline void gather(const Network<T>& net, const Chunk<T>& c, const Io<T>& io) {
  const Shape& s = net.shape;
  if (c.n < lanes<T>) {  // lanes without a window compute on zeros, with weight 0
    clear(io.x, s.T * s.I * lanes<T>);
    clear(io.extra, s.E * lanes<T>);
    clear(io.y, s.K * lanes<T>);
    clear(io.weight, s.K * lanes<T>);
  }
  const bool together = c.n == lanes<T> && in_runs(*c.source);
  if (together) gather_past_lanes(*c.source, c.index, io.x, io.anchors);
  for (int lane = 0; lane < c.n; ++lane) {
    if (!together) gather_past(*c.source, c.index[lane], io.x + lane, lanes<T>, s.I * lanes<T>);
    gather_extra(*c.source, c.index[lane], io.extra + lane, lanes<T>);
    if (c.loss) gather_targets(*c.source, c.index[lane], c.normaliser, io.y + lane, io.weight + lane, lanes<T>);
  }
  if (net.clip > 0) apply_clip(net.clip, io.x, s.T * s.I * lanes<T>);
  if (c.noise > 0) apply_noise<lanes<T>>(Noise{c.noise, c.seed, c.first}, s.T, s.I, io.x, s.I * lanes<T>);
}

template <class C, class T>
inline void set_initial(const Chunk<T>& c, const Shape& s, int64_t l, T* state) {
  clear(state, C::states * s.H * lanes<T>);
  for (int64_t i = 0; c.initial && i < C::states; ++i)
    for (int lane = 0; lane < c.n; ++lane)
      for (int64_t unit = 0; unit < s.H; ++unit)
        state[(i * s.H + unit) * lanes<T> + lane] =
            c.initial[((l * C::states + i) * c.B + c.first + lane) * s.H + unit];
}

// From [feature][lane] to rows of the whole batch: to[(first + lane) * n + feature].
template <class T>
inline void put_rows(const Chunk<T>& c, const T* from, int64_t n, T* to) {
  for (int lane = 0; lane < c.n; ++lane)
    for (int64_t i = 0; i < n; ++i) to[(c.first + lane) * n + i] = from[i * lanes<T> + lane];
}

template <class C, class T>
inline bool predict(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  const int64_t state = C::states * s.H * lanes<T>;
  Arena<T> arena{c.arena};
  const Io<T> io = take_io(s, arena);
  T *now = arena.take(s.L * state), *next = arena.take(s.L * state);
  gather(net, c, io);
  for (int64_t l = 0; l < s.L; ++l) set_initial<C>(c, s, l, now + l * state);
  for (int64_t t = 0; t < s.T; ++t) {
    const T* x = io.x + t * s.I * lanes<T>;
    for (int64_t l = 0; l < s.L; ++l) {
      step_forward<C, false>(layer_of<C, T>(net, nullptr, l), x, now + l * state, next + l * state,
                             static_cast<T*>(nullptr));
      x = next + l * state;
    }
    T* swap = now;
    now = next, next = swap;
    if (c.poll.stop(c.poll.self)) return false;
  }
  head_forward(head_of<C, T>(net, nullptr), s, now + (s.L - 1) * state, io.extra, io.out);
  if (c.loss) *c.loss = loss<T>(net, io.y, io.weight, io.out, nullptr);
  if (c.outputs) put_rows(c, io.out, outputs_of(s), c.outputs);
  return true;
}

// ---- forward with a tape, then backward ------------------------------------------------------------------

template <class C, class T>
struct Tapes {
  int64_t row, tape_step, state_step;
  T *states, *tape, *dropped, *carry, *sums, *scratch, *transposed, *joined, *dlast;

  Tapes(const Shape& s, bool drop, Arena<T>& arena) {
    row = s.H * lanes<T>, tape_step = tape_rows<C> * row, state_step = C::states * row;
    states = arena.take(s.L * (s.T + 1) * state_step);
    tape = arena.take(s.L * s.T * tape_step);
    dropped = drop ? arena.take(s.L * s.T * row) : nullptr;
    const int64_t widest = s.H > s.I ? s.H : s.I;
    carry = arena.take(state_step), dlast = arena.take(row);
    const int64_t first = sums_of_row<C, T>(s.I, s.H), above = s.L > 1 ? sums_of_row<C, T>(s.H, s.H) : 0;
    sums = arena.take(C::rows * s.H * width<T> * (first > above ? first : above));
    scratch = arena.take(widest * lanes<T>);
    const int64_t z = transposed_size<T>(widest, segment * lanes<T>), head = transposed_size<T>(s.H + s.E, lanes<T>);
    transposed = arena.take(z > head ? z : head);
    joined = s.E ? arena.take((s.H + s.E) * lanes<T>) : nullptr;
  }
  T* state(const Shape& s, int64_t l, int64_t t) const { return states + (l * (s.T + 1) + t) * state_step; }
  T* tape_of(const Shape& s, int64_t l, int64_t t) const { return tape + (l * s.T + t) * tape_step; }
  // What layer l hands upwards at step t.
  const T* output(const Shape& s, int64_t l, int64_t t) const {
    return dropped ? dropped + (l * s.T + t) * row : state(s, l, t + 1);
  }
};

template <class C, class T>
inline bool forward_with_tape(const Network<T>& net, const Chunk<T>& c, const Io<T>& io, const Tapes<C, T>& m) {
  const Shape& s = net.shape;
  const Dropout dropout{net.dropout, c.seed, c.first};
  for (int64_t l = 0; l < s.L; ++l) {
    const Layer<T> layer = layer_of<C, T>(net, nullptr, l);
    set_initial<C>(c, s, l, m.state(s, l, 0));
    for (int64_t t = 0; t < s.T; ++t) {
      const T* x = l ? m.output(s, l - 1, t) : io.x + t * s.I * lanes<T>;
      step_forward<C, true>(layer, x, m.state(s, l, t), m.state(s, l, t + 1), m.tape_of(s, l, t));
      const bool used = l + 1 < s.L || t + 1 == s.T;  // the last layer hands up its last step only
      if (m.dropped && used)
        apply_dropout<lanes<T>>(dropout, l, t, s.H, m.state(s, l, t + 1), m.dropped + (l * s.T + t) * m.row);
      if (c.poll.stop(c.poll.self)) return false;
    }
  }
  return true;
}

// Every gate and state of every step, out of the tape.
template <class C, class T>
inline bool activity(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  Arena<T> arena{c.arena};
  const Io<T> io = take_io(s, arena);
  const Tapes<C, T> m(s, false, arena);
  gather(net, c, io);
  if (!forward_with_tape(net, c, io, m)) return false;
  const auto put = [&](int which, int64_t l, int64_t t, const T* from) {
    for (int lane = 0; lane < c.n; ++lane) {
      T* to = c.activity + (((which * c.B + c.first + lane) * s.L + l) * s.T + t) * s.H;
      for (int64_t unit = 0; unit < s.H; ++unit) to[unit] = from[unit * lanes<T> + lane];
    }
  };
  for (int64_t l = 0; l < s.L; ++l)
    for (int64_t t = 0; t < s.T; ++t) {
      for (int i = 0; i < C::gates; ++i) put(i, l, t, m.tape_of(s, l, t) + C::gate[i] * m.row);
      for (int i = 0; i < C::states; ++i) put(C::gates + i, l, t, m.state(s, l, t + 1) + i * m.row);
      if (c.poll.stop(c.poll.self)) return false;
    }
  return true;
}

// Gradients of the head's weights, and of the last state into m.dlast.
template <class C, class T>
inline void head_backward(const Network<T>& net, const Chunk<T>& c, const Io<T>& io, const Tapes<C, T>& m) {
  const Shape& s = net.shape;
  const Head<T> head = head_of<C, T>(net, c.gradient);
  const int64_t O = outputs_of(s), features = s.H + s.E;
  const T* z = m.output(s, s.L - 1, s.T - 1);
  if (s.E) {  // [h_T ; extra] as one
    for (int64_t i = 0; i < m.row; ++i) m.joined[i] = z[i];
    for (int64_t i = 0; i < s.E * lanes<T>; ++i) m.joined[m.row + i] = io.extra[i];
    z = m.joined;
  }
  transpose(z, features, m.transposed, 0, 1);
  outer(outer_of_chunk<T>(head.dW, O, features, io.dout, 0, m.transposed, 1));
  for (int64_t o = 0; o < O; ++o) {
    Vec<T> total = load(io.dout + o * lanes<T>);
    for (int n = 1; n < N; ++n) total += load(io.dout + o * lanes<T> + n * width<T>);
    head.db[o] += sum(total);
  }
  const T* none = nullptr;
  through<T>(head.h_T, io.dout, O, s.H, none, m.dlast);
  if (c.dextra) {  // io.extra is done with
    through<T>(head.extra_T, io.dout, O, s.E, none, io.extra);
    put_rows(c, io.extra, s.E, c.dextra);
  }
}

// dx of layer l for all steps: to the caller (l = 0), or over the first row of the layer's own tape, whose gradients
// are all in the weights by now.
template <class C, class T>
inline bool inputs_backward(const Network<T>& net, const Chunk<T>& c, const Tapes<C, T>& m, int64_t l) {
  const Shape& s = net.shape;
  const Layer<T> layer = layer_of<C, T>(net, nullptr, l);
  const Dropout dropout{net.dropout, c.seed, c.first};
  const T* none = nullptr;
  if (l == 0 && !c.dpast) return true;
  for (int64_t t = 0; t < s.T; ++t) {
    T* tape = m.tape_of(s, l, t);
    through<T>(layer.W_T, tape + C::input[0] * m.row, input_rows<C> * s.H, layer.I, none, m.scratch);
    if (l == 0) {
      for (int lane = 0; lane < c.n; ++lane)
        for (int64_t i = 0; i < s.I; ++i)
          c.dpast[((c.first + lane) * s.T + t) * s.I + i] = m.scratch[i * lanes<T> + lane];
    } else if (m.dropped) {
      apply_dropout<lanes<T>>(dropout, l - 1, t, s.H, m.scratch, tape);
    } else {
      for (int64_t i = 0; i < m.row; ++i) tape[i] = m.scratch[i];
    }
    if (c.poll.stop(c.poll.self)) return false;
  }
  return true;
}

template <class C, class T>
inline void initial_backward(const Chunk<T>& c, const Shape& s, const Layer<T>& layer, const Tapes<C, T>& m,
                             int64_t l) {
  if (!c.dinitial) return;
  const T* da = m.tape_of(s, l, 0) + C::state[0] * m.row;
  through<T>(layer.R_T, da, state_rows<C> * s.H, s.H, m.carry, m.scratch);
  for (int64_t i = 0; i < C::states; ++i)
    put_rows(c, i ? m.carry + i * m.row : m.scratch, s.H, c.dinitial + (l * C::states + i) * c.B * s.H);
}

template <class C, class T>
inline bool train(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  Arena<T> arena{c.arena};
  const Io<T> io = take_io(s, arena);
  const Tapes<C, T> m(s, c.drop, arena);
  gather(net, c, io);
  if (!forward_with_tape(net, c, io, m)) return false;
  head_forward(head_of<C, T>(net, nullptr), s, m.output(s, s.L - 1, s.T - 1), io.extra, io.out);
  *c.loss = loss(net, io.y, io.weight, io.out, io.dout);
  if (c.outputs) put_rows(c, io.out, outputs_of(s), c.outputs);
  head_backward(net, c, io, m);
  if (c.drop) apply_dropout<lanes<T>>(Dropout{net.dropout, c.seed, c.first}, s.L - 1, s.T - 1, s.H, m.dlast, m.dlast);
  for (int64_t l = s.L - 1; l >= 0; --l) {
    const Layer<T> layer = layer_of<C, T>(net, c.gradient, l);
    const bool top = l + 1 == s.L;
    const Bptt<T> bptt{m.state(s, l, 0),
                       m.tape_of(s, l, 0),
                       top ? nullptr : m.tape_of(s, l + 1, 0),
                       m.tape_step,
                       top ? m.dlast : nullptr,
                       m.carry,
                       m.sums,
                       m.transposed,
                       m.scratch,
                       c.flow ? c.flow + l * s.T : nullptr};
    const auto input = [&](int64_t t) -> const T* { return l ? m.output(s, l - 1, t) : io.x + t * s.I * lanes<T>; };
    if (!backward<C>(layer, bptt, s.T, c.poll, input)) return false;
    initial_backward<C>(c, s, layer, m, l);
    if (!inputs_backward(net, c, m, l)) return false;
  }
  return true;
}

}  // namespace forecast::FORECAST_ISA
