"""The base of all target transforms: one series at a time, missing values, refusals.

A missing value (NaN) stays missing and is left out of every statistic. A transform of several rows, such as a
difference, has no value in its first `n_lost` rows and needs the raw values before a forecast for its inverse.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._files import ModelFileError
from .._refusals import Refusal
from .._types import Booleans, Floats

__all__ = ["ROUNDINGS", "SAME", "Transform", "as_forecasts", "as_series"]

ROUNDINGS = 10  # units in the last place of the largest value: a smaller spread counts as 0, as in scikit-learn
SAME = 1e-6  # relative: the inverse must return the fitted value to this precision


class Transform(TransformerMixin, BaseEstimator):
    """Base of all transforms: shapes, missing values, refusals. Formulas are in `_learn`, `_forward`, `_inverse`."""

    _n_needed = 1  # values that a fit can learn from

    @property
    def _positive(self) -> bool:
        """Whether values must be positive."""
        return False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = self._positive
        return tags

    @property
    def n_lost(self) -> int:
        """Number of rows at the start without a transformed value, known before `fit`."""
        return 0

    @property
    def is_pointwise(self) -> bool:
        """Whether each value is transformed on its own, increasingly: quantiles of forecasts may then pass through."""
        return self.n_lost == 0

    @property
    def is_linear(self) -> bool:
        """Whether the transform only shifts and stretches: a distribution then keeps its family."""
        return False

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learn from the known values of one series.

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
            Infinite values, values that the transform does not accept, or too few values.
        """
        self._refuse_parameters()
        x = as_series(X, self)
        known = x[~np.isnan(x)]
        if len(known) < self._n_needed:
            raise ValueError(
                Refusal(
                    f"{len(known)} known values in {len(x)} rows",
                    where=f"{self}:",
                    expected=f"{self._n_needed} or more to learn from",
                    advice="Use a longer history, or no transform.",
                )
            )
        self._learn(x, known)
        self.n_lost_ = self.n_lost
        return self

    def transform(self, X: npt.ArrayLike) -> Floats:
        """Transform rows of the series.

        Parameters
        ----------
        X : array-like of shape (rows,) or (rows, 1)
            Values in time order; NaN if missing.

        Returns
        -------
        ndarray of the shape of X, float64
            NaN in the first `n_lost` rows and where a value that it needs is missing.

        Raises
        ------
        ValueError
            Infinite values, or values that the transform does not accept.
        """
        check_is_fitted(self)
        return self._forward(as_series(X, self)).reshape(np.shape(X))

    def inverse_transform(self, X: npt.ArrayLike, past: npt.ArrayLike | None = None) -> Floats:
        """Bring forecasts back to the units of the series.

        Parameters
        ----------
        X : array-like of shape (n, steps)
            Transformed forecasts, one per row.
        past : array-like of shape (n, n_lost), default=None
            Untransformed values right before each forecast, oldest first. None if `n_lost` is 0.

        Returns
        -------
        ndarray of shape (n, steps), float64

        Raises
        ------
        ValueError
            Shapes do not match, NaN or infinite values, or forecasts that have no counterpart in raw units.
        """
        check_is_fitted(self)
        z, past = as_forecasts(X, past, self)
        return self._inverse(z, past)

    def _fault(self) -> str | None:
        """What is wrong with the parameters, None where nothing is."""
        return None

    def _refuse_parameters(self) -> None:
        if (fault := self._fault()) is not None:
            raise ValueError(fault)

    def _check_loaded(self) -> None:
        """Refuse numbers out of a model file that no fit finds."""
        self._refuse_parameters()
        for name, value in vars(self).items():
            if isinstance(value, float) and not np.isfinite(value):
                raise ModelFileError(Refusal(f"{type(self).__name__}.{name} is {value!r}", expected="a finite number"))
        for name in ("scale_", "geometric_mean_"):
            if not getattr(self, name, 1.0) > 0:
                raise ModelFileError(
                    Refusal(f"{type(self).__name__}.{name} is {getattr(self, name)!r}", expected="more than 0")
                )

    def _learn(self, x: Floats, known: Floats) -> None:
        self._forward(x)

    @property
    def _end(self) -> float:
        """Upper limit of the images, which is never reached; infinity if there is none."""
        return np.inf

    def _report(self, bad: Booleans, values: Floats, what: str, fix: str) -> None:
        """Refuse values, saying how many and where the first is."""
        if bad.any():
            at = np.argwhere(bad)[0].tolist()
            raise ValueError(
                Refusal(
                    f"{int(bad.sum())} of {bad.size} values {what}, the first ({values[tuple(at)]}) at position "
                    f"{at[0] if len(at) == 1 else tuple(at)}",
                    where=f"{self}:",
                    advice=f"Use {fix}.",
                )
            )

    def _finite(self, out: Floats, values: Floats) -> Floats:
        """Refuse values that overflow float64 in the transform."""
        self._report(
            np.isinf(out) | (np.isnan(out) & ~np.isnan(values)),
            values,
            "are too large or too small to be transformed",
            "other units, such as thousands",
        )
        return out

    def _restored(self, out: Floats, z: Floats) -> Floats:
        """Refuse values that overflow float64 in the inverse; clipping would make up a forecast."""
        self._report(
            ~np.isfinite(out),
            z,
            "overflow where the transform is undone: these forecasts are far outside of what was seen in fit",
            "a regressor that does not run away (scale its input, shorter horizon), or no such transform",
        )
        return out


def as_series(x: npt.ArrayLike, owner: Transform) -> Floats:
    """One series as float64 of shape (rows,), NaN where missing."""
    x = np.ascontiguousarray(x, dtype=np.float64)
    if x.ndim == 2 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 1:
        raise ValueError(
            Refusal(
                f"values of shape {x.shape}",
                where=f"{owner}:",
                expected="one series, shape (rows,): one transform per column",
            )
        )
    infinite = np.isinf(x)
    if infinite.any():
        raise ValueError(
            Refusal(
                f"{int(infinite.sum())} of {len(x)} values are infinite, the first at position "
                f"{int(infinite.argmax())}",
                where=f"{owner}:",
                expected="NaN where a value is missing",
            )
        )
    return x


def as_forecasts(z: npt.ArrayLike, past: npt.ArrayLike | None, owner: Transform) -> tuple[Floats, Floats]:
    """Forecasts (n, steps) and the values before each (n, n_lost), as finite float64."""
    z = np.ascontiguousarray(z, dtype=np.float64)
    if z.ndim != 2:
        raise ValueError(Refusal(f"forecasts of shape {z.shape}", where=f"{owner}:", expected="(n, steps)"))
    lost = owner.n_lost
    if past is None and lost:
        raise ValueError(
            Refusal("past is None", where=f"{owner}:", expected=f"the {lost} raw values right before each forecast")
        )
    past = np.empty((len(z), 0)) if past is None else np.ascontiguousarray(past, dtype=np.float64)
    if past.shape != (len(z), lost):
        raise ValueError(
            Refusal(
                f"past has shape {past.shape}",
                where=f"{owner}:",
                expected=f"{(len(z), lost)}, the raw values before each forecast",
            )
        )
    for name, values in (("the forecasts", z), ("past", past)):
        bad = ~np.isfinite(values)
        if bad.any():
            raise ValueError(
                Refusal(
                    f"{int(bad.sum())} values of {name} are NaN or infinite, the first at position "
                    f"{tuple(np.argwhere(bad)[0].tolist())}",
                    where=f"{owner}:",
                    expected="finite numbers",
                )
            )
    return z, past
