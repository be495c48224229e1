"""The base of all target transforms: one series at a time, missing values, refusals.

A missing value (NaN) stays missing and is left out of every statistic. A transform of several rows, such as a
difference, has no value in its first `n_lost` rows and needs the raw values before a forecast for its inverse.
"""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._files import ModelFileError

__all__ = ["ROUNDINGS", "SAME", "Transform", "as_forecasts", "as_series"]

ROUNDINGS = 10  # units in the last place of the largest value: a smaller spread is none, as in scikit-learn's scalers
SAME = 1e-6  # relative: the inverse must return the fitted value to this precision


class Transform(TransformerMixin, BaseEstimator):
    """Base of all transforms: shapes, missing values, refusals. Formulas are in `_learn`, `_forward`, `_inverse`."""

    _n_needed = 1  # values that a fit can learn from
    _positive = False  # whether values must be positive

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = self._positive
        return tags

    @property
    def n_lost(self):
        """Number of rows at the start without a transformed value, known before `fit`."""
        return 0

    @property
    def is_pointwise(self):
        """Whether each value is transformed on its own, increasingly: quantiles of forecasts may then pass through."""
        return self.n_lost == 0

    @property
    def is_linear(self):
        """Whether the transform only shifts and stretches: a distribution then keeps its family."""
        return False

    def fit(self, X, y=None):
        """Learn from the known values of one series.

        Parameters
        ----------
        X : array-like of shape (rows,) or (rows, 1)
            In time order, NaN where missing.
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
                f"{self}: {len(known)} known values in {len(x)} rows; expected {self._n_needed} or more to learn from. "
                "Use a longer history, or no transform."
            )
        self._learn(x, known)
        self.n_lost_ = self.n_lost
        return self

    def transform(self, X):
        """Transform rows of the series.

        Parameters
        ----------
        X : array-like of shape (rows,) or (rows, 1)
            In time order, NaN where missing.

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

    def inverse_transform(self, X, past=None):
        """Bring forecasts back to the units of the series.

        Parameters
        ----------
        X : array-like of shape (n, steps)
            Transformed, one forecast per row.
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

    def _fault(self):
        """What is wrong with the parameters, None where nothing is."""
        return None

    def _refuse_parameters(self):
        if (fault := self._fault()) is not None:
            raise ValueError(fault)

    def _check_loaded(self):
        """Refuse numbers out of a model file that no fit finds."""
        self._refuse_parameters()
        for name, value in vars(self).items():
            if isinstance(value, float) and not np.isfinite(value):
                raise ModelFileError(f"{type(self).__name__}.{name} is {value!r}; expected a finite number.")
        for name in ("scale_", "geometric_mean_"):
            if not getattr(self, name, 1.0) > 0:
                raise ModelFileError(f"{type(self).__name__}.{name} is {getattr(self, name)!r}; expected more than 0.")

    def _learn(self, x, known):
        self._forward(x)

    @property
    def _end(self):
        """Upper limit of the images, which is never reached; infinity if there is none."""
        return np.inf

    def _report(self, bad, values, what, fix):
        """Refuse values, saying how many and where the first is."""
        if bad.any():
            at = np.argwhere(bad)[0].tolist()
            raise ValueError(
                f"{self}: {int(bad.sum())} of {bad.size} values {what}, the first ({values[tuple(at)]}) at position "
                f"{at[0] if len(at) == 1 else tuple(at)}. Fix: {fix}."
            )

    def _finite(self, out, values):
        """Refuse values that overflow float64 in the transform."""
        self._report(
            np.isinf(out) | (np.isnan(out) & ~np.isnan(values)),
            values,
            "are too large or too small to be transformed",
            "other units, such as thousands",
        )
        return out

    def _restored(self, out, z):
        """Refuse values that overflow float64 in the inverse; clipping would make up a forecast."""
        self._report(
            ~np.isfinite(out),
            z,
            "overflow where the transform is undone: these forecasts are far outside of what was seen in fit",
            "a regressor that does not run away (scale its input, shorter horizon), or no such transform",
        )
        return out


def as_series(x, owner):
    """One series as float64 of shape (rows,), NaN where missing."""
    x = np.ascontiguousarray(x, dtype=np.float64)
    if x.ndim == 2 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 1:
        raise ValueError(
            f"{owner}: values of shape {x.shape}; expected one series, shape (rows,): one transform per column."
        )
    infinite = np.isinf(x)
    if infinite.any():
        raise ValueError(
            f"{owner}: {int(infinite.sum())} of {len(x)} values are infinite, the first at position "
            f"{int(infinite.argmax())}; expected NaN where a value is missing."
        )
    return x


def as_forecasts(z, past, owner):
    """Forecasts (n, steps) and the values before each (n, n_lost), as finite float64."""
    z = np.ascontiguousarray(z, dtype=np.float64)
    if z.ndim != 2:
        raise ValueError(f"{owner}: forecasts of shape {z.shape}; expected (n, steps).")
    lost = owner.n_lost
    if past is None and lost:
        raise ValueError(f"{owner}: past is None; expected the {lost} raw values right before each forecast.")
    past = np.empty((len(z), 0)) if past is None else np.ascontiguousarray(past, dtype=np.float64)
    if past.shape != (len(z), lost):
        raise ValueError(
            f"{owner}: past has shape {past.shape}; expected {(len(z), lost)}, the raw values before each forecast."
        )
    for name, values in (("the forecasts", z), ("past", past)):
        bad = ~np.isfinite(values)
        if bad.any():
            raise ValueError(
                f"{owner}: {int(bad.sum())} values of {name} are NaN or infinite, the first at position "
                f"{tuple(np.argwhere(bad)[0].tolist())}; expected finite numbers."
            )
    return z, past
