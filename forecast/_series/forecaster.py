"""`SeriesForecaster`: a frame with a time index goes in, a frame with the future time index comes out."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from .._alone import Alone
from .._blocks import Blocks
from .._callbacks import CALLBACKS, SupportsCallbacks, fit_task
from .._decorators import fit_context
from .._dlpack import as_numpy
from .._files import Saved, stored
from .._frames import Roles, Rules, enter, note_sentinels, note_time, read_panel
from .._parameter_docs import DescribesParameters
from .._types import FrameLike, Seed
from .bounds import check_bounds, note_beyond
from .card import card_parts
from .continuing import regressors_now
from .fitting import fitted_state
from .parameters import CONSTRAINTS, refuse_short
from .remembered import Remembered
from .targets import entered, is_flat, with_target
from .tools import refuse_arrays, refuse_shuffled_rows
from .verbs import Answers, Judged, Monitors, Paths, Requests, Streams, Tunes, Uncertainty, Updates
from .weights import row_weights

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import Panel

__all__ = ["SeriesForecaster"]


@stored("SeriesForecaster", card=card_parts, left_out=("n_jobs", CALLBACKS))
class SeriesForecaster(
    Saved, Remembered, Answers, Uncertainty, Paths, Streams, Updates, Tunes, Monitors, Judged, Requests,
    SupportsCallbacks, DescribesParameters, RegressorMixin, BaseEstimator,
):  # fmt: skip
    """Forecast columns of a time-indexed frame, or of a panel of many series, with any regressor on windows.

    Without a regressor, `fit` chooses everything that you do not pass from the training rows: seasons, calendar,
    lookback, a linear model, recurrent networks, and the weights of their mean (`report_` says what and why). With a
    regressor it trains exactly that regressor.

    Parameters
    ----------
    regressor : estimator or "pretrained", default=None
        Regressor on windows; it is cloned in `fit`. "pretrained": `PretrainedForecaster()`, which needs no training
        and reads no covariates. Any scikit-learn regressor works, such as `RNNForecaster()`,
        `Ridge()`, LightGBM or a pipeline; it gets the matrix of windows. If it has a single output, as gradient
        boosting has, a clone is fitted for each step and target. None: `fit` chooses.
    target : label or list of labels, default=None
        Columns to forecast. None works for a frame of one column, and if `y` is passed to `fit`.
    lookback : int or "auto", default="auto"
        Number of past steps that a forecast reads. "auto": chosen; 48 with a regressor. 0: none; forecasts use only
        static covariates, future covariates and the calendar, so series without a history can be forecast. Works with
        `RNNForecaster(encoder="dense", decoder="recurrent")` and with scikit-learn's regressors.
    horizon : int, default=12
        Number of steps that the regressor forecasts at once.
    past_covariates : label or list of labels, default=None
        Further columns to read up to the origin; their future is not needed. Text and categories become one column per
        category (one-hot).
    future_covariates : label or list of labels, default=None
        Columns known ahead. Their past is read as well, and `predict` needs their future (`future_frame` returns the
        frame to fill in).
    static_covariates : label or list of labels, default=None
        Columns that do not change within a series, for panels. They may include columns of `series`. You can also pass
        them as a separate table: `fit(X, static=table)`.
    series : label or list of labels, default=None
        Column or index level that names the series of a panel in long format, or several that together name them, such
        as `["store", "item"]`; a series is then named by a tuple. One model is trained for all.
    time : label, default=None
        Column of the time stamps. None: the index or, if that only counts rows, the only column of time stamps, with a
        `TimeColumnWarning`.
    freq : str, offset or int, default=None
        Frequency of the rows. None: inferred. If given, a missing business day is a gap. With `gaps="irregular"`, the
        step of the forecasts; None: the usual time between rows, rounded.
    trading_calendar : pandas.offsets.CustomBusinessDay or list of dates, default=None
        Sessions, or dates without a session, of daily business data. None: missing weekdays count as holidays, and
        forecasts continue with the next weekdays.
    gaps : {"error", "mask", "interpolate", "irregular"}, default="error"
        What to do with missing time stamps. "error": raise an error. "mask": insert them without values. "interpolate":
        insert them with linearly interpolated values. "irregular": rows are at irregular times, and none is missing.
        `lookback` and `horizon` then count rows, the regressor reads the time of each row, and forecasts are at steps
        of `freq` after the newest row, or at the times in the frame passed to `predict`. Use it with
        `RNNForecaster(cell="gru_decay", decoder="steps")` or any other regressor.
    missing : {"error", "mask"}, default="error"
        What to do with NaN in targets and past covariates. "error": raise an error. "mask": fill with the value before,
        add mask channels, and exclude missing targets from the loss.
    categorical : {"one-hot", "embedding"}, default="one-hot"
        How covariates of text and categories are encoded. "one-hot": a column for each category. "embedding": a vector
        for each category, learned with the network; a category that `fit` did not see uses the vector of an unknown
        one. "embedding" needs `RNNForecaster` as the regressor or as `members`. To treat integers as categories, use
        `df.astype({"zone": "category"})`.
    season : int, list of int or "auto", default="auto"
        Lengths of the seasons in steps, the most important first. "auto": the usual seasons of the frequency that the
        autocorrelation confirms; for an integer index, those that it shows. Only without a regressor.
    transform : str, transformer, list of them, None or "auto", default="auto"
        Transform of the targets of each series: "standard", "robust", "minmax", "asinh", "log", "log1p", "boxcox",
        "difference", "seasonal_difference", "log_return", a class of `forecast.preprocessing` or a scikit-learn
        transformer, or a list of them in order. It is learned from the training rows and inverted in forecasts. "auto":
        chosen; none with a regressor.
    calendar : list of str, None or "auto", default="auto"
        Features of the local time, known ahead: "hour", "dayofweek", "dayofyear", "week", "month", ... as
        sine and cosine, "holidays:DE" (`forecast.preprocessing.calendar_features`). "auto": the cycles that the rows
        contain at least twice; none with a regressor. ["auto", "holidays:DE"]: these and holidays.
    window_norm : {"last", "mean", "standard", None, "auto"} or tuple, default="auto"
        What is subtracted from the targets of a window and added back to the forecast, so that a drifting level does
        not matter. "last": the newest value. "mean": the mean. "standard": the mean; the rest is divided by the
        standard deviation, which is at least a quarter of the usual change from row to row in the training rows.
        ("mean", 0.1) and ("standard", 0.3): the same over the newest fraction of the lookback. ("season", 24): the mean
        season of 24 steps. None: nothing. See `make_windows`. "auto": chosen; "last" with a regressor.
    multi_target : {"joint", "shared", "auto"}, default="auto"
        How several targets are forecast. "joint": one regressor reads and forecasts all. "shared": each is a separate
        series, with shared weights. "auto": chosen; "joint" with a regressor.
    loss : {"absolute_error", "squared_error", "quantile", "normal", "student_t", "negative_binomial", "poisson", \
            "gamma"}, default="absolute_error"
        What the choice and the weights minimise: "absolute_error" forecasts the median, "squared_error" the mean.
        "quantile" forecasts the median, and `predict_quantiles` returns learned quantiles, from 0.025 to 0.975, instead
        of conformal ones. The others are distributions: the network with the lowest CRPS forecasts their mean, and
        `predict_distribution` returns the parameters; "negative_binomial" and "poisson" are for counts, "gamma" is for
        positive numbers. Only without a regressor, which has its own loss; "quantile" also works with `members`.
    lower, upper : float, default=None
        Bounds of the target, such as 0 for a count: forecasts and intervals stay within. Known values beyond them raise
        a `BoundsWarning` and are trained on as they are.
    level : bool, default=False
        Whether to pass the targets also without `window_norm`, as further channels: for series whose future depends on
        their level, such as mean-reverting ones.
    clip_covariates : bool, default=False
        Whether to clip covariates to their range in the training rows, without the outermost 0.5 % on either side.
        Networks and other nonlinear models have learned nothing about rarer values, so a single odd reading can spoil a
        forecast. The networks of the recipe always clip.
    step : int, default=1
        Number of rows from one training window to the next.
    half_life : float, default=None
        Age in steps at which a row counts half as much in training, for series whose behaviour drifts: 365 for a year
        of days. Age is counted from the newest row; in a panel with integer labels, from the newest row of each series.
        None: old rows count as much as new ones. Needs a regressor whose `fit` takes `sample_weight`; the two weights
        are multiplied.
    members : dict of str to dict, default=None
        Several regressors instead of one; the forecast is their weighted mean. Each name has a dict with "regressor",
        "weight" (default: 1) and, if they differ from the arguments here, "lookback", "window_norm", "transform",
        "calendar", "multi_target", "level", "clip_covariates" and "step". With loss="quantile", "widths" scales the
        distances of the member's quantiles from the median, at the levels 0.025, 0.1, 0.2, 0.3 and 0.4 and their
        counterparts above. A network with "continued" is first trained without the validation rows; training then
        continues on all rows at half the learning rate, for this share of the optimiser steps (default: None, trained
        anew on all rows). `recipe_` has this form. If a series has fewer rows than the lookback, the oldest row is
        repeated. (With a single regressor, only if it was trained with masks; otherwise the series is left out, with a
        warning.)
    validation_fraction : float or None, default=0.1
        Share of the newest windows that `report_` and intervals use, and on which a recipe chooses. An `RNNForecaster`
        with early stopping holds them out itself; its own `validation_fraction`, if set, takes precedence. For any
        other regressor a second clone is fitted without them. None: no report, no intervals, one fit; a network still
        holds out its own share, a recipe a tenth.
    max_seconds : float, default=None
        Limit on the elapsed time of `fit` for a recipe. If it is too short, networks get fewer optimiser steps or are
        left out, and a warning says so, because the result then depends on the machine.
    pretrained : bool, default=True
        Whether the pretrained network (`PretrainedForecaster`) is a member of a recipe, with a weight that validation
        gives it, and its forecast where there are too few rows to judge any other. It reads no covariates. It forecasts
        medians, so it has no weight with `loss="squared_error"`.
    n_jobs : int, default=None
        Number of threads for the networks of a recipe; None: all usable cores. Results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the networks of a recipe, and of a regressor or member whose `random_state` is None.
    verbose : int, default=0
        1: print the two lines of the report on stdout, and the progress of a recipe on stderr. For the progress of a
        regressor's training, use `RNNForecaster(verbose=1)`.

    Attributes
    ----------
    regressor_ : estimator
        The fitted clone, or an object with a clone for each output in `estimators_`; with several members, that of the
        first.
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
        The newest known rows of targets and past covariates, as many as a forecast needs. `predict()` starts after
        them, and `update` appends to them.
    n_windows_ : int
        Number of windows trained on.
    n_features_in_ : int
        Number of columns of the fitted frame.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.
    card_ : dict
        The model card, as `forecast.read_card` returns it for a saved model.

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

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    def __init__(
        self,
        regressor: Any = None,
        *,
        target: Hashable | Sequence[Hashable] | None = None,
        lookback: int | Literal["auto"] = "auto",
        horizon: int = 12,
        past_covariates: Hashable | Sequence[Hashable] | None = None,
        future_covariates: Hashable | Sequence[Hashable] | None = None,
        static_covariates: Hashable | Sequence[Hashable] | None = None,
        series: Hashable | Sequence[Hashable] | None = None,
        time: Hashable | None = None,
        freq: str | pd.offsets.BaseOffset | int | None = None,
        trading_calendar: pd.offsets.CustomBusinessDay | Sequence[Any] | None = None,
        gaps: Literal["error", "mask", "interpolate", "irregular"] = "error",
        missing: Literal["error", "mask"] = "error",
        categorical: Literal["one-hot", "embedding"] = "one-hot",
        season: int | Sequence[int] | Literal["auto"] = "auto",
        transform: Any = "auto",
        calendar: Sequence[str] | Literal["auto"] | None = "auto",
        window_norm: Literal["last", "mean", "standard", "auto"] | tuple[str, float] | None = "auto",
        multi_target: Literal["joint", "shared", "auto"] = "auto",
        loss: Literal[
            "absolute_error",
            "squared_error",
            "quantile",
            "normal",
            "student_t",
            "negative_binomial",
            "poisson",
            "gamma",
        ] = "absolute_error",
        lower: float | None = None,
        upper: float | None = None,
        level: bool = False,
        clip_covariates: bool = False,
        step: int = 1,
        half_life: float | None = None,
        members: dict[str, dict[str, Any]] | None = None,
        validation_fraction: float | None = 0.1,
        max_seconds: float | None = None,
        pretrained: bool = True,
        n_jobs: int | None = None,
        random_state: Seed = None,
        verbose: int = 0,
    ) -> None:
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
        self.pretrained = pretrained
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # frames alone have the time of their rows
        tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.allow_nan = self.missing == "mask"
        tags.target_tags.multi_output = True
        tags.target_tags.required = False
        tags.non_deterministic = self.max_seconds is not None
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: FrameLike,
        y: Any = None,
        X_val: FrameLike | None = None,
        y_val: Any = None,
        static: FrameLike | None = None,
        sample_weight: Any = None,
    ) -> Self:
        """Train on all windows of a frame.

        Every fit starts from scratch, except for regressors with `warm_start=True`, also in `members`: they continue
        from the last fit of this object, and the windows must be made in the same way. Transforms and means are those
        of the new rows. A clone, as in a search or a backtest, starts from scratch.

        Parameters
        ----------
        X : pandas.DataFrame, pandas.Series, polars.DataFrame, pyarrow.Table, or blocks
            One row per time step (and series): a regular DatetimeIndex, PeriodIndex or integer index, or a column
            `time`; finite numbers in the columns used. For a panel larger than memory pass `ParquetBlocks`,
            `ArrayBlocks` or `FrameBlocks`: networks are then trained block by block, and the model keeps no rows.
        y : array-like of shape (rows,) or (rows, targets), default=None
            The target, if it is not a column of `X`, or if scikit-learn's tools pass it. It overrides a column of that
            name. After a one-dimensional `y`, `predict(X)` returns a Series.
        X_val : frame, default=None
            Rows that continue `X`, to validate on instead of the newest rows of `X`: for choosing, weighting members
            and early stopping. No network weight, scale or encoding is learned from them. `predict()` continues after
            them.
        y_val : as y, default=None
            Target of `X_val`; required if `y` is passed.
        static : frame, default=None
            Static covariates as a separate table with one row per series, indexed by the names of the series or with
            the columns `series`. They are numbers or categories. `static_covariates` names the columns to read; None:
            all. The table may have more series than `X`; their values are kept for later forecasts.
        sample_weight : array-like of shape (rows,), default=None
            Weight of each row of `X` as a target; 0 leaves it out. The weight of a window is the mean over the known
            rows that it forecasts. Needs a regressor whose `fit` takes `sample_weight`. The report, intervals and the
            choice of a recipe count all rows equally.

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
            The index only counts rows, so the only column of time stamps was used as their time.
        SentinelWarning
            A column holds a value that looks like a code for a missing one, such as -9999.
        BoundsWarning
            Values of a target lie beyond `lower` or `upper`.
        UserWarning
            Business data without `trading_calendar`: the forecast's index continues with the next weekdays.
        SkippedSeriesWarning
            Some series of a panel are too short to learn from.
        """
        check_bounds(self.lower, self.upper)
        if isinstance(X, Blocks):
            return self._fit_blocks(X, dict(y=y, X_val=X_val, y_val=y_val, static=static, sample_weight=sample_weight))
        refuse_arrays(X)
        y = as_numpy(y, "y")
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
        refuse_short(self, int(np.diff(panel.starts).max()))
        later = None if X_val is None else self._validation_panel(panel, roles, X_val, y_val, target)
        note_beyond(self.lower, self.upper, roles.target, panel, stacklevel=3)
        weights = row_weights(self, frame, roles, panel.axis, sample_weight)
        with Alone(self, "fit"), fit_task(self, X, y, sample_weight):
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

    def _fit_blocks(self, blocks: Blocks, others: dict[str, Any]) -> Self:
        from .blockwise import fitted_on_blocks, refuse_on_blocks  # which brings networks

        refuse_on_blocks(self, blocks, others)
        with Alone(self, "fit"):
            state, columns, recipe = fitted_on_blocks(self, blocks)
            self._remember(state, columns, None)
            self.recipe_ = recipe | {"verbose": self.verbose}
        if self.verbose:
            print(self.report_)
        return self

    def _validation_panel(self, panel: Panel, roles: Roles, X_val: Any, y_val: Any, target: Any) -> Panel:
        frame, _ = entered(X_val, "X_val", y_val, target)
        return read_panel(frame, roles, self._rules(), schema=panel.schema, axis=panel.axis, what="X_val")

    def _rules(self) -> Rules:
        return Rules(
            freq=self.freq,
            trading_calendar=self.trading_calendar,
            gaps=self.gaps,
            missing=self.missing,
            categorical=self.categorical,
        )

    def _regressors(self) -> dict[str, Any]:
        return regressors_now(self)
