"""Series with a short history or none: the replacement for it, and the wider intervals of their forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._frames import read_static
from .._preparation import Rows
from .._refusals import Refusal
from .._types import Floats

if TYPE_CHECKING:
    import pandas as pd

    from .error_scale import Yardstick
    from .state import FittedState

__all__ = [
    "cold_widths", "cold_yardstick", "refuse_likeless", "refuse_unlearnable", "refuse_untransformable", "short_factor",
    "with_likenesses",
]  # fmt: skip

_LIKE = 5  # series whose mean stands in for one without a history
# From one row in place of a whole lookback, errors were up to 2.4 times as large (benchmarks/short_history.py).
_WIDER = 1.4
_PRIOR = 10  # changes that the typical one of the other series counts for, where a series has few of its own


def refuse_unlearnable(state: FittedState, rows: Rows) -> None:
    """Refuse the rows of one series from which a forecast cannot begin: nothing is known, or a transform needs more.

    Parameters
    ----------
    state : FittedState
    rows : Rows
        Rows of one series.

    Raises
    ------
    ValueError
    """
    if state.preparation.masked and np.isnan(rows.targets).all(axis=0).any():
        raise ValueError(
            Refusal(f"no value of a target is known up to {rows.index[-1]}: there is nothing to forecast from")
        )
    lost = max(member.preparation.n_lost for member, _ in state.parts)
    if len(rows) <= lost + 2 and state.unlearnt(rows.keys):
        state.knowing(rows)


def refuse_untransformable(state: FittedState, rows: Rows, known: bool = False) -> None:
    """Refuse rows with values that a transform does not accept, such as 0 for a logarithm.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    known : bool, default=False
        Whether to look at series alone that `fit` had.

    Raises
    ------
    ValueError
    """
    for member, _ in state.parts:
        member.preparation.refuse_untransformable(member.channels(rows), known)


# -------------------- no history


def refuse_likeless(state: FittedState, past: Rows, new: list[Any]) -> None:
    """Refuse names of new series that are known, or whose similar series cannot be determined.

    Raises
    ------
    ValueError
    """
    if not state.roles.static and not state.reads_no_past:
        raise ValueError(
            Refusal(
                f"new is {new!r}, but the model has no static covariates that say which series these are like",
                expected="rows of them, given as predict(history=frame) or update(frame)",
            )
        )
    like: Any = past.keys[0]
    for key in new:
        several = isinstance(like, tuple)
        parts = [(key, like)]
        if several:
            parts = list(zip(key, like, strict=True)) if isinstance(key, tuple) and len(key) == len(like) else []
        if not parts or any(isinstance(own, str) != isinstance(other, str) for own, other in parts):
            raise ValueError(
                Refusal(
                    f"names {key!r}, but the fitted series are named like {like!r}",
                    where="new",
                    expected=f"{f'tuples of {len(like)} names' if several else 'names'} of the same types",
                )
            )
    known = [key for key in new if key in past.keys]
    if known:
        raise ValueError(
            Refusal(f"names {known[0]!r}, which the model knows", where="new", expected="series without a history")
        )


def with_likenesses(state: FittedState, past: Rows, frame: pd.DataFrame) -> tuple[Rows, dict[Any, list[Any]]]:
    """Rows with a history for each series that has none: the mean of the most similar series.

    Likeness is the distance of the static covariates, each in standard deviations over the known series. A model that
    reads no past forecasts from none of these rows; they say in which units its intervals are.

    Parameters
    ----------
    state : FittedState
    past : Rows
        What is known.
    frame : pandas.DataFrame
        Future rows with a column for each static covariate.

    Returns
    -------
    Rows
    dict of key to list of keys
        The series that stand in for each.
    """
    names, static = read_static(frame, state.roles, state.schema)
    known, found, grown = set(past.keys), {}, past
    able = _able(state, past)
    for key, own in zip(names, static, strict=True):
        if key not in known and able:
            like = _most_alike(past, own, able)
            found[key] = [past.keys[number] for number in like]
            rows = _mean_of(past, like, key, own)
            grown = grown.grown(_moved(state, past, rows) if state.reads_no_past else rows)
    return grown, found


def _able(state: FittedState, past: Rows) -> list[int]:
    """Numbers of the series that end with the newest row and are as long as a forecast looks back on.

    Of a model that reads no past they may end at any time.
    """
    if state.reads_no_past:
        return list(range(past.n_series))
    labels = list(past.last_labels.values())
    newest, lengths = max(labels), np.diff(past.starts)
    return [n for n, label in enumerate(labels) if label == newest and lengths[n] >= state.looks_back]


def _most_alike(past: Rows, static: Floats, among: list[int]) -> list[int]:
    """The nearest of some series."""
    spread = past.static.std(axis=0)
    apart = np.square((past.static[among] - static) / np.where(spread > 0, spread, 1.0)).sum(axis=1)
    return [among[n] for n in np.argsort(apart, kind="stable")[:_LIKE]]


def _mean_of(past: Rows, numbers: list[int], key: Any, static: Floats) -> Rows:
    length = min(int(past.starts[n + 1] - past.starts[n]) for n in numbers)
    rows = [slice(int(past.starts[n + 1]) - length, int(past.starts[n + 1])) for n in numbers]
    arrays = (
        _mean(np.stack([array[part] for part in rows])).astype(array.dtype)
        for array in (past.targets, past.past, past.future)
    )
    targets, before, ahead = arrays
    index, static = past.index[rows[0]], static[None].astype(past.static.dtype)
    return Rows([key], np.array([0, length]), index, targets, before, ahead, static)


def _moved(state: FittedState, past: Rows, rows: Rows) -> Rows:
    """The newest of some rows, right up to the newest label that is known, after which a new series begins."""
    labels = list(past.last_labels.values())
    number = labels.index(max(labels))
    behind = past.index[past.starts[number] : past.starts[number + 1]]
    n = min(len(rows), len(behind))
    newest = rows.parts([(0, len(rows) - n, len(rows))])
    return replace(newest, index=behind[len(behind) - n :])


def cold_yardstick(state: FittedState, like: list[Any], yardstick: Yardstick) -> Yardstick:
    """The unit of errors of a series without a history: the mean of the units of other series.

    Parameters
    ----------
    state : FittedState
    like : list of keys
        Series that it is like.
    yardstick : Yardstick
        Yardstick of their mean.

    Returns
    -------
    Yardstick
    """
    if not state.reads_no_past or state.calibration is None:
        return yardstick
    n = len(yardstick.unit)
    nothing = np.full((1, n), np.nan)
    return replace(yardstick, unit=np.mean([state.calibration.unit(key, nothing) for key in like], axis=0))


def cold_widths(state: FittedState, past: Rows, levels: list[float], yardstick: Yardstick) -> Floats:
    """Distances of the levels of fitted series from those of their most similar series, leaving out the series itself.

    Parameters
    ----------
    state : FittedState
    past : Rows
    levels : list of float
        Coverages.
    yardstick : Yardstick
        Yardstick of the series that has no history.

    Returns
    -------
    ndarray of shape (levels, 1, targets)
        On the scale of its errors: half a width that the share holds of as many series as there are.
    """
    able = [n for n in _able(state, past) if past.keys[n] in state.trained_until]
    newest = {n: past.targets[past.starts[n] : past.starts[n + 1]][-4 * state.horizon :] for n in able}
    recent = {n: _mean(yardstick.image(rows)) for n, rows in newest.items()}
    found = []
    for number in able:
        like = _most_alike(past, past.static[number], [n for n in able if n != number])
        if like:
            found.append(np.abs(recent[number] - np.mean([recent[n] for n in like], axis=0)))
    if not found:
        return np.zeros((len(levels), 1, past.targets.shape[1]))
    sizes = np.sort(np.array(found), axis=0)
    rank = [min(int(np.ceil((len(sizes) + 1) * level - 1e-9)), len(sizes)) - 1 for level in levels]
    return sizes[rank][:, None, :]


# -------------------- a short history


def short_factor(state: FittedState, key: Any, known: Floats, yardstick: Yardstick) -> Floats:
    """Factor on the bounds of a series whose history is shorter than the lookback.

    With n of L rows 1 + 1.4 (1 - n / L)^2. Of a series that `fit` did not have, the change from row to row by which
    errors are measured also leans to that of the other series, in proportion to its level: a few rows say little of it.

    Parameters
    ----------
    state : FittedState
    key : object
    known : ndarray of shape (n, targets)
    yardstick : Yardstick
        Yardstick of the series.

    Returns
    -------
    ndarray of shape (targets,)
        1 where the history is long enough.
    """
    n, targets = known.shape
    if n >= state.looks_back:
        return np.ones(targets)
    wider = np.full(targets, 1 + _WIDER * (1 - n / state.looks_back) ** 2)
    calibration, tail = state.calibration, state.tail
    if calibration is None or len(calibration.scales) == 1 or calibration.holds(key, targets):
        return wider
    units, relative = [], yardstick.marks is None  # on the scale of a logarithm changes do not grow with the level
    for other, first, end in zip(tail.keys, tail.starts[:-1], tail.starts[1:], strict=True):
        if calibration.holds(other, targets):
            level = _mean(np.abs(tail.targets[first:end])) if relative else np.ones(targets)
            if (level > 0).all():
                units.append(calibration.unit(other, tail.targets[first:end]) / level)
    if not units:
        return wider
    typical = np.median(units, axis=0) * (np.nan_to_num(_mean(np.abs(known))) if relative else 1.0)
    change = np.abs(np.diff(yardstick.image(known.astype(np.float64)), axis=0))
    unit = (_PRIOR * typical + np.nan_to_num(change).sum(axis=0)) / (_PRIOR + (~np.isnan(change)).sum(axis=0))
    return wider * np.where(unit > 0, unit / yardstick.divisor, 1.0)


def _mean(array: Floats) -> Floats:
    """The mean over the first axis of what is known; NaN where nothing is."""
    seen = ~np.isnan(array)
    total = np.where(seen, array, 0).sum(axis=0, dtype=np.float64)
    return np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), np.nan)
