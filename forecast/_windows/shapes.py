"""Whether the arrays behind windows fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._refusals import Refusal

if TYPE_CHECKING:
    from .table import Windows

__all__ = ["refuse_unlike_shapes"]


def refuse_unlike_shapes(windows: Windows) -> None:
    """Refuse arrays of other rows or series than `values`, and a channel of time that is not among the covariates.

    Parameters
    ----------
    windows : Windows

    Raises
    ------
    ValueError
    """
    rows, starts = len(windows.values), windows.starts
    for name in ("targets", "future"):
        array = getattr(windows, name)
        if array is not None and len(array) != rows:
            raise ValueError(Refusal(f"has {len(array)} rows, values {rows}", where=name, expected="the same rows"))
    if windows.static is not None and len(windows.static) != len(starts) - 1:
        raise ValueError(Refusal(f"has {len(windows.static)} rows, there are {len(starts) - 1} series", where="static"))
    if starts[0] != 0 or starts[-1] != rows or (np.diff(starts) < 0).any():
        raise ValueError(Refusal(f"starts go from {starts[0]} to {starts[-1]}", expected=f"0 to {rows}, ascending"))
    elapsed, first, end = windows.elapsed, windows.n_targets, windows.values.shape[1]
    if elapsed is not None and not first <= elapsed < end:
        raise ValueError(
            Refusal(
                f"is {elapsed}", where="elapsed", expected=f"the number of a channel that is not a target, below {end}"
            )
        )
    if windows.stamps is None:
        return
    channel, column = windows.stamps
    ahead = 0 if windows.future is None else windows.future.shape[1]
    if not (windows.lookback and first <= channel < end and 0 <= column < ahead):
        raise ValueError(
            Refusal(
                f"is {windows.stamps}",
                where="stamps",
                expected=(
                    f"a channel that is not a target, below {end}, and a column of future, of which there are "
                    f"{ahead}, of windows with a past"
                ),
            )
        )
