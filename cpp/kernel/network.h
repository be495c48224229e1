// The driver: runs a network on one chunk, forward, loss and backward. Training runs layer by layer: the weights of one
// layer stay in cache, and its tape is its only memory. Prediction runs step by step through the layers of a phase.
#pragma once

#include "../loss/registry.h"
#include "noise.h"
#include "plan.h"

namespace forecast::FORECAST_ISA {

template <class T>
INLINE const Kind<T>& kind(const Call<T>& k, int layer) {
  return kinds<T>[k.layer(layer).kind];
}

// ---- in and out ------------------------------------------------------------------------------------------

template <class T>
inline void gather(const Call<T>& k) {
  const Chunk<T>& c = k.c;
  const NetworkSpec& net = k.net;
  const StreamSpec& past = net.streams[net.past];
  const int64_t E = net.extra >= 0 ? net.streams[net.extra].width : 0;
  T *x = k.track(net.past).p, *extra = E ? k.track(net.extra).p : nullptr;
  T *y = c.arena + k.plan.y, *weight = c.arena + k.plan.weight;
  const bool units = k.plan.use.units;
  const int columns = units ? 1 : lanes<T>;
  if (c.n < lanes<T>) {  // lanes without a window compute on zeros, with weight 0
    clear(x, past.steps * past.width * columns);
    clear(extra, E * columns);
    if (c.loss && !c.upstream) clear(y, net.K * lanes<T>), clear(weight, net.K * lanes<T>);
  }
  const bool together = !units && c.n == lanes<T> && in_runs(*c.source);
  if (together) gather_past_lanes(*c.source, c.index, x, reinterpret_cast<double*>(c.arena + k.plan.anchors));
  for (int lane = 0; lane < c.n; ++lane) {
    if (!together) gather_past(*c.source, c.index[lane], x + lane, columns, past.width * columns);
    if (E) gather_extra(*c.source, c.index[lane], extra + lane, columns);
    if (c.loss && !c.upstream) gather_targets(*c.source, c.index[lane], c.normaliser, y + lane, weight + lane, lanes<T>);
  }
  const int64_t row = past.width * columns, padding = c.source->padding;
  if (k.network.clip > 0) apply_clip(k.network.clip, x, past.steps * row);
  if (c.noise <= 0) return;
  const Noise noise{c.noise, c.seed, c.first};
  T* const oldest = x + padding * row;  // the padding repeats its noise too
  if (units) apply_noise<1>(noise, past.steps - padding, past.width, oldest, row);
  else apply_noise<lanes<T>>(noise, past.steps - padding, past.width, oldest, row);
  for (int64_t i = 0; i < padding * row; ++i) x[i] = oldest[i % row];
}

template <class Loss, class T>
inline double loss_of(const Network<T>& net, const Source& source, const T* y, const T* weight, const T* out, T* dout) {
  const int Q = int(net.spec->Q);
  constexpr bool counts = Loss::target == Target::counts;
  if (Q < 1) __builtin_unreachable();
  double total = 0;
  for (int64_t k = 0; k < net.spec->K; ++k) {
    const T scale = counts && source.target_inverse ? T(1 / source.target_inverse[k]) : T(1);
    const T* parameters = counts ? &scale : net.loss_parameters;
    for (int n = 0; n < N; ++n) {
      const int64_t at = n * width<T>;
      const Vec<T> target = load(y + k * lanes<T> + at), w = load(weight + k * lanes<T> + at);
      Vec<T> p[most_outputs], dp[most_outputs];
      for (int q = 0; q < Q; ++q) p[q] = load(out + (k * Q + q) * lanes<T> + at);
      total += double(sum(w * Loss::value(p, target, parameters, Q)));
      if (!dout) continue;
      Loss::derivative(p, target, parameters, Q, dp);
      for (int q = 0; q < Q; ++q) store(dout + (k * Q + q) * lanes<T> + at, w * dp[q]);
    }
  }
  return total;
}

// Of windows in the lanes.
template <class T>
inline double loss(const Call<T>& k, const T* out, T* dout) {
  const T *y = k.c.arena + k.plan.y, *weight = k.c.arena + k.plan.weight;
  int which = 0;
#define FORECAST_LOSS(name, Loss) \
  if (k.net.loss == which++) return loss_of<Loss>(k.network, *k.c.source, y, weight, out, dout);
  FORECAST_LOSSES(FORECAST_LOSS)
#undef FORECAST_LOSS
  return 0;
}

// The gradient that the caller gives instead of the loss's. Lanes without a window have zeros.
template <class T>
inline void take_upstream(const Call<T>& k, int64_t outputs, T* dout) {
  const int columns = k.plan.use.units ? 1 : lanes<T>;
  for (int64_t i = 0; i < outputs; ++i)
    for (int lane = 0; lane < columns; ++lane)
      dout[i * columns + lane] = lane < k.c.n ? k.c.upstream[(k.c.first + lane) * outputs + i] : T(0);
}

// The loss of the outputs and, in training, its gradient.
template <class T>
inline void judge(const Call<T>& k) {
  const int64_t outputs = k.net.K * k.net.Q, all = k.stream(k.net.out).steps * k.stream(k.net.out).width;
  const T* out = k.track(k.net.out).p;
  T* dout = k.plan.use.backward ? k.gradient(k.net.out).p : nullptr;
  if (k.c.upstream) {
    const int columns = k.plan.use.units ? 1 : lanes<T>;
    clear(dout + outputs * columns, (all - outputs) * columns);
    return take_upstream(k, outputs, dout);
  }
  if (!k.plan.use.units) {
    if (dout) clear(dout + outputs * lanes<T>, (all - outputs) * lanes<T>);
    *k.c.loss += loss(k, out, dout);
    return;
  }
  T *wide = k.c.arena + k.plan.wide, *dwide = wide + outputs * lanes<T>;
  clear(wide, outputs * lanes<T>);
  for (int64_t i = 0; i < outputs; ++i) wide[i * lanes<T>] = out[i];
  *k.c.loss += loss(k, static_cast<const T*>(wide), dwide);
  for (int64_t i = 0; i < all; ++i) dout[i] = i < outputs ? dwide[i * lanes<T>] : T(0);
}

template <class T>
inline void put_outputs(const Call<T>& k) {
  if (!k.c.outputs) return;
  const int64_t n = k.net.K * k.net.Q;
  const T* out = k.track(k.net.out).p;
  if (!k.plan.use.units) return k.put_rows(out, n, k.c.outputs);
  for (int64_t i = 0; i < n; ++i) k.c.outputs[k.c.first * n + i] = out[i];
}

// The last states of every recurrent layer, if the call requests them.
template <class T>
inline void hand_on(const Call<T>& k) {
  for (int l = 0; k.c.final && l < k.net.n_layers; ++l)
    if (kind(k, l).hand_on[k.plan.use.units]) kind(k, l).hand_on[k.plan.use.units](k, l);
}

// ---- forward ---------------------------------------------------------------------------------------------

template <class T>
inline void begin_phase(const Call<T>& k, const Phase& phase) {
  for (int l = phase.first; l < phase.last; ++l)
    if (!k.plan.slots[l].skipped) kind(k, l).begin[k.plan.use.units](k, l);
}

template <class T>
inline bool predict(const Network<T>& net, const Chunk<T>& c) {
  const Call<T> k(net, c);
  const int units = k.plan.use.units;
  gather(k);
  for (int p = 0; p < k.plan.n_phases; ++p) {
    const Phase& phase = k.plan.phases[p];
    begin_phase(k, phase);
    const int64_t block = phase.last - phase.first == 1 ? phase.steps : units ? steps_together : 1;
    const int64_t together = phase.first == k.net.loop ? 1 : block;
    for (int64_t t = 0; t < phase.steps; t += together)
      for (int l = phase.first; l < phase.last; ++l)
        if (!k.plan.slots[l].skipped && !kind(k, l).forward[units](k, l, t, smaller(t + together, phase.steps)))
          return false;
  }
  if (c.loss) *c.loss = 0, judge(k);
  put_outputs(k);
  hand_on(k);
  return true;
}

template <class T>
inline int parts(const Network<T>& net, int layer) {
  const Call<T> k(net, Chunk<T>{});
  return kind(k, layer).parts(k, layer);
}
template <class T>
inline void open(const Network<T>& net, const Chunk<T>& c, int phase) {
  const Call<T> k(net, c);
  if (phase == 0) gather(k);
  begin_phase(k, k.plan.phases[phase]);
}
template <class T>
inline void share(const Network<T>& net, const Chunk<T>& c, int layer, int64_t t, int part, int parts) {
  const Call<T> k(net, c);
  kind(k, layer).share(k, layer, t, part, parts);
}
template <class T>
inline void close(const Network<T>& net, const Chunk<T>& c) {
  const Call<T> k(net, c);
  put_outputs(k);
  hand_on(k);
}

// ---- forward with a tape, then backward ------------------------------------------------------------------

// The layers of a loop, step by step: a step reads the output of the previous step.
template <class T>
inline bool forward_loop(const Call<T>& k) {
  const int units = k.plan.use.units, first = k.net.loop, last = k.net.n_layers;
  begin_phase(k, {first, last, 0});
  for (int64_t s = 0; s < k.stream(k.net.out).steps; ++s)
    for (int l = first; l < last; ++l)
      if (!k.plan.slots[l].skipped && !kind(k, l).forward[units](k, l, s, s + 1)) return false;
  return true;
}
template <class T>
inline bool backward_loop(const Call<T>& k) {
  const int units = k.plan.use.units, first = k.net.loop, last = k.net.n_layers;
  for (int64_t s = k.stream(k.net.out).steps - 1; s >= 0; --s)
    for (int l = last - 1; l >= first; --l)
      if (!k.plan.slots[l].skipped && !kind(k, l).backward_step[units](k, l, s)) return false;
  return true;
}

template <class T>
inline bool forward(const Call<T>& k) {
  const int units = k.plan.use.units;
  const int end = k.looped() ? k.net.loop : k.net.n_layers;
  for (int l = 0; l < end; ++l) {
    if (k.plan.slots[l].skipped) continue;
    kind(k, l).begin[units](k, l);
    if (!kind(k, l).forward[units](k, l, 0, k.stream(k.layer(l).out).steps)) return false;
  }
  return !k.looped() || forward_loop(k);
}

template <class T>
inline bool backward(const Call<T>& k) {
  const int units = k.plan.use.units;
  for (int s = 0; s < k.net.n_streams; ++s) {  // gradients that several readers add to
    const Gradient<T> d = k.gradient(s);
    if (d.wanted() && d.adds && k.plan.places[s].base == s) clear(d.p, d.steps * d.pitch);
  }
  if (k.looped() && !backward_loop(k)) return false;
  for (int l = (k.looped() ? k.net.loop : k.net.n_layers) - 1; l >= 0; --l)
    if (!k.plan.slots[l].skipped && !kind(k, l).backward[units](k, l)) return false;
  return true;
}

// Gradients of the inputs, if the call requests them.
template <class T>
inline void put_gradient(const Call<T>& k, int stream, T* to) {
  if (!to || stream < 0) return;
  const StreamSpec& s = k.stream(stream);
  const Gradient<T> d = k.gradient(stream);
  for (int64_t t = 0; t < s.steps; ++t)
    for (int lane = 0; lane < k.c.n; ++lane)
      for (int64_t i = 0; i < s.width; ++i)
        to[((k.c.first + lane) * s.steps + t) * s.width + i] = d.wanted() ? d.at(t)[i * lanes<T> + lane] : T(0);
}

template <class T>
inline bool train_once(const Network<T>& net, const Chunk<T>& c) {
  const Call<T> k(net, c);
  gather(k);
  clear(c.rows + c.first * k.plan.table_width, c.n * k.plan.table_width);
  for (int64_t i = 0; i < c.n * k.plan.tables; ++i) c.read[c.first * k.plan.tables + i] = -1;
  if (!forward(k)) return false;
  judge(k);
  put_outputs(k);
  hand_on(k);
  if (!backward(k)) return false;
  put_gradient(k, k.net.past, c.dpast);
  put_gradient(k, k.net.extra, c.dextra);
  return true;
}

// Units in the lanes: the windows of the chunk one at a time.
template <class T>
inline bool train(const Network<T>& net, const Chunk<T>& c) {
  *c.loss = 0;
  if (!net.plan->use.units) return train_once(net, c);
  for (int lane = 0; lane < c.n; ++lane) {
    Chunk<T> one = c;
    one.index += lane, one.n = 1, one.first += lane;
    if (!train_once(net, one)) return false;
  }
  return true;
}

// Every gate and state of every step, read from the tape.
template <class T>
inline bool activity(const Network<T>& net, const Chunk<T>& c) {
  const Call<T> k(net, c);
  gather(k);
  if (!forward(k)) return false;
  for (int l = 0; l < k.net.n_layers; ++l)
    if (kind(k, l).activity) kind(k, l).activity(k, l);
  return !k.stopped();
}

template <class T>
inline void pack(const Network<T>& net, Pack which, T* to) {
  for (int l = 0; l < net.spec->n_layers; ++l) {
    const Slot& slot = net.plan->slots[l];
    const LayerSpec& layer = net.spec->layers[l];
    if (!shares_packs(*net.spec, layer))
      kinds<T>[layer.kind].pack[which](*net.spec, layer, net.theta + slot.theta, to + slot.pack[which]);
  }
}

// In the order of theta: tables last.
inline int fields(const NetworkSpec& net, Field* out) {
  int count = 0;
  int64_t offset = 0;
  for (int i = 0; i < 2 * net.n_layers; ++i) {
    const int l = i % net.n_layers;
    const LayerSpec& layer = net.layers[l];
    const Kind<float>& kind = kinds<float>[layer.kind];
    if (layer.tied >= 0 || kind.table != (i >= net.n_layers)) continue;
    count += kind.fields(net, layer, l, offset, out ? out + count : nullptr);
    offset += kind.parameters(net, layer);
  }
  return count;
}

}  // namespace forecast::FORECAST_ISA
