// See batches.h. Everything here runs under the caller's stop sign and with denormals flushed, including the packs and
// sums between two parallel regions.
#include "batches.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "carried.h"
#include "workspace.h"

namespace forecast {

namespace {

uint64_t mixed(uint64_t x) {  // splitmix64, so that neighbouring seeds and steps give unrelated masks
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

template <class T>
Network<T> network_of(const Model<T>& model, const Plan& plan, const T* theta) {
  Network<T> net{};
  net.spec = model.spec, net.plan = &plan, net.loss_parameters = model.loss_parameters.data();
  net.dropout = model.dropout, net.left_out = model.left_out, net.clip = model.clip, net.theta = theta;
  return net;
}

// The next `n` windows, starting at `first`; fewer at the end.
Windows part_of(const Windows& all, int64_t first, int64_t n) {
  return {all.table, all.source, all.index + first, std::min(n, all.n - first)};
}

double normaliser_of(const Windows& w) {
  const double observed = w.table->observed(*w.source, w.index, w.n);
  return observed > 0 ? 1 / observed : 0.0;
}

// One network, planned for both ways.
template <class T>
struct Both {
  Network<T> lanes, units;
  Both(const Model<T>& model, const Plans<T>& plans, const T* theta)
      : lanes(network_of(model, *plans.lanes, theta)), units(network_of(model, *plans.units, theta)) {}
};

template <class T>
void pack(Team& team, const Model<T>& model, Both<T>& net, const Workspace<T>& space, Ways ways) {
  Pack jobs[4], *end = jobs;
  if (ways.lanes) *end++ = forward_lanes, *end++ = backward_lanes;
  if (ways.units) *end++ = forward_units, *end++ = backward_units;
  team.each(end - jobs, [&](int64_t i, int, Poll) { model.kernels->pack(net.lanes, jobs[i], space.packs[jobs[i]]); });
  std::copy(space.packs, space.packs + 4, net.lanes.packs);
  std::copy(space.packs, space.packs + 4, net.units.packs);
}

template <class Work>
void each_part(Team& team, int64_t n, const Work& work) {
  team.each(parts_of(n),
            [&](int64_t number, int, Poll) { work(number, number * part, std::min(part, n - number * part)); });
}

// Loss and gradient of one batch; the gradient is summed into slot 0. `common` holds the values that all chunks share.
// Its `flow` holds the layers' steps of every slot; at the end, those of the first slot are the sum.
template <class T>
bool batch_gradient(Team& team, const Model<T>& model, const Both<T>& net, const Windows& windows,
                    const Chunk<T>& common, const Workspace<T>& space, int64_t few, StopSign& sign, double* loss) {
  const Vectors<T>& vectors = model.kernels->vectors;
  const Cut cut(windows.n, vectors.lanes, team.size(), true);
  const double normaliser = common.upstream ? 0.0 : normaliser_of(windows);
  const int64_t parameters = net.lanes.plan->dense, states = net.lanes.plan->flow;
  team.each(cut.slots, [&](int64_t slot, int worker, Poll poll) {  // a slot's sum is the same on any worker
    if (sign.stopped()) return;
    Chunk<T> c = common;
    c.rows = space.tables.rows(), c.read = space.tables.read();
    c.gradient = space.slots + slot * parameters, c.flow = common.flow ? common.flow + slot * states : nullptr;
    if (!clear(c.gradient, parameters, poll)) return;
    for (int64_t number = slot; number < cut.chunks; number += cut.slots) {
      set_windows(&c, windows, vectors.lanes, number);
      c.normaliser = normaliser, c.loss = space.losses + number;
      c.arena = space.arenas + worker * space.arena, c.poll = poll;
      if (!model.kernels->train(c.n <= few ? net.units : net.lanes, c)) return;
    }
  });
  if (sign.stopped()) return false;
  each_part(team, parameters, [&](int64_t, int64_t first, int64_t n) {
    T* const total = space.slots + first;
    for (int slot = 1; slot < cut.slots; ++slot) vectors.add(total, total + slot * parameters, n);
  });
  space.tables.sum(windows.n, vectors.add);
  for (int64_t i = states; common.flow && i < cut.slots * states; ++i) common.flow[i % states] += common.flow[i];
  *loss = 0;
  for (int64_t number = 0; number < cut.chunks; ++number) *loss += space.losses[number];
  return !sign.stopped();
}

}  // namespace

template <class T>
Model<T>::Model(const Kernels<T>& k, const NetworkSpec& s, const std::vector<double>& parameters, double rate,
                double unknown, double bound)
    : kernels(&k),
      spec(&s),
      loss_parameters(parameters.begin(), parameters.end()),
      dropout(rate),
      left_out(unknown),
      clip(bound),
      draws(rate > 0 || unknown > 0 ||
            std::any_of(s.layers, s.layers + s.n_layers,
                        [](const LayerSpec& l) { return l.rate > 0 || l.recurrent_dropout > 0 || l.zoneout > 0; })),
      lanes(k, s, {false, false, false, false}),
      units(k, s, {true, false, false, false}) {}

template <class T>
Packed<T>::Packed(const Model<T>& model, const T* theta)
    : weights(model.lanes->parameters),
      forward(model.lanes->packs[forward_lanes]),
      units(model.lanes->packs[forward_units]) {
  const FloatGuard guard;
  std::copy(theta, theta + weights.size(), weights.get());
  const Network<T> net = network_of(model, *model.lanes, theta);
  model.kernels->pack(net, forward_lanes, forward.get());
  model.kernels->pack(net, forward_units, units.get());
}

namespace {

// A single window: the team shares every step of every layer, one after another.
template <class T>
void shared_window(Team& team, const Kernels<T>& kernels, const Network<T>& net, const Chunk<T>& c) {
  for (int p = 0; p < net.plan->n_phases; ++p) {
    const Phase& phase = net.plan->phases[p];
    kernels.open(net, c, p);
    for (int64_t t = 0; t < phase.steps; ++t) {
      for (int l = phase.first; l < phase.last; ++l) {
        if (net.plan->slots[l].skipped) continue;
        const int parts = std::min(kernels.parts(net, l), team.size());
        team.each(parts, [&](int64_t part, int, Poll) { kernels.share(net, c, l, t, int(part), parts); });
      }
      if (c.poll.stop(c.poll.self)) return;
    }
  }
  kernels.close(net, c);
}

// The number of parts that the widest layer's step can be cut into.
template <class T>
int most_parts(const Model<T>& model, const Network<T>& net) {
  int most = 1;
  for (int l = 0; l < net.spec->n_layers; ++l) most = std::max(most, model.kernels->parts(net, l));
  return most;
}

// Forward over all windows, chunk by chunk. prepare(chunk, number) sets what a chunk computes.
template <class T, class Prepare, class Run>
bool each_chunk(const Model<T>& model, const Network<T>& net, const Windows& windows, int threads, StopSign& sign,
                const Prepare& prepare, const Run& run) {
  const int lanes = model.kernels->vectors.lanes;
  const Cut cut(windows.n, lanes, threads, false);
  const int64_t arena = net.plan->arena;
  const Buffer<T> arenas(arena * cut.threads);
  with_team(cut.threads, sign, [&](Team& team) {
    team.each(cut.chunks, [&](int64_t number, int worker, Poll poll) {
      if (sign.stopped()) return;
      Chunk<T> c{};
      prepare(&c, number);
      set_windows(&c, windows, lanes, number);
      c.arena = arenas.get() + worker * arena, c.poll = poll;
      run(net, c);
    });
  });
  return !sign.stopped();
}

}  // namespace

template <class T>
bool predict(const Model<T>& model, const Packed<T>& packed, const Windows& windows, Path path, int threads,
             StopSign& sign, T* outputs, const uint64_t* seed, const Carried<T>& carried) {
  const FloatGuard guard;
  for (int64_t first = 0; carried.states && windows.n > carried.batch && first < windows.n; first += carried.batch) {
    const Windows batch = part_of(windows, first, carried.batch);
    T* const here = outputs + first * model.spec->K * model.spec->Q;
    if (!predict(model, packed, batch, path, threads, sign, here, seed, carried.from(first))) return false;
  }
  if (carried.states && windows.n > carried.batch) return true;
  const Kernels<T>& kernels = *model.kernels;
  const int lanes = kernels.vectors.lanes;
  const bool units = path == Path::units || (path == Path::automatic && windows.n <= lanes / 4);
  std::optional<Planned> drawn;  // with dropout; no series or code is treated as unknown
  if (seed) drawn.emplace(kernels, *model.spec, Use{units, false, true, false});
  const Plan& plan = drawn ? **drawn : units ? *model.units : *model.lanes;
  Network<T> net = network_of(model, plan, static_cast<const T*>(packed.weights.get()));
  if (seed) net.left_out = 0, net.all_known = true;
  net.packs[forward_lanes] = packed.forward.get(), net.packs[forward_units] = packed.units.get();
  begin_anew(windows, *model.spec, plan, carried, 0, windows.n);
  const bool single = units && windows.n == 1;  // a team shares its steps
  const Cut cut(single && threads > 1 ? most_parts(model, net) : windows.n, units ? 1 : lanes, threads, false);
  const int64_t arena = net.plan->arena;
  const Buffer<T> arenas(arena * cut.threads);
  with_team(cut.threads, sign, [&](Team& team) {
    const auto chunk = [&](int64_t number, T* memory, Poll poll) {
      Chunk<T> c{};
      carry(&c, carried);
      set_windows(&c, windows, units ? 1 : lanes, number);
      c.outputs = outputs, c.arena = memory, c.poll = poll, c.seed = seed ? mixed(*seed) : 0;
      return c;
    };
    if (single && team.size() > 1) {
      StopSign::Worker caller{&sign, true};
      return shared_window(team, kernels, net, chunk(0, arenas.get(), {StopSign::stop, &caller}));
    }
    team.each(single ? 1 : cut.chunks, [&](int64_t number, int worker, Poll poll) {
      if (!sign.stopped()) kernels.predict(net, chunk(number, arenas.get() + worker * arena, poll));
    });
  });
  return !sign.stopped();
}

template <class T>
bool mean_loss(const Model<T>& model, const T* theta, const Windows& windows, int threads, StopSign& sign,
               double* loss, const Carried<T>& carried) {
  const FloatGuard guard;
  const Buffer<T> packed(model.lanes->packs[forward_lanes]);
  const int64_t together = carried.states ? std::min(carried.batch, windows.n) : windows.n;
  const Buffer<double> losses(Cut(together, model.kernels->vectors.lanes, 1, false).chunks);
  Network<T> net = network_of(model, *model.lanes, theta);
  model.kernels->pack(net, forward_lanes, packed.get());
  net.packs[forward_lanes] = packed.get();
  const double normaliser = normaliser_of(windows);
  const auto prepare = [&](Chunk<T>* c, int64_t number) {
    carry(c, carried);
    c->normaliser = normaliser, c->loss = losses.get() + number;
  };
  *loss = 0;
  for (int64_t first = 0; first < windows.n; first += carried.states ? carried.batch : windows.n) {
    const Windows batch = carried.states ? part_of(windows, first, carried.batch) : windows;
    begin_anew(windows, *model.spec, *model.lanes, carried, first, batch.n);
    if (!each_chunk(model, net, batch, threads, sign, prepare, model.kernels->predict)) return false;
    const int64_t chunks = Cut(batch.n, model.kernels->vectors.lanes, 1, false).chunks;
    for (int64_t number = 0; number < chunks; ++number) *loss += losses.get()[number];
  }
  return !sign.stopped();
}

template <class T>
bool activity(const Model<T>& model, const T* theta, const Windows& windows, int threads, StopSign& sign, T* values) {
  const FloatGuard guard;
  const Planned plan(*model.kernels, *model.spec, {false, true, false, false});
  const Buffer<T> packed(plan->packs[forward_lanes]);
  Network<T> net = network_of(model, *plan, theta);
  model.kernels->pack(net, forward_lanes, packed.get());
  net.packs[forward_lanes] = packed.get();
  const auto prepare = [&](Chunk<T>* c, int64_t) { c->activity = values; };
  return each_chunk(model, net, windows, threads, sign, prepare, model.kernels->activity);
}

template <class T>
bool gradient(const Model<T>& model, const T* theta, const Windows& windows, const T* initial, const T* upstream,
              bool drop, uint64_t seed, double forced, int threads, StopSign& sign, Gradients<T>* out) {
  const FloatGuard guard;
  const Cut cut(windows.n, model.kernels->vectors.lanes, threads, true);
  const Plans<T> plans(model, drop, out->past || out->extra);
  Scratch scratch;
  const Workspace<T> space(scratch, model, plans, cut, windows.n, false);
  const int64_t states = plans.lanes->flow;
  const Buffer<double> flow(out->flow ? states * std::max(cut.slots, 1) : 0);
  std::fill(flow.get(), flow.get() + flow.size(), 0.0);
  Both<T> net(model, plans, theta);
  Chunk<T> common{};
  common.flow = out->flow ? flow.get() : nullptr;
  common.seed = mixed(seed), common.forced = forced, common.initial = initial, common.outputs = out->outputs;
  common.upstream = upstream;
  common.dpast = out->past, common.dextra = out->extra, common.dinitial = out->initial;
  with_team(cut.threads, sign, [&](Team& team) {
    const int64_t few = 0;  // that way computes only the gradients of the weights
    if (!clear_packs(team, space, sign)) return;
    pack(team, model, net, space, Ways(windows.n, model.kernels->vectors.lanes, few));
    if (!sign.stopped()) batch_gradient(team, model, net, windows, common, space, few, sign, &out->loss);
  });
  if (sign.stopped()) return false;
  if (out->theta) {
    std::fill(std::copy(space.slots, space.slots + plans.lanes->dense, out->theta),
              out->theta + plans.lanes->parameters, T(0));
    for (const auto& row : space.tables.sums()) std::copy(row.gradient, row.gradient + row.n, out->theta + row.theta);
  }
  if (out->flow) std::copy(flow.get(), flow.get() + states, out->flow);
  return true;
}

namespace {

// Frozen weights have no gradient: they do not count in the norm, and their weights and moments keep their bits.
template <class T>
void clear_frozen(const Workspace<T>& space, int64_t dense, const Optimizer<T>& optimizer) {
  for (const Group& group : optimizer.groups) {
    if (!group.frozen()) continue;
    const int64_t end = group.first + group.n;
    if (group.first < dense) std::fill(space.slots + group.first, space.slots + std::min(end, dense), T(0));
    for (const auto& row : space.tables.sums())
      if (row.theta >= group.first && row.theta < end) std::fill(row.gradient, row.gradient + row.n, T(0));
  }
}

// Sum of the squares of all entries, part by part, clipped by value if `clip_value` is positive.
template <class T>
double norm_of(Team& team, const Model<T>& model, const Workspace<T>& space, int64_t n, double clip_value) {
  const T* gradient = space.slots;
  double* const sums = space.sums;
  each_part(team, n, [&](int64_t number, int64_t first, int64_t length) {
    sums[number] = model.kernels->vectors.norm2(gradient + first, length, clip_value);
  });
  double total = 0;
  for (int64_t number = 0; number < parts_of(n); ++number) total += sums[number];
  for (const auto& row : space.tables.sums()) total += model.kernels->vectors.norm2(row.gradient, row.n, clip_value);
  return std::sqrt(total);
}

// Clips the gradient and takes a step; returns false if the gradient is not finite.
template <class T>
bool optimise(Team& team, const Model<T>& model, T* theta, const Workspace<T>& space, const Plan& plan,
              const Course& course, Optimizer<T>& optimizer, double* norm) {
  const Vectors<T>& vectors = model.kernels->vectors;
  const int64_t n = plan.dense;
  clear_frozen(space, n, optimizer);
  *norm = norm_of(team, model, space, n, 0);
  if (!std::isfinite(*norm)) return false;
  Step step = optimizer.step;
  step.clip_value = course.clip_value;
  const double clipped = course.clip_value > 0 ? norm_of(team, model, space, n, course.clip_value) : *norm;
  step.scale = course.clip_norm > 0 && clipped > course.clip_norm ? course.clip_norm / clipped : 1.0;
  ++optimizer.steps;
  step.correction_1 = 1 - std::pow(step.beta_1, double(optimizer.steps));
  step.correction_2 = 1 - std::pow(step.beta_2, double(optimizer.steps));
  // Updates a range of the weights by the rules of its groups.
  const auto take = [&](int64_t first, int64_t length, const T* gradient) {
    for (const Group& group : optimizer.groups) {
      const int64_t from = std::max(first, group.first), count = std::min(first + length, group.first + group.n) - from;
      if (count <= 0 || group.frozen()) continue;
      Step own = step;
      own.rate *= group.rate_factor, own.weight_decay = group.weight_decay;
      vectors.update(own, theta + from, gradient + from - first, optimizer.first + from, optimizer.second + from,
                     count);
    }
  };
  each_part(team, n, [&](int64_t, int64_t first, int64_t length) { take(first, length, space.slots + first); });
  const auto& rows = space.tables.sums();  // rows that were not read keep their weights and moments
  team.each(int64_t(rows.size()), [&](int64_t i, int, Poll) {
    const auto& row = rows[size_t(i)];
    take(row.theta, row.n, row.gradient);
  });
  if (optimizer.average)
    each_part(team, plan.parameters, [&](int64_t, int64_t first, int64_t length) {
      vectors.average(optimizer.average + first, theta + first, optimizer.decay, length);
    });
  return true;
}

}  // namespace

template <class T>
bool train(const Model<T>& model, T* theta, Optimizer<T>& optimizer, const Windows& windows, const Course& course,
           Scratch& scratch, StopSign& sign, Trained* out, const Carried<T>& carried) {
  const Plans<T> plans(model, model.draws, false);
  const int lanes = model.kernels->vectors.lanes;
  const int64_t few = few_of(model, course.path);
  const int64_t most = std::min(course.batch_size, windows.n), last = most ? windows.n % most : 0;
  const Cut largest(most, lanes, course.threads, true);
  const bool with_units = Ways(most, lanes, few).units || (last && Ways(last, lanes, few).units);
  const Workspace<T> space(scratch, model, plans, largest, most, with_units);
  const auto batches = size_t((windows.n + course.batch_size - 1) / course.batch_size);
  out->losses.reserve(batches), out->norms.reserve(batches);  // nothing inside the team may throw
  with_team(largest.threads, sign, [&](Team& team) {
    out->threads = team.size();
    if (!clear_packs(team, space, sign)) return;
    Both<T> net(model, plans, theta);
    for (int64_t first = 0; first < windows.n; first += course.batch_size) {
      const Windows batch = part_of(windows, first, course.batch_size);
      Chunk<T> common{};
      carry(&common, carried);
      begin_anew(windows, *model.spec, *plans.lanes, carried, first, batch.n);
      common.noise = course.noise, common.seed = mixed(course.seed + mixed(uint64_t(optimizer.steps)));
      common.forced = course.forced;
      optimizer.step.rate = course.rates[first / course.batch_size];
      double loss, norm;
      pack(team, model, net, space, Ways(batch.n, lanes, few));
      if (sign.stopped()) return;
      if (!batch_gradient(team, model, net, batch, common, space, few, sign, &loss)) return;
      out->finite = std::isfinite(loss) && optimise(team, model, theta, space, *plans.lanes, course, optimizer, &norm);
      if (!out->finite) return;
      out->losses.push_back(loss);
      out->norms.push_back(norm);
      if (sign.stopped()) return;
    }
  });
  return !sign.stopped();
}

bool moments(const Windows& windows, StopSign& sign, Moments* out) {
  const FloatGuard guard;
  const Source& s = *windows.source;
  const int64_t lengths[3] = {s.I, s.target.data ? s.K : 0, s.E}, block = 256;
  std::vector<double> weight[3], sum[3];
  double *weights[3], *sums[3];
  const double* centres[3] = {nullptr, nullptr, nullptr};
  // A first guess from one block, then the mean around it, then the squares around the mean. This avoids cancellation,
  // and the mean of a constant is that constant for any number of windows.
  for (const int pass : {0, 1, 2}) {
    for (int i = 0; i < 3; ++i) {
      weight[i].assign(size_t(lengths[i]), 0.0), sum[i].assign(size_t(lengths[i]), 0.0);
      weights[i] = weight[i].data(), sums[i] = sum[i].data();
    }
    const int64_t n = pass ? windows.n : std::min(block, windows.n);
    for (int64_t first = 0; first < n; first += block) {
      windows.table->moments(s, windows.index + first, std::min(block, n - first), pass == 2 ? 2 : 1, centres, weights,
                             sums);
      sign.look_now();
      if (sign.stopped()) return false;
    }
    for (int i = 0; i < 3; ++i) {
      auto& result = pass == 2 ? out->deviation[i] : out->mean[i];
      result.resize(size_t(lengths[i]));
      for (size_t k = 0; k < result.size(); ++k) {
        const double average = weight[i][k] > 0 ? sum[i][k] / weight[i][k] : 0.0;
        result[k] = pass == 2 ? std::sqrt(average) : result[k] + average;
      }
      centres[i] = out->mean[i].data();
    }
  }
  return true;
}

#define FORECAST_INSTANTIATE(T)                                                                                  \
  template struct Model<T>;                                                                                      \
  template struct Packed<T>;                                                                                     \
  template bool predict<T>(const Model<T>&, const Packed<T>&, const Windows&, Path, int, StopSign&, T*,          \
                           const uint64_t*, const Carried<T>&);                                                  \
  template bool mean_loss<T>(const Model<T>&, const T*, const Windows&, int, StopSign&, double*,                 \
                             const Carried<T>&);                                                                 \
  template bool activity<T>(const Model<T>&, const T*, const Windows&, int, StopSign&, T*);                      \
  template bool gradient<T>(const Model<T>&, const T*, const Windows&, const T*, const T*, bool, uint64_t, double, int,    \
                            StopSign&, Gradients<T>*);                                                           \
  template bool train<T>(const Model<T>&, T*, Optimizer<T>&, const Windows&, const Course&, Scratch&, StopSign&, \
                         Trained*, const Carried<T>&);
FORECAST_INSTANTIATE(float)
FORECAST_INSTANTIATE(double)
#undef FORECAST_INSTANTIATE

}  // namespace forecast
