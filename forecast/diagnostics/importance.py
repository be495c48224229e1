"""`channel_importance`: how much worse forecasts are if a column is taken from another time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._refusals import Refusal
from .._series import rows_of_frame
from ..metrics import mae, rmse
from .networks import refuse_no_forecaster

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Literal

    from .._preparation import Rows
    from .._series.state import FittedState
    from .._types import Floats, FrameLike, Integers

__all__ = ["ChannelImportance", "channel_importance"]

_METRICS = {"mae": mae, "rmse": rmse}


@dataclass(frozen=True)
class ChannelImportance:
    """Increase of the error if a column is taken from another time, as `channel_importance` returns it.

    Attributes
    ----------
    columns : list of labels
        Targets, covariates, "calendar" for all calendar features together, static covariates.
    rises : ndarray of shape (n_columns, n_repeats)
        Error with the column from another time, minus `error`.
    error : float
        Error of the unchanged forecasts.
    metric : str
    target : label
    n_origins : int
        Number of forecasts evaluated.

    Examples
    --------
    >>> found = ChannelImportance(["load", "wind"], np.array([[0.5, 0.7], [0.1, 0.1]]), 1.0, "mae", "load", 20)
    >>> found.to_frame().round(2).to_dict("list")
    {'importance': [0.6, 0.1], 'std': [0.1, 0.0]}
    """

    columns: list[Any]
    rises: Floats
    error: float
    metric: str
    target: Any
    n_origins: int

    def to_frame(self) -> pd.DataFrame:
        """Return the columns, the most important first.

        Returns
        -------
        pandas.DataFrame of shape (n_columns, 2)
            Index "column"; "importance", the mean increase, and "std", its standard deviation over the repeats.

        Examples
        --------
        >>> found = ChannelImportance(["load", "wind"], np.array([[0.1], [0.5]]), 1.0, "mae", "load", 20)
        >>> found.to_frame().index.tolist()
        ['wind', 'load']
        """
        index = pd.Index(self.columns, name="column", tupleize_cols=False)
        table = pd.DataFrame({"importance": self.rises.mean(axis=1), "std": self.rises.std(axis=1)}, index=index)
        return table.sort_values("importance", ascending=False, kind="stable")


def channel_importance(
    model: Any,
    X: FrameLike,
    *,
    metric: Literal["mae", "rmse"] | Callable[[Floats, Floats], float] = "mae",
    n_repeats: int = 5,
    n_origins: int = 100,
    gap: int | None = None,
    target: Hashable | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> ChannelImportance:
    """Measure how much worse forecasts are if one column is taken from another time: permutation importance for series.

    Forecasts are made after rows of `X` and compared with the actual values. Then the whole window of a column,
    everything that a forecast reads of it, is replaced by that of another origin of the same series, far away in time,
    and the error is measured again [1]_ [2]_. Rows within a window keep their order. The model is not fitted again.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted model with any regressor, or the recipe. It is not changed.
    X : frame
        Rows in the layout of `fit`, preferably newer ones: on the training rows, columns that the model has memorised
        look important.
    metric : {"mae", "rmse"} or callable, default="mae"
        Error measure. A callable takes actual values and forecasts, each of shape (n,), and returns an error.
    n_repeats : int, default=5
        Number of exchanges of each column, each at another distance.
    n_origins : int, default=100
        Maximum number of forecasts, evenly spread over the rows of each series.
    gap : int, default=None
        Minimum number of rows between two origins that are exchanged. None: a whole window and horizon, so that they
        share no row.
    target : label, default=None
        Target whose error is measured; None: the first.
    random_state : int, RandomState instance or None, default=0
        Seed of the distances.

    Returns
    -------
    ChannelImportance

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model is not a `SeriesForecaster`.
    ValueError
        The rows are too few, or an argument is out of range.

    See Also
    --------
    explain : Contribution of each column and row to a single forecast. forecast.plotting.ImportanceDisplay : Draws the
    result.

    Notes
    -----
    Columns with the same information can replace each other, so each alone seems unimportant. The target's own past is
    exchanged together with its level, which every forecast needs. Static covariates are exchanged between series.

    References
    ----------
    .. [1] Breiman: Random forests. Machine Learning 45 (2001), 5-32.
    .. [2] Fisher, Rudin and Dominici: All models are wrong, but many are useful. JMLR 20 (2019), 1-81.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> from forecast import SeriesForecaster
    >>> rng = np.random.default_rng(0)
    >>> df = pd.DataFrame(rng.normal(size=(400, 3)), columns=["load", "wind", "noise"])
    >>> df["load"] += 3 * df["wind"].shift(1, fill_value=0.0)  # yesterday's wind
    >>> trees = HistGradientBoostingRegressor(max_iter=20)
    >>> model = SeriesForecaster(trees, target="load", past_covariates=["wind", "noise"], lookback=6, horizon=1)
    >>> found = channel_importance(model.fit(df[:300]), df[300:])
    >>> found.to_frame().index[0]
    'wind'
    """
    refuse_no_forecaster(model, "channel_importance", "measures errors of forecasts from the columns of a frame")
    measure = _metric(metric)
    for name, value in (("n_repeats", n_repeats), ("n_origins", n_origins), ("gap", 1 if gap is None else gap)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(Refusal(f"is {value!r}", where=name, expected="a whole number, 1 or more"))
    check_is_fitted(model)
    targets = list(model._state.roles.target)
    if target is not None and target not in targets:
        raise ValueError(Refusal(f"target {target!r} is not there", expected=f"one of {targets}"))
    number = 0 if target is None else targets.index(target)
    state, rows = rows_of_frame(model, X)
    pieces = _Pieces.of(state, rows, n_origins, gap)
    rng = np.random.default_rng(_seed(random_state))
    donors = [pieces.exchanged(rng) for _ in range(n_repeats)]
    error = measure(*pieces.judged(pieces.rows, number))
    groups = _groups(state)
    rises = np.empty((len(groups), n_repeats))
    for place, (role, columns) in enumerate(groups.values()):
        for repeat in range(n_repeats):
            rows = pieces.with_others(role, columns, donors[repeat], rng)
            rises[place, repeat] = measure(*pieces.judged(rows, number)) - error
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
    return ChannelImportance(list(groups), rises, float(error), name, targets[number], len(pieces.origins))


def _metric(metric: Any) -> Callable[[Floats, Floats], float]:
    if callable(metric):
        return metric
    if metric not in _METRICS:
        raise ValueError(Refusal(f"is {metric!r}", where="metric", expected=f"one of {list(_METRICS)}, or a callable"))
    return _METRICS[metric]


def _seed(random_state: int | np.random.RandomState | None) -> int | None:
    return random_state.randint(2**31) if isinstance(random_state, np.random.RandomState) else random_state


def _groups(state: FittedState) -> dict[Any, tuple[str, list[int]]]:
    """Label -> role and encoded columns of everything that can be exchanged."""
    found = {label: ("targets", [number]) for number, label in enumerate(state.roles.target)}
    for role in ("past", "future", "static"):
        first = 0
        for one in getattr(state.schema, role):
            found[one.label] = (role, list(range(first, first + len(one.names))))
            first += len(one.names)
    if any(member.preparation.calendar for member, _ in state.parts):
        found["calendar features" if "calendar" in found else "calendar"] = ("index", [])
    if state.tail.n_series == 1:
        found = {label: group for label, group in found.items() if group[0] != "static"}
    return found


@dataclass(frozen=True)
class _Pieces:
    """The rows that each forecast reads, as separate series of equal length, one after the other.

    Attributes
    ----------
    state : FittedState
    rows : Rows
    origins : ndarray of int
        Origins in the rows.
    actual : ndarray of shape (n, horizon, targets)
    series : ndarray of int of shape (n,)
        Series of each piece.
    at : ndarray of int of shape (n,)
        Where its origin was.
    back : int
        Rows of a piece up to its origin.
    gap : int
    """

    state: FittedState
    rows: Rows
    origins: Integers
    actual: Floats
    series: Integers
    at: Integers
    back: int
    gap: int

    @classmethod
    def of(cls, state: FittedState, rows: Rows, n_origins: int, gap: int | None) -> _Pieces:
        horizon = state.horizon
        back = max(1, *(member.reads for member, _ in state.parts))
        gap = back + horizon if gap is None else int(gap)
        each = max(n_origins // rows.n_series, 2)
        found = []
        for number, (first, end) in enumerate(zip(rows.starts[:-1], rows.starts[1:], strict=True)):
            origins = np.arange(first + back - 1, end - horizon)
            origins = origins[np.linspace(0, len(origins) - 1, min(len(origins), each)).round().astype(np.intp)]
            key = rows.keys[number]
            if len(_distances(origins, gap)) == 0:
                name = "" if key is None else f" of series {key!r}"
                raise ValueError(
                    Refusal(
                        f"has {end - first} rows{name}",
                        where="X",
                        expected=(
                            f"at least {back + horizon + 2 * gap}, so that windows of {back} + {horizon} (horizon) "
                            f"rows can be exchanged that begin {gap} rows apart"
                        ),
                        advice="Give more rows, or a smaller gap=, with which exchanged windows overlap.",
                    )
                )
            found += [(number, int(origin)) for origin in origins]
        bounds = [(number, origin - back + 1, origin + horizon + 1) for number, origin in found]
        pieces = replace(rows.parts(bounds), made_up=None)
        origins = pieces.starts[:-1] + back - 1
        ahead = origins[:, None] + np.arange(1, horizon + 1)
        actual = rows.parts(bounds).true_targets[ahead].astype(np.float64)
        known = pieces.unknown_after(origins)
        series, at = (np.array(part) for part in zip(*found, strict=True))
        return cls(state, known, origins, actual, series, at, back, gap)

    def exchanged(self, rng: np.random.Generator) -> Integers:
        """For each piece, another one of the same series, at a random distance."""
        donors = np.arange(len(self.at))
        for number in np.unique(self.series):
            mine = np.flatnonzero(self.series == number)
            donors[mine] = np.roll(mine, -int(rng.choice(_distances(self.at[mine], self.gap))))
        return donors

    def with_others(self, role: str, columns: list[int], donors: Integers, rng: np.random.Generator) -> Rows:
        """The rows with some columns of the donors."""
        rows, n = self.rows, len(self.at)
        if role == "index":
            places = np.arange(len(rows)).reshape(n, -1)[donors].ravel()
            return replace(rows, index=rows.index[places])
        table = getattr(rows, role).copy()
        if role == "static":
            names = np.unique(self.series)
            turned = np.roll(names, -int(rng.integers(1, len(names))))
            first = np.searchsorted(self.series, turned)  # pieces are in order of the series
            table[:, columns] = table[first[np.searchsorted(names, self.series)]][:, columns]
            return replace(rows, static=table)
        cube = table.reshape(n, -1, table.shape[1])
        cube[:, :, columns] = cube[donors][:, :, columns]
        return replace(rows, **{role: table})

    def judged(self, rows: Rows, target: int) -> tuple[Floats, Floats]:
        """Actual values and forecasts of a target where it is known."""
        forecast = self.state.forecast(rows, self.origins)[:, :, target]
        actual = self.actual[:, :, target]
        seen = ~np.isnan(actual)
        return actual[seen], forecast[seen]


def _distances(origins: Integers, gap: int) -> Integers:
    """Numbers of places by which origins can be rotated so that each gets one at least `gap` rows away."""
    found = [places for places in range(1, len(origins)) if (np.abs(np.roll(origins, -places) - origins) >= gap).all()]
    return np.array(found, dtype=np.intp)
