// The shell that is compiled once per instruction set: it hands out one constant table. CMake sets FORECAST_ISA,
// FORECAST_NAME (the same in quotes) and FORECAST_BYTES.
#include "network.h"
#include "peak.h"
#include "update.h"

namespace forecast::FORECAST_ISA {
namespace {

template <class T>
void activation(int which, const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    const Vec<T> v = load_first(x + i, left);
    const Vec<T> found = which == 0   ? exp(v)
                         : which == 1 ? sigmoid(v)
                         : which == 2 ? tanh(v)
                         : which == 3 ? log(v)
                         : which == 4 ? softplus(v)
                         : which == 5 ? log_gamma(v)
                                      : digamma(v);
    store_first(y + i, found, left);
  }
}

template <class T>
void gather_chunk(const Source& s, const int64_t* index, int n, T* x, double* scratch) {
  if (n == lanes<T> && in_runs(s)) return gather_past_lanes(s, index, x, scratch);
  for (int lane = 0; lane < n; ++lane) gather_past(s, index[lane], x + lane, lanes<T>, s.I * lanes<T>);
}

template <class T>
constexpr Kernels<T> all_kernels() {
  return {{lanes<T>, activation<T>, add<T>, norm2<T>, update<T>, average<T>, multiply_adds<T>, gather_chunk<T>},
          plan<T>,
          fields,
          pack<T>,
          train<T>,
          predict<T>,
          activity<T>,
          parts<T>,
          open<T>,
          share<T>,
          close<T>};
}

constexpr CellInfo cell_infos[] = {
#define FORECAST_CELL(name, Cell)    \
  {name,                             \
   Cell::rows,                       \
   {Cell::input[0], Cell::input[1]}, \
   {Cell::state[0], Cell::state[1]}, \
   Cell::states,                     \
   Cell::row_names,                  \
   Cell::state_names,                \
   Cell::initial_bias,               \
   Cell::gates,                      \
   Cell::gate_names,                 \
   vectors_of<Cell>,                 \
   vector_names_of<Cell>(),          \
   initial_vectors_of<Cell>(),       \
   argument_of<Cell>(name)},
    FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
};

constexpr LossInfo loss_infos[] = {
#define FORECAST_LOSS(name, Loss) {name, Loss::parameter, Loss::outputs, name_of(Loss::target)},
    FORECAST_LOSSES(FORECAST_LOSS)
#undef FORECAST_LOSS
};

constexpr LayerInfo layer_infos[] = {
#define FORECAST_LAYER(name, L)                                                                                 \
  {name,        L::least,   L::most,  L::same_width, L::each_wide, !L::always,    L::table, L::by_phase, \
   L::by_code, L::by_head, L::owner, Looping<L>,    Feeding<L>,   Attending<L>},
    FORECAST_LAYERS(FORECAST_LAYER)
#undef FORECAST_LAYER
};

template <class Info, int n>
constexpr int count(const Info (&)[n]) {
  return n;
}

}  // namespace

extern const Table table;
constexpr Table constant_table = {FORECAST_NAME, count(cell_infos),    count(loss_infos),    count(layer_infos),
                                  cell_infos,    loss_infos,           layer_infos,          observed,
                                  moments,       all_kernels<float>(), all_kernels<double>()};
const Table table = constant_table;

}  // namespace forecast::FORECAST_ISA
