"""`predict`: the forecasts of a fitted model for every partition, without any message between the workers."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from .._files import ModelFileError, from_bytes
from .._refusals import Refusal
from .._series import SeriesForecaster
from .engine import engine_of, partitions_of, share_of_cores
from .panel import agreed, bare, look, refused_in, refused_unsavable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["light", "predict"]

_PICKLED = (
    "Dask can send any class as a pickle: ddf.map_partitions(lambda part: model.predict(history=part), "
    "meta=model.predict().iloc[:0])."
)


def predict(model: SeriesForecaster, ddf: Any, *, client: Any = None, timeout: float = 300.0) -> Any:
    """Forecast the next `horizon` steps of every series of a Dask DataFrame.

    Each partition is forecast by itself, as `model.predict(history=partition)` does, so no data move. The workers get
    the model without the rows that it keeps. The partitions are read twice: now, to check that no series is in two of
    them, and when the result is computed.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted, here or by `forecast.distributed.fit`; without future covariates.
    ddf : dask.dataframe.DataFrame or pandas.DataFrame
        The known rows of each series up to the newest one, as many as the model looks back on or more. The series need
        not be those of the fit.
    client : distributed.Client, default=None
        The cluster that checks the partitions. None: they are checked in this process.
    timeout : float, default=300.0
        As in `fit`, for the check.

    Returns
    -------
    dask.dataframe.DataFrame or pandas.DataFrame
        As `ddf`; a Dask DataFrame has the same partitions and is not yet computed. `result.to_parquet(path)` writes it
        partition by partition.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    forecast.ModelFileError
        No model file can hold the model, such as one with a regressor class of your own.
    TypeError, ValueError
        A partition is not as described, which the message names.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.distributed import predict
    >>> days = pd.date_range("2024-01-01", periods=40, freq="D")
    >>> wave = lambda n: pd.DataFrame({"shop": n, "day": days, "sales": np.sin(np.arange(40) * (n + 1) / 5)})
    >>> df = pd.concat([wave(n) for n in range(2)], ignore_index=True)
    >>> model = SeriesForecaster(Ridge(), target="sales", series="shop", time="day", lookback=14, horizon=7).fit(df)
    >>> predict(model, df).equals(model.predict())  # of a Dask DataFrame: predict(model, ddf).compute()
    True
    """
    if not isinstance(model, SeriesForecaster):
        raise TypeError(Refusal(where="model", got=f"a {type(model).__name__}", expected="a SeriesForecaster"))
    check_is_fitted(model)
    if model.future_covariates is not None:
        raise ValueError(
            Refusal(
                "forecasts from known rows only",
                where="predict",
                got=f"future_covariates={model.future_covariates!r}",
                expected="a model without them, or model.predict(future, history=partition) in map_partitions",
            )
        )
    engine = engine_of(client, timeout)
    try:
        small = light(model)
    except ModelFileError as error:
        raise refused_unsavable(error, "predict", _PICKLED) from error
    parts, plain = partitions_of(engine, ddf), bare(model)
    tasks = {f"partition {n}": engine.submit("look", look, plain, part, n) for n, part in enumerate(parts)}
    agreed(engine.gather(tasks), model._state.roles.ids)
    if not hasattr(ddf, "to_delayed"):
        return forecasts_of(ddf, small)
    dask: Any = import_module("dask")
    meta = from_bytes(small, "the model").predict().iloc[:0]
    return ddf.map_partitions(forecasts_of, dask.delayed(small), meta=meta)


def light(model: SeriesForecaster) -> bytes:
    """A fitted model without the rows of all series but one, as the bytes of a model file.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    bytes
    """
    alone, state = copy(model), model._state
    tail = state.tail.only(state.tail.keys[:1])
    alone._state = replace(state, tail=tail, kept=None, trained=None, since=None)
    return alone._as_bytes()


@lru_cache(maxsize=2)
def _loaded(data: bytes) -> SeriesForecaster:
    return from_bytes(data, "the model")


def forecasts_of(frame: pd.DataFrame, model: bytes, partition_info: dict[str, Any] | None = None) -> pd.DataFrame:
    """The forecasts of one partition.

    Parameters
    ----------
    frame : pandas.DataFrame
    model : bytes
        As `light` returns it.
    partition_info : dict, default=None
        The number of the partition, as Dask has it.

    Returns
    -------
    pandas.DataFrame
    """
    own = copy(_loaded(model))
    if not len(frame):
        return own.predict().iloc[:0]
    network = copy(own._state.regressor)
    if hasattr(network, "n_jobs"):
        network.n_jobs = share_of_cores()
    own._state = replace(own._state, regressor=network)
    try:
        return own.predict(history=frame)
    except (TypeError, ValueError) as error:
        raise refused_in(error, (partition_info or {}).get("number", 0)) from error
