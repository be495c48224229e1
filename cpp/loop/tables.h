// Gradients of tables (vectors of series and of codes, cycles). Each window has the gradients of the rows that it read.
// They are summed here, in the order of windows and steps, and only these rows take an optimiser step. So the cost of a
// table depends on the rows that a batch reads, not on its size, and the sums do not depend on the number of workers.
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
    int64_t theta, n;  // where the row is in the weights
    T* gradient;
  };

  // For batches of up to `windows` windows.
  TableGradients(Scratch& scratch, const NetworkSpec& spec, const Plan& plan, int64_t windows)
      : width_(plan.table_width), reads_(plan.tables) {
    int64_t most = 0;
    for (int l = 0; l < spec.n_layers; ++l) {
      if (!plan.slots[l].table_row || spec.layers[l].tied >= 0) continue;
      tables_.push_back(plan.slots[l]);
      most = std::max(most, plan.slots[l].reads);
    }
    rows_ = scratch.take<T>(windows * width_);
    read_ = scratch.take<int64_t>(windows * reads_);
    order_ = scratch.take<int64_t>(windows * most);
    sums_.reserve(size_t(windows * reads_));  // nothing inside a team may throw
  }
  T* rows() const { return rows_; }
  int64_t* read() const { return read_; }

  // Sums the rows of n windows, each into the gradient of the first window and step that read it.
  template <class Add>
  void sum(int64_t n, const Add& add) {
    sums_.clear();
    for (const Slot& table : tables_) {
      // One key each, ordered by row, then window, then step: below 2^31 rows times the reads of a batch.
      const int64_t all = n * table.reads;
      int64_t *end = order_, last = -1;
      for (int64_t window = 0; window < n; ++window)
        for (int64_t step = 0; step < table.reads; ++step) {
          const int64_t row = read_[window * reads_ + table.table + step];
          if (row >= 0) *end++ = row * all + window * table.reads + step;
        }
      std::sort(order_, end);
      for (const int64_t* p = order_; p != end; ++p) {
        const int64_t row = *p / all, window = *p % all / table.reads, step = *p % table.reads;
        T* const gradient = rows_ + window * width_ + table.table_first + step * table.table_row;
        if (row == last) add(sums_.back().gradient, gradient, table.table_row);
        else sums_.push_back({table.theta + row * table.table_row, table.table_row, gradient});
        last = row;
      }
    }
  }
  const std::vector<Row>& sums() const { return sums_; }

 private:
  int64_t width_, reads_;
  std::vector<Slot> tables_;
  T* rows_;
  int64_t *read_, *order_;
  std::vector<Row> sums_;
};

}  // namespace forecast
