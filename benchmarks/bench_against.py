"""This version and an older one: training steps and predictions of two environments, in one run.

    python benchmarks/bench_against.py --old OLD/bin/python [--new NEW/bin/python] [--pairs 15] [--check]

Three processes are alive at the same time: the old version twice and the new one. They answer in turns through pipes,
so that no start is timed and a drifting clock reaches all of them. The old version against itself gives the noise: the
band that holds 95 % of its ratios. A row's ratio is the median over pairs of the new time over the old: above 1 the new
version is slower. The processes are started afresh several times, because the place of a process's memory alone can
make a difference that lasts as long as the process.

Before any timing the sides must agree on what they compute. With --check the exit status is 1 where the geometric mean
of all ratios is above 1.01, or a row's above 1.03 and above the row's band.
"""

import argparse
import gc
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rivals import CELLS, HORIZON, WORKLOADS, gflop, our_name

CALLS = {  # what is timed -> in words
    "step": "training step",
    "one": "one window",
    "many": "1,024 windows",
    "public": "RNNForecaster.predict, one window",
}
USUAL_CALLS = ("step", "one", "many")
SEGMENTS = "segments"  # SegRNN as in bench_segrnn.py: layers around the cell have a part in its step
SIZES = WORKLOADS | {SEGMENTS: (1, 64, 1, 720, 256)}
HORIZONS = {SEGMENTS: 96}  # others: HORIZON
USUAL_WORKLOADS = ("small", "medium", "wide", SEGMENTS)
MEAN_BAR, ROW_BAR = 1.01, 1.03
AGREE = 1e-5  # relative difference of what the sides compute
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


# -------------------- in the environment that is measured


class Work:
    """One row's network, weights and windows. It knows the cores of either version."""

    def __init__(self, call, workload, cell, threads):
        from forecast import _core

        features, hidden, _, steps, batch = SIZES[workload]
        horizon = HORIZONS.get(workload, HORIZON)
        self.call, self.threads, self.batch = call, threads, batch
        rng = np.random.default_rng(0)
        self.model = self._model(cell, workload, horizon)
        network = self.model._network
        network.theta[:] = (2.0 * rng.random(network.theta.size) - 1.0) * hidden**-0.5
        self.compiled, self.theta = network.compiled, network.theta.copy()
        # Where steps are short, one call of the core makes many, as in an epoch.
        self.batches = int(np.clip(1 / gflop(cell, SIZES[workload]), 1, 32)) if call == "step" else 1
        windows = {"step": self.batches * batch, "many": 1024}.get(call, 1)
        self.series = rng.standard_normal((windows + steps + horizon, features), np.float32)
        target = self.series[:, :1]
        self.source = _core.Source(self.series, lookback=steps, target=target, horizon=horizon, target_shift=steps)
        self.order = rng.permutation(windows).astype(np.int64)
        self.packed = self.compiled.pack(self.theta)
        self.window = self.series[None, :steps].copy()
        if call == "step":
            self.optimizer = _core.Optimizer("adam", "float32", self.theta.size)
            self.scratch = _core.Scratch()  # as within a fit
            rates = "rates" in self.compiled.train.__doc__  # one for each batch, in newer cores
            self.rate = {"rates": np.full(self.batches, 1e-3)} if rates else {"rate": 1e-3}

    @staticmethod
    def _model(cell, workload, horizon):
        """Fitted on a handful of windows: the public way to a network of any version."""
        from forecast import RNNForecaster

        features, hidden, layers, steps, _ = SIZES[workload]
        segments = {"segment": 24, "decoder": "segments"} if workload == SEGMENTS else {}
        kind = "relu" if our_name(cell) == "rnn_relu" else "tanh"
        rng = np.random.default_rng(1)
        X, y = rng.standard_normal((4, steps, features)), rng.standard_normal((4, horizon))
        return RNNForecaster(
            cell=cell, activation=kind, hidden_size=hidden, num_layers=layers, max_iter=1, early_stopping=False,
            random_state=0, dtype="float32", n_jobs=1, **segments,
        ).fit(X, y)  # fmt: skip

    def once(self):
        """Numbers that both sides must agree on: losses or outputs."""
        if self.call == "step":
            return self.compiled.train(
                self.theta, self.optimizer, self.source, self.order, self.batch, **self.rate, clip_norm=1.0,
                threads=self.threads, scratch=self.scratch,
            )["losses"]  # fmt: skip
        if self.call == "public":
            return self.model.predict(self.window)
        return self.compiled.predict(self.packed, self.source, self.order, threads=self.threads)

    def seconds(self, repeats, clock):
        """Per step or prediction; a few calls before the clock starts bring weights and threads back."""
        now = CLOCKS[clock]
        for _ in range(1 + repeats // 10):
            self.once()
        begin = now()
        for _ in range(repeats):
            self.once()
        return (now() - begin) / (repeats * self.batches)


def serve():
    """Answers the requests on standard input, a line of JSON each."""
    import forecast

    answers, sys.stdout = sys.stdout, sys.stderr
    gc.disable()
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        what = request.pop("what")
        if what == "hello":
            answer = {"version": forecast.__version__, **forecast.show_config(mode="dict")}
        elif what == "prepare":
            work = None
            gc.collect()
            work = Work(**request)
            answer = {"numbers": np.ravel(work.once()).tolist(), "batches": work.batches}
        else:
            answer = work.seconds(**request)
        print(json.dumps(answer), file=answers, flush=True)


# -------------------- in the process that asks


class Side:
    """A process of one environment."""

    def __init__(self, python, path):
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        environment |= {"PYTHONPATH": path} if path else {}
        command = [python, str(Path(__file__).resolve()), "--serve"]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, what, **request):
        print(json.dumps({"what": what, **request}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the process of {self.process.args[0]} ended with {self.process.wait()}; its message is above")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Row:
    """What is timed, and its times on all sides."""

    def __init__(self, call, workload, cell, threads):
        self.what = dict(call=call, workload=workload, cell=cell, threads=threads)
        self.repeats = None
        self.times = {"old": [], "again": [], "new": []}

    @property
    def name(self):
        return f"{CALLS[self.what['call']]}, {self.what['workload']}, {self.what['cell']}"

    def measure(self, sides, orders, seconds, clock):
        """A sample of every side for each of the orders."""
        answers = {name: side.ask("prepare", **self.what) for name, side in sides.items()}
        expected = np.array(answers["old"]["numbers"])
        for name, answer in answers.items():
            gap = np.abs(np.array(answer["numbers"]) - expected).max() / np.abs(expected).max()
            if not gap <= AGREE:
                sys.exit(f"{self.name}: not the same work: {gap:.1e} between the old side and the side {name!r}")
        if self.repeats is None:
            trial = min(sides["old"].ask("run", repeats=n, clock="wall") for n in (1, 3, 10))
            self.repeats = max(1, round(seconds / (trial * answers["old"]["batches"])))
        for order in orders:
            for name in order:
                self.times[name].append(sides[name].ask("run", repeats=self.repeats, clock=clock))

    def ratios(self, name):
        return np.array(self.times[name]) / np.array(self.times["old"])

    @property
    def median(self):
        return float(np.median(self.ratios("new")))

    @property
    def band(self):
        """Where 95 % of the ratios of the old version to itself lie, whichever of the two is above."""
        both = np.concatenate([self.ratios("again"), 1.0 / self.ratios("again")])
        return tuple(float(v) for v in np.quantile(both, [0.025, 0.975]))

    @property
    def bar(self):
        return max(ROW_BAR, self.band[1])


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(values))))


def measure(rows, arguments):
    """Fills the rows; the pairs are dealt out to several launches of the processes."""
    orders = list(itertools.islice(itertools.cycle(itertools.permutations(("old", "again", "new"))), arguments.pairs))
    for launch in range(arguments.launches):
        sides = {
            "old": Side(arguments.old, arguments.old_path),
            "again": Side(arguments.old, arguments.old_path),
            "new": Side(arguments.new, arguments.new_path),
        }
        if launch == 0:
            for name in ("old", "new"):
                print(f"{name}: {sides[name].ask('hello')}", flush=True)
        for number, row in enumerate(rows):
            row.measure(sides, orders[launch :: arguments.launches], arguments.seconds, arguments.clock)
            if sys.stderr.isatty():
                print(f"\rlaunch {launch + 1}, row {number + 1} of {len(rows)} ", end="", file=sys.stderr, flush=True)
        for side in sides.values():
            side.close()


def show(rows, report):
    """The table; what breaks the bar, as sentences."""
    from measuring import median_ms, ratio

    broken = []
    for row in rows:
        found = {name: np.array(values) for name, values in row.times.items()}
        new, again = ratio(found["new"], found["old"]), ratio(found["again"], found["old"])
        slower = row.median > row.bar
        report.row(
            [CALLS[row.what["call"]], row.what["workload"], row.what["cell"], f"{median_ms(found['old']):.4g}",
             f"{median_ms(found['new']):.4g}", "{:.3f} ({:.3f} to {:.3f})".format(*new), f"{again[0]:.3f}",
             "{:.3f} to {:.3f}".format(*row.band),
             "slower" if slower else ""],
            **row.what, old=row.times["old"], new=row.times["new"], again=row.times["again"], ratio=new,
            old_to_old=again, band=row.band,
        )  # fmt: skip
        if slower:
            broken.append(f"{row.name}: {row.median:.3f} times the old time; at most {row.bar:.3f} is allowed")
    means = {name: geometric_mean([np.median(row.ratios(name)) for row in rows]) for name in ("new", "again")}
    print(f"\nGeometric mean of {len(rows)} rows: new / old {means['new']:.4f}, old / old {means['again']:.4f}")
    if means["new"] > MEAN_BAR:
        broken.append(f"geometric mean {means['new']:.4f}; at most {MEAN_BAR} is allowed")
    report.close(geometric_means=means, broken=broken)
    return broken


def main():
    if sys.argv[1:] == ["--serve"]:
        return serve()
    from measuring import Report, parser

    found = parser(__doc__)
    found.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    found.add_argument("--old", required=True, metavar="PYTHON", help="interpreter of the environment to compare with")
    found.add_argument("--new", default=sys.executable, metavar="PYTHON", help="of the one that is judged")
    found.add_argument("--old-path", metavar="FOLDER", help="PYTHONPATH of the old side, where it is not installed")
    found.add_argument("--new-path", metavar="FOLDER", help="PYTHONPATH of the new side")
    found.add_argument("--calls", nargs="+", default=USUAL_CALLS, choices=CALLS, help="what is timed")
    found.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    found.add_argument("--workloads", nargs="+", default=USUAL_WORKLOADS, choices=list(SIZES))
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--seconds", type=float, default=0.1, help="of a sample")
    found.add_argument("--clock", default="wall", choices=CLOCKS, help="cpu: on a busy machine; for one thread alone")
    found.add_argument("--launches", type=int, default=3, help="fresh starts of the processes")
    found.add_argument("--check", action="store_true", help="exit with status 1 where the bar is broken")
    arguments = found.parse_args()
    if arguments.clock == "cpu" and arguments.threads > 1:
        found.error("--clock cpu adds up the time of all threads; it is for --threads 1")
    columns = ["call", "workload", "cell", "old ms", "new ms", "new / old (95 %)", "old / old", "band of old / old", ""]
    report = Report("against", arguments)
    asked = itertools.product(arguments.calls, arguments.workloads, arguments.cells)
    rows = [Row(*what, arguments.threads) for what in asked if what[1] != SEGMENTS or what[2] == "gru"]
    measure(rows, arguments)
    report.section("New and old", columns)
    broken = show(rows, report)
    print("\n".join(broken) if broken else "The bar is kept.")
    return int(arguments.check and bool(broken))


if __name__ == "__main__":
    sys.exit(main())
