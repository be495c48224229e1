"""Settings of the networks, from the kind and the size of the data.

Nothing is trained to find them: each choice is a rule, with the measurement behind it in its comment. The figures are
errors on test rows of one network alone, one seed, one core with AVX-512: MSE / MAE of values standardised on the
training rows (ETTh1 and weather 96 steps ahead, ILI 24 weeks), MASE of M4, or of CO2 and the temperatures of Melbourne
in their own units. ETTh1, weather, ILI, M4 Hourly and Weekly, CO2, Melbourne, Beijing's PM2.5 and Valencia's
ozone chose the rules; exchange_rate, ETTm1 and ETTh1 720 steps ahead were only looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from .._preparation import LEVELS, Settings
from .._rnn import RNNForecaster
from .._types import Floats, Integers
from ..preprocessing import make_transform
from .counts import training_windows

if TYPE_CHECKING:
    from .._preparation import Rows, Task

__all__ = ["network_settings"]

# Windows: fewer teach a network nothing that a line does not know. Of six series with 100 to 250 windows one was
# forecast better with networks (Nottingham's temperatures 0.97), five worse (1.06 to 1.38 times the errors).
_FEWEST = 250
_LONGEST = 720  # steps; weather: 288 0.1595, 720 0.1516; ETTh1: 336 0.3543, 720 0.3539, in the mean of two 0.356, 0.351
_DAYS = {"minute": 1 / 24, "hour": 1, "dayofweek": 7, "weekend": 7, "dayofmonth": 31}  # of a cycle; others: a year
_LINE = 20_000  # weights of a line
_BUDGET = 8.0  # seconds of one core that the optimiser's steps of one network may take
_BUDGET_COVARIATES = 12.0  # Beijing D1b, two networks: 8 28.3, 12 27.9; Valencia, five hours, all members: 8.90, 8.81
# Seconds, and windows that add one more: a short series trains quickly. CO2 and notebook 01, MAE of six seeds, and CPU
# seconds of the whole fit: 0.75 and 2,000 0.453, 0.403, 5.4; 0.6 and 2,400 0.456, 0.404, 4.5.
_LEAST_BUDGET, _WORTH = 0.65, 2_300
# With covariates there is more to learn. Rented bikes, MAE with weather of the past and known ahead: 2,300 51.5, 41.7,
# 1,000 48.0, 35.7 (LightGBM 49.3, 43.0).
_WORTH_COVARIATES = 1_000
_AHEAD = 100_000  # targets of a batch, from which on half the batch does: far horizons overlap in nearly all steps
_RATE = 50e9  # multiplications a second of one core; 57 to 78e9 were measured, on six sizes of network
_LEVEL = 0.25  # standard deviations between the halves of a series whose level does not move: Melbourne, Beijing


def network_settings(
    task: Task,
    rows: Rows,
    ends: Integers,
    *,
    seasons: list[int],
    linear: Settings,
    loss: str,
    random_state: int | None,
    n_jobs: int | None,
    calendar: tuple[str, ...] | None = None,
    lookback: int | None = None,
    window_norm: Any = "auto",
    multi_target: str = "auto",
) -> dict[str, Settings]:
    """Settings of the networks worth training on some rows.

    Parameters
    ----------
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Where the rows to learn from end in each series. What lies behind them changes nothing.
    seasons : list of int
        Seasons in steps, the most important first.
    linear : Settings
        Settings of the best linear member; the networks take its transform and its step.
    loss : str
        What the forecasts are judged by, as `RNNForecaster` names it.
    random_state : int or None
    n_jobs : int or None
    calendar : tuple of str, default=None
        Calendar features of networks with covariates; None, and without covariates: those of the linear member.
    lookback : int, default=None
        The user's lookback; None: chosen by a rule.
    window_norm : default="auto"
        The user's norm, for all networks.
    multi_target : str, default="auto"
        The user's; "auto": several targets share a network.

    Returns
    -------
    dict of str to Settings
        Two networks that differ in their window norm; none if there are too few windows.
    """
    if multi_target == "auto":
        multi_target = "shared" if rows.targets.shape[1] > 1 else "joint"
    data = _Data.of(task, rows, ends, linear, joint=multi_target == "joint")
    seasons = [season for season in seasons if 1 < season <= data.longest // 2]
    lookback = lookback or _lookback(data, seasons, linear)
    if lookback < 1 or data.windows(lookback) < _FEWEST:
        return {}
    calendar = _calendar(data, linear.calendar if calendar is None else calendar, linear.calendar, lookback, rows)
    network = _network(data, seasons, lookback, rows.future.shape[1], calendar, loss)
    known = bool(rows.future.shape[1] or calendar)
    norms = _norms(data, seasons, known) if window_norm == "auto" else {"GRU": window_norm}
    if loss == "quantile":
        network["quantile"] = list(LEVELS)
    regressor = RNNForecaster(**network, loss=loss, random_state=random_state, n_jobs=n_jobs)
    return {
        name: Settings(
            regressor,
            lookback,
            window_norm=norm,
            transform=linear.transform,
            calendar=calendar,
            multi_target=multi_target,
            step=linear.step,
            level=data.covariates and norm is not None,  # Beijing: MAE 27.05 with it, 27.55 without
            clip_covariates=data.covariates,
        )
        for name, norm in norms.items()
    }


@dataclass(frozen=True)
class _Data:
    """What there is to learn from.

    Attributes
    ----------
    lengths : ndarray of int of shape (n_series,)
        Rows of each series that have a value, also where a transform takes differences.
    horizon : int
    targets : int
        Targets that are series of their own to a network.
    together : int
        Targets that a window forecasts together.
    inputs : int
        Channels of a window's past, without those known ahead.
    covariates : bool
        Whether there are past or future ones.
    step : int
        Steps between the origins of windows.
    shown : float
        Share of the windows that show a target.
    level : bool
        Whether the rows are one series whose level does not move.
    """

    lengths: Integers
    horizon: int
    targets: int
    together: int
    inputs: int
    covariates: bool
    step: int
    shown: float
    level: bool

    @classmethod
    def of(cls, task: Task, rows: Rows, ends: Integers, linear: Settings, joint: bool) -> Self:
        lost = 0
        if linear.transform is not None:
            lost = make_transform(linear.transform, period=task.axis.season_length).n_lost
        lengths = np.maximum(np.asarray(ends) - rows.starts[:-1] - lost, 0)
        several = rows.targets.shape[1]
        targets, together = (1, several) if joint else (several, 1)
        inputs = (together + rows.past.shape[1]) * (2 if task.masked else 1)
        level = (
            linear.transform is not None
            and len(lengths) == several == 1
            and _keeps_its_level(rows.targets[: int(ends[0]), 0])
        )
        covariates, horizon = rows.past.shape[1] + rows.future.shape[1] > 0, int(task.horizon)
        some = training_windows(rows, ends, horizon, lost + 1, 1, joint)
        shown = some / max(1, targets * int(np.maximum(lengths - horizon, 0).sum()))
        return cls(lengths, horizon, targets, together, inputs, covariates, int(linear.step), shown, level)

    @property
    def several(self) -> bool:
        """Whether one network learns several series."""
        return len(self.lengths) * self.targets > 1

    @property
    def longest(self) -> int:
        """The longest lookback: every series has one, a third of the windows stay, and not all share rows."""
        longest = min(int(self.lengths.min()), int(self.lengths.sum()) // 6)
        while longest > 0 and 3 * self.windows(longest) < self.windows(1):
            longest -= 1
        return longest

    def windows(self, lookback: int) -> int:
        """How many windows there are to train on."""
        origins = np.maximum(self.lengths - lookback - self.horizon + 1, 0)
        return int(self.shown * self.targets * (-(-origins // self.step)).sum())


def _keeps_its_level(values: Floats) -> bool:
    half = len(values) // 2
    parts = values[:half], values[half:]
    if not all(np.isfinite(part).any() for part in parts):
        return False
    early, late = (np.nanmean(part, dtype=np.float64) for part in parts)
    return bool(abs(late - early) < _LEVEL * np.nanstd(values, dtype=np.float64))


def _lookback(data: _Data, seasons: list[int], linear: Settings) -> int:
    """Whole seasons, up to a twelfth of the rows, but two where they can be had.

    ILI (676 rows, season 52): 104 1.766 / 0.804, 52 1.950 / 0.839, 156 1.874 / 0.841. CO2 (season 52): 104 0.439, 208
    0.466. M4 Hourly: 336 1.067, 168 1.159. Without a season, or without one that fits in twice: twice the line's own,
    52 to 96 steps (M4 Weekly: 52 1.945, 26 2.348; exchange_rate is lost anyway). With covariates about 48 steps, each
    by itself: Beijing D1a 48 39.6, 24 39.4, 96 40.0, 168 in segments of 24 42.3; D1b 28.7 and 29.0.
    """
    if not seasons:
        return min(max(52, min(2 * linear.lookback, 96)), data.longest)
    season = seasons[0]
    wanted = max(2 * season, min(_LONGEST, 30 * season, int(data.lengths.sum()) // 12))
    if data.covariates:
        wanted = min(wanted, max(2, 48 // season) * season)
    lookback = min(wanted, data.longest)
    return lookback - lookback % max(length for length in seasons if length <= lookback)


def _segment(seasons: list[int], lookback: int, several: bool, covariates: bool) -> int:
    """The longest part of a season that leaves enough segments.

    weather (lookback 720, season 144): 72 0.1466, 48 0.1498, 24 0.1539; ETTh1 (lookback 336, season 24): 24 0.3543, 12
    0.3727; ILI (lookback 104, season 52): 4 1.717, 13 1.874; CO2: 4 0.534, 13 0.658; so short windows are read in
    more and shorter segments than long ones. With covariates (Beijing D1a, lookback 48): 1 39.6, 4 40.9. Without a
    season: M4 Weekly 4 (1 takes four times as long), Melbourne 1 (MAE of the mean of two 1.927, 4 1.943).
    """
    if not seasons or lookback < 48:
        return 4 if lookback >= 48 and several else 1
    least = 48 if covariates else 10 if lookback > 300 else 7 if seasons[0] <= 24 else 24
    parts = [part for part in range(1, seasons[0] + 1) if seasons[0] % part == 0 and lookback // part >= least]
    return max(parts, default=1)


def _calendar(
    data: _Data, calendar: Sequence[str] | None, linear: Sequence[str] | None, lookback: int, rows: Rows
) -> tuple[str, ...]:
    """The calendar where a window does not hold its cycles, or where there are covariates.

    A network learns what a covariate means at which hour or season, also where a line has no use for the calendar:
    Beijing D1a 39.6 with hour and day of year, 40.8 with the hour, 41.9 without; D1b 28.6 and 28.7.
    Melbourne, day of year, from 56 days: MAE 1.964 with it, 2.043 without. ETTh1, hour and day of the week, which 720
    hours hold: 0.3623 / 0.3914 with it, 0.3544 / 0.3845 without.
    """
    calendar, linear = (tuple([one] if isinstance(one, str) else one or ()) for one in (calendar, linear))
    if data.covariates:
        return calendar
    calendar = linear
    if not calendar:
        return calendar
    first = int(rows.starts[int(np.argmax(data.lengths))])
    ends = rows.index[first], rows.index[first + lookback]
    if not all(hasattr(end, "year") for end in ends):
        return calendar
    start, end = (end.to_timestamp() if isinstance(end, pd.Period) else end for end in ends)
    days = (end - start) / pd.Timedelta(days=1)
    return calendar if any(_DAYS.get(name, 366) > days for name in calendar) else ()


def _norms(data: _Data, seasons: list[int], known: Any) -> dict[str, Any]:
    """Two ways to take the level off, by the name of their network.

    Their errors differ, so that the mean of two is better than each: ETTh1 0.3499 of 0.3541 and 0.3556, weather 0.1443
    of 0.1474 and 0.1457. One alone is a risk: "standard" is worth much where the size of changes differs from
    window to window (ILI 1.82 for 3.12, M4 Hourly 1.08 for 1.28, M4 Weekly 2.49 for 2.72), but not on CO2 (0.478 for
    0.464), and on weather, where rain rests, it took 0.253 for 0.163 before the steps were well chosen. A series that
    keeps its level tells it by the value itself (Melbourne, 28 days: 1.954 without a norm, 1.974 and 1.994 with; CO2
    without one: 8.1). The weights leave out what fails.
    """
    taken = "last" if known or not seasons else ("mean", 0.3)
    return {"GRU": taken, "GRU, level": None} if data.level else {"GRU": taken, "GRU, standard": "standard"}


def _network(
    data: _Data, seasons: list[int], lookback: int, covariates: int, calendar: tuple[str, ...], loss: str
) -> dict[str, Any]:
    """Arguments of the network."""
    known = covariates + 2 * len(calendar)  # a sine and a cosine
    segment, horizon = _segment(seasons, lookback, data.several, data.covariates), data.horizon
    n_windows = data.windows(lookback)
    found = dict(cell="gru", hidden_size=64, segment=segment, learning_rate=3e-3, early_stopping=True)
    # An LSTM is behind a GRU on ETTh1 (0.3702 for 0.3571) and M4 Hourly; 32 units are behind 64 on ETTh1 (0.3667 for
    # 0.3539), CO2 (0.471 for 0.439), M4 Hourly (1.071 for 1.067 at 600 steps).
    if segment > 1:
        found["segment_activation"] = "identity"
    if known:
        # Beijing D1b (seeds differ by 0.4) and Valencia's ozone, one network: 64 units and 32 for the future 28.8 and
        # 9.10, 96 and 48 28.2 and 9.01 in 1.6 times the time; 1e-3 28.4 and 9.11. A calendar needs no layer over the
        # future: each step says all that its neighbours do. Melbourne, mean of two: 3e-3 6.10, 2e-3 6.18.
        found |= dict(decoder="steps", dropout=0.2, optimizer="adamw", weight_decay=0.01)
        found |= dict(hidden_size=96, future_size=48, learning_rate=2e-3) if data.covariates else {}
    elif segment > 1 and horizon > segment:
        # weather 0.1498 / 0.1892 for 0.1516 / 0.1930 dense; ETTh1 0.3539 / 0.3838 for 0.3548 / 0.3860; CO2 0.439 for
        # 0.460.
        found["decoder"] = "segments"
    weights = lookback * horizon * data.together**2
    if not known and data.several and weights <= min(_LINE, data.targets * int(data.lengths.sum())):
        # A line next to the network, where it has few weights: M4 Hourly 0.868 for 0.932, M4 Weekly 2.33 for 2.49, ILI
        # MAE 0.762 for 0.791. Of 69,000 weights: ETTh1 0.3612 for 0.3539, weather 0.1478 for 0.1482 in 1.5 times the
        # time.
        found |= dict(skip="linear", skip_penalty=0.01)
    outputs = data.together * (len(LEVELS) if loss == "quantile" else 1)
    return found | _steps(data, found, lookback, known, n_windows, outputs)


def _steps(
    data: _Data, network: dict[str, Any], lookback: int, known: int, n_windows: int, outputs: int
) -> dict[str, int]:
    """Batch, optimiser steps and patience.

    Three epochs, at least 600 steps, at most 1,500: ETTh1 (214 steps an epoch) 600 steps of 2e-3 are as good as 2,800
    of 1e-3; weather 1,000 0.1498, 2,000 0.1496. Known values are overfitted sooner: Beijing is best after 3 or 4
    epochs (8: 27.7 for 27.1), Melbourne within 350 steps. Small sets take batches of 64, those with covariates 128
    (Valencia, the same time: 256 9.24, 128 9.10, 64 9.07; Beijing 28.6, 28.8, 28.8). The weights of the best epoch
    and those after all steps are equally good (ILI, Melbourne), so that a fit on all rows can run the whole schedule.
    """
    batch = 64 if n_windows < 8_000 else 128 if n_windows < 20_000 or data.covariates else 256
    least = 350 if known else 1_200 if batch == 64 else 600
    wanted = int(np.clip((4 if known else 3) * n_windows // batch, least, 1_500))
    steps = min(wanted, _affordable(data, network, lookback, known, batch, outputs))
    batch = batch // 2 if batch * data.horizon > _AHEAD else batch
    epochs = math.ceil(steps / math.ceil(n_windows / batch))
    return dict(
        batch_size=batch,
        max_steps=steps,
        max_iter=epochs,
        warmup_steps=min(100, steps // 5),
        n_iter_no_change=max(4, epochs // 2),
    )


def _affordable(data: _Data, network: dict[str, Any], lookback: int, known: int, batch: int, outputs: int) -> int:
    """Optimiser steps within the budget, from the multiplications of one step: forward, and twice as many backward."""
    hidden, segment, horizon = network["hidden_size"], network["segment"], data.horizon
    channels, tokens = data.inputs + known, math.ceil(lookback / segment)
    cell = 3 * hidden * ((hidden if segment > 1 else channels) + hidden)
    window = tokens * (cell + (segment * channels * hidden if segment > 1 else 0))
    if network.get("decoder") == "steps":
        ahead = network.get("future_size", 0)
        window += horizon * (6 * ahead * (ahead + known) + 128 * (hidden + 2 * ahead + channels + known + outputs))
    else:
        window += horizon * hidden * outputs + (math.ceil(horizon / segment) * cell if "decoder" in network else 0)
    if "skip" in network:
        window += lookback * data.together * horizon * outputs
    most = _BUDGET_COVARIATES if data.covariates else _BUDGET
    worth = _WORTH_COVARIATES if data.covariates else _WORTH
    budget = min(most, _LEAST_BUDGET + data.windows(lookback) / worth)
    return max(100, int(budget * _RATE / (3 * batch * window)))
