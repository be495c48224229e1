// Binds the adaptive conformal intervals: from residuals to levels, scales and offsets.
#include "arrays.h"
#include "lock.h"

#include "../conformal/adaptive.h"

namespace forecast {

namespace {

using namespace py::literals;

constexpr int64_t rows_apart = int64_t(1) << 61;

void rising(const int64_t* positions, int64_t n, int64_t now) {
  for (int64_t i = 0; i < n; ++i)
    if (positions[i] < -rows_apart || positions[i] > rows_apart || (i && positions[i] <= positions[i - 1]))
      throw py::value_error("positions: expected rows that rise");
  if (now < -rows_apart || now > rows_apart) throw py::value_error("now: expected a row");
}

py::dict adapted(const py::array& residual, const py::array& positions, int64_t now, const py::array& scores,
                 const py::array& ordered, const py::array& alpha, const py::array& sum, const py::array& weight,
                 const py::array& heard, const py::array& count, const py::array& tail, const py::array& needed,
                 const py::array& decay, const py::array& gamma, const py::array& enters, bool fills, int64_t settled,
                 bool scaled, bool issue, bool keep) {
  if (residual.ndim() != 3) throw py::value_error("residual: expected (n, steps, series * targets)");
  if (scores.ndim() != 3 || !scores.size()) throw py::value_error("scores: expected (steps, targets, window)");
  const int64_t n = residual.shape(0), steps = scores.shape(0), targets = scores.shape(1), window = scores.shape(2);
  const int64_t groups = steps * targets, wide = residual.shape(2), levels = tail.size();
  const int64_t cells = product({steps, wide}), bounds = product({2, levels, groups});
  if (residual.shape(1) != steps || wide % targets)
    throw py::value_error("residual: expected the steps and targets of scores");
  const Adapted state{steps,
                      targets,
                      levels,
                      window,
                      contiguous<double>(scores, "scores", groups * window),
                      contiguous<double>(ordered, "ordered", groups * window),
                      contiguous<double>(alpha, "alpha", bounds),
                      contiguous<double>(sum, "sum", groups),
                      contiguous<double>(weight, "weight", groups),
                      contiguous<int64_t>(heard, "heard", groups),
                      contiguous<int64_t>(count, "count", groups),
                      contiguous<double>(tail, "tail", levels),
                      contiguous<int64_t>(needed, "needed", levels),
                      settled,
                      scaled};
  const Residuals given{n,
                        wide / targets,
                        contiguous<double>(residual, "residual", product({n, cells})),
                        contiguous<int64_t>(positions, "positions", n),
                        contiguous<double>(decay, "decay", n),
                        contiguous<double>(gamma, "gamma", n),
                        contiguous<bool>(enters, "enters", n),
                        fills,
                        now};
  rising(given.positions, n, now);
  auto levels_after = new_array<double>({2, levels, steps, wide}),
       offsets = new_array<double>({2, levels, steps, wide});
  py::dict out("alpha"_a = levels_after, "offsets"_a = offsets);
  Learnt learnt{levels_after.mutable_data(), offsets.mutable_data()};
  const auto kept = [&]<class T>(const char* name, T** to, std::vector<py::ssize_t> shape) {
    auto array = new_array<T>(std::move(shape));
    *to = array.mutable_data();
    out[name] = array;
  };
  if (issue) kept("issued", &learnt.issued, {2, levels, n, steps, wide});
  if (keep) {
    kept("scores", &learnt.scores, {steps, wide, window});
    kept("sum", &learnt.sum, {steps, wide});
    kept("weight", &learnt.weight, {steps, wide});
    kept("heard", &learnt.heard, {steps, wide});
    kept("count", &learnt.count, {steps, wide});
  }
  {
    const Unlocked outside;
    learn(state, given, learnt);
  }
  return out;
}

}  // namespace

void bind_conformal(py::module_& m) {
  m.def("adapted", adapted, "residual"_a, "positions"_a, "now"_a, py::kw_only(), "scores"_a, "ordered"_a, "alpha"_a,
        "sum"_a, "weight"_a, "heard"_a, "count"_a, "tail"_a, "needed"_a, "decay"_a, "gamma"_a, "enters"_a, "fills"_a,
        "settled"_a, "scaled"_a, "issue"_a = false, "keep"_a = false, "What adaptive intervals have learnt after residuals of further origins.");
}

}  // namespace forecast
