// A dense layer at every step: head, projection of segments, decoder.
//
//   out_s = act(W [a_s ; b_s] + bias + added_s)          act: identity, or max(., 0)
//
// Up to two inputs. An input of a single step is used at every step, and so is `added`. There is one bias, one per
// step, or none.
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Dense : Weightless {
  static constexpr int least = 0, most = 2;
  static constexpr bool same_width = false;
  using Two = Feed<1, 0, 1, 0, 1>;

  static int64_t wide(const NetworkSpec& net, const LayerSpec& l, int i) {
    return i < l.inputs ? net.streams[l.in[i]].width : 0;
  }
  static int64_t outputs(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].width; }
  static int64_t steps(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].steps; }

  template <class Way, class T>
  struct Memory {
    int64_t start, transposed = 0;
    Memory(const NetworkSpec& net, const LayerSpec& l, Use use, Cursor& arena) {
      const int64_t a = wide(net, l, 0), b = wide(net, l, 1), together = Way::segment(steps(net, l));
      const int64_t O = outputs(net, l), widest = a > b ? a : b;
      const bool looped = use.backward && net.loop >= 0;
      start = arena.take(Way::room(looped && widest > O ? widest : O) * Way::columns);
      if (use.backward) transposed = arena.take(Way::scratch(widest, together));
    }
  };

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    p.plan.slots[number].memory = p.arena.used;
    const Memory<Way, T> m(p.net, p.net.layers[number], p.plan.use, p.arena);
    p.compact(p.net.layers[number].out);
  }

  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    const int64_t O = outputs(net, l);
    if (l.inputs) put('W', -1, O, wide(net, l, 0) + wide(net, l, 1));
    if (l.bias == Bias::one) put('b', -1, O, 0);
    if (l.bias == Bias::steps) put('b', -1, steps(net, l), O);
  }

  template <class Way, class T>
  static int64_t pack_size(const NetworkSpec& net, const LayerSpec& l, bool backward) {
    const int64_t O = outputs(net, l), a = wide(net, l, 0), b = wide(net, l, 1);
    if (!backward) return Way::pack_size(shape_of<Two>, O, a, b);
    return Way::transposed_size(a, O) + Way::transposed_size(b, O);
  }

  template <class Way, class T>
  static void pack(const NetworkSpec& net, const LayerSpec& l, bool backward, const T* W, T* to) {
    const int64_t O = outputs(net, l), a = wide(net, l, 0), b = wide(net, l, 1), row = a + b;
    const auto part = [=](int64_t first) { return [=](int, int64_t o, int64_t k) { return W[o * row + first + k]; }; };
    const auto back = [=](int64_t first) { return [=](int64_t i, int64_t o) { return W[o * row + first + i]; }; };
    const T* bias = l.bias == Bias::one ? W + O * row : nullptr;
    if (!backward)
      return Way::template pack<Two>(
          1, to, O, a, b, [=](int, int64_t o) { return bias ? bias[o] : T(0); }, part(0), part(a));
    Way::pack_transposed(to, a, O, back(0));
    Way::pack_transposed(to + Way::transposed_size(a, O), b, O, back(a));
  }

  template <class Way, class T>
  struct View {
    int64_t O, a, b, steps_;
    Track<T> x[2], added, out;
    T *start, *transposed;
    bool relu, alone;  // alone: sums start from the pack's bias alone
    Bias bias;

    View(const Call<T>& k, int number) {
      const LayerSpec& l = k.layer(number);
      O = outputs(k.net, l), a = wide(k.net, l, 0), b = wide(k.net, l, 1), steps_ = steps(k.net, l);
      for (int i = 0; i < l.inputs; ++i) x[i] = same_step(k, l.in[i]);
      if (l.added >= 0) added = same_step(k, l.added);
      out = k.track(l.out), relu = l.relu, bias = l.bias, alone = l.added < 0 && bias == Bias::one && l.inputs;
      Cursor arena{k.plan.slots[number].memory};
      const Memory<Way, T> m(k.net, l, k.plan.use, arena);
      start = k.c.arena + m.start, transposed = k.c.arena + m.transposed;
    }
    // A stream of a single step returns it for every step.
    Track<T> same_step(const Call<T>& k, int stream) const {
      Track<T> track = k.track(stream);
      if (k.stream(stream).steps == 1) track = {track.at(0), 0, 0, -1};
      return track;
    }
    Operands<T> operands(int64_t s) const { return {x[0].at(s), a, b ? x[1].at(s) : nullptr, b}; }
  };

  template <class Way, bool relu, class T>
  static INLINE void step(const View<Way, T>& v, const T* theta, const T* pack, int64_t s) {
    T* out = v.out.at(s);
    const auto finish = [=](int64_t o, auto a) INLINE_LAMBDA {
      using V = typename decltype(a)::V;
      const V sum = a[0];
      store(out + o * Way::columns, relu ? at_least(sum, splat<V>(0)) : sum);
    };
    if (v.alone) return Way::template multiply<Two>(pack, pack, v.operands(s), v.O, Turn{}, finish);
    const T* bias = theta + v.O * (v.a + v.b) + (v.bias == Bias::steps ? s * v.O : 0);
    const T* added = v.added.p ? v.added.at(s) : nullptr;
    for (int64_t o = 0; o < v.O; ++o) {
      const T first = v.bias == Bias::none ? T(0) : bias[o], *more = added ? added + o * Way::columns : nullptr;
      T* const start = v.start + o * Way::columns;
      for (int c = 0; c < Way::columns; ++c) start[c] = first + (more ? more[c] : T(0));
    }
    const T* none = nullptr;
    Way::template multiply_from<Two>(v.start, none, Way::units ? pack : pack + v.O, v.operands(s), v.O, Turn{}, finish);
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const View<Way, T> v(k, number);
    const T *theta = k.weights(k.network.theta, number), *pack = k.pack(number, Way::forward_pack);
    for (int64_t s = from; s < to; ++s) {
      if (v.relu) step<Way, true>(v, theta, pack, s);
      else step<Way, false>(v, theta, pack, s);
      if (k.stopped()) return false;
    }
    return true;
  }

  // ---- backward --------------------------------------------------------------------------------------------

  // dW of one input's part, several steps at a time: of the steps that begin in [from, to) and, in a loop, are
  // complete.
  template <class Way, class T>
  static void weight_gradients(const View<Way, T>& v, const Gradient<T>& d, T* dW, int i, int64_t from, int64_t to) {
    const int64_t features = i ? v.b : v.a, together = Way::segment(v.steps_);
    for (int64_t s = (from + together - 1) / together * together; s < to; s += together)
      Way::outer_sum(dW + (i ? v.a : 0), v.a + v.b, 1, v.O, features, d.at(s), d.pitch, v.x[i].at(s), v.x[i].pitch,
                     smaller(together, v.steps_ - s), v.transposed);
  }

  template <class Way, class T>
  static void input_gradients(const Call<T>& k, const View<Way, T>& v, const Gradient<T>& d, const T* pack,
                              int64_t features, int stream, int64_t from, int64_t end) {
    const Gradient<T> dx = k.gradient(stream);
    if (!dx.wanted()) return;
    const bool one = k.stream(stream).steps == 1;
    // In a loop the last steps come first, and whole vectors of units would overwrite the gradient of the next step.
    const bool apart = Way::units && end - from < v.steps_;
    for (int64_t s = from; s < end; ++s) {
      T *to = dx.at(one ? 0 : s), *before = dx.adds || (one && (s > from || end < v.steps_)) ? to : nullptr;
      T *const out = apart ? v.start : to, *none = nullptr;
      Way::template multiply_from<Plain>(before, static_cast<const T*>(none), pack,
                                         Operands<T>{d.at(s), v.O, nullptr, 0}, features, Turn{},
                                         [=](int64_t i, auto a) INLINE_LAMBDA { store(out + i * Way::columns, a[0]); });
      for (int64_t i = 0; apart && i < features; ++i) to[i] = out[i];
    }
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    return steps_backward<Way>(k, number, 0, steps(k.net, k.layer(number)));
  }
  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    return steps_backward<Way>(k, number, s, s + 1);
  }

  template <class Way, class T>
  static bool steps_backward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    const Gradient<T> d = k.gradient(l.out);
    const int64_t row = v.O * Way::columns;
    T *const dW = k.weights(k.c.gradient, number), *const db = dW + v.O * (v.a + v.b);
    for (int64_t s = from; s < to; ++s) {
      T* const ds = d.at(s);
      const T* const out = v.out.at(s);
      for (int64_t i = 0; v.relu && i < row; ++i) ds[i] = out[i] > 0 ? ds[i] : T(0);
      if (v.bias != Bias::none) Way::add_column_sums(ds, v.O, v.bias == Bias::steps ? db + s * v.O : db);
    }
    const T* pack = k.pack(number, Way::backward_pack);
    for (int i = 0; i < l.inputs; ++i) {
      weight_gradients(v, d, dW, i, from, to);
      input_gradients(k, v, d, pack, i ? v.b : v.a, l.in[i], from, to);
      pack += Way::transposed_size(v.a, v.O);
    }
    if (l.added >= 0) k.pass_steps(d, 0, row, from, to, v.steps_, l.added);
    return !k.stopped();
  }
};

}  // namespace forecast::FORECAST_ISA
