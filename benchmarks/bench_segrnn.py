"""One optimiser step of SegRNN and PyTorch's, same weights and batches, in one run.

    pip install ".[bench]"
    python benchmarks/bench_segrnn.py [--units 64 128] [--decoders tied own] [--threads 1 2] [--pairs 15]

Lookback 720, segments of 24, horizon 96, one channel, batches of 256: a linear layer with ReLU turns each of 30
segments into one step of a GRU; the decoder forecasts the 4 segments side by side, each in one step from the last
state. "tied" is the published network, whose decoder uses the encoder's GRU; "own" gives the decoder weights of its
own. No dropout.

PyTorch gets its batches ready-made as tensors, oneDNN on, flushed denormals and the fused Adam; ours gathers every
batch from the raw series. Before any timing, outputs, gradients and the first loss of both are compared on the same
weights. Blocks alternate; ratios are medians over pairs of PyTorch's time over ours, at the same number of threads and
at PyTorch's better one.

Two shares of the measured peak. "of peak" counts the products of the layers as the network describes them, 34 steps of
a GRU and the linear layers. "done" counts what ours multiplies: all segments of the decoder begin with the same state,
so the products with it are those of one step; the learned positions are the same for all windows, so their products,
once for each chunk of windows, are left out; and the first state is zero. PyTorch's module computes what is described.
The elementwise part is in neither count.

References
----------
Lin, Lin, Wu, Zhao, Mo and Zhang (2023): SegRNN: segment recurrent neural network for long-term time series forecasting.
"""

import os
from functools import partial

import numpy as np
import torch
from measuring import Report, duration, fastest, interleaved, median_ms, parser, ratio, refuse, times
from rivals import torch_segrnn

from forecast import RNNForecaster, _core

LOOKBACK, SEGMENT, HORIZON, BATCH = 720, 24, 96, 256
RATE, CLIP = 1e-3, 1.0


def gflop(hidden, positions):
    """Useful operations of the matrix products of one training step.

    Forward, gradients of weights, and gradients of inputs where a layer below or a vector learns from them: of the
    segments' linear layer they lead nowhere.
    """
    steps, segments = LOOKBACK // SEGMENT, HORIZON // SEGMENT
    linear = 2 * steps * SEGMENT * hidden
    encoder = 3 * steps * 3 * hidden * (hidden + hidden)
    decoder = 3 * segments * 3 * hidden * (positions + hidden)
    head = 3 * segments * hidden * SEGMENT
    return 2 * BATCH * (linear + encoder + decoder + head) / 1e9


def gflop_done(hidden):
    """Those of them that ours does: with the states of all steps but the first and of one segment."""
    steps, segments = LOOKBACK // SEGMENT, HORIZON // SEGMENT
    linear = 2 * steps * SEGMENT * hidden
    encoder = 3 * 3 * hidden * (steps * hidden + (steps - 1) * hidden)
    decoder = 3 * 3 * hidden * hidden
    head = 3 * segments * hidden * SEGMENT
    return 2 * BATCH * (linear + encoder + decoder + head) / 1e9


class Pair:
    """The same network and batches on both sides."""

    def __init__(self, hidden, tied, batches):
        rng, n = np.random.default_rng(0), BATCH * batches
        series = rng.standard_normal((n + LOOKBACK + HORIZON, 1)).astype(np.float32)
        self.network = self._network(hidden, tied, rng)
        self.theta = self.network.theta.copy()
        self.positions = self.network.weights["decoder.positions.b"].shape[1]
        self.optimizer = self.network.new_optimizer("adam", 0.0, 0.0)
        self.source = _core.Source(series, lookback=LOOKBACK, target=series, horizon=HORIZON, target_shift=LOOKBACK)
        self.order = rng.permutation(n).astype(np.int64)
        self.scratch = _core.Scratch()  # as within a fit
        rows = self.order.reshape(batches, BATCH)
        windows = np.lib.stride_tricks.sliding_window_view(series[:, 0], LOOKBACK)
        future = np.lib.stride_tricks.sliding_window_view(series[LOOKBACK:, 0], HORIZON)
        self.x = [torch.from_numpy(np.ascontiguousarray(windows[r])) for r in rows]
        self.y = [torch.from_numpy(np.ascontiguousarray(future[r])) for r in rows]
        self.model = torch_segrnn(self.network.weights, SEGMENT, HORIZON)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)

    @staticmethod
    def _network(hidden, tied, rng):
        """Of an estimator after one epoch on a handful of windows."""
        X, y = rng.standard_normal((8, LOOKBACK)), rng.standard_normal((8, HORIZON))
        return RNNForecaster(
            cell="gru", hidden_size=hidden, segment=SEGMENT, segment_activation="relu", decoder="segments",
            decoder_tied=tied, max_iter=1, early_stopping=False, dtype="float32", random_state=0,
        ).fit(X, y)._network  # fmt: skip

    def check(self, name):
        """Refuses unless outputs, gradients and the first loss agree."""
        found = self.network.compiled.gradient(self.theta, self.source, self.order[:BATCH])
        out = self.model(self.x[0])
        torch.nn.functional.mse_loss(out, self.y[0]).backward()
        outputs = np.abs(out.detach().numpy() - found["outputs"].reshape(BATCH, HORIZON)).max()
        theirs = self._their_gradients()
        ours = {
            kind: found["theta"][offset : offset + int(np.prod(shape))].reshape(shape)
            for kind, offset, shape in self.network.compiled.layout
        }
        gradient = max(np.abs(ours[kind] - value).max() / np.abs(value).max() for kind, value in theirs.items())
        # The second biases move under Adam as well, so only the first loss of a pass is the same to rounding.
        first = self._train(1, self.order[:BATCH])["losses"][0]
        loss = abs(first - self._their_step(self.x[0], self.y[0])) / abs(first)
        if not (outputs <= 1e-5 and gradient <= 1e-4 and loss <= 1e-5):
            refuse(f"{name}: not the same work: outputs {outputs:.1e}, gradients {gradient:.1e}, loss {loss:.1e}")

    def _their_gradients(self):
        """By our names: the first layer, a recurrent weight, the learned positions and the last layer."""
        model = self.model
        candidate = model.rnn.weight_hh_l0.grad.chunk(3)[2]
        parts = {"segment.W": model.segment.weight.grad, "0.R_nh": candidate, "head.W": model.head.weight.grad}
        return {k: v.numpy() for k, v in (parts | {"decoder.positions.b": model.positions.grad}).items()}

    def _train(self, threads, order):
        return self.network.compiled.train(
            self.theta, self.optimizer, self.source, order, BATCH, rates=np.full(len(order) // BATCH, RATE),
            clip_norm=CLIP, threads=threads, scratch=self.scratch,
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


def rows(report, hidden, decoder, pair, measured):
    """A row for each number of threads."""
    work, done = gflop(hidden, pair.positions), gflop_done(hidden)
    theirs = {threads: values for (side, threads), values in measured.items() if side == "theirs"}
    best = fastest(theirs)
    for (side, threads), ours in measured.items():
        if side != "ours":
            continue
        speed = work / np.median(ours)
        same, gain = ratio(theirs[threads], ours), ratio(theirs[best], ours)
        share, of_done = (count / np.median(ours) / report.peak(threads) for count in (work, done))
        report.row(
            [hidden, decoder, threads, f"{median_ms(ours):.2f}", f"{speed:.0f}", f"{share:.0%}", f"{of_done:.0%}",
             f"{median_ms(theirs[threads]):.2f}", times(same), f"{times(gain)}, {best}"],
            units=hidden, decoder=decoder, threads=threads, ours=float(np.median(ours)), gflops=speed, share=share,
            theirs={str(n): float(np.median(v)) for n, v in theirs.items()}, same=same, ratio=gain, best=best,
            done=of_done,
        )  # fmt: skip


def main():
    found = parser(__doc__)
    found.add_argument("--units", nargs="+", type=int, default=[64, 128])
    found.add_argument("--decoders", nargs="+", default=["tied"], choices=("tied", "own"))
    found.add_argument("--threads", nargs="+", type=int, default=sorted({1, os.cpu_count()}))
    found.add_argument("--seconds", type=float, default=0.2, help="of a block of ours")
    arguments = found.parse_args()
    torch.set_flush_denormal(True)
    columns = ["units", "decoder", "threads", "ours ms", "GFLOP/s", "of peak", "done", "PyTorch ms",
               "ratio (95 %)", "ratio to its best (95 %), threads"]  # fmt: skip
    report = Report("segrnn", arguments, columns)
    for hidden in arguments.units:
        for decoder in arguments.decoders:
            trial = Pair(hidden, decoder == "tied", 1)
            batches = int(np.clip(arguments.seconds / min(trial.ours(1) for _ in range(3)), 1, 64))
            pair = Pair(hidden, decoder == "tied", batches)
            pair.check(f"{hidden} units, {decoder}")
            sides = {("ours", n): partial(pair.ours, n) for n in arguments.threads}
            sides |= {("theirs", n): partial(pair.theirs, n) for n in arguments.threads}
            rows(report, hidden, decoder, pair, interleaved(sides, arguments.pairs))
    report.close()


if __name__ == "__main__":
    main()
