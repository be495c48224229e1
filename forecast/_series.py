"""`SeriesForecaster`: a frame with a time index goes in, a frame with the future time index comes out."""

from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._frames import (
    as_frame,
    check_continues,
    check_history,
    column_names,
    continue_index,
    read_values,
    season_length,
)
from ._windows import Windows, make_windows
from .baselines import seasonal_naive

__all__ = ["SeriesForecaster"]


class SeriesForecaster(RegressorMixin, BaseEstimator):
    """Forecast the columns of a time-indexed frame with any regressor on windows.

    Parameters
    ----------
    regressor : estimator, default=None
        Cloned in `fit`. None is `RNNForecaster()`. Any scikit-learn regressor with several outputs works, such as
        `Ridge()` or a pipeline; it gets the matrix of windows.
    target : label or list of labels, default=None
        Columns to forecast. None is right for a frame of one column and where `fit` is given `y`.
    lookback : int, default=48
        Steps of the past that a forecast sees.
    horizon : int, default=12
        Steps that one call of the regressor forecasts.
    past_covariates : label or list of labels, default=None
        More columns to look back on; their future is not needed.
    window_norm : {"last", None}, default="last"
        "last" takes a window's newest value of the target off its past and puts it back on the forecast, so that a
        drifting level does not defeat the regressor. None leaves values alone.
    step : int, default=1
        Rows from one training window to the next.

    Attributes
    ----------
    regressor_ : estimator
        The fitted clone.
    target_names_ : list of labels
    freq_ : offset or int
        Frequency of the fitted index, the step of an integer one.
    history_ : DataFrame
        The newest fitted rows of targets and past covariates, as many as a forecast can need; `predict()` starts after
        them.
    n_windows_ : int
        Windows trained on.
    n_features_in_ : int
        Columns of the fitted frame.
    feature_names_in_ : ndarray of str
        Their names, where all are strings.

    See Also
    --------
    forecast.model_selection.backtest : Forecasts from several origins beside naive ones.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> days = pd.date_range("2024-01-01", periods=60, freq="D", tz="Europe/Berlin", name="day")
    >>> df = pd.DataFrame({"load": np.tile([5.0, 6.0, 5.0, 6.0, 5.0, 1.0, 0.0], 9)[:60]}, index=days)
    >>> model = SeriesForecaster(Ridge(alpha=1e-6), target="load", lookback=7, horizon=3).fit(df)
    >>> model.predict().round(2)  # doctest: +NORMALIZE_WHITESPACE
                               load
    day
    2024-03-01 00:00:00+01:00   5.0
    2024-03-02 00:00:00+01:00   1.0
    2024-03-03 00:00:00+01:00   0.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "regressor": [HasMethods(["fit", "predict"]), None],
        "target": "no_validation",
        "lookback": [Interval(Integral, 1, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "past_covariates": "no_validation",
        "window_norm": [StrOptions({"last"}), None],
        "step": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        regressor=None,
        *,
        target=None,
        lookback=48,
        horizon=12,
        past_covariates=None,
        window_norm="last",
        step=1,
    ):
        self.regressor = regressor
        self.target = target
        self.lookback = lookback
        self.horizon = horizon
        self.past_covariates = past_covariates
        self.window_norm = window_norm
        self.step = step

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Train the regressor on all windows of a frame.

        Parameters
        ----------
        X : pandas.DataFrame or pandas.Series
            One row per time step: a regular DatetimeIndex, PeriodIndex or integer index, finite numbers in the columns
            used.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target where it is not a column of `X`, or as scikit-learn's tools pass it; it comes before a column of
            that name.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            `X` or `y` is not a regular, numeric, finite series of at least `lookback + horizon` rows. The state of an
            earlier fit is kept.
        """
        frame, target = self._with_target(X, y)
        windows = make_windows(
            frame,
            target=target,
            lookback=self.lookback,
            horizon=self.horizon,
            past_covariates=self.past_covariates,
            step=self.step,
            window_norm=self.window_norm,
        )
        regressor = _default_regressor() if self.regressor is None else clone(self.regressor)
        targets = windows.y
        if not _accepts_windows(regressor):
            windows_given, targets = np.asarray(windows), np.asarray(targets)
            targets = targets.ravel() if targets.shape[1] == 1 else targets
        else:
            windows_given = windows
        regressor.fit(windows_given, targets)
        self._remember(as_frame(X), windows, regressor)
        return self

    def _remember(self, X, windows, regressor):
        """Set the whole fitted state at once, after everything that can fail."""
        needed = max(windows.lookback, season_length(windows.freq), getattr(regressor, "n_history_", 1))
        self.regressor_ = regressor
        self.target_names_ = windows.target_names
        self.freq_ = windows.freq
        self.history_ = pd.DataFrame(
            windows.values[-needed:], index=windows.index[-needed:], columns=_labels(windows.channel_names), copy=True
        )
        self.n_windows_ = len(windows)
        self._fitted = {
            "lookback": windows.lookback,
            "horizon": windows.horizon,
            "n_targets": windows.n_targets,
            "window_norm": windows.window_norm,
        }
        self._needed = needed
        self.n_features_in_ = X.shape[1]
        if all(isinstance(name, str) for name in X.columns):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _with_target(self, X, y):
        """The frame to read from and the name of its target; `y` takes the place of a column of its name."""
        frame = as_frame(X)
        if y is None:
            return frame, self.target
        targets = _target_frame(frame, y, self.target)
        others = frame.drop(columns=[name for name in targets.columns if name in frame.columns])
        return pd.concat([targets, others], axis=1), list(targets.columns)

    def predict(self, X=None, *, history=None):
        """Forecast the steps after the fitted data, or after another history.

        Parameters
        ----------
        X : pandas.DataFrame or pandas.Series, default=None
            The future rows; their index must continue the fitted data (or `history`), their values are not used. One
            row of forecast per row; more than `horizon` by feeding forecasts back, where there are no past covariates.
            None forecasts `horizon` steps.
        history : pandas.DataFrame or pandas.Series, default=None
            Rows to forecast after in place of the fitted ones: newer ones, or another series. At least `lookback` rows
            with the target and the past covariates, at the fitted frequency.

        Returns
        -------
        pandas.DataFrame of shape (steps, targets), float64
            Its index continues the data's own: zone, frequency and name. A frame also where there is one target.

        Raises
        ------
        ValueError
            The rows of `X` do not continue the data, or the history does not fit the model.
        """
        check_is_fitted(self)
        past = self.history_ if history is None else self._read_history(history)
        if X is None:
            labels = continue_index(past.index, self._fitted["horizon"], self.freq_)
        else:
            labels = as_frame(X).index
            check_continues(past.index, labels, self.freq_)
        windows = self._windows_over(past.to_numpy(), [len(past) - 1])
        forecast = self._forecast(windows, len(labels))[0]
        return pd.DataFrame(forecast, index=labels, columns=_labels(self.target_names_))

    def score(self, X, y=None):
        """Skill on the rows of `X`: `1 - MAE / MAE of the seasonal naive`, the mean of it over several targets.

        Parameters
        ----------
        X : pandas.DataFrame or pandas.Series
            Rows that continue the fitted data.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The actual values; None takes them from `X`.

        Returns
        -------
        float
            1 is perfect, 0 as good as repeating the last season (the usual one of the frequency; the last value where
            there is none, or where the fitted data are shorter), below 0 worse than that.

        Raises
        ------
        ValueError
            As `predict`, or an actual value is NaN or infinite.
        """
        forecast = self.predict(X).to_numpy()
        frame, target = self._with_target(X, y)
        actual = read_values(frame, column_names(frame, self.target_names_ if y is None else target)[0])
        period = season_length(self.freq_)
        past = self.history_[self.target_names_].to_numpy()
        naive = seasonal_naive(past, len(actual), period if period <= len(past) else 1)
        error = np.abs(actual - forecast).mean(axis=0)
        yardstick = np.abs(actual - naive).mean(axis=0)
        # A naive forecast without error would make any other infinitely bad; a floor keeps candidates comparable.
        floor = np.finfo(np.float64).eps * np.maximum(1.0, np.abs(actual).max(axis=0))
        return float(np.mean(np.where((error == 0) & (yardstick == 0), 0.0, 1 - error / np.maximum(yardstick, floor))))

    def _read_history(self, history):
        """The end of another history, checked like fitted rows; rows before what a forecast can use are not read."""
        frame = as_frame(history, "history")
        column_names(frame, self.target_names_, list(self.history_.columns))
        lookback = self._fitted["lookback"]
        if len(frame) < lookback:
            raise ValueError(
                f"the history has {len(frame)} rows; expected at least lookback = {lookback} of them to forecast from."
            )
        frame = frame.iloc[-self._needed :]
        check_history(frame.index, self.freq_)
        values = read_values(frame, list(self.history_.columns))
        return pd.DataFrame(values, index=frame.index, columns=self.history_.columns)

    def _forecast_from(self, frame, origins, n_steps):
        """Forecasts after several rows of one frame, shape (origins, n_steps, targets)."""
        values = read_values(frame, list(self.history_.columns))
        return self._forecast(self._windows_over(values, origins), n_steps)

    def _windows_over(self, values, origins):
        return Windows(values, origins, freq=self.freq_, channel_names=list(self.history_.columns), **self._fitted)

    def _forecast(self, windows, n_steps):
        """Forecasts in the units of the series, shape (n, n_steps, targets); all windows in one call if possible."""
        if n_steps <= windows.horizon:
            return self._forecast_horizon(windows)[:, :n_steps]
        if windows.n_channels > windows.n_targets:
            raise ValueError(
                f"{n_steps} steps were asked for, but horizon is {windows.horizon} and past covariates "
                f"{windows.channel_names[windows.n_targets :]} are not known after it, so that forecasts cannot be "
                f"fed back. Fix: horizon={n_steps}, or fewer rows."
            )
        return np.stack([self._feed_back(windows.values[: origin + 1], n_steps) for origin in windows.origins])

    def _feed_back(self, values, n_steps):
        values, blocks = values[-self._needed :], []
        while sum(map(len, blocks)) < n_steps:
            block = self._forecast_horizon(self._windows_over(values, [len(values) - 1]))[0]
            blocks.append(block)
            # In the precision of the series, so that the first steps have the bits of a shorter forecast.
            values = np.concatenate([values, block.astype(values.dtype)])
        return np.concatenate(blocks)[:n_steps]

    def _forecast_horizon(self, windows):
        given = windows if _accepts_windows(self.regressor_) else np.asarray(windows)
        prediction = np.asarray(self.regressor_.predict(given), dtype=np.float64)
        restored = windows.restore(prediction.reshape(len(windows), -1))
        return restored.reshape(len(windows), windows.horizon, windows.n_targets)


def _default_regressor():
    from ._rnn import RNNForecaster

    return RNNForecaster()


def _accepts_windows(regressor):
    """Whether a regressor takes `Windows` as they are; all others get the matrix."""
    return getattr(type(regressor), "_accepts_windows", False)


def _labels(names):
    return pd.Index(names, tupleize_cols=False)


def _target_frame(frame, y, names):
    """`y` as a frame beside `X`: its own names where it has them, else the ones given as `target`, else `y`."""
    if not isinstance(y, (pd.Series, pd.DataFrame)):
        y = np.asarray(y)
        if y.ndim not in (1, 2):
            raise ValueError(f"y has shape {y.shape}; expected (rows,) or (rows, targets).")
        y = pd.DataFrame(y) if y.ndim == 2 else pd.Series(y)
        y = y.set_axis(frame.index) if len(y) == len(frame) else y
    if len(y) != len(frame):
        raise ValueError(f"y has {len(y)} rows, X has {len(frame)}; expected the same rows.")
    if not y.index.equals(frame.index):
        raise ValueError(
            "y has another index than X; expected the same labels in the same order. Fix: y = y.loc[X.index]."
        )
    if isinstance(y, pd.Series):
        given = names if isinstance(names, list) else [names]
        name = y.name if y.name is not None else given[0] if len(given) == 1 else None
        return y.to_frame("y" if name is None else name)
    if isinstance(y.columns, pd.RangeIndex) and isinstance(names, list) and len(names) == y.shape[1]:
        y = y.set_axis(_labels(names), axis=1)
    elif isinstance(y.columns, pd.RangeIndex):
        y = y.set_axis([f"y{position}" for position in range(y.shape[1])], axis=1)
    return y
