"""Random networks with their windows, for the core and the oracle alike."""

from dataclasses import dataclass, replace

import numpy as np
import reference

from forecast import _core
from forecast._network import stacked

ISAS = _core.config()["isa_found"]
DTYPES = ("float32", "float64")
CELLS = sorted(_core.CELLS)
LOSSES = sorted(_core.LOSSES)
LOSS_PARAMETERS = {"huber": (0.7,), "quantile": (0.1, 0.5, 0.8)}


def largest_difference(actual, expected, at_least=0.0):
    """The greatest difference, divided by the greatest absolute entry of `expected` (or `at_least`)."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape
    if expected.size == 0:
        return 0.0
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), at_least, np.finfo(float).tiny))


@dataclass(frozen=True)
class Case:
    """One network, its weights and its windows."""

    network: reference.Network
    theta: np.ndarray
    arguments: dict  # of Source
    index: np.ndarray

    def batch(self, index=None):
        return reference.gather(self.index if index is None else index, **self.arguments)

    def source(self):
        return _core.Source(**self.arguments)

    def core(self, dtype="float64", isa=None, dropout=0.0):
        n = self.network
        return stacked(
            n.cell,
            dtype,
            steps=n.steps,
            inputs=n.inputs,
            hidden=n.hidden,
            layers=n.layers,
            targets=n.targets,
            extra=n.extra,
            loss=n.loss,
            loss_parameters=n.loss_parameters,
            dropout=dropout,
            isa=isa,
        )

    def gradient(self, dtype="float64", isa=None, dropout=0.0, **arguments):
        theta = self.theta.astype(dtype)
        return self.core(dtype, isa, dropout).gradient(theta, self.source(), self.index, **arguments)

    def with_arguments(self, **arguments):
        return replace(self, arguments=self.arguments | arguments)


def draw_theta(network, rng):
    """Orthogonal recurrences; for many steps open gates and small weights too, so that gradients live through them."""
    theta, many = rng.normal(size=network.n_parameters) * 0.3, network.steps > 10
    for name, view in network.views(theta).items():
        if ".R_" in name:
            view[...] = np.linalg.qr(rng.normal(size=view.shape))[0] * (1.0 if "rnn" in network.cell else 0.5)
        elif many and name.endswith(("b_f", "b_z")):  # the gates that carry the state
            view[...] += 3.0
        elif view.ndim == 2:
            view[...] = rng.normal(size=view.shape) / np.sqrt(view.shape[1])
        if many and network.cell == "rnn_tanh" and name.endswith(("W_h", "b_h")):
            view *= 0.05  # a saturated tanh carries no gradient
    return theta


def draw_case(
    cell,
    rng,
    *,
    steps=5,
    batch=7,
    inputs=3,
    hidden=5,
    layers=1,
    targets=2,
    extra=0,
    loss="squared_error",
    missing=0.0,
    weighted=False,
    windows=None,
):
    """Windows that do not overlap, so that each has its own past; `missing` is the share of unobserved targets."""
    windows = windows or batch
    parameters = LOSS_PARAMETERS.get(loss, ())
    network = reference.Network(cell, steps, inputs, hidden, layers, targets, extra, loss, parameters)
    target = rng.normal(size=(windows, targets))
    target[rng.random(size=target.shape) < missing] = np.nan
    arguments = dict(
        past=rng.normal(size=(windows * steps, inputs)),
        lookback=steps,
        past_stride=steps,
        target=target,
        horizon=1,
    )
    if extra:
        arguments["extra"] = rng.normal(size=(windows, extra))
    if weighted:
        arguments["weight"] = rng.uniform(0.2, 3.0, size=windows)
    return Case(network, draw_theta(network, rng), arguments, rng.permutation(windows)[:batch])


def draw_away_from_kinks(cell, seed, margin, **shape):
    """The first of the seeds seed, seed + 1000, ... whose case has every kink at least `margin` away."""
    for attempt in range(200):
        case = draw_case(cell, np.random.default_rng(seed + 1000 * attempt), **shape)
        if case.network.distance_from_kinks(case.theta, case.batch()) >= margin:
            return case
    raise AssertionError(f"no case of {cell} with kinks {margin} away within 200 draws: {shape}")
