// Network and Optimizer: argument checks, scratch outputs, and the release of the interpreter's lock around the work.
#include "training.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>

namespace forecast {

namespace {

using namespace py::literals;

bool is_double(const std::string& dtype) {
  if (dtype != "float32" && dtype != "float64")
    throw py::value_error("dtype: expected 'float32' or 'float64', got '" + dtype + "'");
  return dtype == "float64";
}

template <class Info>
int position(const Info* list, int n, const std::string& name, const char* what) {
  std::string known;
  for (int i = 0; i < n; ++i) {
    if (name == list[i].name) return i;
    known += std::string(i ? ", " : "") + "'" + list[i].name + "'";
  }
  throw py::value_error(std::string(what) + ": expected one of " + known + ", got '" + name + "'");
}

struct OptimizerHolder {
  std::string dtype;
  bool wide;
  int64_t n, steps = 0;
  Step step{};
  py::array first, second;

  OptimizerHolder(const std::string& name, const std::string& dtype_, int64_t n_parameters, double momentum,
                  double beta_1, double beta_2, double epsilon, double weight_decay)
      : dtype(dtype_), wide(is_double(dtype_)), n(n_parameters) {
    static const std::map<std::string, Rule> rules = {
        {"sgd", Rule::sgd}, {"adam", Rule::adam}, {"adamw", Rule::adamw}, {"rmsprop", Rule::rmsprop}};
    const auto rule = rules.find(name);
    if (rule == rules.end())
      throw py::value_error("name: expected one of 'sgd', 'adam', 'adamw', 'rmsprop', got '" + name + "'");
    if (n < 1) throw py::value_error("n_parameters: expected at least 1");
    step.rule = rule->second, step.momentum = momentum, step.beta_1 = beta_1;
    step.beta_2 = step.rule == Rule::rmsprop ? 0.99 : beta_2;
    step.epsilon = epsilon, step.weight_decay = weight_decay;
    first = py::module_::import("numpy").attr("zeros")(n, dtype);
    second = py::module_::import("numpy").attr("zeros")(n, dtype);
  }
};

class NetworkHolder {
 public:
  NetworkHolder(const std::string& cell, const std::string& dtype, int64_t steps, int64_t inputs, int64_t hidden,
                int64_t layers, int64_t targets, int64_t extra, const std::string& loss,
                const std::vector<double>& loss_parameters, double dropout, const py::object& clip,
                const py::object& isa)
      : table_(&table_named(isa)),
        wide_(is_double(dtype)),
        cell_(position(table_->cells, table_->n_cells, cell, "cell")) {
    const int which = position(table_->losses, table_->n_losses, loss, "loss");
    const LossInfo& info = table_->losses[which];
    const auto positive = [](int64_t value, const char* name) {
      if (value < 1 || value > (int64_t(1) << 31))
        throw py::value_error(std::string(name) + ": expected 1 to 2**31, got " + std::to_string(value));
    };
    positive(steps, "steps"), positive(inputs, "inputs"), positive(hidden, "hidden");
    positive(layers, "layers"), positive(targets, "targets"), positive(extra + 1, "extra + 1");
    if (!(dropout >= 0 && dropout < 1)) throw py::value_error("dropout: expected 0 <= dropout < 1");
    const size_t wanted = info.parameter ? 1 : 0;
    if (info.output_per_parameter ? loss_parameters.empty() || loss_parameters.size() > size_t(most_outputs)
                                  : loss_parameters.size() != wanted)
      throw py::value_error("loss_parameters: '" + loss + "' does not take " + std::to_string(loss_parameters.size()));
    const int64_t Q = info.output_per_parameter ? int64_t(loss_parameters.size()) : 1;
    shape_ = {steps, inputs, hidden, layers, extra, targets, Q};
    checked_sizes();
    const double bound = positive_or_none(clip, "clip");
    f32_ = model<float>(which, loss_parameters, dropout, bound);
    f64_ = model<double>(which, loss_parameters, dropout, bound);
    sizes_of();
  }

  bool wide() const { return wide_; }
  const Table& table() const { return *table_; }
  const Shape& shape() const { return shape_; }
  int64_t outputs() const { return shape_.K * shape_.Q; }
  int64_t parameters() const { return sizes_.parameters; }
  int cell() const { return cell_; }
  int states() const { return table_->cells[cell_].states; }
  std::vector<std::string> activities() const {  // names of gates, then of states
    const CellInfo& c = table_->cells[cell_];
    std::vector<std::string> all(c.gate_names, c.gate_names + c.gates);
    all.insert(all.end(), c.state_names, c.state_names + c.states);
    return all;
  }
  int lanes() const { return wide_ ? f64_.vectors->lanes : f32_.vectors->lanes; }
  template <class T>
  const Model<T>& get() const;

  py::list layout() const {
    const CellInfo& cell = table_->cells[cell_];
    std::vector<Field> fields(size_t(f32_.engine->fields(shape_, nullptr)));
    f32_.engine->fields(shape_, fields.data());
    py::list out;
    for (const Field& f : fields) {
      const std::string kind(1, f.kind);
      const std::string name =
          f.layer < 0 ? "head." + kind : std::to_string(f.layer) + "." + kind + "_" + cell.row_names[f.row];
      out.append(
          py::make_tuple(name, f.offset, f.m ? py::tuple(py::make_tuple(f.n, f.m)) : py::tuple(py::make_tuple(f.n))));
    }
    return out;
  }

  void check(const Source& s) const {
    const auto same = [](int64_t got, int64_t expected, const char* what) {
      if (got != expected)
        throw py::value_error(std::string("source: expected ") + what + " " + std::to_string(expected) + ", got " +
                              std::to_string(got));
    };
    same(s.T, shape_.T, "lookback"), same(s.I, shape_.I, "channels"), same(s.E, shape_.E, "extra inputs");
    if (s.target.data) same(s.K, shape_.K, "targets");
  }

 private:
  template <class T>
  Model<T> model(int loss, const std::vector<double>& parameters, double dropout, double clip) const {
    const Kernels<T>& k = kernels<T>(*table_);
    return {&k.cells[cell_], &k.vectors, shape_, loss, std::vector<T>(parameters.begin(), parameters.end()), dropout,
            clip};
  }
  // Every size in the kernels is below this product; one check here and none behind.
  void checked_sizes() const {
    const double H = double(shape_.H), widest = std::max({H, double(shape_.I), double(shape_.E)});
    const double tape = double(shape_.T) * double(shape_.L) * 16 * widest * 64;
    const double weights =
        double(shape_.L) * 8 * H * (widest + H) + double(shape_.K) * double(shape_.Q) * (H + widest) * 64;
    if (tape + weights > 4e18) throw py::value_error("network: its sizes overflow 64 bits");
  }
  void sizes_of() {
    if (wide_) f64_.engine->sizes(shape_, false, &sizes_);
    else f32_.engine->sizes(shape_, false, &sizes_);
  }
  const Table* table_;
  bool wide_;
  int cell_;
  Shape shape_{};
  Sizes sizes_{};
  Model<float> f32_;
  Model<double> f64_;
};

template <>
const Model<float>& NetworkHolder::get<float>() const {
  return f32_;
}
template <>
const Model<double>& NetworkHolder::get<double>() const {
  return f64_;
}

// Runs body with the interpreter's lock released (it must touch no Python object); raises what a signal handler raised.
template <class Body>
void unlocked(const Body& body) {
  bool done;
  {
    const py::gil_scoped_release unlock;
    StopSign sign(interrupted);
    done = body(sign);
  }
  if (!done) throw py::error_already_set();
}

Windows windows_of(const NetworkHolder& net, const SourceHolder& source, const py::array& index, bool needs_target) {
  net.check(source.view());
  return {&net.table(), &source.view(), source.checked(index, needs_target), int64_t(index.size())};
}

// Weights that were packed once, for many predictions.
struct PackedHolder {
  std::shared_ptr<const Packed<float>> f32;
  std::shared_ptr<const Packed<double>> f64;
  const Table* table;
  int cell;
  Shape shape;
};
template <class T>
const Packed<T>* packed_in(const PackedHolder& holder);
template <>
const Packed<float>* packed_in(const PackedHolder& holder) {
  return holder.f32.get();
}
template <>
const Packed<double>* packed_in(const PackedHolder& holder) {
  return holder.f64.get();
}

template <class T>
Packed<T> packed_as(const NetworkHolder& net, const py::array& theta) {
  return Packed<T>(net.get<T>(), contiguous<T>(theta, "theta", net.parameters()));
}

template <class T>
bool is_pack_of(const NetworkHolder& net, const PackedHolder& holder) {
  return packed_in<T>(holder) && holder.table == &net.table() && holder.cell == net.cell() &&
         !std::memcmp(&holder.shape, &net.shape(), sizeof(Shape));
}
template <class T>
bool same_weights(const NetworkHolder& net, const PackedHolder& holder, const py::array& theta) {
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  return is_pack_of<T>(net, holder) &&
         !std::memcmp(weights, packed_in<T>(holder)->weights.get(), sizeof(T) * size_t(net.parameters()));
}

PackedHolder new_pack(const NetworkHolder& net, const py::array& theta) {
  PackedHolder holder{nullptr, nullptr, &net.table(), net.cell(), net.shape()};
  if (net.wide()) holder.f64 = std::make_shared<Packed<double>>(packed_as<double>(net, theta));
  else holder.f32 = std::make_shared<Packed<float>>(packed_as<float>(net, theta));
  return holder;
}

py::object pack(const NetworkHolder& net, const py::array& theta, const py::object& earlier) {
  if (!earlier.is_none()) {  // comparing costs a small part of a prediction, and a user may edit weights in place
    const auto& holder = earlier.cast<const PackedHolder&>();
    if (net.wide() ? same_weights<double>(net, holder, theta) : same_weights<float>(net, holder, theta)) return earlier;
  }
  return py::cast(new_pack(net, theta));
}

Path path_of(const std::string& path) {
  if (path != "auto" && path != "lanes" && path != "units")
    throw py::value_error("path: expected 'auto', 'lanes' or 'units', got '" + path + "'");
  return path == "auto" ? Path::automatic : path == "lanes" ? Path::lanes : Path::units;
}

template <class T>
py::object predict_as(const NetworkHolder& net, const PackedHolder& holder, const SourceHolder& source,
                      const py::array& index, int threads, const std::string& path) {
  const Path way = path_of(path);
  const Packed<T>* packed = packed_in<T>(holder);
  if (!is_pack_of<T>(net, holder)) throw py::value_error("theta: packed for another network");
  const Windows windows = windows_of(net, source, index, false);
  auto out = new_array<T>({windows.n, net.outputs()});
  T* outputs = out.mutable_data();
  unlocked([&](StopSign& sign) { return predict(net.get<T>(), *packed, windows, way, threads, sign, outputs); });
  return out;
}

py::object predict_any(const NetworkHolder& net, const PackedHolder& packed, const SourceHolder& source,
                       const py::array& index, int threads, const std::string& path) {
  return net.wide() ? predict_as<double>(net, packed, source, index, threads, path)
                    : predict_as<float>(net, packed, source, index, threads, path);
}

template <class T>
double loss_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
               int threads) {
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, true);
  double loss = 0;
  unlocked([&](StopSign& sign) { return mean_loss(net.get<T>(), weights, windows, threads, sign, &loss); });
  return loss;
}

template <class T>
py::dict gradient_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source,
                     const py::array& index, const py::object& initial, const py::object& seed, int threads) {
  const Shape& s = net.shape();
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, true);
  const int64_t states = net.states(), n = windows.n;
  const T* first = optional<T>(initial, "initial", s.L * states * n * s.H);
  auto outputs = new_array<T>({n, net.outputs()}), dtheta = new_array<T>({net.parameters()});
  auto past = new_array<T>({n, s.T, s.I}), extra = new_array<T>({n, s.E}), state = new_array<T>({s.L, states, n, s.H});
  Gradients<T> g{0,
                 outputs.mutable_data(),
                 dtheta.mutable_data(),
                 past.mutable_data(),
                 extra.mutable_data(),
                 state.mutable_data(),
                 nullptr};
  const bool drop = !seed.is_none();
  const uint64_t number = drop ? seed.cast<uint64_t>() : 0;
  unlocked(
      [&](StopSign& sign) { return gradient(net.get<T>(), weights, windows, first, drop, number, threads, sign, &g); });
  return py::dict("loss"_a = g.loss, "outputs"_a = outputs, "theta"_a = dtheta, "past"_a = past, "extra"_a = extra,
                  "initial"_a = state);
}

template <class T>
py::dict flow_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
                 int threads) {
  const Shape& s = net.shape();
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, true);
  auto squares = new_array<double>({s.L, s.T});
  Gradients<T> g{};
  g.flow = squares.mutable_data();
  unlocked([&](StopSign& sign) {
    return gradient(net.get<T>(), weights, windows, static_cast<const T*>(nullptr), false, 0, threads, sign, &g);
  });
  return py::dict("loss"_a = g.loss, "squares"_a = squares);
}

template <class T>
py::dict activity_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source,
                     const py::array& index, int threads) {
  const Shape& s = net.shape();
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, false);
  const auto names = net.activities();
  auto values = new_array<T>({py::ssize_t(names.size()), windows.n, s.L, s.T, s.H});
  T* const begin = values.mutable_data();
  unlocked([&](StopSign& sign) { return activity(net.get<T>(), weights, windows, threads, sign, begin); });
  py::dict out;
  for (size_t i = 0; i < names.size(); ++i) out[py::str(names[i])] = values[py::int_(i)];
  return out;
}

// Scratch memory that calls share, one after the other: a call that finds it lent takes memory of its own.
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

template <class T>
py::dict train_as(const NetworkHolder& net, const py::array& theta, OptimizerHolder& optimizer,
                  const SourceHolder& source, const py::array& order, const Plan& plan, const py::object& average,
                  double decay, const GroupList& groups, ScratchHolder* scratch) {
  T* weights = contiguous<T>(theta, "theta", net.parameters(), true);
  Optimizer<T> state{optimizer.step, optimizer.steps,
                     contiguous<T>(optimizer.first, "optimizer.first", net.parameters(), true),
                     contiguous<T>(optimizer.second, "optimizer.second", net.parameters(), true),
                     every_group(groups, net.parameters(), optimizer.step.weight_decay),
                     average.is_none() ? nullptr : contiguous<T>(average, "average", net.parameters(), true),
                     decay};
  const Windows windows = windows_of(net, source, order, true);
  Trained result;
  bool done;
  Loan loan(scratch);
  {
    const py::gil_scoped_release unlock;
    StopSign sign(interrupted);
    done = train(net.get<T>(), weights, state, windows, plan, loan.get(), sign, &result);
  }
  optimizer.steps = state.steps;  // also where interrupted: whole batches have been taken
  if (!done) throw py::error_already_set();
  return py::dict("losses"_a = as_array(result.losses), "norms"_a = as_array(result.norms), "finite"_a = result.finite,
                  "threads"_a = result.threads);
}

}  // namespace

void bind_network(py::module_& m) {
  const py::object none = py::none();
  py::class_<ScratchHolder>(m, "Scratch", "Memory that calls to train take again.").def(py::init<>());
  py::class_<OptimizerHolder>(m, "Optimizer", "Name, constants and state of an optimiser.")
      .def(py::init<const std::string&, const std::string&, int64_t, double, double, double, double, double>(),
           "name"_a, "dtype"_a, "n_parameters"_a, py::kw_only(), "momentum"_a = 0.0, "beta_1"_a = 0.9,
           "beta_2"_a = 0.999, "epsilon"_a = 1e-8, "weight_decay"_a = 0.0)
      .def_readwrite("steps", &OptimizerHolder::steps)
      .def_readwrite("first", &OptimizerHolder::first)
      .def_readwrite("second", &OptimizerHolder::second);

  py::class_<PackedHolder>(m, "Packed", "Weights in the order in which predictions read them; of one architecture.");

  py::class_<NetworkHolder>(m, "Network", "One architecture in one precision and instruction set; it holds no weights.")
      .def(py::init<const std::string&, const std::string&, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                    const std::string&, const std::vector<double>&, double, const py::object&, const py::object&>(),
           "cell"_a, "dtype"_a, py::kw_only(), "steps"_a, "inputs"_a, "hidden"_a, "layers"_a, "targets"_a,
           "extra"_a = 0, "loss"_a = "squared_error", "loss_parameters"_a = std::vector<double>(), "dropout"_a = 0.0,
           "clip"_a = none, "isa"_a = none)
      .def_property_readonly("n_parameters", &NetworkHolder::parameters)
      .def_property_readonly("n_outputs", &NetworkHolder::outputs)
      .def_property_readonly("lanes", &NetworkHolder::lanes)
      .def_property_readonly("isa", [](const NetworkHolder& net) { return net.table().name; })
      .def_property_readonly("layout", &NetworkHolder::layout)
      .def("pack", pack, "theta"_a, "earlier"_a = none)
      .def("predict", predict_any, "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1, "path"_a = "auto")
      .def(
          "predict",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads,
             const std::string& path) { return predict_any(net, new_pack(net, theta), source, index, threads, path); },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1, "path"_a = "auto")
      .def(
          "loss",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads) {
            return net.wide() ? loss_as<double>(net, theta, source, index, threads)
                              : loss_as<float>(net, theta, source, index, threads);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1)
      .def(
          "gradient",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             const py::object& initial, const py::object& seed, int threads) {
            return net.wide() ? gradient_as<double>(net, theta, source, index, initial, seed, threads)
                              : gradient_as<float>(net, theta, source, index, initial, seed, threads);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "initial"_a = none, "seed"_a = none, "threads"_a = 1)
      .def(
          "flow",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads) {
            return net.wide() ? flow_as<double>(net, theta, source, index, threads)
                              : flow_as<float>(net, theta, source, index, threads);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1)
      .def(
          "activity",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads) {
            return net.wide() ? activity_as<double>(net, theta, source, index, threads)
                              : activity_as<float>(net, theta, source, index, threads);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1)
      .def(
          "train",
          [](const NetworkHolder& net, const py::array& theta, OptimizerHolder& optimizer, const SourceHolder& source,
             const py::array& order, int64_t batch_size, const py::object& rates, const py::object& rate,
             const py::object& clip_norm, const py::object& clip_value, double noise,
             const py::object& average, double average_decay, const GroupList& groups, uint64_t seed, int threads,
             const std::string& path, ScratchHolder* scratch) {
            if (batch_size < 1) throw py::value_error("batch_size: expected at least 1");
            if (!(average_decay >= 0 && average_decay < 1))
              throw py::value_error("average_decay: expected 0 <= average_decay < 1");
            if (!(noise >= 0 && noise < 1e30)) throw py::value_error("noise: expected a number from 0 on");
            const std::vector<double> each = rate_of_each(rates, rate, batches_of(order.size(), batch_size));
            const Plan plan{batch_size,
                            each.data(),
                            positive_or_none(clip_norm, "clip_norm"),
                            positive_or_none(clip_value, "clip_value"),
                            noise,
                            seed,
                            threads,
                            path_of(path)};
            const auto run = net.wide() ? train_as<double> : train_as<float>;
            return run(net, theta, optimizer, source, order, plan, average, average_decay, groups, scratch);
          },
          "theta"_a, "optimizer"_a, "source"_a, "order"_a, "batch_size"_a, py::kw_only(), "rates"_a = none,
          "rate"_a = none, "clip_norm"_a = none, "clip_value"_a = none, "noise"_a = 0.0, "average"_a = none,
          "average_decay"_a = 0.0, "groups"_a = GroupList(), "seed"_a = 0, "threads"_a = 1, "path"_a = "auto",
          "scratch"_a = none);
}

}  // namespace forecast
