"""`y` of `fit(X, y)`: the target as scikit-learn's tools pass it, made a column of the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._frames import as_frame, enter
from .._refusals import Fix, Refusal
from .._types import FrameLike

__all__ = ["entered", "is_flat", "with_target"]


def is_flat(y: Any) -> bool:
    """Whether a target is one-dimensional: an array, a list or a series, and no frame.

    Parameters
    ----------
    y : array-like or None

    Returns
    -------
    bool
    """
    return y is not None and len(np.shape(y)) == 1


def entered(X: FrameLike, what: str, y: Any = None, names: Any = None) -> tuple[pd.DataFrame, Any]:
    """A frame of any library as a pandas frame, with a separate target added as a column.

    Parameters
    ----------
    X : frame
    what : str
        Name of the argument in messages.
    y, names
        As of `with_target`.

    Returns
    -------
    pandas.DataFrame, label or list of labels or None
    """
    return with_target(as_frame(enter(X, what)[0], what), y, names)


def with_target(frame: pd.DataFrame, y: Any, names: Any) -> tuple[pd.DataFrame, Any]:
    """The frame to read and the name of its target; `y` replaces a column of its name.

    Parameters
    ----------
    frame : pandas.DataFrame
    y : array-like of shape (rows,) or (rows, targets), or None
    names : label, list of labels or None
        The target by name.

    Returns
    -------
    pandas.DataFrame, label or list of labels or None
    """
    if y is None:
        return frame, names
    targets = _target_frame(frame, y, names)
    others = frame.drop(columns=[name for name in targets.columns if name in frame.columns])
    return pd.concat([targets, others], axis=1), list(targets.columns)


def _target_frame(frame: pd.DataFrame, y: Any, names: Any) -> pd.DataFrame:
    """`y` as a frame with the rows of `X`, named as it is, else by `target`, else "y"."""
    if not isinstance(y, (pd.Series, pd.DataFrame)):
        y = np.asarray(y)
        if y.ndim not in (1, 2):
            raise ValueError(Refusal(f"has shape {y.shape}", where="y", expected="(rows,) or (rows, targets)"))
        y = pd.DataFrame(y) if y.ndim == 2 else pd.Series(y)
        y = y.set_axis(frame.index) if len(y) == len(frame) else y
    if len(y) != len(frame):
        raise ValueError(Refusal(f"has {len(y)} rows, X has {len(frame)}", where="y", expected="the same rows"))
    if not y.index.equals(frame.index):
        raise ValueError(
            Refusal(
                "has another index than X",
                where="y",
                expected="the same labels in the same order",
                fix=Fix("y = y.loc[X.index]", ""),
            )
        )
    if isinstance(y, pd.Series):
        given = names if isinstance(names, list) else [names]
        name = y.name if y.name is not None else given[0] if len(given) == 1 else None
        return y.to_frame("y" if name is None else name)
    if isinstance(y.columns, pd.RangeIndex) and isinstance(names, list) and len(names) == y.shape[1]:
        y = y.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    elif isinstance(y.columns, pd.RangeIndex):
        y = y.set_axis([f"y{position}" for position in range(y.shape[1])], axis=1)
    return y
