// What the kernels offer to the rest: plain structs and a table of entry points, one table per instruction set.
// The only file of this room that others see; it holds no code, so that nothing compiled for a wide machine leaks out.
//
// Shape letters: T steps, B batch, I inputs, H hidden units, L layers, E extra inputs of the head, K targets of a
// window (horizon times columns), Q outputs per target.
#pragma once

#include <stdint.h>

namespace forecast {

constexpr int most_outputs = 64;    // Q at most: one target's outputs live on the stack
constexpr int gradient_slots = 16;  // partial gradients of a batch, added in this order whatever the threads

struct Shape {
  int64_t T, I, H, L, E, K, Q;
};

// Where windows come from: raw series, referenced. See Source in forecast/_core.pyi for the meaning.
struct Matrix {
  const void* data;  // null: absent
  bool is_double;
  int64_t row, column;  // strides in elements
};
struct Source {
  Matrix past, target;
  Matrix extra, future, constant;  // of the head's extra inputs: per window, per row, per series
  const int64_t* origin;           // this, or origin_32, or neither: window w has base w
  const int32_t* origin_32;
  const int64_t* starts;  // [series + 1] rows of past at which the series begin; where `constant` is there
  int64_t series;
  int64_t past_stride, past_shift, target_stride, target_shift;
  int64_t T, I, K, columns, horizon;
  int64_t E, extra_columns, future_columns, constant_columns;  // E: extra + horizon * future + constant
  const double* weight;                                        // null: 1
  const int32_t* anchor;                                       // [I] a Kind each; null: none
  bool averages;                                               // some anchor is a mean
  const int32_t* target_anchor;                                // [columns] the channel, or -1; null: none
  const double *past_mean, *past_inverse, *target_mean, *target_inverse, *extra_mean, *extra_inverse;
};
enum class Kind : int32_t { none, newest, mean, standard };  // of an anchor

// Asked between time steps; true: give up. It may take the interpreter's lock and run the user's signal handlers.
struct Poll {
  bool (*stop)(void* self);
  void* self;
};

// A network that does not change during a call. The packs are the weights in the order in which a product reads them.
template <class T>
struct Network {
  Shape shape;
  int loss;
  const T* loss_parameters;
  double dropout;
  double clip;  // bound of the scaled past; <= 0: none
  const T* theta;
  const T *pack_forward, *pack_backward, *pack_units, *pack_window;
};

// A chunk: up to `lanes` windows of one batch, and where its results go.
template <class T>
struct Chunk {
  const Source* source;
  const int64_t* index;  // [n] windows
  int n;
  int64_t first;  // number of its first window in the batch: the counter of the dropout masks and of the noise
  uint64_t seed;  // of the dropout masks and of the noise
  bool drop;
  double noise;  // standard deviation of what is added to the scaled past; <= 0: none
  double normaliser;  // 1 / (sum of weights over observed targets)
  const T* initial;   // [L][S][B][H] of the whole batch, null: zeros
  int64_t B;
  T* arena;
  T* gradient;                   // [parameters] added to; null: forward only
  double* loss;                  // set to the chunk's part of the mean loss; null: not asked for
  T* outputs;                    // [B][K Q] of the whole batch, null: not asked for
  T *dpast, *dextra, *dinitial;  // [B][T][I], [B][E], [L][S][B][H] of the whole batch; null: not asked for
  double* flow;  // [L][T] added to: squares of the gradient of h, over windows and units; null: not asked for
  T* activity;   // [gate, then state][B][L][T][H] of the whole batch, for Engine::activity alone
  Poll poll;
};

struct Sizes {  // in elements
  int64_t parameters, pack_forward, pack_backward, pack_units, pack_window, arena_forward, arena_train, arena_units;
};

struct Field {  // one named array inside theta
  int layer;    // -1: the head
  char kind;    // W, R or b
  int row;
  int64_t offset, n, m;  // shape (n, m); m is 0 for a vector
};

struct CellInfo {
  const char* name;
  int rows, input[2], state[2], states;
  const char* const* row_names;
  const char* const* state_names;
  int gates;  // taped values between 0 and 1, or of the candidate
  const char* const* gate_names;
};

struct LossInfo {
  const char* name;
  const char* parameter;  // null: none
  bool output_per_parameter;
};

// One optimiser step on flat vectors of n elements.
enum class Rule : int { sgd, adam, adamw, rmsprop };
struct Step {
  Rule rule;
  double rate, momentum, beta_1, beta_2, epsilon, weight_decay;
  double correction_1, correction_2;  // 1 - beta^step
  double scale;                       // of the gradient: clipping by norm
  double clip_value;                  // <= 0: none
};

// One cell in one precision.
template <class T>
struct Engine {
  void (*sizes)(const Shape&, bool drop, Sizes*);
  int (*fields)(const Shape&, Field*);  // how many; null counts only
  void (*pack_forward)(const Shape&, const T* theta, T* pack);
  void (*pack_backward)(const Shape&, const T* theta, T* pack);
  void (*pack_units)(const Shape&, const T* theta, T* pack);
  void (*pack_window)(const Shape&, const T* theta, T* pack);
  bool (*train)(const Network<T>&, const Chunk<T>&);  // forward, loss, backward; false: told to stop
  // The same, window by window, units in the lanes; reads pack_units and pack_window instead of the other two. No
  // initial states, and no gradients but those of the weights.
  bool (*train_windows)(const Network<T>&, const Chunk<T>&);
  bool (*activity)(const Network<T>&, const Chunk<T>&);        // forward with a tape, then what it holds; no dropout
  bool (*predict)(const Network<T>&, const Chunk<T>&);         // forward in a few steps' memory, windows in the lanes
  bool (*predict_window)(const Network<T>&, const Chunk<T>&);  // one window, units in the lanes, the same bits
  // The same, its steps shared: begin, every part of every step and layer in turn, end.
  int (*parts)(const Shape&);  // into how many parts a layer's step can be cut
  void (*begin)(const Network<T>&, const Chunk<T>&);
  void (*step)(const Network<T>&, const Chunk<T>&, int64_t t, int64_t l, int part, int parts);
  void (*end)(const Network<T>&, const Chunk<T>&);
};

template <class T>
struct Vectors {                                               // work on flat vectors, the same for every cell
  int lanes;                                                   // windows in a chunk
  void (*activation)(int which, const T* x, T* y, int64_t n);  // 0 exp, 1 sigmoid, 2 tanh
  void (*add)(T* into, const T* x, int64_t n);
  double (*norm2)(const T* x, int64_t n, double clip_value);  // sum of squares in double, of clipped values if > 0
  void (*update)(const Step&, T* theta, const T* gradient, T* first, T* second, int64_t n);
  void (*average)(T* average, const T* theta, double decay, int64_t n);  // average = decay average + (1 - decay) theta
  double (*multiply_adds)(int64_t n);  // n rounds in registers; returns the floating-point operations
};

constexpr int most_cells = 16;
template <class T>
struct Kernels {
  Vectors<T> vectors;
  Engine<T> cells[most_cells];
};

struct Table {
  const char* name;
  int n_cells, n_losses;
  const CellInfo* cells;
  const LossInfo* losses;
  // Sum over windows of weight times observed targets.
  double (*observed)(const Source&, const int64_t* index, int64_t n);
  // Adds sum of weights, and weighted sums of (x - centre)^power, to doubles [I], [K], [E]; the centres may be null
  // (0).
  void (*moments)(const Source&, const int64_t* index, int64_t n, int power, const double* const centre[3],
                  double* const weight[3], double* const sum[3]);
  Kernels<float> f32;
  Kernels<double> f64;
};

template <class T>
const Kernels<T>& kernels(const Table& table);

// dispatch.cpp: the tables built into this binary, best first; whether this processor can run one; the one in use.
struct Available {
  const char* name;
  const Table* table;
  bool runs;
};
int available(const Available** list);
const Table* choose(const char* forced, const char** reason);  // null: impossible, and reason says why

}  // namespace forecast
