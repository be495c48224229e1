"""`backtest`: the network is trained in shards at each origin, and each shard judges its own series."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._files import from_bytes
from .._preparation import Member, Rows
from .._refusals import Refusal
from .._series.bounds import lowest_of, within
from ..baselines import NAIVE, naive_forecasts
from ..model_selection import BacktestReport, BacktestWarning
from ..model_selection.origins import Fold, folds_of, origins_of
from ..model_selection.report import long_table, scales_of
from .engine import engine_of, share_of_cores
from .fitting import checked, seeded, trained
from .panel import bare
from .sharding import prepared_shards, sharded

if TYPE_CHECKING:
    from .._frames import Roles
    from .._series import SeriesForecaster
    from .engine import Engine
    from .sharding import Sharded
    from .shards import Shard

__all__ = ["backtest"]


def backtest(
    model: SeriesForecaster, ddf: Any, cv: Any, *, client: Any = None, refit: bool = True, n_shards: int = 8,
    rounds_per_epoch: int = 4, timeout: float = 300.0,
) -> BacktestReport:  # fmt: skip
    """Forecast from several origins as if each were today, with a network trained in shards.

    At each origin the network is trained as by `fit` on all rows up to it, and every shard compares the forecasts of
    its series with the actual values and with naive forecasts. As in `fit`, the result does not depend on the cluster.

    To backtest or search with models that fit on one worker, use `forecast.model_selection.backtest` or scikit-learn's
    searches with `n_jobs` inside of `joblib.parallel_config("dask")`.

    Parameters
    ----------
    model : SeriesForecaster
        As for `fit`.
    ddf : dask.dataframe.DataFrame or pandas.DataFrame
        As for `fit`.
    cv : splitter
        `RollingOrigin` or another splitter that follows time; it splits the times of all series. Test parts are at most
        `horizon` steps long.
    client : distributed.Client, default=None
        As in `fit`.
    refit : bool, default=True
        Whether to train at every origin, or only at the first.
    n_shards, rounds_per_epoch, timeout
        As in `fit`.

    Returns
    -------
    forecast.model_selection.BacktestReport
        With the model and the naive forecasts.

    Raises
    ------
    TypeError, ValueError, ConnectionError, TimeoutError, RuntimeError
        As `fit`.

    Warns
    -----
    forecast.model_selection.BacktestWarning
        Series or origins were left out.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import RNNForecaster, SeriesForecaster
    >>> from forecast.distributed import backtest
    >>> from forecast.model_selection import RollingOrigin
    >>> days = pd.date_range("2024-01-01", periods=60, freq="D")
    >>> wave = lambda n: pd.DataFrame({"shop": n, "day": days, "sales": np.sin(np.arange(60) * (n + 1) / 5)})
    >>> df = pd.concat([wave(n) for n in range(4)], ignore_index=True)
    >>> network = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
    >>> model = SeriesForecaster(network, target="sales", series="shop", time="day", lookback=14, horizon=7)
    >>> report = backtest(model, df, RollingOrigin(n_splits=2, horizon=7), n_shards=2)
    >>> len(report.frame), list(report.frame["model"].unique())[:2]
    (280, ['RNNForecaster', 'last value'])
    """
    network = checked(model, n_shards, rounds_per_epoch, None, None)
    engine = engine_of(client, timeout)
    own = bare(model)
    settings, seed = seeded(own)
    every = sharded(engine, own, settings, ddf, n_shards, seed)
    folds = _folds(engine, every, cv, model.horizon)
    name, began = type(network).__name__, time.perf_counter()
    tables, scales, notes = [], [], []
    shards, fitted, state = every, b"", network
    for number, fold in enumerate(folds):
        if number == 0 or refit:
            until = _names(engine.submit("until", rows_until, one, fold.last_known) for one in every.rows)
            rows = list(until.values())
            sizes = engine.gather(_names(engine.submit("size", len, one) for one in rows))
            shards = prepared_shards(engine, own, settings, every.frame, every.keys, rows, sum(sizes))
            state, _ = trained(engine, shards, network, seed, rounds_per_epoch)
            fitted = state._as_bytes()
        sent = engine.submit("fitted", bytes, fitted)
        tasks = _names(
            engine.submit("judged", judged, one, before, sent, number, fold.fold, every.frame.roles, own, name)
            for one, before in zip(every.rows, shards.tasks, strict=True)
        )
        for table, scale, told in engine.gather(tasks):
            notes += told
            if table is not None:
                tables.append(table)
                scales.append(scale)
    if not tables:
        raise ValueError(Refusal(f"no series has {settings.lookback} rows before any origin", expected="later origins"))
    for note in dict.fromkeys(notes):
        warnings.warn(note, BacktestWarning, stacklevel=2)
    seconds = {name: time.perf_counter() - began} | dict.fromkeys(NAIVE, 0.0)
    report = BacktestReport(
        _in_order(tables, [name, *NAIVE], every), seconds, every.task.axis.season_length,
        pd.concat(scales, ignore_index=True), [], ids=every.frame.roles.ids,
    )  # fmt: skip
    report.notes.extend(dict.fromkeys(notes))
    return report


class _Cut:
    """A fold, and the newest label that is known in it."""

    def __init__(self, fold: Fold, labels: pd.Index) -> None:
        self.fold, self.last_known = fold, labels[fold.ends[-1]]


def _names(tasks: Any) -> dict[str, Any]:
    return {f"shard {number}": one for number, one in enumerate(tasks)}


def _folds(engine: Engine, every: Sharded, cv: Any, horizon: int) -> list[_Cut]:
    """The folds of the splitter on the times of all series."""
    found = engine.gather(_names(engine.submit("times", times_of, one) for one in every.rows))
    labels = found[0].append(found[1:]).unique().sort_values() if len(found) > 1 else found[0]
    frame = pd.DataFrame({"rows": np.zeros(len(labels))}, index=labels)
    folds = folds_of(cv, frame, labels, 1, horizon)
    longest = max(fold.stamps for fold in folds)
    if longest > horizon:
        raise ValueError(
            Refusal(where="cv", got=f"test parts of {longest} steps", expected=f"at most horizon={horizon} steps")
        )
    return [_Cut(fold, labels) for fold in folds]


def times_of(rows: Rows) -> pd.Index:
    """All times of a shard, each once."""
    return rows.index.unique().sort_values()


def rows_until(rows: Rows, last: Any) -> Rows:
    """The rows of a shard up to a label, that included; without series that begin after it.

    Parameters
    ----------
    rows : Rows
    last : label

    Returns
    -------
    Rows
    """
    bounds = []
    for number, (first, end) in enumerate(zip(rows.starts[:-1], rows.starts[1:], strict=True)):
        known = int(rows.index[first:end].searchsorted(last, side="right"))
        if known:
            bounds.append((number, int(first), int(first) + known))
    return rows.parts(bounds)


def judged(
    rows: Rows, shard: Shard, network: bytes, number: int, fold: Fold, roles: Roles, model: SeriesForecaster, name: str
) -> tuple[pd.DataFrame | None, pd.DataFrame | None, list[str]]:
    """The forecasts of a shard's series from one origin, with the actual values.

    Parameters
    ----------
    rows : Rows
        All rows of the shard.
    shard : Shard
        The shard that the network was trained on, with what was learned of its series.
    network : bytes
    number : int
        Number of the fold.
    fold : Fold
    roles : Roles
    model : SeriesForecaster
        Its bounds are read.
    name : str

    Returns
    -------
    DataFrame or None, DataFrame or None, list of str
        Rows and scales of a report, None if no series has a forecast there; and what was left out.
    """
    truth = replace(rows, targets=rows.true_targets)
    split = shard.preparation.n_targets < rows.targets.shape[1]
    regressor = from_bytes(network, "the fitted network").set_params(n_jobs=share_of_cores())
    member = Member(regressor, shard.preparation, split, len(shard.windows), shard.preparation.masked)
    reach = member.preparation.horizon if roles.future else 0
    try:
        origins, notes = origins_of(truth, [fold], max(1, member.looks_back), reach, rows.made_up)
    except ValueError:  # no series of this shard has enough rows before the origin; whether of any is known later
        return None, None, []
    steps = int(origins.steps.max())
    seen = rows.unknown_after(origins.row)
    forecast = member.knowing(seen).forecast(seen, origins.row)[:, :steps]
    found = {name: {"forecast": within(forecast, lowest_of(model), model.upper)}}
    period, known = member.preparation.period, truth.filled("targets", np.zeros(truth.targets.shape[1]))
    naive = naive_forecasts(
        known, truth.targets, truth.starts[origins.series], origins.row, steps, period=period,
        lookback=member.preparation.lookback,
    )  # fmt: skip
    found |= {one: {"forecast": values} for one, values in naive.items()}
    scales = scales_of(rows.index, truth, [fold], origins, roles, period)
    return long_table(truth, origins, roles, found).assign(fold=number), scales, notes


def _in_order(tables: list[pd.DataFrame], models: list[str], every: Sharded) -> pd.DataFrame:
    """One table, models first, then origins, series in the order of their names, and steps."""
    keys = [key for own in every.keys for key in own]
    table = pd.concat(tables, ignore_index=True)
    for column, names in (("model", models), ("series", keys), ("target", list(every.frame.roles.target))):
        codes = pd.Index(names, tupleize_cols=False).get_indexer(pd.Index(table[column], tupleize_cols=False))
        table[column] = pd.Categorical.from_codes(codes, pd.Index(names, tupleize_cols=False))
    by = [table["fold"], table["series"].cat.codes, table["model"].cat.codes]
    order = np.lexsort([np.asarray(one) for one in (table["step"], by[1], by[0], by[2])])
    return table.iloc[order].drop(columns="fold").reset_index(drop=True)
