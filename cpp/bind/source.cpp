// Source and moments: the arrays that windows come from, and every check that their positions need.
#include "arrays.h"

#include <cmath>

namespace forecast {

py::array_t<double> as_array(const std::vector<double>& values) {
  return py::array_t<double>(py::ssize_t(values.size()), values.data());
}

bool interrupted() {
  const py::gil_scoped_acquire lock;  // PyErr_CheckSignals runs Python code
  return PyErr_CheckSignals() != 0;
}

Matrix SourceHolder::matrix(const py::object& o, const char* name) {
  if (o.is_none()) return {nullptr, false, 0, 0};
  const auto a = o.cast<py::array>();
  const bool is_double = py::isinstance<py::array_t<double>>(a);
  if (!is_double && !py::isinstance<py::array_t<float>>(a))
    throw py::type_error(std::string(name) + ": expected float32 or float64, got " +
                         py::str(a.dtype()).cast<std::string>());
  if (a.ndim() != 2)
    throw py::value_error(std::string(name) + ": expected 2 dimensions, got " + std::to_string(a.ndim()));
  const auto size = a.itemsize();
  if (a.strides(0) % size || a.strides(1) % size)
    throw py::value_error(std::string(name) + ": strides are not whole elements");
  kept_.append(a);
  return {a.data(), is_double, a.strides(0) / size, a.strides(1) / size};
}

template <class T>
const T* SourceHolder::keep(const py::object& a, const char* name, int64_t n) {
  const T* p = optional<T>(a, name, n);
  if (p) kept_.append(a);
  return p;
}

const double* SourceHolder::inverse(const py::object& scale, const char* name, int64_t n) {
  const double* values = optional<double>(scale, name, n);
  if (!values) return nullptr;
  std::vector<double> inverses;
  for (int64_t i = 0; i < n; ++i) {
    if (!(std::isfinite(values[i]) && values[i] > 0))
      throw py::value_error(std::string(name) + ": expected positive finite scales, got " + std::to_string(values[i]));
    inverses.push_back(1 / values[i]);
  }
  inverses_.push_back(std::move(inverses));
  return inverses_.back().data();
}

SourceHolder::SourceHolder(const py::array& past, int64_t lookback, const py::object& origin, int64_t past_stride,
                           int64_t past_shift, const py::object& target, int64_t horizon, int64_t target_stride,
                           int64_t target_shift, const py::object& extra, const py::object& weight,
                           const py::object& anchor, const py::object& target_anchor, const py::object& past_mean,
                           const py::object& past_scale, const py::object& target_mean, const py::object& target_scale,
                           const py::object& extra_mean, const py::object& extra_scale) {
  Source& s = source_;
  if (lookback < 1) throw py::value_error("lookback: expected at least 1, got " + std::to_string(lookback));
  if (!target.is_none() && horizon < 1)
    throw py::value_error("horizon: expected at least 1, got " + std::to_string(horizon));
  s.past = matrix(past, "past"), s.target = matrix(target, "target"), s.extra = matrix(extra, "extra");
  s.T = lookback, s.I = past.shape(1), past_rows_ = past.shape(0);
  if (s.target.data) {
    const auto a = target.cast<py::array>();
    s.columns = a.shape(1), target_rows_ = a.shape(0), s.K = horizon * s.columns;
  }
  if (s.extra.data) s.E = extra.cast<py::array>().shape(1), windows_ = extra.cast<py::array>().shape(0);
  if (!weight.is_none()) {
    const int64_t n = weight.cast<py::array>().size();
    if (windows_ >= 0 && n != windows_) throw py::value_error("weight and extra: not the same number of windows");
    windows_ = n;
  }
  if (!origin.is_none()) {
    const int64_t n = origin.cast<py::array>().size();
    if (windows_ >= 0 && n != windows_)
      throw py::value_error("origin, weight and extra: not the same number of windows");
    windows_ = n;
  }
  s.origin = keep<int64_t>(origin, "origin", -1);
  s.weight = keep<double>(weight, "weight", -1);
  s.past_stride = past_stride, s.past_shift = past_shift, s.target_stride = target_stride,
  s.target_shift = target_shift;
  s.anchor = keep<int32_t>(anchor, "anchor", s.I);
  s.target_anchor = keep<int32_t>(target_anchor, "target_anchor", s.columns);
  for (int64_t i = 0; s.target_anchor && i < s.columns; ++i)
    if (s.target_anchor[i] >= s.I) throw py::value_error("target_anchor: no such channel in past");
  s.past_mean = keep<double>(past_mean, "past_mean", s.I), s.past_inverse = inverse(past_scale, "past_scale", s.I);
  s.target_mean = keep<double>(target_mean, "target_mean", s.K);
  s.target_inverse = inverse(target_scale, "target_scale", s.K);
  s.extra_mean = keep<double>(extra_mean, "extra_mean", s.E),
  s.extra_inverse = inverse(extra_scale, "extra_scale", s.E);
}

const int64_t* SourceHolder::checked(const py::array& index, bool needs_target) const {
  const int64_t* p = contiguous<int64_t>(index, "index", -1);
  const Source& s = source_;
  if (needs_target && !s.target.data) throw py::value_error("source: this call needs targets");
  const auto refuse = [](int64_t window) {
    throw py::value_error("index: window " + std::to_string(window) + " does not lie inside the source");
  };
  for (int64_t i = 0; i < index.size(); ++i) {
    const int64_t w = p[i];
    if (w < 0 || (windows_ >= 0 && w >= windows_)) refuse(w);
    const int64_t base = s.origin ? s.origin[w] : w;
    const int64_t past = base * s.past_stride + s.past_shift;
    if (past < 0 || past + s.T > past_rows_) refuse(w);
    const int64_t target = base * s.target_stride + s.target_shift;
    if (needs_target && (target < 0 || target + s.K / s.columns > target_rows_)) refuse(w);
  }
  return p;
}

void bind_source(py::module_& m) {
  using namespace py::literals;
  const py::object none = py::none();
  py::class_<SourceHolder>(m, "Source", "Where the kernels gather windows from: references to raw series.")
      .def(py::init<const py::array&, int64_t, const py::object&, int64_t, int64_t, const py::object&, int64_t, int64_t,
                    int64_t, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&>(),
           "past"_a, py::kw_only(), "lookback"_a, "origin"_a = none, "past_stride"_a = 1, "past_shift"_a = 0,
           "target"_a = none, "horizon"_a = 0, "target_stride"_a = 1, "target_shift"_a = 0, "extra"_a = none,
           "weight"_a = none, "anchor"_a = none, "target_anchor"_a = none, "past_mean"_a = none, "past_scale"_a = none,
           "target_mean"_a = none, "target_scale"_a = none, "extra_mean"_a = none, "extra_scale"_a = none);

  m.def(
      "moments",
      [](const SourceHolder& source, const py::array& index) {
        const int64_t* windows = source.checked(index, source.view().target.data != nullptr);
        Moments result;
        bool done;
        {
          const py::gil_scoped_release unlock;  // no references are touched below
          StopSign sign(interrupted);
          done = moments({&default_table(), &source.view(), windows, int64_t(index.size())}, sign, &result);
        }
        if (!done) throw py::error_already_set();
        py::dict out;
        const char* names[] = {"past", "target", "extra"};
        for (int i = 0; i < 3; ++i) {
          out[py::str(std::string(names[i]) + "_mean")] = as_array(result.mean[i]);
          out[py::str(std::string(names[i]) + "_std")] = as_array(result.deviation[i]);
        }
        return out;
      },
      "source"_a, "index"_a, "Weighted means and population standard deviations over windows.");
}

}  // namespace forecast
