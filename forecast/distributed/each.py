"""One model for every series, as ordinary tasks: each partition fits those of its own series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._files import ModelFileError, from_bytes
from .._refusals import Refusal
from .._series import SeriesForecaster
from .._series.parameters import is_chosen
from .engine import engine_of, partitions_of, share_of_cores
from .panel import agreed, bare, in_order, in_pieces, look, refused_unsavable, rows_by_series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Engine

__all__ = ["fit_each", "predict_each"]

_PIECES = 4  # of a plain frame for each thread: threads that are done early find another one
_ALONE = (
    "joblib can send any class: fit clone(model) on the rows of each series in joblib.delayed, on a cluster inside of "
    "joblib.parallel_config('dask')."
)


def fit_each(
    model: SeriesForecaster, ddf: Any, *, client: Any = None, recipe_from: int = 20, timeout: float = 300.0
) -> pd.DataFrame:
    """Fit one model for every series of a Dask DataFrame.

    Each partition is one task, which fits a clone of the model for each of its series; of a pandas DataFrame, the
    workers get pieces. Without a regressor, the recipe is chosen once, on a few series drawn by `random_state`, and
    every series is trained with it.

    Parameters
    ----------
    model : SeriesForecaster
        Model with `series`. It is cloned, not changed.
    ddf : dask.dataframe.DataFrame or pandas.DataFrame
        As for `fit`.
    client : distributed.Client, default=None
        The cluster. None: all tasks run in this process.
    recipe_from : int, default=20
        Number of series on which a recipe is chosen.
    timeout : float, default=300.0
        As in `fit`.

    Returns
    -------
    pandas.DataFrame
        A row for each series, in the order of their names: `series`; `model`, the bytes of its model file, which
        `predict_each` reads; and `error`, why there is no model, or None. To keep one for `forecast.load`, write the
        bytes to a file.

    Raises
    ------
    forecast.ModelFileError
        No model file can hold the model, such as one with a regressor class of your own.
    TypeError, ValueError
        A partition is not as described, which the message names.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.distributed import fit_each, predict_each
    >>> days = pd.date_range("2024-01-01", periods=60, freq="D")
    >>> wave = lambda n: pd.DataFrame({"shop": n, "day": days, "sales": np.sin(np.arange(60) * (n + 1) / 5)})
    >>> df = pd.concat([wave(n) for n in range(3)], ignore_index=True)
    >>> model = SeriesForecaster(Ridge(), target="sales", series="shop", time="day", lookback=14, horizon=7)
    >>> models = fit_each(model, df)
    >>> models["series"].tolist(), predict_each(models).shape
    ([0, 1, 2], (21, 3))
    """
    if not isinstance(model, SeriesForecaster):
        raise TypeError(Refusal(where="model", got=f"a {type(model).__name__}", expected="a SeriesForecaster"))
    if model.series is None:
        raise ValueError(Refusal("is None", where="series", expected="the column that names the series"))
    if not isinstance(recipe_from, int | np.integer) or recipe_from < 1:
        raise ValueError(Refusal(where=f"recipe_from={recipe_from!r}", expected="a whole number, 1 or more"))
    engine, model = engine_of(client, timeout), bare(model)
    try:
        model._refuse_unsavable()
    except ModelFileError as error:
        raise refused_unsavable(error, "fit_each", _ALONE) from error
    parts = _parts(engine, model, ddf)
    looks = engine.gather(
        {f"partition {n}": engine.submit("look", look, model, part, n) for n, part in enumerate(parts)}
    )
    by = [model.series] if not isinstance(model.series, list | tuple) else list(model.series)
    home, _ = agreed(looks, by)
    if is_chosen(model):
        drawn = _drawn(model, list(home), recipe_from)
        some = [
            engine.submit("sample", series_in, model, parts[number], [key for key in drawn if home[key] == number])
            for number in sorted({home[key] for key in drawn})
        ]
        chosen = engine.submit("recipe", _chosen, model, *some)
        model = SeriesForecaster(**engine.gather({"the recipe": chosen})[0])
    tasks = {f"partition {n}": engine.submit("fit", _fitted, model, part) for n, part in enumerate(parts)}
    found = sorted((row for rows in engine.gather(tasks) for row in rows), key=lambda row: in_order(row[0]))
    table = pd.DataFrame({"series": pd.Series([None] * len(found), dtype=object)})
    for column, values in zip(("series", "model", "error"), zip(*found, strict=True), strict=True):
        table[column] = pd.Series(list(values), dtype=object)
    return table


def _parts(engine: Engine, model: SeriesForecaster, ddf: Any) -> list[Any]:
    """The partitions; of a plain frame as many pieces as keep all threads of a cluster busy until the end."""
    if engine.n_threads <= 1 or not isinstance(ddf, pd.DataFrame) or not len(ddf):
        return partitions_of(engine, ddf)
    look(model, ddf, 0)  # refuses what cannot be cut
    return [part for piece in in_pieces(model, ddf, _PIECES * engine.n_threads) for part in engine.partitions(piece)]


def _drawn(model: SeriesForecaster, keys: list[Any], n: int) -> list[Any]:
    """Series to choose a recipe on."""
    keys = sorted(keys, key=in_order)
    seed = model.random_state if isinstance(model.random_state, int | np.integer) else 0
    return [keys[number] for number in sorted(np.random.default_rng(seed).permutation(len(keys))[:n])]


def series_in(model: SeriesForecaster, frame: pd.DataFrame, keys: list[Any]) -> pd.DataFrame:
    """The rows of some series of a partition."""
    mine = dict(rows_by_series(model, frame))
    return pd.concat([mine[key] for key in keys])


def _chosen(model: SeriesForecaster, *frames: pd.DataFrame) -> dict[str, Any]:
    sample = clone(model).set_params(n_jobs=share_of_cores(), verbose=0)
    recipe: dict[str, Any] = sample.fit(pd.concat(frames)).recipe_
    return recipe | {"n_jobs": model.n_jobs, "verbose": model.verbose}


def _fitted(model: SeriesForecaster, frame: pd.DataFrame) -> list[tuple[Any, bytes | None, str | None]]:
    """A model, or the reason why there is none, for each series of a partition."""
    return list(_each(model, frame)) if len(frame) else []


def _each(model: SeriesForecaster, frame: pd.DataFrame) -> Iterator[tuple[Any, bytes | None, str | None]]:
    threads = share_of_cores()
    for key, own in rows_by_series(model, frame):
        one = clone(model)
        if hasattr(one.regressor, "n_jobs"):
            one.regressor.set_params(n_jobs=threads)
        try:
            yield key, one.fit(own)._as_bytes(), None
        except ModelFileError:  # of the model, not of this series
            raise
        except (TypeError, ValueError) as error:  # one short or faulty series must not cost the models of the others
            yield key, None, str(error)


def predict_each(models: pd.DataFrame) -> pd.DataFrame:
    """The next steps of every series, each by its own model.

    Parameters
    ----------
    models : pandas.DataFrame
        As `fit_each` returns it, or some of its rows.

    Returns
    -------
    pandas.DataFrame
        As `SeriesForecaster.predict` returns it, series after series; without those that have no model.

    Raises
    ------
    ValueError
        No row has a model.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.distributed import fit_each, predict_each
    >>> days = pd.date_range("2024-01-01", periods=40)
    >>> df = pd.concat([pd.DataFrame({"shop": n, "day": days, "y": np.sin(np.arange(40) + n)}) for n in range(3)])
    >>> model = SeriesForecaster(Ridge(), target="y", series="shop", time="day", lookback=7, horizon=2)
    >>> predict_each(fit_each(model, df)).shape
    (6, 3)
    """
    found = [from_bytes(data, f"the model of {key!r}").predict() for key, data in _there(models)]
    if not found:
        raise ValueError(Refusal("has no model", where="models", expected="at least one row without an error"))
    plain = all(isinstance(one.index, pd.RangeIndex) for one in found)
    return pd.concat(found, ignore_index=plain)


def _there(models: pd.DataFrame) -> list[tuple[Any, bytes]]:
    return [(key, data) for key, data in zip(models["series"], models["model"], strict=True) if isinstance(data, bytes)]
