// Source and moments: the arrays that windows are read from, and all checks of their positions.
#include "arrays.h"
#include "lock.h"

#include <algorithm>
#include <cmath>

namespace forecast {

namespace {
constexpr int64_t most_steps = int64_t(1) << 31, last_phase = (int64_t(1) << 61) - 1;  // no sum of them overflows
}

py::array_t<double> as_array(const std::vector<double>& values) {
  return py::array_t<double>(py::ssize_t(values.size()), values.data());
}

Matrix SourceHolder::matrix(const py::object& o, const char* name) {
  if (o.is_none()) return {nullptr, false, 0, 0};
  const py::array a = array_in(o, name);
  const bool is_double = py::isinstance<py::array_t<double>>(a);
  if (!is_double && !py::isinstance<py::array_t<float>>(a))
    throw py::type_error(std::string(name) + ": expected float32 or float64, got " +
                         py::str(a.dtype()).cast<std::string>());
  if (a.ndim() != 2)
    throw py::value_error(std::string(name) + ": expected 2 dimensions, got " + std::to_string(a.ndim()));
  const auto size = a.itemsize();
  if (a.strides(0) % size || a.strides(1) % size)
    throw py::value_error(std::string(name) + ": strides are not whole elements");
  if (!a.shape(1)) throw py::value_error(std::string(name) + ": expected at least 1 column, got 0");
  keep(a, name);
  return {a.data(), is_double, a.strides(0) / size, a.strides(1) / size};
}

void SourceHolder::keep(const py::array& a, const char* name) {
  kept_.push_back({a, name, a.data(), {a.shape(), a.shape() + a.ndim()}, {a.strides(), a.strides() + a.ndim()}});
}

void SourceHolder::refuse_changed() const {
  for (const Kept& k : kept_)
    if (const py::array& a = k.array;
        a.data() != k.data || !std::equal(k.shape.begin(), k.shape.end(), a.shape(), a.shape() + a.ndim()) ||
        !std::equal(k.strides.begin(), k.strides.end(), a.strides(), a.strides() + a.ndim()))
      throw py::value_error(std::string(k.name) + ": the shape or the memory of the array has changed since the source "
                                                  "was made; expected it unchanged");
}

template <class T>
const T* SourceHolder::copied(const py::object& a, const char* name, int64_t n) {
  const T* p = optional<T>(a, name, n);
  if (!p) return nullptr;
  copies_.push_back(py::array_t<T>(array_in(a, name).size(), p));
  return static_cast<const T*>(copies_.back().data());
}

// One number per window; all such arrays have the same length.
template <class T>
const T* SourceHolder::per_window(const py::object& o, const char* name) {
  const T* p = optional<T>(o, name, -1);
  if (!p) return nullptr;
  const py::array a = array_in(o, name);
  if (a.ndim() != 1)
    throw py::value_error(std::string(name) + ": expected 1 dimension, got " + std::to_string(a.ndim()));
  set_windows(a.size(), name);
  keep(a, name);
  return p;
}

const double* SourceHolder::inverse(const py::object& scale, const char* name, int64_t n) {
  const double* values = optional<double>(scale, name, n);
  if (!values) return nullptr;
  auto inverses = new_array<double>({array_in(scale, name).size()});
  for (int64_t i = 0; i < inverses.size(); ++i) {
    if (!(std::isfinite(values[i]) && values[i] > 0))
      throw py::value_error(std::string(name) + ": expected positive finite scales, got " + std::to_string(values[i]));
    inverses.mutable_data()[i] = 1 / values[i];
  }
  copies_.push_back(inverses);
  return inverses.data();
}

// Columns of a matrix that may be absent.
int64_t columns_of(const py::object& o) { return o.is_none() ? 0 : int64_t(array_in(o, "matrix").shape(1)); }
int64_t rows_of(const py::object& o) { return o.is_none() ? 0 : int64_t(array_in(o, "matrix").shape(0)); }

void SourceHolder::set_windows(int64_t n, const char* name) {
  if (windows_ >= 0 && n != windows_)
    throw py::value_error(std::string(name) + ": expected " + std::to_string(windows_) +
                          " windows as in the other arrays, got " + std::to_string(n));
  windows_ = n;
}

void SourceHolder::set_origin(const py::object& origin) {
  if (!origin.is_none() && py::isinstance<py::array_t<int32_t>>(origin))
    source_.origin_32 = per_window<int32_t>(origin, "origin");
  else source_.origin = per_window<int64_t>(origin, "origin");
}

void SourceHolder::set_anchors(const py::object& anchor, const py::object& target_anchor,
                               const py::object& future_anchor, int64_t steps, int64_t season) {
  Source& s = source_;
  s.anchor = copied<int32_t>(anchor, "anchor", s.I);
  s.target_anchor = copied<int32_t>(target_anchor, "target_anchor", s.columns);
  if (steps < 0 || steps > s.T)
    throw py::value_error("anchor_steps: expected 1 to lookback = " + std::to_string(s.T) + ", or 0 for all, got " +
                          std::to_string(steps));
  s.anchor_steps = steps ? steps : s.T;
  for (int64_t i = 0; s.anchor && i < s.I; ++i) {
    if (s.anchor[i] < int32_t(Kind::none) || s.anchor[i] > int32_t(Kind::seasonal))
      throw py::value_error(
          "anchor: expected 0 (none), 1 (newest), 2 (mean), 3 (mean and scale) or 4 (seasonal), got " +
          std::to_string(s.anchor[i]));
    s.averages |= s.anchor[i] > int32_t(Kind::newest);
    if (Kind(s.anchor[i]) != Kind::seasonal) continue;
    if (season < 1 || season > s.T)
      throw py::value_error("season: expected 1 to lookback = " + std::to_string(s.T) + ", got " +
                            std::to_string(season));
    s.season = season;
  }
  for (int64_t i = 0; s.target_anchor && i < s.columns; ++i) {
    const int32_t channel = s.target_anchor[i];
    if (channel >= s.I) throw py::value_error("target_anchor: no such channel in past");
    if (channel >= 0 && (!s.anchor || Kind(s.anchor[channel]) == Kind::none))
      throw py::value_error("target_anchor: channel " + std::to_string(channel) + " has no anchor");
  }
  s.future_anchor = copied<int32_t>(future_anchor, "future_anchor", s.future_columns);
  for (int64_t i = 0; s.future_anchor && i < s.future_columns; ++i) {
    const int32_t channel = s.future_anchor[i];
    if (channel >= s.I || (channel >= 0 && (!s.anchor || Kind(s.anchor[channel]) != Kind::newest)))
      throw py::value_error("future_anchor: expected a channel with the anchor 1 (newest), or -1, got " +
                            std::to_string(channel));
  }
}

// The three parts of the head's extra inputs.
void SourceHolder::set_extra(const py::object& extra, const py::object& future, const py::object& constant) {
  Source& s = source_;
  s.extra = matrix(extra, "extra"), s.future = matrix(future, "future"), s.constant = matrix(constant, "static");
  s.extra_columns = columns_of(extra), s.future_columns = columns_of(future), s.constant_columns = columns_of(constant);
  if (!extra.is_none()) set_windows(rows_of(extra), "extra");
  future_rows_ = rows_of(future);
  if (!future.is_none() && s.horizon > future_rows_)
    throw py::value_error("future: expected at least horizon = " + std::to_string(s.horizon) + " rows, got " +
                          std::to_string(future_rows_));
  s.E = s.extra_columns + s.horizon * s.future_columns + s.constant_columns;
}

// Values per series: where each begins, and the least spread of its windows.
void SourceHolder::set_series(const py::object& starts, const py::object& constant, const py::object& floor) {
  Source& s = source_;
  s.anchor_floor = copied<double>(floor, "anchor_floor", -1), s.floors = 1;
  if (s.anchor_floor) {
    const py::array a = array_in(floor, "anchor_floor");
    if (a.ndim() != 2 || a.shape(0) < 1 || a.shape(1) != s.I)
      throw py::value_error("anchor_floor: expected a row of " + std::to_string(s.I) +
                            " channels, or such a row of each series");
    s.floors = a.shape(0);
    for (int64_t i = 0; i < s.floors * s.I; ++i)
      if (!(std::isfinite(s.anchor_floor[i]) && s.anchor_floor[i] >= 0))
        throw py::value_error("anchor_floor: expected finite numbers of 0 or more, got " +
                              std::to_string(s.anchor_floor[i]));
  }
  const bool several = s.floors > 1;
  if (several && starts.is_none()) throw py::value_error("anchor_floor of several series: expected starts as well");
  if (!several && constant.is_none() != starts.is_none())
    throw py::value_error("static and starts: expected both or neither");
  s.series = constant.is_none() ? s.floors : rows_of(constant);
  if (several && s.series != s.floors)
    throw py::value_error("anchor_floor: expected " + std::to_string(s.series) + " series as in static, got " +
                          std::to_string(s.floors));
  s.starts = copied<int64_t>(starts, "starts", s.series + 1);
  if (s.starts &&
      (s.starts[0] != 0 || s.starts[s.series] != past_rows_ || !std::is_sorted(s.starts, s.starts + s.series + 1)))
    throw py::value_error("starts: expected ascending rows of past, from 0 to " + std::to_string(past_rows_) +
                          ", its number of rows");
}

// The values of every window that tables of vectors and cycles need.
void SourceHolder::set_tables(const py::object& series_row, const py::object& phase, const py::object& cycle_ratio) {
  Source& s = source_;
  s.series_row = per_window<int64_t>(series_row, "series_row"), s.phase = per_window<int64_t>(phase, "phase");
  s.cycle_ratio = copied<double>(cycle_ratio, "cycle_ratio", s.target.data ? s.K : -1);
  s.cycle_ratios = s.cycle_ratio ? int64_t(array_in(cycle_ratio, "cycle_ratio").size()) : 0;
  for (int64_t i = 0; i < s.cycle_ratios; ++i)
    if (!(std::isfinite(s.cycle_ratio[i]) && s.cycle_ratio[i] > 0))
      throw py::value_error("cycle_ratio: expected positive finite numbers, got " + std::to_string(s.cycle_ratio[i]));
}

// Converts the units of the loss to those of the past, for a decoder that is fed its own outputs.
void SourceHolder::set_fed(const py::object& scale, const py::object& shift) {
  Source& s = source_;
  if (scale.is_none() != shift.is_none()) throw py::value_error("fed_scale and fed_shift: expected both or neither");
  if (scale.is_none()) return;
  s.fed = int64_t(array_in(scale, "fed_scale").size());
  s.fed_scale = copied<double>(scale, "fed_scale", s.target.data ? s.K : -1);
  s.fed_shift = copied<double>(shift, "fed_shift", s.fed);
  for (int64_t i = 0; i < s.fed; ++i)
    if (!std::isfinite(s.fed_scale[i]) || !std::isfinite(s.fed_shift[i]))
      throw py::value_error("fed_scale and fed_shift: expected finite numbers");
}

// Windows that are shorter than the others end at the same step and begin later.
void SourceHolder::set_begin(const py::object& begin) {
  source_.begin = per_window<int64_t>(begin, "begin");
  for (int64_t window = 0; window < windows_; ++window) refuse_numbers(window);
}

// Checks the values per window, both those given at first and those written since.
void SourceHolder::refuse_numbers(int64_t window) const {
  const Source& s = source_;
  const auto refuse = [&](const char* name, const std::string& expected, int64_t got) {
    throw py::value_error(std::string(name) + ": expected " + expected + ", got " + std::to_string(got) +
                          " of window " + std::to_string(window));
  };
  if (s.series_row && s.series_row[window] < -1) refuse("series_row", "-1 or more", s.series_row[window]);
  if (s.phase && s.phase[window] < 0) refuse("phase", "0 or more", s.phase[window]);
  if (s.phase && s.phase[window] > last_phase) refuse("phase", "less than 2**61", s.phase[window]);
  if (s.begin && (s.begin[window] < 0 || s.begin[window] >= s.T))
    refuse("begin", "steps from 0 to " + std::to_string(s.T - 1), s.begin[window]);
}

SourceHolder::SourceHolder(const py::array& past, int64_t lookback, const py::object& origin, int64_t past_stride,
                           int64_t past_shift, const py::object& target, int64_t horizon, int64_t target_stride,
                           int64_t target_shift, const py::object& extra, const py::object& future,
                           const py::object& constant, const py::object& starts, const py::object& weight,
                           const py::object& anchor, const py::object& target_anchor, const py::object& past_mean,
                           const py::object& past_scale, const py::object& target_mean, const py::object& target_scale,
                           const py::object& extra_mean, const py::object& extra_scale, int64_t padding,
                           int64_t anchor_steps, int64_t season, const py::object& anchor_floor,
                           const py::object& series_row, const py::object& phase, const py::object& cycle_ratio,
                           const py::object& fed_scale, const py::object& fed_shift,
                           const py::object& future_anchor, const py::object& begin) {
  Source& s = source_;
  const auto within = [](const char* name, int64_t number, int64_t least) {
    if (number >= least && number <= most_steps) return;
    const char* const expected = number > least ? "at most 2**31" : least ? "at least 1" : "0 or more";
    throw py::value_error(std::string(name) + ": expected " + expected + ", got " + std::to_string(number));
  };
  within("padding", padding, 0), within("lookback", lookback, 1);
  within("horizon", horizon, target.is_none() && future.is_none() ? 0 : 1);
  s.past = matrix(past, "past"), s.target = matrix(target, "target");
  s.T = lookback, s.I = past.shape(1), past_rows_ = past.shape(0), s.horizon = horizon;
  s.columns = columns_of(target), target_rows_ = rows_of(target), s.K = horizon * s.columns;
  s.past_stride = past_stride, s.past_shift = past_shift, s.target_stride = target_stride,
  s.target_shift = target_shift;
  s.padding = padding;
  set_extra(extra, future, constant);
  set_series(starts, constant, anchor_floor);
  s.weight = per_window<double>(weight, "weight");
  set_origin(origin);
  set_anchors(anchor, target_anchor, future_anchor, anchor_steps, season);
  set_tables(series_row, phase, cycle_ratio);
  set_fed(fed_scale, fed_shift);
  set_begin(begin);
  s.past_mean = copied<double>(past_mean, "past_mean", s.I), s.past_inverse = inverse(past_scale, "past_scale", s.I);
  s.target_mean = copied<double>(target_mean, "target_mean", s.K);
  s.target_inverse = inverse(target_scale, "target_scale", s.K);
  s.extra_mean = copied<double>(extra_mean, "extra_mean", s.E),
  s.extra_inverse = inverse(extra_scale, "extra_scale", s.E);
}

const int64_t* SourceHolder::checked(const py::array& index, bool needs_target) const {
  refuse_changed();
  const int64_t* p = contiguous<int64_t>(index, "index", -1);
  const Source& s = source_;
  if (needs_target && !s.target.data) throw py::value_error("source: this call needs targets");
  const auto refuse = [](int64_t window, const char* what) {
    throw py::value_error(std::string("index: ") + what + std::to_string(window) + " does not lie inside the source");
  };
  const auto outside = [](int64_t base, int64_t stride, int64_t shift, int64_t n, int64_t rows) {
    int64_t first;
    return __builtin_mul_overflow(base, stride, &first) || __builtin_add_overflow(first, shift, &first) || first < 0 ||
           first > rows - n;
  };
  for (int64_t i = 0; i < index.size(); ++i) {
    const int64_t w = p[i];
    if (w < 0 || (windows_ >= 0 && w >= windows_)) refuse(w, "window ");
    const int64_t base = s.origin_32 ? s.origin_32[w] : s.origin ? s.origin[w] : w;
    if (outside(base, s.past_stride, s.past_shift, s.T, past_rows_)) refuse(w, "window ");
    const auto ahead_of = [&](int64_t rows) { return outside(base, s.target_stride, s.target_shift, s.horizon, rows); };
    if (needs_target && ahead_of(target_rows_)) refuse(w, "window ");
    if (s.future_columns && ahead_of(future_rows_)) refuse(w, "the known future of window ");
    refuse_numbers(w);
  }
  return p;
}

// The past of windows as the kernels read it, chunk by chunk, (B, padding + T, I).
template <class T>
py::array gathered_as(const SourceHolder& source, const py::array& index, const Table& table) {
  const Source& s = source.view();
  const int64_t *windows = source.checked(index, false), n = index.size(), steps = s.padding + s.T;
  const auto& kernel = kernels<T>(table).vectors;
  auto out = new_array<T>({n, steps, s.I});
  if (!n) return out;
  T* to = out.mutable_data();
  std::vector<T> x(size_t(product({steps, s.I, kernel.lanes})));
  std::vector<double> scratch(size_t(2 * s.I * kernel.lanes));
  const FloatGuard guard;
  for (int64_t first = 0; first < n; first += kernel.lanes) {
    const int here = int(std::min<int64_t>(kernel.lanes, n - first));
    kernel.gather(s, windows + first, here, x.data(), scratch.data());
    for (int64_t i = 0; i < here * steps * s.I; ++i)
      to[first * steps * s.I + i] = x[size_t(i % (steps * s.I) * kernel.lanes + i / (steps * s.I))];
  }
  return out;
}

py::array gathered(const SourceHolder& source, const py::array& index, const std::string& dtype,
                   const py::object& isa) {
  if (dtype != "float32" && dtype != "float64") throw py::value_error("dtype: expected 'float32' or 'float64'");
  const Table& table = table_named(isa);
  return dtype == "float64" ? gathered_as<double>(source, index, table) : gathered_as<float>(source, index, table);
}

void bind_source(py::module_& m) {
  using namespace py::literals;
  const py::object none = py::none();
  py::class_<SourceHolder>(m, "Source", "Where the kernels gather windows from: references to raw series.")
      .def(py::init<const py::array&, int64_t, const py::object&, int64_t, int64_t, const py::object&, int64_t, int64_t,
                    int64_t, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&, const py::object&, const py::object&, const py::object&, int64_t, int64_t,
                    int64_t, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&, const py::object&, const py::object&, const py::object&>(),
           "past"_a, py::kw_only(), "lookback"_a, "origin"_a = none, "past_stride"_a = 1, "past_shift"_a = 0,
           "target"_a = none, "horizon"_a = 0, "target_stride"_a = 1, "target_shift"_a = 0, "extra"_a = none,
           "future"_a = none, "static"_a = none, "starts"_a = none, "weight"_a = none, "anchor"_a = none,
           "target_anchor"_a = none, "past_mean"_a = none, "past_scale"_a = none, "target_mean"_a = none,
           "target_scale"_a = none, "extra_mean"_a = none, "extra_scale"_a = none, "padding"_a = 0,
           "anchor_steps"_a = 0, "season"_a = 0, "anchor_floor"_a = none, "series_row"_a = none, "phase"_a = none,
           "cycle_ratio"_a = none, "fed_scale"_a = none, "fed_shift"_a = none, "future_anchor"_a = none,
           "begin"_a = none);

  m.def("gathered", gathered, "source"_a, "index"_a, py::kw_only(), "dtype"_a = "float32", "isa"_a = none,
        "The past of windows as the kernels read it.");
  m.def(
      "moments",
      [](const SourceHolder& source, const py::array& index) {
        const int64_t* windows = source.checked(index, source.view().target.data != nullptr);
        Moments result;
        unlocked([&](StopSign& sign) {
          return moments({&default_table(), &source.view(), windows, int64_t(index.size())}, sign, &result);
        });
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
