"""From a panel of training rows to the fitted state: one regressor, or members."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from .._distributions import FAMILIES
from .._preparation import LEVELS, Rows, Task, anew, goes_on, learns, on_all_rows, trained, unfrozen
from .._refusals import Fix, Refusal, Words, joined
from .._types import Floats, Integers
from ..preprocessing import make_transform
from .bounds import lowest_of
from .growing import kept_rows
from .irregular import refuse_regular
from .no_past import refuse_unfounded
from .parameters import (
    CHOOSING,
    DEFAULT_FRACTION,
    is_chosen,
    member_settings,
    refuse_carried,
    refuse_choosing,
    refuse_summed,
    refuse_unread,
    settings_of,
)
from .skipping import SkippedSeriesWarning, listed, warn_of
from .span import Span
from .state import FittedState
from .verdict import verdict_of_origins, verdict_of_regressor

if TYPE_CHECKING:
    from .._frames import Panel, Roles, TimeAxis
    from .._preparation import Member, RowWeights, Settings, Spread
    from .forecaster import SeriesForecaster

__all__ = ["fitted_state", "unlearnable"]


def fitted_state(
    model: SeriesForecaster,
    panel: Panel,
    roles: Roles,
    later: Panel | None = None,
    before: FittedState | None = None,
    weights: RowWeights | None = None,
) -> tuple[FittedState, dict[str, Any]]:
    """Train clones of the model's regressors.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read, it is not changed.
    panel : Panel
        Rows to learn from.
    roles : Roles
    later : Panel, default=None
        The rows after them, to validate on.
    before : FittedState, default=None
        State of the last fit, for regressors with `warm_start=True`.
    weights : RowWeights, default=None

    Returns
    -------
    FittedState, dict
        And the parameters that give the same fit, with nothing left to choose.
    """
    task = Task(
        horizon=int(model.horizon),
        axis=panel.axis,
        target_names=list(roles.target) if len(roles.target) == panel.targets.shape[1] else ["target"],
        past_names=panel.schema.past_names,
        future_names=panel.schema.future_names,
        masked=model.missing == "mask" or model.gaps == "mask",
        static_names=panel.schema.static_names,
        levels=panel.schema.levels,
        weights=weights,
    )
    rows, ends = Rows.of(panel), None
    if later is not None:
        rows, ends = _followed(rows, Rows.of(later), panel.axis)
    refuse_choosing(model)
    if task.axis.irregular:
        refuse_regular(model)
    _refuse_lookback(model, roles, panel.axis.season_length)
    refuse_carried(model)
    refuse_unread(model, task.levels)
    if model.loss == "quantile" or model.loss in FAMILIES:
        refuse_summed(model, panel.axis.season_length)
    everything = rows
    if is_chosen(model) or model.members is not None:
        rows, ends = _from_first_target(rows, ends)
    rows, ends = _learnable(model, task, rows, ends)
    if is_chosen(model):
        fitted = _chosen(model, task, rows, ends)
    elif model.members is not None:
        fitted = _mixed(model, task, rows, ends, before)
    else:
        fitted = _single(model, task, rows, ends, before)
    names, verdict = list(fitted["members"]), fitted["verdict"]
    members = list(fitted["members"].values())
    needed = max(*(member.reads for member in members), panel.axis.season_length)
    lead, one = members[0], len(members) == 1
    state = FittedState(
        regressor=lead.regressor,
        preparation=lead.preparation,
        roles=roles,
        schema=panel.schema,
        axis=replace(panel.axis, note=panel.axis.note and str(panel.axis.note)),  # files hold plain texts
        layout=panel.layout,
        split=lead.split,
        tail=everything.tail(needed),
        needed=needed,
        n_windows=lead.n_windows,
        report=verdict[0],
        calibration=verdict[1],
        span=Span.of(panel.index, panel.starts),
        members=None if one else fitted["members"],
        weights=None if one else {name: fitted["weights"][name] for name in names},
        spread=lead.spread if one else None,
        lower=lowest_of(model),
        upper=model.upper,
        pads=lead.pads,
        kept=kept_rows(everything, needed),
    )
    return state.standing(everything), fitted["recipe"]


def _refuse_lookback(model: SeriesForecaster, roles: Roles, period: int) -> None:
    if not is_chosen(model):
        given = [settings_of(model)] if model.members is None else [one for one, _ in member_settings(model).values()]
        refuse_unfounded(model, given, roles, period)
    elif model.lookback == 0:
        raise ValueError(
            Refusal(
                "lookback=0 is for a regressor that reads no past, and none is given: a recipe looks back",
                fix=Fix(
                    "regressor=RNNForecaster(encoder='dense', decoder='recurrent')",
                    "--set encoder=dense --set decoder=recurrent",
                ),
            )
        )


def _followed(rows: Rows, later: Rows, axis: TimeAxis) -> tuple[Rows, Integers]:
    """All rows, and where those to learn from end in each series."""
    last = rows.last_labels
    for key, first in zip(later.keys, later.starts[:-1], strict=True):
        name = "X_val" if key is None else f"X_val, series {key!r},"
        if key not in last:
            raise ValueError(Refusal(f"has the series {key!r}, which X has not", where="X_val", expected="series of X"))
        expected = axis.after(last[key], 1)[0]
        follows = later.index[first] > last[key] if axis.irregular else later.index[first] == expected
        if not follows:
            raise ValueError(
                Refusal(
                    f"begins at {later.index[first]}", where=name, expected=f"{expected}, right after the rows of X"
                )
            )
    both = rows.followed_by(later)
    return both, both.starts[:-1] + np.diff(rows.starts)


def _single(
    model: SeriesForecaster, task: Task, rows: Rows, ends: Integers | None, before: FittedState | None
) -> dict[str, Any]:
    settings = replace(settings_of(model), pads=task.masked)
    last = _last_members(before, {"regressor": settings}, task).get("regressor")
    member, windows = trained(settings, task, rows, ends, last)
    verdict = verdict_of_regressor(model, task, rows, member, windows, ends)
    return {"members": {"regressor": member}, "verdict": verdict, "recipe": {}}


def _mixed(
    model: SeriesForecaster, task: Task, rows: Rows, ends: Integers | None, before: FittedState | None
) -> dict[str, Any]:
    """Members that were given, with their weights."""
    from .._recipe.counts import can_learn
    from .._recipe.quantiles import spreads_of
    from .._recipe.validation import judged_rows, origins_behind, validation_ends

    given = member_settings(model)
    settings = {name: one for name, (one, _) in given.items()}
    weights = {name: weight for name, (_, weight) in given.items()}
    last = _last_members(before, settings, task)
    cut, origins, forecasts, judged, spreads, early = ends, None, None, rows, {}, {}
    continued = [name for name, one in settings.items() if one.continued and not _goes_on(one, last.get(name))]
    fraction = model.validation_fraction
    judges = ends is not None or fraction is not None
    if cut is None and (judges or continued):
        cut = validation_ends(rows, task.axis, task.horizon, DEFAULT_FRACTION if fraction is None else fraction)
    if cut is not None:
        judged, cut = judged_rows(rows, cut, task.horizon)
    if cut is not None and ends is None and not can_learn(settings.values(), task, judged, cut):
        judged, cut = rows, None
    if cut is not None:
        start = last if ends is not None else {}  # what only judges starts anew: the last fit may have seen these rows
        judging = settings if ends is not None else {name: _from_scratch(one) for name, one in settings.items()}
        judging = judging if judges else {name: judging[name] for name in continued}
        early = {name: trained(one, task, judged, cut, start.get(name))[0] for name, one in judging.items()}
    if cut is not None and judges:
        several = len(LEVELS) if model.loss == "quantile" else 1
        origins = origins_behind(judged, cut, task.horizon, 1, levels=several)
        if len(origins):
            each = {name: one.forecast(judged, origins.rows) for name, one in early.items()}
            if model.loss == "quantile":
                ahead = origins.rows[:, None] + np.arange(1, task.horizon + 1)
                spreads = spreads_of(early, judged, origins, each, judged.true_targets[ahead].astype(np.float64))
                each = {
                    name: replace(one, spread=spreads.get(name)).forecast(judged, origins.rows)
                    for name, one in early.items()
                }
            forecasts = np.asarray(sum(weights[name] * forecast for name, forecast in each.items()))
    members = early if ends is not None else {
        name: _on_all(one, task, rows, early.get(name) if name in continued else None, last.get(name))
        for name, one in settings.items()
    }  # fmt: skip
    members = _spread(members, spreads, settings)
    verdict = verdict_of_origins(task, judged, origins, forecasts, "members", list(members.values()))
    return {"members": members, "weights": weights, "verdict": verdict, "recipe": {}}


def _on_all(settings: Settings, task: Task, rows: Rows, early: Member | None, last: Member | None = None) -> Member:
    """A member that has learnt from all rows; `early` was trained without the validation rows."""
    if settings.continued is None or _goes_on(settings, last):
        return trained(settings, task, rows, before=last)[0]
    return trained(anew(settings), task, rows)[0] if early is None else on_all_rows(early, settings, task, rows)


def _goes_on(settings: Settings, last: Member | None) -> bool:
    return last is not None and goes_on(settings.regressor)


def _from_scratch(settings: Settings) -> Settings:
    return replace(settings, regressor=unfrozen(clone(settings.regressor)))


def _last_members(before: FittedState | None, settings: dict[str, Settings], task: Task) -> dict[str, Member]:
    """Those members of the last fit, by name, that are there again: what `warm_start=True` goes on from."""
    if before is None:
        return {}
    last, now = before.schema.static_names, task.static_names
    if last != now and any(goes_on(one.regressor) for one in settings.values()):
        raise ValueError(
            Refusal(
                f"warm_start=True goes on from the last fit, which had the static covariates {last}, and now they are "
                f"{now}",
                expected="the same",
                fix=Fix("warm_start=False", ""),
            )
        )
    if before.members is None:
        return dict.fromkeys(settings, before.parts[0][0]) if len(settings) == 1 else {}
    return {name: before.members[name] for name in settings if name in before.members}


def _chosen(model: SeriesForecaster, task: Task, rows: Rows, ends: Integers | None) -> dict[str, Any]:
    from .._recipe import Wishes, choose, validation_ends
    from .._recipe.choice import settled

    seed = int(np.random.default_rng(_seed(model.random_state)).integers(2**31)) if _is_drawn(model) else None
    wishes = Wishes(
        season=model.season, lookback=model.lookback, window_norm=model.window_norm, transform=model.transform,
        calendar=model.calendar, multi_target=model.multi_target, loss=model.loss, lower=lowest_of(model),
        level=model.level, clip_covariates=model.clip_covariates, step=model.step,
        random_state=model.random_state if seed is None else seed, max_seconds=model.max_seconds,
        pretrained=model.pretrained,
    )  # fmt: skip
    cut = ends
    if cut is None:
        fraction = DEFAULT_FRACTION if model.validation_fraction is None else model.validation_fraction
        cut = validation_ends(rows, task.axis, task.horizon, fraction)
    tell = partial(print, file=sys.stderr) if model.verbose else None
    choice = choose(task, rows, cut, wishes, model.n_jobs, final=ends is not None, tell=tell)
    settings = choice.settings if ends is not None else settled(choice)
    members = choice.early
    if ends is None:
        members = {name: _on_all(one, task, rows, members.get(name)) for name, one in settings.items()}
    elif not members:  # there was nothing to judge by
        members = {name: trained(one, task, rows, ends)[0] for name, one in settings.items()}
    settings = {name: replace(one, widths=choice.widths) for name, one in settings.items()}
    members = _spread(members, choice.spreads, settings)
    final = list(members.values())
    verdict = verdict_of_origins(task, choice.rows, choice.origins, choice.forecasts, "recipe", final, choice)
    kept = model.loss == "quantile" or model.loss in FAMILIES
    recipe: dict[str, Any] = CHOOSING | {"loss": model.loss if kept else CHOOSING["loss"]}
    recipe |= {"members": _described(settings, choice.weights)}
    if not any(learns(one.regressor) for one in settings.values()):
        recipe |= {"half_life": None}  # it is refused where nothing learns
    if choice.origins is None and model.loss == "quantile":
        recipe |= {"validation_fraction": None}  # quantiles do not rest on the errors of so few windows
    return {"members": members, "weights": choice.weights, "verdict": verdict, "recipe": recipe}


def _spread(members: dict[str, Member], spreads: dict[str, Spread], settings: dict[str, Settings]) -> dict[str, Member]:
    """Members with what makes their quantiles, and how wide these are."""
    return {
        name: replace(member, spread=spreads.get(name), widths=settings[name].widths)
        for name, member in members.items()
    }


def _is_drawn(model: SeriesForecaster) -> bool:
    return model.random_state is None or isinstance(model.random_state, np.random.RandomState)


def _seed(random_state: Any) -> int | None:
    return None if random_state is None else random_state.randint(2**31)


def _described(settings: dict[str, Settings], weights: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Members as `SeriesForecaster(members=...)` takes them."""
    return {
        name: {
            "regressor": one.regressor,
            "lookback": one.lookback,
            "window_norm": one.window_norm,
            "transform": one.transform,
            "calendar": None if one.calendar is None else list(one.calendar),
            "multi_target": one.multi_target,
            "level": one.level,
            "clip_covariates": one.clip_covariates,
            "step": one.step,
            "weight": weights[name],
            **({} if one.continued is None else {"continued": one.continued}),
            **({} if one.widths is None else {"widths": list(one.widths)}),
        }
        for name, one in settings.items()
    }


def _from_first_target(rows: Rows, ends: Integers | None) -> tuple[Rows, Integers | None]:
    """Without the rows before the first known target of a series: no share of them can be held out or learnt from."""
    known = np.asarray((~np.isnan(rows.targets)).any(axis=1))
    bounds = list(zip(rows.starts[:-1], rows.starts[1:] if ends is None else ends, strict=True))
    late = np.array([int(known[first:end].argmax()) if end > first else 0 for first, end in bounds])
    if not late.any():
        return rows, ends
    parts = [(number, int(rows.starts[number] + by), int(rows.starts[number + 1])) for number, by in enumerate(late)]
    some = rows.parts(parts)
    return some, None if ends is None else some.starts[:-1] + ends - rows.starts[:-1] - late


def _learnable(model: SeriesForecaster, task: Task, rows: Rows, ends: Integers | None) -> tuple[Rows, Integers | None]:
    """Without the series of a panel that nothing can be learnt from; a warning names them."""
    if rows.n_series == 1:
        return rows, ends
    short = {}
    for number, (first, end) in enumerate(zip(rows.starts[:-1], rows.starts[1:], strict=True)):
        reason = unlearnable(model, task, rows.targets[first : end if ends is None else ends[number]])
        if reason is not None:
            short[rows.keys[number]] = reason
    if len(short) in (0, rows.n_series):  # where none is long enough, training says what is missing
        return rows, ends
    warn_of(
        SkippedSeriesWarning,
        joined(
            f"{len(short)} of {rows.n_series} series take no part in training: ", listed(short),
            Words(
                ". predict() leaves them out until update() has brought enough rows.",
                ". forecast predict leaves them out until forecast update has brought enough rows.",
            ),
        ),
        short, 5,
    )  # fmt: skip
    kept = np.array([number for number, key in enumerate(rows.keys) if key not in short])
    some = rows.parts([(int(number), int(rows.starts[number]), int(rows.starts[number + 1])) for number in kept])
    return some, None if ends is None else some.starts[:-1] + (ends - rows.starts[:-1])[kept]


def unlearnable(model: SeriesForecaster, task: Task, targets: Floats) -> Any:
    """Why nothing can be learnt of a series, or None."""
    if np.isnan(targets).all(axis=0).any():
        return "no value is known" if len(targets) else "no rows"
    if model.members is not None:
        transforms = [settings.transform for settings, _ in member_settings(model).values()]
    else:
        transforms = [model.transform]
    for transform in transforms:
        if transform is None or (isinstance(transform, str) and transform == "auto"):
            continue
        lost = make_transform(transform, period=task.axis.season_length).n_lost
        if len(targets) <= lost + 2:
            try:
                for column in targets.T:
                    make_transform(transform, period=task.axis.season_length).fit(column.astype(np.float64))
            except ValueError as error:
                return error
    if model.regressor is None or task.masked:
        return None
    settings = settings_of(model)
    least = settings.lookback
    if settings.transform is not None:
        least += make_transform(settings.transform, period=task.axis.season_length).n_lost
    least = max(least, settings.lookback + task.axis.irregular)
    return f"{len(targets)} rows; a forecast looks back on {least}" if len(targets) < least else None
