"""Layer sizes to one flat parameter vector with named views; the only importer of the compiled core."""

from dataclasses import dataclass, field, replace

import numpy as np

from . import _core
from ._files import ModelFileError, stored
from ._tail import MANY
from ._threads import WORTH_SHARING, thread_count

__all__ = ["CELLS", "LOSSES", "OPTIMIZERS", "Architecture", "Network", "Scaling", "core_config", "windows_scaling"]

CELLS = _core.CELLS
LOSSES = _core.LOSSES
OPTIMIZERS = _core.OPTIMIZERS
core_config = _core.config


@stored("architecture")
@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shape of the parameter vector and what a training step does with it."""

    cell: str
    dtype: str
    steps: int
    inputs: int
    hidden: int
    layers: int
    targets: int
    extra: int = 0
    loss: str = "squared_error"
    loss_parameters: tuple = ()
    dropout: float = 0.0

    @property
    def work_per_window(self):
        """Floating-point operations of one window, forward; training takes three times as many."""
        rows = len(CELLS[self.cell]["rows"])
        widths = self.inputs + (self.layers - 1) * self.hidden + self.layers * self.hidden
        return 2.0 * self.steps * rows * self.hidden * widths


@stored("scaling")
@dataclass(frozen=True)
class Scaling:
    """Means and scales of inputs (per channel), targets (per output) and extra inputs, learned from the windows."""

    past_mean: np.ndarray
    past_scale: np.ndarray
    target_mean: np.ndarray
    target_scale: np.ndarray
    extra_mean: np.ndarray | None = None  # None: no extra inputs, as in every fit before there were any
    extra_scale: np.ndarray | None = None


def windows_scaling(arguments, weight, index):
    """Scaling learned from the windows `index`; a constant channel, target or extra input gets the scale 1.

    Parameters
    ----------
    arguments : dict
        Of `_core.Source`.
    weight : ndarray of shape (windows,) or None
    index : ndarray of int64

    Returns
    -------
    Scaling
    """
    # Of millions of windows every so many give the same means, in a fraction of the time and memory.
    some = np.ascontiguousarray(index[:: -(-len(index) // MANY) or 1], dtype=np.int64)
    found = _core.moments(_core.Source(**arguments, weight=weight), some)
    learned = {}
    for of, name in (("past", "X"), ("target", "y"), ("extra", "X, known future and static values")):
        mean, deviation = found[f"{of}_mean"], found[f"{of}_std"]
        if not np.isfinite(deviation).all():
            raise ValueError(f"{name}: expected numbers with a finite variance, got some beyond 1e150; rescale them.")
        if mean.size or of != "extra":
            learned.update({f"{of}_mean": mean, f"{of}_scale": _positive_scale(mean, deviation)})
    return Scaling(**learned)


def _positive_scale(mean, deviation):
    rounding = 10 * np.finfo(float).eps * np.abs(mean)  # what is left of a constant's deviation
    return np.where(deviation > np.maximum(rounding, np.finfo(float).tiny), deviation, 1.0)


@stored("network")
@dataclass
class Network:
    """Weights with the architecture and the scaling that give them a meaning.

    Pickles as plain arrays and numbers; the compiled objects are made again where they are needed.
    """

    architecture: Architecture
    scaling: Scaling
    theta: np.ndarray
    _compiled: _core.Network = field(default=None, repr=False, compare=False)
    _packed: _core.Packed = field(default=None, repr=False, compare=False)

    @classmethod
    def initial(cls, architecture, scaling, rng):
        """Glorot-uniform input weights, orthogonal recurrent ones, zero biases but for the forget gate's 1.

        References
        ----------
        Glorot and Bengio (2010); Saxe, McClelland and Ganguli (2014); Jozefowicz, Zaremba and Sutskever (2015).
        """
        network = cls(architecture, scaling, np.empty(0))
        network.theta = np.zeros(network.compiled.n_parameters, dtype=architecture.dtype)
        for name, view in network.weights.items():
            where, kind = name.split(".")
            if kind.startswith("W"):
                limit = np.sqrt(6.0 / sum(view.shape))
                view[...] = rng.uniform(-limit, limit, view.shape)
            elif kind.startswith("R"):
                view[...] = _orthogonal(len(view), rng)
            elif architecture.cell == "lstm" and where != "head" and kind == "b_f":
                view[...] = 1.0
        return network

    @property
    def compiled(self):
        if self._compiled is None:
            a = self.architecture
            self._compiled = _core.Network(
                a.cell, a.dtype, steps=a.steps, inputs=a.inputs, hidden=a.hidden, layers=a.layers, targets=a.targets,
                extra=a.extra, loss=a.loss, loss_parameters=list(a.loss_parameters), dropout=a.dropout,
            )  # fmt: skip
        return self._compiled

    def __getstate__(self):
        return {"architecture": self.architecture, "scaling": self.scaling, "theta": self.theta}

    def __setstate__(self, state):
        self.__init__(**state)

    def _check_loaded(self):
        """Refuse weights and scaling out of a file that are not those of the architecture."""
        a, theta, s = self.architecture, self.theta, self.scaling
        if not isinstance(theta, np.ndarray) or theta.ndim != 1 or theta.dtype != a.dtype:
            raise ModelFileError(f"the weights are no vector of {a.dtype}.")
        sizes = (a.steps, a.inputs, a.hidden, a.layers, a.targets)
        # Each of them costs a weight at least, so that no file can ask for more layers than it has numbers.
        if any(type(size) is not int or size < 1 for size in sizes) or max(sizes[1:]) > theta.size:
            raise ModelFileError(f"a network of the sizes {sizes} in {theta.size} weights.")
        if theta.size != self.compiled.n_parameters:
            raise ModelFileError(f"{theta.size} weights; expected {self.compiled.n_parameters}.")
        parts = {"past": a.inputs, "target": a.targets}
        parts |= {} if s.extra_mean is None and s.extra_scale is None and a.extra == 0 else {"extra": a.extra}
        for of, size in parts.items():
            for name in (f"{of}_mean", f"{of}_scale"):
                found = getattr(s, name)
                if not isinstance(found, np.ndarray) or found.shape != (size,) or found.dtype != np.float64:
                    raise ModelFileError(f"{name} of the scaling is not {size} numbers.")

    @property
    def weights(self):
        """Named views into the parameter vector."""
        return {
            name: self.theta[offset : offset + int(np.prod(shape))].reshape(shape)
            for name, offset, shape in self.compiled.layout
        }

    def with_theta(self, theta):
        return replace(self, theta=theta, _compiled=self._compiled, _packed=None)

    def with_dropout(self, rate):
        return Network(replace(self.architecture, dropout=rate), self.scaling, self.theta)

    def new_optimizer(self, name, momentum, weight_decay):
        return _core.Optimizer(
            name, self.architecture.dtype, self.compiled.n_parameters, momentum=momentum, weight_decay=weight_decay
        )

    @staticmethod
    def new_scratch():
        """Memory for the epochs of one fit."""
        return _core.Scratch()

    def source(self, arguments, weight=None):
        """The windows as this network sees them: its scaling on the raw series."""
        s = self.scaling
        scaled = dict(arguments, past_mean=s.past_mean, past_scale=s.past_scale, weight=weight)
        scaled.update(extra_mean=s.extra_mean, extra_scale=s.extra_scale)
        if arguments.get("target") is not None:
            scaled.update(target_mean=s.target_mean, target_scale=s.target_scale)
        return _core.Source(**scaled)

    def threads(self, n_jobs, n_windows, passes=1):
        work = passes * self.architecture.work_per_window * n_windows
        return thread_count(n_jobs, _core.config()["openmp_max_threads"] if n_jobs is None else 1, work)

    def predict(self, arguments, n_windows, n_jobs=None):
        """Forecasts in the targets' own units, float64 of shape (n_windows, outputs)."""
        self._packed = self.compiled.pack(self.theta, self._packed)
        index = np.arange(n_windows, dtype=np.int64)
        alone = n_windows == 1 and self.theta.nbytes < WORTH_SHARING
        threads = 1 if alone else self.threads(n_jobs, n_windows)
        outputs = self.compiled.predict(self._packed, self.source(arguments), index, threads=threads)
        levels = self.compiled.n_outputs // self.architecture.targets
        scale, mean = self.scaling.target_scale, self.scaling.target_mean
        if levels > 1:
            scale, mean = np.repeat(scale, levels), np.repeat(mean, levels)
        return outputs.astype(np.float64) * scale + mean

    def flow(self, arguments, n_windows, weight=None, n_jobs=None):
        """Mean loss without dropout, and the norm of its gradient with respect to every h, (layers, steps)."""
        index, threads = np.arange(n_windows, dtype=np.int64), self.threads(n_jobs, n_windows, passes=3)
        found = self.compiled.flow(self.theta, self.source(arguments, weight), index, threads=threads)
        return found["loss"], np.sqrt(found["squares"])

    def activity(self, arguments, n_windows, n_jobs=None):
        """Name of every gate and state -> its values after each step, (windows, layers, steps, hidden)."""
        index, threads = np.arange(n_windows, dtype=np.int64), self.threads(n_jobs, n_windows)
        return self.compiled.activity(self.theta, self.source(arguments), index, threads=threads)


def _orthogonal(n, rng):
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return q * np.sign(np.diag(r))  # without the signs the draw is not uniform over the rotations
