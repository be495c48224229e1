// A recurrent layer: any cell, over the steps in either direction. Its arrays are in cell_view.h; the code that depends
// on the cell's formulas is in cell_step.h.
//
// The output at a step is the h after it. It is in the chunk's arena, like the tape.
#pragma once

#include "cell_step.h"

namespace forecast::FORECAST_ISA {

struct Recurrent : Weightless {
  template <class Way, class T>
  using View = CellView<Way, T>;
  template <class Way, class T>
  static const CellSteps<Way, T>& code(const Call<T>& k, int number) {
    return cell_steps<Way, T>[k.layer(number).kind];
  }

  // ---- sizes and places ------------------------------------------------------------------------------------

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    const Cell& cell = cell_of(l);
    const int64_t T_ = steps_of(p.net, l), H = hidden_of(p.net, l), kept = p.plan.slots[number].places;
    p.plan.slots[number].memory = p.arena.used;
    const CellMemory<Way, T> m(p.net, l, p.plan.use, kept, p.arena);
    Place& out = p.place(l.out);
    out.x = m.states, out.pitch = m.state_step, out.shift = l.dilation;
    if (kept < T_ + l.dilation) out.mask = kept - 1;
    if (l.reverse) out.x += (T_ - 1 + l.dilation) * m.state_step, out.pitch = -m.state_step, out.shift = 0;
    // The gradient of the input overwrites a row of the tape, unless another layer adds to it. If the input does not
    // feed the last row, that one is used: the gradient is not computed from it, so no copy is needed.
    const int64_t oldest = m.tape + (cell.input[1] < cell.rows ? cell.rows - 1 : 0) * m.row;
    const int64_t newest = oldest + (T_ - 1) * m.tape_step;
    const bool looped = p.net.loop >= 0 && number > p.net.loop;  // each step's is read before the previous step is done
    if (p.plan.use.backward && inputs_of(p.net, l) <= H && !looped)
      p.lend(l.in[0], l.reverse ? newest : oldest, l.reverse ? -m.tape_step : m.tape_step);
    Slot& slot = p.plan.slots[number];
    if (l.start < 0) slot.initial = p.count(p.plan.initial, cell.states * H);
    slot.flow = p.count(p.plan.flow, T_);
    slot.activity = p.count(p.plan.activity, (cell.gates + cell.states) * T_ * H);
    ++p.plan.n_recurrent;
  }

  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    const Cell& cell = cell_of(l);
    const int64_t I = inputs_of(net, l), H = hidden_of(net, l);
    for (int row = cell.input[0]; row < cell.input[1]; ++row) put('W', row, H, I);
    for (int row = cell.state[0]; row < cell.state[1]; ++row) put('R', row, H, H);
    for (int row = 0; row < cell.rows; ++row) put('b', row, H, 0);
    for (int i = 0; i < cell.vectors; ++i) put('p', i, H, 0);
    for (int i = 0; decays(l) && i < 2; ++i) put('d', i, H, 0);
  }

  template <class Way, class T>
  static int64_t pack_size(const NetworkSpec& net, const LayerSpec& l, bool backward) {
    const Cell& cell = cell_of(l);
    const int64_t I = inputs_of(net, l), H = hidden_of(net, l), row = Way::room(H);
    if (!backward) return product_pack<Way>(cell, I, H) + cell.vectors * row;
    return Way::transposed_size(H, cell.state_rows() * row) + Way::transposed_size(I, cell.input_rows() * row);
  }

  template <class Way, class T>
  static void pack(const NetworkSpec& net, const LayerSpec& l, bool backward, const T* W, T* to) {
    const Cell& cell = cell_of(l);
    const int64_t I = inputs_of(net, l), H = hidden_of(net, l), row = Way::room(H);
    if (!backward) return cell_steps<Way, T>[l.kind].pack(cell, I, H, W, to);
    const auto transposed = [=](const T* M, int64_t n) {  // M is [row][H][n], read in rows of `row`
      return [=](int64_t unit, int64_t k) {
        if constexpr (Way::units) return k % row < H ? M[(k / row * H + k % row) * n + unit] : T(0);
        else return M[k * n + unit];
      };
    };
    Way::pack_transposed(to, H, cell.state_rows() * row, transposed(W + cell.R_of(I, H), H));
    to += Way::transposed_size(H, cell.state_rows() * row);
    Way::pack_transposed(to, I, cell.input_rows() * row, transposed(W, I));
  }

  // ---- forward ---------------------------------------------------------------------------------------------

  // The initial states of all chains: those given, the last states of another layer, or zeros.
  template <class Way, class T>
  static void begin(const Call<T>& k, int number) {
    const View<Way, T> v(k, number);
    first_state(k, number, v);
    for (int64_t chain = 1; chain < v.dilation; ++chain)
      for (int64_t i = 0; i < v.state_step; ++i) v.state(chain)[i] = v.state(0)[i];
    if (v.masked) v.masks(k, k.layer(number)).begin();
    if (v.restart) clear(v.zeros, v.cell.rows * v.row / Way::columns);
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
    for (int64_t i = 0; i < v.cell.states; ++i)
      for (int lane = 0; lane < k.c.n; ++lane)
        for (int64_t unit = 0; unit < v.H; ++unit)
          state[i * v.row + unit * Way::columns + lane] = given[(i * k.c.B + k.c.first + lane) * v.H + unit];
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const View<Way, T> v(k, number);
    Masks<Way, T> masks;
    if (v.masked) masks = v.masks(k, k.layer(number));
    return code<Way>(k, number).forward(k, v, v.masked ? &masks : nullptr, {from, to});
  }

  template <class T>
  static int parts(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    if (is_masked(l, k.plan.use) || decays(l)) return 1;
    return int(units_blocks(cell_of(l).rows, padded<T>(hidden_of(k.net, l)) / width<T>));
  }
  template <class T>
  static void share(const Call<T>& k, int number, int64_t i, int part, int parts) {
    using Way = UnitsInLanes<T>;
    const View<Way, T> v(k, number);
    if (v.masked || v.decay.on()) {  // in one part
      forward<Way>(k, number, i, i + 1);
      return;
    }
    code<Way>(k, number).forward(k, v, nullptr, {i, i + 1, part, parts});
  }

  // Reads every gate and state of every step from the tape.
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
      for (int g = 0; g < v.cell.gates; ++g) put(g, i, v.tape(i) + v.cell.gate[g] * v.row);
      for (int s = 0; s < v.cell.states; ++s) put(v.cell.gates + s, i, v.after(i) + s * v.row);
    }
  }

  // Stores the states after the last step, where `begin` of the next call finds its initial states.
  template <class Way, class T>
  static void hand_on(const Call<T>& k, int number) {
    if (k.layer(number).start >= 0) return;
    const View<Way, T> v(k, number);
    const T* last = v.after(v.T_ - 1);
    T* to = k.c.final + k.plan.slots[number].initial * k.c.B;
    for (int64_t i = 0; i < v.cell.states; ++i)
      for (int lane = 0; lane < k.c.n; ++lane)
        for (int64_t unit = 0; unit < v.H; ++unit)
          to[(i * k.c.B + k.c.first + lane) * v.H + unit] = last[i * v.row + unit * Way::columns + lane];
  }

  // ---- backward --------------------------------------------------------------------------------------------

  // The squares of dh after step i. A backward step passes dh to the cell in registers, so it is computed again here.
  // Only calls that request the flow pay for this extra product.
  template <class T>
  static __attribute__((noinline)) double squares(const View<WindowsInLanes<T>, T>& v, int64_t i, const T* above) {
    T* const dh = v.scratch;
    v.state_gradient(i, above, false, [=](int64_t unit, auto a) INLINE_LAMBDA { store(dh + unit * lanes<T>, a[0]); });
    return norm2(dh, v.row, 0);
  }

  // dW, dR += da (x, h) over the steps [i, end), where h is what R has read, and the bias gradients. If the layer
  // restarts at every step, dR comes at the end.
  template <class Way, class T>
  static void weight_gradients(const View<Way, T>& v, T* dW, int64_t i, int64_t end, const T* h, int64_t h_step) {
    const Cell& cell = v.cell;
    const int64_t n = end - i, x_step = v.x.pitch * (v.reverse ? -1 : 1);
    const T *da = v.tape(i), *x = v.input(i);
    Way::sum_up(v.sums, cell.rows, cell.input[0], cell.input[1], v.I, v.H, da, v.tape_step, x, x_step, n);
    if (!Way::few(cell.rows, v.I, v.H))
      Way::outer_sum(dW, v.I, cell.input_rows(), v.H, v.I, da + cell.input[0] * v.row, v.tape_step, x, x_step, n,
                     v.transposed);
    const int64_t resting = i < v.resting ? smaller(v.resting - i, n) : 0;  // h = 0
    if (cell.state_rows() && !v.restart && resting < n)
      Way::outer_sum(dW + cell.R_of(v.I, v.H), v.H, cell.state_rows(), v.H, v.H,
                     da + resting * v.tape_step + cell.state[0] * v.row, v.tape_step, h + resting * h_step, h_step,
                     n - resting, v.transposed);
  }

  // Adds the gradient of the state before step i, from outside the rows and through R, to that of the initial states.
  template <class Way, class T>
  static void into_first(const View<Way, T>& v, const Masks<Way, T>* masks, int64_t i) {
    T *first = v.first, *carry = v.carry(i);
    for (int64_t j = 0; j < v.state_step; ++j) first[j] += carry[j];
    if (!v.decay.on()) through_state(v, masks, v.tape(i) + v.cell.state[0] * v.row, first);
  }
  // Adds R d to a gradient of the states.
  template <class Way, class T>
  static void through_state(const View<Way, T>& v, const Masks<Way, T>* masks, const T* d, T* to) {
    const Operands<T> da{d, v.cell.state_rows() * Way::room(v.H), nullptr, 0};
    if (masks && masks->hide) return through_hidden(v, *masks, da, to);
    const T* none = nullptr;
    Way::template multiply_from<Plain>(to, none, v.R_T, da, v.H, Turn{}, [=](int64_t unit, auto a) INLINE_LAMBDA {
      store(to + unit * Way::columns, a[0]);
    });
  }

  // Passes the complete carry of step i through the decay before the step.
  template <class Way, class T>
  static void through_decay(const Call<T>& k, const View<Way, T>& v, int number, const Masks<Way, T>* masks, int64_t i) {
    through_state(v, masks, v.tape(i) + v.cell.state[0] * v.row, v.carry(i));
    v.decay.backward(i, v.state(i), v.carry(i), k.gradient(k.layer(number).in[1]));
  }

  // For a layer that restarts: adds the part of the gradient before step i that bypasses the rows to that of the
  // initial states, and sums da over the steps.
  template <class Way, class T>
  static void leave_to_first(const View<Way, T>& v, int64_t i) {
    T *const first = v.first, *const carry = v.carry(i), *const sum = v.shared;
    add_in_place(first, carry, v.state_step);
    clear(carry, v.state_step);
    add_in_place(sum, v.tape(i) + v.cell.state[0] * v.row, v.cell.state_rows() * v.row);
  }
  // At the end: the part through R, and dR.
  template <class Way, class T>
  static void shared_gradients(const View<Way, T>& v, T* dR) {
    if (!v.cell.state_rows()) return;
    Way::outer_sum(dR, v.H, v.cell.state_rows(), v.H, v.H, v.shared, 0, v.before(0), 0, 1, v.transposed);
    through_state(v, static_cast<const Masks<Way, T>*>(nullptr), static_cast<const T*>(v.shared), v.first);
  }

  // dx of the steps [i, end), where the layer that computes x reads it.
  template <class Way, class T>
  static bool inputs_backward(const Call<T>& k, const View<Way, T>& v, const Gradient<T>& dx, int64_t i, int64_t end) {
    if (!dx.wanted()) return true;
    for (; i < end; ++i) {
      const Operands<T> da{v.tape(i) + v.cell.input[0] * v.row, v.cell.input_rows() * Way::room(v.H), nullptr, 0};
      T *const to = dx.at(v.time(i)), *const from = dx.adds ? to : nullptr;
      const bool over = to < da.a + da.K_a * Way::columns && da.a < to + v.I * Way::columns;  // overlaps its operands
      T* const out = Way::units || over ? v.scratch : to;
      const T* none = nullptr;
      Way::template multiply_from<Plain>(from, none, v.W_T, da, v.I, Turn{i % 2 != 0},
                                         [=](int64_t unit, auto a)
                                             INLINE_LAMBDA { store(out + unit * Way::columns, a[0]); });
      for (int64_t j = 0; out != to && j < v.I * Way::columns; ++j) to[j] = out[j];
      if (k.stopped()) return false;
    }
    return true;
  }

  template <class Way, class T>
  static void begin_backward(const Call<T>& k, const View<Way, T>& v, int number) {
    T* const last = v.carry(v.T_ - 1);
    clear(v.carries, v.dilation * v.state_step), clear(v.first, v.state_step);
    clear(v.sums, all_sums<Way>(v.cell, v.I, v.H));
    if (v.decay.on()) clear(v.decay.sums, Way::unit_sums(2, v.H));
    if (v.restart) clear(v.shared, v.cell.state_rows() * v.row);
    for (int later = number + 1; later < k.net.n_layers; ++later)
      if (k.layer(later).start == number) {
        const View<Way, T> from(k, later);
        for (int64_t j = 0; j < v.state_step; ++j) last[j] += from.first[j];
      }
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return steps_backward<Way>(k, number, 0, steps_of(k.net, k.layer(number)), false);
  }
  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    return steps_backward<Way>(k, number, s, s + 1, true);
  }

  // The steps [from, to), last step first. In a loop, dx of a step is read before the previous step runs.
  template <class Way, class T>
  static bool steps_backward(const Call<T>& k, int number, int64_t from, int64_t to, bool looped) {
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    const auto step = code<Way>(k, number).backward;
    const Gradient<T> dh = k.gradient(l.out), dx = k.gradient(l.in[0]);
    Masks<Way, T> of_layer, *masks = nullptr;
    if (v.masked) of_layer = v.masks(k, l), masks = &of_layer;
    T* const dW = k.weights(k.c.gradient, number);
    if (to == v.T_) begin_backward(k, v, number);
    for (int64_t i = to - 1; i >= from; --i) {
      const T* above = dh.at_or_null(v.time(i));
      if constexpr (!Way::units)
        if (k.c.flow) k.c.flow[k.plan.slots[number].flow + v.time(i)] += squares(v, i, above);
      if (masks) masked_backward(step, v, *masks, i, above);
      else step(v, i, above, false, v.after(i));
      if (v.decay.on()) through_decay(k, v, number, masks, i);
      if (v.restart) leave_to_first(v, i);
      if (v.common && !Way::units) {
        if (i % width<T> == 0) steps_gradients(v, dx, dW, i, smaller(i + width<T>, v.T_));
      } else if (i % Way::segment(v.T_) == 0) {
        const int64_t end = i + Way::segment(v.T_);
        const bool hides = masks && masks->hide;
        weight_gradients(v, dW, i, smaller(end, v.T_), hides ? masks->hidden_at(i) : v.before(i),
                         hides ? masks->hidden_step : v.state_step);
        // Here the gradients are still in cache. Earlier steps still read those of the `dilation` steps from i on.
        if (!looped && !inputs_backward(k, v, dx, i + v.dilation, smaller(end + v.dilation, v.T_))) return false;
      }
      if (looped && !inputs_backward(k, v, dx, i, i + 1)) return false;
      if (k.stopped()) return false;
    }
    if (from > 0) return true;
    const Cell& cell = v.cell;
    if (v.restart) shared_gradients(v, dW + cell.R_of(v.I, v.H));
    Way::add_sums(v.sums, cell.rows, cell.input[0], cell.input[1], v.I, v.H, dW + cell.b_of(v.I, v.H), dW);
    if (cell.vectors) Way::add_unit_sums(v.p_sums(), cell.vectors, v.H, dW + cell.p_of(v.I, v.H));
    if (v.decay.on())
      Way::add_unit_sums(v.decay.sums, 2, v.H, dW + cell.p_of(v.I, v.H) + cell.vectors * v.H);
    const bool wanted = !v.restart && (l.start >= 0 || k.c.dinitial);
    for (int64_t i = 0; wanted && i < v.dilation; ++i) into_first(v, masks, i);  // of each chain
    if (l.start < 0 && k.c.dinitial) {
      T* to = k.c.dinitial + k.plan.slots[number].initial * k.c.B;
      for (int64_t i = 0; i < cell.states; ++i) k.put_rows(v.first + i * v.row, v.H, to + i * k.c.B * v.H);
    }
    return looped || (v.common && !Way::units) || inputs_backward(k, v, dx, 0, v.dilation);
  }

  // ---- backward with masks ---------------------------------------------------------------------------------

  // Adds m R da to `to`, because R has read m h.
  template <class Way, class T>
  static void through_hidden(const View<Way, T>& v, const Masks<Way, T>& masks, const Operands<T>& da, T* to) {
    T *const scratch = v.scratch, *none = nullptr;
    Way::template multiply_from<Plain>(
        none, static_cast<const T*>(none), v.R_T, da, v.H, Turn{},
        [=](int64_t unit, auto a) INLINE_LAMBDA { store(scratch + unit * Way::columns, a[0]); });
    for (int64_t j = 0; j < masks.units(); ++j) to[j] += scratch[j] * masks.hide[j];
  }

  // Completes dh in the carry; the part that a unit keeps bypasses the cell.
  template <class Way, class T>
  static void masked_backward(decltype(CellSteps<Way, T>::backward) step, const View<Way, T>& v,
                              const Masks<Way, T>& masks, int64_t i, const T* above) {
    T* const carry = v.carry(i);
    if (masks.hide) {
      for (int64_t j = 0; above && j < masks.units(); ++j) carry[j] += above[j];
      through_hidden(v, masks, v.later(i), carry);
    } else {
      v.state_gradient(i, above, false,
                       [=](int64_t unit, auto a) INLINE_LAMBDA { store(carry + unit * Way::columns, a[0]); });
    }
    if (masks.keep) masks.part(v.time(i), carry);
    step(v, i, nullptr, true, masks.keep ? masks.made_at(i) : v.after(i));
    if (masks.keep) masks.join(carry);
  }
};

}  // namespace forecast::FORECAST_ISA
