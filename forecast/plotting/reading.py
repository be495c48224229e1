"""Reading what users pass to plots: frames of one or many series, fitted models, reports of a backtest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._frames import Layout, Roles, as_frame, as_stamps, blocks_of, enter
from .._refusals import Refusal, argument
from .._series import SeriesForecaster
from .._shares import shares
from ..baselines import NAIVE
from ..model_selection import BacktestReport

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any

    from .._types import Booleans, Floats

__all__ = [
    "Lines",
    "actual_rows",
    "check_forecaster",
    "check_report",
    "history_of",
    "levels_of",
    "models_of",
    "name_of",
    "numbers_of",
    "of_series",
    "one_of",
    "order_of",
    "rows_of",
    "step_unit",
]


def one_of(name: Any, known: Any, what: str) -> Any:
    """A name that is there; None is the first."""
    known = list(known)
    name = known[0] if name is None else name
    if name not in known:
        shown = known if len(known) <= 12 else [*known[:12], "..."]
        raise ValueError(Refusal(f"{what} {name!r} is not there", expected=f"one of {shown}"))
    return name


def levels_of(coverage: Any, what: str = "coverage") -> list[float]:
    """Shares between 0 and 1 as a list, ascending; None gives an empty list."""
    if coverage is None:
        return []
    return sorted(shares(coverage, what))


def numbers_of(values: Any, what: str) -> Floats:
    """One column of numbers as a float array of one dimension."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array):
        raise ValueError(
            Refusal(f"has shape {array.shape}", where=what, expected="(n,), one series, such as one column of it")
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == object):
        raise TypeError(Refusal(f"holds {array.dtype} values", where=what, expected="numbers"))
    return array.astype(np.float64)


# -------------------- frames and models


def check_forecaster(model: Any) -> None:
    """Refuse a model that does not forecast frames."""
    if not isinstance(model, SeriesForecaster):
        raise TypeError(
            Refusal(
                f"is a {type(model).__name__}",
                where="model",
                expected="a fitted SeriesForecaster",
                advice="Use from_predictions for the forecasts of something else.",
            )
        )


def name_of(model: Any) -> str:
    """The name of a fitted forecaster if none was given."""
    if model.regressor is not None:
        return type(model.regressor_).__name__
    return "recipe" if model.members is None else "members"


class Lines:
    """Rows of a frame by series and time, read with the roles of a model.

    Parameters
    ----------
    frame : frame
        Frame with series names and time stamps in the layout of the model's data.
    model : SeriesForecaster
    what : str
        Name of the argument in messages.
    """

    def __init__(self, frame: Any, model: Any, what: str) -> None:
        frame = as_frame(enter(frame, what)[0], what)
        roles = Roles([], series=model.series, time=model._state.roles.time)
        layout = Layout.of(frame, roles, what)
        self.frame, self.what = frame, what
        self.labels = as_stamps(layout.labels(frame))
        self.keys, self._numbers = [None], None  # names of the series in order of appearance
        if roles.series is not None:
            blocks = blocks_of(frame, layout, what)
            self.keys, self._numbers = blocks.keys.tolist(), blocks.by_row()

    def of(self, key: Any, values: Any) -> pd.Series:
        """Values of one series by time, from an array with one value per row."""
        keep = slice(None) if self._numbers is None else self._numbers == self.keys.index(key)
        return pd.Series(np.asarray(values, dtype=np.float64)[keep], self.labels[keep]).sort_index(kind="stable")

    def column(self, key: Any, name: str) -> pd.Series:
        """A column of one series by time."""
        columns = self.frame.columns
        if name not in columns and len(columns) == 1:  # a Series without the target's name
            name = columns[0]
        if name not in columns:
            raise ValueError(Refusal(f"has no column {name!r}; its columns are {list(columns)}", where=f"{self.what}"))
        return self.of(key, self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)).rename(name)


# -------------------- reports


def check_report(report: Any) -> None:
    """Refuse an object that is not the report of a backtest."""
    if not isinstance(report, BacktestReport):
        raise TypeError(
            Refusal(
                f"is a {type(report).__name__}",
                where="report",
                expected="a BacktestReport, as forecast.model_selection.backtest returns it",
            )
        )


def rows_of(report: Any, target: Hashable | None = None, series: Any = None) -> tuple[Any, Any]:
    """The part of a report on one target, and on one series where it is named.

    Parameters
    ----------
    report : BacktestReport
    target : label, default=None
        None is the first.
    series : label or list of labels, default=None
        None keeps all.

    Returns
    -------
    part : BacktestReport
    target : label
    """
    check_report(report)
    frame = report.frame
    target = one_of(target, frame["target"].unique(), "target")
    keep = frame["target"] == target
    if series is not None:
        if "series" not in frame.columns:
            raise ValueError(
                Refusal(
                    f"is {series!r}, but the backtest was of one series", where="series", fix=argument("series", None)
                )
            )
        known = frame["series"].unique()
        wanted = [one_of(one, known, "series") for one in (series if isinstance(series, list) else [series])]
        if not wanted:
            raise ValueError(Refusal("is empty", where="series", expected="at least one name"))
        keep &= frame["series"].isin(wanted)
    return report if keep.all() else replace(report, frame=frame[keep]), target


def of_series(report: Any, series: Any) -> tuple[Any, Any]:
    """The part of a report on one series, None is the first, and its name; all of it where there is one only."""
    if "series" not in report.frame.columns:
        return rows_of(report, series=series)[0], None
    series = one_of(series, report.frame["series"].unique(), "series")
    return replace(report, frame=report.frame[report.frame["series"] == series]), series


def models_of(report: Any, models: str | Sequence[str] | None, *, naive: bool = True) -> list[str]:
    """Names of models to draw, best first: those given; None is all of them, the naive ones where asked for."""
    if models is None:
        return [name for name in report.summary().index if naive or name not in NAIVE]
    names = order_of(report)
    models = [models] if isinstance(models, str) else list(models)
    if not models:
        raise ValueError(Refusal("is empty", where="models", expected=f"some of {names}"))
    return [one_of(name, names, "model") for name in models]


def order_of(report: Any) -> list[str]:
    """Names of a report's models as they were given to the backtest, the naive ones last."""
    return list(report.frame["model"].unique())


def actual_rows(report: Any, model: Any) -> pd.DataFrame:
    """Rows of one model whose actual value is known, in order of time."""
    frame = report.frame
    rows = frame[(frame["model"] == model) & frame["actual"].notna() & frame["forecast"].notna()]
    return rows.sort_values(["timestamp", "step"], kind="stable")


def history_of(df: Any, report: Any, origin: Any, target: Hashable | None, series: Any) -> pd.Series:
    """Values of one target of one series up to an origin, out of the data of a backtest.

    A report does not say where its data have their time stamps, so they are found by its labels.
    """
    frame = as_frame(enter(df, "df")[0], "df")
    labels = _found(frame, [origin], "origin")
    values = frame[target] if target in frame.columns else frame.iloc[:, 0]
    keep = np.ones(len(frame), dtype=bool)
    if series is not None:
        keep = _is_series(frame, report, series)
    found = pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan)[keep], labels[keep], name=target)
    return found.sort_index(kind="stable").loc[:origin]


def _is_series(frame: pd.DataFrame, report: Any, series: Any) -> Booleans:
    """Which rows of the data of a backtest are those of a series."""
    parts = dict(zip(report.ids, series if len(report.ids) > 1 else [series], strict=True))
    if not report.ids or not set(parts) <= {*frame.columns, *frame.index.names}:
        return np.asarray(_found(frame, report.frame["series"].unique(), "series") == series)
    keep = np.ones(len(frame), dtype=bool)
    for label, part in parts.items():
        values = frame[label] if label in frame.columns else frame.index.get_level_values(label)
        keep &= np.asarray(values == part, dtype=bool)
    return keep


def _found(frame: pd.DataFrame, wanted: Sequence[Any], what: str) -> Any:
    """The level of the index, or the column, that has all of some labels."""
    levels = [frame.index.get_level_values(number) for number in range(frame.index.nlevels)]
    columns = [frame[name] for name in frame.columns[~frame.columns.duplicated()]]
    for labels in (*levels, *(pd.Index(column, dtype=column.dtype) for column in columns)):
        try:
            if set(wanted) <= set(labels):
                return labels
        except TypeError:  # labels that cannot be compared, such as stamps with and without a zone
            continue
    raise ValueError(
        Refusal(
            f"has {what} {wanted[0]!r} of the report neither in its index nor in a column",
            where="df",
            advice="Give the df that backtest was given.",
        )
    )


_UNITS = (
    (pd.Timedelta(seconds=1), "seconds"),
    (pd.Timedelta(minutes=1), "minutes"),
    (pd.Timedelta(hours=1), "hours"),
    (pd.Timedelta(days=1), "days"),
    (pd.Timedelta(days=7), "weeks"),
)
_LONG = ((28, 31, "months"), (89, 92, "quarters"), (365, 366, "years"))


def step_unit(frame: pd.DataFrame) -> str | None:
    """Unit of the steps of a report: "hours", "30 min", ...; None for an integer index.

    Parameters
    ----------
    frame : pandas.DataFrame
        As in a report.

    Returns
    -------
    str or None
    """
    first = frame[frame["step"] == 1]
    origin, stamp = pd.Index(first["origin"]), pd.Index(first["timestamp"])
    if isinstance(origin, pd.PeriodIndex):
        origin, stamp = origin.to_timestamp(), stamp.to_timestamp()
    if not isinstance(origin, pd.DatetimeIndex) or not len(origin):
        return None
    gap = (stamp - origin).median()
    if gap == pd.Timedelta(days=1) and stamp.day_of_week.max() < 5 and len(stamp.unique()) >= 5:
        return "business days"
    for unit, name in _UNITS:
        if gap == unit:
            return name
    for low, high, name in _LONG:
        if pd.Timedelta(days=low) <= gap <= pd.Timedelta(days=high):
            return name
    minutes = gap / pd.Timedelta(minutes=1)
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h" if minutes < 1440 else f"{minutes / 1440:g} d"
