"""How to train: the estimator's parameters, with every default resolved."""

from .._records import record
from .._types import Booleans, Callback

__all__ = ["FALLING", "SCHEDULES", "Recipe"]

SCHEDULES = ("constant", "cosine", "step", "plateau")
FALLING = ("cosine", "step")  # those with an end, which a fit that stops early does not reach by itself


@record(frozen=True)
class Recipe:
    """How to train: the estimator's parameters, with every default resolved."""

    learning_rate: float
    schedule: str
    batch_size: int
    max_iter: int
    shuffle: bool
    patience: int  # epochs without improvement before training stops
    tol: float
    clip_norm: float | None
    clip_value: float | None
    verbose: int = 0
    callbacks: tuple[Callback, ...] = ()
    warmup_steps: int = 0
    max_steps: int | None = None
    finish: bool = False  # where patience is exhausted, end the schedule in a few epochs from the best weights
    average_decay: float | None = None
    noise: float = 0.0  # standard deviation, in scaled units
    # Probability that a fed step reads the true target, in the first and the last epoch.
    forcing: tuple[float, float] = (0.0, 0.0)
    begins: Booleans | None = None  # which windows begin a sequence, where states are carried from one to the next
    begins_to_judge: Booleans | None = None  # the same of those that are validated on
    # (offset, n, factor of the learning rate (0: frozen), weight decay or None) of ranges of theta.
    groups: tuple[tuple[int, int, float, float | None], ...] = ()

    @property
    def frozen(self) -> list[tuple[int, int]]:
        """Ranges of the weights that stay as they are, (offset, n)."""
        return [(first, n) for first, n, factor, _ in self.groups if factor == 0]

    def forced(self, epoch: int, epochs: int) -> float:
        """That probability in `epoch` (from 0) of a fit: linear from the first to the last one."""
        first, last = self.forcing
        return first + (last - first) * min(1.0, epoch / max(1, epochs - 1))

    @property
    def by_step(self) -> bool:
        """Whether the schedule counts optimiser steps, not epochs."""
        return self.warmup_steps > 0 or self.max_steps is not None
