"""The index that goes on, as a fitted forecaster has it."""

import warnings

import numpy as np
import pandas as pd

from forecast import SeriesForecaster
from forecast.baselines import LastValue

__all__ = ["continue_index"]


def continue_index(index, n):
    """The next `n` labels after an index."""
    df = pd.DataFrame({"y": np.arange(float(len(index)))}, index)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="no trading calendar", category=UserWarning)
        return SeriesForecaster(LastValue(), lookback=1, horizon=1).fit(df).future_frame(n).index
