// The states of a recurrent layer after its last step, for a call that goes on from them.
#pragma once

#include "recurrent.h"

namespace forecast::FORECAST_ISA {

template <class C>
struct HandedOn {
  // Where `begin` of the next call finds its initial states: [state][B][H] of the whole batch.
  template <class Way, class T>
  static void put(const Call<T>& k, int number) {
    if (k.layer(number).start >= 0) return;
    const typename Recurrent<C>::template View<Way, T> v(k, number);
    const T* last = v.after(v.T_ - 1);
    T* to = k.c.final + k.plan.slots[number].initial * k.c.B;
    for (int64_t i = 0; i < C::states; ++i)
      for (int lane = 0; lane < k.c.n; ++lane)
        for (int64_t unit = 0; unit < v.H; ++unit)
          to[(i * k.c.B + k.c.first + lane) * v.H + unit] = last[i * v.row + unit * Way::columns + lane];
  }
};

}  // namespace forecast::FORECAST_ISA
