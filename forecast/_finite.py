"""Numbers to be scored, checked."""

import numpy as np

__all__ = ["finite"]


def finite(name, numbers):
    """An array as float64.

    Parameters
    ----------
    name : str
        Of the array, for messages.
    numbers : array-like

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError, ValueError
        It holds no numbers, or NaN or infinite ones.
    """
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iufb":
        raise TypeError(f"{name} holds {numbers.dtype} values; expected numbers.")
    numbers = numbers.astype(np.float64)
    if not np.isfinite(numbers).all():
        bad = ~np.isfinite(numbers)
        raise ValueError(
            f"{name} has {int(bad.sum())} values that are NaN or infinite, the first at position "
            f"{tuple(int(i) for i in np.argwhere(bad)[0])}; expected finite numbers."
        )
    return numbers
