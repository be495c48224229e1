"""`Windows`: origins and references to the series, 2-D to scikit-learn."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._refusals import Refusal
from .._types import Booleans, Floats, Integers, WindowNorm
from .indexing import Table
from .levels import read_levels
from .norm import Norm, centre_and_scale, read_floor, undone
from .places import phases, series_at, series_names, series_rows
from .shapes import refuse_unlike_shapes
from .source import count_from_newest, source_arguments
from .targets import WindowTargets, targets

__all__ = ["Windows"]

_PIECE = 1 << 16  # windows looked at together where all of them are checked: little memory for millions of them


class Windows(Table):
    """Lazy table of windows over one or many series, 2-D to scikit-learn; `make_windows` builds it from a frame.

    Indexing with integers, slices, masks and `(rows, ...)` selects windows and shares the series; an int gives a table
    of one window. `numpy.asarray(windows)` is the matrix `(n, lookback * C + horizon * F + S)`: the past, time-major
    (reshaped to `(n, lookback, C)` it is the windows), then what is known of the future, step by step, then what never
    changes in a series.

    Parameters
    ----------
    values : ndarray of shape (rows, C), float32 or float64
        Values of the past, targets first, series after series. They are referenced, not copied.
    origins : array-like of int
        Position of the newest past row of each window, at least `lookback - 1` rows into its series. Without `horizon`
        rows after it in its series, a window has no targets: it can be forecast from, but not trained on.
    lookback, horizon : int
        Lengths in steps. With a lookback of 0 windows have no past, and the origin of the first is before its series.
    n_targets : int, default=1
        Number of targets: the first `n_targets` channels are forecast.
    window_norm : None, str or tuple, default=None
        As in `make_windows`.
    index : pandas.Index, default=None
        Labels of the rows of `values`; None counts them.
    freq : offset or int, default=1
        Frequency of `index`.
    channel_names : list of labels, default=None
        Names of the columns of `values`; None counts them.
    targets : ndarray of shape (rows, n_targets), default=None
        Values to forecast, NaN where missing; None: the first columns of `values`.
    future : ndarray of shape (rows, F), default=None
        Values known ahead for every row. A window reads those of the `horizon` rows after it, which must exist.
    static : ndarray of shape (n_series, S), default=None
        Values that do not change within a series.
    starts : ndarray of int64 of shape (n_series + 1,), default=None
        First row of each series, and the end. None: one series.
    series : pandas.Index, default=None
        Names of the series.
    clock : ndarray of int of shape (n_series,), default=None
        Time of each series' first row, in steps; None: all begin together.
    settled : ndarray of int of shape (rows,), default=None
        Row at which a row's values are known; None: the row itself. Interpolated values are known later.
    window_floor : float or array-like of shape (n_targets,) or (n_series, n_targets), default=None
        As in `make_windows`.
    levels : dict of str to list of int, default=None
        For "past", "future" and "static", the number of categories of each column that holds codes, from 0 on; 0 for a
        column of numbers. `RNNForecaster` learns a vector for each category; other regressors get the codes.
    elapsed : int, default=None
        Channel with the time since the previous row, for `RNNForecaster(cell="gru_decay")`; None: there is none.
    stamps : (int, int), default=None
        Channel, and column of `future`, with the time of each row; windows count it from their newest row.

    Attributes
    ----------
    past : ndarray of shape (rows, C)
        The same as `values`.
    dtype : numpy.dtype
        float32 or float64, as `values`.

    Examples
    --------
    >>> import numpy as np
    >>> windows = Windows(np.arange(6.0)[:, None], [1, 2, 5], lookback=2, horizon=2, window_norm="last")
    >>> np.asarray(windows)
    array([[-1.,  0.],
           [-1.,  0.],
           [-1.,  0.]])
    >>> windows.restore(np.zeros((3, 2)))
    array([[1., 1.],
           [2., 2.],
           [5., 5.]])
    """

    def __init__(
        self,
        values: Floats,
        origins: npt.ArrayLike,
        *,
        lookback: int,
        horizon: int,
        n_targets: int = 1,
        window_norm: WindowNorm = None,
        index: pd.Index | None = None,
        freq: pd.DateOffset | int = 1,
        channel_names: Sequence[Hashable] | None = None,
        targets: Floats | None = None,
        future: Floats | None = None,
        static: Floats | None = None,
        starts: Integers | None = None,
        series: pd.Index | None = None,
        clock: Integers | None = None,
        settled: Integers | None = None,
        window_floor: npt.ArrayLike | None = None,
        levels: dict[str, list[int]] | None = None,
        elapsed: int | None = None,
        stamps: tuple[int, int] | None = None,
    ) -> None:
        self._norm = Norm.of(window_norm, lookback)
        for name, array in (("values", values), ("targets", targets), ("future", future), ("static", static)):
            if array is not None and (array.ndim != 2 or array.dtype not in (np.float32, np.float64)):
                found = f"is {array.ndim}-D {array.dtype}"
                raise ValueError(Refusal(found, where=name, expected="2-D float32 or float64"))
        self.values = values
        self.origins = np.ascontiguousarray(origins)
        if self.origins.dtype != np.int32:
            self.origins = np.ascontiguousarray(self.origins, dtype=np.int64)
        self.lookback, self.horizon, self.n_targets = lookback, horizon, n_targets
        self.window_norm = tuple(window_norm) if isinstance(window_norm, list) else window_norm
        self.index = pd.RangeIndex(len(values)) if index is None else index
        self.freq = freq
        self.channel_names = list(range(values.shape[1])) if channel_names is None else channel_names
        self.targets, self.future, self.static = targets, future, static
        self.starts = np.array([0, len(values)], dtype=np.int64) if starts is None else starts
        self.series = series
        self.clock = clock
        self.settled = settled
        self.window_floor = read_floor(self, window_floor)
        self.elapsed, self.stamps = elapsed, stamps
        refuse_unlike_shapes(self)
        self._check_origins()
        self.levels = read_levels(self, levels)

    def _check_origins(self) -> None:
        n, rows = len(self.origins), len(self.values) - (not self.lookback)  # without a past there is a row behind
        if n and not (self.lookback - 1 <= self.origins.min() and self.origins.max() < rows):
            found = f"origins go from {self.origins.min()} to {self.origins.max()}"
            allowed = f"{self.lookback - 1} (lookback - 1) to {rows - 1} (the last row)"
            raise ValueError(Refusal(found, expected=allowed))
        self.has_future = not n or bool(self.origins.max() + self.horizon < len(self.values))
        if len(self.starts) == 2:
            return
        for piece in range(0, n, _PIECE):
            origins = self.origins[piece : piece + _PIECE]
            which = self._series_of(origins)
            early = origins - self.lookback + 1 < self.starts[which]
            if early.any():
                before = f"fewer than lookback = {self.lookback} rows of its series up to it"
                raise ValueError(Refusal(before, where=f"origin {origins[early][0]}:"))
            self.has_future = self.has_future and not (origins + self.horizon >= self.starts[which + 1]).any()

    @property
    def past(self) -> Floats:
        """Values of the past, shape (rows, C)."""
        return self.values

    @property
    def target_values(self) -> Floats:
        """Values to forecast, shape (rows, n_targets), NaN where missing."""
        return self.values[:, : self.n_targets] if self.targets is None else self.targets

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the series."""
        return self.values.dtype

    @property
    def mask(self) -> Booleans | None:
        """Mask of missing targets, shape (rows, n_targets); None if none can be missing."""
        return None if self.targets is None else np.isnan(self.targets)

    @property
    def n_channels(self) -> int:
        """Channels of a window's past: targets and covariates."""
        return self.values.shape[1]

    @property
    def n_extra(self) -> int:
        """Number of values of a window other than its past: `horizon * F + S`."""
        return (0 if self.future is None else self.horizon * self.future.shape[1]) + (
            0 if self.static is None else self.static.shape[1]
        )

    @property
    def target_names(self) -> Sequence[Hashable]:
        """Names of the columns that are forecast."""
        return self.channel_names[: self.n_targets]

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, lookback * C + horizon * F + S)`."""
        return len(self.origins), self.lookback * self.n_channels + self.n_extra

    @property
    def which(self) -> Integers:
        """Number of each window's series, shape (n,)."""
        return self._series_of(self.origins)

    def _series_of(self, origins: Integers) -> Integers:  # without a past, that of the row after an origin
        return series_at(self.starts, origins + (not self.lookback))

    @property
    def first_rows(self) -> Integers:
        """First row of each window's series, shape (n,)."""
        return self.starts[self.which]

    @property
    def time(self) -> Integers:
        """Time of each window's newest row, in steps from the earliest series' first, shape (n,)."""
        if len(self.starts) == 2 and self.clock is None:
            return self.origins
        offset = -self.starts[:-1] + (0 if self.clock is None else np.asarray(self.clock))
        time = np.empty(len(self.origins), dtype=self.origins.dtype)
        for piece in range(0, len(time), _PIECE):
            origins = self.origins[piece : piece + _PIECE]
            time[piece : piece + _PIECE] = origins + offset[self._series_of(origins)]
        return time

    @property
    def span(self) -> int | Integers:
        """Steps from a window's newest row to where its targets are known: the horizon, or of each window its own."""
        if self.settled is None:
            return self.horizon
        return self.settled[self.origins + self.horizon] - self.origins

    @property
    def timestamps(self) -> pd.Index:
        """Label of the newest past row of each window, of its first target without a past; a pandas.Index."""
        return self.index[self.origins + (not self.lookback)]

    def phase(self, length: int) -> Integers:
        """The phase of the oldest row of each window in a cycle.

        It follows from the time of that row: a stamp has the same phase in every `Windows` of the same frequency,
        whatever history they were made of. Hours and shorter steps count elapsed time (UTC), so that a cycle of 24
        continues through a clock change; days and longer steps follow the calendar; business days count the sessions of
        their calendar. Rows without labels are counted.

        Parameters
        ----------
        length : int
            Steps of the cycle.

        Returns
        -------
        ndarray of int64 of shape (n,)
            0 or more and less than `length`.

        Examples
        --------
        >>> import pandas as pd
        >>> from forecast import make_windows
        >>> days = pd.date_range("2024-01-01", periods=12)
        >>> series = pd.Series(range(12), index=days, dtype=float)
        >>> make_windows(series, lookback=3, horizon=1).phase(7)[:4]
        array([4, 5, 6, 0])
        >>> make_windows(series[2:], lookback=3, horizon=1).phase(7)[:2]
        array([6, 0])
        """
        return phases(self, length)

    @property
    def series_names(self) -> pd.Index:
        """Names of the series, a pandas.Index; of one series that has none, the name is None."""
        return series_names(self)

    def series_rows(self, names: pd.Index) -> Integers:
        """The number of each window's series in a list of names, such as those of a fit.

        Parameters
        ----------
        names : pandas.Index
            Unique names, as in `series_names`.

        Returns
        -------
        ndarray of int64 of shape (n,)
            -1 of a series that is not among them.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> starts, shops = np.array([0, 3, 6]), pd.Index(["a", "b"])
        >>> windows = Windows(np.ones((6, 1)), [2, 4, 5], lookback=2, horizon=1, starts=starts, series=shops)
        >>> windows.series_rows(pd.Index(["b", "c"]))
        array([-1,  0,  0])
        """
        return series_rows(self, names)

    @property
    def y(self) -> WindowTargets:
        """Targets of the windows, a lazy table of shape `(n, horizon * targets)`.

        Raises
        ------
        ValueError
            Some window ends too late in its series to have a future.
        """
        return targets(self)

    @property
    def y_sequences(self) -> WindowTargets:
        """Targets at every step of the lookback, a lazy table of shape `(n, lookback * horizon * targets)`.

        Those of the oldest step first: the `horizon` rows after it. For `RNNForecaster(return_sequences=True)`.

        Raises
        ------
        ValueError
            Some window has no future, or there is a `window_norm`, which depends on values after a step.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from forecast import make_windows
        >>> np.asarray(make_windows(pd.Series([1.0, 2.0, 4.0, 8.0, 16.0]), lookback=2, horizon=2).y_sequences)
        array([[ 2.,  4.,  4.,  8.],
               [ 4.,  8.,  8., 16.]])
        """
        return WindowTargets(self.y.windows, at_every_step=True)

    def at(self, origins: npt.ArrayLike) -> "Windows":
        """Windows of the same series at other origins, with or without a future.

        Parameters
        ----------
        origins : array-like of int
            Positions of the newest past rows, at least `lookback - 1` rows into a series.

        Returns
        -------
        Windows

        Raises
        ------
        ValueError
            An origin is outside that range.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from forecast import make_windows
        >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=1, horizon=1)
        >>> np.asarray(windows.at([2]))
        array([[4.]])
        """
        names = ["lookback", "horizon", "n_targets", "window_norm", "index", "freq", "channel_names", "targets"]
        names += ["future", "static", "starts", "series", "clock", "settled", "window_floor", "levels", "elapsed"]
        names += ["stamps"]
        return Windows(self.values, origins, **{name: getattr(self, name) for name in names})

    _at = at

    def _matrix(self) -> Floats:
        windows = np.empty((len(self), 0, self.n_channels), dtype=self.dtype)
        if self.lookback:
            view = np.lib.stride_tricks.sliding_window_view(self.values, self.lookback, axis=0)
            windows = np.ascontiguousarray(view.transpose(0, 2, 1)[self.origins - (self.lookback - 1)])
        if self.window_norm is not None:
            windows[:, :, : self.n_targets] = self.normalized(windows[:, :, : self.n_targets], first=0)
        newest = count_from_newest(self, windows)
        parts = [windows.reshape(len(self), self.lookback * self.n_channels)]
        if self.future is not None:
            if not self.has_future:
                raise ValueError(Refusal(f"some windows have fewer than horizon = {self.horizon} rows of known future"))
            rows = self.origins[:, None] + np.arange(1, self.horizon + 1)
            ahead = self.future[rows] - newest
            parts.append(ahead.reshape(len(self), self.horizon * self.future.shape[1]))
        if self.static is not None:
            parts.append(self.static[self.which])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1, dtype=self.dtype)

    def _centre_and_scale(self, first: int, n_steps: int) -> tuple[Floats, Floats | None]:
        """Of the steps from `first` on, 0 being the oldest of the past: (n, 1 or steps, targets)."""
        floor = self.window_floor
        floor = floor if floor is None or len(floor) == 1 else floor[self.which]
        steps = np.arange(first, first + n_steps)
        return centre_and_scale(self._norm, self.values, self.origins, self.lookback, self.n_targets, steps, floor)

    def normalized(self, values: Floats, first: int | None = None) -> Floats:
        """Values of the targets, (n, steps, targets), in the units of `.y` and in their own precision.

        Parameters
        ----------
        values : ndarray of shape (n, steps, targets)
        first : int, default=None
            The step of the first value: 0 is the oldest of the past. None: the first of the horizon.

        Returns
        -------
        ndarray of the same shape and dtype

        Examples
        --------
        >>> import numpy as np
        >>> windows = Windows(np.arange(6.0)[:, None], [5], lookback=2, horizon=1, window_norm="last")
        >>> windows.normalized(np.array([[[6.0]]]))
        array([[[1.]]])
        """
        if self.window_norm is None:
            return values
        centre, scale = self._centre_and_scale(self.lookback if first is None else first, values.shape[1])
        moved = values - centre
        return (moved if scale is None else moved / scale).astype(values.dtype, copy=False)

    def normalize(self, forecast: npt.ArrayLike) -> Floats:
        """Convert a forecast from the units of the series to the units of `.y`.

        Parameters
        ----------
        forecast : array-like of shape (n, horizon * targets) or (n,)

        Returns
        -------
        ndarray of the same shape, float64

        Examples
        --------
        >>> import numpy as np
        >>> windows = Windows(np.arange(6.0)[:, None], [1, 5], lookback=2, horizon=1, window_norm="last")
        >>> windows.normalize([2.0, 6.0])
        array([1., 1.])
        """
        return self._moved(forecast, lambda cube, centre, scale: (cube - centre) / scale)

    def restore(self, prediction: npt.ArrayLike) -> Floats:
        """Convert a prediction from the units of `.y` to the units of the series.

        Parameters
        ----------
        prediction : array-like of shape (n, horizon * targets) or (n,)
            (n,) only where `horizon * targets` is 1.

        Returns
        -------
        ndarray of the same shape, float64

        Raises
        ------
        ValueError
            The shape is another, or a prediction overflows in the units of the series.

        Examples
        --------
        >>> import numpy as np
        >>> windows = Windows(np.arange(6.0)[:, None], [1, 5], lookback=2, horizon=1, window_norm="last")
        >>> windows.restore([1.0, 1.0])
        array([2., 6.])
        """
        return self._moved(prediction, undone)

    def _moved(self, numbers: npt.ArrayLike, move: Callable[..., Floats]) -> Floats:
        numbers = np.asarray(numbers, dtype=np.float64)
        expected = (len(self), self.horizon * self.n_targets)
        if numbers.shape != expected and not (expected[1] == 1 and numbers.shape == expected[:1]):
            wanted = f"{expected}, one row per window, horizon-major"
            raise ValueError(Refusal(f"got shape {numbers.shape}", expected=wanted))
        if self.window_norm is None:
            return numbers.copy()
        centre, scale = self._centre_and_scale(self.lookback, self.horizon)
        cube = numbers.reshape(len(self), self.horizon, self.n_targets)
        return move(cube, centre.astype(np.float64), 1.0 if scale is None else scale).reshape(numbers.shape)

    def source_arguments(self) -> dict[str, Any]:
        """Keyword arguments with which the core gathers these windows from the series.

        Returns
        -------
        dict
            Arguments of `_core.Source`, without targets (`target=None`) if some window has no future.

        Examples
        --------
        >>> import pandas as pd
        >>> from forecast import make_windows
        >>> make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=2, horizon=1).source_arguments()["past_shift"]
        -1
        """
        return source_arguments(self)

    def __repr__(self) -> str:
        series = f"series={len(self.starts) - 1}, " if len(self.starts) > 2 else ""
        given = ((name, getattr(self, name)) for name in ("levels", "elapsed", "stamps"))
        return (
            f"Windows(n={len(self)}, {series}lookback={self.lookback}, horizon={self.horizon}, "
            f"channels={self.channel_names}, targets={self.n_targets}, window_norm={self.window_norm!r}, "
            f"dtype={self.dtype}{''.join(f', {name}={value}' for name, value in given if value is not None)})"
        )
