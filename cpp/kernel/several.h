// Several vectors that go through one formula together: every operation is issued for all of them before the next one,
// so that the long chains of exp and the following division overlap. The processor's out-of-order window is too short
// for that: exp on one vector at a time takes half as long again.
#pragma once

#include "vec.h"

namespace forecast::FORECAST_ISA {

template <class V, int P>
struct Several {
  static constexpr int count = P;
  V v[P];
};

template <class V, int P>
struct Lane<Several<V, P>> : Lane<V> {};

#define FORECAST_EACH(value)                  \
  Several<V, P> y;                            \
  UNROLL                                      \
  for (int i = 0; i < P; ++i) y.v[i] = value; \
  return y

template <class V, int P>
struct Splat<Several<V, P>> {
  static INLINE Several<V, P> of(typename Lane<V>::scalar x) { FORECAST_EACH(splat<V>(x)); }
};

#define FORECAST_OPERATOR(op)                                          \
  template <class V, int P>                                            \
  INLINE Several<V, P> operator op(Several<V, P> a, Several<V, P> b) { \
    FORECAST_EACH(a.v[i] op b.v[i]);                                   \
  }
FORECAST_OPERATOR(+)
FORECAST_OPERATOR(-)
FORECAST_OPERATOR(*)
FORECAST_OPERATOR(/)
#undef FORECAST_OPERATOR

template <class V, int P>
INLINE Several<V, P> operator-(Several<V, P> a) {
  FORECAST_EACH(-a.v[i]);
}
template <class V, int P>
INLINE Several<V, P> madd(Several<V, P> a, Several<V, P> b, Several<V, P> c) {
  FORECAST_EACH(madd(a.v[i], b.v[i], c.v[i]));
}
template <class V, int P>
INLINE Several<V, P> nmadd(Several<V, P> a, Several<V, P> b, Several<V, P> c) {
  FORECAST_EACH(nmadd(a.v[i], b.v[i], c.v[i]));
}
template <class V, int P>
INLINE Several<V, P> at_most(Several<V, P> x, Several<V, P> bound) {
  FORECAST_EACH(at_most(x.v[i], bound.v[i]));
}
template <class V, int P>
INLINE Several<V, P> at_least(Several<V, P> x, Several<V, P> bound) {
  FORECAST_EACH(at_least(x.v[i], bound.v[i]));
}
template <class V, int P>
INLINE Several<V, P> positive(Several<V, P> x) {
  FORECAST_EACH(positive(x.v[i]));
}
template <class V, int P>
INLINE Several<V, P> reciprocal(Several<V, P> b) {
  FORECAST_EACH(reciprocal(b.v[i]));
}
#if FORECAST_X86 && FORECAST_BYTES == 64
template <class V, int P>
INLINE Several<V, P> scale(Several<V, P> x, Several<V, P> n) {
  FORECAST_EACH(scale(x.v[i], n.v[i]));
}
#endif
#undef FORECAST_EACH

// Loads S from consecutive vectors in memory.
template <class S>
INLINE S load_as(const typename Lane<S>::scalar* p) {
  S x;
  UNROLL
  for (int i = 0; i < S::count; ++i) x.v[i] = load(p + i * (bytes / int(sizeof(*p))));
  return x;
}

template <class V, int P, class T>
INLINE void store(T* p, Several<V, P> x) {
  UNROLL
  for (int i = 0; i < P; ++i) store(p + i * width<T>, x.v[i]);
}

// Rows in memory, `row` apart. A formula loads a value when it uses it and stores it when it sets it, because the
// values of a gated cell do not all fit in registers.
template <class V, class T>
struct Read {
  const T* p;
  int64_t row;
  INLINE V operator[](int i) const { return load_as<V>(p + i * row); }
};
template <class V, class T>
struct Write {
  T* p;
  int64_t row;
  struct Place {
    T* p;
    INLINE V operator=(V x) const {
      store(p, x);
      return x;
    }
  };
  INLINE Place operator[](int i) const { return {p + i * row}; }
};

}  // namespace forecast::FORECAST_ISA
