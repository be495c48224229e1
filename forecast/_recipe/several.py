"""Linear forecasters that differ only in their penalty, fitted on the same sums."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator

from .._preparation import trained
from .._types import Floats, Integers
from .candidates import prepared_lost
from .judging import judged_steps

if TYPE_CHECKING:
    from .._preparation import Settings, Task
    from .._windows import Windows
    from .judging import Fold

__all__ = ["penalties_judged"]


class _Several(BaseEstimator):
    """One forecaster for each penalty."""

    _accepts_windows = True

    def __init__(self, regressor: Any, penalties: list[float], steps: Integers | None = None) -> None:
        self.regressor = regressor
        self.penalties = penalties
        self.steps = steps

    def fit(self, X: Windows, y: Any) -> Self:
        self.fits_ = self.regressor._fit_several(X, y, self.penalties, self.steps)
        return self


def penalties_judged(settings: Settings, penalties: list[float], task: Task, fold: Fold) -> list[Floats]:
    """Losses of a member with some penalties, on up to 24 steps of the horizon.

    Parameters
    ----------
    settings : Settings
        Settings with a `LinearForecaster`.
    penalties : list of float
    task : Task
    fold : Fold

    Returns
    -------
    list of ndarray of shape (2, BLOCKS)
    """
    steps = judged_steps(task.horizon)
    fitted = None if prepared_lost(settings, task) else steps  # changes are added up from the first
    several = replace(settings, regressor=_Several(settings.regressor, penalties, fitted))
    member, _ = trained(several, task, fold.rows.until(fold.ends))
    members = [replace(member, regressor=one) for one in member.regressor.fits_]
    return [fold.jury.losses(one.forecast(fold.rows, fold.jury.origins), steps) for one in members]
