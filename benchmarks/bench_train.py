"""One optimiser step (forward, loss, BPTT, clipping, Adam) and PyTorch's, same weights and batches, in one run.

    pip install ".[bench]"
    python benchmarks/bench_train.py [--cells lstm gru rnn] [--workloads small medium] [--grid] [--pairs 15]

PyTorch gets its batches ready-made as tensors, oneDNN on, flushed denormals and the fused Adam; ours gathers every
batch from the raw series. Before any timing, outputs and gradients of both are compared on the same weights, and so are
the losses of the first steps; a row is printed only if they agree. Blocks alternate. The ratio is the median over pairs
of PyTorch's time at its better number of threads over ours. GFLOP/s count the matrix products alone.
"""

import os
from functools import partial

import numpy as np
import torch
from measuring import Report, duration, fastest, interleaved, median_ms, parser, ratio, refuse, times
from rivals import CELLS, HORIZON, WORKLOADS, gflop, our_name, torch_model

from forecast import _core
from forecast._network import Architecture, Network, Scaling

RATE, CLIP = 1e-3, 1.0
GRID = {  # what forecasters use by default, and around it
    f"I{i} H{h} L{n} T{t} B{b}": (i, h, n, t, b)
    for i, h, n, t, b in [
        (1, 8, 1, 24, 32), (1, 10, 2, 24, 64), (4, 16, 1, 24, 32), (4, 16, 1, 168, 256), (1, 25, 1, 24, 32),
        (4, 40, 2, 48, 32), (8, 40, 1, 168, 64), (1, 64, 1, 12, 1024), (8, 64, 1, 720, 32), (50, 64, 1, 48, 64),
        (8, 64, 4, 48, 64), (4, 128, 2, 24, 128), (1, 128, 1, 168, 8), (1, 200, 2, 24, 128), (8, 256, 1, 24, 64),
        (1, 64, 1, 48, 1), (1, 16, 1, 48, 1), (8, 64, 1, 48, 16),
    ]
}  # fmt: skip


class Pair:
    """The same network and batches on both sides."""

    def __init__(self, cell, workload, batches):
        features, hidden, layers, steps, self.batch = workload
        rng = np.random.default_rng(0)
        n = self.batch * batches
        series = rng.standard_normal((n + steps + HORIZON, features)).astype(np.float32)
        target = series[:, :1]
        architecture = Architecture(our_name(cell), "float32", steps, features, hidden, layers, HORIZON)
        scaling = Scaling(np.zeros(features), np.ones(features), np.zeros(HORIZON), np.ones(HORIZON))
        self.network = Network.initial(architecture, scaling, rng)
        self.theta = self.network.theta.copy()
        self.optimizer = self.network.new_optimizer("adam", 0.0, 0.0)
        self.source = _core.Source(series, lookback=steps, target=target, horizon=HORIZON, target_shift=steps)
        self.order = rng.permutation(n).astype(np.int64)
        self.scratch = _core.Scratch()  # as within a fit
        windows = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0).transpose(0, 2, 1)
        future = np.lib.stride_tricks.sliding_window_view(target[steps:, 0], HORIZON)
        rows = self.order.reshape(batches, self.batch)
        self.x = [torch.from_numpy(np.ascontiguousarray(windows[r])) for r in rows]
        self.y = [torch.from_numpy(np.ascontiguousarray(future[r])) for r in rows]
        self.model = torch_model(cell, self.network.weights, features, hidden, layers)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)

    def check(self, name):
        """Refuses unless outputs, the head's gradient and the losses of one pass agree."""
        found = self.network.compiled.gradient(self.theta, self.source, self.order[: self.batch])
        out = self.model(self.x[0])
        torch.nn.functional.mse_loss(out, self.y[0]).backward()
        theirs = self.model.head.weight.grad.numpy()
        offset, shape = next((o, s) for kind, o, s in self.network.compiled.layout if kind == "head.W")
        ours = found["theta"][offset : offset + theirs.size].reshape(shape)
        outputs = np.abs(out.detach().numpy() - found["outputs"]).max()
        gradient = np.abs(ours - theirs).max() / np.abs(theirs).max()
        # The second biases move under Adam as well, so only the first loss of a pass is the same to rounding.
        first = self._train(1, self.order[: self.batch])["losses"][0]
        loss = abs(first - self._their_step(self.x[0], self.y[0])) / abs(first)
        if outputs > 1e-5 or gradient > 1e-4 or loss > 1e-5:
            refuse(f"{name}: not the same work: outputs {outputs:.1e}, gradient {gradient:.1e}, loss {loss:.1e}")

    def _train(self, threads, order):
        return self.network.compiled.train(
            self.theta, self.optimizer, self.source, order, self.batch, rate=RATE, clip_norm=CLIP, threads=threads,
            scratch=self.scratch,
        )  # fmt: skip

    def _their_step(self, x, y):
        self.adam.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(self.model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.adam.step()
        return loss.item()

    def ours(self, threads):
        return duration(lambda: self._train(threads, self.order)) / len(self.x)

    def theirs(self, threads):
        torch.set_num_threads(threads)
        return duration(lambda: [self._their_step(x, y) for x, y in zip(self.x, self.y, strict=True)]) / len(self.x)


def main():
    found = parser(__doc__)
    found.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    found.add_argument("--workloads", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS))
    found.add_argument("--grid", action="store_true", help="a grid of sizes, too")
    found.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count()])
    found.add_argument("--seconds", type=float, default=0.2, help="of a block of ours")
    arguments = found.parse_args()
    torch.set_flush_denormal(True)
    columns = ["workload", "cell", "threads", "ours ms", "GFLOP/s", "of peak", "PyTorch ms (threads)", "ratio (95 %)"]
    report = Report("train", arguments, columns)
    workloads = {name: WORKLOADS[name] for name in arguments.workloads} | (GRID if arguments.grid else {})
    for name, workload in workloads.items():
        for cell in arguments.cells:
            trial = Pair(cell, workload, 1)
            batches = int(np.clip(arguments.seconds / min(trial.ours(1) for _ in range(3)), 1, 256))
            pair = Pair(cell, workload, batches)
            pair.check(f"{name} {cell}")
            sides = {("ours", n): partial(pair.ours, n) for n in arguments.threads}
            sides |= {("theirs", n): partial(pair.theirs, n) for n in arguments.threads}
            measured = interleaved(sides, arguments.pairs)
            theirs = {k[1]: v for k, v in measured.items() if k[0] == "theirs"}
            best = fastest(theirs)
            for n in arguments.threads:
                ours = measured["ours", n]
                speed = gflop(cell, workload) / np.median(ours)
                gain, share = ratio(theirs[best], ours), speed / report.peak(n)
                report.row(
                    [name, cell, n, f"{median_ms(ours):.2f}", f"{speed:.0f}", f"{share:.0%}",
                     f"{median_ms(theirs[best]):.2f} ({best})", times(gain)],
                    workload=name, cell=cell, threads=n, ours=float(np.median(ours)), gflops=speed, share=share,
                    theirs={str(k): float(np.median(v)) for k, v in theirs.items()}, ratio=gain,
                )  # fmt: skip
    report.close()


if __name__ == "__main__":
    main()
