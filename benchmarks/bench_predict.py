"""Prediction against onnxruntime and PyTorch, same weights and windows, in one run; and the public calls on their own.

    pip install ".[bench]"
    python benchmarks/bench_predict.py [--cells lstm gru rnn] [--workloads small medium] [--windows 1 1024] [--pairs 15]

The table compares kernels, one window and many. Every side has its weights and its windows ready: ours a packed network
and the raw series, from which it gathers each window while it computes; the others arrays of windows in the order of
axes that they like. onnxruntime runs with 1 thread and with all, whose waiting ones spin or sleep; PyTorch with 1 and
with all, in inference mode, oneDNN on, flushed denormals; the better setting by its median is compared. Before any
timing the outputs of all sides must agree to 1e-5. Blocks alternate, without garbage collection. A ratio is the median
over pairs of their time over ours. The share of the measured peak counts the matrix products alone.

The lines below the table time single calls of ours alone, as a user makes them: `RNNForecaster.predict` of one window
that is a ready float32 array, the same of a network without work (what the Python around the kernel takes), and
`SeriesForecaster.predict` of one hourly series. These have no rival.
"""

import gc
import os
import time
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import torch
from measuring import Report, duration, fastest, interleaved, parser, ratio, refuse, repeats_for, times
from rivals import CELLS, HORIZON, WORKLOADS, gflop, onnx_session, our_name, torch_model

from forecast import RNNForecaster, SeriesForecaster, _core
from forecast._network import Architecture, Network, Scaling
from forecast._threads import WORTH_SHARING

ALL = os.cpu_count()
THREADS = sorted({1, ALL})
HAS_ONNX = all(find_spec(name) for name in ("onnx", "onnxruntime"))
TOLERANCE = 1e-5
PAUSE = 0.1  # seconds: after its last call, onnxruntime's threads spin for about 50 ms, OpenMP's for a few


class Trial:
    """The same weights and windows on all sides: calls that return outputs of shape (windows, HORIZON)."""

    def __init__(self, cell, workload, windows):
        features, hidden, layers, steps, _ = workload
        rng = np.random.default_rng(0)
        series = rng.standard_normal((windows - 1 + steps, features)).astype(np.float32)
        architecture = Architecture(our_name(cell), "float32", steps, features, hidden, layers, HORIZON)
        scaling = Scaling(np.zeros(features), np.ones(features), np.zeros(HORIZON), np.ones(HORIZON))
        network = Network.initial(architecture, scaling, rng)
        self.compiled, self.packed = network.compiled, network.compiled.pack(network.theta)
        self.bytes = network.theta.nbytes
        self.source, self.index = _core.Source(series, lookback=steps), np.arange(windows, dtype=np.int64)
        cube = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0)
        self.x = torch.from_numpy(np.array(cube.transpose(0, 2, 1), order="C"))
        self.time_major = np.array(cube.transpose(2, 0, 1), order="C")
        self.model = torch_model(cell, network.weights, features, hidden, layers)
        self.sessions = {}
        for label, n, spin in _onnx_settings():
            self.sessions[label] = onnx_session(cell, network.weights, workload, windows, n, spin)

    def calls(self):
        """By side and setting. A single window is shared where the estimator would share it."""
        shared = len(self.index) > 1 or self.bytes >= WORTH_SHARING
        found = {("ours", n): partial(self._ours, n) for n in (THREADS if shared else [1])}
        found |= {("onnxruntime", label): partial(self._onnx, s) for label, s in self.sessions.items()}
        return found | {("PyTorch", n): partial(self.model, self.x) for n in THREADS}

    def _ours(self, threads):
        return self.compiled.predict(self.packed, self.source, self.index, threads=threads)

    def _onnx(self, session):
        return session.run(["out"], {"X": self.time_major})[0]


def _onnx_settings():
    """Label, threads, spinning. One thread never waits for another, so that spinning makes no difference to it."""
    several = [(f"{ALL}, spinning", ALL, True), (f"{ALL}, sleeping", ALL, False)]
    return [("1", 1, True), *(several if ALL > 1 else [])] if HAS_ONNX else []


def prepare(side):
    if side[0] == "PyTorch":
        torch.set_num_threads(side[1])


def check(name, calls):
    """Refuses unless all sides give the same outputs."""
    outputs = {}
    for side, call in calls.items():
        prepare(side)
        outputs[side] = np.asarray(call())
    expected = outputs["ours", 1]
    gaps = {side: float(np.abs(found - expected).max()) for side, found in outputs.items()}
    if not max(gaps.values()) <= TOLERANCE:
        refuse(f"{name}: not the same outputs as ours with 1 thread: {gaps}")


def block(side, call, repeats):
    """Seconds per call in a run of calls; where they are short, after some that bring weights and threads back."""
    prepare(side)
    time.sleep(PAUSE)
    if repeats > 1:
        duration(call, 1 + repeats // 10)
    return duration(call, repeats)


def measure(calls, arguments):
    """Times by side and setting, blocks alternating."""
    sides = {}
    for side, call in calls.items():
        prepare(side)
        sides[side] = partial(block, side, call, repeats_for(call, arguments.seconds))
    gc.collect()
    return interleaved(sides, arguments.pairs)


def best(measured, rival):
    """The rival's better setting and its times; None where it is not installed."""
    found = {setting: values for (side, setting), values in measured.items() if side == rival}
    return (fastest(found), found[fastest(found)]) if found else None


def micro(seconds):
    """Microseconds as text."""
    return f"{1e6 * seconds:,.1f}" if seconds < 1e-3 else f"{1e6 * seconds:,.0f}"


def rows(report, where, measured):
    """A row for each number of threads of ours."""
    rivals = {name: best(measured, name) for name in ("onnxruntime", "PyTorch")}
    texts = [f"{micro(np.median(r[1]))} ({r[0]})" if r else "not installed" for r in rivals.values()]
    medians = {name: {str(k[1]): float(np.median(v)) for k, v in measured.items() if k[0] == name} for name in rivals}
    for (side, threads), ours in measured.items():
        if side != "ours":
            continue
        gains = {name: ratio(r[1], ours) if r else None for name, r in rivals.items()}
        features, hidden, layers, steps, _ = WORKLOADS[where["workload"]]
        work = gflop(where["cell"], (features, hidden, layers, steps, where["windows"]), training=False)
        share = work / float(np.median(ours)) / report.peak(threads)
        report.row(
            [*where.values(), f"{micro(np.median(ours))} ({threads})", f"{share:.0%}", *texts,
             *(times(gain) if gain else "not installed" for gain in gains.values())],
            **where, threads=threads, ours=float(np.median(ours)), share=share, theirs=medians, ratios=gains,
        )  # fmt: skip


def latency(text, call, calls):
    """Median and 99th percentile of single calls, printed and returned in seconds."""
    for _ in range(100):
        call()
    gc.collect()
    taken = np.empty(calls)
    for i in range(calls):
        begin = time.perf_counter_ns()
        call()
        taken[i] = time.perf_counter_ns() - begin
    median, p99 = (float(np.quantile(taken, q)) / 1e9 for q in (0.5, 0.99))
    print(f"{text}: median {micro(median)} us, 99 % within {micro(p99)} us", flush=True)
    return {"median": median, "p99": p99, "calls": calls}


def fitted(shape, outputs, units):
    """A forecaster after one epoch on a few random windows, and one window."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((64, *shape)).astype(np.float32)
    y = rng.standard_normal((64, outputs)).astype(np.float32)
    model = RNNForecaster(hidden_size=units, max_iter=1, early_stopping=False, random_state=0).fit(X, y)
    return model, X[:1].copy()


def check_public(model, window):
    """Refuses unless `predict` gives what PyTorch makes of the same weights and scaling."""
    s, (_, _, channels) = model._network.scaling, window.shape
    scaled = ((window - s.past_mean) / s.past_scale).astype(np.float32)
    network = torch_model("lstm", model.weights_, channels, model.hidden_size, model.num_layers)
    gap = np.abs((model.predict(window) - s.target_mean) / s.target_scale - network(torch.from_numpy(scaled)).numpy())
    if not gap.max() <= TOLERANCE:
        refuse(f"RNNForecaster.predict: not PyTorch's outputs: {gap.max():.1e}")


def public(calls):
    """Latencies of the calls that users make."""
    features, units, _, steps, _ = WORKLOADS["medium"]
    model, window = fitted((steps, features), HORIZON, units)
    check_public(model, window)
    tiny, step = fitted((1, 1), 1, 1)
    hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    values = np.sin(np.arange(1000) / 12) + np.random.default_rng(0).normal(0, 0.1, 1000)
    network = RNNForecaster(hidden_size=units, max_iter=1, random_state=0)
    series = SeriesForecaster(network, target="load", lookback=steps, horizon=HORIZON)
    series.fit(pd.DataFrame({"load": values}, index=hours))
    size = f"LSTM, {units} units, {steps} steps, {HORIZON} outputs"
    print(f"\nSingle calls, {calls} each:")
    return {
        "regressor": latency(
            f"RNNForecaster.predict, one window, {size}, {features} channels", partial(model.predict, window), calls
        ),
        "overhead": latency("RNNForecaster.predict, 1 unit, 1 step, 1 output", partial(tiny.predict, step), calls),
        "series": latency(f"SeriesForecaster.predict, hourly series, {size}", series.predict, calls),
    }


def main():
    found = parser(__doc__)
    found.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    found.add_argument("--workloads", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS))
    found.add_argument("--windows", nargs="+", type=int, default=[1, 1024], help="windows of one call")
    found.add_argument("--seconds", type=float, default=0.1, help="of a block")
    found.add_argument("--calls", type=int, default=2000, help="single calls of the public methods")
    arguments = found.parse_args()
    torch.set_flush_denormal(True)
    columns = ["windows", "workload", "cell", "ours us (threads)", "of peak", "onnxruntime us (threads)",
               "PyTorch us (threads)", "ratio to onnxruntime (95 %)", "ratio to PyTorch (95 %)"]  # fmt: skip
    report = Report("predict", arguments, columns)
    gc.disable()
    with torch.inference_mode():
        for windows in arguments.windows:
            for name in arguments.workloads:
                for cell in arguments.cells:
                    calls = Trial(cell, WORKLOADS[name], windows).calls()
                    check(f"{windows} {name} {cell}", calls)
                    rows(report, {"windows": windows, "workload": name, "cell": cell}, measure(calls, arguments))
        report.close(latencies=public(arguments.calls))


if __name__ == "__main__":
    main()
