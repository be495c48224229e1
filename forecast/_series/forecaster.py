"""`SeriesForecaster`: a frame with a time index goes in, a frame with the future time index comes out."""

import warnings
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from .._files import Saved, stored
from .._frames import Roles, Rules, answer, as_frame, check_length, enter, future_frame, leave, read_panel
from ..baselines import seasonal_naive
from .bounds import check_bounds
from .card import card_parts
from .fitting import fitted_state
from .parameters import CONSTRAINTS, lookback_of
from .requests import Requests
from .targets import with_target
from .uncertainty import Uncertainty

__all__ = ["SeriesForecaster"]


@stored("SeriesForecaster", card=card_parts)
class SeriesForecaster(Saved, Requests, Uncertainty, RegressorMixin, BaseEstimator):
    """Forecast the columns of a time-indexed frame, or of a panel of many series, with any regressor on windows.

    Without a regressor, `fit` chooses everything that is not given from the training rows: seasons, calendar, lookback,
    a linear model, recurrent networks, and the weights of their mean (`report_` says what and why). With a regressor it
    trains exactly that.

    Parameters
    ----------
    regressor : estimator, default=None
        Cloned in `fit`. Any scikit-learn regressor with several outputs works, such as `RNNForecaster()`, `Ridge()` or
        a pipeline; it gets the matrix of windows. None: chosen.
    target : label or list of labels, default=None
        Columns to forecast. None is right for a frame of one column and where `fit` is given `y`.
    lookback : int or "auto", default="auto"
        Steps of the past that a forecast sees. "auto": chosen; 48 with a regressor.
    horizon : int, default=12
        Steps that one call of the regressor forecasts.
    past_covariates : label or list of labels, default=None
        More columns to look back on; their future is not needed. Text and categories become one column each (one-hot).
    future_covariates : label or list of labels, default=None
        Columns known ahead: looked back on as well, and asked for in `predict` (`future_frame` gives the frame to
        fill).
    static_covariates : label or list of labels, default=None
        Columns that do not change within a series; for panels.
    series : label, default=None
        Column or index level that names the series of a panel in long format. One model is trained for all.
    time : label, default=None
        Column that holds the time stamps. None: the index.
    freq : str, offset or int, default=None
        Frequency of the rows; None infers it. Where it is given, a missing business day is a gap.
    trading_calendar : pandas.offsets.CustomBusinessDay or list of dates, default=None
        Sessions, or the holidays without one, of daily business data. Without it, missing weekdays are sessions that
        did not take place, and forecasts go on with the next weekdays.
    gaps : {"error", "mask", "interpolate"}, default="error"
        Stamps that are missing: refused; put in without values; put in on a straight line.
    missing : {"error", "mask"}, default="error"
        NaN in targets and past covariates: refused; or the regressor sees the value before and, in channels of their
        own, which values are there, and a missing target has no part in the loss.
    season : int, list of int or "auto", default="auto"
        Steps of the seasons, the most important first. "auto": the usual ones of the frequency that the autocorrelation
        confirms; of an integer index those that it shows. Only without a regressor.
    transform : str, transformer, list of them, None or "auto", default="auto"
        Of the targets, each series by itself: "standard", "robust", "minmax", "asinh", "log", "log1p", "boxcox",
        "difference", "seasonal_difference", "log_return", a class of `forecast.preprocessing` or a scikit-learn
        transformer, one after the other. Learnt from the training rows and inverted in forecasts. "auto": chosen; none
        with a regressor.
    calendar : list of str, None or "auto", default="auto"
        Features of the local wall time, known ahead: "hour", "dayofweek", "dayofyear", "week", "month", ... as
        sine and cosine, "holidays:DE" (`forecast.preprocessing.calendar_features`). "auto": the cycles that the rows
        hold at least twice; none with a regressor.
    window_norm : {"last", "mean", "standard", None, "auto"} or tuple, default="auto"
        "last" takes a window's newest value of the target off its past and puts it back on the forecast, so that a
        drifting level does not defeat the regressor; "mean" the mean; "standard" also divides by the standard
        deviation, at least a quarter of the series' usual change from row to row in the training rows. ("mean", 0.1)
        and ("standard", 0.3) compute these over the newest fraction of the lookback; ("season", 24) takes off the
        window's mean season of 24 steps. None leaves values alone. See `make_windows`. "auto": chosen; "last" with a
        regressor.
    multi_target : {"joint", "shared", "auto"}, default="auto"
        With several targets, one network sees and forecasts all; or each is a series of its own with shared weights.
        "auto": chosen; "joint" with a regressor.
    loss : {"absolute_error", "squared_error"}, default="absolute_error"
        What the choice and the weights make small, and so what a forecast is: the median or the mean. Only without a
        regressor, which has a loss of its own.
    lower, upper : float, default=None
        Bounds of the target, such as 0 for a count: forecasts and intervals stay within.
    level : bool, default=False
        Give the regressor the targets once more as channels that `window_norm` leaves alone: for series whose course
        depends on their level, such as one that returns to a mean.
    step : int, default=1
        Rows from one training window to the next.
    members : dict of str to dict, default=None
        Several regressors in place of one, whose weighted mean is the forecast: by name, a dict of "regressor" and,
        where they differ from the arguments here, "lookback", "window_norm", "transform", "calendar", "multi_target",
        "level", "step" and "weight" (default: 1). `recipe_` holds it. A series with fewer rows than a member looks
        back on has its oldest row repeated; of a single regressor it is refused.
    validation_fraction : float or None, default=0.1
        Share of the newest windows from which `report_` and intervals come, and by which a recipe chooses. An
        `RNNForecaster` that stops early holds them out by itself; of any other regressor a second clone is fitted
        without them. None: no report, no intervals, one fit; a recipe still holds out a tenth.
    max_seconds : float, default=None
        Time that `fit` of a recipe shall take, by the clock. Where it is too short, networks get fewer optimiser steps
        or are left out, and a warning says so, because the result then depends on the machine.
    n_jobs : int, default=None
        Threads of the networks of a recipe; None: all usable cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the networks of a recipe, and of a regressor or member that has a `random_state` of None.
    verbose : int, default=0
        1: the report is printed, two lines, on stdout, and what a recipe does as it does it, on stderr. Progress of a
        training is the regressor's own matter: `RNNForecaster(verbose=1)`.

    Attributes
    ----------
    regressor_ : estimator
        The fitted clone; with several members that of the first.
    members_ : dict of str to SeriesForecaster
        The members by name, each a fitted forecaster; of one regressor itself alone.
    recipe_ : dict
        Arguments with which `SeriesForecaster(**recipe_)` gives the same fit, with nothing left to choose.
    report_ : ModelReport
        Validation errors beside those of naive forecasts.
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
    card_ : dict
        The model card, as `forecast.read_card` gives it of a saved model.

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

    Without a regressor, everything else is chosen, and `recipe_` says what:

    >>> model = SeriesForecaster(target="load", horizon=3, random_state=0).fit(df)
    >>> model.predict().shape, round(sum(one["weight"] for one in model.recipe_["members"].values()), 6)
    ((3, 1), 1.0)
    """

    _parameter_constraints: ClassVar[dict] = CONSTRAINTS

    def __init__(
        self,
        regressor=None,
        *,
        target=None,
        lookback="auto",
        horizon=12,
        past_covariates=None,
        future_covariates=None,
        static_covariates=None,
        series=None,
        time=None,
        freq=None,
        trading_calendar=None,
        gaps="error",
        missing="error",
        season="auto",
        transform="auto",
        calendar="auto",
        window_norm="auto",
        multi_target="auto",
        loss="absolute_error",
        lower=None,
        upper=None,
        level=False,
        step=1,
        members=None,
        validation_fraction=0.1,
        max_seconds=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.regressor = regressor
        self.target = target
        self.lookback = lookback
        self.horizon = horizon
        self.past_covariates = past_covariates
        self.future_covariates = future_covariates
        self.static_covariates = static_covariates
        self.series = series
        self.time = time
        self.freq = freq
        self.trading_calendar = trading_calendar
        self.gaps = gaps
        self.missing = missing
        self.season = season
        self.transform = transform
        self.calendar = calendar
        self.window_norm = window_norm
        self.multi_target = multi_target
        self.loss = loss
        self.lower = lower
        self.upper = upper
        self.level = level
        self.step = step
        self.members = members
        self.validation_fraction = validation_fraction
        self.max_seconds = max_seconds
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_state")

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Train on all windows of a frame.

        Parameters
        ----------
        X : pandas.DataFrame, pandas.Series, polars.DataFrame or pyarrow.Table
            One row per time step (and series): a regular DatetimeIndex, PeriodIndex or integer index, or a column
            `time`; finite numbers in the columns used.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target where it is not a column of `X`, or as scikit-learn's tools pass it; it comes before a column of
            that name.
        X_val : frame, default=None
            Rows that continue `X`, to validate on in place of the newest rows of `X`: they choose, weigh and stop, and
            no weight, scale or encoding is learnt from them. `predict()` goes on after them.
        y_val : as y, default=None
            Their target; given where `y` is.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            The data are not as described, or too short for one window. The state of an earlier fit is kept.

        Warns
        -----
        UserWarning
            Business data without `trading_calendar`: the forecast's index takes the next weekdays.
        """
        check_bounds(self.lower, self.upper)
        frame, kind = enter(X)
        columns = frame.columns
        frame, target = with_target(frame, y, self.target)
        rules = self._rules()
        roles = Roles.of(
            frame,
            target=target,
            past_covariates=self.past_covariates,
            future_covariates=self.future_covariates,
            static_covariates=self.static_covariates,
            series=self.series,
            time=self.time,
            answer_in=kind,
        )
        panel = read_panel(frame, roles, rules)
        check_length(int(np.diff(panel.starts).max()), lookback_of(self), self.horizon)
        later = None if X_val is None else self._validation_panel(panel, roles, X_val, y_val, target)
        state, recipe = fitted_state(self, panel, roles, later)
        self._remember(state, columns, kind)
        self.recipe_ = self.get_params(deep=False) | recipe
        if panel.axis.note:
            warnings.warn(panel.axis.note, UserWarning, stacklevel=3)
        if self.verbose:
            print(self.report_)
        return self

    def _validation_panel(self, panel, roles, X_val, y_val, target):
        frame, _ = enter(X_val, "X_val")
        frame, _ = with_target(as_frame(frame, "X_val"), y_val, target)
        return read_panel(frame, roles, self._rules(), schema=panel.schema, axis=panel.axis, what="X_val")

    def _rules(self):
        return Rules(
            freq=self.freq, trading_calendar=self.trading_calendar, gaps=self.gaps, missing=self.missing
        )

    def _remember(self, state, columns, kind):
        """Set the whole fitted state at once, after everything that can fail."""
        self._state = state
        self._kind = kind
        self.regressor_ = state.regressor
        self.report_ = state.report
        self.target_names_ = list(state.roles.target)
        self.freq_ = state.axis.freq
        self.n_windows_ = state.n_windows
        self.n_features_in_ = len(columns)
        if all(isinstance(name, str) for name in columns):
            self.feature_names_in_ = np.asarray(columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    @property
    def members_(self):
        """Each member as a fitted forecaster of its own."""
        check_is_fitted(self)
        if self._state.members is None:
            return {"regressor": self}
        return {name: self._alone(member) for name, member in self._state.members.items()}

    def _alone(self, member):
        preparation = member.preparation
        names = ("lookback", "window_norm", "transform", "calendar", "level")
        own = {name: getattr(preparation, name) for name in names}
        own |= {"multi_target": "shared" if member.split else "joint", "regressor": member.regressor, "members": None}
        one = type(self)(**(self.get_params(deep=False) | own))
        columns = getattr(self, "feature_names_in_", range(self.n_features_in_))
        one._remember(self._state.alone(member), columns, self._kind)
        one.recipe_ = one.get_params(deep=False)
        return one

    @property
    def history_(self):
        """The newest fitted rows of targets and past covariates."""
        check_is_fitted(self)
        state = self._state
        tail = state.tail
        bounds = list(zip(tail.starts[:-1], tail.starts[1:], strict=True))
        values = np.concatenate([tail.targets, tail.past], axis=1)
        names = [*state.roles.target, *state.schema.past_names]
        return answer(
            state.layout,
            state.roles,
            tail.keys,
            [tail.index[first:end] for first, end in bounds],
            [values[first:end] for first, end in bounds],
            names,
        )

    def predict(self, X=None, *, history=None):
        """Forecast the steps after the fitted data, or after another history.

        Parameters
        ----------
        X : frame, default=None
            The future rows; their labels must continue the fitted data (or `history`). Their future covariates are
            read, other values not. More of them than `horizon` by feeding forecasts back, where there are no past
            covariates. None forecasts `horizon` steps of every series.
        history : frame, default=None
            Rows to forecast after in place of the fitted ones: newer ones, or other series, never seen in `fit`. At
            least `lookback` rows of each with the target and the past covariates, at the fitted frequency.

        Returns
        -------
        frame, float64
            Of `X`: a row for each row of `X`, under the index of `X`, and a column for each target; which series and
            which stamp it is says the row of `X`. So scikit-learn's scorers take it, and
            `X.assign(load=model.predict(X)["load"])` puts both side by side. Without `X`: a row per step, laid out as
            the fitted data, names of series and stamps included; its index continues theirs: zone, frequency and name.
            Polars and Arrow are answered in kind.

        Raises
        ------
        ValueError
            The rows of `X` do not continue the data, a known future value is missing, or the history does not fit the
            model.
        """
        check_is_fitted(self)
        request = self._request(X, history)
        return self._answered(request, self._forecasts(request), self.target_names_)

    def future_frame(self, n=None, *, history=None):
        """The frame to fill with the known future values and to give to `predict`.

        Parameters
        ----------
        n : int, default=None
            Steps of each series; None: `horizon`.
        history : frame, default=None
            As in `predict`.

        Returns
        -------
        frame
            Index (and columns `series` and `time`) as the fitted data have them, one column per future covariate, NaN.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import Ridge
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
        past = state.tail if history is None else self._read_history(history)
        steps = state.horizon if n is None else n
        keys = self._series_keys(past)
        labels = [state.axis.after(last, steps) for last in self._last_labels(past).values()]
        return leave(future_frame(state.layout, state.roles, state.schema, keys, labels), self._kind)

    def score(self, X, y=None):
        """Skill on the rows of `X`: `1 - MAE / MAE of the seasonal naive`, the mean of it over targets and series.

        Parameters
        ----------
        X : frame
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
        check_is_fitted(self)
        state = self._state
        request = self._request(X, None)
        forecasts = self._forecasts(request)
        actual = self._actual(X, y, request)
        period = state.axis.season_length
        skills = []
        for number, key in enumerate(request.keys):
            past = self._known(request.past, key)
            seen = ~np.isnan(actual[number])
            naive = seasonal_naive(past, len(actual[number]), period if period <= len(past) else 1)
            skills.append(_skill(forecasts[number], actual[number], naive, seen))
        return float(np.nanmean(np.concatenate(skills)))


def _skill(forecast, actual, naive, seen):
    """1 - MAE / MAE of the naive forecast, of each target."""
    count = np.maximum(seen.sum(axis=0), 1)
    error, yardstick = (np.where(seen, np.abs(actual - other), 0.0).sum(axis=0) / count for other in (forecast, naive))
    # A naive forecast without error would make any other infinitely bad; a floor keeps candidates comparable.
    size = np.abs(np.where(seen, actual, 0.0)).max(axis=0)
    floor = np.finfo(np.float64).eps * np.maximum(1.0, size)
    skill = np.where((error == 0) & (yardstick == 0), 0.0, 1 - error / np.maximum(yardstick, floor))
    return np.where(seen.any(axis=0), skill, np.nan)
