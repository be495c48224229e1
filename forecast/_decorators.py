"""scikit-learn's decorators, which have no types, as ones that keep the signature of a method."""

from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if as _available_if

__all__ = ["available_if", "fit_context"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Method], _Method]:
    """The parameters are checked before a method that fits.

    Parameters
    ----------
    prefer_skip_nested_validation : bool
        Whether an estimator in a parameter leaves out its own checks.

    Returns
    -------
    callable
    """
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], bool]) -> Callable[[_Method], _Method]:
    """A method is there if a check of its object says so.

    Parameters
    ----------
    check : callable
        Function from the object to a truth; it may raise an AttributeError that says why.

    Returns
    -------
    callable
    """
    return _available_if(check)
