"""Series of a panel that cannot be read or forecast: the others are forecast, and a warning names them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._frames import Layout, blocks_of
from .._refusals import Refusal, Words, argument, for_command, joined, refusal_of
from .._types import Integers

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import Roles

__all__ = [
    "LateSeriesWarning", "ShortHistoryWarning", "SkippedSeriesWarning", "check_errors", "listed", "read_able",
    "rows_by_series", "warn_left_out", "warn_of",
]  # fmt: skip

T = TypeVar("T")

_SHOWN = 3


class _SeriesWarning(UserWarning):
    """A warning about some series of a panel.

    Attributes
    ----------
    series : list
        Their names.
    """

    def __init__(self, message: object, series: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.series = list(series)


class SkippedSeriesWarning(_SeriesWarning):
    """Some series of a panel are left out, or their new rows were not appended; the others are processed.

    Attributes
    ----------
    series : list
        Names of the series that are left out.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> days = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
    >>> shops = pd.concat([pd.DataFrame({"shop": shop, "y": range(40)}, index=days) for shop in ("a", "b")])
    >>> model = SeriesForecaster(Ridge(), target="y", series="shop", lookback=7, horizon=2).fit(shops)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     forecast = model.predict(history=shops.iloc[:45])
    >>> sorted(set(forecast["shop"])), caught[0].message.series
    (['a'], ['b'])
    """


class LateSeriesWarning(_SeriesWarning):
    """Some series of a panel end before the others, so their forecasts begin earlier.

    Attributes
    ----------
    series : list
        Names of the late series.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> days = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
    >>> shops = pd.concat([pd.DataFrame({"shop": shop, "y": range(40)}, index=days) for shop in ("a", "b")])
    >>> model = SeriesForecaster(Ridge(), target="y", series="shop", lookback=7, horizon=2).fit(shops[shops["y"] < 39])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     forecast = model.update(shops.iloc[[39]]).predict()
    >>> caught[0].message.series, forecast.groupby("shop").apply(lambda rows: rows.index[0].day).to_dict()
    (['b'], {'a': 10, 'b': 9})
    """


class ShortHistoryWarning(_SeriesWarning):
    """Some series have fewer rows than the lookback, or none: their forecasts are less certain.

    Attributes
    ----------
    series : list
        Names of these series.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> days = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
    >>> shops = pd.concat([pd.DataFrame({"shop": shop, "y": range(40)}, index=days) for shop in ("a", "b")])
    >>> model = SeriesForecaster(Ridge(), target="y", series="shop", lookback=7, horizon=2, missing="mask").fit(shops)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     forecast = model.predict(history=shops.iloc[:45])
    >>> caught[0].message.series, sorted(set(forecast["shop"]))
    (['b'], ['a', 'b'])
    """


def check_errors(errors: object) -> None:
    """Refuse an unknown value of `errors`."""
    if errors not in ("warn", "raise"):
        raise ValueError(Refusal(f"is {errors!r}", where="errors", expected="'warn' or 'raise'"))


def read_able(
    read: Callable[[pd.DataFrame], T], frame: pd.DataFrame, roles: Roles, what: str
) -> tuple[T, dict[Any, Exception]]:
    """The data of a frame, without the refused series.

    Parameters
    ----------
    read : callable
        Function from a frame to what it holds.
    frame : pandas.DataFrame
    roles : Roles
    what : str
        Name of the frame in messages.

    Returns
    -------
    object
        As `read` returns it.
    refused : dict of key to Exception
        Why each series was left out.

    Raises
    ------
    ValueError
        As `read`, where it would refuse each series, or refuses the frame for what is wrong in none.
    """
    try:
        return read(frame), {}
    except ValueError:
        if roles.series is None:
            raise
        pieces = rows_by_series(frame, roles, what)
        refused: dict[Any, Exception] = {}
        for key, rows in pieces.items():
            try:
                read(frame.iloc[rows])
            except ValueError as error:
                refused[key] = error
        if not refused or len(refused) == len(pieces):
            raise
    rows = np.sort(np.concatenate([rows for key, rows in pieces.items() if key not in refused]))
    return read(frame.iloc[rows]), refused


def rows_by_series(frame: pd.DataFrame, roles: Roles, what: str) -> dict[Any, Integers]:
    """Rows of each series in a frame, by the name of the series.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
        Roles with `series`.
    what : str
        Name of the frame in messages.

    Returns
    -------
    dict of key to ndarray of int
    """
    if not len(frame):
        return {}
    blocks = blocks_of(frame, Layout.of(frame, roles, what), what)
    order = np.argsort(blocks.by_row(), kind="stable")
    lengths = np.bincount(blocks.by_row())
    return dict(zip(blocks.keys.tolist(), np.split(order, lengths.cumsum()[:-1]), strict=True))


def warn_of(category: type[_SeriesWarning], message: str, series: Iterable[Any], stacklevel: int) -> None:
    """A warning about some series, at the line of the user's call."""
    warnings.warn(category(message, series), stacklevel=stacklevel + 1)


def warn_left_out(refused: dict[Any, Exception], n: int, stacklevel: int) -> None:
    """Warn of the series, of `n`, that are left out, and say why."""
    text = joined(
        f"{len(refused)} of {n} series are left out: ", listed(refused), ". ", argument("errors", "raise"),
        " refuses instead.",
    )  # fmt: skip
    warn_of(SkippedSeriesWarning, text, refused, stacklevel + 1)


def listed(reasons: Mapping[Any, Exception | str]) -> Words:
    """Names of series and what is said of each, the first three.

    Parameters
    ----------
    reasons : dict of key to Exception or str

    Returns
    -------
    Words
    """
    return Words(_listed(reasons, str), _listed(reasons, for_command))


def _listed(reasons: Mapping[Any, Exception | str], said: Callable[[Any], str]) -> str:
    if list(reasons) == [None]:  # one series without a name
        return _short(reasons[None], said)
    shown = [f"{_quoted(key)} ({_short(reason, said)})" for key, reason in list(reasons.items())[:_SHOWN]]
    more = f", ... ({len(reasons)} in all)" if len(reasons) > _SHOWN else ""
    return ", ".join(shown) + more


def _quoted(key: Any) -> str:
    return repr(key.item() if isinstance(key, np.generic) else key)


def _short(reason: Exception | str, said: Callable[[Any], str]) -> str:
    """The refusal of one series without its name and without advice for it."""
    refusal = refusal_of(reason).but(advice="", fix=None) if isinstance(reason, Exception) else reason
    text = re.sub(r"\s*Fix: .*", "", said(refusal), flags=re.DOTALL)
    return re.sub(r"^series .+?: ", "", text).rstrip(". ")
