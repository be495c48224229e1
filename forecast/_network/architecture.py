"""The stored description of a network: what fixes the shape of its weights and what a training step does with them."""

from __future__ import annotations

import math
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING

from .._files import ModelFileError, stored
from .._records import record
from .._refusals import Refusal
from .._registries import (
    ACTIVATED_CELLS,
    CELL_WORDS,
    CELLS,
    DECAYING_CELLS,
    ESTIMATOR_CELLS,
    EVERY_LOSS,
    LABEL_LOSSES,
    LOSSES,
    MATRIX_CELLS,
    OPTIMIZERS,
)

if TYPE_CHECKING:
    from .._core import CellInfo

__all__ = ["ACTIVATED_CELLS", "ACTIVATIONS", "ATTENTIONS", "CELLS", "DECAYING_CELLS", "DECODERS", "ENCODERS",
           "ESTIMATOR_CELLS", "LABEL_LOSSES", "LOSSES", "MATRIX_CELLS", "OPTIMIZERS", "SKIPS", "Architecture",
           "core_cell"]  # fmt: skip

ACTIVATIONS = ("relu", "identity")  # of a segment's projection
ENCODERS = ("recurrent", "dense")
DECODERS = ("dense", "segments", "steps", "recurrent")
SKIPS = (None, "linear", "linear-all")
ATTENTIONS = (None, "dot", "additive")


def core_cell(word: str, activation: str) -> str:
    """The registry's name of a cell, as the arguments `cell` and `activation` mean it."""
    return f"{word}_{activation}" if word in ACTIVATED_CELLS else word


@stored("architecture")
@record(frozen=True)
class Architecture:
    """Everything that fixes the shape of the parameter vector and what a training step does with it.

    A field added after 0.1.0 has a default that describes the networks of 0.1.0, so that their files load.
    """

    cell: str
    dtype: str
    steps: int
    inputs: int
    hidden: int
    layers: int
    targets: int  # of a window: horizon * columns
    extra: int = 0  # inputs besides the past: first those of no step, then horizon * future, then static
    loss: str = "squared_error"
    loss_parameters: tuple[float, ...] = ()
    dropout: float = 0.0
    columns: int = 1  # target columns
    horizon: int | None = None  # steps; None: targets / columns
    future: int = 0  # columns of known future
    static: int = 0  # columns of static values
    segment: int = 1
    segment_activation: str = "relu"
    bidirectional: bool = False
    skip: str | None = None
    decoder: str = "dense"
    decoder_size: int = 128
    decoder_tied: bool = False
    future_size: int = 0
    series: int = 0  # fitted series
    series_size: int = 0
    series_left_out: float = 0.1
    cycle: int = 0  # length in steps; 0: none
    cycle_rows: int = 0  # 1: one cycle for all series
    input_clip: float | None = None
    past_levels: tuple[int, ...] = ()  # of each channel the levels of its codes, 0: numbers; empty: all are numbers
    future_levels: tuple[int, ...] = ()  # of each column of known future
    static_levels: tuple[int, ...] = ()
    embedding_size: int | None = None  # of every column of codes; None: by its levels
    category_left_out: float = 0.0  # 0: there is no vector for unknown codes
    heads: int = 1  # of a cell of MATRIX_CELLS
    residual: bool = False
    layer_norm: bool = False
    dilation: tuple[int, ...] = ()  # of each layer; empty: 1
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    attention: str | None = None
    encoder: str = "recurrent"  # "dense": of one step, or of none where windows have no past
    return_sequences: bool = False  # targets are those of every step of the past: steps * horizon * columns
    ragged: bool = False  # windows may begin later than at their first step
    stateful: bool = False  # a window goes on from the states of the one before
    timed: bool = False  # of decoder="steps": the known future says when a step is, so all have one bias and one scale
    elapsed: int | None = None  # of a cell of DECAYING_CELLS: the channel with the time since the step before

    @property
    def cell_word(self) -> str:
        """What the argument `cell` calls the cell."""
        return CELL_WORDS[self.cell]

    @property
    def core_cell(self) -> str | None:
        """The core's cell; of a cell of DECAYING_CELLS the one whose states decay. None of a matrix memory."""
        return None if self.cell in MATRIX_CELLS else DECAYING_CELLS.get(self.cell, self.cell)

    @property
    def core_info(self) -> CellInfo:
        """The registry's entry of `core_cell`; not for a matrix memory."""
        return CELLS[DECAYING_CELLS.get(self.cell, self.cell)]

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of each layer: steps back to the one whose states a step goes on from."""
        return self.dilation or (1,) * self.layers

    @property
    def horizon_steps(self) -> int:
        return self.step_targets // self.columns if self.horizon is None else self.horizon

    @property
    def step_targets(self) -> int:
        """Targets of one state: all of them, or with `return_sequences` those of a step."""
        return self.targets // self.steps if self.return_sequences else self.targets

    @property
    def alike(self) -> int:
        """Steps whose targets the same weights make, so that they share one scale."""
        if self.return_sequences:
            return self.steps
        return self.horizon_steps if self.decoder == "recurrent" or self.timed else 1

    @property
    def own(self) -> int:
        """Inputs besides the past that are neither known future nor static."""
        return self.extra - self.horizon_steps * self.future - self.static

    @property
    def reads_no_past(self) -> bool:
        """Whether windows have no past."""
        return self.encoder == "dense" and self.steps == self.inputs == 0

    @property
    def padded_steps(self) -> int:
        """Steps of the past with those that fill up the oldest segment."""
        if self.encoder == "dense":  # segments are those of the horizon
            return self.steps
        return -(-self.steps // self.segment) * self.segment

    @property
    def encoder_steps(self) -> int:
        return self.padded_steps // self.segment

    @property
    def of_labels(self) -> bool:
        """Whether a target is the number of a class."""
        return self.loss in LABEL_LOSSES

    @property
    def levels(self) -> int:
        """Outputs of each target."""
        return EVERY_LOSS[self.loss]["outputs"] or len(self.loss_parameters)

    @property
    def centred(self) -> bool:
        """Whether targets are centred before they are scaled: those that are never negative are not."""
        return EVERY_LOSS[self.loss]["target"] == "real"

    @property
    def output_steps(self) -> int:
        """Steps of the decoder; with `return_sequences` those of the past."""
        if self.return_sequences:
            return self.steps
        steps = {"dense": 1, "segments": -(-self.horizon_steps // self.segment)}
        return steps.get(self.decoder, self.horizon_steps)

    @property
    def median(self) -> int | None:
        """Which of a target's outputs is the forecast that is fed back, None if none is."""
        if EVERY_LOSS[self.loss]["outputs"]:  # the first one, of a distribution its location
            return 0
        return self.loss_parameters.index(0.5) if 0.5 in self.loss_parameters else None

    @property
    def output_width(self) -> int:
        """Outputs of a step of the decoder; of segments that reach over the horizon the last ones are ignored."""
        widths = {"dense": self.step_targets, "segments": self.segment * self.columns}
        return widths.get(self.decoder, self.columns) * self.levels

    def _check_loss(self) -> None:
        """Refuse parameters of the loss that no constructor takes; levels of quantiles divide by their distances."""
        given = self.loss_parameters
        numbers = isinstance(given, tuple) and all(isinstance(one, Real) and math.isfinite(one) for one in given)
        if not numbers or (self.loss == "quantile" and any(a >= b for a, b in pairwise((0, *given, 1)))):
            raise ModelFileError(Refusal(f"a network with loss={self.loss!r} and loss_parameters={given!r}"[:200]))

    def check_loaded(self, n_weights: int, n_scales: int) -> None:
        """Refuse fields out of a file that no network has, before anything is made of them.

        Parameters
        ----------
        n_weights, n_scales : int
            Numbers that the file holds: a size beyond them is a lie. Every unit of a layer has 3 weights at least.

        Raises
        ------
        ModelFileError
        """
        sizes = {"steps": self.steps, "inputs": self.inputs, "hidden": self.hidden, "layers": self.layers,
                 "targets": self.targets, "columns": self.columns, "segment": self.segment,
                 "decoder_size": self.decoder_size, "heads": self.heads}  # fmt: skip
        counts = {"extra": self.extra, "future": self.future, "static": self.static, "series": self.series,
                  "future_size": self.future_size, "series_size": self.series_size, "cycle": self.cycle,
                  "cycle_rows": self.cycle_rows}  # fmt: skip
        most = max(n_weights, n_scales)
        free = {"steps"} | ({"decoder_size"} if self.decoder != "steps" else set())
        for name, size in (sizes | counts).items():
            least = 1 if name in sizes and not (name in ("steps", "inputs") and self.reads_no_past) else 0
            beyond = type(size) is int and name not in free and size > most
            beyond |= name == "layers" and type(size) is int and 3 * size * self.hidden > n_weights
            if type(size) is not int or size < least or beyond:
                raise ModelFileError(Refusal(f"a network with {name} = {size!r} in {n_weights} weights"))
        self._check_loss()
        if self.return_sequences is True and self.targets % self.steps:
            raise ModelFileError(Refusal(f"{self.targets} targets at {self.steps} steps"))
        if self.step_targets % self.columns or self.horizon not in (None, self.step_targets // self.columns):
            raise ModelFileError(
                Refusal(f"{self.targets} targets in {self.columns} columns over {self.horizon!r} steps")
            )
        if self.hidden % self.heads or self.future_size % self.heads:
            raise ModelFileError(Refusal(f"{self.hidden} and {self.future_size} units in {self.heads} heads"))
        if self.own < 0 or bool(self.cycle) != bool(self.cycle_rows):
            raise ModelFileError(Refusal(f"{self.extra} inputs besides the past and a cycle of {self.cycle} steps"))
        if self.cycle_rows > 1 and self.cycle_rows != self.series:
            raise ModelFileError(Refusal(f"a cycle of each of {self.cycle_rows} series, but {self.series} series"))
        for role, n in (("past", self.inputs), ("future", self.future), ("static", self.static)):
            levels = getattr(self, f"{role}_levels")
            if len(levels) not in (0, n) or any(type(one) is not int or not 0 <= one <= most for one in levels):
                raise ModelFileError(Refusal(f"a network with {role}_levels = {levels!r} of {n} columns"))
        if self.encoder == "dense" and (self.steps > 1 or self.decoder not in ("recurrent", "segments")):
            raise ModelFileError(Refusal(f"a dense encoder of {self.steps} steps with decoder = {self.decoder!r}"))
        length = self.embedding_size
        if length is not None and (type(length) is not int or not 1 <= length <= most):
            raise ModelFileError(Refusal(f"a network with embedding_size = {length!r} in {n_weights} weights"))
        steps = self.dilation
        if not isinstance(steps, tuple) or len(steps) not in (0, self.layers) or not all(type(n) is int for n in steps):
            raise ModelFileError(Refusal(f"a network of {self.layers} layers with dilation = {steps!r}"))
        channel, wanted = self.elapsed, self.cell in DECAYING_CELLS
        if (channel is not None) != wanted or (wanted and not (type(channel) is int and 0 <= channel < self.inputs)):
            raise ModelFileError(Refusal(f"a network of cell = {self.cell!r} with elapsed = {channel!r}"))
        for name in ("recurrent_dropout", "zoneout"):
            if not isinstance(getattr(self, name), float):
                raise ModelFileError(Refusal(f"a network with {name} = {getattr(self, name)!r}"))
        choices = {"decoder": DECODERS, "skip": SKIPS, "segment_activation": ACTIVATIONS, "cell": CELL_WORDS,
                   "loss": EVERY_LOSS, "attention": ATTENTIONS, "encoder": ENCODERS} | dict.fromkeys(
            ("bidirectional", "decoder_tied", "residual", "layer_norm", "return_sequences", "ragged", "stateful",
             "timed"),
            (True, False),
        )  # fmt: skip
        for name, known in choices.items():
            value = getattr(self, name)
            if not isinstance(value, str | bool | None) or value not in known:
                raise ModelFileError(Refusal(f"a network with {name} = {value!r}, which this forecast does not know"))
