"""`Attribution`: the contribution of each value that a forecast reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Floats, Integers

__all__ = ["Attribution"]


@dataclass(frozen=True)
class Attribution:
    """Contribution of each column and row to forecasts, as `explain` returns it, in the units of the target.

    Attributes
    ----------
    values : ndarray of shape (n_forecasts, n_steps, n_lags, n_columns)
        Contribution of each value, relative to its baseline. 0 if a column is not read at a lag.
    static : ndarray of shape (n_forecasts, n_steps, n_columns)
        Contribution of values that do not belong to a row.
    columns : list of labels
        Targets, covariates, calendar features, static covariates.
    lags : ndarray of int of shape (n_lags,)
        Number of rows back from the newest known row, which is 0, descending; -1 is the first step of the horizon.
    steps : list of int or str
        Steps of the horizon, counted from 1, or "mean".
    origins : pandas.Index
        Label of the newest known row of each forecast.
    series : list or None
        Name of each forecast's series; None if the model was fitted on one series.
    forecast, baseline : ndarray of shape (n_forecasts, n_steps)
        The forecast before bounds (`lower`, `upper`) are applied, and the forecast of the baseline.
    target : label
    method : str
    held : list of labels
        Columns that hold category codes. They have the same values in the baseline, so they contribute nothing.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.diagnostics import explain
    >>> model = SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(make_ar1(200, random_state=0))
    >>> found = explain(model)
    >>> found.values.shape, found.lags.tolist()
    ((1, 1, 4, 1), [3, 2, 1, 0])
    >>> bool(abs(found.missing).max() < 1e-9)
    True
    """

    values: Floats
    static: Floats
    columns: list[Any]
    lags: Integers
    steps: list[Any]
    origins: pd.Index
    series: list[Any] | None
    forecast: Floats
    baseline: Floats
    target: Any
    method: str
    held: list[Any]

    @property
    def missing(self) -> Floats:
        """Difference between the two forecasts minus the sum of all contributions, shape (n_forecasts, n_steps).

        This is the error of the integration; with "gradient_x_input", the nonlinear part.
        """
        return self.forecast - self.baseline - self.values.sum(axis=(2, 3)) - self.static.sum(axis=2)

    def by_column(self) -> pd.DataFrame:
        """Return the columns, the most important first.

        Returns
        -------
        pandas.DataFrame of shape (n_columns, 2)
            Index "column". "effect": the sum over all lags, as a mean over forecasts and steps. "size": the same for
            absolute values, by which rows are sorted.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.diagnostics import explain
        >>> model = SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(make_ar1(200, random_state=0))
        >>> explain(model).by_column().columns.tolist()
        ['effect', 'size']
        """
        effect = (self.values.sum(axis=2) + self.static).mean(axis=(0, 1))
        size = (np.abs(self.values).sum(axis=2) + np.abs(self.static)).mean(axis=(0, 1))
        index = pd.Index(self.columns, name="column", tupleize_cols=False)
        table = pd.DataFrame({"effect": effect, "size": size}, index=index)
        return table.sort_values("size", ascending=False, kind="stable")

    def by_lag(self) -> pd.DataFrame:
        """Return the contribution of each lag, column by column, without static covariates, which have no lag.

        Returns
        -------
        pandas.DataFrame of shape (n_lags, n_columns)
            Index "lag", means over forecasts and steps.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.diagnostics import explain
        >>> model = SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(make_ar1(200, random_state=0))
        >>> explain(model).by_lag().index.tolist()
        [3, 2, 1, 0]
        """
        columns = pd.Index(self.columns, name="column", tupleize_cols=False)
        return pd.DataFrame(self.values.mean(axis=(0, 1)), index=pd.Index(self.lags, name="lag"), columns=columns)

    def to_frame(self) -> pd.DataFrame:
        """Return all values, one per row.

        Returns
        -------
        pandas.DataFrame
            Columns "series" (if there are several), "origin", "step", "column", "lag" (missing for static covariates),
            "value".

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.diagnostics import explain
        >>> model = SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(make_ar1(200, random_state=0))
        >>> explain(model, step="each").to_frame().shape
        (8, 5)
        """
        still = np.flatnonzero(np.any(self.static != 0, axis=(0, 1)))
        parts = [self._long(self.values, self.lags, range(len(self.columns)))]
        if len(still):
            parts.append(self._long(self.static[:, :, None, still], [pd.NA], still))
        frame = pd.concat(parts, ignore_index=True)
        return frame.drop(columns=["series"]) if self.series is None else frame

    def _long(self, values: Array, lags: Any, columns: Any) -> pd.DataFrame:
        forecast, step, lag, column = (part.ravel() for part in np.indices(values.shape))
        series = [None] * len(values) if self.series is None else self.series
        labels = [self.columns[place] for place in columns]
        steps = pd.Index(self.steps, dtype=object if self.steps == ["mean"] else None)
        return pd.DataFrame({
            "series": pd.Index(series, dtype=object, tupleize_cols=False)[forecast],
            "origin": self.origins[forecast],
            "step": steps[step],
            "column": pd.Index(labels, dtype=object, tupleize_cols=False)[column],
            "lag": pd.array(lags, dtype="Int64")[lag],
            "value": values.ravel(),
        })  # fmt: skip
