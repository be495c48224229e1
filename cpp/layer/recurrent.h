// A recurrent layer: any cell, over the steps in either direction.
//
//   states[i]  [state][H][column], h first, in the order of computation: D initial states, then step i's at i + D
//   tape[i]    [row or kept value][H][column]; forward leaves what the cell's backward needs, backward writes the
//              gradients da over the rows, and when all weight gradients are done dx over the first row
//
// With a dilation D (Chang et al. 2017) a step goes on from the states of D steps before, so D chains of steps
// interleave, each from the initial states; going back each has its own carry.
//
// A cell's vectors stand behind its biases in theta (kind p) and behind the weights of its forward pack, where both
// ways and both directions read them; the sums of their gradients stand behind those of the biases.
//
// The output at a step is the h after it. Both lie in the chunk's arena. The cell is the epilogue of the product:
// pre-activations never leave the first cache.
#pragma once

#include "../cell/registry.h"
#include "shared_input.h"
#include "masks.h"

namespace forecast::FORECAST_ISA {

template <class C>
using CellFeed = Feed<C::rows, C::input[0], C::input[1], C::state[0], C::state[1]>;
template <class C>
constexpr int input_rows = C::input[1] - C::input[0];
template <class C>
constexpr int state_rows = C::state[1] - C::state[0];
template <class C>
constexpr int tape_rows = C::rows + C::kept;

template <class C>
struct Recurrent : Weightless {
  static constexpr int vectors = vectors_of<C>;

  // ---- sizes and places ------------------------------------------------------------------------------------

  static int64_t inputs(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.in[0]].width; }
  static int64_t hidden(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].width; }
  static int64_t steps(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].steps; }

  // Its arrays. Forward alone keeps few states where nobody reads the others.
  template <class Way, class T>
  struct Memory {
    int64_t row, tape_step, state_step;
    int64_t states, begun = 0, tape = 0, carry = 0, first = 0, sums = 0, scratch = 0, transposed = 0;
    MaskMemory masks;

    Memory(const NetworkSpec& net, const LayerSpec& l, Use use, int64_t places, Cursor& arena) {
      const int64_t I = inputs(net, l), H = hidden(net, l), T_ = steps(net, l), widest = H > I ? H : I;
      row = Way::room(H) * Way::columns, tape_step = tape_rows<C> * row, state_step = C::states * row;
      states = arena.take(places * state_step);
      if (!Way::units && common_input(net, l)) begun = arena.take((C::rows * H + I) * width<T>);
      masks = MaskMemory(l, use, row, state_step, T_, arena);
      if (!use.backward) return;
      tape = arena.take(T_ * tape_step);
      carry = arena.take(l.dilation * state_step), first = arena.take(state_step);
      sums = arena.take(all_sums<Way>(I, H));
      scratch = arena.take(Way::room(widest) * Way::columns);
      transposed = arena.take(Way::scratch(widest, Way::segment(T_)));
    }
  };

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    const int64_t T_ = steps(p.net, l), H = hidden(p.net, l), kept = p.plan.slots[number].places;
    p.plan.slots[number].memory = p.arena.used;
    const Memory<Way, T> m(p.net, l, p.plan.use, kept, p.arena);
    Place& out = p.place(l.out);
    out.x = m.states, out.pitch = m.state_step, out.shift = l.dilation;
    if (kept < T_ + l.dilation) out.mask = kept - 1;
    if (l.reverse) out.x += (T_ - 1 + l.dilation) * m.state_step, out.pitch = -m.state_step, out.shift = 0;
    // The gradient of the input goes over the tape's first row, where nobody else adds to it.
    const int64_t newest = m.tape + (T_ - 1) * m.tape_step;
    if (p.plan.use.backward && inputs(p.net, l) <= H)
      p.lend(l.in[0], l.reverse ? newest : m.tape, l.reverse ? -m.tape_step : m.tape_step);
    Slot& slot = p.plan.slots[number];
    if (l.start < 0) slot.initial = p.count(p.plan.initial, C::states * H);
    slot.flow = p.count(p.plan.flow, T_);
    slot.activity = p.count(p.plan.activity, (C::gates + C::states) * T_ * H);
    ++p.plan.n_recurrent;
  }

  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    const int64_t I = inputs(net, l), H = hidden(net, l);
    for (int row = C::input[0]; row < C::input[1]; ++row) put('W', row, H, I);
    for (int row = C::state[0]; row < C::state[1]; ++row) put('R', row, H, H);
    for (int row = 0; row < C::rows; ++row) put('b', row, H, 0);
    for (int i = 0; i < vectors; ++i) put('p', i, H, 0);
  }

  // Offsets of R, b and p behind W.
  static int64_t R_of(int64_t I, int64_t H) { return input_rows<C> * H * I; }
  static int64_t b_of(int64_t I, int64_t H) { return R_of(I, H) + state_rows<C> * H * H; }
  static int64_t p_of(int64_t I, int64_t H) { return b_of(I, H) + C::rows * H; }

  // Sizes of what the vectors stand behind.
  template <class Way>
  static int64_t product_pack(int64_t I, int64_t H) {
    return Way::template pack_size<CellFeed<C>>(H, I, H);
  }
  template <class Way>
  static int64_t all_sums(int64_t I, int64_t H) {
    return Way::sums(C::rows, I, H) + (vectors ? Way::unit_sums(vectors, H) : 0);
  }

  template <class Way, class T>
  static int64_t pack_size(const NetworkSpec& net, const LayerSpec& l, bool backward) {
    const int64_t I = inputs(net, l), H = hidden(net, l), row = Way::room(H);
    if (!backward) return product_pack<Way>(I, H) + vectors * row;
    return Way::transposed_size(H, state_rows<C> * row) + Way::transposed_size(I, input_rows<C> * row);
  }

  template <class Way, class T>
  static void pack(const NetworkSpec& net, const LayerSpec& l, bool backward, const T* W, T* to) {
    const int64_t I = inputs(net, l), H = hidden(net, l), row = Way::room(H);
    const T *R = W + R_of(I, H), *b = W + b_of(I, H);
    if (!backward) {
      Way::template pack<CellFeed<C>>(
          to, H, I, H, [=](int r, int64_t unit) { return b[r * H + unit]; },
          [=](int r, int64_t unit, int64_t k) { return W[((r - C::input[0]) * H + unit) * I + k]; },
          [=](int r, int64_t unit, int64_t k) { return R[((r - C::state[0]) * H + unit) * H + k]; });
      if constexpr (vectors > 0) {
        const T* p = W + p_of(I, H);
        to += product_pack<Way>(I, H);
        for (int64_t i = 0; i < vectors * row; ++i) to[i] = i % row < H ? p[i / row * H + i % row] : T(0);
      }
      return;
    }
    const auto transposed = [=](const T* M, int64_t n) {  // M is [row][H][n], read over rows of `row`
      return [=](int64_t unit, int64_t k) {
        if constexpr (Way::units) return k % row < H ? M[(k / row * H + k % row) * n + unit] : T(0);
        else return M[k * n + unit];
      };
    };
    Way::pack_transposed(to, H, state_rows<C> * row, transposed(R, H));
    to += Way::transposed_size(H, state_rows<C> * row);
    Way::pack_transposed(to, I, input_rows<C> * row, transposed(W, I));
  }

  // What every step needs, looked up once for a run of steps.
  template <class Way, class T>
  struct View {
    int64_t I, H, T_, row, tape_step, state_step, mask, dilation;
    bool reverse, restart, masked;
    Track<T> x;
    T *states, *begun, *tapes, *carries, *first, *sums, *scratch, *transposed;
    const T *forward, *R_T, *W_T;

    View(const Call<T>& k, int number) {
      const LayerSpec& l = k.layer(number);
      const Slot& slot = k.plan.slots[number];
      I = inputs(k.net, l), H = hidden(k.net, l), T_ = steps(k.net, l), mask = k.plan.places[l.out].mask;
      Cursor arena{slot.memory};
      const Memory<Way, T> m(k.net, l, k.plan.use, slot.places, arena);
      dilation = l.dilation, masked = is_masked(l, k.plan.use);
      row = m.row, tape_step = m.tape_step, state_step = m.state_step, reverse = l.reverse, restart = l.restart;
      T* const block = k.c.arena;
      states = block + m.states, begun = block + m.begun, tapes = block + m.tape, carries = block + m.carry,
      first = block + m.first;
      sums = block + m.sums, scratch = block + m.scratch, transposed = block + m.transposed;
      x = k.track(l.in[0]);
      forward = k.pack(number, Way::forward_pack), R_T = k.pack(number, Way::backward_pack);
      W_T = R_T ? R_T + Way::transposed_size(H, state_rows<C> * Way::room(H)) : nullptr;
    }

    const T* p() const { return forward + product_pack<Way>(I, H); }  // of a cell with vectors, [vector][room]
    T* p_sums() const { return sums + Way::sums(C::rows, I, H); }
    int64_t time(int64_t i) const { return reverse ? T_ - 1 - i : i; }
    const T* input(int64_t i) const { return x.at(time(i)); }
    T* state(int64_t i) const { return states + (i & mask) * state_step; }
    T* before(int64_t i) const { return state(restart ? 0 : i); }
    T* after(int64_t i) const { return state(i + dilation); }
    T* carry(int64_t i) const { return carries + (dilation == 1 ? 0 : i % dilation * state_step); }
    Operands<T> operands(int64_t i) const { return {input(i), I, before(i), H}; }
    T* tape(int64_t i) const { return tapes + i * tape_step; }
  };

  template <class Way, class T>
  static Masks<Way, T> masks_of(const Call<T>& k, int number, const View<Way, T>& v) {
    const Slot& slot = k.plan.slots[number];
    Cursor arena{slot.memory};
    const Memory<Way, T> m(k.net, k.layer(number), k.plan.use, slot.places, arena);
    return Masks<Way, T>(k, k.layer(number), m.masks, v.H, v.row, v.state_step);
  }

  // ---- forward ---------------------------------------------------------------------------------------------

  template <class Way, class Sums>
  using OfUnits = typename Way::template OfUnits<typename Sums::V>;

  // The cell on the sums of some units; a row of a state or of the tape is `row` long. `p` are a cell's vectors, or
  // nothing.
  template <bool Keep, class Sums, class T, class... P>
  static INLINE void cell_forward(Sums a, const T* prev, T* next, T* tape, int64_t row, P... p) {
    using V = typename Sums::V;
    C::forward(a, Read<V, T>{prev, row}, Write<V, true, T>{next, row}, Write<V, Keep, T>{tape, row}, p...);
  }

  template <class Way, bool Keep, class T>
  static INLINE void step(const View<Way, T>& v, int64_t i, Turn turn, const T* biases, Operands<T> x, const T* prev,
                          T* next) {
    T* tape = Keep ? v.tape(i) : nullptr;
    const int64_t row = v.row;
    if constexpr (vectors > 0) {
      const T* const p = v.p();
      const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        const OfUnits<Way, decltype(a)> own{p + unit, row / Way::columns};
        cell_forward<Keep>(a, prev + at, next + at, Keep ? tape + at : tape, row, own);
      };
      Way::template multiply<CellFeed<C>>(v.forward, biases, x, v.H, turn, cell);
    } else {
      const auto cell = [=](int64_t unit, auto a) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        cell_forward<Keep>(a, prev + at, next + at, Keep ? tape + at : tape, row);
      };
      Way::template multiply<CellFeed<C>>(v.forward, biases, x, v.H, turn, cell);
    }
  }

  // The initial states of all chains: those given, the last ones of another layer, or zeros.
  template <class Way, class T>
  static void begin(const Call<T>& k, int number) {
    const View<Way, T> v(k, number);
    first_state(k, number, v);
    for (int64_t chain = 1; chain < v.dilation; ++chain)
      for (int64_t i = 0; i < v.state_step; ++i) v.state(chain)[i] = v.state(0)[i];
    if (v.masked) masks_of(k, number, v).begin();
  }
  template <class Way, class T>
  static void first_state(const Call<T>& k, int number, const View<Way, T>& v) {
    const LayerSpec& l = k.layer(number);
    T* state = v.state(0);
    if (l.start >= 0) {
      const View<Way, T> from(k, l.start);
      const T* last = from.after(from.T_ - 1);
      for (int64_t i = 0; i < v.state_step; ++i) state[i] = last[i];
      return;
    }
    clear(state, v.state_step);
    if (!k.c.initial) return;
    const T* given = k.c.initial + k.plan.slots[number].initial * k.c.B;
    for (int64_t i = 0; i < C::states; ++i)
      for (int lane = 0; lane < k.c.n; ++lane)
        for (int64_t unit = 0; unit < v.H; ++unit)
          state[i * v.row + unit * Way::columns + lane] = given[(i * k.c.B + k.c.first + lane) * v.H + unit];
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const View<Way, T> v(k, number);
    const bool common = !Way::units && common_input(k.net, k.layer(number));
    const T* const weights = k.weights(k.network.theta, number);
    Masks<Way, T> of_layer, *masks = nullptr;
    if (v.masked) of_layer = masks_of(k, number, v), masks = &of_layer;
    for (int64_t i = from; i < to; ++i) {
      const Turn turn{i % 2 != 0};
      const T* biases = v.forward;
      Operands<T> x = v.operands(i);
      if (common) {
        if ((i - from) % width<T> == 0)
          begin_steps<C>(v, weights, weights + b_of(v.I, v.H), i, smaller(i + width<T>, to));
        biases = v.begun + (i - from) % width<T> * C::rows * v.H;
        x = {nullptr, 0, x.b, v.H, v.I};
      }
      const T* const before = x.b;
      T* made = v.after(i);
      if (masks) x.b = masks->hidden_of(i, before);
      if (masks && masks->keep) made = masks->made_at(i);
      if (k.plan.use.backward) step<Way, true>(v, i, turn, biases, x, before, made);
      else step<Way, false>(v, i, turn, biases, x, before, made);
      if (masks) masks->mix(i, v.time(i), before, v.after(i));
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class T>
  static int parts(const Call<T>& k, int number) {
    if (is_masked(k.layer(number), k.plan.use)) return 1;
    return int(units_blocks<CellFeed<C>>(padded<T>(hidden(k.net, k.layer(number))) / width<T>));
  }
  template <class T>
  static void share(const Call<T>& k, int number, int64_t i, int part, int parts) {
    const View<UnitsInLanes<T>, T> v(k, number);
    if (v.masked) {  // in one part
      forward<UnitsInLanes<T>>(k, number, i, i + 1);
      return;
    }
    step<UnitsInLanes<T>, false>(v, i, Turn{i % 2 != 0, part, parts}, v.forward, v.operands(i), v.before(i),
                                 v.after(i));
  }

  // Every gate and state of every step, out of the tape.
  template <class T>
  static void activity(const Call<T>& k, int number) {
    using Way = WindowsInLanes<T>;
    const View<Way, T> v(k, number);
    T* const values = k.c.activity + k.plan.slots[number].activity * k.c.B;
    const auto put = [&](int which, int64_t i, const T* from) {
      for (int lane = 0; lane < k.c.n; ++lane) {
        T* to = values + ((which * k.c.B + k.c.first + lane) * v.T_ + v.time(i)) * v.H;
        for (int64_t unit = 0; unit < v.H; ++unit) to[unit] = from[unit * lanes<T> + lane];
      }
    };
    for (int64_t i = 0; i < v.T_; ++i) {
      for (int g = 0; g < C::gates; ++g) put(g, i, v.tape(i) + C::gate[g] * v.row);
      for (int s = 0; s < C::states; ++s) put(C::gates + s, i, v.after(i) + s * v.row);
    }
  }

  // ---- backward --------------------------------------------------------------------------------------------

  // The cell's gradients from that of its h; a row of a state, of the tape or of the carry is `row` long. The gradients
  // of the pre-activations go over the tape's rows, the carry becomes that of the step before. `p` are a cell's vectors
  // and where their gradients go, or nothing.
  template <class V, class T, class... P>
  static INLINE void cell_backward(V dh, const T* prev, const T* next, T* tape, T* carry, int64_t row, P... p) {
    V kept[C::taped + 1], before[C::states], after[C::states], dafter[C::states], dbefore[C::states], da[C::rows];
    UNROLL
    for (int i = 0; i < C::taped; ++i) kept[i] = load_as<V>(tape + i * row);
    UNROLL
    for (int i = 0; i < C::states; ++i) {
      before[i] = load_as<V>(prev + i * row);
      after[i] = load_as<V>(next + i * row);
      dafter[i] = i == 0 ? dh : load_as<V>(carry + i * row);
    }
    C::backward(kept, before, after, dafter, da, dbefore, p...);
    UNROLL
    for (int i = 0; i < C::rows; ++i) store(tape + i * row, da[i]);
    UNROLL
    for (int i = 0; i < C::states; ++i) store(carry + i * row, dbefore[i]);
  }

  // da of the step that goes on from step i, to be multiplied by R; empty where there is none.
  template <class Way, class T>
  static INLINE Operands<T> later(const View<Way, T>& v, int64_t i) {
    const int64_t K = i + v.dilation < v.T_ && !v.restart ? state_rows<C> * Way::room(v.H) : 0;
    return {v.tape(i + v.dilation) + C::state[0] * v.row, K, nullptr, 0};
  }

  // dh after step i, to finish: the carry, what comes from above, and R da of the step that goes on from it. Or all of
  // it is `ready` in the carry.
  template <class Way, class T, class Finish>
  static INLINE void state_gradient(const View<Way, T>& v, int64_t i, const T* above, bool ready, Finish finish) {
    Operands<T> da = later(v, i);
    if (ready) da.K_a = 0;
    Way::template multiply_from<Plain>(v.carry(i), above, v.R_T, da, v.H, Turn{i % 2 != 0}, finish);
  }

  template <class Way, class T>
  static void step_backward(const View<Way, T>& v, int64_t i, const T* above, bool ready, const T* next) {
    T *tape = v.tape(i), *carry = v.carry(i);
    const T* prev = v.before(i);
    const int64_t row = v.row;
    if constexpr (vectors > 0) {
      const int64_t H = v.H;
      const T* const p = v.p();
      T* const p_sums = v.p_sums();
      state_gradient(v, i, above, ready, [=](int64_t unit, auto dh) INLINE_LAMBDA {
        using V = typename decltype(dh)::V;
        const int64_t at = unit * Way::columns;
        const OfUnits<Way, decltype(dh)> read{p + unit, row / Way::columns};
        V own[vectors], d[vectors];
        UNROLL
        for (int j = 0; j < vectors; ++j) own[j] = read[j];
        cell_backward(dh[0], prev + at, next + at, tape + at, carry + at, row, static_cast<const V*>(own),
                      static_cast<V*>(d));
        UNROLL
        for (int j = 0; j < vectors; ++j) Way::sum_up_units(p_sums, H, j, unit, d[j]);
      });
    } else {
      state_gradient(v, i, above, ready, [=](int64_t unit, auto dh) INLINE_LAMBDA {
        const int64_t at = unit * Way::columns;
        cell_backward(dh[0], prev + at, next + at, tape + at, carry + at, row);
      });
    }
  }

  // The squares of that dh. step_backward hands dh to the cell in registers, so it is computed again here: a call that
  // asks for the flow pays for one more product, every other call pays nothing.
  template <class T>
  static __attribute__((noinline)) double squares(const View<WindowsInLanes<T>, T>& v, int64_t i, const T* above) {
    T* const dh = v.scratch;
    state_gradient(v, i, above, false, [=](int64_t unit, auto a) INLINE_LAMBDA { store(dh + unit * lanes<T>, a[0]); });
    return norm2(dh, v.row, 0);
  }

  // dW, dR += da (x, h) over the steps [i, end), where h is what R has read, and the sums of the biases.
  template <class Way, class T>
  static void weight_gradients(const View<Way, T>& v, T* dW, int64_t i, int64_t end, const T* h, int64_t h_step) {
    const int64_t n = end - i, x_step = v.x.pitch * (v.reverse ? -1 : 1);
    const T *da = v.tape(i), *x = v.input(i);
    Way::sum_up(v.sums, C::rows, C::input[0], C::input[1], v.I, v.H, da, v.tape_step, x, x_step, n);
    if (!Way::few(C::rows, v.I, v.H))
      Way::outer_sum(dW, v.I, input_rows<C>, v.H, v.I, da + C::input[0] * v.row, v.tape_step, x, x_step, n,
                     v.transposed);
    if constexpr (state_rows<C> > 0)
      Way::outer_sum(dW + R_of(v.I, v.H), v.H, state_rows<C>, v.H, v.H, da + C::state[0] * v.row, v.tape_step,
                     h, h_step, n, v.transposed);
  }

  // Adds what reaches the state before step i, past the rows and through R, to that of the initial states.
  template <class Way, class T>
  static void into_first(const View<Way, T>& v, const Masks<Way, T>* masks, int64_t i) {
    T *first = v.first, *carry = v.carry(i);
    for (int64_t j = 0; j < v.state_step; ++j) first[j] += carry[j];
    const Operands<T> da{v.tape(i) + C::state[0] * v.row, state_rows<C> * Way::room(v.H), nullptr, 0};
    if (masks && masks->hide) return Masked<Recurrent>::through_hidden(v, *masks, da, first);
    const T* none = nullptr;
    Way::template multiply_from<Plain>(first, none, v.R_T, da, v.H, Turn{}, [=](int64_t unit, auto a) INLINE_LAMBDA {
      store(first + unit * Way::columns, a[0]);
    });
  }

  // dx of the steps [i, end), where the layer that makes x looks for it.
  template <class Way, class T>
  static bool inputs_backward(const Call<T>& k, const View<Way, T>& v, const Gradient<T>& dx, int64_t i, int64_t end) {
    if (!dx.wanted()) return true;
    T* const out = v.scratch;  // it may lie over the gradients that it is made of
    for (; i < end; ++i) {
      const Operands<T> da{v.tape(i) + C::input[0] * v.row, input_rows<C> * Way::room(v.H), nullptr, 0};
      T *to = dx.at(v.time(i)), *from = dx.adds ? to : nullptr;
      const T* none = nullptr;
      Way::template multiply_from<Plain>(from, none, v.W_T, da, v.I, Turn{i % 2 != 0},
                                         [=](int64_t unit, auto a)
                                             INLINE_LAMBDA { store(out + unit * Way::columns, a[0]); });
      for (int64_t j = 0; j < v.I * Way::columns; ++j) to[j] = out[j];
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    const Gradient<T> dh = k.gradient(l.out), dx = k.gradient(l.in[0]);
    Masks<Way, T> of_layer, *masks = nullptr;
    if (v.masked) of_layer = masks_of(k, number, v), masks = &of_layer;
    T *const dW = k.weights(k.c.gradient, number), *const last = v.carry(v.T_ - 1);
    clear(v.carries, v.dilation * v.state_step);
    clear(v.first, v.state_step);
    clear(v.sums, all_sums<Way>(v.I, v.H));
    for (int later = number + 1; later < k.net.n_layers; ++later)
      if (k.layer(later).start == number) {
        const View<Way, T> from(k, later);
        for (int64_t j = 0; j < v.state_step; ++j) last[j] += from.first[j];
      }
    for (int64_t i = v.T_ - 1; i >= 0; --i) {
      const T* above = dh.at_or_null(v.time(i));
      if constexpr (!Way::units)
        if (k.c.flow) k.c.flow[k.plan.slots[number].flow + v.time(i)] += squares(v, i, above);
      if (masks) Masked<Recurrent>::step_backward(v, *masks, i, above);
      else step_backward(v, i, above, false, v.after(i));
      if (i % Way::segment(v.T_) == 0) {
        const int64_t end = i + Way::segment(v.T_);
        const bool hides = masks && masks->hide;
        weight_gradients(v, dW, i, smaller(end, v.T_), hides ? masks->hidden_at(i) : v.before(i),
                         hides ? masks->hidden_step : v.restart ? 0 : v.state_step);
        // While the gradients are in cache. Steps before i still read those of the `dilation` steps from i on.
        if (!inputs_backward(k, v, dx, i + v.dilation, smaller(end + v.dilation, v.T_))) return false;
      }
      if (v.restart) into_first(v, masks, i), clear(v.carry(i), v.state_step);
      if (k.stopped()) return false;
    }
    Way::add_sums(v.sums, C::rows, C::input[0], C::input[1], v.I, v.H, dW + b_of(v.I, v.H), dW);
    if constexpr (vectors > 0) Way::add_unit_sums(v.p_sums(), vectors, v.H, dW + p_of(v.I, v.H));
    const bool wanted = !v.restart && (l.start >= 0 || k.c.dinitial);
    for (int64_t i = 0; wanted && i < v.dilation; ++i) into_first(v, masks, i);  // of each chain
    if (l.start < 0 && k.c.dinitial) {
      T* to = k.c.dinitial + k.plan.slots[number].initial * k.c.B;
      for (int64_t i = 0; i < C::states; ++i) k.put_rows(v.first + i * v.row, v.H, to + i * k.c.B * v.H);
    }
    return inputs_backward(k, v, dx, 0, v.dilation);
  }
};

}  // namespace forecast::FORECAST_ISA
