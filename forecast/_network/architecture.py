"""The stored description of a network: what fixes the shape of its weights and what a training step does with them."""

from dataclasses import dataclass

from .. import _core
from .._files import stored

__all__ = ["CELLS", "LOSSES", "OPTIMIZERS", "Architecture"]

CELLS = _core.CELLS
LOSSES = _core.LOSSES
OPTIMIZERS = _core.OPTIMIZERS


@stored("architecture")
@dataclass(frozen=True)
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
    extra: int = 0  # values beside the past: horizon * future + static, and those that belong to no step before them
    loss: str = "squared_error"
    loss_parameters: tuple = ()
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

    @property
    def horizon_steps(self):
        return self.targets // self.columns if self.horizon is None else self.horizon

    @property
    def own(self):
        """Values beside the past that are neither known future nor static."""
        return self.extra - self.horizon_steps * self.future - self.static

    @property
    def padded_steps(self):
        """Steps of the past with those that fill up the oldest segment."""
        return -(-self.steps // self.segment) * self.segment

    @property
    def encoder_steps(self):
        return self.padded_steps // self.segment

    @property
    def levels(self):
        """Outputs of each target."""
        return len(self.loss_parameters) if LOSSES[self.loss]["one_output_per_parameter"] else 1

    @property
    def output_steps(self):
        """Steps of the decoder."""
        return {"dense": 1, "segments": -(-self.horizon_steps // self.segment), "steps": self.horizon_steps}[
            self.decoder
        ]

    @property
    def output_width(self):
        """Outputs of a step of the decoder; of segments that reach over the horizon the last ones are ignored."""
        widths = {"dense": self.targets, "segments": self.segment * self.columns, "steps": self.columns}
        return widths[self.decoder] * self.levels
