// The whole network on one window, hidden units in the lanes: prediction, with the bits of the other path, and
// training, for the few windows that are left when a batch is cut into chunks. Their cost is that of reading the
// weights; a chunk costs the same however few windows it has.
//
// What has H entries per row is stored in rows of `padded` H. Behind H the packed weights are 0, and what the cells
// make of 0 there is read by nobody.
#pragma once

#include "network.h"

namespace forecast::FORECAST_ISA {

// ---- prediction ------------------------------------------------------------------------------------------

// Cut from the chunk's arena, so that everybody who takes part in a step finds the same: the states of step t lie in
// states[t % 2].
template <class C, class T>
struct OneWindow {
  T *x, *extra, *out, *states[2];
  int64_t state;

  OneWindow(const Shape& s, T* block) : state(C::states * padded<T>(s.H)) {
    Arena<T> arena{block};
    x = arena.take(s.T * s.I), extra = arena.take(s.E), out = arena.take(padded<T>(outputs_of(s)));
    for (T*& now : states) now = arena.take(s.L * state);
  }
};

template <class C, class T>
inline void begin_window(const Network<T>& net, const Chunk<T>& c) {
  const OneWindow<C, T> m(net.shape, c.arena);
  gather_past(*c.source, c.index[0], m.x, 1, net.shape.I);
  if (net.clip > 0) apply_clip(net.clip, m.x, net.shape.T * net.shape.I);
  gather_extra(*c.source, c.index[0], m.extra, 1);
  clear(m.states[0], net.shape.L * m.state);
}

// Step t of a layer, one of `parts` shares of its units; all shares before the next layer or step.
template <class C, class T>
INLINE void step_layer(const Layer<T>& layer, const OneWindow<C, T>& m, const Shape& s, int64_t t, int64_t l, int part,
                       int parts) {
  const T* before = m.states[t % 2] + l * m.state;
  T* after = m.states[(t + 1) % 2] + l * m.state;
  const T* x = l ? after - m.state : m.x + t * s.I;
  step_units<C, false>(layer, x, before, after, static_cast<T*>(nullptr), t % 2, part, parts);
}

template <class C, class T>
inline void step_window(const Network<T>& net, const Chunk<T>& c, int64_t t, int64_t l, int part, int parts) {
  step_layer(layer_of<C, T>(net, nullptr, l), OneWindow<C, T>(net.shape, c.arena), net.shape, t, l, part, parts);
}

template <class C, class T>
inline void end_window(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  const OneWindow<C, T> m(s, c.arena);
  const Head<T> head = head_of<C, T>(net, nullptr);
  const int64_t n = outputs_of(s), O = padded<T>(n);
  T* out = m.out;
  product_units<HeadFeed>(head.units + O, Operands<T>{m.states[s.T % 2] + (s.L - 1) * m.state, s.H, m.extra, s.E},
                          O / width<T>, false, 0, 1, head.units,
                          [=](int64_t o, auto a) INLINE_LAMBDA { store(out + o, a[0]); });
  for (int64_t o = 0; o < n; ++o) c.outputs[c.first * n + o] = out[o];
}

// All of it, where nobody shares the steps: a step may take 100 ns, so that what it needs is looked up once.
template <class C, class T>
inline bool predict_window(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  const OneWindow<C, T> m(s, c.arena);
  const Layer<T> first = layer_of<C, T>(net, nullptr, 0);
  begin_window<C>(net, c);
  for (int64_t t = 0; t < s.T; ++t) {
    step_layer(first, m, s, t, 0, 0, 1);
    for (int64_t l = 1; l < s.L; ++l) step_layer(layer_of<C, T>(net, nullptr, l), m, s, t, l, 0, 1);
    if (c.poll.stop(c.poll.self)) return false;
  }
  end_window<C>(net, c);
  return true;
}

// ---- packs of the way back -------------------------------------------------------------------------------

// Products with the transposes of R, of W (but the first layer's), and of the head's part that reads h; each pack
// begins with zeros for its sums.
template <class C, class T>
struct WindowPacks {
  int64_t H, R, W, head, size;

  explicit WindowPacks(const Shape& s) : H(padded<T>(s.H)) {
    R = H + state_rows<C> * H * H, W = H + input_rows<C> * H * H;
    head = s.L * R + (s.L - 1) * W;
    size = head + H + outputs_of(s) * H;
  }
  int64_t R_of(int64_t l) const { return l * R; }
  int64_t W_of(const Shape& s, int64_t l) const { return s.L * R + (l - 1) * W; }
};

template <class C, class T>
inline void pack_window_backward(const Shape& s, const T* theta, T* pack) {
  Network<T> net{};
  net.shape = s, net.theta = theta;
  const int64_t H = s.H, row = padded<T>(H), vectors = row / width<T>, wide = H + s.E;
  const auto zero = [](int, int64_t) { return T(0); };
  const auto put = [&](int64_t K, auto weight) { pack = pack_units<Plain>(pack, vectors, K, 0, zero, weight, weight); };
  const auto transposed = [=](const T* M) {  // M is [row][H][H]
    return [=](int, int64_t unit, int64_t k) {
      return k % row < H && unit < H ? M[(k / row * H + k % row) * H + unit] : T(0);
    };
  };
  for (int64_t l = 0; l < s.L; ++l) put(state_rows<C> * row, transposed(layer_of<C, T>(net, nullptr, l).R));
  for (int64_t l = 1; l < s.L; ++l) put(input_rows<C> * row, transposed(layer_of<C, T>(net, nullptr, l).W));
  const T* W = head_of<C, T>(net, nullptr).W;
  put(outputs_of(s), [=](int, int64_t unit, int64_t k) { return unit < H ? W[k * wide + unit] : T(0); });
}

// ---- training --------------------------------------------------------------------------------------------

template <class C, class T>
struct WindowTape {
  int64_t row, x_row, step, state_step;
  Io<T> io;  // x in rows of x_row; y, weight and dout as in a chunk, of which only the first lane is used
  T *states, *tape, *dropped, *carry, *above, *joined, *out, *dbias;

  WindowTape(const Shape& s, bool drop, Arena<T>& arena) {
    row = padded<T>(s.H), x_row = padded<T>(s.I);
    step = tape_rows<C> * row, state_step = C::states * row;
    const int64_t O = padded<T>(outputs_of(s));
    io.x = arena.take(s.T * x_row);
    io.y = arena.take(s.K * lanes<T>), io.weight = arena.take(s.K * lanes<T>);
    io.out = arena.take(O * lanes<T>), io.dout = arena.take(O * lanes<T>);
    states = arena.take(s.L * (s.T + 1) * state_step), tape = arena.take(s.L * s.T * step);
    dropped = drop ? arena.take(s.L * s.T * row) : nullptr;
    carry = arena.take(state_step), above = arena.take(row), dbias = arena.take(step);
    joined = arena.take(s.H + s.E + width<T>), out = arena.take(O);
    io.extra = joined + s.H;  // [h_T ; extra] as one
  }
  T* state(const Shape& s, int64_t l, int64_t t) const { return states + (l * (s.T + 1) + t) * state_step; }
  T* tape_of(const Shape& s, int64_t l, int64_t t) const { return tape + (l * s.T + t) * step; }
  const T* output(const Shape& s, int64_t l, int64_t t) const {  // what layer l hands upwards at step t
    return dropped ? dropped + (l * s.T + t) * row : state(s, l, t + 1);
  }
};

template <class C, class T>
inline void gather_window(const Network<T>& net, const Chunk<T>& c, int lane, const WindowTape<C, T>& m) {
  const Shape& s = net.shape;
  clear(m.io.x, s.T * m.x_row);
  clear(m.io.y, s.K * lanes<T>);
  clear(m.io.weight, s.K * lanes<T>);
  clear(m.io.out, outputs_of(s) * lanes<T>);
  gather_past(*c.source, c.index[lane], m.io.x, 1, m.x_row);
  if (net.clip > 0) apply_clip(net.clip, m.io.x, s.T * m.x_row);
  if (c.noise > 0) apply_noise<1>(Noise{c.noise, c.seed, c.first + lane}, s.T, s.I, m.io.x, m.x_row);
  gather_extra(*c.source, c.index[lane], m.io.extra, 1);
  gather_targets(*c.source, c.index[lane], c.normaliser, m.io.y, m.io.weight, lanes<T>);
}

template <class C, class T>
inline bool forward_window(const Network<T>& net, const Chunk<T>& c, const Dropout& dropout,
                           const WindowTape<C, T>& m) {
  const Shape& s = net.shape;
  for (int64_t l = 0; l < s.L; ++l) {
    const Layer<T> layer = layer_of<C, T>(net, nullptr, l);
    clear(m.state(s, l, 0), m.state_step);
    for (int64_t t = 0; t < s.T; ++t) {
      const T* x = l ? m.output(s, l - 1, t) : m.io.x + t * m.x_row;
      step_units<C, true>(layer, x, m.state(s, l, t), m.state(s, l, t + 1), m.tape_of(s, l, t), t % 2, 0, 1);
      const bool used = l + 1 < s.L || t + 1 == s.T;  // the last layer hands up its last step only
      if (m.dropped && used)
        apply_dropout<1>(dropout, l, t, s.H, m.state(s, l, t + 1), m.dropped + (l * s.T + t) * m.row);
      if (c.poll.stop(c.poll.self)) return false;
    }
  }
  return true;
}

// Head and loss, forward and backward; the gradient of what the last layer hands up goes to m.above.
template <class C, class T>
inline double head_window(const Network<T>& net, const Chunk<T>& c, int lane, const WindowTape<C, T>& m) {
  const Shape& s = net.shape;
  const Head<T> head = head_of<C, T>(net, c.gradient);
  const int64_t n = outputs_of(s), O = padded<T>(n), features = s.H + s.E;
  const T* h = m.output(s, s.L - 1, s.T - 1);
  for (int64_t i = 0; i < s.H; ++i) m.joined[i] = h[i];
  const auto to = [](T* y) { return [=](int64_t i, auto a) INLINE_LAMBDA { store(y + i, a[0]); }; };
  product_units<HeadFeed>(head.units + O, Operands<T>{h, s.H, m.io.extra, s.E}, O / width<T>, false, 0, 1, head.units,
                          to(m.out));
  for (int64_t o = 0; o < n; ++o) m.io.out[o * lanes<T>] = m.out[o];
  const double total = loss(net, m.io.y, m.io.weight, m.io.out, m.io.dout);
  if (c.outputs)
    for (int64_t o = 0; o < n; ++o) c.outputs[(c.first + lane) * n + o] = m.out[o];
  for (int64_t o = 0; o < n; ++o) head.db[o] += m.out[o] = m.io.dout[o * lanes<T>];
  outer(outer_of_window<T>(head.dW, n, features, m.out, 0, m.joined, 0, 1));
  const T* pack = net.pack_window + WindowPacks<C, T>(s).head;
  product_units<Plain>(pack + m.row, Operands<T>{m.out, n, nullptr, 0}, m.row / width<T>, false, 0, 1, pack,
                       to(m.above));
  return total;
}

// Step t of a layer: from the gradients of step t + 1 and from what comes from above to its own.
template <class C, class T>
inline void step_window_backward(const Network<T>& net, int64_t l, int64_t t, const T* above,
                                 const WindowTape<C, T>& m) {
  const Shape& s = net.shape;
  T *tape = m.tape_of(s, l, t), *carry = m.carry;
  const T *prev = m.state(s, l, t), *next = m.state(s, l, t + 1), *later = tape + m.step + C::state[0] * m.row;
  const int64_t row = m.row, K = t + 1 < s.T ? state_rows<C> * row : 0;
  for (int64_t i = 0; above && i < row; i += width<T>) store(carry + i, load(carry + i) + load(above + i));
  const auto cell = [=](int64_t unit, auto dh) INLINE_LAMBDA {
    cell_backward<C>(dh[0], prev + unit, next + unit, tape + unit, carry + unit, row);
  };
  const T* pack = net.pack_window + WindowPacks<C, T>(s).R_of(l) + row;
  product_units<Plain>(pack, Operands<T>{later, K, nullptr, 0}, row / width<T>, t % 2, 0, 1, carry, cell);
}

// dW, dR, db of a layer, all steps at once.
template <class C, class T>
inline void weights_window(const Layer<T>& layer, const Shape& s, int64_t l, const WindowTape<C, T>& m) {
  const int64_t H = s.H;
  const T* da = m.tape_of(s, l, 0);
  const T* x = l ? m.output(s, l - 1, 0) : m.io.x;
  const int64_t x_step = l ? (m.dropped ? m.row : m.state_step) : m.x_row;
  for (int r = 0; r < C::rows; ++r) {
    const T* d = da + r * m.row;
    if (r >= C::input[0] && r < C::input[1])
      outer(outer_of_window<T>(layer.dW + (r - C::input[0]) * H * layer.I, H, layer.I, d, m.step, x, x_step, s.T));
    if (r >= C::state[0] && r < C::state[1])
      outer(outer_of_window<T>(layer.dR + (r - C::state[0]) * H * H, H, H, d, m.step, m.state(s, l, 0), m.state_step,
                               s.T));
  }
  const int64_t all = C::rows * m.row;
  clear(m.dbias, all);
  for (int64_t t = 0; t < s.T; ++t)
    for (int64_t i = 0; i < all; i += width<T>) store(m.dbias + i, load(m.dbias + i) + load(da + t * m.step + i));
  for (int r = 0; r < C::rows; ++r)
    for (int64_t unit = 0; unit < H; ++unit) layer.db[r * H + unit] += m.dbias[r * m.row + unit];
}

template <class C, class T>
inline bool backward_window(const Network<T>& net, const Chunk<T>& c, const Dropout& dropout,
                            const WindowTape<C, T>& m) {
  const Shape& s = net.shape;
  if (m.dropped) apply_dropout<1>(dropout, s.L - 1, s.T - 1, s.H, m.above, m.above);
  for (int64_t l = s.L - 1; l >= 0; --l) {
    const bool top = l + 1 == s.L;
    clear(m.carry, m.state_step);
    for (int64_t t = s.T - 1; t >= 0; --t) {
      const T* from_top = t + 1 == s.T ? m.above : nullptr;
      step_window_backward(net, l, t, top ? from_top : m.tape_of(s, l + 1, t), m);
      if (c.poll.stop(c.poll.self)) return false;
    }
    weights_window(layer_of<C, T>(net, c.gradient, l), s, l, m);
    if (l == 0) return true;
    const T* pack = net.pack_window + WindowPacks<C, T>(s).W_of(s, l);
    for (int64_t t = 0; t < s.T; ++t) {  // dx over the first row of the tape, where the layer below reads it
      T* dx = m.tape_of(s, l, t);
      const Operands<T> da{dx + C::input[0] * m.row, input_rows<C> * m.row, nullptr, 0};
      T* to = m.above;
      product_units<Plain>(pack + m.row, da, m.row / width<T>, t % 2, 0, 1, pack,
                           [=](int64_t i, auto a) INLINE_LAMBDA { store(to + i, a[0]); });
      if (m.dropped) apply_dropout<1>(dropout, l - 1, t, s.H, to, to);
      for (int64_t i = 0; i < m.row; ++i) dx[i] = to[i];
      if (c.poll.stop(c.poll.self)) return false;
    }
  }
  return true;
}

// Every window of the chunk, one after the other. Initial states and gradients past the weights are not for this path.
template <class C, class T>
inline bool train_windows(const Network<T>& net, const Chunk<T>& c) {
  const Shape& s = net.shape;
  Arena<T> arena{c.arena};
  const WindowTape<C, T> m(s, c.drop, arena);
  *c.loss = 0;
  for (int lane = 0; lane < c.n; ++lane) {
    const Dropout dropout{net.dropout, c.seed, c.first + lane};
    gather_window(net, c, lane, m);
    if (!forward_window(net, c, dropout, m)) return false;
    *c.loss += head_window(net, c, lane, m);
    if (!backward_window(net, c, dropout, m)) return false;
  }
  return true;
}

}  // namespace forecast::FORECAST_ISA
