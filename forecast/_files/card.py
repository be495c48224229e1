"""The model card: the facts to know about a fitted model before using it, as plain JSON."""

from __future__ import annotations

import datetime
import math
import platform
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import BaseEstimator

from .container import FORMAT, VERSION
from .registered import BY_CLASS

if TYPE_CHECKING:
    from .expected import Tree

__all__ = ["as_json", "card_of"]


def card_of(model: Any) -> dict[str, Any]:
    """The card of a fitted model of a registered class.

    It has no date: the same model gives the same file, and the file system knows when it was written.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    dict
        JSON's own values only.
    """
    part = BY_CLASS[type(model)].card
    return {
        "format": {"name": FORMAT, "version": VERSION},
        "versions": {
            "forecast": _own_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
            "scikit-learn": sklearn.__version__,
            "python": platform.python_version(),
        },
        "settings": _settings(model),
        **(part(model) if part else {}),
    }


def _own_version() -> str:
    from .. import __version__  # here, because the catalogue imports this room

    return __version__


def _settings(estimator: Any) -> dict[str, Any]:
    """Parameters that are not the defaults.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    dict
        An estimator in it is a dict of its own, with its `class`.
    """
    try:
        defaults = vars(type(estimator)())
    except TypeError:  # a parameter without a default
        defaults = {}
    left_out = BY_CLASS[type(estimator)].left_out if type(estimator) in BY_CLASS else ("n_jobs",)
    changed = {}
    for name, value in estimator.get_params(deep=False).items():
        if name in left_out:
            continue
        if name not in defaults or repr(defaults[name]) != repr(value):
            changed[name] = as_json(value)
    return changed


def as_json(value: Any) -> Tree:
    """A value as JSON: numbers, strings, lists and dicts; anything else by its name.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, bool, int, float, str, list or dict
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, BaseEstimator):
        return {"class": type(value).__name__, **_settings(value)}
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray | pd.Index):
        return [as_json(part) for part in value]
    if isinstance(value, pd.offsets.BaseOffset):
        return value.freqstr
    if isinstance(value, pd.Timestamp | pd.Period | pd.Timedelta | datetime.date | datetime.time | datetime.tzinfo):
        return str(value)
    return str(getattr(value, "__name__", type(value).__name__))  # not its repr, which may hold an address
