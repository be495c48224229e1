"""One flat parameter vector with named views, what gives it a meaning, and what the compiled core does with it."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._files import ModelFileError, stored
from .._numbers import are_forecasts, refuse_overflow
from .._records import record
from .._refusals import Refusal, Words, extended
from .._threads import WORTH_SHARING, thread_count
from .architecture import CELLS, MATRIX_CELLS, Architecture
from .core import activity, compiled, flow
from .initial import draw
from .outputs import outputs_of
from .scaling import Scaling
from .spec import spec_of

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Floats
    from .outputs import Point
    from .spec import NetworkSpec

__all__ = ["Network"]

_SAMPLED_TOGETHER = 1 << 16  # windows of a call


@stored("network")
@record
class Network:
    """Weights with the architecture and the scaling that give them a meaning.

    Pickles as plain arrays and numbers; the compiled objects are made again where they are needed.
    """

    architecture: Architecture
    scaling: Scaling
    theta: Array
    _compiled: _core.Network | None = field(default=None, repr=False, compare=False)
    _packed: _core.Packed | None = field(default=None, repr=False, compare=False)
    _newest: Network | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def initial(cls, architecture: Architecture, scaling: Scaling, rng: np.random.Generator) -> Network:
        """First weights by kind of layer, as `draw` has them."""
        network = cls(architecture, scaling, np.empty(0))
        network.theta = np.zeros(network.compiled.n_parameters, dtype=architecture.dtype)
        draw(network.spec, network.weights, rng)
        return network

    @property
    def spec(self) -> NetworkSpec:
        """Streams and layers; derived, never stored."""
        return spec_of(self.architecture)

    @property
    def compiled(self) -> _core.Network:
        if self._compiled is None:
            self._compiled = compiled(self.spec, self.architecture.dtype, clip=self.architecture.input_clip)
        return self._compiled

    @property
    def outputs(self) -> Point:
        """What the loss's outputs mean."""
        return outputs_of(self.architecture)

    def __getstate__(self) -> dict[str, Any]:
        return {"architecture": self.architecture, "scaling": self.scaling, "theta": self.theta}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Network.__init__(self, **state)

    def _check_loaded(self) -> None:
        """Refuse weights and scaling out of a file that are not those of the architecture."""
        a, theta, s = self.architecture, self.theta, self.scaling
        if not isinstance(theta, np.ndarray) or theta.ndim != 1 or theta.dtype != a.dtype:
            raise ModelFileError(Refusal(f"are not a vector of {a.dtype}", where="the weights"))
        parts = {"past": max(a.inputs, 1), "target": a.targets}
        parts |= {} if s.extra_mean is None and s.extra_scale is None and a.extra == 0 else {"extra": a.extra}
        # Every size costs a number of the file at least, so that no file can ask for more than it holds.
        a.check_loaded(theta.size, max((np.size(getattr(s, f"{of}_mean")) for of in parts), default=0))
        try:
            expected = self.compiled.n_parameters
        except ValueError as error:
            raise ModelFileError(extended(error, "a network that cannot be: ")) from error
        if theta.size != expected or not np.isfinite(theta).all():
            raise ModelFileError(
                Refusal(f"{theta.size} weights, some of them NaN or infinite", expected=f"{expected} numbers")
            )
        for of, size in parts.items():
            for name in (f"{of}_mean", f"{of}_scale"):
                found = getattr(s, name)
                if not isinstance(found, np.ndarray) or found.shape != (size,) or found.dtype != np.float64:
                    raise ModelFileError(Refusal(f"{name} of the scaling is not {size} numbers"))
            if not s.is_learned(of):
                raise ModelFileError(Refusal(f"{of}_mean and {of}_scale of the scaling cannot come from a fit"))
        constant = s.target_constant
        if constant is not None and (
            not isinstance(constant, np.ndarray) or constant.shape != (a.targets,) or constant.dtype != bool
        ):
            raise ModelFileError(Refusal(f"target_constant of the scaling is not {a.targets} truths"))

    @property
    def weights(self) -> dict[str, Array]:
        """Named views into the parameter vector."""
        return {
            name: self.theta[offset : offset + int(np.prod(shape))].reshape(shape)
            for name, offset, shape in self.compiled.layout
        }

    def group(self, name: str) -> tuple[int, int]:
        """Offset and size of a weight in the parameter vector."""
        offset, shape = next((offset, shape) for found, offset, shape in self.compiled.layout if found == name)
        return offset, int(np.prod(shape))

    def with_theta(self, theta: Array) -> Network:
        return replace(self, theta=theta, _compiled=self._compiled, _packed=None)

    def longer(self, horizon: int) -> Network:
        """The same weights over another number of steps, of a decoder that reads its own forecasts."""
        a = self.architecture
        changed = replace(a, targets=horizon * a.columns, horizon=horizon, extra=horizon * a.future + a.static)
        return Network(changed, self.scaling.longer(a, horizon), self.theta)

    def at_newest(self) -> Network:
        """The same weights with the head on the newest step alone, of a network with one at every step."""
        if self._newest is None:
            a = self.architecture
            changed = replace(a, targets=a.step_targets, return_sequences=False, stateful=False)
            self._newest = Network(changed, self.scaling.at_steps(a, 1), self.theta)
        return self._newest

    def ragged(self, steps: int) -> Network:
        """The same weights on sequences of unequal length, up to a number of steps, for a classifier."""
        a = self.architecture
        targets = steps * a.step_targets if a.return_sequences else a.targets
        changed = replace(a, steps=steps, targets=targets, ragged=True)
        if changed == a:
            return self
        return Network(changed, self.scaling.with_labels(targets), self.theta)

    def with_dropout(self, rate: float) -> Network:
        return Network(replace(self.architecture, dropout=rate), self.scaling, self.theta)

    def new_optimizer(self, name: str, momentum: float, weight_decay: float) -> _core.Optimizer:
        return _core.Optimizer(
            name, self.architecture.dtype, self.compiled.n_parameters, momentum=momentum, weight_decay=weight_decay
        )

    @staticmethod
    def new_scratch() -> _core.Scratch:
        """Memory for the epochs of one fit."""
        return _core.Scratch()

    def source(self, arguments: dict[str, Any], weight: Array | None = None) -> _core.Source:
        """The windows as this network sees them: its scaling on the raw series, its oldest segment filled up."""
        s, a = self.scaling, self.architecture
        scaled = dict(arguments, past_mean=s.past_mean, past_scale=s.past_scale, weight=weight)
        scaled.update(extra_mean=s.extra_mean, extra_scale=s.extra_scale)
        if arguments.get("target") is not None:
            scaled.update(target_mean=s.target_mean, target_scale=s.target_scale)
        if a.padded_steps > a.steps:
            scaled["padding"] = a.padded_steps - a.steps
        if a.cycle:
            scaled["cycle_ratio"] = self.cycle_ratio
        if a.decoder == "recurrent":
            scaled["fed_scale"], scaled["fed_shift"] = self.fed
        return _core.Source(**scaled)

    def attention(self, arguments: dict[str, Any], n_windows: int, n_jobs: int | None = None) -> Array:
        """How much each step of the decoder looks at each of the encoder, (windows, steps asked at, encoder steps)."""
        index, threads = np.arange(n_windows, dtype=np.int64), self.threads(n_jobs, n_windows)
        found = activity(self.compiled, self.spec, self.theta, self.source(arguments), index, threads)
        return self.sound(found["attention"]["weight"])

    @property
    def cycle_ratio(self) -> Floats:
        """What one of a scaled past value is in each scaled target, (targets,): the cycle is learned in the past's."""
        columns = np.arange(self.architecture.targets) % self.architecture.columns
        return self.scaling.past_scale[columns] / self.scaling.target_scale

    @property
    def fed(self) -> tuple[Floats, Floats]:
        """Scale and shift, each (targets,), from a scaled target to the scaled past of its channel, if it has one."""
        if self.architecture.encoder == "dense":
            return np.ones(self.architecture.targets), np.zeros(self.architecture.targets)
        s, columns = self.scaling, np.arange(self.architecture.targets) % self.architecture.columns
        mean, scale = s.past_mean[columns], s.past_scale[columns]
        return s.target_scale / scale, (s.target_mean - mean) / scale

    def threads(self, n_jobs: int | None, n_windows: int, passes: int = 1) -> int:
        work = passes * _work_per_window(self.spec) * n_windows
        return thread_count(n_jobs, _core.config()["openmp_max_threads"] if n_jobs is None else 1, work)

    @property
    def packed(self) -> _core.Packed:
        """The weights as predictions read them."""
        self._packed = self.compiled.pack(self.theta, self._packed)
        return self._packed

    def predict(self, arguments: dict[str, Any], n_windows: int, n_jobs: int | None = None) -> Floats:
        """Forecasts in the targets' own units, float64 of shape (n_windows, outputs)."""
        index = np.arange(n_windows, dtype=np.int64)
        alone = n_windows == 1 and self.theta.nbytes < WORTH_SHARING
        threads = 1 if alone else self.threads(n_jobs, n_windows)
        outputs = self.compiled.predict(self.packed, self.source(arguments), index, threads=threads)
        return self.in_units(outputs)

    def in_units(self, outputs: Array) -> Floats:
        """What the core puts out, as forecasts in the targets' own units; refused where it overflowed."""
        return self.sound(self.outputs.in_units(outputs, self.scaling.output_scale, self.scaling.target_mean))

    def sound(self, forecasts: Floats) -> Floats:
        """The same forecasts; refused where sums inside of the network overflowed."""
        if are_forecasts(forecasts):
            return forecasts
        largest = np.abs(self.theta).max(initial=0)
        advice = "Pass values nearer to those of fit, or fit again"
        return refuse_overflow(
            forecasts,
            "the network:",
            f"its weights are up to {largest:.3g}, and sums of its inputs overflow {self.architecture.dtype}",
            Words(f"{advice}, with input_clip=10 where such values are to come.", f"{advice}."),
        )

    def sample(
        self,
        arguments: dict[str, Any],
        n_windows: int,
        n_samples: int,
        rng: np.random.Generator,
        n_jobs: int | None = None,
    ) -> Floats:
        """Forecasts with the random masks of training, one of each sample: (n_samples, n_windows, outputs), in units.

        Window w of sample s has the place s * n_windows + w in a call, which is the counter of its masks; a call takes
        as many samples as fit, whatever `n_samples` is, so the first ones are the same for any number.
        """
        packed = self.packed
        together, source, found = max(_SAMPLED_TOGETHER // max(n_windows, 1), 1), self.source(arguments), []
        for first in range(0, n_samples, together):
            n = min(together, n_samples - first)
            index = np.tile(np.arange(n_windows, dtype=np.int64), n)
            threads = self.threads(n_jobs, len(index))
            outputs = self.compiled.sample(packed, source, index, int(rng.integers(2**63)), threads=threads)
            found.append(self.in_units(outputs).reshape(n, n_windows, -1))
        return np.concatenate(found)

    def flow(
        self, arguments: dict[str, Any], n_windows: int, weight: Array | None = None, n_jobs: int | None = None
    ) -> tuple[float, Floats]:
        """Mean loss without dropout, and the norm of its gradient with respect to every h of the encoder.

        Returns
        -------
        float, ndarray of shape (layers, steps)
            The layers are those of `spec.encoder`, the steps those of the encoder: segments, where there are any.
        """
        index, threads = np.arange(n_windows, dtype=np.int64), self.threads(n_jobs, n_windows, passes=3)
        source = self.source(arguments, weight)
        loss, squares = flow(self.compiled, self.spec, self.theta, source, index, threads)
        return loss, np.sqrt(np.stack([squares[name] for name in self.spec.encoder]))

    def activity(self, arguments: dict[str, Any], n_windows: int, n_jobs: int | None = None) -> dict[str, Array]:
        """Name of every gate and state -> its values after each step, (windows, layers, steps, hidden).

        Layers and steps are those of `flow`.
        """
        index, threads = np.arange(n_windows, dtype=np.int64), self.threads(n_jobs, n_windows)
        found = activity(self.compiled, self.spec, self.theta, self.source(arguments), index, threads)
        layers = [found[name] for name in self.spec.encoder]
        # One gate at a time, so that memory holds no second copy of all.
        return {gate: np.stack([layer.pop(gate) for layer in layers], axis=1) for gate in list(layers[0])}


def _work_per_window(spec: NetworkSpec) -> float:
    """Floating-point operations of one window, forward; training takes three times as many."""
    work = 0.0
    for layer in spec.layers:
        out, inputs = spec.streams[layer.output], sum(spec.streams[name].width for name in layer.inputs)
        if layer.kind == "recurrent":
            work += 2.0 * out.steps * out.width * len(CELLS[layer.cell]["rows"]) * (inputs + out.width)
        elif layer.kind in MATRIX_CELLS:
            work += 6.0 * out.steps * out.width * out.width / layer.heads
        elif layer.kind == "dense" and out.steps > 1:  # a single step is negligible
            work += 2.0 * out.steps * out.width * inputs
    return work
