"""A chain of transforms, and the names by which users build one."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._files import ModelFileError, stored
from .._refusals import Fix, Refusal, argument
from .._types import Floats
from .pointwise import Pointwise
from .target import Asinh, BoxCox, Difference, Log, Log1p, LogReturn, Scale, period_fault
from .transform import ROUNDINGS, Transform, as_forecasts, as_series

__all__ = ["NAMES", "Chain", "make_transform"]

# name -> unfitted transform, given the steps of the season
NAMES: dict[str, Callable[[int], Transform]] = {
    "asinh": lambda period: Asinh(),
    "boxcox": lambda period: BoxCox(),
    "difference": lambda period: Difference(),
    "log": lambda period: Log(),
    "log1p": lambda period: Log1p(),
    "log_return": lambda period: LogReturn(),
    "minmax": lambda period: Scale("minmax"),
    "robust": lambda period: Scale("robust"),
    "seasonal_difference": lambda period: _seasonal(period),
    "standard": lambda period: Scale("standard"),
}


@stored("Chain")
class Chain(Transform):
    """A chain of transforms; they are inverted in reverse order.

    Parameters
    ----------
    steps : list of transforms
        Transforms in the order in which they are applied; they are cloned in `fit`. An empty list leaves values
        unchanged.

    Attributes
    ----------
    steps_ : list
        The fitted clones.
    n_lost_ : int
        Number of rows at the start without a transformed value: the sum of the periods of differences.
    range_ : list of float
        The smallest and the largest fitted value.

    See Also
    --------
    forecast.preprocessing.make_transform : Builds one from names.

    Examples
    --------
    >>> chain = Chain([Log(), Difference()]).fit([1.0, 2.0, 4.0])
    >>> chain.n_lost_, chain.is_pointwise
    (1, False)
    >>> chain.inverse_transform(chain.transform([1.0, 2.0, 4.0])[None, 1:], past=[[1.0]]).round(12)
    array([[2., 4.]])
    """

    def __init__(self, steps: list[Transform]) -> None:
        self.steps = steps

    @property
    def _positive(self) -> bool:
        return bool(self.steps) and self.steps[0]._positive

    @property
    def n_lost(self) -> int:
        """Number of rows at the start without a transformed value, known before `fit`."""
        return sum(step.n_lost for step in self.steps)

    @property
    def is_pointwise(self) -> bool:
        """Whether all steps are pointwise: quantiles of forecasts may then pass through."""
        return all(step.is_pointwise for step in self.steps)

    @property
    def is_linear(self) -> bool:
        """Whether all steps are linear."""
        return all(step.is_linear for step in self.steps)

    @property
    def was_constant(self) -> bool:
        """Whether the fitted values differed by no more than roundings; False of chains of version 0.1.0."""
        low, high = getattr(self, "range_", (0.0, 1.0))
        return high - low <= ROUNDINGS * np.finfo(np.float64).eps * max(abs(low), abs(high))

    def _check_loaded(self) -> None:
        """Refuse steps from a model file that are not transforms."""
        for step in (*self.steps, *self.steps_):
            if not isinstance(step, Transform):
                raise ModelFileError(Refusal(f"a step of a chain is a {type(step).__name__}", expected="a transform"))
            step._refuse_parameters()
        if not np.isfinite(getattr(self, "range_", [0.0])).all():
            raise ModelFileError(Refusal("the range of a chain holds NaN or infinite values"))

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learn from the known values of one series, each step from the output of the one before.

        Parameters
        ----------
        X : array-like of shape (rows,) or (rows, 1)
            Values in time order; NaN if missing.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Infinite values, values that a step does not accept, a period longer than the data, or too few known values.
        """
        x = as_series(X, self)
        if len(x) <= self.n_lost:
            raise ValueError(
                Refusal(
                    f"the series has {len(x)} rows, and the differences take the first {self.n_lost}",
                    where=f"{self}:",
                    expected="more rows than that: a shorter period or a longer history",
                )
            )
        known = x[~np.isnan(x)]
        self.range_ = [float(known.min()), float(known.max())] if len(known) else [0.0, 0.0]
        self.steps_ = []
        for step in self.steps:
            self.steps_.append(clone(step).fit(x))
            x = self.steps_[-1]._forward(x)
        self.n_lost_ = self.n_lost
        return self

    def _forward(self, x: Floats) -> Floats:
        for step in self.steps_:
            x = step._forward(x)
        return x.copy() if not self.steps_ else x

    def inverse_transform(self, X: npt.ArrayLike, past: npt.ArrayLike | None = None) -> Floats:
        """Bring forecasts back to the units of the series.

        Later steps of a forecast build on its earlier ones: with a difference of period m, step k beyond m adds to the
        forecast of step k - m.

        Parameters
        ----------
        X : array-like of shape (n, steps)
            Transformed forecasts, one per row.
        past : array-like of shape (n, n_lost), default=None
            Raw values right before each forecast, oldest first. None if `n_lost` is 0.

        Returns
        -------
        ndarray of shape (n, steps), float64
            Each row depends only on its own forecast and past.

        Raises
        ------
        ValueError
            Shapes do not match, NaN or infinite values, or forecasts that have no counterpart in raw units.
        """
        check_is_fitted(self)
        return self._undone(X, past)

    @property
    def has_end(self) -> bool:
        """Whether a step has images that come near to an end as values grow to infinity."""
        return any(np.isfinite(step._end) for step in self.steps_)

    def _undone(self, X: npt.ArrayLike, past: npt.ArrayLike | None, greatest: Floats | None = None) -> Floats:
        """As `inverse_transform`; no forecast is refused for lying behind the end of a step.

        Halfway from the greatest value known, or fitted, to such an end they are cut off: what is nearer to the end
        means no number any more that a series of this size can have.

        Parameters
        ----------
        X, past : array-like
        greatest : ndarray of shape (n,), default=None
            The greatest raw value that is known before each forecast.
        """
        z, rows = as_forecasts(X, past, self)
        ends: list[Floats | None] = (
            [None] * len(self.steps_) if greatest is None or not self.has_end else self._ends(greatest)
        )
        before = []  # what each step got, right before each forecast
        for step in self.steps_ if self.n_lost else []:
            before.append(rows)
            rows = step._forward(rows)
        for number in reversed(range(len(self.steps_))):
            step = self.steps_[number]
            end = ends[number]
            z = z if end is None else np.minimum(z, end[:, None])
            z = step._inverse(z, before[number][:, -step.n_lost :] if step.n_lost else None)
        return z if self.steps_ else z.copy()

    def _ends(self, greatest: Floats) -> list[Floats | None]:
        """Where forecasts are cut off before each step is undone; None: nowhere."""
        found: list[Floats | None] = []
        image: Floats | None = np.fmax(greatest, self.range_[1])
        for step in self.steps_:
            image = step._forward(image) if step.is_pointwise and image is not None else None
            found.append(None if image is None or not np.isfinite(step._end) else image + (step._end - image) / 2)
        return found


def make_transform(spec: Any, period: int = 1) -> Chain:
    """Build a transform from names.

    Parameters
    ----------
    spec : None, str, transformer, or list of these
        Transforms, applied in the order of the list. Names: "asinh", "boxcox", "difference", "log", "log1p",
        "log_return", "minmax", "robust", "seasonal_difference", "standard". A transformer is one of this module, or any
        scikit-learn transformer of one column that has an inverse and is increasing. None leaves values unchanged.
    period : int, default=1
        Length of the season in steps, for "seasonal_difference".

    Returns
    -------
    Chain
        Unfitted chain.

    Raises
    ------
    TypeError
        An element is not a transform, or has no inverse.
    ValueError
        An unknown name, or "seasonal_difference" without a season.

    Examples
    --------
    >>> make_transform(["log", "seasonal_difference"], period=24).n_lost
    24
    """
    if (fault := period_fault(period)) is not None:
        raise ValueError(fault)
    parts = list(spec) if isinstance(spec, (list, tuple)) else [] if spec is None else [spec]
    steps = []
    for part in parts:
        steps += _steps(part, period)
    return Chain(steps)


def _steps(part: Any, period: int) -> list[Transform]:
    if isinstance(part, str):
        if part not in NAMES:
            near = difflib.get_close_matches(part, NAMES, n=1)
            meant, wanted = f"Did you mean {near[0]!r}?" if near else "", f"one of {sorted(NAMES)} or a transformer"
            raise ValueError(Refusal(f"unknown transform {part!r}", expected=wanted, advice=meant))
        return [NAMES[part](period)]
    if isinstance(part, Chain):
        return [clone(step) for step in part.steps]
    if isinstance(part, type):
        raise TypeError(
            Refusal(
                f"is the class {part.__name__}",
                where="the transform",
                expected="an object",
                fix=Fix(f"{part.__name__}()", ""),
            )
        )
    if isinstance(part, Transform):
        part._refuse_parameters()
        return [clone(part)]
    missing = [name for name in ("fit", "transform", "inverse_transform", "get_params") if not hasattr(part, name)]
    if missing:
        raise TypeError(
            Refusal(
                f"the transform {part!r} has no {missing[0]}",
                expected=f"one of {sorted(NAMES)}, or a transformer with fit, transform and inverse_transform",
            )
        )
    return [Pointwise(clone(part))]


def _seasonal(period: int) -> Difference:
    if period == 1:
        raise ValueError(
            Refusal(
                "'seasonal_difference' has no season to go by: none is usual at this frequency",
                advice="Give Difference(period=...) its length in rows.",
                fix=argument("transform", "difference"),
            )
        )
    return Difference(period)
