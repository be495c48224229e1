"""Forecasts of a fitted forecaster, the frame of future covariates, and the skill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._frames import future_frame, leave, with_static
from ..._refusals import Refusal
from ..._types import Booleans, Floats, FrameLike
from ...baselines import seasonal_naive
from ...metrics import skill
from ..beginnings import refuse_likeless
from ..skipping import check_errors, warn_left_out
from .host import Host

__all__ = ["Answers"]


class Answers(Host):
    """The part of `SeriesForecaster` that forecasts."""

    def predict(
        self,
        X: FrameLike | int | None = None,
        *,
        history: FrameLike | None = None,
        n: int | None = None,
        static: FrameLike | None = None,
        recursive: bool | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Forecast the steps after the fitted data, or after another history.

        Parameters
        ----------
        X : frame or int, default=None
            The future rows; their labels must continue the fitted data (or `history`). Only their future covariates are
            read. None: forecast `horizon` steps of every series. An int is the same as `n`.
        history : frame, default=None
            Rows to forecast after, instead of the fitted ones: newer rows, or other series, also ones that `fit` never
            saw. Each series needs at least `lookback` rows with the target and the past covariates, at the fitted
            frequency.
        n : int, default=None
            Number of steps to forecast for every series, instead of `X`: `predict(24)` is `predict(n=24)`. None:
            `horizon`.
        static : frame, default=None
            Static covariates of new series, a row for each, as in `fit`. None: they are columns of `history`, or of `X`
            for series without a history.
        errors : {"warn", "raise"}, default="warn"
            What to do if a series of a panel cannot be forecast, because its rows of `X` do not continue its data, or
            its history is too short, has a gap or missing values. "warn": leave out this series and its rows of `X`,
            with a warning. "raise": raise an error.
        recursive : bool or None, default=None
            What to do for steps beyond `horizon`, for which forecasts are fed back. None: forecast them, with a
            warning. True: forecast them without a warning. False: raise an error. With past covariates they always
            raise.

        Returns
        -------
        frame or series, float64
            With `X`: a row for each row of `X`, in the same order and with the same index, and a column for each
            target, so that `X.assign(load=model.predict(X)["load"])` joins both. After `fit(X, y)` with a
            one-dimensional `y` it is a Series, as scikit-learn's tools expect. Without `X`: a frame with a row per
            step, in the layout of the fitted data, with series names and time stamps; its index continues that of the
            data, with the same zone, frequency and name. Polars and Arrow in, polars and Arrow out.

        Raises
        ------
        ValueError
            The rows of `X` do not continue the data, a known future value is missing, the history does not fit the
            model, or `n` is not a number of steps.

        Warns
        -----
        SkippedSeriesWarning
            Some series of a panel are left out; the warning names them and says why.
        forecast.RecursiveForecastWarning
            More steps than `horizon` are forecast; once per call, in a search or `cross_val_score` once for all folds.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=3).fit(make_ar1(200, random_state=0))
        >>> model.predict().shape, model.predict(2).shape
        ((3, 1), (2, 1))
        """
        if X is history is n is static is recursive is None and errors in ("warn", "raise"):
            one_row = self._one_row()
            if one_row is not None:
                return one_row.forecast()
        check_is_fitted(self)
        request = self._request(X, history, errors, n, static)
        return self._answered(request, self._forecasts(request, recursive), self.target_names_, self._state.flat)

    def future_frame(
        self,
        n: int | None = None,
        *,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        new: Iterable[Any] | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Return the frame to fill with future covariates and pass to `predict`.

        Parameters
        ----------
        n : int, default=None
            Number of steps of each series; None: `horizon`.
        history, static : frame, default=None
            As in `predict`.
        new : list, default=None
            Names of series without any history, for a model with static covariates. The frame then has a column for
            each static covariate, to fill in for the new series, unless the table passed to `fit` has them. `predict`
            uses the mean of the most similar series as their past.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`, for the series in `history`.

        Returns
        -------
        frame
            Index (and columns `series` and `time`) as in the fitted data, and one column of NaN per future covariate.

        Raises
        ------
        ValueError
            A series of `new` is known, or the model has no static covariates.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> days = pd.date_range("2024-01-01", periods=40, freq="D")
        >>> df = pd.DataFrame({"load": np.arange(40.0), "holiday": np.zeros(40)}, index=days)
        >>> model = SeriesForecaster(Ridge(), target="load", lookback=7, horizon=2, future_covariates="holiday")
        >>> future = model.fit(df).future_frame()
        >>> future["holiday"] = 0.0
        >>> model.predict(future).index.equals(pd.date_range("2024-02-10", periods=2))
        True
        """
        check_is_fitted(self)
        state = self._state
        check_errors(errors)
        refused: dict[Any, Exception] = {}
        past = state.tail
        if history is None:
            state.refuse_without_rows("future_frame without history")
        if history is not None or static is not None:
            past, refused = self._read_history(*self._with_static(static, history=history), errors)
        if refused:
            warn_left_out(refused, len({*past.keys, *refused}), 2)
        steps = state.horizon if n is None else n
        keys = self._series_keys(past)
        labels = [state.axis.after(last, steps) for last in self._last_labels(past).values()]
        if new is None:
            return leave(future_frame(state.layout, state.roles, state.schema, keys, labels), self._kind)
        new = list(new)
        refuse_likeless(state, past, new)
        labels += [state.axis.after(max(past.last_labels.values()), steps)] * len(new)
        frame = future_frame(state.layout, state.roles, state.schema, [*keys, *new], labels)
        outside = state.roles.outside
        if outside is None or outside.absent(new).any():  # the table may have them already
            static = np.concatenate([past.static, np.full((len(new), past.static.shape[1]), np.nan)])
            static = np.repeat(static, list(map(len, labels)), axis=0)
            frame = with_static(frame, state.roles, state.schema, static)
        return leave(frame, self._kind)

    def score(self, X: FrameLike, y: Any = None) -> float:
        """Return the skill on the rows of `X`: `1 - MAE / MAE of the seasonal naive`, the mean over targets and series.

        Parameters
        ----------
        X : frame
            Rows that continue the fitted data.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The actual values; None takes them from `X`.

        Returns
        -------
        float
            1 is perfect, 0 is as good as repeating the last season (the usual one of the frequency; the last value if
            there is none, or if the fitted data are shorter), below 0 is worse.

        Raises
        ------
        ValueError
            As `predict`; or an actual value is NaN (unless `missing="mask"`) or infinite, or none is known.

        Warns
        -----
        forecast.RecursiveForecastWarning
            As `predict`.
        """
        check_is_fitted(self)
        state = self._state
        request = self._request(X, None)
        forecasts = self._forecasts(request)
        actual = self._actual(X, y, request)
        period = state.axis.season_length
        if all(np.isnan(values).all() for values in actual):
            raise ValueError(
                Refusal(
                    f"no row of X has a value of {', '.join(map(repr, self.target_names_))}: there is nothing to "
                    "judge the forecast by"
                )
            )
        skills = []
        for number, key in enumerate(request.keys):
            past = self._known(request.past, key)
            seen = ~np.isnan(actual[number])
            naive = seasonal_naive(past, len(actual[number]), period if period <= len(past) else 1)
            skills.append(_skill(forecasts[number], actual[number], naive, seen))
        return float(np.nanmean(np.concatenate(skills)))


def _skill(forecast: Floats, actual: Floats, naive: Floats, seen: Booleans) -> Floats:
    """1 - MAE / MAE of the naive forecast, of each target."""
    count = np.maximum(seen.sum(axis=0), 1)
    error, yardstick = (np.where(seen, np.abs(actual - other), 0.0).sum(axis=0) / count for other in (forecast, naive))
    # A naive forecast without error would make any other infinitely bad; a floor keeps candidates comparable.
    size = np.abs(np.where(seen, [actual, forecast], 0.0)).max(axis=(0, 1))
    floor = np.maximum(np.finfo(np.float64).eps * size, np.finfo(np.float64).tiny)
    return np.where(seen.any(axis=0), skill(error, yardstick, floor=floor), np.nan)
