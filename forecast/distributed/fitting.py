"""`fit`: a network trained on a panel that lies in shards, in this process or on the workers of a Dask cluster."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from .._files import from_bytes
from .._refusals import Refusal
from .._rnn import LEAST_HELD_OUT, RNNForecaster
from .._rnn.shards import finished, pooled, refuse_unsharded, schedule_of
from .._series import SeriesForecaster, SkippedSeriesWarning
from .._series.bounds import check_bounds
from .._series.parameters import refuse_choosing, settings_of
from .._series.skipping import listed, warn_of
from .checkpoint import Course, read_checkpoint
from .engine import engine_of
from .gathered import forecaster_of
from .panel import bare
from .rounds import Plan, train
from .sharding import sharded
from .shards import cut_of
from .state import State
from .steps import BEGUN, begin, moments

if TYPE_CHECKING:
    from .._preparation import Settings
    from .engine import Engine
    from .sharding import Sharded

__all__ = ["checked", "fit", "seeded", "trained"]


def fit(
    model: SeriesForecaster, ddf: Any, *, client: Any = None, n_shards: int = 8, rounds_per_epoch: int = 4,
    checkpoint: str | os.PathLike[str] | None = None, resume: str | os.PathLike[str] | None = None,
    timeout: float = 300.0,
) -> SeriesForecaster:  # fmt: skip
    """Train one network on a panel of many series, on the workers of a Dask cluster.

    The series are divided into `n_shards` shards by their names and the seed. In a round every shard trains from the
    same weights on its share of an epoch's windows, as one task; the mean of the weights and of the optimiser's state,
    added in the order of the shards, begins the next round (local SGD [1]_). The result depends on the data, the model
    and the arguments `n_shards` and `rounds_per_epoch`. It does not depend on the number of workers or threads, on the
    partitions, or on which task finishes first: the same `random_state` gives the same bytes, also without a cluster.

    Parameters
    ----------
    model : SeriesForecaster
        Model with `series` and with an `RNNForecaster` as its regressor. It is cloned, not changed.
    ddf : dask.dataframe.DataFrame or pandas.DataFrame
        The panel, as for `SeriesForecaster.fit`. All rows of a series are in one partition.
    client : distributed.Client, default=None
        The cluster. None: all tasks run in this process, one after the other.
    n_shards : int, default=8
        Number of shards, at most the number of series. At least as many as there will be workers; with more, each step
        of the optimiser counts for less of an epoch.
    rounds_per_epoch : int, default=4
        Number of times in an epoch that weights are averaged. More rounds are more accurate on small panels and cost
        more messages; with rounds under a few seconds, fewer are faster. See the user guide.
    checkpoint : path, default=None
        File that holds the state of the fit after each round. It is replaced in one step.
    resume : path, default=None
        Checkpoint from which to continue. Further rounds are written to `checkpoint` or, if that is None, to this file.
    timeout : float, default=300.0
        Seconds to wait without any finished task. Then workers that do not answer are restarted through their nannies,
        and their tasks are done again; after the same time again, the fit ends with an error.

    Returns
    -------
    SeriesForecaster
        Fitted clone. `predict()` continues all series; `forecast.distributed.predict` does so on the cluster.

    Raises
    ------
    TypeError, ValueError
        A partition is not as described, which the message names, or an argument of the model needs all data in one
        place.
    ConnectionError
        Dask's scheduler is gone.
    TimeoutError
        No task finished within `timeout`.
    RuntimeError
        The task of a shard failed, or killed its worker each time that it was tried.

    Warns
    -----
    SkippedSeriesWarning
        Some series are too short to learn from.
    sklearn.exceptions.ConvergenceWarning
        The loss of a shard was not finite; training stopped with the best finite weights.

    References
    ----------
    .. [1] Stich (2019), Local SGD converges fast and communicates little, ICLR.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import RNNForecaster, SeriesForecaster
    >>> from forecast.distributed import fit
    >>> days = pd.date_range("2024-01-01", periods=60, freq="D")
    >>> wave = lambda n: pd.DataFrame({"shop": n, "day": days, "sales": np.sin(np.arange(60) * (n + 1) / 5)})
    >>> df = pd.concat([wave(n) for n in range(4)], ignore_index=True)
    >>> network = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
    >>> model = SeriesForecaster(network, target="sales", series="shop", time="day", lookback=14, horizon=7)
    >>> fit(model, df, n_shards=2).predict().shape  # on a cluster: fit(model, ddf, client=client)
    (28, 3)
    """
    network = checked(model, n_shards, rounds_per_epoch, checkpoint, resume)
    engine = engine_of(client, timeout)
    own = bare(model)
    settings, seed = seeded(own)
    shards = sharded(engine, own, settings, ddf, n_shards, seed)
    fitted, cut = trained(engine, shards, network, seed, rounds_per_epoch, checkpoint, resume)
    return forecaster_of(engine, shards, clone(model), fitted, cut)


def seeded(model: SeriesForecaster) -> tuple[Settings, int]:
    """The settings of the model's network, whose seed is a number.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    Settings, int
    """
    settings, seed = settings_of(model), _seed(model.regressor)
    return replace(settings, regressor=settings.regressor.set_params(random_state=seed)), seed


def trained(
    engine: Engine, shards: Sharded, network: RNNForecaster, seed: int, rounds_per_epoch: int,
    checkpoint: str | os.PathLike[str] | None = None, resume: str | os.PathLike[str] | None = None,
) -> tuple[RNNForecaster, int | None]:  # fmt: skip
    """The fitted network.

    Parameters
    ----------
    engine : Engine
    shards : Sharded
    network : RNNForecaster
        As the user gave it.
    seed, rounds_per_epoch : int
    checkpoint, resume : path, default=None

    Returns
    -------
    RNNForecaster, int or None
        And the time from which on windows were held out.
    """
    plan = _plan(engine, shards, network, seed, rounds_per_epoch, checkpoint or resume)
    begun = State.of(from_bytes(plan.template, BEGUN))
    course = Course(begun) if resume is None else read_checkpoint(resume, plan.mark)
    run, state = train(plan, course)
    fitted = finished(state.put_into(from_bytes(plan.template, BEGUN)), run)
    own = {name: getattr(network, name) for name in ("verbose", "callbacks", "n_jobs", "random_state")}
    return fitted.set_params(**own), plan.cut


def checked(model: Any, n_shards: Any, rounds: Any, checkpoint: Any, resume: Any) -> RNNForecaster:
    """The network to train, after the refusal of what needs all data in one place."""
    if not isinstance(model, SeriesForecaster):
        raise TypeError(Refusal(where="model", got=f"a {type(model).__name__}", expected="a SeriesForecaster"))
    for name, value in (("n_shards", n_shards), ("rounds_per_epoch", rounds)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(Refusal(where=f"{name}={value!r}", expected="a whole number, 1 or more"))
    if type(model.regressor) is not RNNForecaster:  # nor a subclass: the network is sent as a model file, without code
        got = "no regressor" if model.regressor is None else f"a {type(model.regressor).__name__}"
        raise TypeError(
            Refusal(
                "trains a network in rounds",
                where="fit",
                got=got,
                expected="regressor=RNNForecaster(...), or forecast.distributed.fit_each for one model per series",
            )
        )
    if model.series is None:
        raise ValueError(
            Refusal("is None", where="series", expected="the column that names the series: shards are whole series")
        )
    for name, plain, reason in (
        ("half_life", None, "the age of a row is counted from the newest of all rows"),
        ("clip_covariates", False, "the range of covariates is a quantile of all rows"),
    ):
        if getattr(model, name) != plain:
            raise ValueError(
                Refusal(
                    f"does not work with shards: {reason}",
                    where=f"{name}={getattr(model, name)!r}",
                    expected=f"{name}={plain!r}",
                )
            )
    if model.gaps == "irregular":
        raise ValueError(Refusal("does not work with shards", where="gaps='irregular'", expected="rows at equal steps"))
    refuse_choosing(model)
    check_bounds(model.lower, model.upper)
    refuse_unsharded(model.regressor)
    if (checkpoint or resume) and model.regressor.random_state is None:
        raise ValueError(
            Refusal("a checkpoint needs a seed", got="random_state=None", expected="RNNForecaster(random_state=0)")
        )
    return model.regressor


def _seed(network: RNNForecaster) -> int:
    given = network.random_state
    if given is None:
        return int(np.random.default_rng().integers(2**31))
    return int(given.randint(2**31)) if isinstance(given, np.random.RandomState) else int(given)


def _plan(
    engine: Engine, shards: Sharded, network: RNNForecaster, seed: int, parts: int,
    checkpoint: str | os.PathLike[str] | None,
) -> Plan:  # fmt: skip
    """What all rounds have in common: the held-out windows, scales of all shards, and the initial weights."""
    task, settings = shards.task, shards.settings
    left_out = {key: reason for one in shards.summaries for key, reason in one.left_out.items()}
    if left_out and len(left_out) < shards.n_series:
        text = f"{len(left_out)} of {shards.n_series} series take no part in training: {listed(left_out)}."
        warn_of(SkippedSeriesWarning, text, left_out, 4)
    cut = None
    if network.early_stopping is not False:
        cut = cut_of(shards.summaries, network.validation_fraction, task.horizon, LEAST_HELD_OUT)
    found = engine.gather(
        {f"shard {n}": engine.submit("moments", moments, one, settings, cut) for n, one in enumerate(shards.tasks)}
    )
    full = [(number, one) for number, one in enumerate(found) if one is not None]
    if not full:
        raise ValueError(
            Refusal(
                f"no window is left to train on: no series has {settings.lookback} (lookback) + {task.horizon} "
                "(horizon) rows with a known target",
                advice="Use a shorter lookback.",
            )
        )
    first, n = full[0][0], sum(one.n for _, one in full)
    together = pooled([one for _, one in full])
    begun = engine.submit("begin", begin, shards.tasks[first], settings, cut, together, seed)
    template: bytes = engine.gather({f"shard {first}": begun})[0]
    sizes = [int(one.counts.sum()) for one in shards.summaries]
    mark = hashlib.sha256(template + json.dumps([seed, parts, cut, sizes]).encode()).hexdigest()
    late = sum(int(one.counts[one.times >= cut].sum()) for one in shards.summaries) if cut is not None else 0
    size = from_bytes(template, BEGUN).n_parameters_
    subject = (
        f"{network.cell}, {size:,} parameters",
        f"{n:,} windows of {settings.lookback} steps in {len(full)} shards, {late:,} held out",
    )
    return Plan(
        engine, [shards.tasks[number] for number, _ in full], template, cut, seed, parts, schedule_of(network), subject,
        checkpoint, mark,
    )  # fmt: skip
