"""From weights of rows to weights of windows: the user's weight for each row, and a decay with age."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from .._frames import TimeAxis
from .._records import record
from .._refusals import Refusal
from .._types import Floats, Integers

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import Panel
    from .._windows import Windows
    from .rows import Rows

__all__ = ["RowWeights", "learns", "weight_argument"]


@record(frozen=True)
class RowWeights:
    """The weight of each row as a target.

    A window weighs the mean of the weights of those rows that it forecasts whose target is known; all
    weights are then scaled to a mean of 1 over the windows, because a penalty is weighed against their sum.

    Attributes
    ----------
    axis : TimeAxis
    half_life : float or None
        Steps of age after which a row weighs half as much. The newest row is that of all series; of series with integer
        labels, which say nothing of time, each series' own.
    given : dict of key to (pandas.Index, ndarray), or None
        Labels and weights of the rows of each series.
    """

    axis: TimeAxis
    half_life: float | None = None
    given: dict[Hashable, tuple[pd.Index, Floats]] | None = None

    @classmethod
    def of(cls, axis: TimeAxis, half_life: float | None, panel: Panel | None = None) -> RowWeights | None:
        """The weights of a fit, or None where no row differs from another.

        Parameters
        ----------
        axis : TimeAxis
        half_life : float or None
        panel : Panel, default=None
            Panel with the weights as its only target; NaN in rows that were put in.

        Returns
        -------
        RowWeights or None
        """
        if panel is None:
            return None if half_life is None else cls(axis, float(half_life))
        keys = [None] if panel.keys is None else list(panel.keys)
        parts = [slice(first, end) for first, end in zip(panel.starts[:-1], panel.starts[1:], strict=True)]
        given = {key: (panel.index[part], panel.targets[part, 0]) for key, part in zip(keys, parts, strict=True)}
        return cls(axis, None if half_life is None else float(half_life), given)

    def of_windows(self, rows: Rows, split: bool, windows: Windows) -> Floats:
        """Weights of windows that are trained on.

        Parameters
        ----------
        rows : Rows
            Rows of the windows; nothing in them is newer than what is learnt from.
        split : bool
            Whether each target is a series of its own, its key (series, column).
        windows : Windows

        Returns
        -------
        ndarray of shape (n,), float64

        Raises
        ------
        ValueError
            All weights are 0.
        """
        weight = self._of_rows(rows, split)
        known = ~np.isnan(rows.targets).all(axis=1) & ~np.isnan(weight)
        total, count = (
            np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(known, weight, 0.0), known.astype(float))
        )
        first = windows.origins.astype(np.int64) + 1
        sums, counts = (part[first + windows.horizon] - part[first] for part in (total, count))
        found = np.maximum(sums, 0.0) / np.maximum(counts, 1.0)
        if not found.any():
            raise ValueError(
                Refusal(
                    f"the targets of all {len(windows)} windows have weight 0",
                    expected="some to learn from: greater sample_weight, or a longer half_life",
                )
            )
        return found / found.mean()

    def _of_rows(self, rows: Rows, split: bool) -> Floats:
        weight = np.ones(len(rows))
        bounds = list(zip(rows.starts[:-1], rows.starts[1:], strict=True))
        keys: list[Any] = list(rows.keys)
        for key, (first, end) in zip(keys, bounds, strict=True):
            if self.given is not None and end > first:
                labels, given = self.given[key[0] if split else key]
                begin = labels.get_loc(rows.index[first])
                weight[first:end] = given[begin : begin + end - first]
        if self.half_life is None:
            return weight
        full = [(first, end) for first, end in bounds if end > first]
        begins: Integers = np.zeros(len(full), dtype=np.int64)
        if len(full) > 1 and self.axis.kind != "integer":
            begins = self.axis.positions(rows.index[[first for first, _ in full]])
        lengths = np.array([end - first for first, end in full])
        ends = begins + lengths - 1
        newest = ends if self.axis.kind == "integer" else np.full(len(full), ends.max())
        for (first, end), begin, last in zip(full, begins, newest, strict=True):
            weight[first:end] *= 0.5 ** ((last - begin - np.arange(end - first)) / self.half_life)
        return weight


def weight_argument(regressor: Any) -> str | None:
    """The argument of a regressor's `fit` that takes weights of windows.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    str or None
        Name of the argument. For a pipeline, that of its last step; for a search or another wrapper, which passes its
        arguments on, that of the inner regressor. None: it takes no weights.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> weight_argument(make_pipeline(Ridge())), weight_argument(KNeighborsRegressor())
    ('ridge__sample_weight', None)
    """
    steps = getattr(regressor, "steps", None)
    if isinstance(steps, list) and steps:
        name, last = steps[-1]
        inner = weight_argument(last)
        return None if inner is None else f"{name}__{inner}"
    inner = next((getattr(regressor, name) for name in ("estimator", "regressor") if hasattr(regressor, name)), None)
    if inner is not None and hasattr(inner, "fit"):
        return weight_argument(inner)
    return "sample_weight" if has_fit_parameter(regressor, "sample_weight") else None


def learns(regressor: Any) -> bool:
    """Whether a regressor learns anything that weights could change: the naive baselines do not.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return getattr(regressor, "_learns", True)
