// Chooses a table: the best one that this processor can run, or the one named by FORECAST_ISA. Baseline code. A new
// instruction set needs a line in CMake and, here, its declaration and the features that it was compiled for.
#if defined(_MSC_VER)
#include <intrin.h>
#endif

#include <cstring>

#include "table.h"

namespace forecast {

#if defined(__x86_64__)
namespace v2 {
extern const Table table;
}
namespace v3 {
extern const Table table;
}
namespace v4 {
extern const Table table;
}
#elif defined(__aarch64__)
namespace neon {
extern const Table table;
}
#endif

#if defined(_MSC_VER)
// clang-cl links without the runtime that __builtin_cpu_supports reads, so this queries the processor and, for the
// registers that it saves, the operating system (XGETBV).
struct Processor {
  bool v2 = false, v3 = false, v4 = false;

  Processor() {
    int leaf[4];
    __cpuid(leaf, 0);
    const int leaves = leaf[0];
    __cpuid(leaf, 1);
    const auto one = unsigned(leaf[2]);
    __cpuidex(leaf, 7, 0);
    const auto seven = leaves < 7 ? 0u : unsigned(leaf[1]);
    const auto saved = all(one, 1u << 27) ? unsigned(_xgetbv(0)) : 0u;
    v2 = all(one, 1u << 20 | 1u << 23);                                       // SSE4.2, POPCNT
    v3 = v2 && all(saved, 0x06) && all(one, 1u << 12) && all(seven, 1u << 5);  // YMM saved; FMA; AVX2
    v4 = v3 && all(saved, 0xE6) && all(seven, 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31);  // ZMM; F, DQ, BW, VL
  }
  static bool all(unsigned word, unsigned bits) { return (word & bits) == bits; }
};
#elif defined(__x86_64__)
struct Processor {
  bool v2 = false, v3 = false, v4 = false;

  Processor() {
    __builtin_cpu_init();  // it also queries the operating system (XGETBV)
    v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
};
#endif

int available(const Available** list) {
#if defined(__x86_64__)
  const Processor has;
  static Available all[] = {
      {"v4", &v4::table, has.v4},
      {"v3", &v3::table, has.v3},
      {"v2", &v2::table, has.v2},
  };
#elif defined(__aarch64__)
  static Available all[] = {{"neon", &neon::table, true}};
#else
#error "forecast has kernels for x86-64 and aarch64"
#endif
  *list = all;
  return int(sizeof(all) / sizeof(Available));
}

const Table* choose(const char* forced, const char** reason) {
  const Available* list;
  const int n = available(&list);
  for (int i = 0; i < n; ++i) {
    if (forced && std::strcmp(forced, list[i].name)) continue;
    if (list[i].runs) {
      *reason = forced ? "forced by FORECAST_ISA" : "the best that this processor runs";
      return list[i].table;
    }
    if (forced) {
      *reason = "this processor does not have it";
      return nullptr;
    }
  }
  *reason = forced ? "no such instruction set in this build" : "this processor has none of the built instruction sets";
  return nullptr;
}

template <>
const Kernels<float>& kernels<float>(const Table& table) {
  return table.f32;
}
template <>
const Kernels<double>& kernels<double>(const Table& table) {
  return table.f64;
}

}  // namespace forecast
