"""Windows of a series: a lazy table that scikit-learn can index and the core can gather from.

Shapes: n windows, T lookback, C channels (targets first, then past covariates), K horizon times targets, horizon-major.
A window is its origin, the position of its newest past row; the values stand once, in the buffer of the series.
"""

import operator

import numpy as np
import pandas as pd

from ._frames import as_frame, check_length, column_names, frequency_of, read_values

__all__ = ["WindowTargets", "Windows", "make_windows"]

_NORMS = (None, "last")


def make_windows(df, *, target=None, lookback, horizon, past_covariates=None, step=1, window_norm=None):
    """Table of all windows of a series that have both a past and a future.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        One row per time step, regular index (DatetimeIndex, PeriodIndex or integer steps), finite numbers.
    target : label or list of labels, default=None
        Columns to forecast. None is right for a series or a frame of one column.
    lookback : int
        Steps of the past in a window.
    horizon : int
        Steps to forecast after a window's newest row.
    past_covariates : label or list of labels, default=None
        More columns to look back on. A target named here as well stands once.
    step : int, default=1
        Rows from one window to the next; the first window starts at the first row, so
        `make_windows(..., step=s)` is `make_windows(...)[::s]`.
    window_norm : {None, "last"}, default=None
        "last" subtracts a window's newest value of each target from that target's past and future, so that a drifting
        level does not matter. Covariates are not touched. `Windows.restore` inverts it.

    Returns
    -------
    Windows
        Of shape `(n, lookback * channels)`; its `.y` has the targets.

    Raises
    ------
    TypeError, ValueError
        The frame is not a regular, numeric, finite series long enough for one window, or a parameter is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> series = pd.Series([1.0, 2.0, 4.0, 8.0, 16.0])
    >>> windows = make_windows(series, lookback=2, horizon=1)
    >>> windows.shape, windows.y.shape
    ((3, 2), (3, 1))
    >>> import numpy as np
    >>> np.asarray(windows[1:])
    array([[2., 4.],
           [4., 8.]])
    """
    lookback, horizon, step = (
        _positive(name, value) for name, value in (("lookback", lookback), ("horizon", horizon), ("step", step))
    )
    frame = as_frame(df, "df")
    targets, channels = column_names(frame, target, past_covariates)
    freq = frequency_of(frame.index)
    check_length(len(frame), lookback, horizon)
    return Windows(
        read_values(frame, channels),
        np.arange(lookback - 1, len(frame) - horizon, step, dtype=np.int64),
        lookback=lookback,
        horizon=horizon,
        n_targets=len(targets),
        window_norm=window_norm,
        index=frame.index,
        freq=freq,
        channel_names=channels,
    )


def _positive(name, value):
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected a whole number of steps, 1 or more.") from None
    if number < 1 or isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} is {value!r}; expected a whole number of steps, 1 or more.")
    return number


class _Table:
    """The indexing protocol that windows and their targets share; rows are selected, never columns."""

    ndim = 2

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        return self._at(self.origins[_row_key(key)])

    def __iter__(self):
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError(f"{type(self).__name__} are computed on demand: an array of them is always a copy.")
        matrix = self._matrix()
        return matrix if dtype is None else matrix.astype(dtype, copy=False)


def _row_key(key):
    """Rows asked for, in scikit-learn's forms too: `(rows, Ellipsis)`, lists, masks; an int selects a table of one."""
    if isinstance(key, tuple):
        if len(key) != 2 or not (key[1] is Ellipsis or (isinstance(key[1], slice) and key[1] == slice(None))):
            raise IndexError(f"got the index {key!r}; only rows can be selected: windows[rows] or windows[rows, ...].")
        key = key[0]
    if isinstance(key, slice) or key is Ellipsis:
        return key
    key = np.asarray(key)
    if key.dtype.kind not in "iub":
        if key.size:
            raise IndexError(f"got an index of {key.dtype}; expected whole numbers, a mask or a slice.")
        key = key.astype(np.intp)
    if key.ndim > 1:
        raise IndexError(f"got an index with {key.ndim} dimensions; expected 1.")
    return key.reshape(1) if key.ndim == 0 and key.dtype.kind != "b" else key


class Windows(_Table):
    """Lazy table of windows over one series, 2-D to scikit-learn; `make_windows` builds it from a frame.

    Indexing with integers, slices, masks and `(rows, ...)` selects windows and shares the series; an int gives a table
    of one window. `numpy.asarray(windows)` is the matrix `(n, lookback * channels)`, time-major: reshaped to
    `(n, lookback, channels)` it is the windows.

    Parameters
    ----------
    values : ndarray of shape (rows, channels), float32 or float64
        The series, targets first. Referred to, not copied.
    origins : array-like of int
        Position of the newest past row of each window, `lookback - 1` to `rows - 1`. Without `horizon` rows after it, a
        window has no targets: it can be forecast from, but not trained on.
    lookback, horizon : int
        In steps.
    n_targets : int, default=1
        The first `n_targets` channels are forecast.
    window_norm : {None, "last"}, default=None
        As in `make_windows`.
    index : pandas.Index, default=None
        Labels of the rows of `values`; None counts them.
    freq : offset or int, default=1
        Frequency of `index`.
    channel_names : list of labels, default=None
        Names of the columns of `values`; None counts them.

    Attributes
    ----------
    past : ndarray of shape (rows, channels)
        The same as `values`.
    future, static, mask : None
        Known future, static values and a mask of the missing: none in this version.
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

    future = None
    static = None
    mask = None

    def __init__(
        self,
        values,
        origins,
        *,
        lookback,
        horizon,
        n_targets=1,
        window_norm=None,
        index=None,
        freq=1,
        channel_names=None,
    ):
        if window_norm not in _NORMS:
            raise ValueError(f"window_norm is {window_norm!r}; expected one of {', '.join(map(repr, _NORMS))}.")
        if values.ndim != 2 or values.dtype not in (np.float32, np.float64):
            raise ValueError(f"values is {values.ndim}-D {values.dtype}; expected 2-D float32 or float64.")
        self.values = values
        self.origins = np.ascontiguousarray(origins, dtype=np.int64)
        self.lookback = lookback
        self.horizon = horizon
        self.n_targets = n_targets
        self.window_norm = window_norm
        self.index = pd.RangeIndex(len(values)) if index is None else index
        self.freq = freq
        self.channel_names = list(range(values.shape[1])) if channel_names is None else channel_names
        if len(self.origins) and not (lookback - 1 <= self.origins.min() and self.origins.max() < len(values)):
            raise ValueError(
                f"origins go from {self.origins.min()} to {self.origins.max()}; expected {lookback - 1} (lookback - "
                f"1) to {len(values) - 1} (the last row)."
            )

    @property
    def past(self):
        """The series that windows look back on, shape (rows, channels)."""
        return self.values

    @property
    def dtype(self):
        """Precision of the series."""
        return self.values.dtype

    @property
    def n_channels(self):
        """Channels of a window: targets and past covariates."""
        return self.values.shape[1]

    @property
    def target_names(self):
        """Names of the columns that are forecast."""
        return self.channel_names[: self.n_targets]

    @property
    def shape(self):
        """`(n, lookback * channels)`."""
        return len(self.origins), self.lookback * self.n_channels

    @property
    def timestamps(self):
        """Label of the newest past row of each window, a pandas.Index of length n."""
        return self.index[self.origins]

    @property
    def has_future(self):
        """Whether every window has its `horizon` rows of targets."""
        return not len(self.origins) or bool(self.origins.max() + self.horizon < len(self.values))

    @property
    def y(self):
        """Targets of the windows, a lazy table of shape `(n, horizon * targets)`.

        Raises
        ------
        ValueError
            Some window ends too late in the series to have a future.
        """
        if not self.has_future:
            late = int((self.origins + self.horizon >= len(self.values)).sum())
            raise ValueError(
                f"{late} of {len(self)} windows have no targets: fewer than horizon = {self.horizon} rows follow them."
            )
        return WindowTargets(self)

    def at(self, origins):
        """Windows of the same series at other origins, with or without a future.

        Parameters
        ----------
        origins : array-like of int
            Positions of the newest past rows, `lookback - 1` to `rows - 1`.

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
        >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=1, horizon=1)
        >>> np.asarray(windows.at([2]))
        array([[4.]])
        """
        return Windows(
            self.values,
            origins,
            lookback=self.lookback,
            horizon=self.horizon,
            n_targets=self.n_targets,
            window_norm=self.window_norm,
            index=self.index,
            freq=self.freq,
            channel_names=self.channel_names,
        )

    _at = at

    def _matrix(self):
        view = np.lib.stride_tricks.sliding_window_view(self.values, self.lookback, axis=0)
        windows = np.ascontiguousarray(view.transpose(0, 2, 1)[self.origins - (self.lookback - 1)])
        if self.window_norm is not None:
            windows[:, :, : self.n_targets] -= self._anchor()[:, None, :]
        return windows.reshape(self.shape)

    def _anchor(self):
        """What `window_norm` takes off each target of each window, shape (n, targets)."""
        return self.values[self.origins, : self.n_targets]

    def normalize(self, forecast):
        """Take a forecast in the units of the series to the units of `.y`.

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
        return self._shift(forecast, -1.0)

    def restore(self, prediction):
        """Take a prediction in the units of `.y` back to the units of the series.

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
            The shape is another.

        Examples
        --------
        >>> import numpy as np
        >>> windows = Windows(np.arange(6.0)[:, None], [1, 5], lookback=2, horizon=1, window_norm="last")
        >>> windows.restore([1.0, 1.0])
        array([2., 6.])
        """
        return self._shift(prediction, 1.0)

    def _shift(self, numbers, sign):
        numbers = np.asarray(numbers, dtype=np.float64)
        expected = (len(self), self.horizon * self.n_targets)
        if numbers.shape != expected and not (expected[1] == 1 and numbers.shape == expected[:1]):
            raise ValueError(f"got shape {numbers.shape}; expected {expected}, one row per window, horizon-major.")
        if self.window_norm is None:
            return numbers.copy()
        cube = numbers.reshape(len(self), self.horizon, self.n_targets)
        return (cube + sign * self._anchor().astype(np.float64)[:, None, :]).reshape(numbers.shape)

    def source_arguments(self):
        """Keyword arguments with which the core gathers these windows from the series.

        Returns
        -------
        dict
            Of `_core.Source`; without targets (`target=None`, `horizon=0`) where some window has no future.

        Examples
        --------
        >>> import pandas as pd
        >>> make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=2, horizon=1).source_arguments()["past_shift"]
        -1
        """
        known = self.has_future
        anchored = self.window_norm == "last"
        target_columns = np.arange(self.n_targets, dtype=np.int32)
        return {
            "past": self.values,
            "lookback": self.lookback,
            "origin": self.origins,
            "past_stride": 1,
            "past_shift": -(self.lookback - 1),
            "target": self.values[:, : self.n_targets] if known else None,
            "horizon": self.horizon if known else 0,
            "target_stride": 1,
            "target_shift": 1,
            "anchor": (np.arange(self.n_channels) < self.n_targets).astype(np.int32) if anchored else None,
            "target_anchor": target_columns if anchored and known else None,
        }

    def __repr__(self):
        return (
            f"Windows(n={len(self)}, lookback={self.lookback}, horizon={self.horizon}, channels={self.channel_names}, "
            f"targets={self.n_targets}, window_norm={self.window_norm!r}, dtype={self.dtype})"
        )


class WindowTargets(_Table):
    """Lazy table of the targets of windows, `(n, horizon * targets)`: step 1 of all targets, then step 2, and so on.

    Parameters
    ----------
    windows : Windows
        Each with a future.

    Attributes
    ----------
    windows : Windows

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0, 8.0]), lookback=1, horizon=2)
    >>> np.asarray(windows.y)
    array([[2., 4.],
           [4., 8.]])
    """

    def __init__(self, windows):
        self.windows = windows

    @property
    def origins(self):
        """Position of the newest past row of each window."""
        return self.windows.origins

    @property
    def dtype(self):
        """Precision of the series."""
        return self.windows.dtype

    @property
    def shape(self):
        """`(n, horizon * targets)`."""
        return len(self.windows.origins), self.windows.horizon * self.windows.n_targets

    def _at(self, origins):
        return WindowTargets(self.windows.at(origins))

    def _matrix(self):
        windows = self.windows
        rows = windows.origins[:, None] + np.arange(1, windows.horizon + 1)
        targets = windows.values[rows, : windows.n_targets]
        if windows.window_norm is not None:
            targets -= windows._anchor()[:, None, :]
        return np.ascontiguousarray(targets).reshape(self.shape)

    def belongs_to(self, windows):
        """Whether these are the targets of exactly these windows, so that the core may gather both at once.

        Parameters
        ----------
        windows : object
            Anything; only `Windows` can be a match.

        Returns
        -------
        bool

        Examples
        --------
        >>> import pandas as pd
        >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=1, horizon=1)
        >>> windows.y.belongs_to(windows), windows.y.belongs_to(windows[:1])
        (True, False)
        """
        own = self.windows
        return own is windows or (
            isinstance(windows, Windows)
            and _same_memory(own.values, windows.values)
            and (own.horizon, own.n_targets, own.window_norm)
            == (windows.horizon, windows.n_targets, windows.window_norm)
            and np.array_equal(own.origins, windows.origins)
        )

    def __repr__(self):
        return f"WindowTargets(shape={self.shape}, of={self.windows!r})"


def _same_memory(one, other):
    """The same array or two views of the same memory: a worker process may unpickle one memory map as two objects."""
    if one is other:
        return True
    keys = ("data", "shape", "strides", "typestr")
    mine, theirs = one.__array_interface__, other.__array_interface__
    return all(mine[key] == theirs[key] for key in keys)
