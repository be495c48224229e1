"""`SeriesForecaster`: a frame with a time index goes in, a frame with the future time index comes out."""

import warnings
from dataclasses import replace
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context

from .._alone import Alone
from .._files import Saved, stored
from .._frames import Roles, Rules, check_length, enter, note_sentinels, note_time, read_panel
from .bounds import check_bounds, note_beyond
from .card import card_parts
from .fitting import fitted_state
from .parameters import CONSTRAINTS, lookback_of
from .remembered import Remembered
from .targets import entered, is_flat, with_target
from .tools import refuse_arrays, refuse_shuffled_rows
from .verbs import Answers, Monitors, Paths, Requests, Tunes, Uncertainty, Updates
from .weights import row_weights

__all__ = ["SeriesForecaster"]


@stored("SeriesForecaster", card=card_parts)
class SeriesForecaster(
    Saved, Remembered, Answers, Uncertainty, Paths, Updates, Tunes, Monitors, Requests, RegressorMixin, BaseEstimator
):
    """Forecast the columns of a time-indexed frame, or of a panel of many series, with any regressor on windows.

    Without a regressor, `fit` chooses everything that is not given from the training rows: seasons, calendar, lookback,
    a linear model, recurrent networks, and the weights of their mean (`report_` says what and why). With a regressor it
    trains exactly that regressor.

    Parameters
    ----------
    regressor : estimator, default=None
        Cloned in `fit`. Any scikit-learn regressor works, such as `RNNForecaster()`, `Ridge()`, LightGBM or a pipeline;
        it gets the matrix of windows. If it has a single output, such as gradient boosting, a clone is fitted for each
        step and target. None: chosen.
    target : label or list of labels, default=None
        Columns to forecast. None works for a frame of one column, and if `y` is passed to `fit`.
    lookback : int or "auto", default="auto"
        Steps of the past that a forecast sees. "auto": chosen; 48 with a regressor. 0: none; the forecast rests on
        static covariates, those known ahead and the calendar, and series without a history get one. For
        `RNNForecaster(encoder="dense", decoder="recurrent")` and for regressors of scikit-learn.
    horizon : int, default=12
        Steps that the regressor forecasts at once.
    past_covariates : label or list of labels, default=None
        More columns to look back on; their future is not needed. Text and categories become one column each (one-hot).
    future_covariates : label or list of labels, default=None
        Columns known ahead: their past is read as well, and `predict` needs their future (`future_frame` returns the
        frame to fill).
    static_covariates : label or list of labels, default=None
        Columns that do not change within a series; for panels. Columns of `series` may be among them. They may also be
        passed as a separate table: `fit(X, static=table)`.
    series : label or list of labels, default=None
        Column or index level that names the series of a panel in long format, or several that name them together, such
        as `["store", "item"]`: a tuple then names a series. One model is trained for all.
    time : label, default=None
        Column of the time stamps. None: the index or, if that only counts rows, the only column of time stamps, with a
        `TimeColumnWarning`.
    freq : str, offset or int, default=None
        Frequency of the rows. None: inferred. If given, a missing business day is a gap. With `gaps="irregular"`, the
        step of the forecasts; None: the usual time between rows, rounded.
    trading_calendar : pandas.offsets.CustomBusinessDay or list of dates, default=None
        Sessions, or dates without one, of daily business data. None: missing weekdays count as holidays, and forecasts
        continue with the next weekdays.
    gaps : {"error", "mask", "interpolate", "irregular"}, default="error"
        What to do with missing stamps. "error": raise. "mask": insert them without values. "interpolate": insert them
        with values on a straight line. "irregular": rows are at irregular times and none is missing. `lookback` and
        `horizon` then count rows, the regressor reads the time of each, and forecasts are at steps of `freq` after the
        newest row, or at the times in the frame passed to `predict`. For `RNNForecaster(cell="gru_decay",
        decoder="steps")`, or any other regressor.
    missing : {"error", "mask"}, default="error"
        What to do with NaN in targets and past covariates. "error": raise. "mask": fill with the value before, add mask
        channels, and exclude missing targets from the loss.
    categorical : {"one-hot", "embedding"}, default="one-hot"
        What covariates of text and categories become. "one-hot": a column for each category. "embedding": a vector for
        each, learned with the network; a category that `fit` did not see reads the vector of an unknown one. For a
        regressor, or `members`, of `RNNForecaster`. Whole numbers that name something are categories with
        `df.astype({"zone": "category"})`.
    season : int, list of int or "auto", default="auto"
        Steps of the seasons, the most important first. "auto": the usual ones of the frequency that the autocorrelation
        confirms; for an integer index, those that it shows. Only without a regressor.
    transform : str, transformer, list of them, None or "auto", default="auto"
        For the targets of each series: "standard", "robust", "minmax", "asinh", "log", "log1p", "boxcox",
        "difference", "seasonal_difference", "log_return", a class of `forecast.preprocessing` or a scikit-learn
        transformer, or a list of them in order. Learned from the training rows and inverted in forecasts. "auto":
        chosen; none with a regressor.
    calendar : list of str, None or "auto", default="auto"
        Features of the local time, known ahead: "hour", "dayofweek", "dayofyear", "week", "month", ... as
        sine and cosine, "holidays:DE" (`forecast.preprocessing.calendar_features`). "auto": the cycles that the rows
        contain at least twice; none with a regressor.
    window_norm : {"last", "mean", "standard", None, "auto"} or tuple, default="auto"
        What is subtracted from the targets of a window and added back to the forecast, so that a drifting level does
        not matter. "last": the newest value. "mean": the mean. "standard": the mean, and it divides by the standard
        deviation, at least a quarter of the usual change from row to row in the training rows. ("mean", 0.1) and
        ("standard", 0.3): the same over the newest fraction of the lookback. ("season", 24): the mean season of 24
        steps. None: nothing. See `make_windows`. "auto": chosen; "last" with a regressor.
    multi_target : {"joint", "shared", "auto"}, default="auto"
        For several targets. "joint": one regressor sees and forecasts all. "shared": each is a separate series, with
        shared weights. "auto": chosen; "joint" with a regressor.
    loss : {"absolute_error", "squared_error", "quantile", "normal", "student_t", "negative_binomial", "poisson", \
            "gamma"}, default="absolute_error"
        What the choice and the weights minimise: "absolute_error" forecasts the median, "squared_error" the mean.
        "quantile" forecasts the median, and `predict_quantiles` returns learned quantiles, from 0.025 to 0.975,
        instead of conformal ones. The others are distributions: one network, the one with the least CRPS, forecasts
        their mean, and `predict_distribution` has the parameters; "negative_binomial" and "poisson" are for counts,
        "gamma" is for positive numbers. Only without a regressor, which has its own loss; "quantile" also with
        `members`.
    lower, upper : float, default=None
        Bounds of the target, such as 0 for a count: forecasts and intervals stay within. Known values beyond them are
        named in a `BoundsWarning`, and trained on as they are.
    level : bool, default=False
        Also pass the targets without `window_norm`, as further channels: for series whose future depends on their
        level, such as one that returns to a mean.
    clip_covariates : bool, default=False
        Hold covariates within the values that the training rows show of them, without the outermost 0.5 % on either
        side. A network, or any other model that is not linear, has learnt nothing about rarer values, and a single odd
        reading can spoil its forecast. The networks of a recipe always do so.
    step : int, default=1
        Rows from one training window to the next.
    half_life : float, default=None
        Age in steps at which a row counts half as much in training, for series whose behaviour drifts: 365 for a year
        of days. Age is counted from the newest row; in a panel with integer labels, from that of each series. None: old
        rows count as much as new ones. For regressors whose `fit` takes `sample_weight`, which it multiplies.
    members : dict of str to dict, default=None
        Several regressors instead of one; their weighted mean is the forecast. For each name a dict with "regressor",
        "weight" (default: 1) and, if they differ from the arguments here, "lookback", "window_norm", "transform",
        "calendar", "multi_target", "level", "clip_covariates" and "step". With loss="quantile", "widths" are factors on
        the distances of its quantiles from the median, at the levels 0.025, 0.1, 0.2, 0.3 and 0.4 and their
        counterparts above. `recipe_` has this form. For a series with
        fewer rows than the lookback, the oldest row is repeated. (A single regressor does that only if it was trained
        with masks; otherwise the series is left out and named in a warning.)
    validation_fraction : float or None, default=0.1
        Share of the newest windows that `report_` and intervals use, and on which a recipe chooses. An `RNNForecaster`
        with early stopping holds them out itself: this share, unless it has its own. For any other regressor a second
        clone is fitted without them. None: no report, no intervals, one fit; a network still holds out its own share,
        a recipe a tenth.
    max_seconds : float, default=None
        Limit for the time of `fit` of a recipe, by the clock. If it is too short, networks get fewer optimiser steps or
        are left out, and a warning says so, because the result then depends on the machine.
    n_jobs : int, default=None
        Threads of the networks of a recipe; None: all usable cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the networks of a recipe, and of a regressor or member whose `random_state` is None.
    verbose : int, default=0
        1: print the report, two lines, on stdout, and the progress of a recipe on stderr. The progress of a training is
        up to the regressor: `RNNForecaster(verbose=1)`.

    Attributes
    ----------
    regressor_ : estimator
        The fitted clone, or the clones for each output in its `estimators_`; with several members that of the first.
    members_ : dict of str to SeriesForecaster
        The members by name, each a fitted forecaster; with one regressor, only itself.
    recipe_ : dict
        Arguments with which `SeriesForecaster(**recipe_)` gives the same fit, with nothing left to choose.
    report_ : ModelReport
        Validation errors, next to those of naive forecasts.
    target_names_ : list of labels
    freq_ : offset or int
        Frequency of the fitted index; for an integer index, its step.
    history_ : DataFrame
        The newest known rows of targets and past covariates, as many as a forecast can need. `predict()` starts after
        them, and `update` appends to them.
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
    forecast.model_selection.backtest : Forecasts from several origins, compared with naive ones.

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
        categorical="one-hot",
        season="auto",
        transform="auto",
        calendar="auto",
        window_norm="auto",
        multi_target="auto",
        loss="absolute_error",
        lower=None,
        upper=None,
        level=False,
        clip_covariates=False,
        step=1,
        half_life=None,
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
        self.categorical = categorical
        self.season = season
        self.transform = transform
        self.calendar = calendar
        self.window_norm = window_norm
        self.multi_target = multi_target
        self.loss = loss
        self.lower = lower
        self.upper = upper
        self.level = level
        self.clip_covariates = clip_covariates
        self.step = step
        self.half_life = half_life
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
    def fit(self, X, y=None, X_val=None, y_val=None, static=None, sample_weight=None):
        """Train on all windows of a frame.

        Every fit starts from scratch, except for regressors with `warm_start=True`, also in `members`: they continue
        from the last fit of this object, and the windows must be made in the same way. Transforms and means are those
        of the new rows. A clone, as in a search or a backtest, starts from scratch.

        Parameters
        ----------
        X : pandas.DataFrame, pandas.Series, polars.DataFrame or pyarrow.Table
            One row per time step (and series): a regular DatetimeIndex, PeriodIndex or integer index, or a column
            `time`; finite numbers in the columns used.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target, if it is not a column of `X`, or as scikit-learn's tools pass it; it overrides a column of that
            name. After a one-dimensional `y`, `predict(X)` returns a Series.
        X_val : frame, default=None
            Rows that continue `X`, to validate on instead of the newest rows of `X`: for choosing, weighing members and
            early stopping. No network weight, scale or encoding is learned from them. `predict()` continues after them.
        y_val : as y, default=None
            Their target; required if `y` is given.
        static : frame, default=None
            The static covariates as a separate table with one row per series, indexed by the names of the series or
            with the columns `series`. Numbers, or categories. `static_covariates` names the columns to read; None: all.
            It may have more series than `X`, whose values are kept for later forecasts.
        sample_weight : array-like of shape (rows,), default=None
            Weight of each row of `X` as a target; 0 leaves it out. The weight of a window is the mean over the rows
            that it forecasts and that are known. For regressors whose `fit` takes `sample_weight`. The report,
            intervals and the choice of a recipe count all rows equally.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            The data are not as described, or too short for one window. The state of an earlier fit is kept.
        RuntimeError
            Another thread is inside `fit` or `update` of this object.

        Warns
        -----
        TimeColumnWarning
            The index only counts rows, and the only column of time stamps was taken as their time.
        SentinelWarning
            A column holds a value that looks like a code for a missing one, such as -9999.
        BoundsWarning
            Values of a target lie beyond `lower` or `upper`.
        UserWarning
            Business data without `trading_calendar`: the forecast's index takes the next weekdays.
        SkippedSeriesWarning
            Some series of a panel are too short to learn from.
        """
        check_bounds(self.lower, self.upper)
        refuse_arrays(X)
        refuse_shuffled_rows(self.horizon)
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
            static=None if static is None else enter(static, "static")[0],
        )
        panel = read_panel(frame, roles, rules)
        check_length(int(np.diff(panel.starts).max()), lookback_of(self), self.horizon)
        later = None if X_val is None else self._validation_panel(panel, roles, X_val, y_val, target)
        note_beyond(self.lower, self.upper, roles.target, panel, stacklevel=3)
        weights = row_weights(self, frame, roles, panel.axis, sample_weight)
        with Alone(self, "fit"):
            state, recipe = fitted_state(self, panel, roles, later, getattr(self, "_state", None), weights)
            self._remember(replace(state, flat=is_flat(y)), columns, kind)
            self.recipe_ = self.get_params(deep=False) | recipe
        if roles.time is not None and self.time is None:
            note_time(roles.time, stacklevel=3)
        note_sentinels(panel, roles, stacklevel=3)
        if panel.axis.note:
            warnings.warn(panel.axis.note, UserWarning, stacklevel=3)
        if self.verbose:
            print(self.report_)
        return self

    def _validation_panel(self, panel, roles, X_val, y_val, target):
        frame, _ = entered(X_val, "X_val", y_val, target)
        return read_panel(frame, roles, self._rules(), schema=panel.schema, axis=panel.axis, what="X_val")

    def _rules(self):
        return Rules(
            freq=self.freq, trading_calendar=self.trading_calendar, gaps=self.gaps, missing=self.missing,
            categorical=self.categorical,
        )
