// In place of cpp/kernel/dispatch.cpp where a core is built for one instruction set only: with sanitizers, with a planted
// fault, with another compiler. FORECAST_ISA and FORECAST_NAME say which.
#include <cstring>

#include "../../cpp/kernel/table.h"

namespace forecast {

namespace FORECAST_ISA {
extern const Table table;
}

int available(const Available** list) {
  static Available all[] = {{FORECAST_NAME, &FORECAST_ISA::table, true}};
  *list = all;
  return 1;
}

const Table* choose(const char* forced, const char** reason) {
  const bool known = !forced || !std::strcmp(forced, FORECAST_NAME);
  *reason = known ? "the only one of this build" : "no such instruction set in this build";
  return known ? &FORECAST_ISA::table : nullptr;
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
