"""From training rows to members and their weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from .._distributions import FAMILIES
from .._preparation import LEVELS, Member, Settings, goes_on_from_weights, widths_of
from .._preparation.spread import error_quantiles, horizons
from .._pretrained import PretrainedForecaster
from .._pretrained.network import HORIZON as PASS
from .._types import Floats, Integers
from ..baselines import LastValue, SeasonalNaive
from ..preprocessing.calendar import completed
from .calendar import calendar_of
from .candidates import prepared_lost
from .deadline import within_time
from .distributions import in_own_units, networks_alone, refuse_no_network
from .networks import network_settings
from .parts import judged_part
from .quantiles import spread_out, spreads_of
from .search import search_linear
from .seasons import seasons_of
from .validation import judged_rows, known_before, origins_behind, parts_in_time
from .weights import EXTRA, best_alone, mix

if TYPE_CHECKING:
    from .._preparation import Rows, Spread, Task
    from .parts import JudgedPart
    from .search import Found
    from .validation import Origins, Part
    from .weights import Mix

__all__ = ["Choice", "Wishes", "choose", "settled"]

_LEAST = 8  # origins, below which nothing is weighed
_VALUES, _LEAST_STEPS = 4_000_000, 24  # quantiles of a member that weights rest on: of a far horizon every few steps
_MEDIAN = LEVELS.index(0.5)
CONTINUED = 0.35  # of the optimiser steps: training on all rows after that without the validation rows
_TRIAL, _TRIED = 8_000, 40  # passes of the pretrained network that need no trial, and the fewest origins of one
_SHORT = 6  # horizons of rows, up to which a linear model that was not judged is not alone
_CYCLES = 2  # of a known season, below which the pretrained network does not see it


@dataclass(frozen=True)
class Wishes:
    """The user's settings, with the names of `SeriesForecaster`; "auto" is to be chosen."""

    season: Any = "auto"
    lookback: Any = "auto"
    window_norm: Any = "auto"
    transform: Any = "auto"
    calendar: Any = "auto"
    multi_target: str = "auto"
    loss: str = "absolute_error"
    lower: float | None = None
    level: bool = False
    clip_covariates: bool = False
    step: int = 1
    random_state: Any = None
    max_seconds: float | None = None
    pretrained: bool = True


@dataclass
class Choice:
    """The choice and its reasons.

    Attributes
    ----------
    settings : dict of str to Settings
        The members, the leading one first.
    weights : dict of str to float
    seasons : list of int
    candidates : pandas.DataFrame
        Every candidate with its validation loss: index `candidate`, columns `loss`, `weight`, `setting`.
    notes : list of str
        Sentences for the user.
    early : dict of str to Member
        The members as trained on the rows before the validation rows.
    origins : Origins or None
        Where they were judged.
    forecasts : ndarray of shape (n, horizon, targets) or None
        Forecasts at these origins; each block is mixed with the weights that the other blocks gave.
    rows : Rows or None
        Rows that the origins refer to.
    spreads : dict of str to Spread
        Spreads of the members that do not forecast quantiles, if the loss is "quantile".
    widths : tuple of float or None
        How many times as wide as theirs the intervals of the mean are; None for one member or another loss.
    """

    settings: dict[str, Settings]
    weights: dict[str, float]
    seasons: list[int]
    candidates: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    early: dict[str, Member] = field(default_factory=dict)
    origins: Origins | None = None
    forecasts: Floats | None = None
    rows: Rows | None = None
    spreads: dict[str, Spread] = field(default_factory=dict)
    widths: tuple[float, ...] | None = None


def choose(
    task: Task,
    rows: Rows,
    ends: Integers | None,
    wishes: Wishes,
    n_jobs: int | None = None,
    final: bool = False,
    tell: Callable[[str], object] | None = None,
) -> Choice:
    """Season, calendar, linear model, networks and their weights.

    Parameters
    ----------
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,), or None
        Where the rows to learn from end in each series; the rows behind judge. None: there are none to judge by.
    wishes : Wishes
    n_jobs : int, default=None
        Number of threads of the networks. It changes no choice.
    final : bool, default=False
        Whether the members stay as they are, and are not trained once more on all rows.
    tell : callable, default=None
        Called with a line of text for each step.

    Returns
    -------
    Choice
    """
    with threadpool_limits(limits=1, user_api="blas"):  # sums depend on how many threads share them
        return _chosen(task, rows, ends, wishes, n_jobs, 1 if final else 1 + CONTINUED, tell or (lambda line: None))


def _chosen(
    task: Task,
    rows: Rows,
    ends: Integers | None,
    wishes: Wishes,
    n_jobs: int | None,
    times: float,
    tell: Callable[[str], object],
) -> Choice:
    begun = time.perf_counter()
    learnt, whole, wishes = rows.starts[1:], rows, in_own_units(wishes)
    of_family = wishes.loss in FAMILIES
    known = ends is None or bool(known_before(rows, ends).any())
    if ends is not None and not (known and _has_a_window(wishes, task, rows, ends)):
        learnt, ends = (ends if times == 1 else learnt), None  # nothing is learnt from the user's validation rows
    if ends is not None:
        rows, ends = judged_rows(rows, ends, task.horizon)
        learnt = ends
    seasons = seasons_of(rows, learnt, task.axis, wishes.season)
    calendar = completed(wishes.calendar, lambda: calendar_of(rows, learnt, task.axis))
    season = seasons[0] if seasons else task.axis.season_length
    # Every series has to hold what is repeated.
    shortest = int(min((learnt - rows.starts[:-1]).min(), np.diff(whole.starts).min()))
    naive = {"seasonal naive": _naive(SeasonalNaive(season))} if 1 < season <= shortest else {}
    naive["last value"] = _naive(LastValue())
    alone = {"pretrained": _naive(PretrainedForecaster(n_jobs=n_jobs))} if wishes.pretrained else {}
    wide = calendar  # networks with covariates learn yearly effects that a single series barely shows
    if rows.past.shape[1] + rows.future.shape[1]:
        wide = completed(wishes.calendar, lambda: calendar_of(rows, learnt, task.axis, years_show=False))
    tell(f"season {', '.join(map(str, seasons)) or 'none'}; calendar {', '.join(calendar) or 'none'}")
    if ends is None:
        if of_family:
            refuse_no_network(wishes)
        return _unjudged(alone, naive, seasons, season, shortest, "rows" if known else "values of every target")
    found = search_linear(
        replace(task, weights=None), rows, ends, seasons=seasons, calendar=calendar,
        loss="quantile" if of_family else wishes.loss,
        lookback=None if _is_auto(wishes.lookback) else wishes.lookback,
        window_norm=wishes.window_norm, transform=wishes.transform, multi_target=wishes.multi_target,
        lower=wishes.lower, step=wishes.step,
    )  # fmt: skip
    tell(f"linear model: lookback {found.settings.lookback}, {len(found.table)} candidates")
    usual = [season] if season > 1 and rows.past.shape[1] + rows.future.shape[1] else []  # covariates may show it
    networks = network_settings(
        task, rows, ends, seasons=seasons or usual, linear=found.settings, loss=wishes.loss,
        random_state=wishes.random_state, n_jobs=n_jobs, calendar=wide,
        lookback=None if _is_auto(wishes.lookback) else wishes.lookback, window_norm=wishes.window_norm,
        multi_target=wishes.multi_target,
    )  # fmt: skip
    if wishes.max_seconds is not None:
        left = wishes.max_seconds - (time.perf_counter() - begun)
        networks = within_time(networks, task, rows, ends, left, times)
    simple = {"linear": found.settings, **alone, **naive}
    settings = networks_alone(networks, wishes) if of_family else {**networks, **simple}
    settings = {name: replace(one, pads=True) for name, one in settings.items()}
    settings = {
        name: replace(
            one, step=wishes.step, level=wishes.level or one.level,
            clip_covariates=wishes.clip_covariates or one.clip_covariates,
        )
        for name, one in settings.items()
    }  # fmt: skip
    judged: list[JudgedPart] = []
    windows: dict[str, int] = {}
    # A linear model of a single window says nothing of one of all windows: an earlier part leaves a horizon of them,
    # over all series.
    each = math.ceil(task.horizon / rows.n_series)
    least = task.horizon + each - 1 + max(one.lookback + prepared_lost(one, task) for one in settings.values())
    least = max(least, season if "seasonal naive" in naive else 0)
    parts = parts_in_time(rows, ends, task.horizon, least)
    steps = _weighed_steps(task, parts) if wishes.loss == "quantile" or of_family else None
    for part in parts:
        judged.append(judged_part(task, part, settings, windows, tell, 1 if steps is None else len(LEVELS), _LEAST))
        tell(f"{len(judged[-1].origins)} origins judged")
        if len(judged[0].origins) < _LEAST:
            if of_family:
                refuse_no_network(wishes)
            short = np.diff(rows.starts).max() <= _SHORT * task.horizon
            return _too_few(settings, list(naive) if short else [], seasons, found.notes)
    if wishes.loss == "squared_error":  # of a skewed target the mean is not near the median
        settings.pop("pretrained", None)
    return _judged(wishes, settings, [part for part in judged if part.members], seasons, found, steps)


def _has_a_window(wishes: Wishes, task: Task, rows: Rows, ends: Integers) -> bool:
    """Whether the user's lookback leaves a window of some series to learn from."""
    if _is_auto(wishes.lookback):
        return True
    transform = None if _is_auto(wishes.transform) else wishes.transform
    lost = prepared_lost(Settings(None, wishes.lookback, transform=transform), task)
    return bool((ends - rows.starts[:-1]).max() >= wishes.lookback + lost + task.horizon)


def _weighed_steps(task: Task, parts: list[Part]) -> Integers:
    """Steps of the horizon at which quantiles are weighed."""
    levels = len(LEVELS)
    count = [len(origins_behind(part.rows, part.ends, task.horizon, 1, levels=levels)) for part in parts]
    each = sum(count) * parts[0].rows.targets.shape[1] * levels
    most = min(task.horizon, max(_LEAST_STEPS, _VALUES // max(1, each)))
    return np.unique(np.linspace(0, task.horizon - 1, most).round().astype(np.intp))


def _judged(
    wishes: Wishes,
    settings: dict[str, Settings],
    judged: list[JudgedPart],
    seasons: list[int],
    found: Found,
    steps: Integers | None,
) -> Choice:
    """The choice from the members' forecasts; where those of the pretrained network take long, only if it is worth it.

    A trial at some of the origins tells whether it has a weight.
    """
    for name in settings:
        if name != EXTRA:
            judged = [part.asked(name, steps) for part in judged]
    if EXTRA not in settings:
        return _weighed(wishes, settings, judged, seasons, found, steps)
    every, tried = _every(judged), None
    if every > 1:
        some = [part.at_every(every).asked(EXTRA, steps) for part in judged]
        tried = _weighed(wishes, settings, some, seasons, found, steps)
    if tried is None or EXTRA in tried.weights:
        judged = [part.asked(EXTRA, steps) for part in judged]
        return _weighed(wishes, settings, judged, seasons, found, steps)
    others = {name: one for name, one in settings.items() if name != EXTRA}
    choice = _weighed(wishes, others, [part.without(EXTRA) for part in judged], seasons, found, steps)
    rows = choice.candidates, tried.candidates.loc[[EXTRA]]
    choice.candidates = pd.concat(rows).loc[tried.candidates.index]
    return choice


def _every(judged: list[JudgedPart]) -> int:
    """One of how many origins the pretrained network is tried at."""
    passes = sum(len(part.origins) * part.actual.shape[2] * math.ceil(part.actual.shape[1] / PASS) for part in judged)
    fewest = min(len(part.origins) for part in judged)
    return max(1, min(passes // _TRIAL, fewest // _TRIED))


def _weighed(
    wishes: Wishes,
    settings: dict[str, Settings],
    judged: list[JudgedPart],
    seasons: list[int],
    found: Found,
    steps: Integers | None,
) -> Choice:
    """Weights from all parts; what a fit is judged by and calibrated with is the newest one alone."""
    forecasts = {name: np.concatenate([part.forecasts[name] for part in judged]) for name in settings}
    actual, scales = (np.concatenate([getattr(part, name) for part in judged]) for name in ("actual", "scales"))
    counts = np.cumsum([0, *(int(part.origins.blocks.max(initial=-1)) + 1 for part in judged)])
    blocks = np.concatenate([part.origins.blocks + first for part, first in zip(judged, counts[:-1], strict=True)])
    newest, spreads, widths = judged[0], {}, None
    if steps is None:
        result = mix(forecasts, actual, blocks, scales, wishes.loss)
        median = result.crossfitted[: len(newest.origins)]
    elif wishes.loss in FAMILIES:
        some = {name: np.concatenate([part.quantiles.pop(name) for part in judged]) for name in settings}
        result = best_alone(some, actual[:, steps], blocks, scales, LEVELS)
        (alone,) = result.weights
        median = newest.forecasts[alone]
    else:
        spreads = spreads_of(newest.members, newest.rows, newest.origins, newest.forecasts, newest.actual)
        worth = np.concatenate([horizons(part.origins, actual.shape[1]) for part in judged])
        some = {name: np.ascontiguousarray(forecast[:, steps]) for name, forecast in forecasts.items()}
        for name in list(newest.quantiles):
            some[name] = np.concatenate([part.quantiles.pop(name) for part in judged])
        some = spread_out(some, actual[:, steps], blocks, scales, worth)
        result = mix(some, actual[:, steps], blocks, scales, wishes.loss, LEVELS)
        if len(result.weights) > 1:
            widths = widths_of(result.crossfitted, actual[:, steps], worth.sum())
        median = _medians(result.of_blocks, newest, forecasts, actual, blocks, scales, worth)
    kept = {name: settings[name] for name in settings if name in result.weights}
    return Choice(
        settings=kept,
        weights={name: float(result.weights[name]) for name in kept},
        seasons=seasons,
        candidates=_table(found, result, settings),
        notes=list(found.notes),
        early={name: newest.members[name] for name in kept},
        origins=newest.origins,
        forecasts=median,
        rows=newest.rows,
        spreads={name: spreads[name] for name in kept if name in spreads},
        widths=widths,
    )


def _medians(
    of_blocks: dict[int, dict[str, float]],
    newest: JudgedPart,
    forecasts: dict[str, Floats],
    actual: Floats,
    blocks: Integers,
    scales: Floats,
    worth: Floats,
) -> Floats:
    """Of the mean at the newest origins and all steps: each block with the weights and the errors of the others."""
    found = np.zeros_like(newest.actual)
    for number in np.unique(newest.origins.blocks):
        mine, others = newest.origins.blocks == number, blocks != number
        others = others if others.any() else ~others
        for name, weight in of_blocks[int(number)].items():
            if not weight > 0:
                continue
            median = newest.forecasts[name][mine]
            if not newest.members[name].has_quantiles:
                errors = actual[others] - forecasts[name][others]
                offsets = error_quantiles(errors, scales[others], worth[others])[..., _MEDIAN]
                median = median + offsets * scales[: len(mine)][mine][:, None]
            found[mine] += weight * median
    return found


def settled(choice: Choice) -> dict[str, Settings]:
    """Settings with which the members learn from all rows.

    Networks continue from their judged weights. At least half of the series were judged, as the cut before the
    validation rows leaves enough of a series of median length; of the others, which are short, the networks learn then.
    """
    found = {}
    for name, one in choice.settings.items():
        goes_on = name in choice.early and goes_on_from_weights(choice.early[name].regressor)
        found[name] = replace(one, continued=CONTINUED) if goes_on else one
    return found


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == "auto"


def _naive(regressor: Any) -> Settings:
    return Settings(regressor, lookback=1, window_norm=None, multi_target="joint", pads=True)


def _unjudged(
    alone: dict[str, Settings],
    naive: dict[str, Settings],
    seasons: list[int],
    season: int,
    shortest: int,
    scarce: str,
) -> Choice:
    """What needs no training: a naive forecast, and the pretrained network where it can see the season.

    Neither can be judged, so both have the same weight.
    """
    name = next(iter(naive))
    members = {name: naive[name]}
    if name == "last value" or shortest >= _CYCLES * season:
        members = alone | members
    named = [{"pretrained": "pretrained network"}.get(one, one) for one in members]
    which = named[0] if len(named) == 1 else f"mean of the {' and the '.join(named)}"
    which += ", which need no training" if len(named) > 1 else ", which needs no training"
    note = f"too few {scarce} to hold any out: the forecast is the {which}"
    return Choice(members, dict.fromkeys(members, 1 / len(members)), seasons, pd.DataFrame(), [note])


def _too_few(settings: dict[str, Settings], naive: list[str], seasons: list[int], notes: list[str]) -> Choice:
    """The linear model; with `naive`, of short series, also the pretrained network and a naive one, all equally.

    Of M4, each alone and the mean, MASE: 60 weekly series of 50 values 3.16, 5.21, 3.35 and 3.02; 69 hourly ones of 84
    values 1.31, 1.05, 1.00 and 1.02 (with earlier weights of the network).
    """
    names = ["linear", "pretrained", naive[0]] if naive and "pretrained" in settings else ["linear"]
    which = f"mean of the linear model, the pretrained network and the {naive[0]}" if len(names) > 1 else "linear model"
    note = f"fewer than {_LEAST} forecasts could be judged: the forecast is the {which}"
    members = {name: settings[name] for name in names}
    return Choice(members, dict.fromkeys(members, 1 / len(members)), seasons, pd.DataFrame(), [*notes, note])


def _table(found: Found, result: Mix, settings: dict[str, Settings]) -> pd.DataFrame:
    """The mean first, then the members, then what the search looked at; settings as text."""
    members = pd.DataFrame(
        {
            "loss": result.losses,
            "weight": {name: result.weights.get(name, 0.0) for name in result.losses},
            "lookback": {name: settings[name].lookback for name in result.losses},
        }
    )
    mean = pd.DataFrame({"loss": [result.loss]}, index=["recipe"])
    searched = found.table.copy()
    searched.index = [f"linear candidate {number}" for number in range(1, len(searched) + 1)]
    table = pd.concat([mean, members, searched]).rename_axis("candidate")
    texts = table.columns.difference(["loss", "weight", "lookback", "penalty"])
    return table.assign(**{name: [_text(value) for value in table[name]] for name in texts})


def _text(value: object) -> str:
    missing = isinstance(value, float) and np.isnan(value)
    return "" if missing else value if isinstance(value, str) else repr(value)
