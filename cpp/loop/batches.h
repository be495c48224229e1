// Runs batches through the kernels: chunks to workers, gradient slots in a fixed order, the optimiser's step.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernel/table.h"
#include "buffer.h"
#include "tables.h"
#include "workers.h"

namespace forecast {

// A plan and its arrays.
class Planned {
 public:
  template <class T>
  Planned(const Kernels<T>& kernels, const NetworkSpec& spec, Use use)
      : places_(size_t(spec.n_streams)), slots_(size_t(spec.n_layers)), phases_(size_t(spec.n_layers)) {
    plan_.places = places_.data(), plan_.slots = slots_.data(), plan_.phases = phases_.data();
    kernels.plan(spec, use, &plan_);
  }
  Planned(Planned&&) = default;
  const Plan& operator*() const { return plan_; }
  const Plan* operator->() const { return &plan_; }

 private:
  std::vector<Place> places_;
  std::vector<Slot> slots_;
  std::vector<Phase> phases_;
  Plan plan_{};
};

template <class T>
struct Model {
  Model(const Kernels<T>&, const NetworkSpec&, const std::vector<double>& loss_parameters, double dropout,
        double left_out, double clip);
  const Kernels<T>* kernels;
  const NetworkSpec* spec;
  std::vector<T> loss_parameters;
  double dropout, left_out;
  double clip;           // bound of the scaled past; <= 0: none
  bool draws;            // whether training needs random numbers
  Planned lanes, units;  // of predictions
};

struct Windows {
  const Table* table;
  const Source* source;
  const int64_t* index;
  int64_t n;
};

// States [S][batch][H] per recurrent layer, carried from a batch of `batch` windows to the next one in the same call
// and to the next call; null: every window starts with zeros. `begins` says for each window of the call whether it
// does.
template <class T>
struct Carried {
  T* states = nullptr;
  int64_t batch = 0;
  const bool* begins = nullptr;
  Carried from(int64_t window) const { return {states, batch, begins ? begins + window : nullptr}; }
};

enum class Path { automatic, lanes, units };  // windows in the lanes, or one at a time and hidden units in the lanes

// Final weights, in the order in which a prediction reads them.
template <class T>
struct Packed {
  Packed(const Model<T>&, const T* theta);
  Buffer<T> weights, forward, units;
};

// outputs [n][K Q], with dropout if a `seed` is given; returns false if interrupted.
template <class T>
bool predict(const Model<T>&, const Packed<T>&, const Windows&, Path, int threads, StopSign&, T* outputs,
             const uint64_t* seed = nullptr, const Carried<T>& carried = {});

// Mean loss without dropout.
template <class T>
bool mean_loss(const Model<T>&, const T* theta, const Windows&, int threads, StopSign&, double* loss,
               const Carried<T>& carried = {});

// Per recurrent layer every gate, then every state, after each step: [gate or state][n][T][H]; false if interrupted.
template <class T>
bool activity(const Model<T>&, const T* theta, const Windows&, int threads, StopSign&, T* values);

template <class T>
struct Gradients {  // null: not requested
  double loss;
  T *outputs, *theta, *past, *extra, *initial;
  double* flow;  // per recurrent layer [T] squares of the gradient of h, over windows and units
};
template <class T>
bool gradient(const Model<T>&, const T* theta, const Windows&, const T* initial, const T* upstream, bool drop,
              uint64_t seed, double forced, int threads, StopSign&, Gradients<T>*);

// A range of the weights whose learning rate is multiplied by `rate_factor` and whose weight decay replaces the
// optimiser's. A factor of 0 freezes it.
struct Group {
  int64_t first, n;
  double rate_factor, weight_decay;
  bool frozen() const { return rate_factor == 0; }
};

template <class T>
struct Optimizer {
  Step step;
  int64_t steps;
  T *first, *second;
  std::vector<Group> groups;  // in order; every weight is in one group
  T* average;                 // of the weights after each step; null: not requested
  double decay;               // of the average
};

struct Course {
  int64_t batch_size;
  const double* rates;           // of each batch
  double clip_norm, clip_value;  // <= 0: none
  double noise;                  // <= 0: none
  double forced;                 // probability that a step reads the true target; <= 0: never
  uint64_t seed;
  int threads;
  Path path;
};

struct Trained {
  std::vector<double> losses, norms;  // of the finished batches
  bool finite = true;
  int threads = 1;
};

// Trains on whole batches: theta, the optimiser and the average change together. Returns false if interrupted; the
// current batch then changes nothing.
template <class T>
bool train(const Model<T>&, T* theta, Optimizer<T>&, const Windows&, const Course&, Scratch&, StopSign&, Trained*,
           const Carried<T>& carried = {});

// Weighted mean and population standard deviation: past [I], target [K], extra [E]; false if interrupted.
struct Moments {
  std::vector<double> mean[3], deviation[3];
};
bool moments(const Windows&, StopSign&, Moments*);

}  // namespace forecast
