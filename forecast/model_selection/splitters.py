"""Splitters in time order, for scikit-learn and for backtests: a rolling origin, and folds with purged borders.

Both count in steps. A step is a row or, if several series share their time stamps, a time stamp: all rows of one time
stamp fall on the same side of a cut.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from .._frames import FOREIGN, as_stamps, enter, only_counts, time_columns
from .._refusals import Fix, Refusal, Words, argument, joined
from .._types import Integers

__all__ = ["PurgedTimeSeriesSplit", "RollingOrigin"]


def in_time(splitter: Any, time: Hashable | None) -> Any:
    """Let a splitter of this package count the time stamps of a column or level, if it does not name one.

    Parameters
    ----------
    splitter : splitter
    time : label or None

    Returns
    -------
    splitter
        Any other splitter, and one with its own `time`, is returned as it is.
    """
    if time is None or not isinstance(splitter, _TimeSplitter) or splitter.time is not None:
        return splitter
    told = copy(splitter)
    told.time = time
    return told


class _TimeSplitter:
    """Base of both splitters: integer parameters, and folds counted in steps converted to rows."""

    n_splits: int
    time: Hashable

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Count the folds.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        int
        """
        return self.n_splits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def _store(self, **counts: Any) -> None:
        """Store the parameters, each count with the least that it may be; one that may be None has a third entry."""
        for name, (value, least, *none) in counts.items():
            if not (value is None and none):
                whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
                if not whole or value < least:
                    raise ValueError(Refusal(f"is {value!r}", where=name, expected=f"a whole number, {least} or more"))
            setattr(self, name, value)


class RollingOrigin(_TimeSplitter):
    """Folds whose test part is the `horizon` steps after an origin that moves forward; the last fold ends with the
    data.

    For one series a step is a row. If time stamps repeat (a panel: a MultiIndex with a level of times, an index with
    repeated times, windows of several series, or a column that `time` names), a step is a time stamp of any of the
    series. The test part then has all rows of the `horizon` time stamps after the origin, the training part all rows up
    to it. A series may have no rows in some folds. Positions are in the order of the rows.

    Parameters
    ----------
    n_splits : int, default=5
        Number of origins.
    horizon : int, default=1
        Number of test steps of each fold.
    step : int, default=None
        Number of steps from one origin to the next; None: `horizon`, so that no row is tested twice.
    gap : int, default=0
        Number of steps before the origin that are left out of training. `backtest` still reads them as the past.
    max_train_size : int, default=None
        Number of newest steps to train on (a sliding window); None: all steps before the origin (an expanding window).
    time : label, default=None
        Column or index level of the time stamps. None: the index, if its time stamps repeat; the only column of time
        stamps, if the index only counts rows; otherwise rows are counted.

    Raises
    ------
    ValueError
        A count is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> for train, test in RollingOrigin(n_splits=2, horizon=3).split(np.zeros(10)):
    ...     print(train, test)
    [0 1 2 3] [4 5 6]
    [0 1 2 3 4 5 6] [7 8 9]

    Two shops, the second of which opened a day later:

    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03"])
    >>> panel = pd.DataFrame({"day": days, "shop": list("aaabb"), "sold": [3.0, 4.0, 5.0, 1.0, 2.0]})
    >>> for train, test in RollingOrigin(n_splits=2, time="day").split(panel):
    ...     print(train, test)
    [0] [1 3]
    [0 1 3] [2 4]
    """

    horizon: int
    step: int | None
    gap: int
    max_train_size: int | None

    def __init__(
        self,
        n_splits: int = 5,
        horizon: int = 1,
        step: int | None = None,
        gap: int = 0,
        max_train_size: int | None = None,
        time: Hashable | None = None,
    ) -> None:
        self._store(
            n_splits=(n_splits, 1),
            horizon=(horizon, 1),
            step=(step, 1, None),
            gap=(gap, 0),
            max_train_size=(max_train_size, 1, None),
        )
        self.time = time

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Integers, Integers]]:
        """Row positions of each fold, oldest origin first.

        Parameters
        ----------
        X : array-like or frame with a length
            pandas, or with `time` also polars or Arrow.
        y, groups : ignored

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            There are too few steps for `n_splits` origins, or the time stamps of a panel are unknown or missing.
        """
        steps = _Steps(X, self.time)
        step = self.horizon if self.step is None else self.step
        first = steps.count - self.horizon - (self.n_splits - 1) * step
        if first - self.gap < 1:
            raise ValueError(
                Refusal(
                    f"{steps.count} {steps.name} are too few for {self.n_splits} origins {step} {steps.name} apart "
                    f"with horizon {self.horizon} and gap {self.gap}",
                    got="the first fold would have nothing to train on",
                    expected=joined(
                        f"at least {steps.count + 1 - first + self.gap} {steps.name}",
                        Words(", or fewer splits, or a shorter horizon", ""),
                    ),
                    fix=_fewer(
                        (steps.count - self.horizon - self.gap - 1) // step + 1,
                        "fewer --origins, a smaller --step or a shorter --horizon",
                    ),
                )
            )
        for start in range(first, steps.count - self.horizon + 1, step):
            end = start - self.gap
            begin = 0 if self.max_train_size is None else max(0, end - self.max_train_size)
            yield steps.rows(begin, end), steps.rows(start, start + self.horizon)


class PurgedTimeSeriesSplit(_TimeSplitter):
    """Test blocks in time order; training rows that share information with the test block are purged.

    If targets span several steps, as those of windows and triple-barrier labels do, neighbouring rows have nearly the
    same targets. At the border of a plain fold they leak the answer. So training leaves out the `purge` steps before
    the test block and the `purge + embargo` steps after it.

    For windows that look back `lookback` steps and forecast `horizon`:

    - with `purge=horizon - 1`, no value is a target both in training and in test;
    - with `embargo=lookback` as well, no test target is an input of a later training window;
    - with `purge=lookback + horizon - 1`, no row at all is in both, as input or as target.

    Steps are counted as in `RollingOrigin`. Windows made with `step=s` are s rows apart, so fewer of them have to be
    purged.

    Parameters
    ----------
    n_splits : int, default=5
        Number of test blocks, which do not overlap.
    test_size : int, default=None
        Number of steps of each block; the last block ends with the data. None: all steps are divided evenly among the
        blocks; with `past_only`, the first of `n_splits + 1` parts is only used for training.
    purge : int, default=0
        Number of steps on either side of the test block whose targets overlap with it.
    embargo : int, default=0
        Number of further steps after the test block that are still too similar to it.
    past_only : bool, default=False
        Whether to train only on the past, as in practice. False: train on both sides of the test block, which uses the
        most data for comparing models.
    time : label, default=None
        Column or index level of the time stamps. None: the index, if its time stamps repeat; the only column of time
        stamps, if the index only counts rows; otherwise rows are counted.

    Raises
    ------
    ValueError
        A parameter is out of range.

    References
    ----------
    Lopez de Prado: Advances in Financial Machine Learning. Wiley 2018, chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> for train, test in PurgedTimeSeriesSplit(n_splits=3, purge=1, embargo=1).split(np.zeros(12)):
    ...     print(train, test)
    [ 6  7  8  9 10 11] [0 1 2 3]
    [ 0  1  2 10 11] [4 5 6 7]
    [0 1 2 3 4 5 6] [ 8  9 10 11]

    Windows of 24 steps that forecast 6:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_val_score
    >>> from forecast import make_windows
    >>> from forecast.datasets import make_ar1
    >>> windows = make_windows(make_ar1(300, random_state=0), lookback=24, horizon=6)
    >>> cv = PurgedTimeSeriesSplit(n_splits=4, purge=windows.horizon - 1, embargo=windows.lookback)
    >>> cross_val_score(Ridge(), windows, windows.y, cv=cv).shape
    (4,)
    """

    test_size: int | None
    purge: int
    embargo: int

    def __init__(
        self,
        n_splits: int = 5,
        test_size: int | None = None,
        purge: int = 0,
        embargo: int = 0,
        past_only: bool = False,
        time: Hashable | None = None,
    ) -> None:
        if not isinstance(past_only, (bool, np.bool_)):
            raise ValueError(Refusal(f"is {past_only!r}", where="past_only", expected="True or False"))
        self._store(n_splits=(n_splits, 1), test_size=(test_size, 1, None), purge=(purge, 0), embargo=(embargo, 0))
        self.past_only = past_only
        self.time = time

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Integers, Integers]]:
        """Row positions of each fold, oldest test block first.

        Parameters
        ----------
        X : array-like or frame with a length
            pandas, or with `time` also polars or Arrow.
        y, groups : ignored

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            There are too few steps for the blocks, a block has nothing to train on, or a panel's time stamps are
            unknown or missing.
        """
        steps = _Steps(X, self.time)
        folds = []
        for number, (start, end) in enumerate(self._blocks(steps)):
            before = steps.rows(0, start - self.purge)
            after = steps.count if self.past_only else end + self.purge + self.embargo
            train = np.union1d(before, steps.rows(after, steps.count))
            if not len(train):
                raise ValueError(
                    Refusal(
                        f"test block {number}, {steps.name} {start} to {end - 1} of {steps.count}, has nothing to "
                        f"train on with purge {self.purge}, embargo {self.embargo} and past_only {self.past_only}",
                        expected="smaller ones of these, or smaller test blocks",
                    )
                )
            folds.append((train, steps.rows(start, end)))
        yield from folds

    def _blocks(self, steps: _Steps) -> list[tuple[int, int]]:
        """First step of each test block and the first after it."""
        size = self.test_size
        if size is None and self.past_only:
            size = steps.count // (self.n_splits + 1)
        least = self.n_splits * (size or 1)
        if size == 0 or least > steps.count:
            raise ValueError(
                Refusal(
                    f"{steps.count} {steps.name} are too few for {self.n_splits} test blocks",
                    expected=f"at least {least + (size == 0)}, or fewer splits, or a smaller test_size",
                    fix=_fewer(steps.count // size if size else steps.count - (size == 0)),
                )
            )
        if size is None:
            edges = np.linspace(0, steps.count, self.n_splits + 1).astype(int)
        else:
            edges = steps.count - size * np.arange(self.n_splits, -1, -1)
        return [(int(start), int(end)) for start, end in pairwise(edges)]


def _fewer(n_splits: int, command: str | None = None) -> Fix:
    return Fix(f"n_splits={n_splits}" if n_splits > 0 else None, command)


class _Steps:
    """The steps of a table: its rows, or its distinct time stamps in order.

    Attributes
    ----------
    count : int
    name : str
        What a step is, for messages.
    """

    def __init__(self, X: Any, time: Hashable) -> None:
        labels = _labels(X, time)
        if labels is None:
            self.count, self.name, self._step_of_row = (X.shape[0] if hasattr(X, "shape") else len(X)), "rows", None
            return
        self._step_of_row, stamps = pd.factorize(labels, sort=True)
        self.count, self.name = len(stamps), "time stamps"

    def rows(self, begin: int, end: int) -> Integers:
        """Positions of the rows of steps `begin` to `end - 1`, in row order."""
        begin, end = max(begin, 0), min(end, self.count)
        if self._step_of_row is None:
            return np.arange(begin, max(begin, end))
        return np.flatnonzero((self._step_of_row >= begin) & (self._step_of_row < end))


def _labels(X: Any, time: Hashable) -> pd.Index | None:
    """Time stamp of each row as a pandas.Index, or None where rows are the steps."""
    index = X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None
    if time is not None:
        return _checked(_named(X, index, time), f"{time!r}")
    if index is None and type(X).__module__.partition(".")[0] in FOREIGN:
        X = enter(X)[0]
        index = X.index
    if index is None:
        several = len(getattr(X, "starts", ())) > 2  # windows of a panel
        return _checked(pd.Index(X.timestamps), "timestamps") if several else None
    if isinstance(index, pd.MultiIndex):
        levels = [k for k in range(index.nlevels) if _is_time(index.levels[k].dtype)]
        if len(levels) != 1:
            names = [index.names[level] for level in levels or range(index.nlevels)]
            raise ValueError(
                Refusal(
                    f"has levels {list(index.names)}, of which {len(levels)} hold dates",
                    where="the index",
                    expected="one, or the name of the level of time stamps as time=",
                    fix=None if names[-1] is None else argument("time", names[-1]),
                )
            )
        return _checked(index.get_level_values(levels[0]), "the index")
    found = [] if _is_time(index.dtype) or not isinstance(X, pd.DataFrame) else time_columns(X)
    if len(found) == 1 and (only_counts(index) or not index.is_unique):
        return _checked(pd.Index(X[found[0]], dtype=X[found[0]].dtype), f"column {found[0]!r}")
    if index.is_unique:
        return None
    return _checked(index, "the index")


def _named(X: Any, index: pd.Index | None, time: Hashable) -> pd.Index:
    columns = getattr(X, "column_names", None) or list(getattr(X, "columns", ()))  # Arrow, or pandas and polars
    if time in columns:
        column = X[time]
        return pd.Index(column, dtype=column.dtype) if isinstance(column, pd.Series) else pd.Index(column.to_numpy())
    if index is not None and time in index.names:
        return index.get_level_values(time)
    raise ValueError(
        Refusal(
            f"is {time!r}, which is not a column{'' if index is None else ' or index level'} of X, a "
            f"{type(X).__name__} with columns {columns}; None counts rows",
            where="time",
            fix=argument("time", None),
        )
    )


def _is_time(dtype: Any) -> bool:
    return isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)) or getattr(dtype, "kind", "") == "M"


def _checked(labels: pd.Index, where: str) -> pd.Index:
    """Refuse labels that have no order in time."""
    labels = as_stamps(labels)
    if not (_is_time(labels.dtype) or getattr(labels.dtype, "kind", "") in "iu"):
        raise TypeError(
            Refusal(
                f"has {labels.dtype} labels that repeat or were named as time",
                where=where,
                expected=(
                    "dates, periods or whole numbers: pd.to_datetime reads them, and time= names the column or level "
                    "of the time stamps"
                ),
            )
        )
    missing = labels.isna()
    if missing.any():
        raise ValueError(
            Refusal(
                f"has {int(missing.sum())} missing time stamps, the first at row {int(missing.argmax())}",
                where=where,
                expected="one in every row",
            )
        )
    return labels
