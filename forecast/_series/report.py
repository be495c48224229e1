"""The report of `fit`: errors on the newest windows, compared with naive forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._files import stored
from .._html import block, folded, line, lines, table
from .._records import record
from .._types import Booleans, Floats, Integers
from ..metrics import skill

if TYPE_CHECKING:
    from .._windows import Windows

__all__ = ["ModelReport", "is_copy", "judge", "seasonal_change"]

_OF_FIT = "these errors are those of fit"
_COPY = 0.9  # correlation with the newest value from which a forecast is called a copy of it


@stored("report")
@record(frozen=True)
class ModelReport:
    """Validation errors and skill of a fitted model; it prints as two lines.

    Attributes
    ----------
    table : pandas.DataFrame or None
        Index `model` (the model, "last value", "seasonal naive", "drift", "mean"; for windows that begin with their
        series, with `lookback=0`, the model and "mean curve", the mean of earlier windows, step by step). Columns over
        all validation windows, steps and targets, in the units of the series: `MAE`, `RMSE` and `skill` (1 - MAE / MAE
        of the best naive forecast); and `MASE`, the mean over series and targets of MAE / mean absolute seasonal change
        before these windows (NaN if there is none). None if no windows were held out, because there were too few or by
        `validation_fraction=None`.
    skill : float
        Skill of the model; above 0 it beats every naive forecast. NaN without a table. If series differ in scale, the
        large ones dominate.
    n_windows : int
        Number of validation windows.
    chose_epoch : bool
        Whether early stopping used the same windows: the skill is then slightly optimistic.
    notes : list of str
        Notes for the user: no skill, a shifted copy, an unknown calendar, training continued by an update.
    scaled_skill : float
        1 - MASE / MASE of the best naive forecast: skill with every series and target weighted equally.
    candidates : pandas.DataFrame or None
        For a recipe: all candidates. Index `candidate` (members first); columns `loss` (on validation rows, in standard
        deviations of the series; of a pretrained network without weight, perhaps at some of them), `weight` of the
        members, and the settings of the candidate.
    """

    table: pd.DataFrame | None
    skill: float
    n_windows: int
    chose_epoch: bool
    notes: list[str]
    scaled_skill: float = np.nan
    candidates: pd.DataFrame | None = None

    def __str__(self) -> str:
        if self.table is None:
            return "\n".join(["no validation: no windows were held out", *self.notes])
        errors = ", ".join(f"{name} {value:.4g}" for name, value in self.table["MAE"].items())
        first = f"validation MAE on {self.n_windows} windows: {errors}"
        alike = f" ({self.scaled_skill:+.1%} where every series counts alike)"
        several = np.isfinite(self.scaled_skill) and not np.isclose(self.scaled_skill, self.skill, rtol=1e-9)
        second = f"skill over the best naive forecast {self.skill:+.1%}{alike if several else ''}"
        return f"{first}\n{second}{self._members()}" + "".join(f"; {note}" for note in self.notes)

    def _repr_html_(self) -> str:
        first, *rest = str(replace(self, notes=[])).split("\n")
        if self.table is None:
            title, parts = "Validation", [line(first)]
        else:
            title = f"Validation on {self.n_windows} windows"
            parts = [*map(line, rest), table(self.table, ["skill"], first=True)]
        parts.append(lines(self.notes))
        if self.candidates is not None:
            parts.append(folded(f"{len(self.candidates)} candidates", table(self.candidates)))
        return block(title, *parts)

    def trained_on(self, until: Any) -> ModelReport:
        """The same errors, with a note that training has continued since they were measured.

        Parameters
        ----------
        until : label
            Label of the newest row that it was trained on.

        Returns
        -------
        ModelReport
        """
        notes = [note for note in self.notes if not note.startswith(_OF_FIT)]
        return replace(self, notes=[*notes, f"{_OF_FIT}; the model was trained on since then, up to {until}"])

    def _members(self) -> str:
        if self.candidates is None or "weight" not in self.candidates:
            return ""
        weights = self.candidates["weight"].dropna()
        weights = weights[weights > 0]
        if len(weights) == 1:
            return f"; {weights.index[0]} alone"
        return "; the mean of " + ", ".join(f"{name} {weight:.0%}" for name, weight in weights.items())


def seasonal_change(values: Floats, starts: Integers, windows: Windows, period: int) -> Floats:
    """Mean absolute seasonal change of each series before its first window: the scale of MASE.

    Parameters
    ----------
    values : ndarray of shape (rows, targets)
        NaN where missing.
    starts : ndarray of int, shape (n_series + 1,)
    windows : Windows
    period : int
        Steps of the season; 1 for a series that is shorter before its first window.

    Returns
    -------
    ndarray of shape (n_series, targets)
        NaN of a series that has no windows or does not change.
    """
    first = starts[1:].copy()
    np.minimum.at(first, windows.which, windows.origins + 1)
    out = np.full((len(first), values.shape[1]), np.nan)
    for number in np.unique(windows.which):
        part = values[starts[number] : first[number]].astype(np.float64)
        lag = period if len(part) > period else 1
        change = np.abs(part[lag:] - part[:-lag])
        seen = ~np.isnan(change)
        mean = np.where(seen, change, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        out[number] = np.where(mean > 0, mean, np.nan)
    return out


def _scaled(error: Floats, seen: Booleans, which: Integers, scales: Floats) -> float:
    """The mean over series and targets of each one's mean absolute error over its scale."""
    total, count = np.zeros_like(scales), np.zeros_like(scales)
    np.add.at(total, which, np.where(seen, np.abs(error), 0.0).sum(axis=1))
    np.add.at(count, which, seen.sum(axis=1))
    ratio = (total / np.maximum(count, 1) / scales)[(count > 0) & ~np.isnan(scales)]
    return ratio.mean() if len(ratio) else np.nan


def judge(
    name: str,
    forecast: Floats,
    actual: Floats,
    naive: dict[str, Floats],
    which: Integers,
    scales: Floats,
    chose_epoch: bool,
    notes: list[str],
    candidates: pd.DataFrame | None = None,
) -> ModelReport:
    """A report from forecasts and actual values.

    Parameters
    ----------
    name : str
        Name of the model.
    forecast, actual : ndarray of shape (n, horizon, targets)
        NaN in `actual`: missing.
    naive : dict of str to ndarray of that shape
    which : ndarray of int, shape (n,)
        Series of each window.
    scales : ndarray of shape (n_series, targets)
        As `seasonal_change` has them.
    chose_epoch : bool
    notes : list of str
    candidates : pandas.DataFrame, default=None

    Returns
    -------
    ModelReport
    """
    seen = ~np.isnan(actual)
    rows = {}
    for label, numbers in {name: forecast, **naive}.items():
        error = numbers - actual
        sizes = np.abs(error[seen]).mean(), np.sqrt(np.square(error[seen]).mean())
        rows[label] = [*sizes, _scaled(error, seen, which, scales)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["MAE", "RMSE", "MASE"]).rename_axis("model")
    # The naive forecasts come after the model.
    table["skill"] = skill(table["MAE"], table["MAE"].iloc[1:].min())
    own, scaled_skill = float(table["skill"].iloc[0]), float(skill(table["MASE"].iloc[0], table["MASE"].iloc[1:].min()))
    notes = list(notes)
    if own <= 0:
        notes.append(f"no skill: {table['MAE'].iloc[1:].idxmin()} is as good or better")
    elif scaled_skill <= 0:
        best = table["MASE"].iloc[1:].idxmin()
        notes.append(f"no skill where every series counts alike: {best} has the lower MASE, or the same")
    if "last value" in naive and is_copy(forecast[:, :1], actual[:, :1], naive["last value"][:, :1]):
        notes.append("its first step is a shifted copy of the newest value")
    return ModelReport(table, own, len(which), chose_epoch, notes, scaled_skill, candidates)


def is_copy(forecast: Floats, actual: Floats, last: Floats) -> bool:
    """Whether forecasts of the first step repeat the newest value: they move with it, and not with what comes.

    Parameters
    ----------
    forecast, actual, last : ndarray of the same shape

    Returns
    -------
    bool
    """
    seen = ~np.isnan(actual)
    change, come = (forecast - last)[seen], (actual - last)[seen]
    if len(change) < 3 or not come.std() > 0 or not last[seen].std() > 0:
        return False
    # The forecast changes little compared with the actual values, and does not predict their direction.
    small = change.std() < 0.5 * come.std()
    blind = change.std() == 0 or abs(np.corrcoef(change, come)[0, 1]) < 0.1
    with_last = forecast[seen].std() > 0 and np.corrcoef(forecast[seen], last[seen])[0, 1] > _COPY
    return bool(small and blind and with_last)
