// What a layer sees of a network: its streams and their gradients, its weights and packs and, while memory is planned,
// the cursor that hands out its arrays. Every kind of layer defines, once for both ways:
//
//   measure<Way>   reserves its memory and sets where its output is
//   fields         its weights, in the order of theta
//   pack_size, pack<Way>
//   begin<Way>     runs before its first step
//   forward<Way>   the steps [from, to) in the order of computation; returns false if stopped
//   backward<Way>  from the gradient of its output to the gradients of its inputs and weights
//   always         false: without dropout its output is a view of its input
//   table          its weights are rows that windows look up: they are at the end of theta, and each window has the
//                  gradient of its own row; by_phase: by the place in a cycle; by_code: by the number in its input,
//                  one per step; owner: the kind that it must be tied to
//   by_head        its input has a separate part for each of its heads
//   least, most, same_width, each_wide  what it accepts (LayerInfo)
#pragma once

#include "../kernel/random.h"
#include "../kernel/way.h"

namespace forecast::FORECAST_ISA {

template <class T>
struct Call;

// Scratch memory in elements. One list of arrays serves for measuring and for cutting.
struct Cursor {
  int64_t used = 0;
  int64_t take(int64_t n) {
    const int64_t at = used;
    used += (n + 15) / 16 * 16;  // every array starts on a cache line
    return at;
  }
};

// What most layers are: one input, as wide as the output, and no weights.
struct Weightless {
  static constexpr int least = 1, most = 1;  // inputs
  static constexpr bool same_width = true;   // all inputs together are as wide as the output
  static constexpr bool each_wide = false;   // every input has the steps and the width of the output
  static constexpr bool always = true, table = false, by_phase = false, by_code = false, by_head = false;
  static constexpr const char* owner = nullptr;
  template <class Put>
  static void fields(const NetworkSpec&, const LayerSpec&, const Put&) {}
  template <class Way, class T>
  static int64_t pack_size(const NetworkSpec&, const LayerSpec&, bool) {
    return 0;
  }
  template <class Way, class T>
  static void pack(const NetworkSpec&, const LayerSpec&, bool, const T*, T*) {}
  template <class Way, class T>
  static void begin(const Call<T>&, int) {}
};

struct Planner {
  const NetworkSpec& net;
  Plan& plan;
  int64_t columns, room;  // of a contiguous stream; room after its last step
  Cursor arena;

  Place& place(int stream) const { return plan.places[stream]; }
  int64_t size_of(int stream) const { return net.streams[stream].steps * net.streams[stream].width * columns + room; }
  // The output of a layer as a contiguous stream.
  void compact(int stream) {
    place(stream).x = arena.take(size_of(stream)), place(stream).pitch = net.streams[stream].width * columns;
  }
  static int64_t count(int64_t& total, int64_t n) {
    total += n;
    return total - n;
  }
  // A layer that is the only reader of a whole stream may provide the memory for its gradient.
  void lend(int stream, int64_t d, int64_t d_pitch) const {
    const Place& view = place(stream);
    Place& base = place(view.base);
    const StreamSpec &all = net.streams[view.base], &read = net.streams[stream];
    if (base.readers != 1 || read.steps != all.steps || read.width != all.width) return;
    base.d = d, base.d_pitch = d_pitch;
  }
  // The gradient of an input is a part of the output's gradient, from a feature on.
  void link(int stream, int out, int64_t feature) const {
    const Place& view = place(stream);
    Place& base = place(view.base);
    const int64_t W = net.streams[view.base].width, steps = net.streams[stream].steps;
    if (base.readers != 1 || view.first % W || net.streams[stream].width != W || (steps > 1 && view.stride != W) ||
        steps != net.streams[out].steps)
      return;
    base.link = out, base.link_feature = feature;
  }
};

// Where the steps of a stream are.
template <class T>
struct Track {
  T* p = nullptr;
  int64_t pitch = 0, shift = 0, mask = -1;
  T* at(int64_t t) const { return p + ((t + shift) & mask) * pitch; }
};

template <class T>
struct Gradient {
  T* p;  // null: not needed
  int64_t pitch, first, steps;
  bool adds;  // to the gradients of other readers
  bool wanted() const { return p; }
  T* at(int64_t t) const { return p + (t - first) * pitch; }
  T* at_or_null(int64_t t) const { return p && t >= first && t < first + steps ? at(t) : nullptr; }
};

template <class T>
struct Call {
  const Network<T>& network;
  const Chunk<T>& c;
  const NetworkSpec& net;
  const Plan& plan;

  Call(const Network<T>& n, const Chunk<T>& chunk) : network(n), c(chunk), net(*n.spec), plan(*n.plan) {}

  const LayerSpec& layer(int number) const { return net.layers[number]; }
  const StreamSpec& stream(int number) const { return net.streams[number]; }
  Track<T> track(int stream) const {
    const Place& place = plan.places[stream];
    return {c.arena + place.x, place.pitch, place.shift, place.mask};
  }
  Gradient<T> gradient(int stream) const {
    const Place &place = plan.places[stream], &base = plan.places[place.base];
    return {base.d < 0 ? nullptr : c.arena + place.d, place.d_pitch, place.d_first, place.d_steps, base.readers > 1};
  }
  const T* pack(int number, Pack which) const {
    const T* packs = network.packs[which];
    return packs ? packs + plan.slots[number].pack[which] : nullptr;
  }
  template <class P>
  P* weights(P* theta, int number) const {
    return theta + plan.slots[number].theta;
  }
  // Whether the gradient of an input is a part of the output's gradient, in place.
  bool linked(int stream, int out) const { return plan.places[plan.places[stream].base].link == out; }
  bool looped() const { return net.loop >= 0; }
  // From the gradient d of an output, n entries per step, to the gradient of an input. An input of a single step was
  // used at every step of the output.
  void pass(const Gradient<T>& d, int64_t first, int64_t n, int64_t steps, int stream) const {
    pass_steps(d, first, n, 0, steps, steps, stream);
  }
  // The same for the steps [from, end) alone; in a loop the last steps come first.
  void pass_steps(const Gradient<T>& d, int64_t first, int64_t n, int64_t from, int64_t end, int64_t steps,
                  int stream) const {
    const Gradient<T> to = gradient(stream);
    const bool one = net.streams[stream].steps == 1;
    for (int64_t s = from; to.wanted() && s < end; ++s) {
      T *const sum = to.at(one ? 0 : s), *const part = d.at(s) + first;
      const bool adds = to.adds || (one && (s > from || end < steps));
      for (int64_t i = 0; i < n; ++i) sum[i] = adds ? sum[i] + part[i] : part[i];
    }
  }
  // Records that a window has read a row of a table, at one of its `slot.reads` steps. Returns where the gradient of
  // that row is summed.
  T* read_row(int number, int lane, int64_t row, int64_t step = 0) const {
    const Slot& slot = plan.slots[number];
    c.read[(c.first + lane) * plan.tables + slot.table + step] = row;
    return c.rows + (c.first + lane) * plan.table_width + slot.table_first + step * slot.table_row;
  }
  Dropout dropout() const { return {network.dropout, c.seed, c.first}; }
  bool stopped() const { return c.poll.stop(c.poll.self); }

  // Copies [feature][lane] to rows of the whole batch: to[(first + lane) * n + feature].
  void put_rows(const T* from, int64_t n, T* to) const {
    for (int lane = 0; lane < c.n; ++lane)
      for (int64_t i = 0; i < n; ++i) to[(c.first + lane) * n + i] = from[i * lanes<T> + lane];
  }
};

}  // namespace forecast::FORECAST_ISA
