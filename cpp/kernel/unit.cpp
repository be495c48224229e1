// The shell that is compiled once per instruction set: it instantiates every cell in both precisions and hands out one
// constant table. CMake sets FORECAST_ISA, FORECAST_NAME (the same in quotes) and FORECAST_BYTES.
#include "peak.h"
#include "update.h"
#include "window.h"

namespace forecast::FORECAST_ISA {
namespace {

template <class C, class T>
void sizes(const Shape& s, bool drop, Sizes* out) {
  const int64_t O = outputs_of(s);
  int64_t weights = 0, units = 0;
  for (int64_t l = 0; l < s.L; ++l) weights += layer_weights<C>(s, l), units += layer_units<C, T>(s, l);
  out->parameters = head_offset<C>(s) + O * (s.H + s.E) + O;
  out->pack_forward = out->parameters;
  out->pack_backward = weights + O * (s.H + s.E);
  out->pack_units = units + padded<T>(O) * (s.H + s.E + 1);
  out->pack_window = WindowPacks<C, T>(s).size;
  Arena<T> arena{nullptr};
  take_io(s, arena);
  out->arena_forward = arena.used + 2 * (s.L * C::states * s.H * lanes<T> + 16);
  Tapes<C, T>(s, drop, arena);
  Arena<T> window{nullptr};
  WindowTape<C, T>(s, drop, window);
  out->arena_train = arena.used > window.used ? arena.used : window.used;
  out->arena_units = s.T * s.I + s.E + padded<T>(O) + 2 * s.L * C::states * padded<T>(s.H) + 5 * 16;
}

template <class C, class T>
int fields(const Shape& s, Field* out) {
  int count = 0;
  int64_t offset = 0;
  const auto put = [&](int layer, char kind, int row, int64_t n, int64_t m) {
    if (out) out[count] = {layer, kind, row, offset, n, m};
    ++count;
    offset += n * (m ? m : 1);
  };
  for (int l = 0; l < int(s.L); ++l) {
    for (int row = C::input[0]; row < C::input[1]; ++row) put(l, 'W', row, s.H, l ? s.H : s.I);
    for (int row = C::state[0]; row < C::state[1]; ++row) put(l, 'R', row, s.H, s.H);
    for (int row = 0; row < C::rows; ++row) put(l, 'b', row, s.H, 0);
  }
  put(-1, 'W', 0, outputs_of(s), s.H + s.E);
  put(-1, 'b', 0, outputs_of(s), 0);
  return count;
}

template <class T>
Network<T> plain(const Shape& s, const T* theta) {
  Network<T> net{};
  net.shape = s;
  net.theta = theta;
  return net;
}

template <class T>
auto head_weight(const Shape& s, const T* W, int64_t first) {
  const int64_t row = s.H + s.E, O = outputs_of(s);
  return [=](int, int64_t o, int64_t k) { return o < O ? W[o * row + first + k] : T(0); };
}

template <class C, class T>
void pack_forward(const Shape& s, const T* theta, T* pack) {
  const Network<T> net = plain(s, theta);
  for (int64_t l = 0; l < s.L; ++l) pack = pack_layer<C>(layer_of<C, T>(net, nullptr, l), pack);
  const T* W = head_of<C, T>(net, nullptr).W;
  pack_lanes<HeadFeed>(pack, outputs_of(s), s.H, s.E, head_weight(s, W, 0), head_weight(s, W, s.H));
}

template <class C, class T>
void pack_units_of(const Shape& s, const T* theta, T* pack) {
  const Network<T> net = plain(s, theta);
  for (int64_t l = 0; l < s.L; ++l) pack = pack_layer_units<C>(layer_of<C, T>(net, nullptr, l), pack);
  const T *W = head_of<C, T>(net, nullptr).W, *b = head_of<C, T>(net, nullptr).b;
  const int64_t O = outputs_of(s);
  const auto bias = [=](int, int64_t o) { return o < O ? b[o] : T(0); };
  pack_units<HeadFeed>(pack, padded<T>(O) / width<T>, s.H, s.E, bias, head_weight(s, W, 0), head_weight(s, W, s.H));
}

template <class C, class T>
void pack_backward(const Shape& s, const T* theta, T* pack) {
  const Network<T> net = plain(s, theta);
  const int64_t O = outputs_of(s), head_row = s.H + s.E;
  for (int64_t l = 0; l < s.L; ++l) {
    const Layer<T> layer = layer_of<C, T>(net, nullptr, l);
    pack = pack_transposed(layer.R, state_rows<C> * s.H, s.H, s.H, pack);
    pack = pack_transposed(layer.W, input_rows<C> * s.H, layer.I, layer.I, pack);
  }
  const T* W = head_of<C, T>(net, nullptr).W;
  pack = pack_transposed(W, O, head_row, s.H, pack);
  pack_transposed(W + s.H, O, head_row, s.E, pack);
}

template <class C, class T>
int parts(const Shape& s) {
  return int(units_blocks<CellFeed<C>>(padded<T>(s.H) / width<T>));
}

template <class T>
void activation(int which, const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    const Vec<T> v = load_first(x + i, left);
    store_first(y + i, which == 0 ? exp(v) : which == 1 ? sigmoid(v) : tanh(v), left);
  }
}

template <class C, class T>
constexpr Engine<T> engine() {
  return {sizes<C, T>,         fields<C, T>,         pack_forward<C, T>,
          pack_backward<C, T>, pack_units_of<C, T>,  pack_window_backward<C, T>,
          train<C, T>,         train_windows<C, T>,  activity<C, T>,
          predict<C, T>,       predict_window<C, T>, parts<C, T>,
          begin_window<C, T>,  step_window<C, T>,    end_window<C, T>};
}

template <class T>
constexpr Kernels<T> all_kernels() {
  return {{lanes<T>, activation<T>, add<T>, norm2<T>, update<T>, average<T>, multiply_adds<T>},
          {
#define FORECAST_CELL(name, Cell) engine<Cell, T>(),
              FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
          }};
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
   Cell::gates,                      \
   Cell::gate_names},
    FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL
};

constexpr LossInfo loss_infos[] = {
#define FORECAST_LOSS(name, Loss) {name, Loss::parameter, Loss::output_per_parameter},
    FORECAST_LOSSES(FORECAST_LOSS)
#undef FORECAST_LOSS
};

constexpr int n_cells = sizeof(cell_infos) / sizeof(CellInfo), n_losses = sizeof(loss_infos) / sizeof(LossInfo);
static_assert(n_cells <= most_cells, "raise most_cells in table.h");

}  // namespace

extern const Table table;
constexpr Table constant_table = {FORECAST_NAME,        n_cells,  n_losses, cell_infos,
                                  loss_infos,           observed, moments,  all_kernels<float>(),
                                  all_kernels<double>()};
const Table table = constant_table;

}  // namespace forecast::FORECAST_ISA
