// How the windows of one batch are cut into chunks, and which way each of them goes.
#pragma once

#include <algorithm>

#include "batches.h"

namespace forecast {

// Chunks of `lanes` windows; chunk c adds to slot c % slots; a worker takes whole slots. So the sums do not depend on
// the threads.
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
void set_windows(Chunk<T>* c, const Windows& windows, int lanes, int64_t number) {
  c->source = windows.source;
  c->first = number * lanes, c->index = windows.index + c->first;
  c->n = int(std::min<int64_t>(lanes, windows.n - c->first));
  if (!c->B) c->B = windows.n;
}

// The most leftover windows that are trained one by one, units in the lanes: each costs 0.05 to 0.2 of a chunk, which
// itself costs the same however few it has. Measured, in sixteenths of a chunk by the bytes of a layer's weights: small
// ones wait for latencies, those beyond the second cache for memory.
template <class T>
int64_t few_of(const Model<T>& model, Path path) {
  const int lanes = model.kernels->vectors.lanes;
  if (path != Path::automatic) return path == Path::units ? lanes : 0;
  const Plan& plan = *model.units;
  const int64_t bytes = plan.read / std::max(plan.n_recurrent, 1) * int64_t(sizeof(T));
  const int64_t share = bytes < (8 << 10) ? 5 : bytes < (128 << 10) ? 9 : bytes < (2 << 20) ? 7 : 3;
  return lanes * share / 16;
}

// Which of the two ways the chunks of a batch of n windows go.
struct Ways {
  bool lanes, units;

  Ways(int64_t n, int width, int64_t few) {
    const int64_t left = n % width ? n % width : width;  // in the last chunk
    units = left <= few, lanes = few < width && (n > width || !units);
  }
};

}  // namespace forecast
