"""Series to try things on: real ones that ordinary packages ship, and synthetic ones with a known best forecast."""

import numpy as np
import pandas as pd

__all__ = ["load_co2", "make_ar1"]


def load_co2():
    """Weekly CO2 above Mauna Loa, 1958 to 2001, in parts per million, as statsmodels ships it: with its gaps.

    Returns
    -------
    pandas.DataFrame of shape (2284, 1)
        Column `co2`, float64, 59 of its values NaN; weekly DatetimeIndex (Saturdays) with its frequency set.

    Raises
    ------
    ImportError
        statsmodels is not installed.

    References
    ----------
    Keeling, Whorf, Scripps Institution of Oceanography; public domain.

    Examples
    --------
    >>> frame = load_co2()
    >>> frame.shape, int(frame["co2"].isna().sum()), frame.index.freqstr
    ((2284, 1), 59, 'W-SAT')
    """
    try:
        from statsmodels.datasets import co2
    except ImportError as error:
        raise ImportError(
            "the CO2 series comes with statsmodels, which is not installed. Fix: pip install 'rnn-forecast[demo]'."
        ) from error
    frame = co2.load_pandas().data[["co2"]].astype(np.float64)
    return frame.asfreq("W-SAT")


def make_ar1(n=3000, *, phi=0.95, scale=1.0, random_state=None):
    """Autoregressive series of order 1, for which the best forecast `k` steps ahead is known: `phi**k * last`.

    Parameters
    ----------
    n : int, default=3000
        Number of steps.
    phi : float, default=0.95
        What is left of a value one step later, between -1 and 1.
    scale : float, default=1.0
        Standard deviation of the noise added at each step.
    random_state : int, numpy.random.Generator or None, default=None
        Seed. numpy's global state is not touched.

    Returns
    -------
    pandas.DataFrame of shape (n, 1)
        Column `y`, float64, rows counted from 0; it starts in the stationary distribution.

    Raises
    ------
    ValueError
        `phi` is not between -1 and 1, `n` is less than 1 or `scale` is negative.

    Examples
    --------
    >>> series = make_ar1(2000, phi=0.9, random_state=0)["y"]
    >>> bool(abs(series.autocorr() - 0.9) < 0.03)
    True
    """
    if not -1 < phi < 1:
        raise ValueError(f"phi is {phi}; expected a number between -1 and 1, else the series does not stay in bounds.")
    if n < 1 or scale < 0:
        raise ValueError(f"n is {n} and scale {scale}; expected n of 1 or more and a scale of 0 or more.")
    noise = scale * np.random.default_rng(random_state).standard_normal(n)
    noise[0] /= np.sqrt(1 - phi**2)
    values = np.empty(n)
    level = 0.0
    for step in range(n):
        level = phi * level + noise[step]
        values[step] = level
    return pd.DataFrame({"y": values})
