"""The backtest: forecasts from several origins as if each were today, compared with naive forecasts."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from .._frames import (
    Layout,
    Roles,
    SentinelWarning,
    TimeColumnWarning,
    blocks_of,
    enter,
    note_sentinels,
    note_time,
    read_panel,
    time_labels,
)
from .._preparation import Rows
from .._progress import Fits
from .._refusals import Refusal, Words, argument
from .._series import RecursiveForecastWarning, SeriesForecaster
from .._series.backtesting import (
    SCORES,
    intervals_at,
    is_copy,
    path_scores_at,
    read_rows,
    scores_at,
    state_trained_on,
)
from .._series.bounds import lowest_of, within
from .._series.forecasting import from_origins
from .._series.parameters import (
    is_chosen,
    lookback_of,
    member_settings,
    refuse_short,
    regressor_of,
    settings_of,
    without_report,
)
from .._shares import shares
from .._types import Array, Booleans, Floats, FrameLike, Integers
from ..baselines import NAIVE, naive_forecasts
from ..preprocessing import make_transform
from .judgeable import (
    missing_intervals,
    refuse_impossible_intervals,
    refuse_impossible_paths,
    refuse_without_truth,
    tested_rows,
    unjudged,
)
from .origins import folds_of, of_folds, origins_of
from .report import BacktestReport, BacktestWarning, SkillWarning, long_table, scales_of
from .splitters import in_time

if TYPE_CHECKING:
    from .._frames import Panel, TimeAxis
    from .._frames.interchange import Exchange
    from .._series.calibration import Calibration
    from .._series.error_scale import ErrorScales
    from .origins import Fold, Origins

__all__ = ["backtest"]

_INTERVALS = ("adaptive", "static", "quantile")
_Given: TypeAlias = "tuple[Any, Array | None]"  # static covariates as a table, and the weights of the rows


def backtest(
    model: SeriesForecaster | dict[str, SeriesForecaster], df: FrameLike, cv: Any, *,
    refit: bool | int | str | None = None, coverage: float | Sequence[float] | None = None,
    intervals: Literal["adaptive", "static", "quantile"] = "adaptive", sample_weight: npt.ArrayLike | None = None,
    n_jobs: int | None = None, verbose: int = 0, static: FrameLike | None = None, n_paths: int | None = None,
) -> BacktestReport:  # fmt: skip
    """Forecast from several origins as if each were today, and compare with naive forecasts.

    Parameters
    ----------
    model : SeriesForecaster or dict of str to SeriesForecaster
        The model, or several models by name, which are compared on the same origins. Models are cloned, never changed.
    df : pandas.DataFrame, pandas.Series, polars.DataFrame or pyarrow.Table
        The series, as for `SeriesForecaster.fit`.
    cv : splitter
        `RollingOrigin`, or another splitter (TimeSeriesSplit) whose test rows are consecutive, right after an origin
        and after all training rows. In a panel an origin is a time stamp, the same for all series. If `time` of a
        splitter of this package is None, that of the models is used.
    refit : bool, int, "weights" or None, default=None
        When to fit. True: at every origin. An int n: at every n-th origin. False: only at the first origin. All origins
        between two fits are forecast in one call. "weights", for a model without a regressor: choose on the training
        rows of the first origin, and at later origins only train what was chosen. Networks then continue from their
        weights at the first origin, with a fifth of the steps of a fit, or with the share of new rows if that is
        larger; everything else is fitted again. None: "weights" for a model without a regressor, True for any other.
    coverage : float or list of float, default=None
        Coverages of the intervals to evaluate.
    intervals : {"adaptive", "static", "quantile"}, default="adaptive"
        Kind of intervals. "adaptive": conformal, at each origin from the residuals of earlier origins that were known
        by then, with a level that follows the misses [1]_. They start with the residuals of the validation windows of
        the first fit; without these, the first origins have no interval. "static": conformal, only from the validation
        windows of each fit; with refit="weights", of the first fit. "quantile": the quantiles of the network
        (`RNNForecaster(loss="quantile")`).
    sample_weight : array-like of shape (rows,), default=None
        Weights of the rows of `df` in every fit, as in `SeriesForecaster.fit`. Errors count all rows equally.
    n_jobs : int, default=None
        Number of parallel fits, as in joblib; None: one.
    verbose : int, default=0
        1: print a line on stderr for each fit, when its forecasts are done. The forecasters' own `verbose` is ignored;
        that of their networks is honoured.
    static : frame, default=None
        Static covariates of the series, a row for each, as in `SeriesForecaster.fit`.
    n_paths : int, default=None
        Sample paths to draw at each origin, for the energy score and, of models without a distribution, the CRPS; 2 or
        more, and 200 are enough for most comparisons. Those of fold i are `sample(n_paths, history=...,
        random_state=i)` with all rows up to the origin. None draws none: each origin costs a call of `sample`.

    Returns
    -------
    BacktestReport
        Report with the models and with `"last value"`, `"seasonal naive"` (with the usual season of the frequency),
        `"drift"` and `"mean"` (of all values up to the origin).

    Raises
    ------
    TypeError, ValueError
        The model is not a `SeriesForecaster`, the splitter does not follow time, models have different targets, no
        tested row has an actual value, the model cannot have the requested intervals, or `fit` refuses the data.

    Warns
    -----
    SkillWarning
        A model does not beat the naive forecasts, or its first step is a shifted copy of the past.
    BacktestWarning
        Series or origins were left out, a target or series has no actual value, or forecasts have no interval because
        too few residuals are known.
    forecast.RecursiveForecastWarning
        A test part is longer than the horizon of a model, so its later steps are forecast recursively.
    forecast.SentinelWarning
        A column holds a value that looks like a code for a missing one, such as -9999.
    forecast.TimeColumnWarning
        The index only counts rows, so the only column of time stamps was used as their time.

    References
    ----------
    .. [1] Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, NeurIPS.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast.datasets import make_ar1
    >>> from forecast.model_selection import RollingOrigin
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
    >>> report = backtest({"ridge": model}, make_ar1(400, random_state=0), RollingOrigin(n_splits=20, horizon=4))
    >>> report.frame.shape, list(report.summary().columns)
    ((400, 7), ['MAE', 'RMSE', 'sMAPE', 'MASE', 'RMSSE', 'skill', 'seconds'])
    """
    models = model if isinstance(model, dict) else {_name(model): model}
    refuse_impossible_paths(models, n_paths)
    levels, weight = _coverages(coverage, intervals), None if sample_weight is None else np.asarray(sample_weight)
    if not isinstance(verbose, (int, np.integer)) or verbose < 0:
        raise ValueError(Refusal(f"is {verbose!r}", where="verbose", expected="0 or 1"))
    frame, kind = enter(df, "df")
    static = None if static is None else enter(static, "static")[0]
    roles = _roles(models, frame, static, kind)
    given = static, weight
    first = next(iter(models.values()))
    panel = read_panel(frame, replace(roles, past=[], future=[], static=[]), first._rules(), what="df")
    truth = _observed(panel)
    labels = time_labels(frame, roles, "df")
    every = _refit_every(refit)
    horizon = min(one.horizon for one in models.values())
    folds = folds_of(in_time(cv, roles.time), frame, labels, every, horizon)
    refuse_impossible_intervals(models, levels, intervals)
    refuse_without_truth(truth, tested_rows(truth, folds), roles)
    chosen: dict[str, SeriesForecaster] = {}
    spent: dict[str, float] = {}
    if refit is None or refit is False or isinstance(refit, str):
        train: Any = folds[0].train  # never None: a model is fitted on the first fold
        chosen, spent = _chosen(models, frame, train, given)
        models = models | {name: SeriesForecaster(**one.recipe_) for name, one in chosen.items()}
    period = panel.axis.season_length
    shortest = int(np.diff(truth.starts).max()) if truth.n_series > 1 else min(fold.n_train for fold in folds)
    period = period if shortest > period else 1
    least = {name: _least(one, panel.axis) for name, one in models.items()}
    reach = max((one.horizon for one in models.values() if one.future_covariates is not None), default=0)
    origins, left_out = origins_of(truth, folds, max(least.values()), reach, _made_up(panel, models))
    left_out += unjudged(truth, origins, roles)
    found, seconds = {}, {}
    for name, one in models.items():
        mine = folds if roles.series is None else _long_enough(folds, frame, roles, least[name])
        found[name], seconds[name], lacking = _run(
            one, frame, truth, mine, origins, every, levels, intervals, n_jobs, name, verbose, given, chosen.get(name),
            n_paths,
        )  # fmt: skip
        seconds[name] += spent.get(name, 0.0)
        left_out += lacking
    known = truth.filled("targets", np.zeros(truth.targets.shape[1]))
    lookback = max(lookback_of(one) for one in models.values())
    started = time.perf_counter()
    naive = naive_forecasts(
        known, truth.targets, truth.starts[origins.series], origins.row, int(origins.steps.max()), period=period,
        lookback=lookback,
    )  # fmt: skip
    found |= {name: {"forecast": forecast} for name, forecast in naive.items()}
    seconds |= dict.fromkeys(NAIVE, (time.perf_counter() - started) / len(NAIVE))
    scales = scales_of(labels, truth, folds, origins, roles, period)
    skill = [
        f"{name}: its first step is a shifted copy of the newest value"
        for name in _copies(models, found, truth, origins)
    ]
    report = BacktestReport(long_table(truth, origins, roles, found), seconds, period, scales, levels, ids=roles.ids)
    del found
    skill += _without_skill(report, models)
    fed_back = _fed_back(models, origins)
    report.notes.extend([*left_out, *fed_back, *skill])
    if roles.time is not None and first.time is None:
        note_time(roles.time, stacklevel=2)
    note_sentinels(panel, roles, stacklevel=2, frame=frame)
    kinds = (left_out, BacktestWarning), (fed_back, RecursiveForecastWarning), (skill, SkillWarning)
    for notes, category in kinds:
        for note in notes:
            warnings.warn(note, category, stacklevel=2)
    return report


def _observed(panel: Panel) -> Rows:
    """The observed rows of a panel. Forecasts are not scored on rows that were filled in."""
    rows = Rows.of(panel)
    if panel.inserted is None:
        return rows
    return replace(rows, targets=np.where(panel.inserted[:, None], np.nan, rows.targets))


def _fed_back(models: dict[str, SeriesForecaster], origins: Origins) -> list[str]:
    """A sentence on each model whose horizon is shorter than the test parts."""
    steps = int(origins.steps.max(initial=0))
    short = {name: one.horizon for name, one in models.items() if one.horizon < steps}
    return [
        f"{name}: test parts have {steps} steps and horizon is {horizon}: the steps after it are forecast from "
        f"forecasts, not from observations. For {horizon} steps: RollingOrigin(n_splits=5, horizon={horizon})"
        for name, horizon in short.items()
    ]


def _made_up(panel: Panel, models: dict[str, SeriesForecaster]) -> Booleans | None:
    """Rows on a straight line to the next value; None where there are none."""
    return panel.inserted if any(one.gaps == "interpolate" for one in models.values()) else None


def _least(model: SeriesForecaster, axis: TimeAxis) -> int:
    """Rows of a series that a forecast looks back on."""
    if model.members is None:
        found = [settings_of(model)]
    else:
        found = [settings for settings, _ in member_settings(model).values()]
    lost = [make_transform(one.transform, period=axis.season_length).n_lost for one in found]
    return max(1, lookback_of(model) + max(lost))  # an origin is a row, also where none is read


def _long_enough(folds: list[Fold], frame: pd.DataFrame, roles: Roles, least: int) -> list[Fold]:
    """Folds without the training rows of series that have too few for one forecast."""
    codes = blocks_of(frame, Layout.of(frame, roles, "df"), "df").by_row()
    found = []
    for fold in folds:
        if fold.train is not None:
            counts = np.bincount(codes[fold.train])
            fold = replace(fold, train=fold.train[counts[codes[fold.train]] >= least])
        found.append(fold)
    return found


def _name(model: Any) -> str:
    if getattr(model, "regressor", None) is not None:
        return type(regressor_of(model)).__name__
    return "recipe" if getattr(model, "members", None) is None else "members"


def _coverages(coverage: float | Sequence[float] | None, intervals: str) -> list[float]:
    if intervals not in _INTERVALS:
        known = ", ".join(map(repr, _INTERVALS))
        raise ValueError(Refusal(f"is {intervals!r}", where="intervals", expected=f"one of {known}"))
    if coverage is None and intervals != "adaptive":
        raise ValueError(
            Refusal(
                Words("is for coverage, which is None", "is for --coverage, which is missing"),
                where=argument("intervals", intervals),
                fix=argument("coverage", 0.9),
            )
        )
    return [] if coverage is None else shares(coverage, "coverage")


def _roles(models: dict[str, Any], frame: pd.DataFrame, static: pd.DataFrame | None, kind: Exchange | None) -> Roles:
    """The roles of the first model, after a check that all have the same targets and series."""
    found = {}
    for name, model in models.items():
        if not isinstance(model, SeriesForecaster):
            got = f"is a {type(model).__name__}"
            raise TypeError(Refusal(got, where=f"model {name!r}", expected="a SeriesForecaster around a regressor"))
        if name in NAIVE:
            raise ValueError(Refusal("is the name of a naive forecast", where=f"{name!r}", expected="another name"))
        found[name] = Roles.of(
            frame,
            target=model.target,
            past_covariates=model.past_covariates,
            future_covariates=model.future_covariates,
            static_covariates=model.static_covariates,
            series=model.series,
            time=model.time,
            answer_in=kind,
            static=static,
        )
    if not found:
        raise ValueError(Refusal("is an empty dict", where="model", expected="at least one SeriesForecaster"))
    first = next(iter(found.values()))
    if any((one.target, one.series, one.time) != (first.target, first.series, first.time) for one in found.values()):
        targets = {name: one.target for name, one in found.items()}
        what, wanted = "have different targets", "the same ones in the same order"
        raise ValueError(Refusal(what, where="the models", got=f"{targets}", expected=wanted))
    return first


def _refit_every(refit: bool | int | str | None) -> float:
    """Origins from one fit to the next."""
    if refit is True or refit is None or (isinstance(refit, str) and refit == "weights"):
        return 1
    if refit is False:
        return math.inf
    if not isinstance(refit, (int, np.integer)) or refit < 1:
        wanted = "True, False, 'weights' or a number of origins, 1 or more"
        raise ValueError(Refusal(f"is {refit!r}", where="refit", expected=wanted))
    return int(refit)


def _chosen(
    models: dict[str, SeriesForecaster], frame: pd.DataFrame, train: Integers, given: _Given
) -> tuple[dict[str, SeriesForecaster], dict[str, float]]:
    """Models without a regressor, fitted on the first training rows; and the seconds that each took."""
    found, spent = {}, {}
    for name, one in models.items():
        if is_chosen(one):
            started = time.perf_counter()
            found[name] = _fitted(clone(one), frame, train, given)
            spent[name] = time.perf_counter() - started
    return found, spent


def _fitted(model: SeriesForecaster, frame: pd.DataFrame, train: Integers, given: _Given) -> SeriesForecaster:
    """`given`: static covariates as a table, and the weights of the rows, or None."""
    static, weight = given
    model.set_params(verbose=0)
    if weight is not None and len(weight) != len(frame):
        found = f"has {len(weight)} values, df has {len(frame)} rows"
        raise ValueError(Refusal(found, where="sample_weight", expected="one for each"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="no trading calendar", category=UserWarning)
        for category in (SentinelWarning, TimeColumnWarning):  # said once for all fits
            warnings.simplefilter("ignore", category)
        return model.fit(frame.iloc[train], static=static, sample_weight=None if weight is None else weight[train])


def _run(
    model: SeriesForecaster, frame: pd.DataFrame, truth: Rows, folds: list[Fold], origins: Origins, every: float,
    levels: list[float], intervals: str, n_jobs: int | None, name: str, verbose: int, given: _Given,
    first: SeriesForecaster | None, n_paths: int | None,
) -> tuple[dict[str, Floats], float, list[str]]:  # fmt: skip
    """Columns of one model for all origins, its seconds, and notes about forecasts without an interval."""
    from joblib import Parallel, delayed

    each = int(min(every, len(folds)))
    groups = [np.arange(start, min(start + each, len(folds))) for start in range(0, len(folds), each)]
    if truth.n_series == 1:
        refuse_short(model, min(len(folds[group[0]].train) for group in groups))
    task = partial(_fit_and_forecast, clone(model), levels=levels, intervals=intervals, given=given, n_paths=n_paths)
    fits, done = Fits(name, len(groups), verbose), []
    results = Parallel(n_jobs=n_jobs, **({"return_as": "generator"} if fits.heard else {}))(
        delayed(task)(frame, folds[group[0]].train, truth, of_folds(origins, group), first=first, later=number > 0)
        for number, group in enumerate(groups)
    )
    for group, result in zip(groups, results, strict=True):
        done.append(result)
        fits.tell(truth.index[of_folds(origins, group).row], result[-1])
    longest = int(origins.steps.max())
    found = {"forecast": np.concatenate([_padded(part["forecast"], longest) for part, _, _ in done])}
    started = time.perf_counter()
    if levels and intervals == "adaptive":
        found |= intervals_at(truth, origins, found["forecast"], levels, *done[0][1])
    elif levels:
        names = [name for name in done[0][0] if name not in ("forecast", *SCORES)]
        found |= {name: np.concatenate([_padded(part[name], longest) for part, _, _ in done]) for name in names}
    found = {name: within(column, lowest_of(model), model.upper) for name, column in found.items()}
    for score in {name for part, _, _ in done for name in part} & set(SCORES):
        parts = (part.get(score, np.full_like(part["forecast"], np.nan)) for part, _, _ in done)
        found[score] = np.concatenate([_padded(part, longest) for part in parts])
    lacking = missing_intervals(name, found, origins, levels, done[0][1][0])
    return found, sum(seconds for _, _, seconds in done) + time.perf_counter() - started, lacking


def _padded(cube: Floats, longest: int) -> Floats:
    return np.pad(cube, ((0, 0), (0, longest - cube.shape[1]), (0, 0)), constant_values=np.nan)


def _fit_and_forecast(
    model: SeriesForecaster,
    frame: pd.DataFrame,
    train: Integers,
    truth: Rows,
    origins: Origins,
    *,
    levels: list[float],
    intervals: str,
    first: SeriesForecaster | None,
    later: bool,
    given: _Given,
    n_paths: int | None,
) -> tuple[dict[str, Floats], tuple[Calibration | None, ErrorScales | None], float]:
    """Fit on training rows and forecast all origins in one call; also what adaptive intervals start from.

    `first`: a model that was fitted on the training rows of the first origin; `later`: these are those of a later one.
    """
    from .._series.backtesting import quantile_bounds, static_bounds

    started = time.perf_counter()
    if first is None:
        model = clone(model)  # every fit of a backtest starts from scratch
        unused = not levels or intervals == "quantile" or (later and intervals == "adaptive")
        if unused and n_paths is None:
            model.set_params(**without_report(model))  # nothing here looks at the report
        first, later = _fitted(model, frame, train, given), False
    state = first._state
    starts = (state.calibration, state.error_scales) if levels else (None, None)
    if not len(origins.row):
        empty = np.empty((0, 1, truth.targets.shape[1]))
        return {"forecast": empty}, starts, time.perf_counter() - started
    rows = read_rows(first, frame)
    if later:  # each continues from the first, so that they can run in parallel
        state = state_trained_on(first, frame, rows, train, given[1])
    found = {"forecast": from_origins(state, rows, origins.row, int(origins.steps.max()))}
    drawn = {} if n_paths is None else path_scores_at(first, state, truth, rows, origins, n_paths)
    found |= drawn | scores_at(state, truth, rows, origins)  # the CRPS of a distribution is exact
    if levels and intervals == "static":
        found |= static_bounds(state, rows, origins, found["forecast"], levels)
    elif levels and intervals == "quantile":
        found |= quantile_bounds(state, rows, origins, levels)
    return found, starts, time.perf_counter() - started


def _copies(
    models: dict[str, SeriesForecaster], found: dict[str, dict[str, Floats]], truth: Rows, origins: Origins
) -> Iterator[str]:
    """Models whose first steps follow the newest value and not the actual values."""
    last, actual = found["last value"]["forecast"][:, 0], truth.targets[origins.row + 1].astype(np.float64)
    for name in models:
        if actual.size >= 10 and is_copy(found[name]["forecast"][:, 0], actual, last):
            yield name


def _without_skill(report: BacktestReport, models: dict[str, SeriesForecaster]) -> Iterator[str]:
    """Notes about models that a naive forecast beats."""
    frame = report.frame
    error = (frame["forecast"] - frame["actual"]).abs()  # the whole summary would take longer than quick models
    mae = error.groupby(frame["model"], observed=True).mean()
    best = mae[list(NAIVE)].idxmin()
    for name in models:
        if not mae[name] < mae[best]:
            yield f"{name} does not beat {best}: MAE {mae[name]:.4g} against {mae[best]:.4g}"
