// See spec.h. Every index and size that the kernels trust is checked here.
#include "spec.h"

#include <algorithm>
#include <cstring>

namespace forecast {

namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& name, const std::string& why) {
  throw py::value_error(what + " '" + name + "': " + why);
}

constexpr int64_t most_rows = int64_t(1) << 31;  // of a table

template <class T>
T field(const py::dict& d, const char* name, T otherwise) {
  return d.contains(name) ? d[name].cast<T>() : otherwise;
}

}  // namespace

int SpecHolder::stream(const std::string& name) const {
  const auto found = std::find(stream_names_.begin(), stream_names_.end(), name);
  if (found == stream_names_.end()) throw py::value_error("streams: there is no '" + name + "' up to here");
  return int(found - stream_names_.begin());
}

int SpecHolder::layer_called(const std::string& name) const {
  const auto found = std::find(layer_names_.begin(), layer_names_.end(), name);
  if (found == layer_names_.end()) throw py::value_error("layers: there is no '" + name + "' up to here");
  return int(found - layer_names_.begin());
}

int SpecHolder::kind_of(const std::string& kind, const std::string& cell) const {
  const Table& t = *table_;
  if (kind == "recurrent") {
    std::string known;
    for (int i = 0; i < t.n_cells; ++i) {
      if (cell == t.cells[i].name) return i;
      known += std::string(i ? ", '" : "'") + t.cells[i].name + "'";
    }
    throw py::value_error("cell: expected one of " + known + ", got '" + cell + "'");
  }
  for (int i = 0; i < t.n_layers; ++i)
    if (kind == t.layers[i].name) return t.n_cells + i;
  throw py::value_error("kind: there is no layer '" + kind + "'");
}

// Whether the steps of a stream are not contiguous in memory: those of recurrent layers, which some layers pass on.
bool SpecHolder::has_gaps(int stream) const {
  const int maker = makers_[size_t(stream)];
  if (maker < 0) return false;
  const LayerInfo* kind = info(layers_[size_t(maker)]);
  return !kind || kind->passes;
}

int SpecHolder::base_of(int stream) const {
  while (streams_[size_t(stream)].of >= 0) stream = streams_[size_t(stream)].of;
  return stream;
}

void SpecHolder::check_view(const StreamSpec& s, const std::string& name) const {
  const StreamSpec& of = streams_[size_t(s.of)];
  const int64_t all = of.steps * of.width;
  if (s.first < 0 || s.pitch < 0 || s.first > all || s.pitch > all || s.width > all ||
      (s.steps > 1 && s.pitch > (all - s.first) / (s.steps - 1)) ||
      s.first + (s.steps - 1) * s.pitch + s.width > all)
    refuse("stream", name, "the view reaches beyond what it views");
}

// Steps can be joined if they are contiguous in memory.
void SpecHolder::check_joins() const {
  for (size_t i = 0; i < streams_.size(); ++i) {
    const StreamSpec& s = streams_[i];
    if (s.of < 0) continue;
    const StreamSpec& of = streams_[size_t(s.of)];
    const bool joins = s.first % of.width + s.width > of.width || (s.steps > 1 && s.pitch % of.width);
    if (joins && has_gaps(base_of(s.of)))
      refuse("stream", stream_names_[i], "steps of a recurrent layer cannot be joined; concat them first");
    if (joins && of.of >= 0 && of.pitch != of.width)
      refuse("stream", stream_names_[i], "steps of a view with gaps cannot be joined");
  }
}

void SpecHolder::read_stream(const py::tuple& given) {
  const auto name = given[0].cast<std::string>(), of = given[3].cast<std::string>();
  if (std::count(stream_names_.begin(), stream_names_.end(), name))
    refuse("stream", name, "there are two of that name");
  StreamSpec s{given[1].cast<int64_t>(), given[2].cast<int64_t>(), of.empty() ? -1 : stream(of),
               given[4].cast<int64_t>(), given[5].cast<int64_t>()};
  constexpr int64_t most = int64_t(1) << 31;
  if (s.steps < 1 || s.steps > most || s.width < 1 || s.width > most)
    refuse(
        "stream", name,
        "expected 1 to 2**31 steps and features, got " + std::to_string(s.steps) + " and " + std::to_string(s.width));
  if (s.of >= 0) check_view(s, name);
  stream_names_.push_back(name), streams_.push_back(s), makers_.push_back(-1);
}

void SpecHolder::check_layer(const LayerSpec& l, const std::string& name) const {
  const StreamSpec& out = streams_[size_t(l.out)];
  const LayerInfo* const kind = info(l);
  const bool cell = !kind;
  if (out.of >= 0 || makers_[size_t(l.out)] >= 0 || l.out == view_.past || l.out == view_.extra)
    refuse("layer", name, "its output is a view, an input or another layer's");
  const bool attends = kind && kind->attends;
  const auto readable = [&](int s, bool one, bool free = false) {
    const int base = base_of(s);
    const int64_t steps = streams_[size_t(s)].steps;
    if (base >= l.out || (makers_[size_t(base)] < 0 && base != view_.past && base != view_.extra))
      refuse("layer", name, "reads '" + stream_names_[size_t(s)] + "', which nothing has written yet");
    if (steps != out.steps && !(one && steps == 1) && !free) refuse("layer", name, "input and output differ in steps");
  };
  for (int i = 0; i < l.inputs; ++i) readable(l.in[i], !cell && !attends, attends && i > 0);
  if (l.added >= 0) {
    readable(l.added, true);
    if (streams_[size_t(l.added)].width != out.width) refuse("layer", name, "what is added has another width");
  }
  if (l.inputs < (cell ? 1 : kind->least) || l.inputs > (cell ? 2 : kind->most))
    refuse("layer", name, "number of inputs");
  if (cell && l.inputs == 2) check_decay(l, name);
  if (attends) check_attention(l, name);
  int64_t wide = 0;
  for (int i = 0; i < l.inputs; ++i) wide += streams_[size_t(l.in[i])].width;
  if (!cell && kind->same_width && wide != out.width) refuse("layer", name, "input and output differ in width");
  if (!cell && kind->by_head) check_heads(l, name);
  for (int i = 0; !cell && kind->each_wide && i < l.inputs; ++i)
    if (streams_[size_t(l.in[i])].width != out.width || streams_[size_t(l.in[i])].steps != out.steps)
      refuse("layer", name, "every input has the steps and the width of the output");
  if (l.restart && l.start < 0) refuse("layer", name, "restart needs a start");
  if (l.dilation < 1 || l.dilation > out.steps) refuse("layer", name, "dilation: expected 1 to its steps");
  if (!(l.recurrent_dropout >= 0 && l.recurrent_dropout < 1 && l.zoneout >= 0 && l.zoneout < 1))
    refuse("layer", name, "recurrent_dropout, zoneout: expected a probability below 1");
  if ((l.dilation > 1 || l.recurrent_dropout > 0 || l.zoneout > 0) && (l.restart || !cell))
    refuse("layer", name, "dilation, recurrent_dropout and zoneout are for recurrent layers without restart");
  if (l.ragged && (l.restart || !cell)) refuse("layer", name, "ragged is for recurrent layers without restart");
  if (l.start >= 0) {
    const LayerSpec& o = layers_[size_t(l.start)];
    if (!cell || o.kind != l.kind || streams_[size_t(o.out)].width != out.width)
      refuse("layer", name, "start needs a recurrent layer of the same cell and width");
  }
  if (l.tied >= 0 ? !may_tie(l, layers_[size_t(l.tied)]) : !cell && kind->owner)
    refuse("layer", name, "tied needs a layer of the same kind and sizes, or the kind that owns its weights");
}

// A layer whose states decay with the time since the previous step.
void SpecHolder::check_decay(const LayerSpec& l, const std::string& name) const {
  if (streams_[size_t(l.in[1])].width != 1 || table_->cells[l.kind].states != 1)
    refuse("layer", name, "a decay has one time at each step, and a cell of one state");
  if (l.restart || l.dilation > 1 || view_.loop >= 0)
    refuse("layer", name, "a decay needs a layer that goes on from the step before, outside of a loop");
  // Its gradient is accumulated on that of another layer or on zeros.
  if (base_of(l.in[1]) != view_.past || past().width < 2)
    refuse("layer", name, "the time since the step before is one of several channels of 'past'");
}

void SpecHolder::check_heads(const LayerSpec& l, const std::string& name) const {
  const int64_t H = streams_[size_t(l.out)].width;
  if (l.heads < 1 || l.heads > H || H % l.heads) refuse("layer", name, "heads: expected a divisor of its width");
  for (int i = 0; i < l.inputs; ++i) {
    const StreamSpec& in = streams_[size_t(l.in[i])];
    if (in.width != (i < 3 ? H : H + 2 * l.heads) || in.steps != streams_[size_t(l.out)].steps)
      refuse("layer", name, "q, k and v are as wide as the output, the gates wider by 2 for each head");
  }
}

// Queries and keys have the same width; keys and values, the memory, have the same number of steps.
void SpecHolder::check_attention(const LayerSpec& l, const std::string& name) const {
  const StreamSpec &query = streams_[size_t(l.in[0])], &key = streams_[size_t(l.in[1])],
                   &value = streams_[size_t(l.in[l.inputs - 1])], &out = streams_[size_t(l.out)];
  if (query.width != key.width || key.steps != value.steps || value.width != out.width)
    refuse("layer", name, "what is compared differs in width, or what is remembered in steps, or the values in width");
  for (int i = 1; i < l.inputs; ++i)
    if (view_.loop >= 0 && makers_[size_t(base_of(l.in[i]))] >= view_.loop)
      refuse("layer", name, "it reads all of what is made step by step");
}

bool SpecHolder::may_tie(const LayerSpec& l, const LayerSpec& to) const {
  const LayerInfo* const kind = info(l);
  if (to.tied >= 0) return false;
  if (kind && kind->owner) return info(to) && !std::strcmp(info(to)->name, kind->owner) && to.length == l.length;
  const StreamSpec &out = streams_[size_t(l.out)], &other = streams_[size_t(to.out)];
  bool same = to.kind == l.kind && other.width == out.width && to.inputs == l.inputs && to.bias == l.bias;
  for (int i = 0; i < l.inputs && same; ++i) same = streams_[size_t(to.in[i])].width == streams_[size_t(l.in[i])].width;
  return same && (l.bias != Bias::steps || other.steps == out.steps);
}

void SpecHolder::read_layer(const py::dict& d) {
  const auto name = d["name"].cast<std::string>(), bias = field<std::string>(d, "bias", "one");
  if (std::count(layer_names_.begin(), layer_names_.end(), name)) refuse("layer", name, "there are two of that name");
  const auto named = [&](const char* key) { return field<std::string>(d, key, ""); };
  LayerSpec l{};
  l.kind = kind_of(d["kind"].cast<std::string>(), named("cell"));
  const auto inputs = d["inputs"].cast<py::tuple>();
  if (inputs.size() > most_inputs) refuse("layer", name, "more than " + std::to_string(most_inputs) + " inputs");
  for (const auto& input : inputs) l.in[l.inputs++] = stream(input.cast<std::string>());
  l.out = stream(d["output"].cast<std::string>());
  l.added = named("added").empty() ? -1 : stream(named("added"));
  l.start = named("start").empty() ? -1 : layer_called(named("start"));
  l.tied = named("tied").empty() ? -1 : layer_called(named("tied"));
  l.reverse = field(d, "reverse", false), l.restart = field(d, "restart", false);
  l.relu = field<std::string>(d, "activation", "identity") == "relu";
  l.bias = bias == "none" ? Bias::none : bias == "one" ? Bias::one : Bias::steps;
  l.number = field<int64_t>(d, "number", 0);
  l.rows = field<int64_t>(d, "rows", 0), l.length = field<int64_t>(d, "length", 0);
  l.channels = field<int64_t>(d, "channels", 0), l.rate = field(d, "rate", 0.0);
  l.heads = field<int64_t>(d, "heads", 0), l.level = field(d, "level", 0);
  l.dilation = field<int64_t>(d, "dilation", 1);
  l.recurrent_dropout = field(d, "recurrent_dropout", 0.0), l.zoneout = field(d, "zoneout", 0.0);
  l.ragged = field(d, "ragged", false);
  check_layer(l, name);
  if (info(l) && info(l)->table) check_table(l, *info(l), name);
  if (info(l) && info(l)->feeds && view_.loop < 0) view_.loop = int(layers_.size());
  makers_[size_t(l.out)] = int(layers_.size());
  layers_.push_back(l), layer_names_.push_back(name);
}

void SpecHolder::check_table(const LayerSpec& l, const LayerInfo& kind, const std::string& name) {
  const StreamSpec& out = streams_[size_t(l.out)];
  const int64_t rows = l.tied < 0 ? l.rows : layers_[size_t(l.tied)].rows;
  if (kind.by_code) return check_codes(l, name);
  if (l.rows > most_rows || l.length > most_rows) refuse("layer", name, "rows and length: expected at most 2**31");
  if (rows < 1 || (!kind.by_phase && (rows < 2 || out.steps != 1)))
    refuse("layer", name, "rows of a table: expected 1 or more, of a lookup 2 or more and one step of output");
  if (kind.by_phase && (l.channels != columns_ || l.length < 1))
    refuse("layer", name, "a cycle has a length, and the target columns as channels");
  if (kind.by_phase && (kind.owner ? out.steps * out.width < outputs() : l.in[0] != view_.past || out.width < columns_))
    refuse("layer", name, "a cycle is taken off 'past' and put on all outputs");
  phases_ = phases_ || kind.by_phase;
  if (kind.by_phase && rows == 1) return;
  const int64_t known = kind.by_phase ? rows : rows - 1;  // a lookup's last row is for unknown series
  rows_ = rows_ ? std::min(rows_, known) : known;
}

// From the layer that feeds outputs back on, every step of every layer must need only what exists by then.
void SpecHolder::check_loop(int64_t columns) const {
  if (view_.loop < 0) return;
  const LayerSpec& feed = layers_[size_t(view_.loop)];
  const std::string& name = layer_names_[size_t(view_.loop)];
  const StreamSpec &out = streams_[size_t(view_.out)], &fed = streams_[size_t(feed.out)];
  if (fed.width != columns || streams_[size_t(feed.in[0])].steps != 1 || feed.level < 0 || feed.level >= view_.Q)
    refuse("layer", name, "it feeds back one output of every target column, from one step of as many values on");
  if (out.steps * columns != view_.K || out.width != columns * view_.Q)
    refuse("layer", name, "a step of 'out' is one step of the horizon");
  for (int l = view_.loop; l < int(layers_.size()); ++l) {
    const LayerSpec& layer = layers_[size_t(l)];
    const LayerInfo* const kind = info(layer);
    if (streams_[size_t(layer.out)].steps != out.steps || layer.reverse || layer.restart || (kind && !kind->loops) ||
        (kind && kind->feeds && l > view_.loop) || layer.start >= view_.loop || layer.dilation > 1 ||
        layer.recurrent_dropout > 0 || layer.zoneout > 0 || layer.ragged)
      refuse("layer", layer_names_[size_t(l)], "it cannot follow '" + name + "', which feeds outputs back");
    const auto check = [&](int s) {
      const StreamSpec& read = streams_[size_t(s)];
      if (read.of >= 0 && makers_[size_t(base_of(s))] >= view_.loop)
        refuse("layer", layer_names_[size_t(l)], "reads a view of what is made step by step");
    };
    for (int i = 0; i < layer.inputs; ++i) check(layer.in[i]);
    if (layer.added >= 0) check(layer.added);
  }
}

// An embedding looks its codes up in the source, so its input must be a column of the gathered streams.
void SpecHolder::check_codes(const LayerSpec& l, const std::string& name) const {
  const int base = base_of(l.in[0]);
  if ((base != view_.past && base != view_.extra) || streams_[size_t(l.in[0])].width != 1)
    refuse("layer", name, "an embedding reads one column of 'past' or 'extra'");
  if (streams_[size_t(l.in[0])].steps != streams_[size_t(l.out)].steps)
    refuse("layer", name, "input and output differ in steps");
  if (l.tied >= 0) refuse("layer", name, "an embedding has a table of its own");
  if (!(l.rate >= 0 && l.rate < 1)) refuse("layer", name, "expected 0 <= rate < 1");
  if (l.rows < (l.rate > 0 ? 2 : 1) || l.rows > most_rows)
    refuse("layer", name, "rows of an embedding: expected 1 to 2**31, with a rate 2 or more");
}

// An output without a reader has no gradient. (Only the last states of a recurrent layer may have a reader.)
void SpecHolder::check_readers() const {
  std::vector<bool> read(streams_.size());
  read[size_t(view_.out)] = true;
  for (const LayerSpec& l : layers_) {
    for (int i = 0; i < l.inputs; ++i) read[size_t(base_of(l.in[i]))] = true;
    if (l.added >= 0) read[size_t(base_of(l.added))] = true;
    if (l.start >= 0) read[size_t(layers_[size_t(l.start)].out)] = true;
  }
  for (size_t i = 0; i < layers_.size(); ++i)
    if (!read[size_t(layers_[i].out)]) refuse("layer", layer_names_[i], "its output is not read");
}

// Every size in the kernels is below this sum: one check here, none later.
void SpecHolder::check_sizes() const {
  double memory = 0;
  for (const LayerSpec& l : layers_) {
    const StreamSpec& out = streams_[size_t(l.out)];
    double wide = double(out.width);
    for (int i = 0; i < l.inputs; ++i) wide += double(streams_[size_t(l.in[i])].width);
    if (l.tied < 0) memory += 64 * double(l.rows) * (double(out.width) + double(l.channels) * double(l.length));
    memory += 64 * (16 * double(out.steps) * wide + 16 * double(out.width) * (wide + double(out.steps)));
  }
  if (memory > 4e18) throw py::value_error("network: its sizes overflow 64 bits");
}

SpecHolder::SpecHolder(const Table& table, const py::list& streams, const py::list& layers, int64_t targets,
                       int64_t columns, const std::string& loss, size_t n_loss_parameters)
    : table_(&table), columns_(columns) {
  std::string known;
  view_.loss = -1, view_.loop = -1;
  for (int i = 0; i < table.n_losses; ++i) {
    if (loss == table.losses[i].name) view_.loss = i;
    known += std::string(i ? ", '" : "'") + table.losses[i].name + "'";
  }
  if (view_.loss < 0) throw py::value_error("loss: expected one of " + known + ", got '" + loss + "'");
  const LossInfo& info = table.losses[view_.loss];
  if (info.outputs == 0 ? n_loss_parameters < 1 || n_loss_parameters > size_t(most_outputs)
                        : n_loss_parameters != (info.parameter ? 1 : 0))
    throw py::value_error("loss_parameters: '" + loss + "' does not take " + std::to_string(n_loss_parameters));
  view_.Q = info.outputs == 0 ? int64_t(n_loss_parameters) : info.outputs;
  if (targets < 1 || targets > (int64_t(1) << 31)) throw py::value_error("targets: expected 1 to 2**31");
  if (columns < 1 || targets % columns) throw py::value_error("columns: expected a divisor of targets");
  view_.K = targets;
  for (const auto& s : streams) read_stream(s.cast<py::tuple>());
  view_.past = stream("past");
  const auto extra = std::find(stream_names_.begin(), stream_names_.end(), "extra");
  view_.extra = extra == stream_names_.end() ? -1 : int(extra - stream_names_.begin());
  for (const int s : {view_.past, view_.extra})
    if (s >= 0 && (streams_[size_t(s)].of >= 0 || (s == view_.extra && streams_[size_t(s)].steps != 1)))
      refuse("stream", stream_names_[size_t(s)], "an input is no view, and 'extra' has one step");
  for (const auto& l : layers) read_layer(l.cast<py::dict>());
  view_.out = stream("out");
  const int maker = makers_[size_t(view_.out)];
  if (maker < 0 || layers_[size_t(maker)].kind < table.n_cells || output(maker).steps * output(maker).width < outputs())
    refuse("stream", "out",
           "expected the output of a layer that is no cell, of at least " + std::to_string(outputs()) + " features");
  view_.streams = streams_.data(), view_.layers = layers_.data();
  view_.n_streams = int(streams_.size()), view_.n_layers = int(layers_.size());
  check_joins();
  check_loop(columns);
  check_readers();
  check_sizes();
}

std::string SpecHolder::weight_name(const Field& f) const {
  const std::string& layer = layer_names_[size_t(f.layer)];
  if (!f.kind) return layer;
  const std::string kind(1, f.kind);
  if (f.row < 0) return layer + "." + kind;
  if (f.kind == 'd') return layer + (f.row ? ".decay_b" : ".decay_w");
  const CellInfo& c = cell(f.layer);
  return layer + "." + kind + "_" + (f.kind == 'p' ? c.vector_names : c.row_names)[f.row];
}

}  // namespace forecast
