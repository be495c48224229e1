// What a recurrent layer knows about its cell at run time, and where its arrays are. All cells share this code.
//
//   states[i]  [state][H][column], h first, in order of computation: D initial states, then those of step i at i + D
//   tape[i]    [row or kept value][H][column]; forward stores what the cell's backward needs; backward overwrites the
//              rows with the gradients da and, once all weight gradients are done, one of them with dx
//
// With a dilation D (Chang et al. 2017), a step continues from the states D steps earlier. So D chains of steps
// interleave, each starting from the initial states; backward, each has its own carry.
//
// A cell's vectors follow its biases in theta (kind p) and the weights in its forward pack, where forward and backward
// read them in both ways. The sums of their gradients follow those of the biases.
#pragma once

#include "../cell/registry.h"
#include "decay.h"
#include "masks.h"
#include "shared.h"

namespace forecast::FORECAST_ISA {

template <class C>
using CellFeed = Feed<C::rows, C::input[0], C::input[1], C::state[0], C::state[1]>;

struct Cell {
  int rows, states, taped, kept, gates, vectors;
  int input[2], state[2];
  const int* gate;
  Shape feed;

  int input_rows() const { return input[1] - input[0]; }
  int state_rows() const { return state[1] - state[0]; }
  int tape_rows() const { return rows + kept; }
  // Offsets of R, b and p behind W.
  int64_t R_of(int64_t I, int64_t H) const { return input_rows() * H * I; }
  int64_t b_of(int64_t I, int64_t H) const { return R_of(I, H) + state_rows() * H * H; }
  int64_t p_of(int64_t I, int64_t H) const { return b_of(I, H) + rows * H; }
};
constexpr Cell cells[] = {
#define FORECAST_CELL(name, C)                                                                                    \
  {C::rows, C::states, C::taped, C::kept, C::gates, vectors_of<C>, {C::input[0], C::input[1]}, {C::state[0],      \
   C::state[1]}, C::gate, shape_of<CellFeed<C>>},
    FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
};
inline const Cell& cell_of(const LayerSpec& l) { return cells[l.kind]; }

// Sizes of the arrays in front of the vectors.
template <class Way>
int64_t product_pack(const Cell& cell, int64_t I, int64_t H) {
  return Way::pack_size(cell.feed, H, I, H);
}
template <class Way>
int64_t all_sums(const Cell& cell, int64_t I, int64_t H) {
  return Way::sums(cell.rows, I, H) + (cell.vectors ? Way::unit_sums(cell.vectors, H) : 0);
}

inline int64_t inputs_of(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.in[0]].width; }
inline int64_t hidden_of(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].width; }
inline int64_t steps_of(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].steps; }

// Its arrays. Without backward, few states are kept, unless a layer reads the others.
template <class Way, class T>
struct CellMemory {
  int64_t row, tape_step, state_step;
  int64_t states, tape = 0, carry = 0, first = 0, sums = 0, scratch = 0, transposed = 0;
  MaskMemory masks;
  DecayMemory decay;
  SharedMemory<T> own;

  CellMemory(const NetworkSpec& net, const LayerSpec& l, Use use, int64_t places, Cursor& arena) {
    const Cell& cell = cell_of(l);
    const int64_t I = inputs_of(net, l), H = hidden_of(net, l), T_ = steps_of(net, l), widest = H > I ? H : I;
    row = Way::room(H) * Way::columns, state_step = cell.states * row;
    // Without backward, all steps share one tape: as fast as a second copy of the code that has no tape.
    tape_step = use.backward ? cell.tape_rows() * row : 0;
    tape = arena.take((use.backward ? T_ : 1) * cell.tape_rows() * row);
    states = arena.take(places * state_step);
    own = SharedMemory<T>(Way::units, restarts(net, l), common_input(net, l), cell.rows, I, H, row, arena);
    masks = MaskMemory(l, use, row, state_step, T_, arena);
    decay = DecayMemory(l, use, row, Way::unit_sums(2, H), T_, arena);
    if (!use.backward) return;
    carry = arena.take(l.dilation * state_step), first = arena.take(state_step);
    sums = arena.take(all_sums<Way>(cell, I, H));
    scratch = arena.take(Way::room(widest) * Way::columns);
    transposed = arena.take(Way::scratch(widest, Way::segment(T_)));
  }
};

// What every step needs, looked up once per run of steps.
template <class Way, class T>
struct CellView {
  using Number = T;
  static constexpr int columns = Way::columns;
  const Cell& cell;
  int64_t I, H, T_, row, tape_step, state_step, mask, dilation;
  int64_t resting;                        // number of leading steps that continue from h = 0
  bool reverse, restart, common, masked;  // common: all windows share one input
  Track<T> x;
  T *states, *shared, *zeros, *begun, *tapes, *carries, *first, *sums, *scratch, *transposed;
  const T *weights, *forward, *R_T, *W_T;
  MaskMemory of_masks;
  Decay<Way, T> decay;

  CellView(const Call<T>& k, int number) : cell(cell_of(k.layer(number))) {
    const LayerSpec& l = k.layer(number);
    const Slot& slot = k.plan.slots[number];
    I = inputs_of(k.net, l), H = hidden_of(k.net, l), T_ = steps_of(k.net, l), mask = k.plan.places[l.out].mask;
    Cursor arena{slot.memory};
    const CellMemory<Way, T> m(k.net, l, k.plan.use, slot.places, arena);
    dilation = l.dilation, masked = is_masked(l, k.plan.use), of_masks = m.masks;
    row = m.row, tape_step = m.tape_step, state_step = m.state_step, reverse = l.reverse;
    restart = restarts(k.net, l), common = common_input(k.net, l);
    resting = l.start < 0 && !k.c.initial ? dilation : 0;
    T* const block = k.c.arena;
    states = block + m.states, shared = block + m.own.shared, zeros = block + m.own.zeros, begun = block + m.own.begun;
    tapes = block + m.tape, carries = block + m.carry, first = block + m.first;
    sums = block + m.sums, scratch = block + m.scratch, transposed = block + m.transposed;
    x = k.track(l.in[0]);
    if (decays(l)) decay = Decay<Way, T>(k, number, m.decay, H, row, cell.p_of(I, H) + cell.vectors * H);
    weights = k.weights(k.network.theta, number), forward = k.pack(number, Way::forward_pack);
    R_T = k.pack(number, Way::backward_pack);
    W_T = R_T ? R_T + Way::transposed_size(H, cell.state_rows() * Way::room(H)) : nullptr;
  }

  const T* p() const { return forward + product_pack<Way>(cell, I, H); }  // of a cell with vectors, [vector][room]
  T* p_sums() const { return sums + Way::sums(cell.rows, I, H); }
  int64_t time(int64_t i) const { return reverse ? T_ - 1 - i : i; }
  const T* input(int64_t i) const { return x.at(time(i)); }
  T* state(int64_t i) const { return states + (i & mask) * state_step; }
  T* before(int64_t i) const { return decay.on() ? decay.before(i) : state(restart ? 0 : i); }
  T* after(int64_t i) const { return state(i + dilation); }
  T* carry(int64_t i) const { return carries + (dilation == 1 ? 0 : i % dilation * state_step); }
  Operands<T> operands(int64_t i) const { return {input(i), I, before(i), H}; }
  T* tape(int64_t i) const { return tapes + i * tape_step; }
  Masks<Way, T> masks(const Call<T>& k, const LayerSpec& l) const {
    return Masks<Way, T>(k, l, of_masks, H, row, state_step);
  }

  // da of the step that continues from step i, to be multiplied by R; empty if there is no such step, or if a decay has
  // already added it to the carry.
  Operands<T> later(int64_t i) const {
    const int64_t K = i + dilation < T_ && !restart && !decay.on() ? cell.state_rows() * Way::room(H) : 0;
    return {tape(i + dilation) + cell.state[0] * row, K, nullptr, 0};
  }
  // dh after step i, still to be summed: the carry, the gradient from the layer above, and R da of the step that
  // continues from it. With `ready`, the carry already holds the sum.
  template <class Finish>
  INLINE void state_gradient(int64_t i, const T* above, bool ready, Finish finish) const {
    Operands<T> da = later(i);
    if (ready) da.K_a = 0;
    Way::template multiply_from<Plain>(carry(i), above, R_T, da, H, Turn{i % 2 != 0}, finish);
  }
};

}  // namespace forecast::FORECAST_ISA
