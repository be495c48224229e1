// Cuts the windows of one batch into chunks and chooses the way of each chunk.
#pragma once

#include <algorithm>

#include "batches.h"

namespace forecast {

// Chunks of `lanes` windows. Chunk c adds to slot c % slots, and a worker takes whole slots, so the sums do not depend
// on the number of threads.
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

// Largest number of leftover windows that are trained one at a time, with units in the lanes. Each of them takes 0.05
// to 0.2 of the time of a chunk, and a chunk takes the same time however few windows it has. Measured, in sixteenths of
// a chunk, by the bytes of a layer's weights: small layers wait for latencies, layers beyond the second-level cache for
// memory.
template <class T>
int64_t few_of(const Model<T>& model, Path path) {
  const int lanes = model.kernels->vectors.lanes;
  if (path != Path::automatic) return path == Path::units ? lanes : 0;
  const Plan& plan = *model.units;
  const int64_t bytes = plan.read / std::max(plan.n_recurrent, 1) * int64_t(sizeof(T));
  const int64_t share = bytes < (8 << 10) ? 5 : bytes < (128 << 10) ? 9 : bytes < (2 << 20) ? 7 : 3;
  return lanes * share / 16;
}

// Chooses the way of the chunks of a batch of n windows.
struct Ways {
  bool lanes, units;

  Ways(int64_t n, int width, int64_t few) {
    const int64_t left = n % width ? n % width : width;  // in the last chunk
    units = left <= few, lanes = few < width && (n > width || !units);
  }
};

}  // namespace forecast
