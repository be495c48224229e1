// Walks once over the description of a network, for one use of it: where weights, packs, streams, gradients and tapes
// are and how much memory they take. No other code knows these sizes.
#pragma once

#include "../layer/registry.h"

namespace forecast::FORECAST_ISA {

// The interface of a kind of layer, for both ways.
template <class T>
struct Kind {
  bool always;  // false: without dropout its output is a view of its input
  bool table;   // its weights are at the end of theta
  bool whole;   // a step reads all steps of some input
  bool by_code;
  int states;   // of a cell; 0: no cell
  void (*measure[2])(Planner&, int layer);
  int64_t (*pack_size[4])(const NetworkSpec&, const LayerSpec&);
  void (*pack[4])(const NetworkSpec&, const LayerSpec&, const T* theta, T* pack);
  int64_t (*parameters)(const NetworkSpec&, const LayerSpec&);
  int (*fields)(const NetworkSpec&, const LayerSpec&, int layer, int64_t offset, Field*);
  void (*begin[2])(const Call<T>&, int layer);
  bool (*forward[2])(const Call<T>&, int layer, int64_t from, int64_t to);
  bool (*backward[2])(const Call<T>&, int layer);
  bool (*backward_step[2])(const Call<T>&, int layer, int64_t step);  // in a loop; null: it cannot be in one
  int (*parts)(const Call<T>&, int layer);
  void (*share)(const Call<T>&, int layer, int64_t i, int part, int parts);
  void (*activity)(const Call<T>&, int layer);
  void (*hand_on[2])(const Call<T>&, int layer);  // of a cell: its last states; null: it has none that are vectors
};

template <class T, class Way, class L, bool backward>
struct Packs {
  static int64_t size(const NetworkSpec& net, const LayerSpec& l) {
    return L::template pack_size<Way, T>(net, l, backward);
  }
  static void fill(const NetworkSpec& net, const LayerSpec& l, const T* theta, T* pack) {
    L::template pack<Way, T>(net, l, backward, theta, pack);
  }
};

template <class L>
int fields_of(const NetworkSpec& net, const LayerSpec& l, int layer, int64_t offset, Field* out) {
  int count = 0;
  L::fields(net, l, [&](char kind, int row, int64_t n, int64_t m, int64_t k = 0) {
    if (out) out[count] = {layer, kind, row, offset, n, m, k};
    ++count;
    offset += n * (m ? m : 1) * (k ? k : 1);
  });
  return count;
}
template <class L>
int64_t parameters_of(const NetworkSpec& net, const LayerSpec& l) {
  int64_t total = 0;
  L::fields(net, l, [&](char, int, int64_t n, int64_t m, int64_t k = 0) { total += n * (m ? m : 1) * (k ? k : 1); });
  return total;
}

template <class T>
int one_part(const Call<T>&, int) {
  return 1;
}
template <class T, class L>
void whole_step(const Call<T>& k, int layer, int64_t i, int part, int) {
  if (part == 0) L::template forward<UnitsInLanes<T>, T>(k, layer, i, i + 1);
}

template <class L>
concept Feeding = requires { L::feeds; };
template <class L>
concept Attending = requires { L::attends; };
// Whether a kind can be in a loop.
template <class L>
concept Looping =
    requires(const Call<float>& k) { L::template backward_step<WindowsInLanes<float>>(k, 0, int64_t(0)); };

template <class T, class Way, class L>
constexpr auto backward_step_of() -> bool (*)(const Call<T>&, int, int64_t) {
  if constexpr (Looping<L>) return L::template backward_step<Way, T>;
  else return nullptr;
}

template <class T, class L>
constexpr auto activity_of() -> void (*)(const Call<T>&, int) {
  if constexpr (Attending<L>) return L::template activity<T>;
  else return nullptr;
}

template <class T, class L>
constexpr Kind<T> kind_of() {
  using W = WindowsInLanes<T>;
  using U = UnitsInLanes<T>;
  return {L::always,
          L::table,
          Attending<L>,
          L::by_code,
          0,
          {L::template measure<W, T>, L::template measure<U, T>},
          {Packs<T, W, L, false>::size, Packs<T, W, L, true>::size, Packs<T, U, L, false>::size,
           Packs<T, U, L, true>::size},
          {Packs<T, W, L, false>::fill, Packs<T, W, L, true>::fill, Packs<T, U, L, false>::fill,
           Packs<T, U, L, true>::fill},
          parameters_of<L>,
          fields_of<L>,
          {L::template begin<W, T>, L::template begin<U, T>},
          {L::template forward<W, T>, L::template forward<U, T>},
          {L::template backward<W, T>, L::template backward<U, T>},
          {backward_step_of<T, W, L>(), backward_step_of<T, U, L>()},
          one_part<T>,
          whole_step<T, L>,
          activity_of<T, L>(),
          {nullptr, nullptr}};
}
template <class T, class C>
constexpr Kind<T> kind_of_cell() {
  Kind<T> kind = kind_of<T, Recurrent>();
  kind.states = C::states;
  kind.parts = Recurrent::parts<T>, kind.share = Recurrent::share<T>, kind.activity = Recurrent::activity<T>;
  kind.hand_on[0] = Recurrent::hand_on<WindowsInLanes<T>, T>, kind.hand_on[1] = Recurrent::hand_on<UnitsInLanes<T>, T>;
  return kind;
}

template <class T>
constexpr Kind<T> kinds[] = {
#define FORECAST_CELL(name, Cell) kind_of_cell<T, Cell>(),
    FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
#define FORECAST_LAYER(name, L) kind_of<T, L>(),
        FORECAST_LAYERS(FORECAST_LAYER)
#undef FORECAST_LAYER
};

// A tied layer with the kind and sizes of the owner of its weights reads the owner's pack.
inline bool shares_packs(const NetworkSpec& net, const LayerSpec& l) {
  return l.tied >= 0 && net.layers[l.tied].kind == l.kind;
}

// ---- the walk --------------------------------------------------------------------------------------------

constexpr int64_t steps_together = 8;  // steps per dispatch, in a phase of several layers with one window

template <class T>
struct Walk : Planner {
  Walk(const NetworkSpec& n, Use use, Plan& p) : Planner{n, p, use.units ? 1 : lanes<T>, use.units ? width<T> : 0, {}} {
    const Use kept = use;
    Place* places = p.places;
    Slot* slots = p.slots;
    Phase* phases = p.phases;
    p = {};
    p.use = kept, p.places = places, p.slots = slots, p.phases = phases;
    weights();
    views();
    readers();
    if (!use.backward) find_phases();
    memory();
    if (use.backward) gradients();
    resolve();
  }

  const Kind<T>& kind(int layer) const { return kinds<T>[net.layers[layer].kind]; }
  int64_t entries(int stream) const { return net.streams[stream].steps * net.streams[stream].width; }

  void weights() {
    for (int pass = 0; pass < 2; ++pass) {  // the tables come last
      for (int l = 0; l < net.n_layers; ++l) {
        if (pass == 0) plan.slots[l] = {};
        if (kind(l).table == (pass == 1)) own_weights(l);
      }
      if (pass == 0) plan.dense = plan.parameters;
    }
    for (int l = 0; l < net.n_layers; ++l) {
      const LayerSpec& layer = net.layers[l];
      Slot& slot = plan.slots[l];
      for (int which = 0; which < 4; ++which) {
        const int64_t size = kind(l).pack_size[which](net, layer);
        slot.pack[which] =
            shares_packs(net, layer) ? plan.slots[layer.tied].pack[which] : count(plan.packs[which], size);
        if (which == forward_units) plan.read += size;
      }
      slot.skipped = !plan.use.drop && !kind(l).always;
    }
  }

  void own_weights(int number) {
    const LayerSpec& layer = net.layers[number];
    const Slot* tied = layer.tied >= 0 ? &plan.slots[layer.tied] : nullptr;
    Slot& slot = plan.slots[number];
    const int64_t n = tied ? 0 : kind(number).parameters(net, layer);
    slot.theta = tied ? tied->theta : count(plan.parameters, n);
    if (!kind(number).table) return;
    slot.table_row = tied ? tied->table_row : n / layer.rows;
    slot.reads = kind(number).by_code ? net.streams[layer.out].steps : 1;
    slot.table = tied ? tied->table : count(plan.tables, slot.reads);
    slot.table_first = tied ? tied->table_first : count(plan.table_width, slot.reads * slot.table_row);
  }

  // The base of every stream and its entries there; streams of skipped layers are views too.
  void views() {
    for (int s = 0; s < net.n_streams; ++s) {
      const StreamSpec& spec = net.streams[s];
      Place& p = place(s) = {};
      p.mask = -1, p.d = -1, p.link = -1, p.base = s, p.stride = spec.width;
      if (spec.of >= 0) view(p, spec.of, spec.first, spec.pitch);
      for (int l = 0; l < net.n_layers; ++l)
        if (net.layers[l].out == s && plan.slots[l].skipped) view(p, net.layers[l].in[0], 0, spec.width);
    }
  }
  void view(Place& p, int of, int64_t first, int64_t stride) const {
    const Place& parent = place(of);
    const int64_t W = net.streams[of].width;
    p.base = parent.base;
    if (parent.stride == W) p.first = parent.first + first, p.stride = stride;
    else p.first = parent.first + first / W * parent.stride + first % W, p.stride = stride / W * parent.stride;
  }

  template <class Body>
  void each_input(int layer, const Body& body) const {
    const LayerSpec& l = net.layers[layer];
    for (int i = 0; i < l.inputs; ++i) body(l.in[i]);
    if (l.added >= 0) body(l.added);
  }

  // Which layers read which streams, and which gradients are needed.
  void readers() {
    place(net.past).needed = plan.use.inputs;
    if (net.extra >= 0) place(net.extra).needed = plan.use.inputs;
    for (int l = 0; l < net.n_layers; ++l) {
      if (plan.slots[l].skipped) continue;
      Place& out = place(net.layers[l].out);
      out.needed = kind(l).table || kind(l).parameters(net, net.layers[l]) > 0 || l == net.loop;
      each_input(l, [&](int s) {
        const Place& p = place(s);
        Place& base = place(p.base);
        out.needed |= base.needed;
        const int64_t W = net.streams[p.base].width, steps = net.streams[s].steps;
        const int64_t first = p.first / W, last = (p.first + (steps - 1) * p.stride + net.streams[s].width - 1) / W;
        const int64_t end = base.readers && base.d_first + base.d_steps > last ? base.d_first + base.d_steps : last + 1;
        base.d_first = base.readers && base.d_first < first ? base.d_first : first;
        base.d_steps = end - base.d_first;
        // A reader of a part does not change the rest of the gradient.
        const int maker = maker_of(p.base);
        const bool cell = maker >= 0 && kind(maker).states;  // it knows which steps have no gradient
        const bool all = entries(s) == base.d_steps * W && (cell || base.d_steps == net.streams[p.base].steps);
        base.readers += all ? 1 : 2;
      });
    }
    for (int s = 0; s < net.n_streams; ++s)
      if (place(s).readers > 1 && !(maker_of(s) >= 0 && kind(maker_of(s)).states))
        place(s).d_first = 0, place(s).d_steps = net.streams[s].steps;
    Place& out = place(net.out);
    out.d_first = 0, out.d_steps = net.streams[net.out].steps;
  }

  // Neighbouring layers with the same steps in time order form a phase. A layer reads the current step or finished
  // streams.
  void find_phases() {
    for (int l = 0; l < net.n_layers; ++l) {
      if (plan.slots[l].skipped) continue;
      const int64_t steps = net.streams[net.layers[l].out].steps;
      Phase* now = plan.n_phases ? &plan.phases[plan.n_phases - 1] : nullptr;
      const bool looped = net.loop >= 0 && l >= net.loop;
      if (looped ? l > net.loop
                 : now && steps > 1 && now->steps == steps && by_steps(now->first) && by_steps(l) && fits(*now, l))
        now->last = l + 1;
      else plan.phases[plan.n_phases++] = {l, l + 1, steps};
    }
  }
  bool by_steps(int l) const { return !net.layers[l].reverse && !net.layers[l].restart && !kind(l).whole; }
  bool fits(const Phase& phase, int layer) const {
    bool fits = net.layers[layer].start < phase.first;
    each_input(layer, [&](int s) {
      const Place& p = place(s);
      const int maker = maker_of(p.base);
      const bool whole = p.first == 0 && p.stride == net.streams[p.base].width && net.streams[s].steps == phase.steps;
      fits &= maker < phase.first || whole;
    });
    return fits;
  }
  int maker_of(int base) const {
    for (int l = 0; l < net.n_layers; ++l)
      if (net.layers[l].out == base) return l;
    return -1;
  }
  int phase_of(int layer) const {
    int phase = 0;
    while (phase < plan.n_phases && layer >= plan.phases[phase].last) ++phase;
    return phase;
  }

  // States that a recurrent layer keeps: all of them, unless only its phase and the last state read them.
  int64_t places_of(int layer) const {
    const int64_t steps = net.streams[net.layers[layer].out].steps;
    const int64_t initial = net.layers[layer].dilation, all = steps + initial;
    if (plan.use.backward || !by_steps(layer)) return all;
    const Phase& own = plan.phases[phase_of(layer)];
    bool few = true;
    for (int l = layer + 1; l < net.n_layers; ++l)
      if (!plan.slots[l].skipped && l >= own.last)
        each_input(l, [&](int s) {
          const Place& p = place(s);
          const int64_t W = net.streams[p.base].width;
          if (p.base == net.layers[layer].out) few &= net.streams[s].steps == 1 && p.first / W == steps - 1;
        });
    const int64_t least = (plan.use.units && own.last - own.first > 1 ? steps_together : 1) + initial;
    int64_t places = 1;
    while (places < least) places *= 2;
    return few && places < all ? places : all;
  }

  // All arrays of a chunk.
  void memory() {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): values of T that a double takes
    plan.anchors = arena.take(2 * net.streams[net.past].width * lanes<T> * int64_t(sizeof(double) / sizeof(T)));
    compact(net.past);
    if (net.extra >= 0) compact(net.extra);
    plan.y = arena.take(net.K * lanes<T>), plan.weight = arena.take(net.K * lanes<T>);
    // A loss always sees windows in the lanes, even a single one.
    if (plan.use.units && plan.use.backward) plan.wide = arena.take(2 * net.K * net.Q * lanes<T>);
    for (int l = 0; l < net.n_layers; ++l) {
      if (plan.slots[l].skipped) continue;
      plan.slots[l].places = kind(l).states ? places_of(l) : 0;
      kind(l).measure[plan.use.units](*this, l);
    }
  }

  // Gradients of streams, the last stream first: in memory of the only reader, inside the gradient of a stream computed
  // from it, or in their own memory.
  void gradients() {
    for (int l = net.n_layers - 1; l >= 0; --l)
      if (!plan.slots[l].skipped) gradient_place(net.layers[l].out);
    gradient_place(net.past);
    if (net.extra >= 0) gradient_place(net.extra);
  }
  void gradient_place(int stream) {
    Place& p = place(stream);
    if (!p.needed || !p.d_steps) {
      p.d = -1;
      return;
    }
    if (p.link >= 0) {
      const Place& made = place(p.link);
      p.d = made.d + p.link_feature * columns, p.d_pitch = made.d_pitch;
    } else if (p.d < 0) {
      p.d_pitch = net.streams[stream].width * columns, p.d = arena.take(p.d_steps * p.d_pitch + room);
    } else {
      p.d += p.d_first * p.d_pitch;
    }
  }

  // Views: the places of their entries.
  void resolve() {
    for (int s = 0; s < net.n_streams; ++s) {
      Place& p = place(s);
      if (p.base == s) continue;
      const Place& base = place(p.base);
      const int64_t W = net.streams[p.base].width, step = p.first / W, feature = p.first % W,
                    steps = net.streams[s].steps;
      if (steps == 1) {
        p.x = base.x + ((step + base.shift) & base.mask) * base.pitch + feature * columns, p.pitch = 0;
      } else if (base.pitch == W * columns && base.mask == -1) {
        p.x = base.x + base.shift * base.pitch + p.first * columns, p.pitch = p.stride * columns;
      } else {
        p.x = base.x + feature * columns, p.shift = base.shift + step, p.pitch = base.pitch * (p.stride / W),
        p.mask = base.mask;
      }
      p.d_first = 0, p.d_steps = steps;
      if (base.d < 0) continue;
      p.d = base.d + (step - base.d_first) * base.d_pitch + feature * columns;
      p.d_pitch = base.d_pitch == W * columns ? p.stride * columns : base.d_pitch * (p.stride / W);
    }
    plan.arena = arena.used;
  }
};

template <class T>
void plan(const NetworkSpec& net, Use use, Plan* out) {
  Walk<T>(net, use, *out);
}

}  // namespace forecast::FORECAST_ISA
