// Width-agnostic vectors: the operations that a kernel may use on a register.
//
// The compiler's own vector types give + - * / and comparisons for every width; this file adds the rest.
// Everything is compiled once per instruction set, in a namespace with the name of the set, so that the linker cannot
// choose an inline function with wide instructions for a smaller machine.
//
// FORECAST_ISA    the namespace: v2, v3, v4 or neon
// FORECAST_BYTES  the width of a register in bytes
#pragma once

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))
#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define UNROLL PRAGMA(unroll)
#define UNROLL_4 PRAGMA(unroll 4)
#define NO_UNROLL PRAGMA(nounroll)
#else
#define UNROLL PRAGMA(GCC unroll 64)
#define UNROLL_4 PRAGMA(GCC unroll 4)
#define NO_UNROLL PRAGMA(GCC unroll 1)
#endif

namespace forecast::FORECAST_ISA {

constexpr int bytes = FORECAST_BYTES;
// Number of registers, of 32 or 16, that a tile of accumulators may fill. The others hold the operands and, without
// fused multiply-add, a product before its sum.
#if FORECAST_BYTES == 64 || FORECAST_NEON
constexpr int accumulators = 24;
#elif defined(__FMA__)
constexpr int accumulators = 12;
#else
constexpr int accumulators = 8;
#endif

typedef float f32 __attribute__((vector_size(FORECAST_BYTES)));
typedef double f64 __attribute__((vector_size(FORECAST_BYTES)));
typedef int32_t i32 __attribute__((vector_size(FORECAST_BYTES)));
typedef int64_t i64 __attribute__((vector_size(FORECAST_BYTES)));
// The same without alignment, for user memory and for rows at any address.
typedef float f32_any __attribute__((vector_size(FORECAST_BYTES), aligned(4), may_alias));
typedef double f64_any __attribute__((vector_size(FORECAST_BYTES), aligned(8), may_alias));

template <class V>
struct Lane;  // the scalar, the integers and the loosely aligned form that belong to a vector
template <>
struct Lane<f32> {
  using scalar = float;
  using integer = i32;
  using loose = f32_any;
};
template <>
struct Lane<f64> {
  using scalar = double;
  using integer = i64;
  using loose = f64_any;
};

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = f32;
};
template <>
struct VectorOf<double> {
  using type = f64;
};
template <class T>
using Vec = typename VectorOf<T>::type;
template <class T>
constexpr int width = bytes / int(sizeof(T));

INLINE f32 load(const float* p) { return *reinterpret_cast<const f32_any*>(p); }
INLINE f64 load(const double* p) { return *reinterpret_cast<const f64_any*>(p); }
INLINE void store(float* p, f32 v) { *reinterpret_cast<f32_any*>(p) = v; }
INLINE void store(double* p, f64 v) { *reinterpret_cast<f64_any*>(p) = v; }

template <class V>
struct Splat {
  static INLINE V of(typename Lane<V>::scalar x) { return x - V{}; }
};
template <class V>
INLINE V splat(typename Lane<V>::scalar x) {
  return Splat<V>::of(x);
}

#if defined(__x86_64__) && (FORECAST_BYTES < 64 || defined(__AVX512F__))
#define FORECAST_X86 1
#if FORECAST_BYTES == 64
#define MM(name) _mm512_##name
using m32 = __m512;
using m64 = __m512d;
#elif FORECAST_BYTES == 32
#define MM(name) _mm256_##name
using m32 = __m256;
using m64 = __m256d;
#else
#define MM(name) _mm_##name
using m32 = __m128;
using m64 = __m128d;
#endif
#else
#define FORECAST_X86 0
#endif

// a * b + c, with one rounding if the instruction set supports it. It is explicit because the compiler must not
// contract expressions by itself: the same source has to give the same bits in every loop.
#if FORECAST_X86 && defined(__FMA__)
INLINE f32 madd(f32 a, f32 b, f32 c) { return (f32)MM(fmadd_ps)((m32)a, (m32)b, (m32)c); }
INLINE f64 madd(f64 a, f64 b, f64 c) { return (f64)MM(fmadd_pd)((m64)a, (m64)b, (m64)c); }
#elif FORECAST_NEON
INLINE f32 madd(f32 a, f32 b, f32 c) { return (f32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
INLINE f64 madd(f64 a, f64 b, f64 c) { return (f64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#elif defined(__FMA__)  // emulated: twice the width of the machine
INLINE f32 madd(f32 a, f32 b, f32 c) {
  union {
    f32 all;
    __m256 half[2];
  } x = {a}, y = {b}, z = {c};
  for (int i = 0; i < 2; ++i) z.half[i] = _mm256_fmadd_ps(x.half[i], y.half[i], z.half[i]);
  return z.all;
}
INLINE f64 madd(f64 a, f64 b, f64 c) {
  union {
    f64 all;
    __m256d half[2];
  } x = {a}, y = {b}, z = {c};
  for (int i = 0; i < 2; ++i) z.half[i] = _mm256_fmadd_pd(x.half[i], y.half[i], z.half[i]);
  return z.all;
}
#else
template <class V>
INLINE V madd(V a, V b, V c) {
  return a * b + c;
}
#endif

// c - a * b: the compiler does not find the instruction that includes the sign.
#if FORECAST_X86 && defined(__FMA__)
INLINE f32 nmadd(f32 a, f32 b, f32 c) { return (f32)MM(fnmadd_ps)((m32)a, (m32)b, (m32)c); }
INLINE f64 nmadd(f64 a, f64 b, f64 c) { return (f64)MM(fnmadd_pd)((m64)a, (m64)b, (m64)c); }
#else
template <class V>
INLINE V nmadd(V a, V b, V c) {
  return madd(-a, b, c);
}
#endif

// Forces a value into a register here; otherwise the compiler may keep a tile's sums in memory.
template <class V>
INLINE void pin(V& v) {
#if FORECAST_NEON
  __asm__("" : "+w"(v));
#elif FORECAST_BYTES == 64 && !defined(__AVX512F__)
  static_cast<void>(v);
#else
  __asm__("" : "+v"(v));
#endif
}

// x within the bound; a NaN in x stays a NaN (x86 then returns the second operand).
#if FORECAST_X86 && FORECAST_BYTES == 64  // the unmasked forms make gcc 12 warn
INLINE f32 at_most(f32 x, f32 bound) { return (f32)_mm512_maskz_min_ps(__mmask16(-1), (m32)bound, (m32)x); }
INLINE f64 at_most(f64 x, f64 bound) { return (f64)_mm512_maskz_min_pd(__mmask8(-1), (m64)bound, (m64)x); }
INLINE f32 at_least(f32 x, f32 bound) { return (f32)_mm512_maskz_max_ps(__mmask16(-1), (m32)bound, (m32)x); }
INLINE f64 at_least(f64 x, f64 bound) { return (f64)_mm512_maskz_max_pd(__mmask8(-1), (m64)bound, (m64)x); }
#elif FORECAST_X86
INLINE f32 at_most(f32 x, f32 bound) { return (f32)MM(min_ps)((m32)bound, (m32)x); }
INLINE f64 at_most(f64 x, f64 bound) { return (f64)MM(min_pd)((m64)bound, (m64)x); }
INLINE f32 at_least(f32 x, f32 bound) { return (f32)MM(max_ps)((m32)bound, (m32)x); }
INLINE f64 at_least(f64 x, f64 bound) { return (f64)MM(max_pd)((m64)bound, (m64)x); }
#else
template <class V>
INLINE V at_most(V x, V bound) {
  return bound < x ? bound : x;
}
template <class V>
INLINE V at_least(V x, V bound) {
  return x < bound ? bound : x;
}
#endif

// 1 / b for finite b > 0. A division of 16 lanes occupies its unit for 16 cycles on an Intel core; a seed and
// multiply-adds take 4, on other units. The result is still correctly rounded (Markstein 1990): from any seed of 14
// bits, two Newton steps give the rounded reciprocal, except for a b whose mantissa is all ones. So the bits are those
// of the division.
#if FORECAST_X86 && FORECAST_BYTES == 64
INLINE f32 reciprocal(f32 b) {
  const f32 one = splat<f32>(1);
  f32 y = (f32)_mm512_maskz_rcp14_ps(__mmask16(-1), (m32)b);
  y = madd(nmadd(b, y, one), y, y);
  return madd(nmadd(b, y, one), y, y);
}
// x 2^n for whole n
INLINE f32 scale(f32 x, f32 n) { return (f32)_mm512_maskz_scalef_ps(__mmask16(-1), (m32)x, (m32)n); }
INLINE f64 scale(f64 x, f64 n) { return (f64)_mm512_maskz_scalef_pd(__mmask8(-1), (m64)x, (m64)n); }
#endif
template <class V>
INLINE V reciprocal(V b) {
  return splat<V>(1) / b;
}

template <class V>
INLINE V positive(V x) {  // 1 where x > 0, else 0
  return x > V{} ? splat<V>(1) : V{};
}

// Sum of the lanes in a fixed order, so that the result does not depend on the compiler.
template <class V>
INLINE typename Lane<V>::scalar sum(V v) {
  typename Lane<V>::scalar total = 0;
  for (int i = 0; i < int(sizeof(V) / sizeof(total)); ++i) total += v[i];
  return total;
}

// Only the first n lanes, for the ragged end of a row; the rest is 0. It uses a separate buffer, because the compiler
// would keep a vector in memory if its lanes were addressed one by one.
template <class T>
INLINE Vec<T> load_first(const T* p, int n) {
  if (n >= width<T>) return load(p);
  T lane[width<T>] = {};
  for (int i = 0; i < n; ++i) lane[i] = p[i];
  return load(lane);
}
template <class T>
INLINE void store_first(T* p, Vec<T> v, int n) {
  if (n >= width<T>) return store(p, v);
  T lane[width<T>];
  store(lane, v);
  for (int i = 0; i < n; ++i) p[i] = lane[i];
}

// sqrt is correctly rounded everywhere, so a loop over lanes that the compiler turns into one instruction is safe.
template <class V>
INLINE V square_root(V x) {
  V root;
  for (int i = 0; i < int(sizeof(V) / sizeof(x[0])); ++i) {
    if constexpr (sizeof(x[0]) == 4) root[i] = __builtin_sqrtf(x[i]);
    else root[i] = __builtin_sqrt(x[i]);
  }
  return root;
}

INLINE f64 as_double(const double* p) { return load(p); }
INLINE f64 as_double(const float* p) {
  typedef float half __attribute__((vector_size(bytes / 2), aligned(4), may_alias));
  return __builtin_convertvector(*reinterpret_cast<const half*>(p), f64);
}

// Sum of squares, with values clipped to [-clip_value, clip_value] if that is positive. In double, in a few vectors of
// chains, which is fast and has a fixed order. A NaN stays a NaN.
template <class T>
inline double norm2(const T* x, int64_t n, double clip_value) {
  constexpr int w = width<double>, chains = 4;
  const f64 bound = splat<f64>(clip_value > 0 ? clip_value : __builtin_inf());
  f64 sums[chains] = {};
  int64_t i = 0;
  for (; i + chains * w <= n; i += chains * w) {
    UNROLL
    for (int c = 0; c < chains; ++c) {
      const f64 v = at_least(at_most(as_double(x + i + c * w), bound), -bound);
      sums[c] = madd(v, v, sums[c]);
    }
  }
  double total = 0;
  for (int c = 0; c < chains; ++c) total += sum(sums[c]);
  for (; i < n; ++i) {
    double size = double(x[i]);
    size = size < 0 ? -size : size;
    size = clip_value > 0 && size > clip_value ? clip_value : size;
    total += size * size;
  }
  return total;
}

}  // namespace forecast::FORECAST_ISA
