"""What every benchmark here shares: the machine's description, paired timing, the peak measured in the same run, and a
table on the screen and one line of JSON."""

import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from rivals import HORIZON, our_name

from forecast import _core
from forecast._network import stacked

PACKAGES = ("rnn-forecast", "numpy", "scikit-learn", "torch", "onnxruntime", "neuralforecast", "keras", "jax")


def parser(doc, pairs=15):
    """Options that all benchmarks have; no pairs, no option for them."""
    found = argparse.ArgumentParser(description=doc.splitlines()[0])
    if pairs is not None:
        found.add_argument("--pairs", type=int, default=pairs, help="interleaved pairs of blocks")
    found.add_argument("--json", type=Path, default=Path("benchmark-results.jsonl"), help="file to append a line to")
    return found


def machine():
    """Processor, system, versions and what the core was built for and uses."""
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    flags = next((line.split(":", 1)[1].split() for line in _lines("/proc/cpuinfo") if line.startswith("flags")), [])
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": names[0] if names else platform.processor(),
        "flags": [flag for flag in ("avx2", "fma", "avx512f") if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "config": _core.config(),
    }


def _lines(path):
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def peak(threads=1, isa=None, seconds=0.05):
    """Billions of floating-point operations per second that `threads` threads reach in registers; best of five."""

    def once(results, i):
        begin = time.perf_counter()
        done = 0.0
        while time.perf_counter() - begin < seconds:
            done += _core.multiply_adds(200_000, isa=isa)
        results[i] = done / (time.perf_counter() - begin)

    best = 0.0
    for _ in range(5):
        results = [0.0] * threads
        team = [threading.Thread(target=once, args=(results, i)) for i in range(threads)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
        best = max(best, sum(results))
    return best / 1e9


def interleaved(sides, pairs):
    """Times of several callables, each called once per round, in alternating order.

    Parameters
    ----------
    sides : dict of name to callable
        Each returns its own time in seconds.
    pairs : int

    Returns
    -------
    dict of name to ndarray of shape (pairs,)
    """
    names = list(sides)
    for name in names:
        sides[name]()  # warm
    times = {name: [] for name in names}
    for round_ in range(pairs):
        for name in names if round_ % 2 == 0 else reversed(names):
            times[name].append(sides[name]())
    return {name: np.array(values) for name, values in times.items()}


def fastest(times):
    """Name of the side with the smallest median."""
    return min(times, key=lambda name: np.median(times[name]))


def ratio(theirs, ours):
    """Median of the per-pair ratios, with a 95 % bootstrap interval."""
    ratios = theirs / ours
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (2000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


def times(value):
    """A ratio with its interval, as text."""
    return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def duration(call, repeats=1):
    """Seconds per call."""
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def repeats_for(call, seconds=0.2):
    """How often to call so that a block takes about `seconds`."""
    call()
    return max(1, int(seconds / max(duration(call, 3), 1e-7)))


class Training:
    """Optimiser steps of one network in the core, its batches gathered from a random series."""

    def __init__(self, cell, workload, batches=1, isa=None):
        features, hidden, layers, steps, self.batch = workload
        self.batches, self.rate = batches, 1e-3
        rng = np.random.default_rng(0)
        n = self.batch * batches
        self.series = rng.standard_normal((n + steps + HORIZON, features), np.float32)
        self.network = stacked(
            our_name(cell), "float32", steps=steps, inputs=features, hidden=hidden, layers=layers, targets=HORIZON,
            isa=isa,
        )  # fmt: skip
        limit = hidden**-0.5
        self.theta = rng.uniform(-limit, limit, self.network.n_parameters).astype(np.float32)
        self.optimizer = _core.Optimizer("adam", "float32", self.network.n_parameters)
        self.source = _core.Source(
            self.series, lookback=steps, target=self.series[:, :1], horizon=HORIZON, target_shift=steps
        )
        self.order = rng.permutation(n).astype(np.int64)
        self.scratch = _core.Scratch()  # as within a fit

    @classmethod
    def lasting(cls, cell, workload, seconds, isa=None):
        """With as many batches as one thread needs about `seconds`."""
        trial = cls(cell, workload, isa=isa)
        most = min(4096, max(1, 65536 // trial.batch))
        return cls(cell, workload, int(np.clip(seconds / min(trial.seconds(1) for _ in range(3)), 1, most)), isa)

    def train(self, threads):
        """All batches once; what the core returns."""
        return self.network.train(
            self.theta, self.optimizer, self.source, self.order, self.batch, rate=self.rate, clip_norm=1.0,
            threads=threads, scratch=self.scratch,
        )  # fmt: skip

    def seconds(self, threads):
        """Per step."""
        return duration(lambda: self.train(threads)) / self.batches


class Report:
    """Markdown tables as they grow, and one line of JSON at the end."""

    def __init__(self, name, arguments, columns=None):
        self.name, self.path, self.title, self.rows = name, arguments.json, None, []
        self.facts = {"machine": machine(), "peak": {str(n): peak(n) for n in (1, os.cpu_count())}}
        self.facts["arguments"] = {k: str(v) for k, v in vars(arguments).items()}
        config = self.facts["machine"]["config"]
        on, peaks = self.facts["machine"], " / ".join(f"{v:.0f}" for v in self.facts["peak"].values())
        print(
            f"{on['processor']}, {on['cores']} cores, load {on['load']:.2f}; instruction set {config['isa_used']}, "
            f"{config['compiler']}; measured peak {peaks} GFLOP/s on 1 / {os.cpu_count()} threads"
        )
        print(", ".join(f"{k} {v}" for k, v in on["versions"].items()))
        if columns:
            self._head(columns)

    def _head(self, columns):
        print("\n| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)

    def section(self, title, columns):
        """A heading and a table of its own; the rows below carry the title."""
        self.title = title
        print(f"\n## {title}")
        self._head(columns)

    def peak(self, threads):
        """The measured peak of a number of threads, GFLOP/s."""
        peaks = self.facts["peak"]
        return peaks.get(str(threads)) or peaks.setdefault(str(threads), peak(threads))

    def row(self, texts, **facts):
        """One row for the table; `facts` are its numbers for the JSON."""
        print("| " + " | ".join(str(text) for text in texts) + " |", flush=True)
        self.rows.append({"section": self.title, **facts} if self.title else facts)

    def close(self, **facts):
        after = peak(1)
        drift = after / self.facts["peak"]["1"]
        if not 0.97 <= drift <= 1.03:
            print(f"\nThe measured peak went to {after:.0f}, {drift:.2f} of what it was: the machine is not calm.")
        line = {"benchmark": self.name, **self.facts, "peak_after": after, "rows": self.rows, **facts}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def refuse(message):
    """End with a message: a row that does not compare the same work is not printed."""
    sys.exit(message)


def median_ms(values):
    return 1e3 * statistics.median(values)
