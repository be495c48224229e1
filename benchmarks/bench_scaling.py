"""How the time of a training step grows: with threads, sizes, windows, denormals, busy neighbours, instruction sets.

    python benchmarks/bench_scaling.py [--sections threads law cliffs ...] [--cells lstm gru rnn] [--quick]

A step is forward, loss, BPTT, clipping and Adam, in the core alone, batches gathered from a random series; `windows`
and `busy` also call RNNForecaster. No other library is measured: for that see bench_train.py. What is compared
alternates, and intervals are 95 % bootstrap intervals of the median over pairs; `law` takes the fastest of several
passes over its grid instead, because it asks for the cost and not for the noise. Useful operations are those of the
matrix products alone. Bars in brackets are what the project aims at, with no pardon for a machine that is not calm.
"""

import contextlib
import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from measuring import Report, Training, duration, fastest, interleaved, median_ms, parser, peak, ratio, times
from rivals import CELLS, HORIZON, WORKLOADS, gflop, our_name
from scipy.optimize import nnls

from forecast import RNNForecaster, _core, make_windows
from forecast._network import Architecture, Network

ALL = len(os.sched_getaffinity(0))
HOGS = 2
SLOWER, CLIFF = 1.05, 1.25  # what is pointed out


@dataclass(frozen=True)
class Grids:
    """What a run measures."""

    workloads: tuple = tuple(WORKLOADS)
    threads: tuple = ((8, 16, 32, 64, 128), (1, 8, 16, 32, 64, 256), (24, 168))  # H, B, T
    law: tuple = ((24, 48, 96, 168), (32, 64, 128), (32, 64, 128, 256), (1, 8))  # T, B, H, I
    wide: tuple = (128, 256, 512)
    hidden: tuple = ((63, 64, 65), (8, 10, 16), (32, 40, 48), (192, 200, 208))
    batches: tuple = ((15, 16, 17), (31, 32, 33), (16, 32, 64))
    steps: tuple = (47, 48, 49)
    windows: tuple = (1_000, 10_000, 100_000)
    block: float = 0.2  # seconds


QUICK = Grids(
    workloads=("small", "medium"),
    threads=((8, 64), (1, 32), (24,)),
    law=((24, 48), (32, 64), (32, 64), (1, 8)),
    wide=(128, 256),
    hidden=((63, 64, 65), (8, 10, 16)),
    windows=(1_000, 10_000),
    block=0.05,
)


# -------------------- threads


def threads(report, arguments, grids):
    """The workloads with one thread and with all, then a coarse grid for points that more threads slow down."""
    columns = ["workload", "cell", "1 thread ms", f"{ALL} threads ms", "speed-up (95 %)"]
    report.section(f"Threads: {ALL} against 1 [two: 1.8 or more from 32 units and batch 64 on; least: 1.6]", columns)
    workloads = {"least": (1, 16, 1, 24, 32)} | {name: WORKLOADS[name] for name in grids.workloads}
    for (name, workload), cell in itertools.product(workloads.items(), arguments.cells):
        one, many = _one_and_all(cell, workload, grids.block, arguments.pairs)
        gain = ratio(one, many)
        report.row(
            [name, cell, f"{median_ms(one):.3f}", f"{median_ms(many):.3f}", times(gain)],
            workload=name, cell=cell, one=float(np.median(one)), many=float(np.median(many)), speed_up=gain,
        )  # fmt: skip
    _slower_points(report, arguments, grids)


def _one_and_all(cell, workload, seconds, pairs):
    training = Training.lasting(cell, workload, seconds)
    measured = interleaved({n: lambda n=n: training.seconds(n) for n in (1, ALL)}, pairs)
    return measured[1], measured[ALL]


def _slower_points(report, arguments, grids):
    report.section(
        f"Threads: points where {ALL} take over {SLOWER} times as long as 1 [none]",
        ["cell", "H", "B", "T", "1 thread ms", f"{ALL} threads: time (95 %)", "n_jobs=None: threads", "time (95 %)"],
    )
    found = []
    for cell, h, b, t in itertools.product(arguments.cells, *grids.threads):
        one, many = _one_and_all(cell, (1, h, 1, t, b), grids.block / 4, arguments.pairs)
        policy = _threads_by_default(cell, (1, h, 1, t, b))
        cost = ratio(many, one)
        chosen = cost if policy > 1 else (1.0, 1.0, 1.0)
        found.append({"cell": cell, "H": h, "B": b, "T": t, "cost": cost, "policy": policy, "by_policy": chosen})
        if cost[0] > SLOWER:
            report.row([cell, h, b, t, f"{median_ms(one):.3f}", times(cost), policy, times(chosen)], **found[-1])
    given, default = ([p for p in found if p[key][0] > SLOWER] for key in ("cost", "by_policy"))
    sure = sum(p["cost"][1] > SLOWER for p in given), sum(p["by_policy"][1] > SLOWER for p in default)
    print(
        f"\nOf {len(found)} points {len(given)} are slower with {ALL} threads given ({sure[0]} with the whole "
        f"interval), {len(default)} with n_jobs=None ({sure[1]}); the worst {max(p['cost'][0] for p in found):.2f} and "
        f"{max(p['by_policy'][0] for p in found):.2f}."
    )
    report.facts["thread_grid"] = found


def _threads_by_default(cell, workload):
    """What `n_jobs=None` takes; between 1 and all it is timed as all."""
    features, hidden, layers, steps, batch = workload
    architecture = Architecture(our_name(cell), "float32", steps, features, hidden, layers, HORIZON)
    return Network(architecture, None, None).threads(None, batch, passes=3)


# -------------------- law


def law(report, arguments, grids):
    """t = T B (a H^2 + b H I + c H) + d parameters + e on one thread, and slopes of log time over log size."""
    names = ["a ps", "b ps", "c ps", "d ns", "e us"]
    columns = ["cell", "points", *names, "R2 of logs", "R2", "largest error", "slope T", "slope B", "slope H"]
    report.section("Cost law [R2 0.99; slopes T 1 +- 0.03, B 1 +- 0.05, H 1.9 to 2.1; e at most 20 us]", columns)
    for cell in arguments.cells:
        sizes = [(t, b, h, i) for t, b, h, i in itertools.product(*grids.law)]
        wide = [(48, 64, h, 8) for h in grids.wide]
        measured = _fastest_steps(cell, sorted({*sizes, *wide}), max(3, arguments.pairs // 3))
        points = np.array([[*size, measured[size][1]] for size in sizes], dtype=float)
        seconds = np.array([measured[size][0] for size in sizes])
        coefficients, quality = fitted_law(points, seconds)
        slopes = [slope(points[:, :4], seconds, axis) for axis in (0, 1)]
        slopes.append(slope(np.array(wide, dtype=float), np.array([measured[size][0] for size in wide]), 2))
        shown = coefficients * [1e12, 1e12, 1e12, 1e9, 1e6]
        report.row(
            [cell, len(sizes), *(f"{value:.3g}" for value in shown), f"{quality[0]:.4f}", f"{quality[1]:.4f}",
             f"{quality[2]:.0%}", *(_spread(s) for s in slopes)],
            cell=cell, coefficients=coefficients.tolist(), quality=quality, slopes=slopes,
            points=[[*size, *measured[size]] for size in measured],
        )  # fmt: skip


def _fastest_steps(cell, sizes, passes):
    """Size to (seconds, parameters): the fastest of some passes over all sizes, so that no one meets all the noise."""
    trainings = {(t, b, h, i): Training.lasting(cell, (i, h, 1, t, b), 0.02) for t, b, h, i in sizes}
    best = dict.fromkeys(sizes, np.inf)
    for _ in range(passes):
        for size, training in trainings.items():
            best[size] = min(best[size], training.seconds(1))
    return {size: (best[size], trainings[size].network.n_parameters) for size in sizes}


def fitted_law(points, seconds):
    """Least squares on relative errors, no coefficient negative.

    Parameters
    ----------
    points : ndarray of shape (n, 5)
        T, B, H, I, parameters.
    seconds : ndarray of shape (n,)

    Returns
    -------
    coefficients : ndarray of shape (5,)
        a to e, in seconds.
    quality : tuple of float
        R2 of the logarithms, R2, largest relative error.
    """
    t, b, h, i, parameters = points.T
    terms = np.stack([t * b * h * h, t * b * h * i, t * b * h, parameters, np.ones(len(points))], axis=1)
    rows = terms / seconds[:, None]
    scale = rows.max(axis=0)  # the terms lie ten orders of magnitude apart
    coefficients = nnls(rows / scale, np.ones(len(points)))[0] / scale
    law = terms @ coefficients
    quality = _r2(np.log(seconds), np.log(law)), _r2(seconds, law), float(np.abs(law / seconds - 1).max())
    return coefficients, quality


def _r2(y, fitted):
    return float(1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def slope(sizes, seconds, axis):
    """Of log time over the log of one size, the others held fixed: median, least and largest over the others."""
    groups = {}
    for size, value in zip(sizes, seconds, strict=True):
        groups.setdefault(tuple(np.delete(size, axis)), []).append((np.log(size[axis]), np.log(value)))
    found = [np.polyfit(*np.transpose(group), 1)[0] for group in groups.values()]
    return float(np.median(found)), float(min(found)), float(max(found))


def _spread(found):
    middle, least, largest = found
    return f"{middle:.2f}" if least == largest else f"{middle:.2f} ({least:.2f} to {largest:.2f})"


# -------------------- cliffs


def cliffs(report, arguments, grids):
    """Time per useful operation, compared with neighbouring sizes, around sizes that fit no vector, tile or chunk."""
    report.section(
        f"Cliffs: time per useful operation over the cheapest neighbour's [{CLIFF} at most]",
        ["neighbours", "cell", "threads", "size", "GFLOP/s", "over the cheapest (95 %)", ""],
    )
    groups = [("H", sizes, lambda h: (8, h, 1, 48, 64), (1,)) for sizes in grids.hidden]
    groups += [("B", sizes, lambda b: (8, 64, 1, 48, b), (1, ALL)) for sizes in grids.batches]
    groups += [("T", grids.steps, lambda t: (8, 64, 1, t, 64), (1,))]
    for (letter, sizes, workload, counts), cell in itertools.product(groups, arguments.cells):
        for n in counts:
            _neighbours(report, arguments, grids, (letter, cell, n), {size: workload(size) for size in sizes})


def _neighbours(report, arguments, grids, where, workloads):
    letter, cell, n = where
    trainings = {size: Training.lasting(cell, workload, grids.block / 2) for size, workload in workloads.items()}
    sides = {
        size: lambda size=size, training=training: training.seconds(n) / gflop(cell, workloads[size])
        for size, training in trainings.items()
    }
    measured = interleaved(sides, arguments.pairs)
    cheapest = fastest(measured)
    for size, values in measured.items():
        over = ratio(values, measured[cheapest])
        report.row(
            [f"{letter} {'/'.join(map(str, workloads))}", cell, n, size, f"{1 / np.median(values):.1f}", times(over),
             "cliff" if over[0] > CLIFF else ""],
            letter=letter, cell=cell, threads=n, size=size, gflops=float(1 / np.median(values)), over=over,
        )  # fmt: skip


# -------------------- windows


def windows(report, arguments, grids):
    """One epoch over more and more windows, in the core and by `partial_fit`, which also draws the order and checks."""
    report.section(
        "Number of windows: one epoch of 16 units, 24 steps, batch 64 [flat]",
        ["windows", "cell", "core us per window", "over the cheapest (95 %)", "partial_fit us", "over (95 %)"],
    )
    for cell in arguments.cells:
        core, estimator = ({n: epoch(cell, n) for n in grids.windows} for epoch in (_core_epoch, _estimator_epoch))
        found = [interleaved(sides, arguments.pairs) for sides in (core, estimator)]
        for n in grids.windows:
            over = [ratio(measured[n], measured[fastest(measured)]) for measured in found]
            micro = [1e6 * np.median(measured[n]) for measured in found]
            report.row(
                [n, cell, f"{micro[0]:.2f}", times(over[0]), f"{micro[1]:.2f}", times(over[1])],
                windows=n, cell=cell, microseconds=micro, over=over,
            )  # fmt: skip


def _core_epoch(cell, n):
    training = Training(cell, (1, 16, 1, 24, 64), n // 64)
    return lambda: training.seconds(1) / training.batch


def _estimator_epoch(cell, n):
    model = RNNForecaster(cell=cell, hidden_size=16, batch_size=64, random_state=0, n_jobs=1)
    table = _table(1, 24, n)
    return lambda: duration(lambda: model.partial_fit(table)) / n


def _table(features, steps, n):
    """A number of windows of a random series, its first column the target."""
    series = np.random.default_rng(0).standard_normal((n + steps + HORIZON - 1, features), np.float32)
    frame = pd.DataFrame(series, columns=[f"x{i}" for i in range(features)])
    return make_windows(frame, target="x0", lookback=steps, horizon=HORIZON, past_covariates=list(frame)[1:] or None)


# -------------------- denormals


def denormals(report, arguments, grids):
    """Gradients that vanish over 200 steps into numbers that processors are slow with, unless they are flushed."""
    report.section(
        "Denormals: all weights -0.1, 64 units, 200 steps [at most 1.1]",
        ["cell", "threads", "ordinary ms", "inputs -0.1 over ordinary (95 %)", "inputs +0.1", "-0.1 over +0.1"],
    )
    for cell, n in itertools.product(arguments.cells, (1, ALL)):
        ordinary = Training.lasting(cell, (8, 64, 1, 200, 64), grids.block / 2)
        below, above = (_vanishing(cell, ordinary.batches, value) for value in (-0.1, 0.1))
        sides = {"ordinary": ordinary, "below": below, "above": above}
        measured = interleaved({name: lambda s=s, n=n: s.seconds(n) for name, s in sides.items()}, arguments.pairs)
        pairs = [("below", "ordinary"), ("above", "ordinary"), ("below", "above")]
        found = [ratio(measured[a], measured[b]) for a, b in pairs]
        report.row(
            [cell, n, f"{median_ms(measured['ordinary']):.2f}", *map(times, found)], cell=cell, threads=n, ratios=found
        )


def _vanishing(cell, batches, value):
    training = Training(cell, (8, 64, 1, 200, 64), batches)
    training.rate = 0.0  # the weights stay
    training.theta[:] = -0.1
    training.series[:] = value
    return training


# -------------------- busy


def busy(report, arguments, grids):
    """A whole fit while other processes never pause. Their fair share alone makes it slower: with two of them on two
    cores, a fit with one thread gets two thirds of a core."""
    report.section(
        f"With {HOGS} busy processes: RNNForecaster.fit [at most 3]",
        ["workload", "cell", "n_jobs", "idle ms", "busy ms", "busy over idle (95 %)"],
    )
    for name, cell, n_jobs in itertools.product(("small", "medium"), arguments.cells, (None, 1)):
        fit = _fit(cell, WORKLOADS[name], n_jobs, 5 * grids.block)
        measured = interleaved({"idle": lambda fit=fit: duration(fit), "busy": lambda fit=fit: _beside(fit)},
                               max(3, arguments.pairs // 3))  # fmt: skip
        slower = ratio(measured["busy"], measured["idle"])
        report.row(
            [name, cell, n_jobs, f"{median_ms(measured['idle']):.0f}", f"{median_ms(measured['busy']):.0f}",
             times(slower)],
            workload=name, cell=cell, n_jobs=n_jobs, slower=slower,
        )  # fmt: skip


def _fit(cell, workload, n_jobs, seconds):
    """A fit of about this many seconds on a machine that does nothing else."""
    features, hidden, layers, steps, batch = workload
    table = _table(features, steps, 20 * batch)
    model = RNNForecaster(
        cell=cell, hidden_size=hidden, num_layers=layers, batch_size=batch, max_iter=1, early_stopping=False,
        random_state=0, n_jobs=n_jobs,
    )  # fmt: skip
    model.fit(table)
    epoch = min(duration(lambda: model.fit(table)) for _ in range(3))
    model.set_params(max_iter=max(1, round(seconds / epoch)))
    return lambda: model.fit(table)


def _beside(call):
    with _hogs():
        return duration(call)


@contextlib.contextmanager
def _hogs():
    # They also end by themselves when this process is gone before its `finally`.
    spin = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(10**6): pass"
    team = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(HOGS)]
    try:
        time.sleep(0.3)  # past their start
        yield
    finally:
        for hog in team:
            hog.kill()
        for hog in team:
            hog.wait()


# -------------------- isa


def isa(report, arguments, grids):
    """Every instruction set that this build has and this processor runs, on the medium workload."""
    names = _core.config()["isa_found"]
    report.section(
        "Instruction sets: medium, 1 thread [half the width: at least 0.45 of the best]",
        ["cell", "set", "ms", "GFLOP/s", "of its own peak", "speed over the best's (95 %)"],
    )
    peaks = {name: peak(1, name) for name in names}
    for cell in arguments.cells:
        trainings = {name: Training.lasting(cell, WORKLOADS["medium"], grids.block, name) for name in names}
        measured = interleaved({name: lambda t=t: t.seconds(1) for name, t in trainings.items()}, arguments.pairs)
        best = measured[fastest(measured)]
        for name, values in measured.items():
            speed, share = gflop(cell, WORKLOADS["medium"]) / np.median(values), ratio(best, values)
            report.row(
                [cell, name, f"{median_ms(values):.2f}", f"{speed:.1f}", f"{speed / peaks[name]:.0%}", times(share)],
                cell=cell, isa=name, seconds=float(np.median(values)), gflops=speed, peak=peaks[name], speed=share,
            )  # fmt: skip


SECTIONS = {section.__name__: section for section in (threads, law, cliffs, windows, denormals, busy, isa)}


def main():
    found = parser(__doc__)
    found.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    found.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    found.add_argument("--quick", action="store_true", help="small grids and short blocks: a smoke run")
    arguments = found.parse_args()
    grids = QUICK if arguments.quick else Grids()
    report = Report("scaling", arguments)
    for name in arguments.sections:
        SECTIONS[name](report, arguments, grids)
    report.close()


if __name__ == "__main__":
    main()
