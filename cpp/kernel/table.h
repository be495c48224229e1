// The interface of the kernels: plain structs and a table of entry points, one table per instruction set. Other rooms
// see only this file. It holds no code, so that nothing compiled for a wide machine leaks out.
//
// A network is layers over streams (docs/design.md). Shape letters: T steps, B batch, I inputs, H hidden units, E extra
// inputs, K targets of a window (horizon times columns), Q outputs per target.
#pragma once

#include <stdint.h>

namespace forecast {

constexpr int most_outputs = 512;   // Q at most: one target's outputs live on the stack
constexpr int gradient_slots = 16;  // partial gradients of a batch, added in this order for any number of threads
constexpr int most_inputs = 4;      // streams that a layer reads

// ---- the description of a network ------------------------------------------------------------------------

// A stream of data, [step][feature] of every window. A view owns no memory: its entry (s, j) is entry first + s * pitch
// + j of the stream `of`, whose entries are numbered step by step.
struct StreamSpec {
  int64_t steps, width;
  int of;  // -1: no view
  int64_t first, pitch;
};

enum class Bias : int { none, one, steps };  // of a dense layer: none, one, or one per step

struct LayerSpec {
  int kind;  // its number in the table of kinds: every cell, then the layers of layer/registry.h
  int inputs, in[most_inputs], out, added;  // streams; added: -1 where there is none; of a cell the second input is
                                            // the time since the step before, with which its states decay
  int start, tied;  // earlier layers: whose last states it starts from, whose weights it uses; -1: its own
  bool reverse, restart, relu;
  Bias bias;
  int64_t number;                  // of its random numbers
  int64_t rows, length, channels;  // of a table; of a cycle
  double rate;                     // of an embedding: share of steps that read its last row while training; 0: none does
  int64_t heads;                   // of a matrix memory
  int64_t dilation;                // of a recurrent layer: steps to the one whose states it goes on from
  double recurrent_dropout, zoneout;
  bool ragged;                     // of a recurrent layer: windows may begin later than at step 0
  int level;                       // of what is fed back: which of a target's outputs
};

struct NetworkSpec {
  const StreamSpec* streams;
  const LayerSpec* layers;
  int n_streams, n_layers;
  int past, extra, out;  // streams; extra: -1 where there is none
  int64_t K, Q;
  int loss;
  int loop;  // the layer that feeds outputs back: from it on, layers take every step together; -1: none
};

// ---- where a network's arrays lie, for one use of it; made by Kernels::plan ------------------------------

struct Use {
  bool units;     // units in the lanes, one window at a time; otherwise windows in the lanes
  bool backward;  // with tapes and gradients
  bool drop;    // with random masks
  bool inputs;  // gradients of inputs and of initial states too
};

// Offsets in elements from the start of the arena. Step s of a stream begins at x + ((s + shift) & mask) * pitch; its
// gradient, which only the steps [d_first, d_first + d_steps) have, at d + (s - d_first) * d_pitch (d < 0: it has
// none). A view has the entries first + s * stride of `base`.
struct Place {
  int64_t x, pitch, shift, mask;
  int64_t d, d_pitch, d_first, d_steps;
  int base;  // itself, or what it is a view of, through all views
  int64_t first, stride;
  int readers;           // layers that read any of it; several add to a gradient that begins with zeros
  bool needed;           // its gradient leads to a weight, or to an input whose own is asked for
  int link;              // the stream whose gradient holds this one's, from that feature on; -1: none
  int64_t link_feature;  // ... which is that of its step d_first
};

// The data of one layer: offsets of its weights in theta, of its packs, of its arrays in the arena, and of its part of
// results that are given per layer (in units of B if each window has its own).
struct Slot {
  int64_t theta, pack[4], memory, flow, initial, activity;
  int64_t places;  // steps that are kept of a recurrent layer's states, the initial ones included
  bool skipped;    // its output is a view of its input
  int64_t table, table_first, table_row;  // of a table: its number, its part of a window's rows, numbers in a row
  int64_t reads;                          // rows of it that a window reads, with numbers and parts one after the other
};

// Layers whose steps are computed together, so that a step's outputs are still in cache when the next layer reads them.
struct Phase {
  int first, last;
  int64_t steps;
};

enum Pack : int { forward_lanes, backward_lanes, forward_units, backward_units };

struct Plan {
  Use use;
  Place* places;  // [n_streams]
  Slot* slots;    // [n_layers]
  Phase* phases;  // [n_layers] room
  int n_phases, n_recurrent;
  int64_t parameters, dense;                         // theta, and its part before the tables
  int64_t tables, table_width;                       // rows that a window reads, and numbers in all of them
  int64_t packs[4], arena, flow, initial, activity;  // sizes
  int64_t read;                                      // of forward_units by all layers, shared packs each time
  int64_t y, weight, anchors, wide;                  // offsets in the arena
};

// ---- what it is computed on ------------------------------------------------------------------------------

// The source of windows: references to the raw series. Source in forecast/_core.pyi explains the fields.
struct Matrix {
  const void* data;  // null: absent
  bool is_double;
  int64_t row, column;  // strides in elements
};
struct Source {
  Matrix past, target;
  const int64_t* begin;            // of each window its first step; null: 0 of all
  Matrix extra, future, constant;  // of the head's extra inputs: per window, per row, per series
  const int64_t* origin;           // this, or origin_32, or neither: window w has base w
  const int32_t* origin_32;
  const int64_t* starts;  // [series + 1] rows of past at which the series begin; where something is per series
  int64_t series;
  int64_t past_stride, past_shift, target_stride, target_shift;
  int64_t T, I, K, columns, horizon;
  int64_t E, extra_columns, future_columns, constant_columns;  // E: extra + horizon * future + constant
  int64_t padding;               // steps before the lookback's own, which repeat its oldest: x has padding + T steps
  const double* weight;          // null: 1
  const int32_t* anchor;         // [I] a Kind each; null: none
  bool averages;                 // some anchor is a mean
  int64_t anchor_steps;          // number of newest steps that means are over
  int64_t season;                // length of the seasonal anchors; 0: there are none
  const double* anchor_floor;    // [floors][I] the least spread; null: a thousandth of the mean
  int64_t floors;                // 1, or one for each series
  const int32_t* target_anchor;  // [columns] the channel, or -1; null: none
  const int32_t* future_anchor;  // [future_columns] the channel whose newest value is subtracted, or -1; null: none
  const double *past_mean, *past_inverse, *target_mean, *target_inverse, *extra_mean, *extra_inverse;
  const int64_t* series_row;  // per window: the row of its series in tables; -1: none of them; null: not given
  const int64_t* phase;       // per window: that of its oldest row in a cycle; null: not given
  const double* cycle_ratio;  // [cycle_ratios] past scale over target scale of every target; null: 1
  int64_t cycle_ratios;
  // A decoder is fed scale z + shift for target k, with z as the loss sees it. Null: 1 and 0.
  const double *fed_scale, *fed_shift;
  int64_t fed;
};
enum class Kind : int32_t { none, newest, mean, standard, seasonal };  // of an anchor

// Called between time steps; true: stop. It may take the interpreter's lock and run the user's signal handlers.
struct Poll {
  bool (*stop)(void* self);
  void* self;
};

// A network that does not change during a call. The packs are the weights in the order in which a product reads them.
template <class T>
struct Network {
  const NetworkSpec* spec;
  const Plan* plan;
  const T* loss_parameters;
  double dropout, left_out;  // left_out: share of windows that read a table's row of unknown series, while training
  bool all_known;            // no code is drawn to read the row of unknown ones, whatever the masks
  double clip;               // bound of the scaled past; <= 0: none
  const T* theta;
  const T* packs[4];
};

// A chunk: up to `lanes` windows of one batch, and the places of its results.
template <class T>
struct Chunk {
  const Source* source;
  const int64_t* index;  // [n] windows
  int n;
  int64_t first;      // number of its first window in the batch: the counter of masks and noise
  uint64_t seed;      // of both
  double noise;       // standard deviation of what is added to the scaled past; <= 0: none
  double forced;      // probability that a fed step reads the true target of the step before; <= 0: never
  double normaliser;  // 1 / (sum of weights over observed targets)
  const T* initial;   // per recurrent layer without a start [S][B][H] of the whole batch, null: zeros
  T* final;           // the same after the last step, null: not requested; it may be `initial`
  int64_t B;
  T* arena;
  T* gradient;                   // [dense] added to; null: forward only
  T* rows;                       // [B][table_width] of the whole batch: gradients of the rows that each window read
  int64_t* read;                 // [B][tables] which rows these are; -1: none
  double* loss;                  // the chunk's part of the mean loss is added to it; null: not requested
  T* outputs;                    // [B][K Q] of the whole batch, null: not requested
  const T* upstream;             // [B][K Q] what goes backward from the outputs; null: the gradient of the loss
  T *dpast, *dextra, *dinitial;  // [B][T][I], [B][E], as `initial`; null: not requested
  double* flow;                  // per recurrent layer [T] added to: squares of the gradient of h; null: not requested
  T* activity;  // per recurrent layer [gate, then state][B][T][H], of attention [B][steps][its T]; or null
  Poll poll;
};

struct Field {  // one named array inside theta
  int layer;
  char kind;  // W, R, b, g (a gain) or v; p: a vector of a cell; d: of a decay; 0: the layer's own name says it
  int row;                  // of the cell, or number of its vector; -1: the layer is not a cell
  int64_t offset, n, m, k;  // shape (n, m, k); what is 0 is not there
};

struct CellInfo {
  const char* name;
  int rows, input[2], state[2], states;
  const char* const* row_names;
  const char* const* state_names;
  const double* initial_bias;  // [rows]
  int gates;                   // taped values between 0 and 1, or of the candidate
  const char* const* gate_names;
  int vectors;  // one number per unit each
  const char* const* vector_names;
  const double* initial_vectors;  // [vectors][lowest and highest value]; null: 0
  const char* argument;  // how the estimator's argument `cell` names it
};

// What a layer other than a cell accepts. The binding checks it.
struct LayerInfo {
  const char* name;
  int least, most;  // inputs
  bool same_width;  // its inputs together are as wide as its output
  bool each_wide;   // each of them has the steps and the width of its output
  bool passes;      // its output may be a view of its input
  bool table;       // it looks rows up; `by_phase`: at places in a cycle
  bool by_phase;
  bool by_code;     // ... or at numbers of a column of an input
  bool by_head;     // its units are cut into heads: inputs q, k, v and gates; of the gates 2 for each head after o
  const char* owner;  // the kind whose weights it must be tied to; null: it may own them
  bool loops, feeds;  // it can go back step by step; it feeds outputs back
  bool attends;       // every step reads all steps of its inputs but the first
};

struct LossInfo {
  const char* name;
  const char* parameter;  // null: none
  int outputs;         // per target; 0: one per parameter
  const char* target;  // what its targets are: real, positive, counts or labels
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

template <class T>
struct Vectors {                                               // work on flat vectors, the same for every cell
  int lanes;                                                   // windows in a chunk
  void (*activation)(int which, const T* x, T* y, int64_t n);  // 0 exp, 1 sigmoid, 2 tanh, 3 log
  void (*add)(T* into, const T* x, int64_t n);
  double (*norm2)(const T* x, int64_t n, double clip_value);  // sum of squares in double, of clipped values if > 0
  void (*update)(const Step&, T* theta, const T* gradient, T* first, T* second, int64_t n);
  void (*average)(T* average, const T* theta, double decay, int64_t n);  // average = decay average + (1 - decay) theta
  double (*multiply_adds)(int64_t n);  // n rounds in registers; returns the floating-point operations
  // The past of n windows, at most `lanes`: x[padding + T][I][lanes]; scratch has room for 2 * I * lanes values.
  void (*gather)(const Source&, const int64_t* index, int n, T* x, double* scratch);
};

// One precision.
template <class T>
struct Kernels {
  Vectors<T> vectors;
  void (*plan)(const NetworkSpec&, Use, Plan*);
  int (*fields)(const NetworkSpec&, Field*);  // how many; null counts only
  void (*pack)(const Network<T>&, Pack which, T* pack);
  bool (*train)(const Network<T>&, const Chunk<T>&);     // forward, loss, backward; false: stopped
  bool (*predict)(const Network<T>&, const Chunk<T>&);   // forward in little memory
  bool (*activity)(const Network<T>&, const Chunk<T>&);  // forward with a tape, then what it holds; no dropout
  // predict for one window, with shared steps: open; every layer of every step of every phase, all parts of one before
  // the next; close. `parts`: the number of parts that a layer's step can be cut into.
  int (*parts)(const Network<T>&, int layer);
  void (*open)(const Network<T>&, const Chunk<T>&, int phase);
  void (*share)(const Network<T>&, const Chunk<T>&, int layer, int64_t t, int part, int parts);
  void (*close)(const Network<T>&, const Chunk<T>&);
};

struct Table {
  const char* name;
  int n_cells, n_losses, n_layers;
  const CellInfo* cells;
  const LossInfo* losses;
  const LayerInfo* layers;
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

// dispatch.cpp: the tables in this binary, best first; whether this processor can run one; the one in use.
struct Available {
  const char* name;
  const Table* table;
  bool runs;
};
int available(const Available** list);
const Table* choose(const char* forced, const char** reason);  // null: impossible, and reason says why

}  // namespace forecast
