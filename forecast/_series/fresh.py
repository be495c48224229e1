"""Intervals after rows that came since the fit: what the errors on these teach, learnt once for each history."""

from hashlib import blake2b

import numpy as np

from .forecasting import from_origins

__all__ = ["Once", "fresh_offsets", "origins_since"]

_NEWEST = 500  # origins of a history whose residuals intervals are calibrated on
_VALUES = 4_000_000  # errors and scores of the series that learn side by side
_REMEMBERED = 8  # answers


class Once(dict):
    """What was computed before and would be the same again: neither copied, nor pickled, nor saved with its owner."""

    def __reduce__(self):
        return type(self), ()

    def of(self, key, compute):
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


def fresh_offsets(state, request, yardsticks, levels):
    """What to add to the forecasts asked for after all errors since the fit, of which the actual value is known.

    Parameters
    ----------
    state : FittedState
    request : Request
        With `fresh` rows.
    yardsticks : dict of key to Yardstick
        Of the series that have a history.
    levels : list of float
        Coverages.

    Returns
    -------
    dict of key to (lower, upper)
        Each of shape (levels, horizon, targets), on the scale of errors and in units of the series.
    """
    keys = list(yardsticks)
    known = request.fresh.only(keys)
    future = None
    if state.roles.future:  # the newest origins look at the future rows that were given
        future = {key: numbers for key, *numbers in zip(request.keys, request.labels, request.future, strict=True)}
        future = [future[key] for key in keys]
    seen = _seen(state, request.fresh, keys, future)
    if seen is None:
        return _learnt(state, known, future, yardsticks, levels)
    return state.once.of((*seen, *levels), lambda: _learnt(state, known, future, yardsticks, levels))


def origins_since(state, rows, number):
    """Rows of a series that forecasts can start from, that were not trained on, but for its last; the newest.

    Returns
    -------
    ndarray of int
    """
    begin, end = int(rows.starts[number]), int(rows.starts[number + 1])
    first = begin + state.looks_back - 1
    trained = state.trained_until.get(rows.keys[number])
    if trained is not None:
        first = max(first, begin + int(rows.index[begin:end].searchsorted(trained, side="left")))
    origins = np.arange(max(first, end - 1 - _NEWEST), end - 1)
    return origins if rows.made_up is None else origins[~rows.made_up[origins]]


def _seen(state, fresh, keys, future):
    """What a history is recognised by; None: by nothing."""
    parts = [] if future is None else [values for _, values in future]
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
        digest.update(np.ascontiguousarray(part))
    return fresh is state.rows, tuple(fresh.keys), tuple(keys), digest.digest()


def _learnt(state, known, future, yardsticks, levels):
    calibration, n = state.calibration, len(state.roles.target)
    started = calibration.started(levels, n)
    fixed = calibration.offsets(levels, n) if not calibration.enough(levels) else None
    lengths = np.diff(known.starts)
    most = min(int(lengths.max()), _NEWEST) + started.window
    size = max(1, _VALUES // (most * state.horizon * n))
    alone = state.unlearnt(known.keys)  # of these each forecast learns a transform anew, from the rows before it
    together = [key for key in known.keys if key not in alone]
    portions = [together[first : first + size] for first in range(0, len(together), size)]
    found = {}
    for keys in [*portions, *([key] for key in known.keys if key in alone)]:
        ahead = None if future is None else [future[known.keys.index(key)] for key in keys]
        errors, positions = _errors(state, known.only(keys), ahead, [yardsticks[key] for key in keys])
        learning = started.side_by_side(len(keys))
        if len(positions):
            learning.learn(*errors, positions - positions[0], int(-positions[0]))
        sides = [side.reshape(*side.shape[:2], len(keys), n) for side in learning.offsets()]
        for number, key in enumerate(keys):
            found[key] = tuple(side[:, :, number] for side in sides)
    if fixed is None and any(np.isnan(side).any() for sides in found.values() for side in sides):
        fixed = calibration.offsets(levels, n)
    if fixed is None:
        return found
    return {
        key: tuple(np.where(np.isnan(new), old, new) for new, old in zip(sides, fixed, strict=True))
        for key, sides in found.items()
    }


def _errors(state, known, ahead, yardsticks):
    """Actual values and forecasts on the scale of errors, from all origins of some series, side by side.

    Returns
    -------
    (ndarray, ndarray) of shape (n, horizon, series * targets)
        NaN where no value is known, or a series has no such origin.
    ndarray of int of shape (n,)
        Rows from the newest row of each series.
    """
    horizon, n = state.horizon, known.targets.shape[1]
    origins = [origins_since(state, known, number) for number in range(known.n_series)]
    positions = np.unique(np.concatenate([rows - end for rows, end in zip(origins, known.ends, strict=True)]))
    actual = np.full((len(positions), horizon, known.n_series, n), np.nan)
    forecast = np.zeros_like(actual)
    if len(positions):
        rows, shift = known, np.zeros(known.n_series, dtype=np.int64)
        if ahead is not None:
            rows = known.extended(*(list(part) for part in zip(*ahead, strict=True)))
            shift = rows.starts[:-1] - known.starts[:-1]
        every = np.concatenate([own + by for own, by in zip(origins, shift, strict=True)])
        made = from_origins(state, rows, every, horizon)
        truth, first = known.true_targets, 0
        for number, (own, end) in enumerate(zip(origins, known.ends, strict=True)):
            steps = own[:, None] + np.arange(1, horizon + 1)
            came = truth[np.minimum(steps, end)].astype(np.float64)
            came[steps > end] = np.nan
            at, yardstick = np.searchsorted(positions, own - end), yardsticks[number]
            actual[at, :, number] = yardstick.image(came) / yardstick.divisor
            forecast[at, :, number] = yardstick.image(made[first : first + len(own)]) / yardstick.divisor
            first += len(own)
    shape = len(positions), horizon, known.n_series * n
    return (actual.reshape(shape), forecast.reshape(shape)), positions
