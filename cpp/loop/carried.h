// States carried from batch to batch: window i of a batch starts with the final states of window i of the previous
// batch.
#pragma once

#include <algorithm>

#include "cut.h"

namespace forecast {

// For the n windows of a call from `first` on: sets the states of windows that begin anew to zero.
template <class T>
void begin_anew(const Windows& windows, const NetworkSpec& net, const Plan& plan, const Carried<T>& carried,
                int64_t first, int64_t n) {
  for (int l = 0; carried.begins && l < net.n_layers; ++l) {
    const LayerSpec& layer = net.layers[l];
    if (layer.kind >= windows.table->n_cells || layer.start >= 0) continue;
    const int64_t H = net.streams[layer.out].width;
    T* const states = carried.states + plan.slots[l].initial * carried.batch;
    for (int s = 0; s < windows.table->cells[layer.kind].states; ++s)
      for (int64_t i = 0; i < n; ++i)
        if (carried.begins[first + i]) std::fill_n(states + (s * carried.batch + i) * H, H, T(0));
  }
}

// Tells a chunk where these states are. It starts with them and writes the new ones to the same place.
template <class T>
void carry(Chunk<T>* c, const Carried<T>& carried) {
  c->initial = carried.states, c->final = carried.states, c->B = carried.batch;
}

}  // namespace forecast
