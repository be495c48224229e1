// Gradients of tables (vectors of series, cycles). Each window of a batch has the gradient of the row that it read; the
// rows of a batch are summed here, in the order of the windows, and only they are stepped. So a table costs what a
// batch touches of it, however large it is, and its sums do not know how many workers there are.
#pragma once

#include <algorithm>
#include <vector>

#include "../kernel/table.h"
#include "buffer.h"

namespace forecast {

template <class T>
class TableGradients {
 public:
  struct Row {
    int64_t theta, n;  // where the row lies in the weights
    T* gradient;
  };

  // For batches of up to `windows`.
  TableGradients(Scratch& scratch, const NetworkSpec& spec, const Plan& plan, int64_t windows)
      : width_(plan.table_width) {
    for (int l = 0; l < spec.n_layers; ++l)
      if (plan.slots[l].table_row && spec.layers[l].tied < 0) tables_.push_back(plan.slots[l]);
    rows_ = scratch.take<T>(windows * width_);
    read_ = scratch.take<int64_t>(windows * int64_t(tables_.size()));
    order_ = scratch.take<int64_t>(windows);
    sums_.reserve(size_t(windows) * tables_.size());  // nothing inside a team may throw
  }
  T* rows() const { return rows_; }
  int64_t* read() const { return read_; }

  // Sums the rows of n windows, each over that of the first window that read it.
  template <class Add>
  void sum(int64_t n, const Add& add) {
    sums_.clear();
    const auto tables = int64_t(tables_.size());
    for (int64_t i = 0; i < tables; ++i) {
      const Slot& table = tables_[size_t(i)];
      const auto row_of = [&](int64_t window) { return read_[window * tables + i]; };
      const auto gradient_of = [&](int64_t window) { return rows_ + window * width_ + table.table_first; };
      int64_t* end = order_;
      for (int64_t window = 0; window < n; ++window)
        if (row_of(window) >= 0) *end++ = window;
      std::sort(order_, end,
                [&](int64_t a, int64_t b) { return row_of(a) != row_of(b) ? row_of(a) < row_of(b) : a < b; });
      for (const int64_t* p = order_; p != end; ++p) {
        if (p != order_ && row_of(p[0]) == row_of(p[-1])) add(sums_.back().gradient, gradient_of(*p), table.table_row);
        else sums_.push_back({table.theta + row_of(*p) * table.table_row, table.table_row, gradient_of(*p)});
      }
    }
  }
  const std::vector<Row>& sums() const { return sums_; }

 private:
  int64_t width_;
  std::vector<Slot> tables_;
  T* rows_;
  int64_t *read_, *order_;
  std::vector<Row> sums_;
};

}  // namespace forecast
