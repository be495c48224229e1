// The array types that the binding accepts, and its checks. All code behind it trusts these pointers.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "../loop/batches.h"

namespace forecast {

namespace py = pybind11;

// Contiguous and of the exact type: a strided or converted array is refused, not silently copied or misread.
template <class T>
T* contiguous(const py::array& a, const char* name, int64_t size, bool writable = false) {
  const std::string what = std::string(name) + ": ";
  if (!py::isinstance<py::array_t<T>>(a))
    throw py::type_error(what + "expected dtype " + py::str(py::dtype::of<T>()).template cast<std::string>() +
                         ", got " + py::str(a.dtype()).template cast<std::string>());
  if (!(a.flags() & py::array::c_style)) throw py::value_error(what + "expected a C-contiguous array");
  if (writable && !a.writeable()) throw py::value_error(what + "the array is read-only");
  if (size >= 0 && a.size() != size)
    throw py::value_error(what + "expected " + std::to_string(size) + " elements, got " + std::to_string(a.size()));
  return static_cast<T*>(const_cast<void*>(a.data()));
}

// An array exactly as given. Anything else is refused, because an array converted here would not outlive the check.
inline py::array array_in(const py::object& o, const char* name) {
  if (!py::isinstance<py::array>(o))
    throw py::type_error(std::string(name) + ": expected a numpy array, got " + Py_TYPE(o.ptr())->tp_name);
  return py::reinterpret_borrow<py::array>(o);
}

template <class T>
T* optional(const py::object& a, const char* name, int64_t size, bool writable = false) {
  return a.is_none() ? nullptr : contiguous<T>(array_in(a, name), name, size, writable);
}

// A number of elements of 0 or more; more than memory could hold is a MemoryError.
inline int64_t product(std::initializer_list<int64_t> factors) {
  int64_t result = 1;
  for (const int64_t factor : factors)
    if (factor < 0 || __builtin_mul_overflow(result, factor, &result)) throw std::bad_alloc();
  return result;
}

template <class T>
py::array_t<T> new_array(std::vector<py::ssize_t> shape) {
  int64_t bytes = sizeof(T);
  for (const auto size : shape) bytes = product({bytes, size});
  return py::array_t<T>(shape);
}
py::array_t<double> as_array(const std::vector<double>& values);

// The bound Source: keeps the arrays alive and guarantees every index that a window may reach. Values per channel,
// target or series are copied. Matrices and values per window remain the caller's, so every call checks their shape and
// values; writing to them during a call is at the caller's own risk.
class SourceHolder {
 public:
  explicit SourceHolder(const py::array& past, int64_t lookback, const py::object& origin, int64_t past_stride,
                        int64_t past_shift, const py::object& target, int64_t horizon, int64_t target_stride,
                        int64_t target_shift, const py::object& extra, const py::object& future,
                        const py::object& constant, const py::object& starts, const py::object& weight,
                        const py::object& anchor, const py::object& target_anchor, const py::object& past_mean,
                        const py::object& past_scale, const py::object& target_mean, const py::object& target_scale,
                        const py::object& extra_mean, const py::object& extra_scale, int64_t padding,
                        int64_t anchor_steps, int64_t season, const py::object& anchor_floor,
                        const py::object& series_row, const py::object& phase, const py::object& cycle_ratio,
                        const py::object& fed_scale, const py::object& fed_shift, const py::object& future_anchor,
                        const py::object& begin);
  const Source& view() const { return source_; }
  // Refuses an index with a window that does not exist, reaches over the ends, or has impossible numbers.
  const int64_t* checked(const py::array& index, bool needs_target) const;

 private:
  struct Kept {  // an array and its properties when its pointer was taken
    py::array array;
    const char* name;
    const void* data;
    std::vector<py::ssize_t> shape, strides;
  };
  void keep(const py::array& a, const char* name);
  void refuse_changed() const;
  void refuse_numbers(int64_t window) const;
  Matrix matrix(const py::object& a, const char* name);
  const double* inverse(const py::object& scale, const char* name, int64_t n);
  template <class T>
  const T* copied(const py::object& a, const char* name, int64_t n);
  template <class T>
  const T* per_window(const py::object& a, const char* name);
  void set_windows(int64_t n, const char* name);
  void set_origin(const py::object& origin);
  void set_anchors(const py::object& anchor, const py::object& target_anchor, const py::object& future_anchor,
                   int64_t steps, int64_t season);
  void set_extra(const py::object& extra, const py::object& future, const py::object& constant);
  void set_series(const py::object& starts, const py::object& constant, const py::object& floor);
  void set_tables(const py::object& series_row, const py::object& phase, const py::object& cycle_ratio);
  void set_fed(const py::object& scale, const py::object& shift);
  void set_begin(const py::object& begin);
  Source source_{};
  int64_t past_rows_ = 0, target_rows_ = 0, future_rows_ = 0, windows_ = -1;
  std::vector<Kept> kept_;
  std::vector<py::array> copies_;
};

const Table& default_table();                     // the one chosen at import
const Table& table_named(const py::object& isa);  // None: the default

void bind_source(py::module_& m);
void bind_network(py::module_& m);
void bind_conformal(py::module_& m);

}  // namespace forecast
