// Defines the extension module: build information, the table in use, and the registries. The classes are bound in their
// own files.
#include "arrays.h"
#include "lock.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>

namespace forecast {

namespace {

using namespace py::literals;

const Table* chosen = nullptr;
std::string chosen_reason;

py::list names(const char* const* list, int first, int last) {
  py::list out;
  for (int i = first; i < last; ++i) out.append(list[i]);
  return out;
}

py::list initial_vectors(const CellInfo& c) {
  py::list out;
  for (int i = 0; i < c.vectors; ++i) {
    const double* const range = c.initial_vectors ? c.initial_vectors + 2 * i : nullptr;
    out.append(py::make_tuple(range ? range[0] : 0.0, range ? range[1] : 0.0));
  }
  return out;
}

py::dict cells(const Table& t) {
  py::dict out;
  for (int i = 0; i < t.n_cells; ++i) {
    const CellInfo& c = t.cells[i];
    out[c.name] = py::dict("rows"_a = names(c.row_names, 0, c.rows), "input"_a = py::make_tuple(c.input[0], c.input[1]),
                           "state"_a = py::make_tuple(c.state[0], c.state[1]),
                           "states"_a = names(c.state_names, 0, c.states), "gates"_a = names(c.gate_names, 0, c.gates),
                           "initial_bias"_a = std::vector<double>(c.initial_bias, c.initial_bias + c.rows),
                           "vectors"_a = names(c.vector_names, 0, c.vectors),
                           "initial_vectors"_a = initial_vectors(c), "estimator"_a = c.argument);
  }
  return out;
}

py::list layers(const Table& t) {
  py::list out;
  for (int i = 0; i < t.n_layers; ++i) out.append(t.layers[i].name);
  return out;
}

py::dict losses(const Table& t) {
  py::dict out;
  for (int i = 0; i < t.n_losses; ++i)
    out[t.losses[i].name] = py::dict("parameters"_a = names(&t.losses[i].parameter, 0, t.losses[i].parameter ? 1 : 0),
                                     "outputs"_a = t.losses[i].outputs, "target"_a = t.losses[i].target);
  return out;
}

py::dict config() {
  py::list built, found;
  const Available* list;
  const int n = available(&list);
  for (int i = 0; i < n; ++i) {
    built.append(list[i].name);
    if (list[i].runs) found.append(list[i].name);
  }
#if defined(_OPENMP)
  const std::string openmp = std::to_string(_OPENMP);
#else
  const std::string openmp;
#endif
  return py::dict("compiler"_a = FORECAST_COMPILER, "isa_built"_a = built, "isa_found"_a = found,
                  "isa_used"_a = chosen->name, "isa_reason"_a = chosen_reason, "openmp"_a = openmp,
                  "openmp_max_threads"_a = default_threads(), "forked"_a = in_forked_child());
}

template <class T>
py::array activation_as(const Table& table, int which, const py::array& x) {
  const T* from = contiguous<T>(x, "x", -1);
  auto out = new_array<T>({x.size()});
  const FloatGuard guard;
  kernels<T>(table).vectors.activation(which, from, out.mutable_data(), x.size());
  return out;
}

py::array activation(const std::string& name, const py::array& x, const py::object& isa) {
  const std::vector<std::string> known{"exp", "sigmoid", "tanh", "log", "softplus", "log_gamma", "digamma"};
  const int which = int(std::find(known.begin(), known.end(), name) - known.begin());
  if (which == int(known.size()))
    throw py::value_error(
        "name: expected 'exp', 'sigmoid', 'tanh', 'log', 'softplus', 'log_gamma' or 'digamma', got '" + name + "'");
  const Table& table = table_named(isa);
  return py::isinstance<py::array_t<double>>(x) ? activation_as<double>(table, which, x)
                                                : activation_as<float>(table, which, x);
}

double multiply_adds(int64_t n, const std::string& dtype, const py::object& isa) {
  const Table& table = table_named(isa);
  if (dtype != "float32" && dtype != "float64") throw py::value_error("dtype: expected 'float32' or 'float64'");
  const Unlocked outside;
  return dtype == "float64" ? table.f64.vectors.multiply_adds(n) : table.f32.vectors.multiply_adds(n);
}

void choose_at_import() {
  const char* forced = std::getenv("FORECAST_ISA");
  if (forced && !*forced) forced = nullptr;
  const char* reason = "";
  chosen = choose(forced, &reason);
  chosen_reason = reason;
  if (chosen) return;
  std::string built;
  const Available* list;
  const int n = available(&list);
  for (int i = 0; i < n; ++i)
    built += std::string(i ? ", " : "") + list[i].name + (list[i].runs ? "" : " (not on this CPU)");
  throw py::import_error((forced ? "FORECAST_ISA=" + std::string(forced) + ": " : std::string()) + reason +
                         "; built: " + built);
}

}  // namespace

const Table& default_table() { return *chosen; }

const Table& table_named(const py::object& isa) {
  if (isa.is_none()) return *chosen;
  const char* reason = "";
  const auto name = isa.cast<std::string>();
  const Table* table = choose(name.c_str(), &reason);
  if (!table) throw py::value_error("isa '" + name + "': " + reason);
  return *table;
}

}  // namespace forecast

// Objects are constant or used by one call at a time, so threads may call without the interpreter's lock.
PYBIND11_MODULE(_core_bound, m, pybind11::mod_gil_not_used()) {
  using namespace forecast;
  choose_at_import();
  m.doc() = "Compiled core of forecast; the contract is _core.pyi.";
  m.attr("CELLS") = cells(*chosen);
  m.attr("LAYERS") = layers(*chosen);
  m.attr("LOSSES") = losses(*chosen);
  m.attr("MOST_OUTPUTS") = most_outputs;
  m.attr("OPTIMIZERS") = py::list(py::make_tuple("sgd", "adam", "adamw", "rmsprop"));
  m.def("config", config, "What was built, what was found and what is used.");
  m.def("activation", activation, "name"_a, "x"_a, "isa"_a = py::none(),
        "Elementwise, by the kernels' own polynomials.");
  m.def("multiply_adds", multiply_adds, "n"_a, py::kw_only(), "dtype"_a = "float32", "isa"_a = py::none(),
        "n rounds of independent multiply-adds in registers; returns the floating-point operations in them.");
  bind_source(m);
  bind_network(m);
  bind_conformal(m);
}

// The only symbol that the library exports. pybind11 looks up a thread's state by the thread alone. In a
// sub-interpreter of Python 3.11, it would wait forever for the lock that the thread itself holds, so it is not called
// there.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {  // NOLINT(bugprone-reserved-identifier): Python's name
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_bound();
  PyErr_SetString(PyExc_ImportError,
                  "forecast cannot be imported in a sub-interpreter, only in the main interpreter of a process. Use "
                  "threads or processes there, such as joblib's.");
  return nullptr;
}
