"""The arguments of `SeriesForecaster`: their checks, and the meaning of "auto" with a regressor."""

from __future__ import annotations

from math import isclose
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from .._distributions import FAMILIES
from .._frames import check_length
from .._preparation import LEVELS, Settings, accepts_windows, goes_on_from_weights, needs_windows, reads_series
from .._preparation.regression import carries
from .._refusals import Fix, Refusal, Words, argument
from .._windows import at_every_step
from ..preprocessing import make_transform
from ..preprocessing.calendar import completed

if TYPE_CHECKING:
    from .forecaster import SeriesForecaster

__all__ = [
    "CHOOSING",
    "CONSTRAINTS",
    "DEFAULT_FRACTION",
    "is_chosen",
    "lookback_of",
    "member_settings",
    "refuse_carried",
    "refuse_choosing",
    "refuse_short",
    "refuse_summed",
    "refuse_unread",
    "regressor_of",
    "regressors_of",
    "settings_of",
    "without_report",
]

AUTO = StrOptions({"auto"})
DEFAULT_FRACTION = 0.1  # validation_fraction of forecaster and network alike

CONSTRAINTS = {
    "regressor": [HasMethods(["fit", "predict"]), StrOptions({"pretrained"}), None],
    "target": "no_validation",
    "lookback": [Interval(Integral, 0, None, closed="left"), AUTO],
    "horizon": [Interval(Integral, 1, None, closed="left")],
    "past_covariates": "no_validation",
    "future_covariates": "no_validation",
    "static_covariates": "no_validation",
    "series": "no_validation",
    "time": "no_validation",
    "freq": "no_validation",
    "trading_calendar": "no_validation",
    "gaps": [StrOptions({"error", "mask", "interpolate", "irregular"})],
    "missing": [StrOptions({"error", "mask"})],
    "categorical": [StrOptions({"one-hot", "embedding"})],
    "season": [Interval(Integral, 2, None, closed="left"), list, tuple, AUTO],
    "transform": "no_validation",
    "calendar": "no_validation",
    "window_norm": [StrOptions({"last", "mean", "standard", "auto"}), tuple, list, None],
    "multi_target": [StrOptions({"joint", "shared", "auto"})],
    "loss": [StrOptions({"absolute_error", "squared_error", "quantile", *FAMILIES})],
    "lower": [Real, None],
    "upper": [Real, None],
    "level": ["boolean"],
    "clip_covariates": ["boolean"],
    "step": [Interval(Integral, 1, None, closed="left")],
    "half_life": [Interval(Real, 0, None, closed="neither"), None],
    "members": [dict, None],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "pretrained": ["boolean"],
    "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# What "auto" means when a regressor is given: nothing is chosen then.
PLAIN = {"lookback": 48, "window_norm": "last", "transform": None, "calendar": None, "multi_target": "joint"}
# Arguments of the choice alone, and their defaults.
CHOOSING = {
    "season": "auto", "loss": "absolute_error", "max_seconds": None, "pretrained": True, "n_jobs": None,
    "random_state": None,
}  # fmt: skip
AS_THEY_ARE = ("level", "clip_covariates", "step")  # with a regressor
KEYS = (
    "regressor", "lookback", "window_norm", "transform", "calendar", "multi_target", "level", "clip_covariates", "step",
    "weight", "widths", "continued",
)  # fmt: skip


def is_chosen(model: SeriesForecaster) -> bool:
    """Whether `fit` chooses regressors by itself."""
    return model.regressor is None and model.members is None


def regressor_of(model: SeriesForecaster) -> Any:
    """The regressor of a model, also where it is given by its name; None where there is none.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    estimator or None
    """
    if not isinstance(model.regressor, str):
        return model.regressor
    from .._pretrained import PretrainedForecaster  # here, for those who never use it

    return PretrainedForecaster()


def regressors_of(model: SeriesForecaster) -> list[Any]:
    """The regressor of a model, or those of its members; `[None]` where `fit` chooses.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    list of estimator or None
    """
    if model.members is None:
        return [regressor_of(model)]
    return [one.get("regressor") for one in model.members.values()]


def refuse_choosing(model: SeriesForecaster) -> None:
    """Refuse arguments of the recipe if there is nothing to choose."""
    if is_chosen(model):
        return
    given = "a regressor" if model.members is None else "members"
    for name, default in CHOOSING.items():
        value = getattr(model, name)
        if name == "loss" and value == "quantile" and model.members is not None:
            continue  # members that forecast one value get quantiles
        if name == "loss" and value in FAMILIES and model.members is not None and _all_of(model.members, value):
            continue  # intervals are then those of their distributions
        if name != "random_state" and value != default:
            fix = f"RNNForecaster({name}=...)" if name in ("n_jobs", "loss") else f"no {name}"
            raise ValueError(
                Refusal(
                    f"{name}={value!r} has no effect where {given} {'is' if model.members is None else 'are'} given: "
                    "it is for a SeriesForecaster that chooses by itself",
                    expected=fix,
                )
            )


def _all_of(members: dict[str, Any], loss: str) -> bool:
    given = [one.get("regressor") for one in members.values() if isinstance(one, dict)]
    return bool(given) and all(accepts_windows(one) and getattr(one, "loss", None) == loss for one in given)


def refuse_carried(model: SeriesForecaster) -> None:
    """Refuse arguments that do not work with outputs at every step, or with carried states.

    Parameters
    ----------
    model : SeriesForecaster
    """
    given = regressors_of(model)
    for regressor in given:
        deep = regressor.get_params() if hasattr(regressor, "get_params") else {}
        for name, value in deep.items():
            if name.endswith(("__return_sequences", "__stateful")) and value is True:
                raise ValueError(
                    Refusal(
                        f"{name}=True within a {type(regressor).__name__}, which passes on a matrix of windows",
                        expected="RNNForecaster itself as the regressor",
                    )
                )
    if not any(carries(regressor) for regressor in given):
        return
    if model.members is not None:
        raise ValueError(
            Refusal(
                "members with stateful=True",
                got="each would have to carry its own states",
                expected="it as the only regressor, SeriesForecaster(RNNForecaster(stateful=True))",
            )
        )
    if model.multi_target == "shared":
        raise ValueError(
            Refusal(
                "multi_target='shared' with stateful=True",
                got="the states of each target would be others",
                fix=argument("multi_target", "joint"),
            )
        )
    if model.step != 1:
        raise ValueError(
            Refusal(
                f"step={model.step} with stateful=True",
                got="windows that continue each other are lookback rows apart",
                fix=argument("step", 1),
            )
        )


def refuse_unread(model: SeriesForecaster, levels: dict[Any, Any] | None) -> None:
    """Refuse category codes for regressors that would read them as numbers, and missing codes.

    Parameters
    ----------
    model : SeriesForecaster
    levels : dict or None
        Levels of the covariates, as `Schema` has them.
    """
    if model.categorical == "one-hot":
        return
    if levels is None:
        raise ValueError(
            Refusal(
                "has no effect, because no covariate holds text or categories",
                where=argument("categorical", "embedding"),
                expected=Words("one, such as df.astype({'zone': 'category'})", "one"),
                fix=argument("categorical", "one-hot"),
            )
        )
    given = regressors_of(model)
    for regressor in given:
        if "category_left_out" not in getattr(regressor, "get_params", dict)():
            name = "a recipe" if regressor is None else type(regressor).__name__
            raise ValueError(
                Refusal(
                    f"is for RNNForecaster, which learns a vector of each category; {name} reads a column of each",
                    where=argument("categorical", "embedding"),
                    fix=argument("categorical", "one-hot"),
                )
            )


def refuse_summed(model: SeriesForecaster, period: int) -> None:
    """Refuse quantiles of changes, which do not add up to those of the series.

    Parameters
    ----------
    model : SeriesForecaster
    period : int
        Period of the axis.
    """
    given = [model.transform] if model.members is None else [one.get("transform") for one in model.members.values()]
    for transform in given:
        auto = transform is None or (isinstance(transform, str) and transform == "auto")
        if not auto and not make_transform(transform, period=period).is_pointwise:
            raise ValueError(
                Refusal(
                    f"transform={transform!r} with loss={model.loss!r}",
                    got="quantiles of changes do not add up to those of the series",
                    advice=Words(
                        "Intervals have another way: loss='absolute_error' and predict_interval.",
                        "Intervals have another way: --loss absolute_error and --coverage.",
                    ),
                    fix=argument("transform", "auto"),
                )
            )


def _told(regressor: Any, model: SeriesForecaster) -> Any:
    """A regressor with what the forecaster says of it: a seed and a share to hold out, where it has none of its own."""
    own = regressor.get_params(deep=False) if hasattr(regressor, "get_params") else {}
    changes, seed = _share_to_hold_out(regressor, own, model), model.random_state
    if seed is not None and own.get("random_state", seed) is None:
        changes["random_state"] = seed
    return clone(regressor).set_params(**changes) if changes else regressor


def _share_to_hold_out(regressor: Any, own: dict[str, Any], model: SeriesForecaster) -> dict[str, Any]:
    """A network that stops early holds out its validation windows by itself, and is judged on them."""
    name = "validation_fraction"
    wanted, usual = getattr(model, name), DEFAULT_FRACTION
    if wanted in (None, usual) or not accepts_windows(regressor) or own.get("early_stopping", False) is False:
        return {}
    if own[name] not in (usual, wanted):
        kind = type(regressor).__name__
        raise ValueError(
            Refusal(
                f"{name}={wanted} of the SeriesForecaster and {name}={own[name]} of its {kind} are two shares for the "
                "same windows, those that the network holds out and is judged on",
                fix=Fix(f"{kind}({name}={wanted})", f"--set regressor__{name}={wanted}"),
            )
        )
    return {name: wanted}


def without_report(model: SeriesForecaster) -> dict[str, Any]:
    """Parameters with which a fit gives the same forecasts, without the time that its report and intervals take.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    dict
        For `set_params`. Nothing where forecasts rest on the rows that the report rests on: where something is chosen,
        and where members get quantiles from their errors.
    """
    continued = any(one.get("continued") for one in (model.members or {}).values())
    if is_chosen(model) or model.loss == "quantile" or (continued and model.validation_fraction != DEFAULT_FRACTION):
        return {}
    changes: dict[str, Any] = {"validation_fraction": None}
    if model.regressor is not None:
        changes["regressor"] = _told(regressor_of(model), model)
    elif model.members:
        changes["members"] = {
            name: one | {"regressor": _told(one["regressor"], model)} for name, one in model.members.items()
        }
    return changes


def _plain(given: dict[str, Any], regressor: Any) -> dict[str, Any]:
    """Arguments with what "auto" means in its place."""
    usual = PLAIN | {"lookback": 1, "window_norm": None} if reads_series(regressor) else PLAIN
    found: dict[str, Any] = {name: usual[name] if _is_auto(value) else value for name, value in given.items()}
    if found["calendar"] is not None:
        found["calendar"] = completed(found["calendar"], tuple)
    # Without a past there is nothing to subtract; at every step a norm would see what is ahead of earlier steps.
    # Counts and positive numbers have their own units.
    loss = getattr(regressor, "loss", None) if accepts_windows(regressor) else None
    own = loss in FAMILIES and FAMILIES[loss].target != "real"
    if _is_auto(given["window_norm"]) and (found["lookback"] == 0 or at_every_step(regressor) or own):
        found["window_norm"] = None
    return found


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == "auto"


def settings_of(model: SeriesForecaster) -> Settings:
    """The settings of a model with a regressor.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    Settings
    """
    regressor = regressor_of(model)
    given = _plain({name: getattr(model, name) for name in PLAIN}, regressor)
    given |= {name: getattr(model, name) for name in AS_THEY_ARE}
    return Settings(regressor=_told(regressor, model), **given)


def refuse_short(model: SeriesForecaster, n_rows: int) -> None:
    """Refuse rows that hold no window, where one is needed: not for a network that is trained already.

    Parameters
    ----------
    model : SeriesForecaster
    n_rows : int
        Number of rows of the longest series.

    Raises
    ------
    ValueError
    """
    lookback = lookback_of(model)
    if is_chosen(model):
        needed = not model.pretrained or model.loss in FAMILIES
    else:
        needed = any(map(needs_windows, regressors_of(model)))
    if needed or n_rows < lookback:
        check_length(n_rows, lookback, model.horizon)


def lookback_of(model: SeriesForecaster) -> int:
    """Rows that a forecast needs before it, as known before `fit`: 1 where `fit` chooses them.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    int
    """
    if model.members is not None:
        return max(settings.lookback for settings, _ in member_settings(model).values())
    return 1 if model.regressor is None and model.lookback == "auto" else settings_of(model).lookback


def member_settings(model: SeriesForecaster) -> dict[str, tuple[Settings, float]]:
    """The user's members, checked.

    Parameters
    ----------
    model : SeriesForecaster
        Model with `members`.

    Returns
    -------
    dict of str to (Settings, float)
        The weights add up to 1.

    Raises
    ------
    TypeError, ValueError
        A member has no regressor, an unknown key, or a weight that is not a positive number.
    """
    if model.regressor is not None:
        raise ValueError(
            Refusal("both regressor and members are given", expected="one of them", fix=Fix("regressor=None", ""))
        )
    if not model.members:
        raise ValueError(Refusal("is empty", where="members", expected="at least one member, or None"))
    found = {}
    for name, one in model.members.items():
        if not isinstance(one, dict):
            raise TypeError(
                Refusal(
                    f"is {type(one).__name__}", where=f"member {name!r}", expected="a dict with the key 'regressor'"
                )
            )
        unknown = sorted(set(one) - set(KEYS), key=str)
        if unknown:
            raise ValueError(
                Refusal(
                    f"has {unknown[0]!r}", where=f"member {name!r}", expected=f"some of {', '.join(map(repr, KEYS))}"
                )
            )
        if not all(hasattr(one.get("regressor"), method) for method in ("fit", "predict")):
            raise TypeError(Refusal("has no 'regressor' with fit and predict", where=f"member {name!r}"))
        weight = one.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 < float(weight) < float("inf"):
            raise ValueError(Refusal(f"has weight {weight!r}", where=f"member {name!r}", expected="a positive number"))
        given = _plain({key: one.get(key, getattr(model, key)) for key in PLAIN}, one["regressor"])
        given |= {key: one.get(key, getattr(model, key)) for key in AS_THEY_ARE}
        given["widths"] = _widths_of(model, name, one.get("widths"))
        given["continued"] = _continued_of(name, one)
        found[name] = Settings(regressor=_told(one["regressor"], model), pads=True, **given), float(weight)
    total = sum(weight for _, weight in found.values())
    if isclose(total, 1.0, rel_tol=1e-12):  # those of a recipe, which would lose their last bit
        total = 1.0
    return {name: (one, weight / total) for name, (one, weight) in found.items()}


def _continued_of(name: str, member: dict[str, Any]) -> float | None:
    """The share of its steps that a network continues for, checked; None: it is trained anew on all rows."""
    share = member.get("continued")
    if share is None:
        return None
    where = f"member {name!r}"
    if not goes_on_from_weights(member["regressor"]):
        kind = type(member["regressor"]).__name__
        raise ValueError(
            Refusal(f"has 'continued', and {kind} is no network, which could go on from its weights", where=where,
                    expected="no 'continued'")
        )  # fmt: skip
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < float(share) <= 1:
        raise ValueError(
            Refusal(
                f"has continued={share!r}", where=where, expected="a share of the optimiser steps, above 0, up to 1"
            )
        )
    return float(share)


def _widths_of(model: SeriesForecaster, name: str, widths: Any) -> tuple[float, ...] | None:
    """The widths of quantiles that a member has, checked; None for those of its own."""
    if widths is None:
        return None
    if model.loss != "quantile" or len(model.members or ()) < 2:
        raise ValueError(
            Refusal(
                "has widths, which have no effect without several members and loss='quantile'",
                where=f"member {name!r}",
                expected="no 'widths'",
            )
        )
    count = len(LEVELS) // 2
    numbers = isinstance(widths, (list, tuple)) and all(
        isinstance(width, Real) and not isinstance(width, bool) and 0 < float(width) < float("inf") for width in widths
    )
    if not numbers or len(widths) != count:
        levels = ", ".join(f"{level:g}" for level in LEVELS[:count])
        raise ValueError(
            Refusal(
                f"has widths {widths!r}",
                where=f"member {name!r}",
                expected=f"{count} positive numbers, for the levels {levels} and those as far above the median",
            )
        )
    return tuple(float(width) for width in widths)
