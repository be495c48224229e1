"""The first evaluation of a fit: errors on rows that were not trained on, and the residuals for intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._preparation import kind_of
from .._preparation.regression import LEAST, judged, predict_windows
from .._records import record
from .._types import Floats, Integers
from .._windows import Windows
from ..baselines import naive_forecasts
from .calibration import Calibration
from .error_scale import ErrorScales
from .report import ModelReport, judge, seasonal_change

if TYPE_CHECKING:
    import pandas as pd

    from .._preparation import Member, Rows, Task
    from .._recipe import Choice
    from .._recipe.validation import Origins
    from .forecaster import SeriesForecaster

__all__ = ["HeldOut", "held_out_of", "verdict_of_origins", "verdict_of_parts", "verdict_of_regressor"]

_MOST = 20_000  # windows whose mean is a naive forecast


def verdict_of_regressor(
    model: SeriesForecaster, task: Task, rows: Rows, member: Member, windows: Windows, ends: Integers | None
) -> tuple[ModelReport, Calibration | None]:
    """Errors on the newest windows, and the residuals for intervals.

    Parameters
    ----------
    model : SeriesForecaster
    task : Task
    rows : Rows
    member : Member
    windows : Windows
        Trained on.
    ends : ndarray of int or None
        As in `trained`.

    Returns
    -------
    ModelReport, Calibration or None
    """
    if ends is not None:
        return _on_given_rows(task, rows, member, ends)
    rows, preparation = member.channels(rows), member.preparation
    notes = [*_notes(task), *_unseen_season(task, rows, member)]
    found = None
    if model.validation_fraction is not None:
        weigh = None if task.weights is None else partial(task.weights.of_windows, rows, member.split)
        complete = partial(preparation.complete, rows)
        found = judged(member.regressor, windows, model.validation_fraction, complete, weigh)
    if found is None:
        return ModelReport(None, np.nan, 0, False, notes), None
    judge_model, held_out, chose_epoch = found
    forecast = preparation.restore(rows, held_out, predict_windows(judge_model, held_out))
    name, scales = kind_of(member.regressor), ErrorScales.of([member])
    if not preparation.lookback:
        return _judged_from_nothing(task, rows, windows, held_out, forecast, name, chose_epoch, notes, scales)
    return _judged(task, rows, held_out, forecast, preparation.fill, name, chose_epoch, notes, scales)


def _judged_from_nothing(
    task: Task,
    rows: Rows,
    windows: Windows,
    held_out: Windows,
    forecast: Floats,
    name: str,
    chose_epoch: bool,
    notes: list[str],
    error_scales: ErrorScales,
) -> tuple[ModelReport, Calibration | None]:
    """Of forecasts that read no past: next to the naive ones from a past, or to the mean curve where there is none."""
    targets = rows.true_targets.astype(np.float64)
    actual = targets[_ahead(held_out, task.horizon)]
    behind = held_out.origins >= held_out.first_rows
    before = windows[windows.time + task.horizon <= held_out.time.min()]
    of_new = not np.isin(held_out.which, before.which).any()
    if behind.sum() >= LEAST:
        fill = np.nan_to_num(np.nanmean(targets, axis=0))
        some = forecast[behind], fill, name, chose_epoch, notes, error_scales
        report, _ = _judged(task, rows, held_out[behind], *some)
    elif not len(before):
        report = ModelReport(None, np.nan, 0, False, notes)
    else:
        curve = targets[_ahead(before[:: -(-len(before) // _MOST) or 1], task.horizon)]
        naive = {"mean curve": np.broadcast_to(np.nanmean(curve, axis=0), actual.shape)}
        scales = np.full((rows.n_series, targets.shape[1]), np.nan)
        report = judge(name, forecast, actual, naive, held_out.which, scales, chose_epoch, notes)
    return report, Calibration.of(rows, held_out, actual, forecast, error_scales, of_new)


def _ahead(windows: Windows, horizon: int) -> Integers:
    """Rows that windows forecast."""
    return windows.origins[:, None].astype(np.int64) + np.arange(1, horizon + 1)


def _on_given_rows(task: Task, rows: Rows, member: Member, ends: Integers) -> tuple[ModelReport, Calibration | None]:
    from .._recipe.validation import origins_behind

    origins = origins_behind(rows, ends, task.horizon, member.looks_back)
    forecasts = member.forecast(rows, origins.rows) if len(origins) else None
    chose_epoch = bool(len(getattr(member.regressor, "validation_loss_curve_", ())))
    return verdict_of_origins(
        task, rows, origins, forecasts, kind_of(member.regressor), [member], chose_epoch=chose_epoch
    )


def verdict_of_origins(
    task: Task,
    rows: Rows | None,
    origins: Origins | None,
    forecasts: Floats | None,
    name: str,
    members: list[Member],
    choice: Choice | None = None,
    chose_epoch: bool = False,
) -> tuple[ModelReport, Calibration | None]:
    """The same from forecasts at some rows.

    Parameters
    ----------
    task : Task
    rows : Rows
    origins : Origins or None
    forecasts : ndarray of shape (n, horizon, targets) or None
    name : str
        Name in the report.
    members : list of Member
        Members that `fit` keeps; errors are measured on the scale of their transform.
    choice : Choice, default=None
        Its notes and candidates go into the report.
    chose_epoch : bool, default=False

    Returns
    -------
    ModelReport, Calibration or None
    """
    notes = [*_notes(task), *([] if choice is None else choice.notes)]
    candidates = None if choice is None else choice.candidates
    if choice is not None:  # the same rows ended the training of networks
        chose_epoch = any(len(getattr(one.regressor, "validation_loss_curve_", ())) for one in choice.early.values())
    if forecasts is None or origins is None or rows is None:
        return ModelReport(None, np.nan, 0, False, notes, candidates=candidates), None
    windows = Windows(
        rows.targets, origins.rows, lookback=min(task.horizon, int(np.diff(rows.starts).min())), horizon=task.horizon,
        starts=rows.starts, n_targets=rows.targets.shape[1], index=rows.index, freq=task.axis.freq,
    )  # fmt: skip
    fill = np.array([np.nanmean(column) if len(column) else 0.0 for column in rows.targets.T])
    scales = ErrorScales.of(members)
    return _judged(task, rows, windows, forecasts, fill, name, chose_epoch, notes, scales, candidates)


def _judged(
    task: Task,
    rows: Rows,
    windows: Windows,
    forecast: Floats,
    fill: Any,
    name: str,
    chose_epoch: bool,
    notes: list[str],
    error_scales: ErrorScales,
    candidates: pd.DataFrame | None = None,
) -> tuple[ModelReport, Calibration | None]:
    found = _compared(task, rows, windows, forecast, fill)
    if np.isnan(found.actual).all():  # nothing but rows that were put in
        return ModelReport(None, np.nan, 0, False, notes, candidates=candidates), None
    report = judge(
        name, forecast, found.actual, found.naive, windows.which, found.scales, chose_epoch, notes, candidates
    )
    return report, Calibration.of(rows, windows, found.actual, forecast, error_scales)


@record(frozen=True)
class HeldOut:
    """Forecasts of some windows, actual values, and naive forecasts.

    Attributes
    ----------
    forecast, actual : ndarray of shape (n, horizon, targets)
    naive : dict of str to ndarray of that shape
    which : ndarray of int of shape (n,)
        Number of each window's series.
    scales : ndarray of shape (n_series, targets)
        As `seasonal_change` returns them.
    calibration : Calibration or None
    """

    forecast: Floats
    actual: Floats
    naive: dict[str, Floats]
    which: Integers
    scales: Floats
    calibration: Calibration | None = None


def _compared(task: Task, rows: Rows, windows: Windows, forecast: Floats, fill: Any) -> HeldOut:
    actual = rows.true_targets[_ahead(windows, task.horizon)].astype(np.float64)
    known = rows.filled("targets", fill[: rows.targets.shape[1]]) if task.masked else rows.targets
    naive = naive_forecasts(
        known, known, windows.first_rows, windows.origins, task.horizon, period=task.axis.season_length,
        lookback=windows.lookback,
    )  # fmt: skip
    scales = seasonal_change(rows.true_targets, rows.starts, windows, task.axis.season_length)
    return HeldOut(forecast, actual, naive, windows.which, scales)


def held_out_of(task: Task, rows: Rows, member: Member, windows: Windows) -> HeldOut:
    """Forecasts of windows of some series of a panel, with the actual values.

    Parameters
    ----------
    task : Task
    rows : Rows
        As the regressor sees them.
    member : Member
    windows : Windows

    Returns
    -------
    HeldOut
    """
    preparation = member.preparation
    forecast = preparation.restore(rows, windows, predict_windows(member.regressor, windows))
    found = _compared(task, rows, windows, forecast, preparation.fill)
    errors = Calibration.of(rows, windows, found.actual, forecast, ErrorScales.of([member]), alone=False)
    return replace(found, calibration=errors)


def verdict_of_parts(
    task: Task, parts: Sequence[HeldOut], name: str, chose_epoch: bool
) -> tuple[ModelReport, Calibration | None]:
    """The verdict on a panel that lies in several parts.

    Parameters
    ----------
    task : Task
    parts : sequence of HeldOut
        Held-out parts without a series in common.
    name : str
        Name in the report.
    chose_epoch : bool

    Returns
    -------
    ModelReport, Calibration or None
    """
    if not parts or all(np.isnan(part.actual).all() for part in parts):
        return ModelReport(None, np.nan, 0, False, _notes(task)), None
    offsets = np.cumsum([0, *(len(part.scales) for part in parts)])
    forecast, actual, scales = (
        np.concatenate([getattr(part, of) for part in parts]) for of in ("forecast", "actual", "scales")
    )
    which = np.concatenate([part.which + offset for part, offset in zip(parts, offsets, strict=False)])
    naive = {name: np.concatenate([part.naive[name] for part in parts]) for name in parts[0].naive}
    report = judge(name, forecast, actual, naive, which, scales, chose_epoch, _notes(task))
    return report, Calibration.joined([part.calibration for part in parts if part.calibration is not None])


def _notes(task: Task) -> list[str]:
    return [task.axis.note.rstrip(".")] if task.axis.note else []


def _unseen_season(task: Task, rows: Rows, member: Member) -> list[str]:
    """The pretrained network finds seasons by itself, and misses a usual one that occurs less than twice."""
    season, shortest = task.axis.season_length, int(np.diff(rows.starts).min())
    is_pretrained = hasattr(member.regressor, "weights_card_")
    if not is_pretrained or season < 2 or not season <= shortest < 2 * season:
        return []
    which = "the series has" if rows.n_series == 1 else "the shortest series has"
    note = f"{which} {shortest} rows, less than two seasons of {season}, which the pretrained network does not see"
    return [f"{note}; SeasonalNaive({season}) repeats the season"]
