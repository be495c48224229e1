"""How much memory training takes, and how much it should take: every case in a fresh process of its own.

    python benchmarks/bench_memory.py [--sections training batch fit panel import] [--cells lstm gru rnn] [--quick]

Measured is the growth of the process's peak of resident memory over its state right before, the import and the data
being there. `training` and `batch` take some optimiser steps in the core; "fixed", the growth that a network of one
unit and one step causes (threads, the kernels' code), is subtracted before anything is compared. What should be there:
activations of `threads * lanes` windows, 4 (7 H L T + I T) bytes each (7 is the LSTM's; the GRU keeps 5 numbers per
unit and step, the Elman cell 2), min(16, chunks) gradients, two packs of the weights. Theta and Adam's two moments are
there before. `fit` is a whole RNNForecaster.fit, `panel` one of SeriesForecaster on 10,000 series, with a vector of
each and of the categories of a text column. Linux only. Memory that was asked for and never touched is not
counted: a thread that got no core, on a busy machine, makes a case look smaller than it should be.
"""

import argparse
import contextlib
import ctypes
import itertools
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import Report, Training, parser
from rivals import CELLS, HORIZON, WORKLOADS

from forecast import RNNForecaster, SeriesForecaster, make_windows

ALL = len(os.sched_getaffinity(0))
KEPT = {"lstm": 7, "gru": 5, "rnn": 2}  # numbers per unit and step: states and tape
SLOTS = 16
CASES = ("small", "medium", "stack", "wide")
LEAST = (1, 1, 1, 1)  # features, hidden, layers, steps
MB = 1e6
OVER = 1.1  # what is pointed out


# -------------------- in the fresh process


def settle():
    """The resident memory now, in bytes, from which the peak counts anew; and whether the system let it be reset."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what imports freed would take up a part of the growth unseen
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _status("VmRSS"), False  # the growth is then an upper bound: the import's own peak may hide it
    return _status("VmRSS"), True


def _status(key):
    # Not getrusage: its peak survives exec, so a child starts with what its parent had.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def work_training(case):
    batch = case["batch"]
    training = Training(case["cell"], (*case["sizes"], batch), batches=max(2, 1024 // batch))
    training.optimizer.first[:] = training.optimizer.second[:] = 0  # fresh zeros have no memory until written
    before, reset = settle()
    threads = training.train(case["threads"])["threads"]
    growth = _status("VmHWM") - before
    network = training.network
    return {
        "growth": growth, "reset": reset, "threads": threads, "lanes": network.lanes,
        "parameters": network.n_parameters,
    }  # fmt: skip


def work_fit(case):
    before, reset = settle()
    series = np.random.default_rng(0).standard_normal(case["values"], np.float32)
    windows = make_windows(pd.Series(series), lookback=case["lookback"], horizon=HORIZON)
    table = _status("VmHWM") - before
    model = RNNForecaster(cell=case["cell"], hidden_size=8, batch_size=256, max_iter=1, random_state=0)
    model.fit(windows)
    growth = _status("VmHWM") - before
    return {
        "growth": growth, "reset": reset, "threads": model.n_threads_, "parameters": model.n_parameters_,
        "raw": series.nbytes, "windows": table,
    }  # fmt: skip


def work_panel(case):
    n, rows = case["series"], case["rows"]
    rng = np.random.default_rng(0)
    day = pd.date_range("2024-01-01", periods=rows, name="day")
    frame = pd.DataFrame({
        "day": np.tile(day, n), "shop": np.repeat([f"shop {number}" for number in range(n)], rows),
        "y": rng.normal(size=n * rows),
    })  # fmt: skip
    if case["column"]:
        frame["kind"] = np.repeat([f"kind {number % 1000}" for number in range(n)], rows)
    network = RNNForecaster(hidden_size=16, max_iter=1, batch_size=256, series_size=case["size"], random_state=0)
    before, reset = settle()
    model = SeriesForecaster(
        network, target="y", series="shop", time="day", lookback=28, horizon=7,
        static_covariates="kind" if case["column"] else None,
        categorical="embedding" if case["column"] else "one-hot",
    ).fit(frame)  # fmt: skip
    growth = _status("VmHWM") - before
    return {
        "growth": growth, "reset": reset, "threads": model.regressor_.n_threads_, "frame": before,
        "parameters": model.regressor_.n_parameters_, "windows": model.n_windows_,
    }  # fmt: skip


WORK = {"training": work_training, "fit": work_fit, "panel": work_panel}


# -------------------- in the process that asks


def median_of(kind, repeats, **case):
    """The result of the process with the median growth."""
    command = [sys.executable, __file__, "--worker", json.dumps({"kind": kind, **case})]
    found = [_answer(command) for _ in range(repeats)]
    return sorted(found, key=lambda result: result["growth"])[(repeats - 1) // 2]


def _answer(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@cache
def fixed_growth(cell, threads, repeats):
    return median_of("training", repeats, cell=cell, sizes=LEAST, batch=1024, threads=threads)["growth"]


@cache
def trained(cell, name, batch, threads, repeats):
    """Growth by some steps of a workload, and what should be there, in MB."""
    sizes = WORKLOADS[name][:4]
    found = median_of("training", repeats, cell=cell, sizes=sizes, batch=batch, threads=threads)
    fixed = fixed_growth(cell, threads, repeats)
    features, hidden, layers, steps = sizes
    in_flight, chunks = found["threads"] * found["lanes"], -(-batch // found["lanes"])
    activations = in_flight * 4 * (KEPT[cell] * hidden * layers * steps + features * steps)
    shared = (min(SLOTS, chunks) + 2) * found["parameters"] * 4
    return {
        "workload": name, "cell": cell, "batch": batch, "threads": found["threads"], "reset": found["reset"],
        "parameters": found["parameters"], "measured": (found["growth"] - fixed) / MB,
        "fixed": fixed / MB, "activations": activations / MB, "shared": shared / MB,
    }  # fmt: skip


def training(report, arguments):
    """Every case of workload, cell, batch and threads."""
    parts = {"fixed": "fixed", "measured": "measured", "activations": "activations", "shared": "slots and packs"}
    columns = ["workload", "cell", "threads", "batch", *(f"{part} MB" for part in parts.values()), "over the sum", ""]
    report.section(f"Training: growth of the peak [over the sum: at most {OVER}]", columns)
    names, batches = (CASES[:2], (32, 256)) if arguments.quick else (CASES, (32, 64, 256, 1024))
    for name, cell, threads, batch in itertools.product(names, arguments.cells, sorted({1, ALL}), batches):
        found = trained(cell, name, batch, threads, arguments.repeats)
        over = found["measured"] / (found["activations"] + found["shared"])
        report.row(
            [name, cell, found["threads"], batch, *(_mb(found[part]) for part in parts),
             f"{over:.2f}", "over" if over > OVER else ""],
            over=over, **found,
        )  # fmt: skip


def batch(report, arguments):
    """A batch of 1024 windows and one of 32 windows per thread: activations do not grow with it."""
    small = 32 * ALL
    report.section(
        f"Batch: measured less slots and packs, {ALL} threads [the same]",
        ["workload", "cell", f"batch {small}: MB", "batch 1024: MB", "more MB", "ratio"],
    )
    for name, cell in itertools.product(CASES[:2] if arguments.quick else CASES, arguments.cells):
        found = [trained(cell, name, size, ALL, arguments.repeats) for size in (small, 1024)]
        left = [case["measured"] - case["shared"] for case in found]
        report.row(
            [name, cell, *map(_mb, left), _mb(left[1] - left[0]), f"{left[1] / left[0]:.2f}"],
            workload=name, cell=cell, batches=[small, 1024], left=left, cases=found,
        )  # fmt: skip


def fit(report, arguments):
    """One epoch of 8 units on a long float32 series with lookback 168: the memory on top of the raw data."""
    values = 100_000 if arguments.quick else 1_000_000
    report.section(
        f"Fit: {values} float32 values, lookback 168, 8 units, batch 256, one epoch",
        ["cell", "threads", "raw MB", "windows MB", "peak MB", "bar MB", "peak over bar", ""],
    )
    for cell in arguments.cells:
        found = median_of("fit", arguments.repeats, cell=cell, values=values, lookback=168)
        # 1.1 times the raw data, 16 bytes per parameter, 8 MiB per thread: set before anything was measured.
        bar = 1.1 * found["raw"] + 16 * found["parameters"] + 2**23 * found["threads"]
        over = found["growth"] / bar
        report.row(
            [cell, found["threads"], *(_mb(found[k] / MB) for k in ("raw", "windows", "growth")), _mb(bar / MB),
             f"{over:.2f}", "over" if over > 1 else ""],
            cell=cell, values=values, bar=bar, over=over, **found,
        )  # fmt: skip


def panel(report, arguments):
    """One epoch on a panel, with a vector of each series: what comes over the frame."""
    n, rows = (1_000 if arguments.quick else 10_000), 60
    report.section(
        f"Panel: {n} series of {rows} rows, lookback 28, 16 units, one epoch [at most 200 MB over the frame]",
        ["vectors of", "length", "parameters", "windows", "over the frame MB", ""],
    )
    for name, size, column in (("nothing", 0, False), ("series", 50, False), ("series and kinds", 50, True)):
        found = median_of("panel", arguments.repeats, series=n, rows=rows, size=size, column=column)
        over = found["growth"] / MB
        report.row(
            [name, size or "", found["parameters"], found["windows"], _mb(over), "over" if over > 200 else ""],
            vectors=name, **found,
        )  # fmt: skip


def _mb(value):
    return f"{value:.2f}"


IMPORTS = """
import importlib, json, sys, time
def resident():
    lines = open("/proc/self/status", encoding="ascii").read().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
found = [(0.0, resident())]
for group in sys.argv[1:]:
    begin = time.perf_counter()
    for name in group.split():
        importlib.import_module(name)
    found.append((time.perf_counter() - begin, resident()))
print(json.dumps(found))
"""


def imports(report, arguments):
    """Time and resident memory that `import forecast` takes in a fresh interpreter, and its dependencies alone."""
    report.section("Import: fresh processes, files already in the system's cache", ["", "ms", "resident MB after"])
    alone = _imported(arguments.repeats, "forecast")
    beside = _imported(arguments.repeats, "numpy pandas sklearn.base", "forecast")
    names = ["interpreter", "forecast", "numpy, pandas, sklearn.base", "forecast after them"]
    for name, (seconds, resident) in zip(names, [*alone, *beside[1:]], strict=True):
        report.row([name, f"{1e3 * seconds:.0f}", f"{resident / MB:.0f}"], name=name, seconds=seconds, bytes=resident)


def _imported(repeats, *groups):
    """Medians of (seconds, bytes) of the interpreter and after each group of modules."""
    command = [sys.executable, "-P", "-c", IMPORTS, *groups]  # -P: the installed package, whatever the directory
    _answer(command)  # fills the system's cache
    return np.median([_answer(command) for _ in range(max(5, repeats))], axis=0).tolist()


SECTIONS = {"training": training, "batch": batch, "fit": fit, "panel": panel, "import": imports}


def main():
    found = parser(__doc__, pairs=None)
    found.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    found.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    found.add_argument("--repeats", type=int, default=3, help="processes per case; the median counts")
    found.add_argument("--quick", action="store_true", help="few cases: a smoke run")
    found.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    arguments = found.parse_args()
    if arguments.worker:
        print(json.dumps(WORK[arguments.worker.pop("kind")](arguments.worker)))
        return
    report = Report("memory", arguments)
    for name in arguments.sections:
        SECTIONS[name](report, arguments)
    if not all(row.get("reset", True) for row in report.rows):
        print("\nThis system lets no process reset its peak: a growth that import's own peak exceeds is overstated.")
    report.close()


if __name__ == "__main__":
    main()
