"""Targets of windows as a lazy table of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal, argument
from .._types import Floats, Integers
from .indexing import Table

if TYPE_CHECKING:
    from .table import Windows

__all__ = ["WindowTargets", "at_every_step", "targets"]


class WindowTargets(Table):
    """Lazy table of the targets of windows, `(n, horizon * targets)`: step 1 of all targets, then step 2, and so on.

    Parameters
    ----------
    windows : Windows
        Each with a future.
    at_every_step : bool, default=False
        Whether to give targets at every step of the lookback, oldest step first: the `horizon` rows after each step,
        shape `(n, lookback * horizon * targets)`. Only for windows without a `window_norm`.

    Attributes
    ----------
    windows : Windows
    at_every_step : bool

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import make_windows
    >>> windows = make_windows(pd.Series([1.0, 2.0, 4.0, 8.0]), lookback=1, horizon=2)
    >>> np.asarray(windows.y)
    array([[2., 4.],
           [4., 8.]])
    """

    def __init__(self, windows: Windows, at_every_step: bool = False) -> None:
        if at_every_step and windows.window_norm is not None:
            raise ValueError(
                Refusal(
                    f"window_norm={windows.window_norm!r} is read from the whole lookback, so a step before the "
                    "newest would see what comes after it",
                    expected="none for targets at every step",
                    fix=argument("window_norm", None),
                )
            )
        self.windows = windows
        self.at_every_step = at_every_step

    @property
    def origins(self) -> Integers:
        """Position of the newest past row of each window."""
        return self.windows.origins

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the series."""
        return self.windows.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, horizon * targets)`, at every step `(n, lookback * horizon * targets)`."""
        steps = self.windows.lookback if self.at_every_step else 1
        return len(self.windows.origins), steps * self.windows.horizon * self.windows.n_targets

    def _at(self, origins: Integers) -> WindowTargets:
        return WindowTargets(self.windows.at(origins), self.at_every_step)

    def _matrix(self) -> Floats:
        windows = self.windows
        if self.at_every_step:
            steps = windows.origins[:, None, None] + np.arange(1 - windows.lookback, 1)[:, None]
            return windows.target_values[steps + np.arange(1, windows.horizon + 1)].reshape(self.shape)
        rows = windows.origins[:, None] + np.arange(1, windows.horizon + 1)
        return np.ascontiguousarray(windows.normalized(windows.target_values[rows])).reshape(self.shape)

    def belongs_to(self, windows: Any) -> bool:
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
            and np.array_equal(own.window_floor, windows.window_floor)  # type: ignore[arg-type]  # None equals None
            and np.array_equal(own.origins, windows.origins)
        )

    def __repr__(self) -> str:
        every = ", at every step" if self.at_every_step else ""
        return f"WindowTargets(shape={self.shape}{every}, of={self.windows!r})"

    def source_arguments(self) -> dict[str, Any]:
        """Keyword arguments with which the core gathers the windows with these targets.

        Returns
        -------
        dict
            Arguments of `_core.Source`.
        """
        arguments = self.windows.source_arguments()
        if not self.at_every_step:
            return arguments
        steps = self.windows.lookback
        ahead = _following(self.windows.target_values, self.windows.horizon)
        return arguments | {"target": ahead, "horizon": steps, "target_shift": 2 - steps}


def at_every_step(estimator: Any) -> bool:
    """Whether an estimator has outputs at every step of a window.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    return bool(getattr(estimator, "return_sequences", False) or getattr(estimator, "stateful", False))


def targets(windows: Windows) -> WindowTargets:
    """`Windows.y`.

    Parameters
    ----------
    windows : Windows

    Returns
    -------
    WindowTargets

    Raises
    ------
    ValueError
        Some window has no future.
    """
    if not windows.has_future:
        late = int((windows.origins + windows.horizon >= windows.starts[windows.which + 1]).sum())
        raise ValueError(
            Refusal(
                f"{late} of {len(windows)} windows have no targets: fewer than horizon = {windows.horizon} rows "
                "follow them"
            )
        )
    return WindowTargets(windows)


def _following(values: Floats, horizon: int) -> Floats:
    """For every row, the values of some rows from it on, next to each other: a view if rows are evenly spaced."""
    columns = values.shape[1]
    if columns == 1:
        return np.lib.stride_tricks.sliding_window_view(values[:, 0], horizon)
    flat = np.ascontiguousarray(values).reshape(-1)
    return np.lib.stride_tricks.sliding_window_view(flat, horizon * columns)[::columns]


def _same_memory(one: Floats, other: Floats) -> bool:
    """The same array or two views of the same memory: a worker process may unpickle one memory map as two objects."""
    if one is other:
        return True
    keys = ("data", "shape", "strides", "typestr")
    mine, theirs = one.__array_interface__, other.__array_interface__
    return all(mine[key] == theirs[key] for key in keys)
