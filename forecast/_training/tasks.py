"""The epochs of a training as subtasks of its fit, for scikit-learn's callbacks."""

from collections.abc import Callable
from typing import Any

from .._callbacks import FitTask
from .._records import record
from .kept import Run

__all__ = ["EpochTasks"]


@record(frozen=True)
class EpochTasks:
    """Tells a fit's task of its epochs.

    Attributes
    ----------
    fit : FitTask
    fitted : callable
        Function of the run so far. It returns the attributes of a model that stopped there, for callbacks that ask
        for a fitted model.
    """

    fit: FitTask
    fitted: Callable[[Run], dict[str, Any]]

    def begins(self) -> None:
        """Begin the next epoch."""
        self.fit.begins("epoch")

    def ends(self, so_far: Callable[[], Run]) -> bool:
        """End the epoch; returns whether a callback asks to stop."""
        return self.fit.ends(lambda: self.fitted(so_far()))
