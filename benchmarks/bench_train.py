"""One optimiser step (forward, loss, BPTT, clipping, Adam) beside PyTorch's, same weights and batches, in one run.

    pip install ".[bench]"
    python benchmarks/bench_train.py [--cells lstm gru rnn] [--workloads medium] [--threads 1 2] [--pairs 15]

PyTorch gets its batches ready-made as tensors, oneDNN on, flushed denormals and the fused Adam; ours gathers every
batch from the raw series. Before any timing, outputs and gradients of both are compared on the same weights; a row is
printed only if they agree. The blocks alternate; the ratio is the median over pairs of PyTorch's time over ours.
"""

import argparse
import json
import os
import platform
import statistics
import time

import numpy as np
import torch

from forecast import _core, show_config
from forecast._network import Architecture, Network, Scaling

WORKLOADS = {  # features, hidden, layers, steps, batch
    "small": (1, 32, 1, 48, 64),
    "medium": (8, 64, 1, 168, 64),
    "stack": (8, 128, 2, 96, 128),
    "wide": (16, 256, 1, 96, 128),
    "large": (32, 512, 1, 96, 128),
}
HORIZON = 24
GATES = {"lstm": "ifgo", "gru": ["r", "z", "n"], "rnn": ["h"]}


class Reference(torch.nn.Module):
    def __init__(self, cell, features, hidden, layers):
        super().__init__()
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
        self.rnn = kind(features, hidden, layers, batch_first=True)
        self.head = torch.nn.Linear(hidden, HORIZON)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def copy_weights(model, views, cell, layers):
    """Our weights into PyTorch's layout; its second bias stays 0 but for the GRU's candidate."""
    ours = {"r": ("r", "r", "r"), "z": ("z", "z", "z"), "n": ("nx", "nh", "nx")}  # W, R, b
    names = [ours.get(g, (g, g, g)) if cell == "gru" else (g, g, g) for g in GATES[cell]]

    def stacked(layer, kind, i):
        return torch.from_numpy(np.concatenate([views[f"{layer}.{kind}_{name[i]}"] for name in names]))

    with torch.no_grad():
        for layer in range(layers):
            getattr(model.rnn, f"weight_ih_l{layer}").copy_(stacked(layer, "W", 0))
            getattr(model.rnn, f"weight_hh_l{layer}").copy_(stacked(layer, "R", 1))
            getattr(model.rnn, f"bias_ih_l{layer}").copy_(stacked(layer, "b", 2))
            second = getattr(model.rnn, f"bias_hh_l{layer}").zero_()
            if cell == "gru":
                second[-len(views[f"{layer}.b_nh"]) :].copy_(torch.from_numpy(views[f"{layer}.b_nh"]))
        model.head.weight.copy_(torch.from_numpy(views["head.W"]))
        model.head.bias.copy_(torch.from_numpy(views["head.b"]))


class Pair:
    """The same network and batches on both sides."""

    def __init__(self, cell, workload, batches):
        features, hidden, layers, steps, self.batch = WORKLOADS[workload]
        rng = np.random.default_rng(0)
        n = self.batch * batches
        series = rng.standard_normal((n + steps + HORIZON, features)).astype(np.float32)
        target = series[:, :1]
        one = np.ones(1)
        architecture = Architecture(
            "rnn_tanh" if cell == "rnn" else cell, "float32", steps, features, hidden, layers, HORIZON
        )
        scaling = Scaling(np.zeros(features), np.ones(features), 0 * one.repeat(HORIZON), one.repeat(HORIZON))
        self.network = Network.initial(architecture, scaling, rng)
        self.theta = self.network.theta.copy()
        self.optimizer = self.network.new_optimizer("adam", 0.0, 0.0)
        self.source = _core.Source(series, lookback=steps, target=target, horizon=HORIZON, target_shift=steps)
        self.order = rng.permutation(n).astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0).transpose(0, 2, 1)
        future = np.lib.stride_tricks.sliding_window_view(target[steps:, 0], HORIZON)
        rows = self.order.reshape(batches, self.batch)
        self.x = [torch.from_numpy(np.ascontiguousarray(windows[r])) for r in rows]
        self.y = [torch.from_numpy(np.ascontiguousarray(future[r])) for r in rows]
        self.model = Reference(cell, features, hidden, layers)
        copy_weights(self.model, self.network.weights, cell, layers)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True)

    def differences(self):
        """Largest difference of outputs, and of the head's gradient relative to its largest entry."""
        found = self.network.compiled.gradient(self.theta, self.source, self.order[: self.batch])
        out = self.model(self.x[0])
        torch.nn.functional.mse_loss(out, self.y[0]).backward()
        theirs = self.model.head.weight.grad.numpy()
        offset, shape = next((o, s) for name, o, s in self.network.compiled.layout if name == "head.W")
        ours = found["theta"][offset : offset + theirs.size].reshape(shape)
        return np.abs(out.detach().numpy() - found["outputs"]).max(), np.abs(ours - theirs).max() / np.abs(theirs).max()

    def ours(self, threads):
        begin = time.perf_counter()
        self.network.compiled.train(
            self.theta, self.optimizer, self.source, self.order, self.batch, rate=1e-3, clip_norm=1.0, threads=threads
        )
        return (time.perf_counter() - begin) / len(self.x)

    def theirs(self, threads):
        torch.set_num_threads(threads)
        begin = time.perf_counter()
        for x, y in zip(self.x, self.y, strict=True):
            self.adam.zero_grad(set_to_none=True)
            torch.nn.functional.mse_loss(self.model(x), y).backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.adam.step()
        return (time.perf_counter() - begin) / len(self.x)


def gflop(cell, workload):
    features, hidden, layers, steps, batch = WORKLOADS[workload]
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    per_step = sum(2 * gates * hidden * (hidden + (hidden if layer else features)) for layer in range(layers))
    return 3 * per_step * steps * batch / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn"], choices=list(GATES))
    parser.add_argument("--workloads", nargs="+", default=["small", "medium"], choices=list(WORKLOADS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count()])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--batches", type=int, default=8, help="steps in a block")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    print(f"PyTorch {torch.__version__}, {platform.machine()}, {json.dumps(show_config(mode='dict'))}")
    print("| workload | cell | threads | ours ms | GFLOP/s | PyTorch ms | ratio (quartiles) |\n" + "|---" * 7 + "|")
    for workload in arguments.workloads:
        for cell in arguments.cells:
            pair = Pair(cell, workload, arguments.batches)
            outputs, gradient = pair.differences()
            if outputs > 1e-5 or gradient > 1e-4:
                raise SystemExit(
                    f"{cell} {workload}: not the same work: outputs {outputs:.1e}, gradient {gradient:.1e}"
                )
            for threads in arguments.threads:
                pair.ours(threads), pair.theirs(threads)
                times = [(pair.ours(threads), pair.theirs(threads)) for _ in range(arguments.pairs)]
                ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
                low, ratio, high = np.percentile([b / a for a, b in times], [25, 50, 75])
                print(
                    f"| {workload} | {cell} | {threads} | {1e3 * ours:.2f} | {gflop(cell, workload) / ours:.0f} | "
                    f"{1e3 * theirs:.2f} | {ratio:.2f} ({low:.2f} to {high:.2f}) |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
