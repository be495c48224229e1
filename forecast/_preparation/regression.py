"""The regressor on windows: what it is given, and which windows it can be judged on."""

import numpy as np
from sklearn.base import clone

from .._tail import time_tail

__all__ = ["accepts_windows", "fit_regressor", "judged", "predict_windows"]

_LEAST = 10  # windows: fewer say nothing of a forecaster
_MOST = 20_000  # windows that a report looks at
_BLOCK = 256  # windows that a regressor is asked about at once


def accepts_windows(regressor):
    """Whether a regressor takes `Windows` as they are; all others get the matrix.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return getattr(type(regressor), "_accepts_windows", False)


def fit_regressor(regressor, windows, complete, validation=None):
    """Fit on windows, or on their matrix.

    Parameters
    ----------
    regressor : estimator
    windows : Windows
    complete : callable
        From windows to those whose targets are all there: only networks can leave single targets out.
    validation : Windows, default=None
        For a network that stops early, in place of the newest of `windows`.

    Returns
    -------
    estimator
    """
    if accepts_windows(regressor):
        stops = validation is not None and len(validation) and getattr(regressor, "early_stopping", False)
        return regressor.fit(windows, windows.y, **({"X_val": validation, "y_val": validation.y} if stops else {}))
    windows = complete(windows)
    if not len(windows):
        raise ValueError(
            f"every window misses some target, and {type(regressor).__name__} cannot leave single targets out, "
            "as RNNForecaster can. Fix: gaps='interpolate'."
        )
    targets = np.asarray(windows.y)
    return regressor.fit(np.asarray(windows), targets.ravel() if targets.shape[1] == 1 else targets)


def predict_windows(regressor, windows, method="predict", **options):
    """What a fitted regressor says of windows.

    Parameters
    ----------
    regressor : estimator
    windows : Windows
    method : str, default="predict"
    options : of the method

    Returns
    -------
    ndarray
    """
    ask = getattr(regressor, method)
    if accepts_windows(regressor) or not len(windows):
        return np.asarray(ask(windows, **options))
    # In blocks of one size: the bits of a matrix product depend on how many rows it has.
    found = []
    for begin in range(0, len(windows), _BLOCK):
        rows = np.minimum(np.arange(begin, begin + _BLOCK), len(windows) - 1)
        found.append(np.asarray(ask(np.asarray(windows[rows]), **options))[: len(windows) - begin])
    return found[0] if len(found) == 1 else np.concatenate(found)


def judged(regressor, windows, fraction, complete):
    """A regressor and the newest windows, which it was not trained on.

    Parameters
    ----------
    regressor : estimator
        Fitted on all of `windows`. Where it held out the newest itself, to know when to stop, it is judged on these;
        where not, a clone is fitted on the windows before them.
    windows : Windows
    fraction : float
        Share to hold out.
    complete : callable
        As in `fit_regressor`.

    Returns
    -------
    estimator, Windows, bool
        Or None where there are too few. The last: whether the windows decided when training ended.
    """
    own = bool(len(getattr(regressor, "validation_loss_curve_", ())))
    time = np.asarray(windows.time)
    early, late = time_tail(time, regressor.validation_fraction if own else fraction, windows.span)
    if len(late) < _LEAST or (len(early) < len(late) and not own):
        return None
    held_out = windows[late[:: -(-len(late) // _MOST)]]
    if own:
        return regressor, held_out, True
    return fit_regressor(clone(regressor), windows[early], complete), held_out, False
