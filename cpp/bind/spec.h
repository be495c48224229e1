// The description of a network from Python, after checks. The kernels' description points into it.
#pragma once

#include "arrays.h"

namespace forecast {

class SpecHolder {
 public:
  // streams: (name, steps, width, of or "", first, pitch); layers: dicts with the fields of Layer in
  // forecast/_network/spec.py. Refuses networks that the kernels cannot compute.
  SpecHolder(const Table&, const py::list& streams, const py::list& layers, int64_t targets, int64_t columns,
             const std::string& loss, size_t n_loss_parameters);
  SpecHolder(const SpecHolder&) = delete;
  SpecHolder& operator=(const SpecHolder&) = delete;

  const NetworkSpec& view() const { return view_; }
  const StreamSpec& past() const { return streams_[size_t(view_.past)]; }
  int64_t extra() const { return view_.extra < 0 ? 0 : streams_[size_t(view_.extra)].width; }
  int64_t outputs() const { return view_.K * view_.Q; }
  bool attends(int layer) const { return info(layers_[size_t(layer)]) && info(layers_[size_t(layer)])->attends; }
  const StreamSpec& input(int layer, int i) const { return streams_[size_t(layers_[size_t(layer)].in[i])]; }
  bool is_cell(int layer) const { return layers_[size_t(layer)].kind < table_->n_cells; }
  const CellInfo& cell(int layer) const { return table_->cells[layers_[size_t(layer)].kind]; }
  const StreamSpec& output(int layer) const { return streams_[size_t(layers_[size_t(layer)].out)]; }
  const std::string& layer_name(int layer) const { return layer_names_[size_t(layer)]; }
  bool reads_rows() const { return rows_ > 0; }  // whether some table is read by the series of a window
  int64_t rows() const { return rows_; }         // rows of known series in the smallest of these tables
  bool reads_phases() const { return phases_; }
  bool feeds() const { return view_.loop >= 0; }  // whether its outputs are fed back
  int n_layers() const { return view_.n_layers; }
  std::string weight_name(const Field&) const;

 private:
  void read_stream(const py::tuple& stream);
  void read_layer(const py::dict& layer);
  void check_view(const StreamSpec&, const std::string& name) const;
  void check_layer(const LayerSpec&, const std::string& name) const;
  void check_table(const LayerSpec&, const LayerInfo&, const std::string& name);
  void check_codes(const LayerSpec&, const std::string& name) const;
  void check_decay(const LayerSpec& l, const std::string& name) const;
  void check_heads(const LayerSpec& l, const std::string& name) const;
  bool may_tie(const LayerSpec& l, const LayerSpec& to) const;
  void check_joins() const;
  void check_loop(int64_t columns) const;
  void check_attention(const LayerSpec&, const std::string& name) const;
  void check_readers() const;
  void check_sizes() const;
  int base_of(int stream) const;
  int stream(const std::string& name) const;
  int layer_called(const std::string& name) const;
  int kind_of(const std::string& kind, const std::string& cell) const;
  bool has_gaps(int stream) const;
  const LayerInfo* info(const LayerSpec& l) const {  // null: a cell
    return l.kind < table_->n_cells ? nullptr : &table_->layers[l.kind - table_->n_cells];
  }

  const Table* table_;
  int64_t columns_;
  std::vector<std::string> stream_names_, layer_names_;
  std::vector<StreamSpec> streams_;
  std::vector<int> makers_;  // the layer that writes a stream; -1: gathered, or a view
  std::vector<LayerSpec> layers_;
  int64_t rows_ = 0;
  bool phases_ = false;
  NetworkSpec view_{};
};

}  // namespace forecast
