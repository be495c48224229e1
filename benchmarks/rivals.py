"""The same networks in PyTorch and onnxruntime: ours by weights, theirs by kernels."""

import numpy as np

WORKLOADS = {  # features, hidden, layers, steps, batch
    "small": (1, 32, 1, 48, 64),
    "medium": (8, 64, 1, 168, 64),
    "stack": (8, 128, 2, 96, 128),
    "wide": (16, 256, 1, 96, 128),
    "large": (32, 512, 1, 96, 128),
}
HORIZON = 24
CELLS = ("lstm", "gru", "rnn")
# Per gate, in the rival's order: our rows of W, R and b.
TORCH_GATES = {
    "lstm": [(g, g, g) for g in "ifgo"],
    "gru": [("r", "r", "r"), ("z", "z", "z"), ("nx", "nh", "nx")],
    "rnn": [("h", "h", "h")],
}
ONNX_GATES = {
    "lstm": [(g, g, g) for g in "iofg"],
    "gru": [("z", "z", "z"), ("r", "r", "r"), ("nx", "nh", "nx")],
    "rnn": [("h", "h", "h")],
}


def our_name(cell):
    return "rnn_tanh" if cell == "rnn" else cell


def gflop(cell, workload, training=True):
    """Useful operations of the matrix products of one batch; the elementwise part is not counted."""
    features, hidden, layers, steps, batch = workload
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    total = 0
    for layer in range(layers):
        inputs = hidden if layer else features
        forward, state = 2 * gates * hidden * (inputs + hidden), 2 * gates * hidden * hidden
        through = 2 * gates * hidden * inputs if layer else 0
        total += 2 * forward + state + through if training else forward
    return total * steps * batch / 1e9


def _stacked(weights, layer, kind, which, gates):
    return np.concatenate([weights[f"{layer}.{kind}_{names[which]}"] for names in gates])


def torch_model(cell, weights, features, hidden, layers):
    """A `torch.nn.Module` with our weights; its second bias is 0 but for the GRU's candidate."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
            self.rnn = kind(features, hidden, layers, batch_first=True)
            self.head = torch.nn.Linear(hidden, HORIZON)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    model, gates = Model(), TORCH_GATES[cell]
    with torch.no_grad():
        for layer in range(layers):
            for name, kind, which in (("weight_ih", "W", 0), ("weight_hh", "R", 1), ("bias_ih", "b", 2)):
                ours = torch.from_numpy(_stacked(weights, layer, kind, which, gates))
                getattr(model.rnn, f"{name}_l{layer}").copy_(ours)
            second = getattr(model.rnn, f"bias_hh_l{layer}").zero_()
            if cell == "gru":
                second[-hidden:].copy_(torch.from_numpy(weights[f"{layer}.b_nh"]))
        model.head.weight.copy_(torch.from_numpy(np.array(weights["head.W"])))
        model.head.bias.copy_(torch.from_numpy(np.array(weights["head.b"])))
    return model


def torch_segrnn(weights, segment, horizon):
    """SegRNN for one channel as a `torch.nn.Module` with our weights.

    Input (windows, lookback), output (windows, horizon). Every segment goes through a linear layer with ReLU and then
    one step of the GRU; every segment of the forecast is one step of the decoder from the encoder's last state, with a
    learned vector in place of its input. Without weights of its own the decoder is the encoder's GRU.
    """
    import torch

    hidden, gates, tied = len(weights["0.b_r"]), TORCH_GATES["gru"], "decoder.b_r" not in weights

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.positions = torch.nn.Parameter(torch.from_numpy(np.array(weights["decoder.positions.b"])))
            self.segment = torch.nn.Linear(segment, hidden)
            self.rnn = torch.nn.GRU(hidden, hidden, batch_first=True)
            width = self.positions.shape[1]
            self.decoder = self.rnn if tied else torch.nn.GRU(width, hidden, batch_first=True)
            self.head = torch.nn.Linear(hidden, segment)

        def forward(self, x):
            windows, segments = len(x), len(self.positions)
            _, state = self.rnn(torch.relu(self.segment(x.view(windows, -1, segment))))
            start = state.repeat_interleave(segments, dim=1)
            out, _ = self.decoder(self.positions.repeat(windows, 1)[:, None], start)
            return self.head(out[:, 0]).view(windows, -1)[:, :horizon]

    model = Model()
    with torch.no_grad():
        for name, rnn in [("0", model.rnn)] + ([] if tied else [("decoder", model.decoder)]):
            for theirs, kind, which in (("weight_ih", "W", 0), ("weight_hh", "R", 1), ("bias_ih", "b", 2)):
                ours = torch.from_numpy(_stacked(weights, name, kind, which, gates))
                getattr(rnn, f"{theirs}_l0").copy_(ours)
            rnn.bias_hh_l0.zero_()[-hidden:].copy_(torch.from_numpy(np.array(weights[f"{name}.b_nh"])))
        for name, layer in (("segment", model.segment), ("head", model.head)):
            layer.weight.copy_(torch.from_numpy(np.array(weights[f"{name}.W"])))
            layer.bias.copy_(torch.from_numpy(np.array(weights[f"{name}.b"])))
    return model


def onnx_session(cell, weights, workload, windows, threads, spin=True):
    """One LSTM, GRU or RNN node per layer and a dense head; input X of shape (steps, windows, features)."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    features, hidden, layers, steps, _ = workload
    gates, op = ONNX_GATES[cell], {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}[cell]
    arrays, nodes, x = {}, [], "X"
    for layer in range(layers):
        second = np.zeros(len(gates) * hidden, np.float32)
        if cell == "gru":
            second[-hidden:] = weights[f"{layer}.b_nh"]
        arrays[f"W{layer}"] = _stacked(weights, layer, "W", 0, gates)[None]
        arrays[f"R{layer}"] = _stacked(weights, layer, "R", 1, gates)[None]
        arrays[f"B{layer}"] = np.concatenate([_stacked(weights, layer, "b", 2, gates), second])[None]
        options = {"hidden_size": hidden} | ({"linear_before_reset": 1} if cell == "gru" else {})
        inputs = [x, f"W{layer}", f"R{layer}", f"B{layer}"]
        nodes.append(helper.make_node(op, inputs, [f"all{layer}", f"last{layer}"], **options))
        if layer + 1 < layers:
            nodes.append(helper.make_node("Squeeze", [f"all{layer}", "one"], [f"x{layer}"]))
        x = f"x{layer}"
    arrays |= {"head": weights["head.W"].T.copy(), "bias": weights["head.b"]}
    nodes.append(helper.make_node("Squeeze", [f"last{layers - 1}", "zero"], ["h"]))
    nodes.append(helper.make_node("Gemm", ["h", "head", "bias"], ["out"]))
    arrays |= {"zero": np.array([0], np.int64)} | ({"one": np.array([1], np.int64)} if layers > 1 else {})
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [steps, windows, features])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [windows, HORIZON])],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
