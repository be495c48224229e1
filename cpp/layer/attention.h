// Attention: at each step, a mean of the steps of a memory, weighted by how well each one matches the query.
//
//   a_st = exp(e_st) / sum over t' of exp(e_st')         context_s = sum over t of a_st value_t
//   e_st = query_s . value_t                             dot (Luong et al. 2015): the keys are the values
//   e_st = v . tanh(query_s + key_t)                     additive (Bahdanau et al. 2015); earlier layers project both
//
// Values are read as [feature][lane], with windows in the lanes. For a single window, each value is copied to all
// lanes: the same code then gives the same bits, but it is slow.
#pragma once

#include "../kernel/math.h"
#include "layer.h"

namespace forecast::FORECAST_ISA {

template <bool additive>
struct AttentionLayer : Weightless {
  static constexpr bool attends = true, same_width = false;  // it reads all steps of every input but the first
  static constexpr int least = additive ? 3 : 2, most = least;
  static constexpr int together = 4;  // sums in parallel

  template <class Put>
  static void fields(const NetworkSpec& net, const LayerSpec& l, const Put& put) {
    if (additive) put('v', -1, net.streams[l.in[0]].width, 0);
  }

  // The weights of one step, or of all steps if backward needs them; sums of backward.
  template <class Way, class T>
  struct Memory {
    int64_t a, d = 0, dq = 0, dv = 0;
    Memory(const NetworkSpec& net, const LayerSpec& l, Use use, Cursor& arena) {
      constexpr int C = Way::columns;
      const int64_t steps = net.streams[l.in[1]].steps, asked = net.streams[l.in[0]].width;
      a = arena.take((use.backward ? net.streams[l.out].steps : 1) * steps * C);
      if (!use.backward) return;
      d = arena.take(steps * C), dq = arena.take(asked * C);
      if (additive) dv = arena.take(asked * C);
    }
  };

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    Slot& slot = p.plan.slots[number];
    slot.memory = p.arena.used;
    const Memory<Way, T> m(p.net, l, p.plan.use, p.arena);
    slot.activity = p.count(p.plan.activity, p.net.streams[l.out].steps * p.net.streams[l.in[1]].steps);
    p.compact(l.out);
  }

  template <class Way, class T>
  using V = Several<Vec<T>, Way::units ? 1 : N>;
  template <class Way, class T>
  static INLINE V<Way, T> get(const T* p) {
    if constexpr (Way::units) return splat<V<Way, T>>(*p);
    else return load_as<V<Way, T>>(p);
  }
  template <class Way, class T>
  static INLINE void put(T* p, V<Way, T> v) {
    if constexpr (Way::units) *p = v.v[0][0];
    else store(p, v);
  }

  template <class Way, class T>
  struct View {
    using W = V<Way, T>;
    static constexpr int C = Way::columns;
    int64_t A, H, S, T_;  // width of the keys, width of the values, steps of the query, steps of the memory
    Track<T> query, key, value, out;
    T *a_, *d, *dq, *dv;
    const T* v;
    bool all;

    View(const Call<T>& k, int number) {
      const LayerSpec& l = k.layer(number);
      A = k.stream(l.in[0]).width, H = k.stream(l.out).width, S = k.stream(l.out).steps, T_ = k.stream(l.in[1]).steps;
      query = k.track(l.in[0]), key = k.track(l.in[1]), value = k.track(l.in[most - 1]), out = k.track(l.out);
      Cursor arena{k.plan.slots[number].memory};
      const Memory<Way, T> m(k.net, l, k.plan.use, arena);
      a_ = k.c.arena + m.a, d = k.c.arena + m.d, dq = k.c.arena + m.dq, dv = k.c.arena + m.dv;
      v = k.weights(k.network.theta, number), all = k.plan.use.backward;
      if (S == 1) query = {query.at(0), 0, 0, -1};
    }
    T* a(int64_t s) const { return all ? a_ + s * T_ * C : a_; }
    W own(int64_t u) const { return splat<W>(v[u]); }

    // to[t] = x . rows_t, or the scores: several steps of the memory at a time.
    template <class Term>
    INLINE void over_memory(T* to, int64_t n, const Track<T>& rows, const Term& term) const {
      for (int64_t t = 0; t < T_; t += together) {
        W sums[together];
        const T* row[together];
        for (int j = 0; j < together; ++j) sums[j] = splat<W>(0), row[j] = rows.at(smaller(t + j, T_ - 1));
        for (int64_t u = 0; u < n; ++u)
          for (int j = 0; j < together; ++j) sums[j] = term(u, get<Way>(row[j] + u * C), sums[j]);
        for (int j = 0; j < together && t + j < T_; ++j) put<Way>(to + (t + j) * C, sums[j]);
      }
    }
    // finish(u, sum over t of weights[t] rows_t[u]).
    template <class Finish>
    INLINE void mean(const T* weights, int64_t n, const Track<T>& rows, const Finish& finish) const {
      for (int64_t u = 0; u < n; u += together) {
        W sums[together];
        for (int j = 0; j < together; ++j) sums[j] = splat<W>(0);
        for (int64_t t = 0; t < T_; ++t) {
          const W weight = get<Way>(weights + t * C);
          const T* const row = rows.at(t);
          for (int j = 0; j < together; ++j) sums[j] = madd(weight, get<Way>(row + smaller(u + j, n - 1) * C), sums[j]);
        }
        for (int j = 0; j < together && u + j < n; ++j) finish(u + j, sums[j]);
      }
    }
  };

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    using W = V<Way, T>;
    constexpr int C = Way::columns;
    const View<Way, T> v(k, number);
    for (int64_t s = from; s < to; ++s) {
      const T* const q = v.query.at(s);
      T *const a = v.a(s), *const out = v.out.at(s);
      v.over_memory(a, v.A, v.key, [&](int64_t u, W key, W sum) INLINE_LAMBDA {
        const W asked = get<Way>(q + u * C);
        if constexpr (additive) return madd(v.own(u), tanh(asked + key), sum);
        else return madd(asked, key, sum);
      });
      W most = get<Way>(a), total = splat<W>(0);
      for (int64_t t = 1; t < v.T_; ++t) most = at_least(get<Way>(a + t * C), most);
      for (int64_t t = 0; t < v.T_; ++t) {
        const W e = exp(get<Way>(a + t * C) - most);
        total = total + e;
        put<Way>(a + t * C, e);
      }
      for (int64_t t = 0; t < v.T_; ++t) put<Way>(a + t * C, get<Way>(a + t * C) / total);
      v.mean(a, v.H, v.value, [&](int64_t u, W sum) INLINE_LAMBDA { put<Way>(out + u * C, sum); });
      if (k.stopped()) return false;
    }
    return true;
  }

  // ---- backward --------------------------------------------------------------------------------------------

  // Gradients that are summed over the steps start from zero at the last step.
  template <class Way, class T>
  static void begin_backward(const Call<T>& k, const View<Way, T>& v, int number) {
    const LayerSpec& l = k.layer(number);
    for (int i = 1; i < l.inputs; ++i) {
      const Gradient<T> d = k.gradient(l.in[i]);
      for (int64_t t = 0; d.wanted() && !d.adds && t < v.T_; ++t)
        clear(d.at(t), k.stream(l.in[i]).width * Way::columns);
    }
    if (additive) clear(v.dv, v.A * Way::columns);
  }

  // into_t[u] += weights[t] x[u], if it is needed.
  template <class Way, class T>
  static void add_outer(const View<Way, T>& v, const Gradient<T>& into, const T* weights, const T* x, int64_t n) {
    constexpr int C = Way::columns;
    for (int64_t t = 0; into.wanted() && t < v.T_; ++t) {
      const V<Way, T> weight = get<Way>(weights + t * C);
      T* const row = into.at(t);
      for (int64_t u = 0; u < n; ++u) put<Way>(row + u * C, madd(weight, get<Way>(x + u * C), get<Way>(row + u * C)));
    }
  }

  // Through tanh: dq, dv and the gradient of the keys, from the gradient of the scores.
  template <class Way, class T>
  static void through_tanh(const View<Way, T>& v, const Gradient<T>& dkey, const T* q) {
    using W = V<Way, T>;
    constexpr int C = Way::columns;
    clear(v.dq, v.A * C);
    for (int64_t t = 0; t < v.T_; ++t) {
      const W d = get<Way>(v.d + t * C);
      const T* const key = v.key.at(t);
      for (int64_t u = 0; u < v.A; ++u) {
        const W h = tanh(get<Way>(q + u * C) + get<Way>(key + u * C)), g = d * v.own(u) * d_tanh(h);
        put<Way>(v.dq + u * C, get<Way>(v.dq + u * C) + g);
        put<Way>(v.dv + u * C, madd(d, h, get<Way>(v.dv + u * C)));
        if (T* const to = dkey.wanted() ? dkey.at(t) + u * C : nullptr) put<Way>(to, get<Way>(to) + g);
      }
    }
  }

  template <class Way, class T>
  static bool backward_step(const Call<T>& k, int number, int64_t s) {
    using W = V<Way, T>;
    constexpr int C = Way::columns;
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    if (s == v.S - 1) begin_backward(k, v, number);
    const T *const q = v.query.at(s), *const a = v.a(s), *const dout = k.gradient(l.out).at(s);
    v.over_memory(v.d, v.H, v.value,
                  [&](int64_t u, W value, W sum) INLINE_LAMBDA { return madd(get<Way>(dout + u * C), value, sum); });
    W mean = splat<W>(0);
    for (int64_t t = 0; t < v.T_; ++t) mean = madd(get<Way>(a + t * C), get<Way>(v.d + t * C), mean);
    for (int64_t t = 0; t < v.T_; ++t) put<Way>(v.d + t * C, get<Way>(a + t * C) * (get<Way>(v.d + t * C) - mean));
    add_outer(v, k.gradient(l.in[most - 1]), a, dout, v.H);
    const Gradient<T> dkey = k.gradient(l.in[1]), dquery = k.gradient(l.in[0]);
    if constexpr (additive) {
      through_tanh(v, dkey, q);
    } else {
      add_outer(v, dkey, static_cast<const T*>(v.d), q, v.A);
      v.mean(v.d, v.A, v.key, [&](int64_t u, W sum) INLINE_LAMBDA { put<Way>(v.dq + u * C, sum); });
    }
    for (int64_t i = 0; dquery.wanted() && i < v.A * C; ++i)
      dquery.at(s)[i] = dquery.adds ? dquery.at(s)[i] + v.dq[i] : v.dq[i];
    T* const dv = k.weights(k.c.gradient, number);
    for (int64_t i = 0; additive && s == 0 && i < v.A * C; ++i) dv[i / C] += v.dv[i];
    return !k.stopped();
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    for (int64_t s = k.stream(k.layer(number).out).steps - 1; s >= 0; --s)
      if (!backward_step<Way>(k, number, s)) return false;
    return true;
  }

  // The weights of every window, [step of the query][step of the memory].
  template <class T>
  static void activity(const Call<T>& k, int number) {
    const View<WindowsInLanes<T>, T> v(k, number);
    T* const values = k.c.activity + k.plan.slots[number].activity * k.c.B;
    for (int64_t i = 0; i < v.S * v.T_; ++i)
      for (int lane = 0; lane < k.c.n; ++lane) values[(k.c.first + lane) * v.S * v.T_ + i] = v.a_[i * lanes<T> + lane];
  }
};

}  // namespace forecast::FORECAST_ISA
