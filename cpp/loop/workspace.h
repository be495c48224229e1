// The memory of a training run: workers, gradient slots and packs, allocated once for all batches.
#pragma once

#include <algorithm>

#include "batches.h"
#include "cut.h"
#include "workers.h"

namespace forecast {

// Work on flat vectors is split into parts of a fixed size, so that sums do not depend on the number of threads.
constexpr int64_t part = 4096;
inline int64_t parts_of(int64_t n) { return (n + part - 1) / part; }

// The plans of a training run, for both ways.
template <class T>
struct Plans {
  Planned lanes, units;
  Plans(const Model<T>& model, bool drop, bool inputs)
      : lanes(*model.kernels, *model.spec, {false, true, drop, inputs}),
        units(*model.kernels, *model.spec, {true, true, drop, inputs}) {}
};

template <class T>
struct Workspace {
  T *arenas, *slots, *packs[4];
  double *losses, *sums;
  int64_t arena, packed[4];
  mutable TableGradients<T> tables;

  Workspace(Scratch& scratch, const Model<T>& model, const Plans<T>& plans, const Cut& cut, int64_t windows,
            bool with_units)
      : arena(std::max(plans.lanes->arena, with_units ? plans.units->arena : 0)),
        tables((scratch.begin(), scratch), *model.spec, *plans.lanes, windows) {
    const int64_t parameters = plans.lanes->dense;
    arenas = scratch.take<T>(arena * cut.threads), slots = scratch.take<T>(parameters * cut.slots);
    for (int i = 0; i < 4; ++i) {
      packed[i] = with_units || i < forward_units ? plans.lanes->packs[i] : 0;
      packs[i] = scratch.take<T>(packed[i]);
    }
    losses = scratch.take<double>(cut.chunks), sums = scratch.take<double>(parts_of(parameters));
  }
};

// Fresh memory can take milliseconds per megabyte, so it is filled in pieces, with a look at the stop sign after each.
// Returns false if it was stopped.
template <class T>
bool clear(T* at, int64_t n, Poll poll) {
  constexpr int64_t piece = (1 << 20) / sizeof(T);
  for (int64_t first = 0; first < n; first += piece) {
    std::fill(at + first, at + std::min(first + piece, n), T(0));
    if (poll.stop(poll.self)) return false;
  }
  return true;
}

template <class T>
bool clear_packs(Team& team, const Workspace<T>& space, StopSign& sign) {
  team.each(4, [&](int64_t i, int, Poll poll) { clear(space.packs[i], space.packed[i], poll); });
  return !sign.stopped();
}

}  // namespace forecast
