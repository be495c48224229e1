// The other arguments of a call of Network.train, apart from arrays: the rate of each batch, groups of weights, carried
// states, memory.
#pragma once

#include <pybind11/stl.h>

#include <atomic>
#include <cmath>
#include <optional>
#include <tuple>

#include "arrays.h"

namespace forecast {

inline double positive_or_none(const py::object& value, const char* name) {
  if (value.is_none()) return 0;
  const double number = value.cast<double>();
  if (!(number > 0)) throw py::value_error(std::string(name) + ": expected None or a positive number");
  return number;
}

inline void check_forced(double forced) {
  if (!(forced >= 0 && forced <= 1)) throw py::value_error("forced: expected a probability, 0 <= forced <= 1");
}

constexpr int64_t most_windows = int64_t(1) << 31;  // of a batch

inline int64_t batches_of(int64_t windows, int64_t batch_size) {
  return windows / batch_size + (windows % batch_size > 0);
}

inline std::vector<double> rate_of_each(const py::object& rates, const py::object& rate, int64_t batches) {
  if (rates.is_none() == rate.is_none())
    throw py::type_error("rates: expected either rates, one per batch, or rate, one for all");
  // NOLINTNEXTLINE(modernize-return-braced-init-list): braces would make a list of two numbers
  if (!rate.is_none()) return std::vector<double>(size_t(batches), rate.cast<double>());
  const double* each = optional<double>(rates, "rates", batches);
  // NOLINTNEXTLINE(modernize-return-braced-init-list): it is a range, not a list
  return std::vector<double>(each, each + batches);
}

// (offset, n, rate_factor, weight_decay or None: the optimiser's)
using GroupList = std::vector<std::tuple<int64_t, int64_t, double, std::optional<double>>>;

// The groups and the ranges between them, so that each of the n weights is in one.
inline std::vector<Group> every_group(const GroupList& groups, int64_t n, double weight_decay) {
  std::vector<Group> all;
  int64_t end = 0;
  const auto rest = [&](int64_t first) {
    if (first > end) all.push_back({end, first - end, 1.0, weight_decay});
  };
  for (const auto& [first, length, factor, decay] : groups) {
    if (first < end || length < 1 || length > n - first)
      throw py::value_error("groups: expected ascending ranges (offset, n, ...) within " + std::to_string(n) +
                            " weights that do not overlap, got offset " + std::to_string(first) + ", n " +
                            std::to_string(length));
    if (!(factor >= 0 && std::isfinite(factor)) || !(decay.value_or(0) >= 0 && std::isfinite(decay.value_or(0))))
      throw py::value_error("groups: expected a rate_factor and a weight_decay (or None) from 0 on");
    rest(first);
    all.push_back({first, length, factor, decay.value_or(weight_decay)});
    end = first + length;
  }
  rest(n);
  return all;
}

// The states that a call carries from batch to batch, as given.
struct Between {
  py::object states = py::none(), begins = py::none();
  int64_t batch = 0;

  // `each` numbers of every window of a batch.
  template <class T>
  Carried<T> as(int64_t each, int64_t windows) const {
    if (states.is_none()) {
      if (!begins.is_none()) throw py::value_error("begins: expected carried states as well");
      return {};
    }
    if (batch < 1 || batch > most_windows)
      throw py::value_error("batch_size: expected 1 to 2**31 windows in a batch with carried states");
    return {optional<T>(states, "carried", product({each, batch}), true), batch,
            optional<bool>(begins, "begins", windows)};
  }
};

// Scratch memory that successive calls share. A call that finds it in use allocates its own memory.
struct ScratchHolder {
  Scratch scratch;
  std::atomic<bool> lent{false};
};
class Loan {
 public:
  explicit Loan(ScratchHolder* from) : from_(from && !from->lent.exchange(true) ? from : nullptr) {}
  ~Loan() {
    if (from_) from_->lent.store(false);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Scratch& get() { return from_ ? from_->scratch : own_; }

 private:
  ScratchHolder* from_;
  Scratch own_;
};

}  // namespace forecast
