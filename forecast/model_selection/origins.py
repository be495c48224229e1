"""Origins of a backtest: folds of a splitter, and in each the newest known row of every series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal
from .._types import Booleans, Integers

if TYPE_CHECKING:
    from .._preparation import Rows

__all__ = ["Origins", "folds_of", "of_folds", "origins_of"]


@dataclass(frozen=True)
class Fold:
    """What is known of a fold.

    Attributes
    ----------
    train : ndarray of int or None
        Rows to train on; None if no model is fitted on them, because those of a hundred origins take more memory than
        the data.
    n_train : int
    ends : ndarray of int, shape (2,)
        The first and the last of the rows to train on.
    first, last : label
        Stamps to forecast.
    stamps : int
        Stamps of the frame in between.
    """

    train: Integers | None
    n_train: int
    ends: Integers
    first: Any
    last: Any
    stamps: int


def _refuse_no_splitter(cv: Any, horizon: int) -> NoReturn:
    """A number of folds says neither how long they are nor that they follow time."""
    folds = isinstance(cv, (int, np.integer)) and not isinstance(cv, bool) and cv >= 1
    raise TypeError(
        Refusal(
            f"is {cv!r}",
            where="cv",
            expected="a splitter that follows time, such as RollingOrigin",
            fix=Fix(f"cv = RollingOrigin(n_splits={int(cv)}, horizon={horizon})", "") if folds else None,
        )
    )


def folds_of(cv: Any, frame: pd.DataFrame, labels: pd.Index, every: float, horizon: int) -> list[Fold]:
    if not hasattr(cv, "split"):
        _refuse_no_splitter(cv, horizon)
    panel = not labels.is_unique
    folds = []
    for number, (train, test) in enumerate(cv.split(frame)):
        train, test = np.asarray(train), np.asarray(test)
        joined = panel or all((np.diff(rows) == 1).all() for rows in (train, test))
        ends = slice(None) if panel or not joined else slice(-1, None)  # a single series rises, so its last row is last
        ahead = len(train) and len(test) and labels[train[ends]].max() < labels[test].min()
        if not (ahead and joined):
            n_splits = getattr(cv, "n_splits", 5)
            raise ValueError(
                Refusal(
                    f"fold {number} of {cv} does not follow time",
                    got=(
                        f"its training rows go from {train.min()} to {train.max()}, its test rows from {test.min()} "
                        f"to {test.max()}"
                    ),
                    expected="adjoining rows, training before test, as of TimeSeriesSplit",
                    fix=Fix(f"cv = RollingOrigin(n_splits={n_splits}, horizon={horizon})", ""),
                )
            )
        stamps = labels[test]
        kept = train if number % every == 0 else None
        folds.append(Fold(kept, len(train), train[[0, -1]], stamps.min(), stamps.max(), stamps.nunique()))
    return folds


@dataclass(frozen=True)
class Origins:
    """Where forecasts start: for each the fold, the series, its newest known row and the steps to forecast."""

    fold: Integers
    series: Integers
    row: Integers
    steps: Integers


def origins_of(
    truth: Rows, folds: list[Fold], least: int, reach: int, made_up: Booleans | None
) -> tuple[Origins, list[str]]:
    """Every series that has enough rows before a fold's test rows, and a row in them; and notes of what is left out.

    `reach` future rows must be there where future covariates are looked at. A row that was put in on a straight line to
    the next value knows that value: no forecast starts from it.
    """
    found, unknown, left, ended, short = [], 0, 0, [], []
    for number, (first, end) in enumerate(zip(truth.starts[:-1], truth.starts[1:], strict=True)):
        index = truth.index[first:end]
        begins = index.searchsorted(pd.Index([fold.first for fold in folds]), side="left")
        ends = index.searchsorted(pd.Index([fold.last for fold in folds]), side="right")
        tested, late = ends > begins, (begins < least) & (truth.n_series > 1)
        if not tested.any():
            ended.append(number)
        elif late[tested].all():
            short.append(number)
        for fold in np.flatnonzero(tested & ~late):
            begin, stop = int(begins[fold]), int(ends[fold])
            if truth.n_series > 1 and begin + reach > len(index):
                unknown += 1
            elif made_up is not None and made_up[first + begin - 1]:
                left += 1
            else:
                # Not more steps than the fold asks for: where gaps were filled in, they reach less far.
                found.append((fold, number, int(first) + begin - 1, min(stop - begin, folds[fold].stamps)))
    notes = [_left_out(truth, ended, "no row of theirs is tested")] if ended else []
    if short:
        notes.append(_left_out(truth, short, f"they have fewer than {least} rows before every origin"))
    if unknown:
        notes.append(f"{unknown} origins left out: the future covariates of {reach} steps are not known after them")
    if left:
        notes.append(f"{left} origins left out: the rows right before them are interpolated with the values after them")
    if not found:
        raise ValueError(Refusal(f"no series has lookback = {least} rows before any origin", expected="later origins"))
    fold, series, row, steps = np.array(sorted(found)).T
    return Origins(fold, series, row, steps), notes


def _left_out(truth: Rows, numbers: list[int], why: str) -> str:
    names = ", ".join(repr(truth.keys[number]) for number in numbers[:3])
    more = ", ..." if len(numbers) > 3 else ""
    return f"{len(numbers)} of {truth.n_series} series left out, because {why}: {names}{more}"


def of_folds(origins: Origins, group: Integers) -> Origins:
    mine = np.isin(origins.fold, group)
    return Origins(origins.fold[mine], origins.series[mine], origins.row[mine], origins.steps[mine])
