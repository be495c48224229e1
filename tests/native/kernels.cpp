// Runs every cell's kernels without Python and prints what they give, so that an instruction set that this machine
// lacks can be cross-compiled, run in an emulator and compared with one that it has.
//
//   cell type what number value     value as a hexadecimal float
//
// THREADS in the environment: the threads of each call, 1 without it. The values are the same for any number.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../cpp/loop/batches.h"

using namespace forecast;

namespace forecast {
namespace FORECAST_ISA {
extern const Table table;
}
// dispatch.cpp would ask for every instruction set; here there is one.
template <>
const Kernels<float>& kernels<float>(const Table& table) {
  return table.f32;
}
template <>
const Kernels<double>& kernels<double>(const Table& table) {
  return table.f64;
}
}  // namespace forecast

namespace {

struct Draw {  // the same numbers everywhere
  uint64_t state = 12345;
  double operator()() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 11) / double(uint64_t(1) << 53) - 0.5;
  }
};

template <class T>
void print(const char* cell, const char* what, const std::vector<T>& values) {
  for (size_t i = 0; i < values.size(); ++i)
    std::printf("%s float%d %s %zu %a\n", cell, int(8 * sizeof(T)), what, i, double(values[i]));
}

// Layers of one cell with dropout after each, and a head on the last state: what Python would hand over.
struct Stack {
  std::vector<StreamSpec> streams;
  std::vector<LayerSpec> layers;
  NetworkSpec spec{};

  Stack(const Table& table, int cell, int64_t T_, int64_t I, int64_t H, int64_t L, int64_t K) {
    const auto stream = [&](int64_t steps, int64_t width, int of, int64_t first) {
      streams.push_back({steps, width, of, first, width});
      return int(streams.size()) - 1;
    };
    const auto layer = [&](const char* name, int in, int out, int64_t number) {
      int kind = cell;
      for (int i = 0; i < table.n_layers; ++i)
        if (!std::strcmp(name, table.layers[i].name)) kind = table.n_cells + i;
      layers.push_back({kind, 1, {in}, out, -1, -1, -1, false, false, false, Bias::one, number});
      layers.back().dilation = 1;
      return out;
    };
    int x = spec.past = stream(T_, I, -1, 0);
    for (int64_t l = 0; l < L; ++l) {
      x = layer("", x, stream(T_, H, -1, 0), 0);
      if (l + 1 == L) x = stream(1, H, x, (T_ - 1) * H);
      x = layer("dropout", x, stream(l + 1 == L ? 1 : T_, H, -1, 0), l);
    }
    spec.extra = -1, spec.out = layer("dense", x, stream(1, K, -1, 0), 0);
    spec.streams = streams.data(), spec.layers = layers.data();
    spec.n_streams = int(streams.size()), spec.n_layers = int(layers.size());
    spec.K = K, spec.Q = 1, spec.loss = 3;  // quantile
    spec.loop = -1;
  }
};

template <class T>
int run(const Table& table, int cell, int threads, int64_t H, int64_t L) {
  const Stack stack(table, cell, 11, 3, H, L, 5);
  const Model<T> model(kernels<T>(table), stack.spec, {0.3}, 0.25, 0.0, 0.0);
  Draw draw;
  std::vector<T> theta(size_t(model.lanes->parameters)), first(theta.size()), second(theta.size()), gradients(theta.size());
  for (T& x : theta) x = T(draw());
  std::vector<float> series(60 * 3);
  for (float& x : series) x = float(draw());
  const int64_t n = 37;
  std::vector<int64_t> index;
  for (int64_t i = 0; i < n; ++i) index.push_back(i);
  Source source{};
  source.past = {series.data(), false, 3, 1};
  source.target = {series.data(), false, 3, 1};
  source.past_stride = source.target_stride = 1, source.target_shift = 11;
  source.T = 11, source.I = 3, source.K = 5, source.columns = 1;
  const Windows windows{&table, &source, index.data(), n};
  StopSign sign(nullptr);
  std::vector<T> lanes(size_t(n * 5)), units(lanes.size()), outputs(lanes.size());
  std::vector<T> past(size_t(n * 11 * 3)), extra(1), initial(size_t(L * table.cells[cell].states * n * H));
  const Packed<T> packed(model, theta.data());
  predict(model, packed, windows, Path::lanes, threads, sign, lanes.data());
  predict(model, packed, windows, Path::units, threads, sign, units.data());
  if (std::memcmp(lanes.data(), units.data(), lanes.size() * sizeof(T))) {
    std::fprintf(stderr, "%s: units in the lanes give other bits\n", table.cells[cell].name);
    return 1;
  }
  std::vector<double> flow(size_t(L * 11));
  Gradients<T> g{0, outputs.data(), gradients.data(), past.data(), extra.data(), initial.data(), flow.data()};
  gradient<T>(model, theta.data(), windows, nullptr, nullptr, true, 7, 0.0, threads, sign, &g);
  const CellInfo& info = table.cells[cell];
  std::vector<T> values(size_t((info.gates + info.states) * n * L * 11 * H));
  activity(model, theta.data(), windows, threads, sign, values.data());
  print(table.cells[cell].name, "output", lanes);
  print(table.cells[cell].name, "gradient", gradients);
  print(table.cells[cell].name, "past", past);
  print(table.cells[cell].name, "flow", std::vector<T>(flow.begin(), flow.end()));  // of T by its precision
  print(table.cells[cell].name, "activity", values);
  Step step{};
  step.rule = Rule::adamw, step.rate = 0.01, step.beta_1 = 0.9, step.beta_2 = 0.999;
  step.epsilon = 1e-3;  // sLSTM has biases whose gradient is 0 but for rounding, which must not be divided by itself
  step.weight_decay = 0.01;
  const std::vector<double> rates(3, 0.01);
  const Group all{0, int64_t(theta.size()), 1.0, step.weight_decay};
  Optimizer<T> optimizer{step, 0, first.data(), second.data(), {all}, nullptr, 0.0};
  Trained trained;
  Scratch scratch;
  const Course course{16, rates.data(), 1.0, 0.5, 0.0, 0.0, 3, threads, Path::automatic};
  train(model, theta.data(), optimizer, windows, course, scratch, sign, &trained);
  print(table.cells[cell].name, "trained", theta);
  return 0;
}

}  // namespace

int main() {
  const Table& table = FORECAST_ISA::table;
  const char* given = std::getenv("THREADS");
  const int threads = given ? std::atoi(given) : 1;
  int bad = 0;
  for (int cell = 0; cell < table.n_cells; ++cell)
    bad += run<double>(table, cell, threads, 7, 2) + run<float>(table, cell, threads, 7, 2) + run<double>(table, cell, threads, 18, 1);
  return bad;
}
