"""The requests of `predict`: a history and future rows from files, and the forecast as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .columns import find_columns, names_as_written, numbers_among_text, read_numbers
from .problems import ProblemError, listed, shown, shown_path
from .reading import read_table
from .stamps import in_time_order, put_time_in_index
from .statics import named_alike, read_static

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from typing import Any

    from .._series import SeriesForecaster

__all__ = ["as_table", "first_steps", "forecast_columns", "read_future", "read_history", "statics_of"]


def read_history(model: SeriesForecaster, arguments: Namespace, notes: list[str]) -> pd.DataFrame:
    """Rows to forecast after, as the model's own.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted.
    arguments : argparse.Namespace
    notes : list of str
        What was chosen for the user is added here.

    Returns
    -------
    pandas.DataFrame
    """
    needed = [*model.target_names_, *_labels(model.past_covariates), *_labels(model.future_covariates)]
    roles = model._state.roles
    if roles.outside is None and arguments.static is None:
        needed += roles.static
    numbers = [*model.target_names_, *(name for name in _numeric(model) if name in needed)]
    return _read(model, arguments.data, arguments, needed, numbers, notes)


def read_future(model: SeriesForecaster, arguments: Namespace, notes: list[str]) -> pd.DataFrame | None:
    """Future rows, with the columns that are known ahead; time and series in the index, which the answer has too."""
    needed = _labels(model.future_covariates)
    numbers = [name for name in _numeric(model) if name in needed]
    frame = _read(model, arguments.future, arguments, needed, numbers, notes)
    if model.time is not None and model.time in frame.columns:
        frame = frame.set_index(model.time)
    series = [name for name in _labels(model.series) if name in frame.columns]
    return frame.set_index(series, append=True) if series else frame


def statics_of(model: SeriesForecaster, arguments: Namespace, notes: list[str]) -> pd.DataFrame | None:
    """Static covariates of new series in the file of `--static`, or None."""
    roles = model._state.roles
    if arguments.static is not None and not roles.static:
        raise ProblemError("--static has no effect here: the model has no static covariates. Leave --static out.")
    return read_static(arguments, roles.ids, roles.static, _known(model), notes, "a covariate of the model")


def _known(model: SeriesForecaster) -> dict[Any, Any]:
    """Names of series and categories that the model knows, by the column that holds them."""
    state = model._state
    roles, schema, keys = state.roles, state.schema, list(state.tail.keys)
    if roles.outside is not None:
        keys += roles.outside.keys
    columns = zip(*keys, strict=True) if len(roles.ids) > 1 else [keys]
    parts = (*schema.past, *schema.future, *schema.static)
    known = {part.label: part.categories for part in parts if part.categories is not None}
    return known | dict(zip(roles.ids, columns, strict=False))


def _numeric(model: SeriesForecaster) -> list[Any]:
    """Past and future covariates that were numbers in training."""
    schema = model._state.schema
    return [part.label for part in (*schema.past, *schema.future) if part.categories is None]


def _labels(given: Any) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, (list, pd.Index)) else [given]


def _read(
    model: SeriesForecaster, path: str, arguments: Namespace, needed: list[Any], numbers: list[Any], notes: list[str]
) -> pd.DataFrame:
    table, more = read_table(path, arguments.na, arguments.decimal, arguments.sheet)
    notes += more
    series = _labels(model.series)
    known = [*needed, *series]
    for name in known:
        if name not in table.columns:
            find_columns(table, [str(name)], f"{shown_path(path, 30)} does not have every column of the model")
    static = model._state.roles.static
    if set(static) <= set(table.columns):  # new series may bring their own
        known, needed = list(dict.fromkeys([*known, *static])), list(dict.fromkeys([*needed, *static]))
    words, table = _known(model), names_as_written(table, series)
    table = named_alike(table, words, [name for name in words if name in known])
    index = _time_of(model)
    zone = arguments.timezone
    if zone is None and isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        zone = index.tz
    found: list[str] = []
    frame = put_time_in_index(
        table, arguments.time, taken=known, form=arguments.time_format, zone=zone, series=series,
        earlier=index, ends=_ends_of(model), notes=found,
    )  # fmt: skip
    if isinstance(index, pd.DatetimeIndex) and not isinstance(frame.index, pd.DatetimeIndex):
        raise ProblemError(
            f"the model was trained on dates ({shown(index.name, 20)}), but {shown_path(path, 30)} has no column of "
            f"dates; its columns are {listed(table.columns, 30)}. Choose it with --time."
        )
    notes += found
    if isinstance(index, pd.DatetimeIndex) and index.tz is None and frame.index.tz is not None:
        notes[:] = [note for note in notes if not note.startswith("The stamps of column")]
        notes.append(
            f"The model's dates have no zone: those of {shown_path(path, 30)} were taken as clocks show them in "
            f"{frame.index.tz} (--timezone chooses another zone)."
        )
        frame = frame.set_axis(frame.index.tz_localize(None), axis=0)
    for name in numbers:
        frame = frame.assign(**{name: read_numbers(frame[name], name, "a model")})
    frame = numbers_among_text(frame, [name for name in needed if name not in [*numbers, *words]], "a model")
    frame = in_time_order(frame, series, notes, arguments.time)[known]
    if isinstance(index, pd.PeriodIndex) and isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.set_axis(frame.index.to_period(index.freq), axis=0)
    if model.time is not None and model.time not in frame.columns:
        return frame.rename_axis(index=model.time).reset_index()
    frame = frame.rename_axis(index=index.name)
    if isinstance(model.history_.index, pd.MultiIndex):
        frame = frame.set_index(series, append=True).reorder_levels(list(model.history_.index.names))
    return frame


def _time_of(model: SeriesForecaster) -> Any:
    """Time labels that the model remembers."""
    rows = model.history_
    if model.time is not None and model.time in rows.columns:
        return pd.Index(rows[model.time], name=model.time)
    if isinstance(rows.index, pd.MultiIndex):
        level = next(number for number, name in enumerate(rows.index.names) if name not in _labels(model.series))
        return rows.index.get_level_values(level)
    return rows.index


def _ends_of(model: SeriesForecaster) -> Any:
    """The newest known stamp of each series, by its name as text."""
    names: dict[Any, str] = {None: ""}
    return {
        names.get(key, ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)): label
        for key, label in model._state.tail.last_labels.items()
        if isinstance(label, pd.Timestamp) and label.tz is not None
    }


def forecast_columns(
    model: SeriesForecaster,
    future: pd.DataFrame | None,
    history: pd.DataFrame | None,
    coverage: Sequence[float] | None,
    quantiles: Sequence[float] | None,
    n: int | None = None,
    errors: str = "warn",
    static: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The forecast, with the requested bounds of intervals and quantiles as further columns.

    Parameters
    ----------
    model : SeriesForecaster
    future, history : pandas.DataFrame or None
    coverage, quantiles : list of float or None
    n : int, default=None
        Steps, where there are no future rows; None: the horizon.
    errors : {"warn", "raise"}, default="warn"
        As in `SeriesForecaster.predict`.
    static : pandas.DataFrame, default=None
        As there.

    Returns
    -------
    pandas.DataFrame
        Columns `<target>`, `<target>_lower_0.8`, `<target>_upper_0.8`, `<target>_q0.1`, and so on.
    """
    asked: dict[str, Any] = {"history": history, "n": n, "errors": errors, "static": static}
    further: dict[str, Any] = {}
    table = model.predict(future, recursive=True, **asked)
    if coverage:
        levels = sorted(set(coverage))
        found = model.predict_interval(future, coverage=levels, **asked)
        for level in levels:
            names = [f"{name}_{side}_{level:g}" for name in model.target_names_ for side in ("lower", "upper")]
            further |= {name: found[name] for name in names}
    if quantiles:
        levels = sorted(set(quantiles))
        found = model.predict_quantiles(future, levels, **asked)
        for level in levels:
            further |= {f"{name}_q{level:g}": found[f"{name}_{level:g}"] for name in model.target_names_}
    return table.assign(**{name: column.to_numpy() for name, column in further.items()})


def as_table(frame: pd.DataFrame, model: SeriesForecaster) -> pd.DataFrame:
    """A forecast with its time and series as columns."""
    if model.time is not None and model.time in frame.columns:
        return frame.reset_index(drop=True)
    names = ["time" if name is None else name for name in frame.index.names]
    table = frame.reset_index(names=names)
    for name in names:
        if isinstance(table[name].dtype, pd.PeriodDtype):
            table[name] = table[name].astype(str)
    return table


def first_steps(table: pd.DataFrame, model: SeriesForecaster, steps: int | None) -> pd.DataFrame:
    """The first steps of each series; None: all."""
    if steps is None:
        return table
    keys = _labels(model.series)
    groups = table.groupby(keys[0] if len(keys) == 1 else keys, sort=False, observed=True) if keys else table
    return groups.head(steps).reset_index(drop=True)
