// Picks a table: the best that this processor runs, or the one that FORECAST_ISA names. Baseline code. A new
// instruction set is a line of CMake, and here its declaration and the features that it was compiled for.
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

int available(const Available** list) {
#if defined(__x86_64__)
  __builtin_cpu_init();  // it asks the operating system too (XGETBV)
  const bool has_v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool has_v3 = has_v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_v4 = has_v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static Available all[] = {
      {"v4", &v4::table, has_v4},
      {"v3", &v3::table, has_v3},
      {"v2", &v2::table, has_v2},
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
