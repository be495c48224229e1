"""From options and a table to a forecaster: columns and their roles, defaults by the frequency, any other setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from .._frames import Roles, Rules, read_panel
from .._rnn import RNNForecaster
from .._series import SeriesForecaster
from .._series.parameters import is_chosen, regressor_of
from .columns import find_columns, first_number, names_as_written, numbers_among_text, read_numbers
from .dates import read_stamps
from .problems import ProblemError, close_to, refusals, short_problems, shown
from .reading import read_table
from .stamps import in_time_order, put_time_in_index
from .statics import read_static

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from typing import Any

    from .._frames import Panel

__all__ = ["Data", "planned", "read_data"]

LONGEST_LOOKBACK = 336  # that is chosen for the user: two weeks of hours


@dataclass
class Data:
    """A file as the forecaster takes it.

    Attributes
    ----------
    frame : pandas.DataFrame
        Time in the index.
    target, past, future, static : list of str
    series : list of str
        Columns that name the series together; empty where there is one series.
    notes : list of str
        What was chosen for the user.
    counted : str or None
        How the rows get their time where they have no dates.
    table : pandas.DataFrame or None
        Static covariates in a file of their own; `static` are then its columns, and not those of the frame.
    """

    frame: pd.DataFrame
    target: list[Any]
    past: list[Any]
    future: list[Any]
    static: list[Any]
    series: list[Any]
    notes: list[str] = field(default_factory=list)
    counted: str | None = None
    table: pd.DataFrame | None = None


def read_data(arguments: Namespace, model: SeriesForecaster | None = None) -> Data:
    """Read a file and find its columns' roles.

    Parameters
    ----------
    arguments : argparse.Namespace
        Arguments of `fit` or `backtest`.
    model : SeriesForecaster, default=None
        Model whose columns are used where no option names others.

    Returns
    -------
    Data

    Raises
    ------
    ProblemError
    """
    with short_problems():
        return _read_data(arguments, model)


def _read_data(arguments: Namespace, model: SeriesForecaster | None) -> Data:
    table, notes = read_table(arguments.data, arguments.na, _given(arguments, "decimal"), _given(arguments, "sheet"))
    options = {
        name: _given(arguments, name)
        for name in ("target", "past_covariates", "future_covariates", "static_covariates")
    }
    if model is not None:
        options = {name: given or _listed(getattr(model, name)) for name, given in options.items()}
    apart, labels = _given(arguments, "static") is not None, options["static_covariates"]
    if apart:
        options["static_covariates"] = None
    found = {name: find_columns(table, given, _option(name)) for name, given in options.items()}
    series = _listed(_given(arguments, "series")) or _listed(None if model is None else model.series) or []
    series = find_columns(table, series, "--series")
    table = names_as_written(table, series)
    if apart and not series:
        raise ProblemError("--static has a row for each series, but nothing names them. Give --series COLUMN.")
    asked = apart or _given(arguments, "static_sheet") is not None
    statics = read_static(arguments, series, labels, table, notes) if asked else None
    if apart and statics is not None:
        found["static_covariates"] = [name for name in statics.columns if name not in series]
    taken = [*(name for part in found.values() for name in part), *series]
    named = [name for name in taken if name not in series or name not in found["static_covariates"]]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ProblemError(f"column {shown(twice[0])} is named for two roles; expected one role for each column.")
    times = [] if arguments.time in (None, "none") else find_columns(table, [arguments.time], "--time")
    for name in times:
        if name in taken:
            raise ProblemError(f"column {shown(name)} is the time of the rows; expected another column for its role.")
    frame = put_time_in_index(
        table,
        arguments.time,
        taken=taken,
        form=arguments.time_format,
        zone=arguments.timezone,
        series=series,
        notes=notes,
    )
    frame = in_time_order(frame, series, notes, arguments.time, taken)
    target = found["target"] or [first_number(frame, taken, notes)]
    frame = frame.assign(**{name: read_numbers(frame[name], name) for name in target})
    for role in ("past", "future") if apart else ("past", "future", "static"):
        frame = numbers_among_text(frame, found[f"{role}_covariates"], f"--{role}-covariates")
    roles = [found[f"{role}_covariates"] for role in ("past", "future", "static")]
    inside = roles[:2] if apart else roles
    used = [*target, *(name for part in inside for name in part), *series]
    rows = frame[list(dict.fromkeys(used))]
    return Data(rows, target, roles[0], roles[1], roles[2], series, notes, counted_as(frame.index), statics)


def _given(arguments: Namespace, name: str) -> Any:
    return getattr(arguments, name, None)


def _listed(value: Any) -> list[Any] | None:
    return None if value is None else value if isinstance(value, list) else [value]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def index_named(index: pd.Index) -> str | None:
    """The file's words for the index; None if it has no name."""
    return None if index.name is None else f"column {shown(index.name, 30)}"


def counted_as(index: pd.Index) -> str | None:
    """How rows without dates get their time, in words; None where they have dates."""
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return None
    if isinstance(index, pd.RangeIndex):
        return "the rows are counted as steps: no column of dates is read (choose one with --time)"
    return f"whole numbers of column {shown(index.name)}, not dates"


def planned(arguments: Namespace, data: Data, model: SeriesForecaster | None = None) -> tuple[SeriesForecaster, Panel]:
    """The forecaster that the options describe, with defaults that fit the data.

    Parameters
    ----------
    arguments : argparse.Namespace
    data : Data
    model : SeriesForecaster, default=None
        Model whose settings hold unless an option sets them; None starts from the classes' defaults.

    Returns
    -------
    model : SeriesForecaster
        Not fitted.
    panel : Panel
        The data as it will be read, with the frequency.

    Raises
    ------
    ProblemError
        An option that cannot be used, or data that `fit` would refuse.
    """
    fresh = model is None
    model = _new(arguments) if model is None else model
    with refusals():
        model.set_params(**_series_settings(arguments, data))
        _set_network(arguments, model)
        _set_others(arguments, model)
        for part in (model, model.regressor):
            if hasattr(part, "_validate_params"):
                part._validate_params()
    with refusals(index_named(data.frame.index), of_data=True):
        panel = _panel(model, data)
    if fresh:
        _choose_steps(arguments, model, panel)
    return model, panel


def _new(arguments: Namespace) -> SeriesForecaster:
    """The recipe, unless an option describes a network or asks for what only a network does."""
    own = {*SeriesForecaster().get_params(deep=False), *_BY_OPTION}
    network = any(_given(arguments, name) is not None for name in (*_NETWORK, "quantiles"))
    network = network or any(name not in own for name, _ in arguments.set)
    if network or arguments.gaps == "irregular" or arguments.lookback == 0:
        return SeriesForecaster(RNNForecaster(random_state=0))
    return SeriesForecaster(random_state=0)


def _series_settings(arguments: Namespace, data: Data) -> dict[str, Any]:
    one = {1: data.target[0]}.get(len(data.target), data.target)
    settings = {"target": one, "series": _one_or_all(data.series), "time": None}
    for role in ("past", "future", "static"):
        settings[f"{role}_covariates"] = getattr(data, role) or None
    for name in ("horizon", "lookback", "freq", "gaps", "missing", "transform", "calendar", "window_norm"):
        if _given(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    if isinstance(settings.get("transform"), list) and len(settings["transform"]) == 1:
        settings["transform"] = settings["transform"][0]
    if settings.get("window_norm") == "none":
        settings["window_norm"] = None
    if arguments.validation_fraction is not None:
        none = arguments.validation_fraction == "none"
        settings["validation_fraction"] = None if none else arguments.validation_fraction
    if arguments.holidays is not None:
        settings["trading_calendar"] = _holidays(arguments.holidays)
    if str(settings.get("freq", "")).isdigit():
        settings["freq"] = int(settings["freq"])
    return settings


def _one_or_all(series: Sequence[Any]) -> Any:
    return {0: None, 1: series[0] if series else None}.get(len(series), series)


def _holidays(path: str) -> list[str]:
    from pathlib import Path

    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"--holidays: the file {path!r} cannot be read: {error}.") from None
    days = pd.Series([line.strip() for line in lines if line.strip()])
    stamps = read_stamps(days)[0] if len(days) else pd.DatetimeIndex([])
    if not len(days) or stamps.isna().any():
        got = (
            f"line {int(stamps.isna().argmax()) + 1} is {days[int(stamps.isna().argmax())]!r}"
            if len(days)
            else "it is empty"
        )
        raise ProblemError(f"--holidays: {path!r} is not a list of dates: {got}; expected a date in each line.")
    return [str(stamp.date()) for stamp in stamps]


_NETWORK = {
    "cell": "cell", "hidden_size": "hidden_size", "layers": "num_layers", "max_iter": "max_iter", "loss": "loss",
}  # fmt: skip
_RUN = {"seed": "random_state", "threads": "n_jobs"}  # parameters of the recipe, too


def _set_network(arguments: Namespace, model: SeriesForecaster) -> None:
    shared = _named_ours(arguments, _RUN)
    given = _named_ours(arguments, _NETWORK)
    if arguments.quantiles is not None:
        if given.get("loss", "quantile") != "quantile":
            raise ProblemError(
                f"--quantiles is for --loss quantile; got --loss {given['loss']}. Leave one of them out."
            )
        levels = sorted(set(arguments.quantiles))
        given |= {"loss": "quantile", "quantile": levels if len(levels) > 1 else levels[0]}
    if isinstance(model.regressor, RNNForecaster):
        model.regressor.set_params(**shared, **given)
    elif is_chosen(model):
        if given:
            raise ProblemError(
                "the model is a recipe, which chooses its networks; options such as --cell describe a network. Leave "
                "them out."
            )
        model.set_params(**shared)
    elif given or shared:
        regressor = regressor_of(model)
        kind = f"a {type(regressor).__name__}" if model.members is None else "a mean of members"
        raise ProblemError(
            f"the model's regressor is {kind}; the options of the network are for an RNNForecaster. Use --set "
            "regressor__NAME=VALUE."
        )


def _named_ours(arguments: Namespace, names: dict[str, str]) -> dict[str, Any]:
    """The options that are given, by the names of our parameters."""
    return {ours: getattr(arguments, name) for name, ours in names.items() if getattr(arguments, name) is not None}


_BY_OPTION = {"n_jobs": "--threads", "random_state": "--seed", "verbose": "--verbose"}
_BY_OPTION |= {name: f"--{name}" for name in ("threads", "seed", "layers", "quantiles")}
_TWICE = {"num_layers": "layers", "trading_calendar": "holidays", "quantile": "quantiles"}  # parameter: option
_OWN = ("callbacks", "regressor", "time")  # functions and labels of Python, which no text can be
_ROLES = ("target", "past_covariates", "future_covariates", "static_covariates", "series")


def _set_others(arguments: Namespace, model: SeriesForecaster) -> None:
    """`--set`: a parameter of the forecaster, or else of the network."""
    series, network = model.get_params(deep=False), _parameters(model.regressor)
    meant = [name if name in series else name.removeprefix("regressor__") for name, _ in arguments.set]
    for (name, value), parameter in zip(arguments.set, meant, strict=True):
        option = _TWICE.get(parameter, parameter)
        own = name == parameter or parameter not in series
        if meant.count(parameter) > 1 or (own and _given(arguments, option) is not None):
            other = "--set again" if meant.count(parameter) > 1 else _option(option)
            raise ProblemError(f"--set {name}: {other} gives it too; expected it once. Leave one of them out.")
        inner = name.removeprefix("regressor__")
        if name in _ROLES or inner in _BY_OPTION:
            option = _BY_OPTION.get(inner, _option(name))
            raise ProblemError(f"--set {name}: this has an option of its own. Use {option}.")
        if inner not in _OWN and name in series:
            model.set_params(**{name: value})
        elif inner not in _OWN and inner in network:
            model.regressor.set_params(**{inner: value})
        else:
            known = sorted({*series, *network} - {*_ROLES, *_BY_OPTION, *_OWN})
            hint = close_to(name, known) or f" Expected one of {', '.join(known)}."
            raise ProblemError(f"--set {name}: there is no such parameter.{hint}")


def _parameters(regressor: Any) -> dict[str, Any]:
    """Those of the regressor, if there is an estimator."""
    return dict(regressor.get_params()) if hasattr(regressor, "get_params") else {}


def _panel(model: SeriesForecaster, data: Data) -> Panel:
    roles = Roles.of(
        data.frame, target=data.target, past_covariates=data.past, future_covariates=data.future,
        static_covariates=data.static, series=_one_or_all(data.series), static=data.table,
    )  # fmt: skip
    rules = Rules(
        freq=model.freq, trading_calendar=model.trading_calendar, gaps=model.gaps, missing=model.missing,
        categorical=model.categorical,
    )  # fmt: skip
    return read_panel(data.frame, roles, rules)


def _choose_steps(arguments: Namespace, model: SeriesForecaster, panel: Panel) -> None:
    """Horizon and lookback by the season of the frequency, and at most a third of the rows."""
    season = panel.axis.season_length
    rows = int(max(panel.starts[1:] - panel.starts[:-1]))
    chosen = {name for name, _ in arguments.set}
    if arguments.horizon is None and "horizon" not in chosen:
        model.horizon = 26 if season == 52 else season if 1 < season <= 96 else 12
    if arguments.lookback is None and "lookback" not in chosen and not is_chosen(model):
        model.lookback = min(max(2 * season, 24), LONGEST_LOOKBACK, max((rows - model.horizon) // 3, 8))
    lookback = model.lookback
    if lookback != "auto" and rows < lookback + model.horizon:
        raise ProblemError(
            f"the longest series has {rows} rows; lookback {lookback} and horizon {model.horizon} need "
            f"{lookback + model.horizon} or more. Use a shorter --lookback or --horizon, or more rows."
        )
