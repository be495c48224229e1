// Network and Optimizer: argument checks, scratch outputs, and the release of the interpreter's lock around the work.
#include <pybind11/stl.h>

#include "lock.h"
#include "spec.h"
#include "training.h"

#include <algorithm>
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
  NetworkHolder(const py::list& streams, const py::list& layers, const std::string& dtype, int64_t targets,
                int64_t columns, const std::string& loss, const std::vector<double>& loss_parameters, double dropout,
                double left_out, const py::object& clip, const py::object& isa)
      : table_(&table_named(isa)),
        wide_(is_double(dtype)),
        spec_(*table_, streams, layers, targets, columns, loss, loss_parameters.size()),
        description_(table_->name + py::str(streams).cast<std::string>() + py::str(layers).cast<std::string>()),
        f32_(kernels<float>(*table_), spec_.view(), loss_parameters, dropout, left_out, positive_or_none(clip, "clip")),
        f64_(kernels<double>(*table_), spec_.view(), loss_parameters, dropout, left_out,
             positive_or_none(clip, "clip")) {
    if (!(dropout >= 0 && dropout < 1)) throw py::value_error("dropout: expected 0 <= dropout < 1");
    if (!(left_out >= 0 && left_out < 1)) throw py::value_error("left_out: expected 0 <= left_out < 1");
  }

  bool wide() const { return wide_; }
  const Table& table() const { return *table_; }
  const SpecHolder& spec() const { return spec_; }
  const std::string& description() const { return description_; }
  const Plan& plan() const { return wide_ ? *f64_.lanes : *f32_.lanes; }
  int64_t parameters() const { return plan().parameters; }
  int lanes() const { return wide_ ? kernels<double>(*table_).vectors.lanes : kernels<float>(*table_).vectors.lanes; }
  template <class T>
  const Model<T>& get() const;

  py::list layout() const {
    const auto fields_of = kernels<float>(*table_).fields;
    std::vector<Field> fields(size_t(fields_of(spec_.view(), nullptr)));
    fields_of(spec_.view(), fields.data());
    py::list out;
    for (const Field& f : fields) {
      py::list shape;
      for (const int64_t n : {f.n, f.m, f.k})
        if (n) shape.append(n);
      out.append(py::make_tuple(spec_.weight_name(f), f.offset, py::tuple(shape)));
    }
    return out;
  }

  void check(const Source& s) const {
    const auto same = [](int64_t got, int64_t expected, const char* what) {
      if (got != expected)
        throw py::value_error(std::string("source: expected ") + what + " " + std::to_string(expected) + ", got " +
                              std::to_string(got));
    };
    same(s.padding + s.T, spec_.past().steps, "padding and lookback"), same(s.I, spec_.past().width, "channels");
    same(s.E, spec_.extra(), "extra inputs");
    if (s.target.data) same(s.K, spec_.view().K, "targets");
    if (spec_.reads_rows() && !s.series_row) throw py::value_error("source: the network reads tables by series_row");
    if (spec_.reads_phases() && !s.phase) throw py::value_error("source: the network has a cycle, so it needs a phase");
    if (s.cycle_ratio) same(s.cycle_ratios, spec_.view().K, "cycle ratios");
    if (s.fed) same(s.fed, spec_.view().K, "scales of what is fed back");
  }

 private:
  const Table* table_;
  bool wide_;
  SpecHolder spec_;
  std::string description_;
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

Windows windows_of(const NetworkHolder& net, const SourceHolder& source, const py::array& index, bool needs_target) {
  const Source& s = source.view();
  net.check(s);
  const Windows windows{&net.table(), &s, source.checked(index, needs_target), int64_t(index.size())};
  for (int64_t i = 0; net.spec().reads_rows() && i < windows.n; ++i)
    if (s.series_row[windows.index[i]] >= net.spec().rows())
      throw py::value_error("series_row: " + std::to_string(s.series_row[windows.index[i]]) + " of window " +
                            std::to_string(windows.index[i]) + ", but there are " + std::to_string(net.spec().rows()) +
                            " series");
  return windows;
}

// Weights packed once for many predictions.
struct PackedHolder {
  std::shared_ptr<const Packed<float>> f32;
  std::shared_ptr<const Packed<double>> f64;
  std::string of;  // what it was packed for
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
  return packed_in<T>(holder) && holder.of == net.description();
}
template <class T>
bool same_weights(const NetworkHolder& net, const PackedHolder& holder, const py::array& theta) {
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  return is_pack_of<T>(net, holder) &&
         !std::memcmp(weights, packed_in<T>(holder)->weights.get(), sizeof(T) * size_t(net.parameters()));
}

PackedHolder new_pack(const NetworkHolder& net, const py::array& theta) {
  PackedHolder holder{nullptr, nullptr, net.description()};
  if (net.wide()) holder.f64 = std::make_shared<Packed<double>>(packed_as<double>(net, theta));
  else holder.f32 = std::make_shared<Packed<float>>(packed_as<float>(net, theta));
  return holder;
}

py::object pack(const NetworkHolder& net, const py::array& theta, const py::object& earlier) {
  if (!earlier.is_none()) {  // users may edit weights in place, and comparing takes a small part of a prediction
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
                      const py::array& index, int threads, const std::string& path, const uint64_t* seed,
                      const Between& between = {}) {
  const Path way = path_of(path);
  const Packed<T>* packed = packed_in<T>(holder);
  if (!is_pack_of<T>(net, holder)) throw py::value_error("theta: packed for another network");
  const Windows windows = windows_of(net, source, index, false);
  auto out = new_array<T>({windows.n, net.spec().outputs()});
  T* outputs = out.mutable_data();
  const auto carried = between.as<T>(net.plan().initial, windows.n);
  unlocked([&](StopSign& sign) {
    return predict(net.get<T>(), *packed, windows, way, threads, sign, outputs, seed, carried);
  });
  return out;
}

py::object predict_any(const NetworkHolder& net, const PackedHolder& packed, const SourceHolder& source,
                       const py::array& index, int threads, const std::string& path, const Between& between = {}) {
  return net.wide() ? predict_as<double>(net, packed, source, index, threads, path, nullptr, between)
                    : predict_as<float>(net, packed, source, index, threads, path, nullptr, between);
}

py::object sample(const NetworkHolder& net, const PackedHolder& packed, const SourceHolder& source,
                  const py::array& index, uint64_t seed, int threads, const std::string& path) {
  return net.wide() ? predict_as<double>(net, packed, source, index, threads, path, &seed)
                    : predict_as<float>(net, packed, source, index, threads, path, &seed);
}

template <class T>
double loss_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
               int threads, const Between& between) {
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, true);
  const auto carried = between.as<T>(net.plan().initial, windows.n);
  double loss = 0;
  unlocked([&](StopSign& sign) { return mean_loss(net.get<T>(), weights, windows, threads, sign, &loss, carried); });
  return loss;
}

void refuse_none(int64_t windows) {
  if (!windows) throw py::value_error("index: a gradient is a mean over windows; expected at least 1, got none");
}

// Views of an array that holds the data of all recurrent layers, one layer after another.
template <class T, class Shape>
py::list parts_of(const NetworkHolder& net, const py::array_t<T>& all, bool initial, const Shape& shape,
                  bool attention = false) {
  py::list out;
  py::ssize_t at = 0;
  const SpecHolder& spec = net.spec();
  for (int l = 0; l < spec.n_layers(); ++l) {
    if (!(spec.is_cell(l) || (attention && spec.attends(l))) || (initial && spec.view().layers[l].start >= 0)) continue;
    const std::vector<py::ssize_t> sizes = shape(l);
    py::ssize_t n = 1;
    for (const auto size : sizes) n *= size;
    out.append(py::array_t<T>(sizes, all.data() + at, all));
    at += n;
  }
  return out;
}

// Initial states of all layers that have no start, as one array.
template <class T>
py::object joined(const py::object& given) {
  if (!py::isinstance<py::list>(given)) return given;
  py::list flat;
  for (const auto& part : given)
    flat.append(array_in(py::reinterpret_borrow<py::object>(part), "initial").attr("ravel")());
  return py::module_::import("numpy").attr("concatenate")(flat);
}

template <class T>
py::dict gradient_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source,
                     const py::array& index, const py::object& initial, const py::object& upstream,
                     const py::object& seed, double forced, int threads) {
  const SpecHolder& spec = net.spec();
  const StreamSpec& x = spec.past();
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, upstream.is_none());
  const int64_t n = windows.n;
  refuse_none(n);
  const T* sent = optional<T>(upstream, "upstream", product({spec.outputs(), n}));
  const py::object start = joined<T>(initial);
  const T* first = optional<T>(start, "initial", product({net.plan().initial, n}));
  auto outputs = new_array<T>({n, spec.outputs()}), dtheta = new_array<T>({net.parameters()});
  auto past = new_array<T>({n, x.steps, x.width}), extra = new_array<T>({n, spec.extra()});
  auto states = new_array<T>({product({net.plan().initial, n})});
  Gradients<T> g{0,
                 outputs.mutable_data(),
                 dtheta.mutable_data(),
                 past.mutable_data(),
                 extra.mutable_data(),
                 states.mutable_data(),
                 nullptr};
  const bool drop = !seed.is_none();
  const uint64_t number = drop ? seed.cast<uint64_t>() : 0;
  unlocked([&](StopSign& sign) {
    return gradient(net.get<T>(), weights, windows, first, sent, drop, number, forced, threads, sign, &g);
  });
  const auto shape = [&](int l) -> std::vector<py::ssize_t> { return {spec.cell(l).states, n, spec.output(l).width}; };
  return py::dict("loss"_a = g.loss, "outputs"_a = outputs, "theta"_a = dtheta, "past"_a = past, "extra"_a = extra,
                  "initial"_a = parts_of<T>(net, states, true, shape));
}

template <class T>
py::dict flow_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
                 int threads) {
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, true);
  refuse_none(windows.n);
  auto squares = new_array<double>({net.plan().flow});
  Gradients<T> g{};
  g.flow = squares.mutable_data();
  unlocked([&](StopSign& sign) {
    const T* const none = nullptr;
    return gradient(net.get<T>(), weights, windows, none, none, false, 0, 0, threads, sign, &g);
  });
  const auto shape = [&](int l) -> std::vector<py::ssize_t> { return {net.spec().output(l).steps}; };
  return py::dict("loss"_a = g.loss, "squares"_a = parts_of<double>(net, squares, false, shape));
}

template <class T>
py::list activity_as(const NetworkHolder& net, const py::array& theta, const SourceHolder& source,
                     const py::array& index, int threads) {
  const SpecHolder& spec = net.spec();
  const T* weights = contiguous<T>(theta, "theta", net.parameters());
  const Windows windows = windows_of(net, source, index, false);
  auto values = new_array<T>({product({net.plan().activity, windows.n})});
  T* const begin = values.mutable_data();
  unlocked([&](StopSign& sign) { return activity(net.get<T>(), weights, windows, threads, sign, begin); });
  const py::list layers = parts_of<T>(
      net, values, false,
      [&](int l) -> std::vector<py::ssize_t> {
        if (spec.attends(l)) return {1, windows.n, spec.output(l).steps, spec.input(l, 1).steps};
        const CellInfo& c = spec.cell(l);
        return {c.gates + c.states, windows.n, spec.output(l).steps, spec.output(l).width};
      },
      true);
  py::list out;
  for (int l = 0; l < spec.n_layers(); ++l) {
    if (!spec.is_cell(l) && !spec.attends(l)) continue;
    const py::object all = layers[out.size()];
    py::dict named;
    if (spec.attends(l)) {
      named["weight"] = all[py::int_(0)];
      out.append(named);
      continue;
    }
    const CellInfo& c = spec.cell(l);
    for (int i = 0; i < c.gates; ++i) named[c.gate_names[i]] = all[py::int_(i)];
    for (int i = 0; i < c.states; ++i) named[c.state_names[i]] = all[py::int_(c.gates + i)];
    out.append(named);
  }
  return out;
}

struct Counted {  // also after an interrupt: complete batches count
  int64_t& to;
  const int64_t& from;
  ~Counted() { to = from; }
};

template <class T>
py::dict train_as(const NetworkHolder& net, const py::array& theta, OptimizerHolder& optimizer,
                  const SourceHolder& source, const py::array& order, const Course& course, const py::object& average,
                  double decay, const GroupList& groups, ScratchHolder* scratch, const Between& between) {
  T* weights = contiguous<T>(theta, "theta", net.parameters(), true);
  const py::array first = optimizer.first, second = optimizer.second;  // another thread may replace them meanwhile
  if (optimizer.steps < 0 || optimizer.steps > int64_t(1) << 61)
    throw py::value_error("optimizer.steps: expected 0 or more, below 2**61, got " + std::to_string(optimizer.steps));
  Optimizer<T> state{optimizer.step,
                     optimizer.steps,
                     contiguous<T>(first, "optimizer.first", net.parameters(), true),
                     contiguous<T>(second, "optimizer.second", net.parameters(), true),
                     every_group(groups, net.parameters(), optimizer.step.weight_decay),
                     optional<T>(average, "average", net.parameters(), true),
                     decay};
  const Windows windows = windows_of(net, source, order, true);
  const auto carried = between.as<T>(net.plan().initial, windows.n);
  Trained result;
  Loan loan(scratch);
  const Counted counted{optimizer.steps, state.steps};
  unlocked([&](StopSign& sign) {
    return train(net.get<T>(), weights, state, windows, course, loan.get(), sign, &result, carried);
  });
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

  // NOLINTNEXTLINE(bugprone-unused-raii): making the object adds the class to the module
  py::class_<PackedHolder>(m, "Packed", "Weights in the order in which predictions read them; of one architecture.");

  py::class_<NetworkHolder>(m, "Network", "One architecture in one precision and instruction set; it holds no weights.")
      .def(py::init<const py::list&, const py::list&, const std::string&, int64_t, int64_t, const std::string&,
                    const std::vector<double>&, double, double, const py::object&, const py::object&>(),
           "streams"_a, "layers"_a, py::kw_only(), "dtype"_a, "targets"_a, "columns"_a = 1, "loss"_a = "squared_error",
           "loss_parameters"_a = std::vector<double>(), "dropout"_a = 0.0, "left_out"_a = 0.0, "clip"_a = none,
           "isa"_a = none)
      .def_property_readonly("n_parameters", &NetworkHolder::parameters)
      .def_property_readonly("n_outputs", [](const NetworkHolder& net) { return net.spec().outputs(); })
      .def_property_readonly("lanes", &NetworkHolder::lanes)
      .def_property_readonly("isa", [](const NetworkHolder& net) { return net.table().name; })
      .def_property_readonly("layout", &NetworkHolder::layout)
      .def("pack", pack, "theta"_a, "earlier"_a = none)
      .def_property_readonly("n_states", [](const NetworkHolder& net) { return net.plan().initial; })
      .def(
          "predict",
          [](const NetworkHolder& net, const PackedHolder& packed, const SourceHolder& source, const py::array& index,
             int threads, const std::string& path, const py::object& carried, int64_t batch_size,
             const py::object& begins) {
            return predict_any(net, packed, source, index, threads, path, {carried, begins, batch_size});
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1, "path"_a = "auto", "carried"_a = none,
          "batch_size"_a = 0, "begins"_a = none)
      .def("sample", sample, "theta"_a, "source"_a, "index"_a, "seed"_a, py::kw_only(), "threads"_a = 1,
           "path"_a = "auto")
      .def(
          "predict",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads,
             const std::string& path) { return predict_any(net, new_pack(net, theta), source, index, threads, path); },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1, "path"_a = "auto")
      .def(
          "loss",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             int threads, const py::object& carried, int64_t batch_size, const py::object& begins) {
            const Between between{carried, begins, batch_size};
            return net.wide() ? loss_as<double>(net, theta, source, index, threads, between)
                              : loss_as<float>(net, theta, source, index, threads, between);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "threads"_a = 1, "carried"_a = none, "batch_size"_a = 0,
          "begins"_a = none)
      .def(
          "gradient",
          [](const NetworkHolder& net, const py::array& theta, const SourceHolder& source, const py::array& index,
             const py::object& initial, const py::object& upstream, const py::object& seed, double forced,
             int threads) {
            check_forced(forced);
            if (forced > 0 && !upstream.is_none())
              throw py::value_error("upstream: true targets are fed with the loss's gradient only; expected forced=0");
            return net.wide() ? gradient_as<double>(net, theta, source, index, initial, upstream, seed, forced, threads)
                              : gradient_as<float>(net, theta, source, index, initial, upstream, seed, forced, threads);
          },
          "theta"_a, "source"_a, "index"_a, py::kw_only(), "initial"_a = none, "upstream"_a = none, "seed"_a = none,
          "forced"_a = 0.0, "threads"_a = 1)
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
             const py::object& clip_norm, const py::object& clip_value, double noise, double forced,
             const py::object& average, double average_decay, const GroupList& groups, uint64_t seed, int threads,
             const std::string& path, ScratchHolder* scratch, const py::object& carried, const py::object& begins) {
            if (batch_size < 1 || batch_size > most_windows)
              throw py::value_error("batch_size: expected 1 to 2**31, got " + std::to_string(batch_size));
            if (!(average_decay >= 0 && average_decay < 1))
              throw py::value_error("average_decay: expected 0 <= average_decay < 1");
            if (!(noise >= 0 && noise < 1e30)) throw py::value_error("noise: expected a number from 0 on");
            check_forced(forced);
            const std::vector<double> each = rate_of_each(rates, rate, batches_of(order.size(), batch_size));
            const Course course{batch_size,
                                each.data(),
                                positive_or_none(clip_norm, "clip_norm"),
                                positive_or_none(clip_value, "clip_value"),
                                noise,
                                forced,
                                seed,
                                threads,
                                path_of(path)};
            const auto run = net.wide() ? train_as<double> : train_as<float>;
            return run(net, theta, optimizer, source, order, course, average, average_decay, groups, scratch,
                       {carried, begins, batch_size});
          },
          "theta"_a, "optimizer"_a, "source"_a, "order"_a, "batch_size"_a, py::kw_only(), "rates"_a = none,
          "rate"_a = none, "clip_norm"_a = none, "clip_value"_a = none, "noise"_a = 0.0, "forced"_a = 0.0,
          "average"_a = none, "average_decay"_a = 0.0, "groups"_a = GroupList(), "seed"_a = 0, "threads"_a = 1,
          "path"_a = "auto", "scratch"_a = none, "carried"_a = none, "begins"_a = none);
}

}  // namespace forecast
