"""Intervals after rows since the fit: they learn from the errors on these rows, once for each history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._conformal import nested, within_errors
from .._types import Floats, Integers
from .due import NEWEST, Due
from .forecasting import from_ends, from_origins

if TYPE_CHECKING:
    from .._preparation import Rows
    from .error_scale import Yardstick
    from .state import FittedState
    from .verbs.requests import Request

__all__ = ["Once", "came", "completed", "followed", "forecasts_and_offsets", "seen", "taught"]

T = TypeVar("T")

_VALUES = 4_000_000  # errors and scores of the series that learn side by side
_REMEMBERED = 8  # answers


class Once(dict[Any, Any]):
    """A cache of results that would be the same again: it is neither copied, pickled nor saved."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(self), ()

    def of(self, key: Any, compute: Callable[[], T]) -> T:
        """The value of a key, computed where it is not there.

        Two threads may both compute it, which gives the same.

        Parameters
        ----------
        key : hashable
        compute : callable

        Returns
        -------
        object
        """
        found = self.get(key)
        if found is None:
            found = compute()
            if len(self) >= _REMEMBERED:
                self.clear()
            self[key] = found
        return found


def forecasts_and_offsets(
    state: FittedState, request: Request, yardsticks: dict[Any, Yardstick], levels: list[float]
) -> tuple[list[Floats], dict[Any, Any]]:
    """The requested forecasts, and their offsets after all known errors since the fit.

    Those from the origins since the fit are made in the same call of the regressors, where that is possible.

    Parameters
    ----------
    state : FittedState
    request : Request
        Request for at most `horizon` steps.
    yardsticks : dict of key to Yardstick
        Yardsticks of the series asked for.
    levels : list of float
        Coverages.

    Returns
    -------
    list of ndarray of shape (steps, targets)
    dict of key to (lower, upper)
        Each of shape (levels, horizon, targets), on the scale of errors and in units of the series; of the series that
        have a history, and of none where there are no rows since the fit.
    """
    keys = [key for key in request.keys if key not in request.cold] if request.cold else request.keys
    if request.fresh is None or not keys:
        return _asked(state, request), {}
    since = state.since if request.fresh is state.rows else None
    if since is not None and since.tells(keys, levels):
        return _asked(state, request), completed(state, since.offsets_of(keys, levels), levels)
    future = None
    if state.roles.future:  # the newest origins look at the future rows that were given
        given = {key: numbers for key, *numbers in zip(request.keys, request.labels, request.future, strict=True)}
        future = [given[key] for key in keys]
    known_by = seen(state, request.fresh, keys, future)
    name = None if known_by is None else (*known_by, *levels)
    found = state.once.get(name)
    if found is not None:
        return _asked(state, request), found
    due = Due.of(state, request.fresh.only(keys), since)
    forecasts = _together(state, request, due)
    found = completed(state, taught(state, due, yardsticks, levels, future), levels)
    return forecasts, found if name is None else state.once.of(name, lambda: found)


def _asked(state: FittedState, request: Request) -> list[Floats]:
    return from_ends(state, request.past, request.labels, request.future)


def _together(state: FittedState, request: Request, due: Due) -> list[Floats]:
    """The forecasts asked for; those that are due are made with them, unless there are many, or each learns anew."""
    missing = np.flatnonzero(~due.there)
    rows = due.rows
    if not len(missing) or request.cold or due.forecasts.size > _VALUES or state.holds_unseen(rows.keys):
        return _asked(state, request)
    ages, which = due.ages[missing], due.which[missing]
    rows = rows.newest(state.needed + int(ages.max()))
    found = from_ends(state, rows, request.labels, request.future, before=(ages, which))
    due.forecasts[missing], due.there[missing] = found[1], True
    return found[0]


def seen(state: FittedState, fresh: Rows, keys: list[Any], future: Any) -> tuple[Any, ...] | None:
    """What a history is recognised by, and the series of it that are asked for.

    Parameters
    ----------
    state : FittedState
    fresh : Rows
        Rows since the fit, and those before them that a forecast reads.
    keys : list
    future : list of (labels, ndarray), or None
        Values of each series that are known ahead of its last row.

    Returns
    -------
    tuple, or None
        None: it can be recognised by nothing.
    """
    parts: list[Any] = [] if future is None else [values for _, values in future]
    if fresh is not state.rows:
        ticks = getattr(fresh.index, "asi8", None)
        ticks = fresh.index.to_numpy() if ticks is None else ticks
        if ticks.dtype.kind not in "iu":
            return None
        parts += [ticks, fresh.starts, fresh.targets, fresh.past, fresh.future, fresh.static]
        parts += [] if fresh.made_up is None else [fresh.made_up]
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).data)
    return fresh is state.rows, tuple(fresh.keys), tuple(keys), digest.digest()


def taught(
    state: FittedState, due: Due, yardsticks: dict[Any, Yardstick], levels: list[float], future: Any = None
) -> dict[Any, Floats]:
    """Adaptive intervals learned from all errors of some rows since the fit, each coverage separately.

    Parameters
    ----------
    state : FittedState
    due : Due
    yardsticks : dict of key to Yardstick
        Yardsticks of all series of the rows.
    levels : list of float
        Coverages.
    future : list of (labels, ndarray), default=None
        Values of each series that are known ahead of its last row.

    Returns
    -------
    dict of key to ndarray of shape (2, levels, horizon, targets)
        What to add for the lower and the upper bound; NaN where too few errors are known.
    """
    known, n = due.rows, len(state.roles.target)
    started = state.calibrated.started(levels, n)
    lengths = np.diff(known.starts)
    most = min(int(lengths.max()), NEWEST) + started.window
    size = max(1, _VALUES // (most * state.horizon * n))
    alone = state.unlearnt(known.keys)  # of these each forecast learns a transform anew, from the rows before it
    together = [number for number, key in enumerate(known.keys) if key not in alone]
    portions = [together[first : first + size] for first in range(0, len(together), size)]
    portions += [[number] for number, key in enumerate(known.keys) if key in alone]
    found: dict[Any, Floats] = {}
    for numbers in portions:
        keys = [known.keys[number] for number in numbers]
        ahead = None if future is None else [future[number] for number in numbers]
        residuals, positions = _errors(state, due, numbers, ahead, [yardsticks[key] for key in keys])
        sides = started.side_by_side(residuals, positions, 0)
        sides = sides.reshape(*sides.shape[:3], len(keys), n)
        own = np.fmax.reduce(np.abs(residuals), axis=0, initial=np.nan).reshape(-1, len(keys), n)
        sides = within_errors(sides, np.fmax(own, state.calibrated.largest(n)[:, None]))
        found |= {key: sides[:, :, :, number] for number, key in enumerate(keys)}
    return found


def followed(sides: Floats, learnt: list[float], usual: Sequence[Floats], levels: list[float]) -> list[Floats]:
    """Offsets of all levels, from those of some that have learnt from errors since the fit.

    Between these, what they learnt is linear in the level; beyond the highest, offsets grow in its proportion.

    Parameters
    ----------
    sides : ndarray of shape (2, learnt, steps, targets)
    learnt : list of float
        Rising, and in `levels`.
    usual : (ndarray, ndarray) of shape (levels, steps, targets)
        Right after the fit.
    levels : list of float
        Rising.

    Returns
    -------
    list of ndarray of shape (levels, steps, targets)
    """
    at, found = [levels.index(level) for level in learnt], []
    share = np.stack([np.interp(levels, learnt, row) for row in np.eye(len(learnt))], axis=-1)
    for side, before in zip(sides, usual, strict=True):
        offsets = before + np.tensordot(share, side - before[at], axes=1)
        last, was = side[-1], before[at[-1]]
        grown = np.divide(last, was, out=np.ones_like(last), where=last * was > 0)
        offsets[at[-1] :] = last + (before[at[-1] :] - was) * grown
        found.append(offsets)
    return found


def completed(state: FittedState, found: dict[Any, Floats], levels: list[float]) -> dict[Any, Floats]:
    """Offsets of coverages around each other, and where too few errors are known those of right after `fit`.

    Parameters
    ----------
    state : FittedState
    found : dict of key to ndarray of shape (2, levels, horizon, targets)
    levels : list of float

    Returns
    -------
    dict of key to ndarray of that shape

    Raises
    ------
    ValueError
        There are too few errors for the highest coverage.
    """
    calibration, n = state.calibrated, len(state.roles.target)
    found = {key: nested(sides, levels) for key, sides in found.items()}
    if calibration.enough(levels) and not any(np.isnan(sides).any() for sides in found.values()):
        return found
    fixed = np.stack(calibration.offsets(levels, n))
    return {key: np.where(np.isnan(sides), fixed, sides) for key, sides in found.items()}


def _errors(
    state: FittedState, due: Due, numbers: list[int], ahead: Any, yardsticks: list[Yardstick]
) -> tuple[Floats, Integers]:
    """Actual less forecast on the scale of errors, from all origins of some series, side by side.

    Returns
    -------
    ndarray of shape (n, horizon, series * targets)
        NaN where no value is known, or a series has no such origin.
    ndarray of int of shape (n,)
        Rows from the newest row of each series.
    """
    known, horizon, n = due.rows, state.horizon, due.rows.targets.shape[1]
    order = np.full(known.n_series, -1)
    order[numbers] = np.arange(len(numbers))
    if len(numbers) < known.n_series:
        due = due.only(order[due.which] >= 0)
    made, which, ages, missing = due.forecasts, order[due.which], due.ages, ~due.there
    if missing.any():
        rows = known.only([known.keys[number] for number in numbers])
        ends = rows.ends
        if ahead is not None:
            longer = rows.extended(*(list(part) for part in zip(*ahead, strict=True)))
            rows, ends = longer, ends + longer.starts[:-1] - rows.starts[:-1]
        made = made.copy()
        made[missing] = from_origins(state, rows, (ends[which] - ages)[missing], horizon)
    actual = came(known.true_targets, due.origins, ages, horizon)
    if any(yardstick.marks is not None for yardstick in yardsticks):
        made = made.copy()
        for number, yardstick in enumerate(yardsticks):
            own = which == number
            actual[own], made[own] = yardstick.image(actual[own]), yardstick.image(made[own])
    divisor = np.stack([yardstick.divisor for yardstick in yardsticks])
    if (divisor != 1).any():
        divisor = divisor[which][:, None]
        actual, made = actual / divisor, made / divisor
    there = np.flatnonzero(np.bincount(ages))[::-1]
    place = np.zeros(there.max(initial=0) + 1, dtype=np.int64)
    place[there] = np.arange(len(there))
    residuals = np.full((len(there), horizon, len(numbers), n), np.nan)
    residuals[place[ages], :, which] = actual - made
    return residuals.reshape(len(there), horizon, len(numbers) * n), -there


def came(targets: Floats, origins: Integers, ages: Integers, horizon: int) -> Floats:
    """Actual values after some origins.

    Parameters
    ----------
    targets : ndarray of shape (rows, targets)
    origins : ndarray of int of shape (n,)
    ages : ndarray of int of shape (n,)
        Rows from each origin to the newest row of its series.
    horizon : int

    Returns
    -------
    ndarray of shape (n, horizon, targets)
        NaN after the newest row of a series.
    """
    found = np.full((len(origins), horizon, targets.shape[1]), np.nan)
    whole = ages >= horizon
    if whole.any():
        steps = np.lib.stride_tricks.sliding_window_view(targets, horizon, axis=0).transpose(0, 2, 1)
        found[whole] = steps[origins[whole] + 1]
    for age in range(1, min(horizon, int(ages.max(initial=0)) + 1)):
        late = np.flatnonzero(ages == age)
        found[late, :age] = targets[origins[late, None] + np.arange(1, age + 1)]
    return found
