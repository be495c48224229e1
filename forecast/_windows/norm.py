"""Per-window normalisation of the targets: what is subtracted from a window's values, and their divisors.

Read from the window's own past, so nothing can leak; only the floor of deviations may come from elsewhere, from rows
that training has seen. The core does the same arithmetic while it gathers (`anchor` of its Source); here it serves
other regressors and the way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._numbers import LARGEST
from .._records import record
from .._types import Booleans, Floats, Integers, WindowNorm

if TYPE_CHECKING:
    from .table import Windows

from .._refusals import Refusal

__all__ = ["KINDS", "Norm", "centre_and_scale", "noise_floor", "read_floor", "undone", "without_motion"]

KINDS = {None: 0, "last": 1, "mean": 2, "standard": 3, "season": 4}  # the core's numbers
OF_MEAN = 1e-3  # the floor where none is given: of the mean
OF_NOISE = 0.25  # a window that is almost constant is not blown up: a quarter of the usual change from row to row
ROUNDINGS = 4  # units in the last place; smaller changes count as rounding

EXPECTED = 'None, "last", "mean", "standard", ("mean", fraction), ("standard", fraction) or ("season", length)'


@record(frozen=True)
class Norm:
    """A `window_norm` at a lookback.

    Attributes
    ----------
    kind : {None, "last", "mean", "standard", "season"}
    steps : int
        The newest steps of the lookback over which "mean" and "standard" are computed.
    season : int
        Length of the season; 0 where the kind is another.
    """

    kind: str | None
    steps: int
    season: int = 0

    @classmethod
    def of(cls, window_norm: WindowNorm, lookback: int) -> Norm:
        """A norm from the user's argument, checked.

        Parameters
        ----------
        window_norm : None, str, or tuple or list of (str, number)
        lookback : int

        Returns
        -------
        Norm

        Raises
        ------
        ValueError
            The norm is unknown, or the lookback is shorter than its season.

        Examples
        --------
        >>> Norm.of(("mean", 0.1), 48)
        Norm(kind='mean', steps=5, season=0)
        """
        if window_norm is None or (isinstance(window_norm, str) and window_norm in ("last", "mean", "standard")):
            return cls(window_norm, lookback)
        pair: Any = window_norm if isinstance(window_norm, (tuple, list)) and len(window_norm) == 2 else (None, None)
        kind, number = pair
        if number is None or not isinstance(kind, str) or kind not in ("mean", "standard", "season"):
            raise ValueError(Refusal(f"is {window_norm!r}", where="window_norm", expected=EXPECTED))
        if kind == "season":
            if not _is(number, Integral) or number < 1:
                raise ValueError(
                    Refusal(f"is {window_norm!r}", where="window_norm", expected="a season of a whole number of steps")
                )
            if number > lookback:
                raise ValueError(
                    Refusal(
                        f"is {window_norm!r}, but lookback is {lookback}: a window has to hold the season",
                        where="window_norm",
                        advice=(
                            f"Expected a lookback of {number} or more; two seasons ({2 * number}) and more do better."
                        ),
                    )
                )
            return cls(kind, lookback, int(number))
        if not _is(number, Real) or not 0 < number <= 1:
            raise ValueError(
                Refusal(f"is {window_norm!r}", where="window_norm", expected="a fraction over 0 and up to 1")
            )
        # 0.07 * 100 is a little more than 7, and yet 7 steps.
        steps = math.ceil(round(float(number) * lookback, 9))
        return cls(kind, min(max(steps, 2 if kind == "standard" else 1), lookback))


def _is(number: Any, kind: type[Any]) -> bool:
    return isinstance(number, kind) and not isinstance(number, (bool, np.bool_))


def centre_and_scale(
    norm: Norm,
    values: Floats,
    origins: Integers,
    lookback: int,
    n_targets: int,
    steps: Integers,
    floor: Floats | None = None,
    still: float = 1.0,
) -> tuple[Floats, Floats | None]:
    """What normalisation subtracts from each target of each window, and its divisor.

    Parameters
    ----------
    norm : Norm
        Norm of a kind that is not None.
    values : ndarray of shape (rows, channels)
        Targets first.
    origins : ndarray of int
    lookback, n_targets : int
    steps : ndarray of int
        Steps: 0 is the oldest of the lookback, `lookback` the first of the horizon.
    floor : ndarray, default=None
        Least scale, of a shape that broadcasts to (n, targets). None: `1e-3 * |mean|`.
    still : float, default=1.0
        Scale of a window that does not move, where its floor is 0.

    Returns
    -------
    centre : ndarray of shape (n, 1, targets), or (n, steps, targets) where the kind is "season"
        The newest value ("last", in the dtype of `values`), the mean over the newest `norm.steps` steps, or the mean of
        the lookback's values at the same phase of the season (float64).
    scale : ndarray of shape (n, 1, targets) or None
        "standard": the population standard deviation over those steps, at least the floor, and `still` where that is 0.
    """
    if norm.kind == "last":
        return values[origins, None, :n_targets], None

    def read(rows: Integers) -> Floats:
        return values[rows, :n_targets].astype(np.float64)

    oldest = origins - (lookback - 1)
    if norm.kind == "season":
        wanted, where = np.unique(steps % norm.season, return_inverse=True)
        means = [_mean(read, oldest, range(phase, lookback, norm.season)) for phase in wanted]
        return np.stack(means, axis=1)[:, where], None
    newest = range(lookback - norm.steps, lookback)
    centre = _mean(read, oldest, newest)
    if norm.kind == "mean":
        return centre[:, None], None
    with np.errstate(over="ignore"):  # a forecast that it makes infinite is refused where it is restored
        square = _mean(lambda rows: np.square(read(rows) - centre), oldest, newest)
    scale = np.maximum(np.sqrt(square), OF_MEAN * np.abs(centre) if floor is None else floor)
    scale[scale == 0] = still
    return centre[:, None], scale[:, None]


def undone(cube: Floats, centre: Floats, scale: Floats | float) -> Floats:
    """Predictions in the units of the series.

    Parameters
    ----------
    cube : ndarray of shape (n, horizon, targets)
    centre, scale : ndarray or float
        As `centre_and_scale` returns them, of shapes that broadcast.

    Returns
    -------
    ndarray of shape (n, horizon, targets)

    Raises
    ------
    ValueError
        A finite prediction is not finite in these units: values of its window are too large for float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at
        restored = cube * scale + centre
    lost = np.isfinite(cube) & ~np.isfinite(restored)
    if lost.any():
        raise ValueError(
            Refusal(
                f"{int(lost.sum())} of {lost.size} predictions overflow where the window norm is undone",
                expected=f"windows of values up to {LARGEST:g}, whose squares float64 still holds",
                advice="Use other units, or a shorter horizon where forecasts were fed back.",
            )
        )
    return restored


def without_motion(windows: Windows) -> Booleans:
    """Which targets of which windows do not move, in series that never moved: their deviation and their floor are 0.

    Parameters
    ----------
    windows : Windows
        Windows with a `window_floor`.

    Returns
    -------
    ndarray of bool of shape (n, 1, targets)
    """
    floor: Any = windows.window_floor
    floor = floor if len(floor) == 1 else floor[windows.which]
    norm = Norm.of(windows.window_norm, windows.lookback)
    _, scale = centre_and_scale(
        norm, windows.values, windows.origins, windows.lookback, windows.n_targets, np.arange(0), floor, still=0.0
    )
    return np.asarray(scale) == 0


def read_floor(windows: Windows, floor: npt.ArrayLike | None) -> Floats | None:
    """A `window_floor`, checked.

    Parameters
    ----------
    windows : Windows
    floor : None, float or array-like

    Returns
    -------
    ndarray of shape (1, targets) or (series, targets), or None

    Raises
    ------
    ValueError
        The value is unknown, or the windows are not divided by anything.
    """
    if floor is None:
        return None
    expected = "finite numbers of 0 or more, one for each target, or a row of them for each series"
    if windows._norm.kind != "standard":
        raise ValueError(
            Refusal(f"is for window_norm='standard', but window_norm is {windows.window_norm!r}", where="window_floor")
        )
    floor = np.array(floor, dtype=np.float64)
    if floor.ndim < 2:
        floor = np.atleast_2d(np.broadcast_to(floor, floor.shape or (windows.n_targets,)))
    if floor.shape not in ((1, windows.n_targets), (len(windows.starts) - 1, windows.n_targets)):
        raise ValueError(Refusal(f"has shape {floor.shape}", where="window_floor", expected=expected))
    if not (np.isfinite(floor) & (floor >= 0)).all():
        raise ValueError(Refusal(f"is {floor.tolist()}", where="window_floor", expected=expected))
    return np.ascontiguousarray(floor)


def _mean(read: Callable[[Integers], Floats], oldest: Integers, steps: range) -> Floats:
    """Step by step and not along an axis: little memory, and the core's order of addition."""
    total: Any = None
    for step in steps:
        total = read(oldest + step) if total is None else total + read(oldest + step)
    return total / len(steps)


def noise_floor(values: Floats) -> Floats:
    """The least deviation by which a window of a series is divided: relative to the noise of the series, not its level.

    Parameters
    ----------
    values : ndarray of shape (rows, targets)
        Rows that training may see, NaN where missing.

    Returns
    -------
    ndarray of shape (targets,)
        A quarter of the median absolute change from one row to the next, without changes of 0; at least 4 units in the
        last place of the median absolute value, below which changes are roundings. 0 of a series that never changes.

    Examples
    --------
    >>> import numpy as np
    >>> noise_floor(7.78 + np.array([[0.0], [0.004], [0.0], [0.0], [0.004]])).round(6)
    array([0.001])
    """
    return np.array([_noise_floor(column) for column in values.T])


def _noise_floor(column: Floats) -> float:
    values = column.astype(np.float64)
    changes = np.abs(np.diff(values))
    changes = changes[changes > 0]  # NaN is not
    if not len(changes):
        return 0.0
    rounding = ROUNDINGS * np.finfo(column.dtype).eps * np.median(np.abs(values[~np.isnan(values)]))
    return float(max(OF_NOISE * np.median(changes), rounding))
