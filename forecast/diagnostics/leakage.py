"""The check whether anything after an origin reaches a forecast made there."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._frames import Roles, enter, note_time, time_labels
from .._refusals import Refusal
from ..model_selection import RollingOrigin, backtest
from ..model_selection.splitters import in_time
from .networks import refuse_no_forecaster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from .._types import FrameLike

__all__ = ["LeakageError", "LeakageReport", "check_no_leakage"]


class LeakageError(AssertionError):
    """Values after an origin changed a forecast made there.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.model_selection import RollingOrigin
    >>> class Peeking(RollingOrigin):  # how much it trains on depends on the last value of all
    ...     def split(self, X, y=None, groups=None):
    ...         skip = int(100 * abs(X["y"].iloc[-1])) % 100
    ...         for train, test in super().split(X):
    ...             yield train[skip:], test
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
    >>> try:
    ...     check_no_leakage(model, make_ar1(300, random_state=0), cv=Peeking(4, 4))
    ... except LeakageError as error:
    ...     print(type(error).__name__)
    LeakageError
    """


@dataclass(frozen=True)
class LeakageReport:
    """The result of `check_no_leakage`.

    Attributes
    ----------
    cuts : list of labels
        Origins after which everything was scrambled.
    n_forecasts : int
        Number of compared values, all bit-identical.
    n_scrambled : int
        Number of values that were changed.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> report = check_no_leakage(SeriesForecaster(Ridge(), lookback=12, horizon=4), make_ar1(300, random_state=0))
    >>> len(report.cuts), report.n_scrambled
    (2, 40)
    """

    cuts: list[Any]
    n_forecasts: int
    n_scrambled: int


def check_no_leakage(
    model: Any,
    df: FrameLike,
    *,
    cv: Any = None,
    prepare: Callable[[Any], Any] | None = None,
    n_cuts: int = 2,
    random_state: int | np.random.RandomState | None = 0,
    static: FrameLike | None = None,
) -> LeakageReport:
    """Scramble the future and check that no earlier forecast changes.

    For some origins of a backtest (the cuts), later values are shuffled and made absurd: targets and past covariates
    right after the origin, future covariates after the end of the forecast. The backtest runs on both frames, with a
    fit at each origin and with one fit for all; every forecast from the cut and from earlier origins must be
    bit-identical.

    Parameters
    ----------
    model : SeriesForecaster
        Model, which is cloned. If the `random_state` of its regressor is None, it is set to 0, so that two fits can be
        compared.
    df : frame
        Data as for `fit`.
    cv : splitter, default=None
        Splitter of the backtest. None: `RollingOrigin(n_splits=4, horizon=model.horizon)`.
    prepare : callable, default=None
        Your own preprocessing: `prepare(df)` returns the frame for the model, for example with more columns, scaled, or
        smoothed. It runs again on each scrambled `df`, so a step that reads later rows is detected. `df` has the
        targets and everything else that `prepare` needs; its other columns are scrambled like past covariates. None:
        `df` is used as it is, and preprocessing before the call is not checked.
    n_cuts : int, default=2
        Number of origins after which to scramble, spread over the folds.
    random_state : int, default=0
        Seed of the scrambling.
    static : frame, default=None
        Static covariates of the series, as in `SeriesForecaster.fit`.

    Returns
    -------
    LeakageReport

    Raises
    ------
    LeakageError
        A forecast changed; the message says which, and by how much.
    TypeError, ValueError
        `prepare` does not return a frame; or as `backtest`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> df = make_ar1(300, random_state=0)
    >>> model = SeriesForecaster(Ridge(), target="y", lookback=12, horizon=4)
    >>> check_no_leakage(model, df).n_forecasts
    200

    A mean over rows on both sides knows the future:

    >>> def smooth(df):
    ...     return df.assign(mean=df["y"].rolling(5, center=True, min_periods=1).mean())
    >>> try:
    ...     check_no_leakage(model.set_params(past_covariates="mean"), df, prepare=smooth)
    ... except LeakageError:
    ...     print("leaks")
    leaks
    """
    refuse_no_forecaster(model, "check_no_leakage", "compares forecasts from the same origins")
    raw, kind = enter(df, "df")
    frame = _prepared(prepare, raw)
    model = _repeatable(clone(model))
    cv = RollingOrigin(n_splits=4, horizon=model.horizon) if cv is None else cv
    roles = Roles.of(
        frame,
        target=model.target,
        past_covariates=model.past_covariates,
        future_covariates=model.future_covariates,
        static_covariates=model.static_covariates,
        series=model.series,
        time=model.time,
        answer_in=kind,
        static=None if static is None else enter(static, "static")[0],
    )
    if roles.time is not None and model.time is None:
        note_time(roles.time, stacklevel=2)
        model.set_params(time=roles.time)
    cv = in_time(cv, roles.time)
    labels = time_labels(frame, roles, "df")
    firsts = [labels[np.asarray(test)].min() for _, test in cv.split(frame)]
    cuts = [firsts[number] for number in np.unique(np.linspace(0, len(firsts) - 1, n_cuts).round().astype(int))]
    columns = _columns(raw, roles, prepare)
    rng = np.random.default_rng(random_state)
    compared = scrambled = 0
    for refit in (True, False):
        honest = _forecasts(model, frame, cv, refit, static)
        for first in cuts:
            stamps = time_labels(raw, roles, "df")
            changed, count = _scramble(raw, columns, roles.future, stamps, first, model.horizon, rng)
            changed = _prepared(prepare, changed)
            moved = _scrambled_forecasts(model, changed, cv, refit, first, roles, static)
            compared += _compare(honest, moved, first, refit)
            scrambled += count
    return LeakageReport(cuts, compared, scrambled)


def _prepared(prepare: Callable[[pd.DataFrame], pd.DataFrame] | None, df: pd.DataFrame) -> pd.DataFrame:
    if prepare is None:
        return df
    return enter(prepare(df.copy()), "prepare(df)")[0]


def _columns(raw: pd.DataFrame, roles: Roles, prepare: Callable[[pd.DataFrame], pd.DataFrame] | None) -> list[Any]:
    """Columns to scramble: those that the model reads, and those that `prepare` may read."""
    used = [*roles.target, *roles.past, *roles.future]
    if prepare is None:
        return used
    fixed = [*used, *roles.static, *roles.ids, roles.time]
    return [label for label in used if label in raw.columns] + [label for label in raw.columns if label not in fixed]


def _repeatable(model: Any) -> Any:
    names = [name for name, value in model.get_params().items() if name.endswith("random_state") and value is None]
    model.set_params(**dict.fromkeys(names, 0))
    if model.regressor is None:
        from .._rnn import RNNForecaster

        model.set_params(regressor=RNNForecaster(random_state=0))
    return model


def _forecasts(model: Any, frame: pd.DataFrame, cv: Any, refit: bool, static: FrameLike | None) -> pd.DataFrame:
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):  # of skill, of overflow: half of these data are nonsense
            warnings.simplefilter("ignore", category)
        rows = backtest(model, frame, cv, refit=refit, static=static).frame
    return rows.drop(columns="actual")


def _scrambled_forecasts(
    model: Any, frame: pd.DataFrame, cv: Any, refit: bool, first: Any, roles: Roles, static: FrameLike | None
) -> pd.DataFrame:
    """Forecasts of a scrambled frame, from all origins or, if later ones fail on the absurd values, up to the cut.

    A transform may refuse absurd values, and its inverse may fail on forecasts made from them. As long as only later
    origins fail, this does not indicate a leak.
    """
    try:
        return _forecasts(model, frame, cv, refit, static)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return _forecasts(model, frame, _UpTo(cv, first, roles), refit, static)


class _UpTo:
    """The folds of a splitter whose test rows begin at a stamp or before it."""

    def __init__(self, cv: Any, first: Any, roles: Roles) -> None:
        self.cv, self.first, self.roles = cv, first, roles

    def __repr__(self) -> str:
        return repr(self.cv)

    def split(self, frame: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
        labels = time_labels(frame, self.roles, "df")
        for train, test in self.cv.split(frame):
            if labels[np.asarray(test)].min() <= self.first:
                yield train, test


def _scramble(
    frame: pd.DataFrame,
    columns: list[Any],
    future: Sequence[Any],
    labels: pd.Index,
    first: Any,
    horizon: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, int]:
    """A copy whose values after a cut are shuffled and made absurd, and their number."""
    changed, count = frame.copy(), 0
    ahead = labels[labels >= first].unique().sort_values()
    for label in columns:
        begin = first if label not in future else ahead[horizon] if len(ahead) > horizon else None
        if begin is None:
            continue
        rows = np.flatnonzero(labels >= begin)
        column = frame[label]
        values = column.iloc[rng.permutation(rows)].reset_index(drop=True)
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
            largest = np.nanmax(np.abs(column.to_numpy(dtype=np.float64)))
            absurd = values.to_numpy(dtype=np.float64) + 1.0 + largest * rng.uniform(0.5, 2.0, len(rows))
            values = pd.Series(absurd.astype(column.dtype if column.dtype.kind == "f" else np.float64))
            changed[label] = changed[label].astype(values.dtype)
        changed.iloc[rows, changed.columns.get_loc(label)] = values.to_numpy()
        count += len(rows)
    return changed, count


def _compare(honest: pd.DataFrame, changed: pd.DataFrame, first: Any, refit: bool) -> int:
    """Number of compared forecasts from origins before a time stamp; a change is an error."""
    keys = [name for name in honest.columns if name != "forecast" and not name.startswith(("lower_", "upper_"))]
    before = honest["origin"] < first
    one, other = honest[before], changed[changed["origin"] < first]
    if not one[keys].reset_index(drop=True).equals(other[keys].reset_index(drop=True)):
        raise LeakageError(Refusal(f"after scrambling from {first} on, other origins were forecast than before"))
    values, scrambled = one["forecast"].to_numpy(), other["forecast"].to_numpy()
    moved = values.view(np.int64) != scrambled.view(np.int64)
    if moved.any():
        row = one.iloc[int(np.argmax(moved))]
        raise LeakageError(
            Refusal(
                f"{int(moved.sum())} of {len(moved)} forecasts changed when everything from {first} on was scrambled "
                f"(refit={refit})",
                advice=(
                    f"The first: {row['model']}, origin {row['origin']}, step {row['step']}: "
                    f"{float(values[moved][0])!r} became {float(scrambled[moved][0])!r}. What the model is given or "
                    "fitted on knows the future."
                ),
            )
        )
    return len(values)
