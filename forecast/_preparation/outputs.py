"""Regressors with one output, such as gradient boosting: one clone for each step and target."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, clone
from sklearn.utils import get_tags

from .._files import stored
from .._types import Floats

__all__ = ["EachOutput", "as_given", "fit_all_outputs", "kind_of"]


@stored("a regressor for each output")
class EachOutput(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A clone of a regressor for each output, as scikit-learn's `MultiOutputRegressor`.

    That one takes longer to import than all of this package, and asks its regressor for tags, which not each has.

    Parameters
    ----------
    estimator : estimator
        Estimator with one output.

    Attributes
    ----------
    estimators_ : list of estimator
        Fitted, in the order of the outputs.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Floats, y: Floats, **options: Any) -> Self:
        """Fit a clone on each output.

        Parameters
        ----------
        X : ndarray of shape (n, inputs)
        y : ndarray of shape (n, outputs)
        options : of the clones' `fit`

        Returns
        -------
        self
        """
        self.estimators_ = [clone(self.estimator).fit(X, column, **options) for column in np.ascontiguousarray(y.T)]
        return self

    def predict(self, X: Floats) -> Floats:
        """Predict all outputs.

        Parameters
        ----------
        X : ndarray of shape (n, inputs)

        Returns
        -------
        ndarray of shape (n, outputs)
        """
        return np.stack([np.asarray(one.predict(X)).reshape(len(X)) for one in self.estimators_], axis=1)


def fit_all_outputs(regressor: Any, X: Floats, y: Floats, **options: Any) -> Any:
    """Fit a regressor on several outputs, or a clone on each where it has only one.

    What a regressor says of itself (`target_tags.multi_output`) is believed where it says yes. Where it says no, or
    nothing, it is tried: scikit-learn's `MLPRegressor` or a `GridSearchCV` of `Ridge` have several outputs all the
    same, and an attempt that fails does so at the check of `y`, before any work.

    Parameters
    ----------
    regressor : estimator
        Not fitted, or fitted before and to go on.
    X : ndarray of shape (n, inputs)
    y : ndarray of shape (n, outputs)
        Two outputs or more.
    options : of `fit`

    Returns
    -------
    estimator
        The regressor, or an `EachOutput` of it.

    Examples
    --------
    >>> from sklearn.linear_model import BayesianRidge, Ridge
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> fit_all_outputs(Ridge(), X, X[:, :2])
    Ridge()
    >>> fit_all_outputs(BayesianRidge(), X, X[:, :2])
    EachOutput(estimator=BayesianRidge())
    """
    if _says_several(regressor):
        return regressor.fit(X, y, **options)
    each = clone(regressor)
    try:
        regressor = regressor.fit(X, y, **options)
        if np.shape(regressor.predict(X[:2])) == y[:2].shape:
            return regressor
    except Exception:  # of any kind: each library refuses y in its own way, and another fault comes up again below
        pass
    return EachOutput(each).fit(X, y, **options)


def _says_several(regressor: Any) -> bool:
    try:
        return get_tags(regressor).target_tags.multi_output
    except AttributeError:  # no estimator of scikit-learn
        return False


def as_given(regressor: Any) -> Any:
    """The user's regressor, from a fitted one.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    estimator
        Where a clone was fitted for each output, what was cloned.
    """
    return regressor.estimator if isinstance(regressor, EachOutput) else regressor


def kind_of(regressor: Any) -> str:
    """The name of a regressor's class; with a clone for each output, that of the clones.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    str
    """
    return type(as_given(regressor)).__name__
