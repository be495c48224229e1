"""Intervals of sample paths, and of sums of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._frames import enter, leave
from ._numbers import finite
from ._refusals import Refusal
from ._shares import shares
from ._types import FrameLike

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["path_interval"]


def path_interval(paths: FrameLike, coverage: float | Sequence[float] = 0.8) -> FrameLike:
    """Median and interval of each row of sample paths, such as sums of paths.

    Parameters
    ----------
    paths : frame
        Paths from `SeriesForecaster.sample`, or sums of its rows: a column `<target>_0`, `<target>_1` and so on for
        each path. Other columns, such as names of series, stay as they are.
    coverage : float or list of float, default=0.8
        Share of the paths inside the interval, in (0, 1), with equal shares below and above it. With n paths, the rank
        of a bound is n + 1 times its level (`numpy.quantile` with `method="weibull"`).

    Returns
    -------
    frame
        The rows of `paths`, with the columns of `SeriesForecaster.predict_interval`: for each target the median of the
        paths and its bounds, `<target>`, `<target>_lower` and `<target>_upper`; with a list of coverages,
        `<target>_lower_0.8`, `<target>_upper_0.8` and so on.

    Raises
    ------
    TypeError, ValueError
        `paths` is not a frame with all paths of a target, a value is NaN or infinite, or a coverage is out of range.

    See Also
    --------
    SeriesForecaster.sample : Paths of a fitted forecaster.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2026-01-30", periods=4)
    >>> paths = pd.DataFrame({"sold_0": [1.0, 2, 3, 4], "sold_1": [2.0, 3, 4, 5], "sold_2": [3.0, 4, 5, 6]}, index=days)
    >>> path_interval(paths.groupby(paths.index.month).sum(), coverage=0.5)
       sold  sold_lower  sold_upper
    1   5.0         3.0         7.0
    2   9.0         7.0        11.0
    """
    levels = list(dict.fromkeys(shares(coverage, "coverage", least=1)))
    frame, kind = enter(paths, "paths")
    found = _by_target(frame)
    ends = [f"_{level:g}" for level in levels] if np.ndim(coverage) else [""]
    wanted = [0.5, *(tail for level in levels for tail in ((1 - level) / 2, (1 + level) / 2))]
    names = ["", *(f"_{side}{end}" for end in ends for side in ("lower", "upper"))]
    taken = {column for columns in found.values() for column in columns}
    answer = frame[[column for column in frame.columns if column not in taken]].copy()
    for target, columns in found.items():
        quantiles = np.quantile(finite("paths", frame[columns]), wanted, axis=1, method="weibull")
        for name, quantile in zip(names, quantiles, strict=True):
            answer[f"{target}{name}"] = quantile
    return leave(answer, kind)


def _by_target(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Columns of the paths of each target, in order."""
    found: dict[str, dict[int, Any]] = {}
    for column in frame.columns:
        match = re.fullmatch(r"(.+)_(0|[1-9]\d*)", str(column), re.DOTALL)
        if match:
            found.setdefault(match[1], {})[int(match[2])] = column
    found = {name: own for name, own in found.items() if 0 in own}
    if not found:
        raise ValueError(
            Refusal(
                f"has the columns {list(frame.columns)[:5]}",
                where="paths",
                expected="columns of paths, such as 'y_0', 'y_1', as model.sample() gives them",
            )
        )
    for name, own in found.items():
        if max(own) >= len(own):
            numbers = ", ".join(map(str, sorted(own)[:10]))
            raise ValueError(Refusal(f"paths of {name!r} are numbered {numbers}", expected="all from 0 on"))
    return {name: [own[number] for number in range(len(own))] for name, own in found.items()}
