"""Targets of windows as a lazy table of their own."""

import numpy as np

from .indexing import Table

__all__ = ["WindowTargets"]


class WindowTargets(Table):
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
    >>> from forecast import make_windows
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
        return np.ascontiguousarray(windows.normalized(windows.target_values[rows])).reshape(self.shape)

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
        >>> from forecast import make_windows
        >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0]), lookback=1, horizon=1)
        >>> windows.y.belongs_to(windows), windows.y.belongs_to(windows[:1])
        (True, False)
        """
        own = self.windows
        return own is windows or (
            isinstance(windows, type(own))
            and _same_memory(own.values, windows.values)
            and _same_memory(own.target_values, windows.target_values)
            and (own.horizon, own.n_targets, own.window_norm)
            == (windows.horizon, windows.n_targets, windows.window_norm)
            and np.array_equal(own.window_floor, windows.window_floor)
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
