// See batches.h. Everything here runs under the caller's stop sign and with denormals flushed, also the packs and sums
// between two parallel regions.
#include "batches.h"

#include <algorithm>
#include <cmath>

namespace forecast {

namespace {

uint64_t mixed(uint64_t x) {  // splitmix64, so that neighbouring seeds and steps give unrelated masks
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

template <class T>
Sizes sizes_of(const Model<T>& model, bool drop) {
  Sizes sizes;
  model.engine->sizes(model.shape, drop, &sizes);
  return sizes;
}

template <class T>
Network<T> network_of(const Model<T>& model, const T* theta) {
  Network<T> net{};
  net.shape = model.shape, net.loss = model.loss, net.loss_parameters = model.loss_parameters.data();
  net.dropout = model.dropout, net.clip = model.clip, net.theta = theta;
  return net;
}

// How one batch is cut: chunks of `lanes` windows; chunk c adds to slot c % slots; a worker takes whole slots. So the
// sums do not depend on the threads.
struct Cut {
  int64_t chunks;
  int slots, threads;

  Cut(int64_t n, int lanes, int wanted, bool training) : chunks((n + lanes - 1) / lanes) {
    slots = int(std::min<int64_t>(chunks, gradient_slots));
    const int64_t pieces = std::max<int64_t>(training ? slots : chunks, 1);  // a forecast needs no slot
    threads = in_forked_child() ? 1 : int(std::clamp<int64_t>(wanted, 1, pieces));
  }
};

template <class T>
Chunk<T> chunk_of(const Windows& windows, int lanes, int64_t number) {
  Chunk<T> c{};
  c.source = windows.source;
  c.first = number * lanes;
  c.index = windows.index + c.first;
  c.n = int(std::min<int64_t>(lanes, windows.n - c.first));
  c.B = windows.n;
  return c;
}

double normaliser_of(const Windows& w) {
  const double observed = w.table->observed(*w.source, w.index, w.n);
  return observed > 0 ? 1 / observed : 0.0;
}

// Work on flat vectors is shared in parts of a fixed size, so that sums over parts do not depend on the threads.
constexpr int64_t part = 4096;
int64_t parts_of(int64_t n) { return (n + part - 1) / part; }

// So many windows, and fewer, of a chunk are trained one by one, units in the lanes: each costs 0.05 to 0.2 of a chunk,
// which itself costs the same however few it has. Measured, in sixteenths of a chunk by the bytes of a layer's weights:
// small ones wait for latencies, those beyond the second cache for memory.
template <class T>
int64_t few_of(const Model<T>& model, const Sizes& sizes, Path path) {
  if (path != Path::automatic) return path == Path::units ? model.vectors->lanes : 0;
  const int64_t bytes = sizes.pack_units / model.shape.L * int64_t(sizeof(T));
  const int64_t share = bytes < (8 << 10) ? 5 : bytes < (128 << 10) ? 9 : bytes < (2 << 20) ? 7 : 3;
  return model.vectors->lanes * share / 16;
}

// Which of the two ways the chunks of a batch of n windows go.
struct Ways {
  bool lanes, units;

  Ways(int64_t n, int width, int64_t few) {
    const int64_t left = n % width ? n % width : width;  // in the last chunk
    units = left <= few, lanes = few < width && (n > width || !units);
  }
};

template <class T>
struct Workspace {
  T *arenas, *slots, *forward, *backward, *units, *window;
  double *losses, *sums;
  int64_t arena;

  Workspace(Scratch& scratch, const Sizes& s, const Cut& cut, bool with_units) : arena(s.arena_train) {
    scratch.begin();
    arenas = scratch.take<T>(s.arena_train * cut.threads), slots = scratch.take<T>(s.parameters * cut.slots);
    forward = scratch.take<T>(s.pack_forward), backward = scratch.take<T>(s.pack_backward);
    units = scratch.take<T>(with_units ? s.pack_units : 0), window = scratch.take<T>(with_units ? s.pack_window : 0);
    losses = scratch.take<double>(cut.chunks), sums = scratch.take<double>(parts_of(s.parameters));
  }
};

template <class T>
void pack(Team& team, const Model<T>& model, Network<T>& net, const Workspace<T>& space, Ways ways) {
  const auto& engine = *model.engine;
  struct {
    void (*fill)(const Shape&, const T*, T*);
    T* pack;
  } jobs[4], *end = jobs;
  if (ways.lanes)
    *end++ = {engine.pack_forward, space.forward}, *end++ = {engine.pack_backward, space.backward};
  if (ways.units) *end++ = {engine.pack_units, space.units}, *end++ = {engine.pack_window, space.window};
  team.each(end - jobs, [&](int64_t i, int, Poll) { jobs[i].fill(model.shape, net.theta, jobs[i].pack); });
  net.pack_forward = space.forward, net.pack_backward = space.backward;
  net.pack_units = space.units, net.pack_window = space.window;
}

template <class Work>
void each_part(Team& team, int64_t n, const Work& work) {
  team.each(parts_of(n),
            [&](int64_t number, int, Poll) { work(number, number * part, std::min(part, n - number * part)); });
}

// One batch's loss and gradient, the latter summed into slot 0. `common` holds what all chunks share, and in `flow`
// [slots][L][T], of which the first is the sum at the end.
template <class T>
bool batch_gradient(Team& team, const Model<T>& model, const Network<T>& net, const Windows& windows,
                    const Chunk<T>& common, int64_t parameters, const Workspace<T>& space, int64_t few, StopSign& sign,
                    double* loss) {
  const int lanes = model.vectors->lanes;
  const Cut cut(windows.n, lanes, team.size(), true);
  const double normaliser = normaliser_of(windows);
  const int64_t states = model.shape.L * model.shape.T;
  team.each(cut.slots, [&](int64_t slot, int worker, Poll poll) {  // who takes a slot does not matter to its sum
    if (sign.stopped()) return;
    T* gradient = space.slots + slot * parameters;
    std::fill(gradient, gradient + parameters, T(0));
    double* flow = common.flow ? common.flow + slot * states : nullptr;
    for (int64_t number = slot; number < cut.chunks; number += cut.slots) {
      Chunk<T> c = chunk_of<T>(windows, lanes, number);
      c.seed = common.seed, c.drop = common.drop, c.noise = common.noise, c.initial = common.initial;
      c.outputs = common.outputs;
      c.dpast = common.dpast, c.dextra = common.dextra, c.dinitial = common.dinitial, c.flow = flow;
      c.normaliser = normaliser, c.gradient = gradient, c.loss = space.losses + number;
      c.arena = space.arenas + worker * space.arena;
      c.poll = poll;
      if (!(c.n <= few ? model.engine->train_windows : model.engine->train)(net, c)) return;
    }
  });
  if (sign.stopped()) return false;
  each_part(team, parameters, [&](int64_t, int64_t first, int64_t n) {
    T* const total = space.slots + first;
    for (int slot = 1; slot < cut.slots; ++slot) model.vectors->add(total, total + slot * parameters, n);
  });
  for (int64_t i = states; common.flow && i < cut.slots * states; ++i) common.flow[i % states] += common.flow[i];
  *loss = 0;
  for (int64_t number = 0; number < cut.chunks; ++number) *loss += space.losses[number];
  return !sign.stopped();
}

}  // namespace

template <class T>
Packed<T>::Packed(const Model<T>& model, const T* theta)
    : weights(sizes_of(model, false).parameters),
      forward(sizes_of(model, false).pack_forward),
      units(sizes_of(model, false).pack_units) {
  const FloatGuard guard;
  std::copy(theta, theta + weights.size(), weights.get());
  model.engine->pack_forward(model.shape, theta, forward.get());
  model.engine->pack_units(model.shape, theta, units.get());
}

namespace {

// A single window, its steps shared by the team: every step of every layer in turn.
template <class T>
void shared_window(Team& team, const Model<T>& model, const Network<T>& net, const Chunk<T>& c) {
  const int parts = team.size();
  model.engine->begin(net, c);
  for (int64_t t = 0; t < model.shape.T; ++t) {
    for (int64_t l = 0; l < model.shape.L; ++l)
      team.each(parts, [&](int64_t part, int, Poll) { model.engine->step(net, c, t, l, int(part), parts); });
    if (c.poll.stop(c.poll.self)) return;
  }
  model.engine->end(net, c);
}

}  // namespace

template <class T>
bool predict(const Model<T>& model, const Packed<T>& packed, const Windows& windows, Path path, int threads,
             StopSign& sign, T* outputs) {
  const FloatGuard guard;
  const int lanes = model.vectors->lanes;
  const bool units = path == Path::units || (path == Path::automatic && windows.n <= lanes / 4);
  const bool single = units && windows.n == 1;  // a team shares its steps
  const Cut cut(single ? model.engine->parts(model.shape) : windows.n, units ? 1 : lanes, threads, false);
  const Sizes sizes = sizes_of(model, false);
  const int64_t arena = (units ? sizes.arena_units : sizes.arena_forward) + 16;
  const Buffer<T> arenas(arena * cut.threads);
  Network<T> net = network_of(model, static_cast<const T*>(packed.weights.get()));
  net.pack_forward = packed.forward.get(), net.pack_units = packed.units.get();
  with_team(cut.threads, sign, [&](Team& team) {
    const auto chunk = [&](int64_t number, T* memory, Poll poll) {
      Chunk<T> c = chunk_of<T>(windows, units ? 1 : lanes, number);
      c.outputs = outputs, c.arena = memory, c.poll = poll;
      return c;
    };
    if (single && team.size() > 1) {
      StopSign::Worker caller{&sign, true};
      const Poll poll{StopSign::stop, &caller};
      return shared_window(team, model, net, chunk(0, arenas.get(), poll));
    }
    team.each(single ? 1 : cut.chunks, [&](int64_t number, int worker, Poll poll) {
      if (sign.stopped()) return;
      const Chunk<T> c = chunk(number, arenas.get() + worker * arena, poll);
      (units ? model.engine->predict_window : model.engine->predict)(net, c);
    });
  });
  return !sign.stopped();
}

template <class T>
bool mean_loss(const Model<T>& model, const T* theta, const Windows& windows, int threads, StopSign& sign,
               double* loss) {
  const FloatGuard guard;
  const int lanes = model.vectors->lanes;
  const Cut cut(windows.n, lanes, threads, false);
  const Sizes sizes = sizes_of(model, false);
  const Buffer<T> arenas(sizes.arena_forward * cut.threads), packed(sizes.pack_forward);
  const Buffer<double> losses(cut.chunks);
  Network<T> net = network_of(model, theta);
  model.engine->pack_forward(model.shape, theta, packed.get());
  net.pack_forward = packed.get();
  const double normaliser = normaliser_of(windows);
  with_team(cut.threads, sign, [&](Team& team) {
    team.each(cut.chunks, [&](int64_t number, int worker, Poll poll) {
      if (sign.stopped()) return;
      Chunk<T> c = chunk_of<T>(windows, lanes, number);
      c.normaliser = normaliser, c.loss = losses.get() + number;
      c.arena = arenas.get() + worker * sizes.arena_forward, c.poll = poll;
      model.engine->predict(net, c);
    });
  });
  if (sign.stopped()) return false;
  *loss = 0;
  for (int64_t number = 0; number < cut.chunks; ++number) *loss += losses.get()[number];
  return true;
}

template <class T>
bool activity(const Model<T>& model, const T* theta, const Windows& windows, int threads, StopSign& sign, T* values) {
  const FloatGuard guard;
  const int lanes = model.vectors->lanes;
  const Cut cut(windows.n, lanes, threads, false);
  const Sizes sizes = sizes_of(model, false);
  const Buffer<T> arenas(sizes.arena_train * cut.threads), packed(sizes.pack_forward);
  Network<T> net = network_of(model, theta);
  model.engine->pack_forward(model.shape, theta, packed.get());
  net.pack_forward = packed.get();
  with_team(cut.threads, sign, [&](Team& team) {
    team.each(cut.chunks, [&](int64_t number, int worker, Poll poll) {
      if (sign.stopped()) return;
      Chunk<T> c = chunk_of<T>(windows, lanes, number);
      c.activity = values, c.arena = arenas.get() + worker * sizes.arena_train, c.poll = poll;
      model.engine->activity(net, c);
    });
  });
  return !sign.stopped();
}

template <class T>
bool gradient(const Model<T>& model, const T* theta, const Windows& windows, const T* initial, bool drop, uint64_t seed,
              int threads, StopSign& sign, Gradients<T>* out) {
  const FloatGuard guard;
  const Cut cut(windows.n, model.vectors->lanes, threads, true);
  const Sizes sizes = sizes_of(model, drop);
  Scratch scratch;
  const Workspace<T> space(scratch, sizes, cut, false);
  const int64_t states = model.shape.L * model.shape.T;
  const Buffer<double> flow(out->flow ? states * std::max(cut.slots, 1) : 0);
  std::fill(flow.get(), flow.get() + flow.size(), 0.0);
  Network<T> net = network_of(model, theta);
  Chunk<T> common{};
  common.flow = out->flow ? flow.get() : nullptr;
  common.seed = mixed(seed), common.drop = drop, common.initial = initial, common.outputs = out->outputs;
  common.dpast = out->past, common.dextra = out->extra, common.dinitial = out->initial;
  with_team(cut.threads, sign, [&](Team& team) {
    const int64_t few = 0;  // that way knows no gradients but those of the weights
    pack(team, model, net, space, Ways(windows.n, model.vectors->lanes, few));
    if (sign.stopped()) return;
    batch_gradient(team, model, net, windows, common, sizes.parameters, space, few, sign, &out->loss);
  });
  if (sign.stopped()) return false;
  if (out->theta) std::copy(space.slots, space.slots + sizes.parameters, out->theta);
  if (out->flow) std::copy(flow.get(), flow.get() + states, out->flow);
  return true;
}

namespace {

// Sums over the parts of the squares of all entries, clipped by value where `clip_value` is positive.
template <class T>
double norm_of(Team& team, const Model<T>& model, const T* gradient, int64_t n, double clip_value, double* sums) {
  each_part(team, n, [&](int64_t number, int64_t first, int64_t length) {
    sums[number] = model.vectors->norm2(gradient + first, length, clip_value);
  });
  double total = 0;
  for (int64_t number = 0; number < parts_of(n); ++number) total += sums[number];
  return std::sqrt(total);
}

// Clips and steps; false where the gradient is not finite.
template <class T>
bool optimise(Team& team, const Model<T>& model, T* theta, const Workspace<T>& space, int64_t n, const Plan& plan,
              Optimizer<T>& optimizer, double* norm) {
  const T* gradient = space.slots;
  *norm = norm_of(team, model, gradient, n, 0, space.sums);
  if (!std::isfinite(*norm)) return false;
  Step step = optimizer.step;
  step.clip_value = plan.clip_value;
  const double clipped =
      plan.clip_value > 0 ? norm_of(team, model, gradient, n, plan.clip_value, space.sums) : *norm;
  step.scale = plan.clip_norm > 0 && clipped > plan.clip_norm ? plan.clip_norm / clipped : 1.0;
  ++optimizer.steps;
  step.correction_1 = 1 - std::pow(step.beta_1, double(optimizer.steps));
  step.correction_2 = 1 - std::pow(step.beta_2, double(optimizer.steps));
  each_part(team, n, [&](int64_t, int64_t first, int64_t length) {
    for (const Group& group : optimizer.groups) {
      const int64_t from = std::max(first, group.first), n = std::min(first + length, group.first + group.n) - from;
      if (n <= 0) continue;
      Step own = step;
      own.rate *= group.rate_factor, own.weight_decay = group.weight_decay;
      model.vectors->update(own, theta + from, gradient + from, optimizer.first + from, optimizer.second + from, n);
    }
    if (optimizer.average) model.vectors->average(optimizer.average + first, theta + first, optimizer.decay, length);
  });
  return true;
}

}  // namespace

template <class T>
bool train(const Model<T>& model, T* theta, Optimizer<T>& optimizer, const Windows& windows, const Plan& plan,
           Scratch& scratch, StopSign& sign, Trained* out) {
  const bool drop = model.dropout > 0;
  const Sizes sizes = sizes_of(model, drop);
  const int lanes = model.vectors->lanes;
  const int64_t few = few_of(model, sizes, plan.path);
  const int64_t most = std::min(plan.batch_size, windows.n), last = most ? windows.n % most : 0;
  const Cut largest(most, lanes, plan.threads, true);
  const bool with_units = Ways(most, lanes, few).units || (last && Ways(last, lanes, few).units);
  const Workspace<T> space(scratch, sizes, largest, with_units);
  const auto batches = size_t((windows.n + plan.batch_size - 1) / plan.batch_size);
  out->losses.reserve(batches), out->norms.reserve(batches);  // nothing inside the team may throw
  with_team(largest.threads, sign, [&](Team& team) {
    out->threads = team.size();
    Network<T> net = network_of(model, static_cast<const T*>(theta));
    for (int64_t first = 0; first < windows.n; first += plan.batch_size) {
      const Windows batch{windows.table, windows.source, windows.index + first,
                          std::min(plan.batch_size, windows.n - first)};
      Chunk<T> common{};
      common.drop = drop, common.noise = plan.noise, common.seed = mixed(plan.seed + mixed(uint64_t(optimizer.steps)));
      optimizer.step.rate = plan.rates[first / plan.batch_size];
      double loss, norm;
      pack(team, model, net, space, Ways(batch.n, lanes, few));
      if (sign.stopped()) return;
      if (!batch_gradient(team, model, net, batch, common, sizes.parameters, space, few, sign, &loss)) return;
      out->finite =
          std::isfinite(loss) && optimise(team, model, theta, space, sizes.parameters, plan, optimizer, &norm);
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
  // A first guess from one block, the mean about it, the squares about that: no cancellation, and however many windows
  // there are, a constant's mean is the constant.
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
  template struct Packed<T>;                                                                                     \
  template bool predict<T>(const Model<T>&, const Packed<T>&, const Windows&, Path, int, StopSign&, T*);         \
  template bool mean_loss<T>(const Model<T>&, const T*, const Windows&, int, StopSign&, double*);                \
  template bool activity<T>(const Model<T>&, const T*, const Windows&, int, StopSign&, T*);                      \
  template bool gradient<T>(const Model<T>&, const T*, const Windows&, const T*, bool, uint64_t, int, StopSign&, \
                            Gradients<T>*);                                                                      \
  template bool train<T>(const Model<T>&, T*, Optimizer<T>&, const Windows&, const Plan&, Scratch&, StopSign&,   \
                         Trained*);
FORECAST_INSTANTIATE(float)
FORECAST_INSTANTIATE(double)
#undef FORECAST_INSTANTIATE

}  // namespace forecast
