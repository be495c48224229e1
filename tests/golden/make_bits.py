"""Hashes of trained weights and forecasts, to the bit; writes and checks bits.txt next to it.

    python tests/golden/make_bits.py --check             # compares; names the first case that differs
    python tests/golden/make_bits.py --check lstm-L2     # only cases with this in their name
    python tests/golden/make_bits.py --write 916f4ef     # rewrites bits.txt; the installed package is that commit

A case fits a network for 50 optimiser steps and forecasts many windows and one, through the public classes alone and
with every argument given, so that a changed default changes no case. Instruction sets other than the one in use run in
processes of their own, forced by FORECAST_ISA.

Nothing here may depend on the processor or on the build of NumPy: data and initial weights are uniform draws of a
seeded generator, put together by additions and multiplications. The package's own orthogonal initial weights come from
LAPACK, whose last bits differ between builds, so every fit starts from weights that are written over those of a first
fit. That first fit uses another optimiser, whose state the second one does not take over.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from forecast import RNNForecaster, Windows, show_config
from forecast.diagnostics import gate_activity, gradient_flow

FILE = Path(__file__).with_name("bits.txt")
ISAS = ("v2", "v3", "v4")
STEPS = 50  # optimiser steps of every fit
FORECASTS = 41  # windows of the forecast of many
DTYPES = ("float32", "float64")
PARTS = (  # of a case, one hash each
    "weights", "loss and norm curves", "forecasts of many windows", "forecast of one window", "gradient flow",
    "gates and states",
)  # fmt: skip
CELLS = {
    "tanh": dict(cell="rnn", activation="tanh"),
    "relu": dict(cell="rnn", activation="relu"),
    "gru": dict(cell="gru", activation="tanh"),
    "lstm": dict(cell="lstm", activation="tanh"),
}
LOSSES = {
    "squared": dict(loss="squared_error"),
    "absolute": dict(loss="absolute_error"),
    "huber": dict(loss="huber", huber_delta=0.7),
    "quantile": dict(loss="quantile", quantile=0.3),
    "quantiles": dict(loss="quantile", quantile=[0.1, 0.5, 0.9]),
}
OPTIMIZERS = {
    "adam": dict(optimizer="adam"),
    "adamw": dict(optimizer="adamw", weight_decay=0.01),
    "sgd": dict(optimizer="sgd", momentum=0.9),
    "rmsprop": dict(optimizer="rmsprop", momentum=0.5, learning_rate=0.001),
}
# Windows of an epoch, and of a batch. A chunk has from 4 (float64, v2) to 32 (float32, v4) windows; where few are left
# over, they are trained one by one. Every pair makes a number of steps that divides 50.
BATCHES = {
    "B37": (66, 37),  # 37 and 29
    "B35": (70, 35),  # a few left over in every batch
    "B64": (65, 64),  # the last batch is one window
    "B33": (137, 33),  # one left over in every batch, and a short one
    "B70": (70, 70),
    "B9": (18, 9),
}
EXTRAS = {  # columns of the known future, values of a series
    "past": dict(known=0, static=0),
    "known": dict(known=2, static=0),
    "static": dict(known=0, static=3),
    "extra": dict(known=1, static=2),
}
NORMS = {"raw": None, "last": "last", "mean": "mean", "standard": "standard"}
DROPOUT = {"whole": 0.0, "drop": 0.3}
LENGTHS = {"T12": 12, "T8": 8, "T19": 19}
EXPLICIT = dict(
    cell="lstm", hidden_size=16, num_layers=2, activation="tanh", dropout=0.0, loss="squared_error", quantile=0.5,
    huber_delta=1.0, optimizer="adam", momentum=None, learning_rate=0.01, learning_rate_schedule="constant",
    weight_decay=0.0, clip_norm=1.0, clip_value=None, shuffle=True, early_stopping=False, validation_fraction=0.1,
    n_iter_no_change=20, tol=1e-4, n_channels=1, n_jobs=1, random_state=17, verbose=0, callbacks=None,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A network, how it is trained, and on what."""

    dtype: str
    parameters: dict = field(default_factory=dict)  # of RNNForecaster, where they differ from EXPLICIT
    batch: str = "B37"
    steps: int = 12
    known: int = 0
    static: int = 0
    norm: str | None = None
    targets: int = 1
    series_dtype: str = "float64"
    missing: bool = False  # some targets are
    weighted: bool = False
    plain: bool = False  # an array in place of Windows
    inside: bool = False  # gradients at each step, gates and states as well

    @property
    def arguments(self):
        n, batch = BATCHES[self.batch]
        epochs = STEPS // -(-n // batch)
        return EXPLICIT | dict(dtype=self.dtype, batch_size=batch, max_iter=epochs) | self.parameters


def _grid():
    """All cells, depths and widths in both precisions; the other choices take turns."""
    turns = [list(choices) for choices in (LOSSES, OPTIMIZERS, BATCHES, EXTRAS, NORMS, DROPOUT, LENGTHS)]
    found = {}
    for i, (cell, layers, hidden) in enumerate(product(CELLS, (1, 2, 3), (3, 16, 33, 64))):
        # The last term moves a choice on from cell to cell, or 12 cases later every choice would be the same.
        chosen = [choices[(i + i // 12 * (j % 3 + 1) + j) % len(choices)] for j, choices in enumerate(turns)]
        loss, optimizer, batch, extra, norm, dropout, length = chosen
        for dtype in DTYPES:
            parameters = dict(hidden_size=hidden, num_layers=layers, dropout=DROPOUT[dropout])
            parameters |= CELLS[cell] | LOSSES[loss] | OPTIMIZERS[optimizer]
            name = "-".join([f"{cell}-L{layers}-H{hidden}", dtype, *chosen])
            found[name] = Case(dtype, parameters, batch, LENGTHS[length], norm=NORMS[norm], **EXTRAS[extra])
    return found


def _single():
    """What the grid leaves out or might blur: one choice at a time."""
    one_by_one = {
        **{f"loss-{name}": dict(parameters=chosen) for name, chosen in LOSSES.items()},
        **{f"optimizer-{name}": dict(parameters=chosen) for name, chosen in OPTIMIZERS.items()},
        **{f"norm-{name}": dict(norm=chosen, targets=2) for name, chosen in NORMS.items()},
        **{f"batch-{name}": dict(batch=name) for name in BATCHES},
        **{f"extra-{name}": chosen for name, chosen in EXTRAS.items()},
        **{f"inside-{name}": dict(inside=True, parameters=chosen, **EXTRAS["extra"]) for name, chosen in CELLS.items()},
        **{f"dropout-{name}": dict(parameters=dict(dropout=0.5, **CELLS[name])) for name in CELLS},
        "schedule-step": dict(parameters=dict(learning_rate_schedule="step")),
        "schedule-plateau": dict(parameters=dict(learning_rate_schedule="plateau", n_iter_no_change=4, tol=0.05)),
        "in-order": dict(parameters=dict(shuffle=False)),
        "clip-value": dict(parameters=dict(clip_norm=None, clip_value=0.001)),
        "clip-both": dict(parameters=dict(clip_norm=0.01, clip_value=0.002)),
        "clip-none": dict(parameters=dict(clip_norm=None)),
        "weight-decay": dict(parameters=dict(weight_decay=0.01)),
        "missing": dict(missing=True, norm="last", parameters=LOSSES["quantiles"]),
        "weighted": dict(weighted=True, parameters=LOSSES["absolute"]),
        "float32-series": dict(series_dtype="float32", norm="standard", **EXTRAS["extra"]),
        "targets-3": dict(targets=3, norm="mean", parameters=LOSSES["quantiles"], **EXTRAS["extra"]),
        "array": dict(plain=True),
        "one-step": dict(steps=1, **EXTRAS["extra"]),
        "one-unit": dict(parameters=dict(hidden_size=1, num_layers=1)),
        "threads": dict(parameters=dict(n_jobs=2), batch="B70"),
    }
    found = {f"{name}-{dtype}": Case(dtype, **case) for name, case in one_by_one.items() for dtype in DTYPES}
    # The cosine comes from the system's library; rounded to float32 its last bit makes no difference.
    found["schedule-cosine-float32"] = Case("float32", dict(learning_rate_schedule="cosine"))
    wide = dict(hidden_size=270, num_layers=1)  # of a single window, threads share a step
    return found | {"wide-float32": Case("float32", wide, "B9", 4), "wide-float64": Case("float64", wide, "B9", 4)}


CASES = _grid() | _single()
INITIAL = {f"initial-{cell}": dict(hidden_size=13, num_layers=2, **chosen) for cell, chosen in CELLS.items()}


def _walk(rng, rows, columns):
    """Random walks in steps of 1/64: numbers that float32 holds exactly."""
    return np.cumsum(rng.integers(-64, 65, (rows, columns)), axis=0) / 64.0


def _windows(case, count):
    """The first `count` windows of three series of two channels and their targets, taken from each series in turn."""
    rng, horizon, length, covariates = np.random.default_rng(5), 3, 90, 2
    starts = np.arange(4, dtype=np.int64) * length
    values = _walk(rng, 3 * length, case.targets + covariates).astype(case.series_dtype)
    known = _walk(rng, 3 * length, case.known).astype(case.series_dtype)
    static = rng.integers(-8, 9, (3, case.static)).astype(case.series_dtype)
    targets = values[:, : case.targets].copy()
    targets[rng.random(targets.shape) < 0.1] = np.nan
    within = np.arange(case.steps - 1, length - horizon)
    origins = (starts[:-1] + within[:, None]).ravel()[:count]
    assert len(origins) == count, "the series are too short for so many windows"
    return Windows(
        values, origins, lookback=case.steps, horizon=horizon, n_targets=case.targets, window_norm=case.norm,
        targets=targets if case.missing else None, future=known if case.known else None,
        static=static if case.static else None, starts=starts,
    )  # fmt: skip


def _digest(*arrays):
    """The first 16 hexadecimal digits of SHA-256."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def _numbers(model):
    """Hash of weights and curves; refuses a training that ended early or with no numbers."""
    weights = list(model.weights_.values())
    assert len(model.gradient_norm_curve_) == STEPS
    assert all(np.isfinite(array).all() for array in weights)
    return _digest(*weights), _digest(np.array(model.loss_curve_), model.gradient_norm_curve_)


def _fitted(arguments, X, y, weight):
    """Trained from uniform weights in place of the package's own."""
    other = "adam" if arguments["optimizer"] == "sgd" else "sgd"
    first = dict(optimizer=other, momentum=None, max_iter=1, learning_rate=1e-30, warm_start=False)
    model = RNNForecaster(**(arguments | first)).fit(X, y, sample_weight=weight)
    rng, limit = np.random.default_rng(23), 2.0 ** -(int(arguments["hidden_size"]).bit_length() // 2)
    for view in model.weights_.values():
        view[...] = (2.0 * rng.random(view.shape) - 1.0) * limit
    return model.set_params(**arguments, warm_start=True).fit(X, y, sample_weight=weight)


def run_case(case):
    """Hashes of the weights, of the curves, of forecasts of many windows and of one, and of what is inside."""
    windows = _windows(case, BATCHES[case.batch][0])
    X, y, ahead = windows, windows.y, _windows(case, FORECASTS)
    weight = np.random.default_rng(7).integers(0, 5, len(windows)) / 4.0 + 0.25 if case.weighted else None
    arguments = case.arguments
    if case.plain:
        X, y, ahead = np.asarray(X), np.asarray(y), np.asarray(ahead)
        arguments = arguments | dict(n_channels=windows.n_channels)
    model = _fitted(arguments, X, y, weight)
    forecast = model.predict_quantiles if arguments["loss"] == "quantile" else model.predict
    many, one = forecast(ahead), forecast(ahead[7:8])
    assert np.isfinite(many).all()
    inside = ()
    if case.inside:
        flow, activity = gradient_flow(model, X, y), gate_activity(model, ahead)
        values = activity.gates | activity.states
        inside = (_digest(flow.norms, np.array(flow.loss)), _digest(*(values[name] for name in sorted(values))))
    return (*_numbers(model), _digest(many), _digest(one), *inside)


def run_initial(parameters):
    """Hash of the package's own initial weights: uniform draws to the bit, the rest to three decimals."""
    case = Case("float64")
    windows = _windows(case, 66)
    arguments = case.arguments | parameters | dict(optimizer="sgd", learning_rate=1e-30, max_iter=1)
    model = RNNForecaster(**arguments).fit(windows, windows.y)
    parts = []
    for name, view in model.weights_.items():
        exact = name.partition(".")[2].startswith("W")
        parts.append(view if exact else np.rint(1000.0 * view).astype(np.int64))
    return (_digest(*parts),)


def run(name):
    """Hashes of a case, as many as it has."""
    return run_initial(INITIAL[name]) if name in INITIAL else run_case(CASES[name])


def names(part=""):
    """All cases with `part` in their name."""
    return [name for name in [*INITIAL, *CASES] if part in name]


def recorded():
    """Instruction set -> case -> hashes, of bits.txt."""
    found = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, isa, *hashes = line.split()
            found.setdefault(isa, {})[name] = tuple(hashes)
    return found


def isa_in_use():
    return show_config(mode="dict")["used"].split()[0]


def isas_found():
    return [isa for isa in ISAS if isa in show_config(mode="dict")["instruction sets found"].split(", ")]


def measured(isa, part=""):
    """Yields (case, hashes) as they come, of an instruction set forced in a process of its own."""
    command = [sys.executable, "-W", "error", __file__, "--print", part]
    environment = os.environ | {"FORECAST_ISA": isa}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                name, *hashes = line.split()
                yield name, tuple(hashes)
        except GeneratorExit:  # the first difference is enough
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"{isa}: the process ended with {process.returncode}; its message is above")


def check(part):
    """Exits with the first difference."""
    expected = recorded()
    for isa in isas_found():
        count = 0
        for name, hashes in measured(isa, part):
            if expected[isa].get(name) != hashes:
                sys.exit(f"{isa} {name}: {difference(expected[isa].get(name), hashes)}")
            count += 1
        print(f"{isa}: {count} cases have the recorded bits", flush=True)


def difference(expected, found):
    """What differs between the hashes of a case, in words."""
    if expected is None:
        return "not in bits.txt"
    differing = [part for part, old, new in zip(PARTS, expected, found, strict=False) if old != new]
    return "other bits in " + ", ".join(differing or ["the number of hashes"])


def write(commit):
    lines = [
        f"# Bits of commit {commit}, written by make_bits.py. Case, instruction set, then a hash of each:",
        f"# {', '.join(PARTS)}.",
    ]
    for isa in ISAS:
        lines += [" ".join([name, isa, *hashes]) for name, hashes in measured(isa)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", nargs="?", const="", metavar="PART", help="compare with bits.txt")
    action.add_argument("--write", metavar="COMMIT", help="rewrite bits.txt; COMMIT is the one that is installed")
    action.add_argument("--print", nargs="?", const="", metavar="PART", help="hashes of the instruction set in use")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.write)
    elif arguments.check is not None:
        check(arguments.check)
    else:
        for name in names(arguments.print):
            print(name, *run(name), flush=True)


if __name__ == "__main__":
    main()
