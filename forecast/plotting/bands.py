"""Forecasts with bounds, read from users' frames: bounds by coverage, or quantiles by level."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._frames import as_frame, enter
from .._refusals import Fix, Refusal, argument
from .reading import Lines, levels_of, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .._types import FrameLike

__all__ = ["Predictions", "bands_of_interval", "intervals_of", "predictions_of", "quantiles_of", "read_predictions"]

_BOUND = re.compile(r"(?:(?P<target>.+)_)?lower_(?P<level>0?\.\d+)")
_QUANTILE = re.compile(r"(?P<target>.+)_(?P<level>0?\.\d+)")


@dataclass(frozen=True)
class Predictions:
    """One series, ready to draw."""

    history: pd.Series
    forecast: pd.Series
    actual: pd.Series | None = None
    intervals: dict[Any, pd.DataFrame] = field(default_factory=dict)


def bands_of_interval(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    """The columns `lower_0.8` and `upper_0.8` of a report as `lower` and `upper`."""
    return pd.DataFrame({side: frame[f"{side}_{level:g}"] for side in ("lower", "upper")})


def predictions_of(
    model: Any,
    X: FrameLike | None,
    history: FrameLike | None,
    actual: FrameLike | None,
    levels: list[float],
    target: Any,
    series: Any,
) -> dict[Any, Predictions]:
    """Forecasts of a fitted model, its intervals, and the rows before them.

    Parameters
    ----------
    model : SeriesForecaster
    X, history, actual, target
        As of `ForecastDisplay.from_estimator`.
    levels : list of float
        Coverages; empty: no intervals.
    series : label, list of labels or None
        As there.

    Returns
    -------
    dict of label to Predictions
        One entry per series; the key is None where there is one series only.
    """
    given = actual if X is None else X
    answer = model.predict(given, history=history)
    # Rows that were given name their series and stamps themselves; the answer has its own where none were.
    rows = Lines(answer if given is None else given, model, "the forecast" if given is None else "X")
    bounds: Any = enter(model.predict_interval(given, history=history, coverage=levels))[0] if levels else None
    forecast = enter(answer)[0][target] if hasattr(answer, "columns") else answer
    past = Lines(model.history_ if history is None else history, model, "history")
    known = None if actual is None else Lines(actual, model, "actual")
    if known is None and X is not None and target in rows.frame.columns:
        known = rows
    parts: dict[Any, Predictions] = {}
    several = isinstance(series, list)  # several have titles, which name the series
    for key in _keys(model, rows, series):
        intervals = {}
        for level in levels:
            sides = {side: rows.of(key, bounds[f"{target}_{side}_{level:g}"]) for side in ("lower", "upper")}
            intervals[level] = pd.DataFrame(sides)
        came = None if known is None else known.column(key, target)
        came = None if came is None or came.isna().all() else came
        before = past.column(key, target).rename(target if key is None or several else f"{target}, {key}")
        parts[key] = Predictions(before, rows.of(key, forecast), came, intervals)
    return parts


def _keys(model: Any, rows: Lines, series: Any) -> list[Any]:
    """Names of the series to draw; [None] for a model of one series."""
    if model.series is not None:
        return [one_of(one, rows.keys, "series") for one in (series if isinstance(series, list) else [series])]
    if series is not None:
        raise ValueError(
            Refusal(
                f"is {series!r}, but the model was fitted on one series", where="series", fix=argument("series", None)
            )
        )
    return [None]


def read_predictions(
    history: Any, forecast: Any, actual: Any, intervals: Any, coverage: Any, target: Any
) -> Predictions:
    """Read what `ForecastDisplay.from_predictions` is given.

    Parameters
    ----------
    history, forecast, actual, intervals, coverage, target
        As there.

    Returns
    -------
    Predictions

    Raises
    ------
    TypeError, ValueError
        As there.
    """
    levels = levels_of(coverage)
    if len(levels) > 1:
        raise ValueError(
            Refusal(
                f"is {coverage!r}",
                where="coverage",
                expected="one number, of bounds that do not say it themselves",
                fix=Fix("intervals={0.5: frame, 0.8: frame}", ""),
            )
        )
    level = levels[0] if levels else None
    history = _flat(history, "history")
    forecast = _by_level(forecast) if isinstance(forecast, dict) else _flat(forecast, "forecast")
    forecast = _by_name(forecast, target, history.columns)
    quantiles = [name for name in forecast.columns if _is_level(name)]
    line, target = _line(forecast, quantiles, target, history)
    bands = _bounds(forecast, line, target, level) | _pairs(forecast, quantiles)
    if intervals is not None:
        given = intervals if isinstance(intervals, dict) else {level: intervals}
        for one, frame in given.items():
            bands |= _bounds(_flat(frame, "intervals"), line, target, one)
    past = history[target] if target in history.columns else history.iloc[:, 0]
    known = None
    if actual is not None:
        frame = _flat(actual, "actual")
        known = (frame[target] if target in frame.columns else frame.iloc[:, 0]).astype(np.float64)
    return Predictions(past.astype(np.float64), line, known, bands)


def _flat(frame: pd.DataFrame | pd.Series, what: str) -> pd.DataFrame:
    """A frame of one series, indexed by time."""
    frame = as_frame(enter(frame, what)[0], what)
    if frame.index.nlevels > 1:
        raise ValueError(
            Refusal(
                f"has an index of {frame.index.nlevels} levels, {list(frame.index.names)}",
                where=what,
                expected="one series by time",
                fix=Fix(f"{what} = {what}.xs({frame.index[0][0]!r}, level=0)", ""),
            )
        )
    if not len(frame) or not len(frame.columns):
        raise ValueError(Refusal(f"has shape {frame.shape}", where=what, expected="at least one row and one column"))
    return frame


def _is_level(name: Any) -> bool:
    return isinstance(name, Real) and not isinstance(name, bool) and 0 < float(name) < 1


def _by_level(given: Mapping[float, Any]) -> pd.DataFrame:
    """A dict of frames by level as one frame."""
    columns = {float(level): _flat(frame, f"forecast[{level!r}]").iloc[:, 0] for level, frame in given.items()}
    if not columns or not all(_is_level(level) for level in columns):
        raise ValueError(
            Refusal(
                f"has the keys {list(given)}",
                where="forecast",
                expected="levels between 0 and 1, such as 0.1, 0.5, 0.9",
            )
        )
    names = {column.name for column in columns.values()}
    frame = pd.DataFrame(columns)
    frame.attrs["target"] = names.pop() if len(names) == 1 else None
    return frame


def _by_name(frame: pd.DataFrame, target: Any, names: Any) -> pd.DataFrame:
    """Columns `<target>_0.1` of one target, None is the first in `names`, as columns 0.1; without such, the frame."""
    matches = {name: _QUANTILE.fullmatch(str(name)) for name in frame.columns if name not in names}
    found = {name: (match["target"], float(match["level"])) for name, match in matches.items() if match}
    found = {name: pair for name, pair in found.items() if not re.search(r"(^|_)(lower|upper)$", pair[0])}
    if not found:
        return frame
    targets = list(dict.fromkeys(own for own, _ in found.values()))
    known = [str(name) for name in names]
    own = next((own for own in targets if own in known), targets[0]) if target is None else str(target)
    own = one_of(own, targets, "target")
    part = pd.DataFrame({level: frame[name] for name, (one, level) in found.items() if one == own})
    part.attrs["target"] = own
    return part


def _line(forecast: pd.DataFrame, quantiles: list[float], target: Any, history: pd.DataFrame) -> tuple[pd.Series, Any]:
    """The line of the forecast, and the name of the target."""
    if quantiles:
        if 0.5 not in quantiles:
            raise ValueError(
                Refusal(f"has the levels {sorted(quantiles)}", where="forecast", expected="0.5, the line, among them")
            )
        name = forecast.attrs.get("target") if target is None else target
        return forecast[0.5].astype(np.float64), history.columns[0] if name is None else name
    plain = [name for name in forecast.columns if not re.search(r"(^|_)(lower|upper)(_|$)", str(name))]
    if not plain:
        raise ValueError(
            Refusal(
                f"has the columns {list(forecast.columns)}: bounds, but no line",
                where="forecast",
                fix=Fix("intervals=bounds", ""),
            )
        )
    if target is None:
        target = next((name for name in plain if name in history.columns), plain[0])
    column = "forecast" if target not in plain and "forecast" in plain else one_of(target, plain, "target")
    return forecast[column].astype(np.float64), target


def _bounds(frame: pd.DataFrame, line: pd.Series, target: Any, coverage: Any) -> dict[float, pd.DataFrame]:
    """Bands of the columns of bounds: `<target>_lower_0.8`, `lower_0.8`, `<target>_lower`, or plainly `lower`."""
    found, columns = {}, list(frame.columns)
    for name in columns:
        match = _BOUND.fullmatch(str(name))
        upper = match and f"{str(name).removesuffix('lower_' + match['level'])}upper_{match['level']}"
        if match and match["target"] in (None, str(target)) and upper in columns:
            found[float(match["level"])] = (name, upper)
    for lower, upper in ((f"{target}_lower", f"{target}_upper"), ("lower", "upper")):
        if lower in columns and upper in columns:
            found.setdefault(coverage, (lower, upper))
    bands = {}
    for level, (lower, upper) in found.items():
        if not frame.index.equals(line.index):
            raise ValueError(
                Refusal(
                    f"the bounds go from {frame.index[0]} to {frame.index[-1]} in {len(frame)} rows, the forecast "
                    f"from {line.index[0]} to {line.index[-1]} in {len(line)}",
                    expected="the same rows",
                )
            )
        bands[level] = pd.DataFrame({"lower": frame[lower], "upper": frame[upper]}).astype(np.float64)
    return bands


def intervals_of(given: Any, target: Any) -> dict[float, Any]:
    """Bounds by coverage: a dict as it is, a frame as `predict_interval(coverage=[...])` gives it.

    Parameters
    ----------
    given : dict or frame
    target : label or None
        None: the only one.

    Returns
    -------
    dict of float to pandas.DataFrame
    """
    if isinstance(given, dict):
        return given
    frame = as_frame(enter(given, "intervals")[0], "intervals")
    matches = [match for match in (_BOUND.fullmatch(str(name)) for name in frame.columns) if match]
    target = _only([match["target"] for match in matches], target, "intervals", "y_lower_0.8 and y_upper_0.8")
    return _bounds(frame, frame, target, None)


def quantiles_of(given: Any, target: Any) -> dict[float, Any]:
    """Quantiles by level: a dict as it is, a frame as `predict_quantiles` gives it; parameters as `intervals_of`.

    Returns
    -------
    dict of float to array-like
    """
    if isinstance(given, dict):
        return given
    frame = as_frame(enter(given, "quantiles")[0], "quantiles")
    if all(_is_level(name) for name in frame.columns):
        return {float(name): column for name, column in frame.items()}
    matches = [match for match in (_QUANTILE.fullmatch(str(name)) for name in frame.columns) if match]
    target = _only([match["target"] for match in matches], target, "quantiles", "y_0.1 and y_0.9")
    return {float(name): column for name, column in _by_name(frame, target, []).items()}


def _only(found: Any, target: Any, what: str, example: str) -> Any:
    """The target that some columns are of."""
    found = list(dict.fromkeys(found))
    if not found:
        raise ValueError(
            Refusal(f"is a frame without columns such as {example}", where=what, advice="Expected them, or a dict.")
        )
    if target is not None and str(target) in found:
        return str(target)
    if len(found) > 1:
        raise ValueError(Refusal(f"has columns of the targets {found}", where=what, expected="those of one of them"))
    return found[0]


def _pairs(frame: pd.DataFrame, levels: Sequence[float]) -> dict[float, pd.DataFrame]:
    """Bands between levels on both sides of the median."""
    bands, left = {}, sorted(level for level in levels if level != 0.5)
    for level in [level for level in left if level < 0.5]:
        partner = next((other for other in left if abs(1 - level - other) < 1e-9), None)
        if partner is None:
            raise ValueError(
                Refusal(f"has no partner {1 - level:g} on the other side; got {sorted(levels)}", where=f"level {level}")
            )
        bands[round(1 - 2 * level, 9)] = pd.DataFrame({"lower": frame[level], "upper": frame[partner]})
        left = [other for other in left if other not in (level, partner)]
    if left:
        raise ValueError(
            Refusal(f"has no partner {1 - left[0]:g} on the other side; got {sorted(levels)}", where=f"level {left[0]}")
        )
    return bands
