// Matrix memory, the mLSTM of xLSTM (Beck et al. 2024), with `heads` heads of d units each. The layer has no weights:
// dense layers compute its inputs q, k, v and gates = [o, then i of every head, then f of every head].
//
//   m' = max(a_f + m, a_i)
//   i  = exp(a_i - m'),  f = exp(a_f + m - m'),  o = sigm(a_o)            k below is k / sqrt(d)
//   C' = f C + i v k^T
//   n' = f n + i k
//   h' = o (C' q) / max(|n' q|, e^-m')
//
// h' does not depend on m', so backward treats m' as a constant. The tape does not hold C, which would take T d d
// numbers. The gradient of q needs C: it goes from the first step to the last and computes C again. The gradients of k
// and v need dC and go from the last step to the first. All are sweeps over a matrix M:
//
//   M_ab <- f M_ab + x_a y_b,   out_b = sum over a of M_ab z_a
//
// A sweep keeps b in vectors and is one chain over a, so both ways give the same bits. The gradient of a_f does not
// need C either. With D = <dC', C'> + <dn', n'>, where dC' and dn' are the gradients from this step's h' alone:
//
//   da_f = (da_f of the next step) + D - da_i
#pragma once

#include "layer.h"

namespace forecast::FORECAST_ISA {

struct Mlstm : Weightless {
  static constexpr int least = 4, most = 4;
  static constexpr bool same_width = false, by_head = true;
  enum Part { Q, K, V, Gates };

  static int64_t hidden(const NetworkSpec& net, const LayerSpec& l) { return net.streams[l.out].width; }

  // ---- arrays ----------------------------------------------------------------------------------------------

  // [unit][lane], or [unit] in whole vectors. `at` reads or writes one unit of all windows, `row` whole vectors of
  // units or of windows.
  template <class Way, class T>
  struct Grid {
    static constexpr int w = width<T>, vectors = Way::units ? 1 : N;
    static INLINE Vec<T> at(const T* x, int64_t unit, int n) {
      if constexpr (Way::units) return splat<Vec<T>>(x[unit]);
      else return load(x + (unit * N + n) * w);
    }
    static INLINE void put(T* x, int64_t unit, int n, Vec<T> value) {
      if constexpr (Way::units) store_first(x + unit, value, 1);
      else store(x + (unit * N + n) * w, value);
    }
    // Calls body(place, n) for every vector of d units.
    template <class Body>
    static INLINE void each(int64_t d, const Body& body) {
      const int64_t all = Way::units ? padded<T>(d) : d * lanes<T>;
      for (int64_t i = 0; i < all; i += vectors * w)
        for (int n = 0; n < vectors; ++n) body(i + n * w, n);
    }
    static INLINE Vec<T> dot(const T* a, const T* b, int64_t d, int n) {
      Vec<T> sum = splat<Vec<T>>(T(0));
      for (int64_t u = 0; u < d; ++u) sum = madd(at(a, u, n), at(b, u, n), sum);
      return sum;
    }
  };

  // What a step keeps per head, in addition to its units.
  enum Kept { m_kept, i_kept, f_kept, s_kept, d_kept, all_kept };

  template <class Way, class T>
  struct Memory {
    static constexpr int scratch_rows = 10;
    int64_t unit, matrix, row, tape_step;
    int64_t C, n, m, scratch, tape = 0, dC = 0, dn = 0, carry = 0;

    Memory(const NetworkSpec& net, const LayerSpec& l, Use use, Cursor& arena) {
      const int64_t d = hidden(net, l) / l.heads, one = Way::units ? width<T> : lanes<T>;
      unit = one, row = Way::room(d) * Way::columns, matrix = d * row;
      C = arena.take(l.heads * matrix), n = arena.take(l.heads * row), m = arena.take(l.heads * unit);
      scratch = arena.take(scratch_rows * row + 8 * unit);
      tape_step = l.heads * (2 * row + all_kept * unit);
      if (!use.backward) return;
      tape = arena.take(net.streams[l.out].steps * tape_step);
      dC = arena.take(l.heads * matrix), dn = arena.take(l.heads * row), carry = arena.take(2 * l.heads * unit);
    }
  };

  template <class Way, class T>
  static void measure(Planner& p, int number) {
    const LayerSpec& l = p.net.layers[number];
    p.plan.slots[number].memory = p.arena.used;
    const Memory<Way, T> m(p.net, l, p.plan.use, p.arena);
    p.compact(l.out);
  }

  template <class Way, class T>
  struct View {
    using G = Grid<Way, T>;
    int64_t H, d, heads, T_, unit, row, matrix, tape_step;
    bool reverse, taped;
    Track<T> in[4], out;
    T *C, *n, *m, *scratch, *tapes, *dC, *dn, *carry;
    Vec<T> scale;

    View(const Call<T>& k, int number) {
      const LayerSpec& l = k.layer(number);
      H = hidden(k.net, l), heads = l.heads, d = H / heads, T_ = k.stream(l.out).steps, reverse = l.reverse;
      taped = k.plan.use.backward;
      Cursor arena{k.plan.slots[number].memory};
      const Memory<Way, T> own(k.net, l, k.plan.use, arena);
      unit = own.unit, row = own.row, matrix = own.matrix, tape_step = own.tape_step;
      T* const block = k.c.arena;
      C = block + own.C, n = block + own.n, m = block + own.m, scratch = block + own.scratch, tapes = block + own.tape;
      dC = block + own.dC, dn = block + own.dn, carry = block + own.carry;
      for (int i = 0; i < 4; ++i) in[i] = k.track(l.in[i]);
      out = k.track(l.out);
      scale = splat<Vec<T>>(T(1) / T(__builtin_sqrt(double(d))));
    }

    int64_t time(int64_t i) const { return reverse ? T_ - 1 - i : i; }
    T* tape(int64_t i, int64_t head) const { return tapes + i * tape_step + head * (2 * row + all_kept * unit); }
    T* kept(T* of_head, Kept which) const { return of_head + 2 * row + which * unit; }
    T* line(int i) const { return scratch + i * row; }
    // d units of an input, from a feature on, in whole vectors.
    void read(const T* from, T* to) const {
      if constexpr (Way::units) {
        for (int64_t u = 0; u < row; ++u) to[u] = u < d ? from[u] : T(0);
      } else {
        for (int64_t u = 0; u < row; u += width<T>) store(to + u, load(from + u));
      }
    }
    void scaled(T* x) const {
      G::each(d, [&](int64_t at, int) { store(x + at, load(x + at) * scale); });
    }
  };

  // ---- the sweep -------------------------------------------------------------------------------------------

  // P rows of vectors b, starting at M. M is stored in the order of reading: [block of b][a][b in block][vector].
  template <class Way, int P, class T>
  static __attribute__((noinline)) void sweep_block(T* M, int64_t d, const T* f, const T* x, const T* y, const T* z,
                                                    T* out) {
    using G = Grid<Way, T>;
    constexpr int w = width<T>, n_vectors = G::vectors;
    Vec<T> sum[P][n_vectors], decay[n_vectors];
    UNROLL
    for (int n = 0; n < n_vectors; ++n) {
      decay[n] = G::at(f, 0, n);
      UNROLL
      for (int p = 0; p < P; ++p) sum[p][n] = splat<Vec<T>>(T(0));
    }
    for (int64_t a = 0; a < d; ++a, M += P * n_vectors * w) {
      UNROLL
      for (int n = 0; n < n_vectors; ++n) {
        const Vec<T> of_x = G::at(x, a, n), of_z = G::at(z, a, n);
        UNROLL
        for (int p = 0; p < P; ++p) {
          T* const entry = M + (p * n_vectors + n) * w;
          const Vec<T> next = madd(of_x, load(y + (p * n_vectors + n) * w), decay[n] * load(entry));
          store(entry, next);
          sum[p][n] = madd(next, of_z, sum[p][n]);
        }
      }
    }
    UNROLL
    for (int p = 0; p < P; ++p) {
      UNROLL
      for (int n = 0; n < n_vectors; ++n) store(out + (p * n_vectors + n) * w, sum[p][n]);
    }
  }
  template <class Way, int P, class T>
  static void sweep_from(int64_t b, int64_t end, T* M, int64_t d, const T* f, const T* x, const T* y, const T* z,
                         T* out) {
    constexpr int64_t step = Grid<Way, T>::vectors * width<T>;
    for (; b + P <= end; b += P)
      sweep_block<Way, P>(M + b * d * step, d, f, x, y + b * step, z, out + b * step);
    if constexpr (P > 1) sweep_from<Way, P / 2>(b, end, M, d, f, x, y, z, out);
  }
  template <class Way, class T>
  static void sweep(T* M, int64_t d, const T* f, const T* x, const T* y, const T* z, T* out) {
    sweep_from<Way, 4>(0, Way::units ? padded<T>(d) / width<T> : d, M, d, f, x, y, z, out);
  }

  // ---- forward ---------------------------------------------------------------------------------------------

  template <class Way, class T>
  static void begin(const Call<T>& k, int number) {
    const View<Way, T> v(k, number);
    clear(v.C, v.heads * v.matrix), clear(v.n, v.heads * v.row), clear(v.m, v.heads * v.unit);
  }

  template <class Way, class T>
  static Vec<T> bound(const View<Way, T>&, Vec<T> m) {  // never 0, so that 0 / 0 is 0
    return at_least(exp<true>(m), splat<Vec<T>>(T(1e-30)));
  }
  template <class V>
  static INLINE V size_of(V s) {
    return at_least(s, -s);
  }

  template <class Way, class T>
  static void step(const View<Way, T>& v, int64_t i, int64_t head) {
    using G = Grid<Way, T>;
    const int64_t t = v.time(i), first = head * v.d * Way::columns;
    T *q = v.line(0), *key = v.line(1), *value = v.line(2), *o = v.line(3), *mean = v.line(4), *f = v.line(5);
    T *n = v.n + head * v.row, *m = v.m + head * v.unit, *den = f + v.unit;
    const T* const gates = v.in[Gates].at(t);
    v.read(v.in[Q].at(t) + first, q), v.read(v.in[K].at(t) + first, key), v.read(v.in[V].at(t) + first, value);
    v.read(gates + first, o);
    v.scaled(key);
    T* const tape = v.taped ? v.tape(i, head) : nullptr;
    Vec<T> input[G::vectors];
    for (int w = 0; w < G::vectors; ++w) {
      const Vec<T> a_i = G::at(gates, v.H + head, w), held = G::at(gates, v.H + v.heads + head, w) + G::at(m, 0, w);
      const Vec<T> newest = at_least(held, a_i), decay = exp(held - newest);
      input[w] = exp(a_i - newest);
      G::put(m, 0, w, newest), G::put(f, 0, w, decay);
      if (!tape) continue;
      G::put(v.kept(tape, m_kept), 0, w, newest), G::put(v.kept(tape, f_kept), 0, w, decay);
      G::put(v.kept(tape, i_kept), 0, w, input[w]);
    }
    G::each(v.d, [&](int64_t at, int w) {
      const Vec<T> of_key = load(key + at) * input[w];
      store(key + at, of_key);
      store(n + at, madd(G::at(f, 0, w), load(n + at), of_key));
    });
    for (int w = 0; w < G::vectors; ++w) {
      const Vec<T> s = G::dot(n, q, v.d, w);
      G::put(den, 0, w, at_least(size_of(s), bound(v, G::at(m, 0, w))));
      if (tape) G::put(v.kept(tape, s_kept), 0, w, s);
    }
    sweep<Way>(v.C + head * v.matrix, v.d, f, key, value, q, mean);
    T* const out = v.out.at(t) + first;
    G::each(v.d, [&](int64_t at, int w) {
      const Vec<T> open = sigmoid(load(o + at)), of_mean = load(mean + at) * reciprocal(G::at(den, 0, w));
      if (tape) store(tape + at, of_mean), store(tape + v.row + at, open);
      store_first(out + at, open * of_mean, Way::units ? int(smaller(v.d - at, width<T>)) : width<T>);
    });
  }

  template <class Way, class T>
  static bool forward(const Call<T>& k, int number, int64_t from, int64_t to) {
    const View<Way, T> v(k, number);
    for (int64_t i = from; i < to; ++i) {
      for (int64_t head = 0; head < v.heads; ++head) step(v, i, head);
      if (k.stopped()) return false;
    }
    return true;
  }

  // ---- backward --------------------------------------------------------------------------------------------

  // Adds n units of `from`, in whole vectors, to the gradient of an input.
  template <class Way, class T>
  static void give(const Gradient<T>& d, int64_t t, int64_t feature, int64_t n, const T* from) {
    if (!d.wanted()) return;
    T* const to = d.at(t) + feature * Way::columns;
    for (int64_t i = 0; i < n * Way::columns; ++i) to[i] = d.adds ? to[i] + from[i] : from[i];
  }

  // First to last step: the gradients of q and o, and what the sweep back needs: the gradient of C q overwrites the
  // tape's mean, that of n q overwrites s, and D.
  template <class Way, class T>
  static void up(const View<Way, T>& v, const Gradient<T>* dx, const T* dh, int64_t i, int64_t head) {
    using G = Grid<Way, T>;
    const int64_t t = v.time(i), first = head * v.d;
    T *q = v.line(0), *key = v.line(1), *value = v.line(2), *d = v.line(3), *dq = v.line(4), *d_o = v.line(5);
    T *n = v.n + head * v.row, *tape = v.tape(i, head), *mean = tape, *o = tape + v.row;
    T *s = v.kept(tape, s_kept), *f = v.kept(tape, f_kept), *direct = v.kept(tape, d_kept);
    v.read(v.in[Q].at(t) + first * Way::columns, q), v.read(v.in[K].at(t) + first * Way::columns, key);
    v.read(v.in[V].at(t) + first * Way::columns, value), v.read(dh + first * Way::columns, d);
    v.scaled(key);
    G::each(v.d, [&](int64_t at, int w) {
      const Vec<T> of_key = load(key + at) * G::at(v.kept(tape, i_kept), 0, w), open = load(o + at), dh_ = load(d + at);
      store(key + at, of_key), store(n + at, madd(G::at(f, 0, w), load(n + at), of_key));
      store(d_o + at, dh_ * load(mean + at) * d_sigmoid(open));
      store(d + at, dh_ * open);
    });
    give<Way>(dx[Gates], t, first, v.d, d_o);
    Vec<T> inverse[G::vectors];
    for (int w = 0; w < G::vectors; ++w) {
      const Vec<T> of_s = G::at(s, 0, w), least = bound(v, G::at(v.kept(tape, m_kept), 0, w)), size = size_of(of_s);
      inverse[w] = reciprocal(at_least(size, least));
      const Vec<T> all = G::dot(d, mean, v.d, w), beyond = positive(size - least);
      const Vec<T> sign = positive(of_s) - positive(-of_s);
      G::put(s, 0, w, -(beyond * sign * all * inverse[w]));
      G::put(direct, 0, w, all - beyond * all);
    }
    G::each(v.d, [&](int64_t at, int w) { store(mean + at, load(d + at) * inverse[w]); });
    sweep<Way>(v.C + head * v.matrix, v.d, f, value, key, mean, dq);
    G::each(v.d, [&](int64_t at, int w) { store(dq + at, madd(load(n + at), G::at(s, 0, w), load(dq + at))); });
    give<Way>(dx[Q], t, first, v.d, dq);
  }

  // Last to first step: the gradients of k, v, i and f. C and dC both hold dC here, one of them transposed.
  template <class Way, class T>
  static void down(const View<Way, T>& v, const Gradient<T>* dx, int64_t i, int64_t head) {
    using G = Grid<Way, T>;
    const int64_t t = v.time(i), first = head * v.d;
    T *q = v.line(0), *key = v.line(1), *value = v.line(2), *dk = v.line(3), *dv = v.line(4), *da = v.line(5);
    T *dn = v.dn + head * v.row, *tape = v.tape(i, head), *d = tape;
    const T *ds = v.kept(tape, s_kept), *direct = v.kept(tape, d_kept), *input = v.kept(tape, i_kept);
    T *later = v.carry + 2 * head * v.unit, *da_f = later + v.unit;
    v.read(v.in[Q].at(t) + first * Way::columns, q), v.read(v.in[K].at(t) + first * Way::columns, key);
    v.read(v.in[V].at(t) + first * Way::columns, value);
    v.scaled(key);
    G::each(v.d, [&](int64_t at, int w) {
      store(dn + at, madd(load(q + at), G::at(ds, 0, w), G::at(later, 0, w) * load(dn + at)));
    });
    sweep<Way>(v.C + head * v.matrix, v.d, later, d, q, value, dk);
    sweep<Way>(v.dC + head * v.matrix, v.d, later, q, d, key, dv);
    G::each(v.d, [&](int64_t at, int w) {
      const Vec<T> of_i = G::at(input, 0, w);
      store(dk + at, of_i * (load(dk + at) + load(dn + at)));
      store(dv + at, of_i * load(dv + at));
    });
    for (int w = 0; w < G::vectors; ++w) {
      const Vec<T> da_i = G::dot(key, dk, v.d, w), all = G::at(da_f, 0, w) + G::at(direct, 0, w) - da_i;
      G::put(da, 0, w, da_i), G::put(da_f, 0, w, all);
      G::put(later, 0, w, G::at(v.kept(tape, f_kept), 0, w));
    }
    v.scaled(dk);
    give<Way>(dx[K], t, first, v.d, dk), give<Way>(dx[V], t, first, v.d, dv);
    give<Way>(dx[Gates], t, v.H + head, 1, da), give<Way>(dx[Gates], t, v.H + v.heads + head, 1, da_f);
  }

  template <class Way, class T>
  static bool backward(const Call<T>& k, int number) {
    const LayerSpec& l = k.layer(number);
    const View<Way, T> v(k, number);
    const Gradient<T> dh = k.gradient(l.out);
    Gradient<T> dx[4];
    for (int i = 0; i < 4; ++i) dx[i] = k.gradient(l.in[i]);
    begin<Way>(k, number);
    for (int64_t i = 0; i < v.T_; ++i) {
      for (int64_t head = 0; head < v.heads; ++head) up(v, dx, dh.at(v.time(i)), i, head);
      if (k.stopped()) return false;
    }
    clear(v.C, v.heads * v.matrix), clear(v.dC, v.heads * v.matrix), clear(v.dn, v.heads * v.row);
    clear(v.carry, 2 * v.heads * v.unit);
    for (int64_t i = v.T_ - 1; i >= 0; --i) {
      for (int64_t head = 0; head < v.heads; ++head) down(v, dx, i, head);
      if (k.stopped()) return false;
    }
    return true;
  }
};

}  // namespace forecast::FORECAST_ISA
