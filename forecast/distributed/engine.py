"""Where tasks run: in this process, one after the other, or on the workers of a Dask cluster."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from .._refusals import Refusal, install

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Engine", "Here", "OnDask", "engine_of", "itself", "partitions_of", "share_of_cores"]


_LOST = Refusal("the connection to Dask's scheduler was lost", advice="Start a cluster and fit again.")


class Engine(Protocol):
    """What a fit needs of the place where its tasks run."""

    @property
    def n_threads(self) -> int:
        """Tasks that can run at the same time."""

    def submit(self, stage: str, function: Callable[..., Any], *args: Any) -> Any:
        """Start a task; arguments may be what earlier calls returned."""

    def gather(self, tasks: Mapping[str, Any]) -> list[Any]:
        """The results of tasks, by name, in their order."""

    def partitions(self, data: Any) -> list[Any]:
        """The partitions of a frame, as arguments of tasks."""


class Here:
    """Tasks run in this process, one after the other, when their results are asked for."""

    n_threads = 1

    def submit(self, stage: str, function: Callable[..., Any], *args: Any) -> Any:
        """A task that waits."""
        return _Waiting(function, args)

    def gather(self, tasks: Mapping[str, Any]) -> list[Any]:
        """The results in the order of the tasks.

        Raises
        ------
        RuntimeError
            A shard's task raised an exception.
        """
        found = []
        for name, task in tasks.items():
            try:
                found.append(_value(task))
            except Exception as error:  # any: what a task raises is raised again, with the task's name
                _refuse_failed(name, error)
        return found

    def partitions(self, data: Any) -> list[Any]:
        """The frame itself, or the partitions of a Dask DataFrame, computed each time that a task reads them."""
        return [data] if not hasattr(data, "to_delayed") else [_Partition(one) for one in data.to_delayed()]


class _Waiting:
    """A task whose result is computed once, with those that it needs."""

    def __init__(self, function: Callable[..., Any], args: Any) -> None:
        self.call: Any = (function, args)
        self.result: Any = None

    def value(self) -> Any:
        if self.call is not None:
            function, args = self.call
            self.result = function(*map(_value, args))
            self.call = None
        return self.result


class _Partition:
    """A partition of a Dask DataFrame that is computed in this thread when it is read."""

    def __init__(self, delayed: Any) -> None:
        self.delayed = delayed

    def value(self) -> pd.DataFrame:
        return self.delayed.compute(scheduler="synchronous")


def _value(task: Any) -> Any:
    return task.value() if isinstance(task, _Waiting | _Partition) else task


class OnDask:
    """Tasks run on the workers of a Dask cluster, which tries a task again elsewhere if its worker is lost.

    Parameters
    ----------
    client : distributed.Client
    timeout : float
        Seconds without any finished task after which workers that do not answer are restarted, and after as many again
        the wait ends.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self.client, self.timeout = client, timeout

    @property
    def n_threads(self) -> int:
        """Threads of all workers."""
        return sum(self.client.nthreads().values())

    def submit(self, stage: str, function: Callable[..., Any], *args: Any) -> Any:
        """A future; the stage is the task's name on Dask's dashboard."""
        if self.client.status != "running":
            raise ConnectionError(_LOST)
        return self.client.submit(function, *args, key=f"{stage}-{uuid.uuid4().hex}", pure=False)

    def partitions(self, data: Any) -> list[Any]:
        """A future of each partition; a plain frame is one partition."""
        if not hasattr(data, "to_delayed"):
            return [self.submit("frame", itself, data)]
        return self.client.compute(list(data.to_delayed()))

    def gather(self, tasks: Mapping[str, Any]) -> list[Any]:
        """The results in the order of the tasks, whatever the order in which they finish.

        Raises
        ------
        ConnectionError
            The scheduler is gone.
        TimeoutError
            No task finished in time.
        RuntimeError
            A task killed its worker each time that it was tried.
        """
        from concurrent.futures import CancelledError

        comm: Any = import_module("distributed.comm")
        try:
            self._wait(dict(tasks))
            return self.client.gather(list(tasks.values()))
        except (CancelledError, comm.CommClosedError) as error:  # what Dask tells of futures whose scheduler is gone
            raise ConnectionError(_LOST) from error

    def _wait(self, waiting: dict[str, Any]) -> None:
        """Until all tasks are finished; a failed one ends the wait."""
        distributed: Any = import_module("distributed")
        restarted = False
        while waiting:
            try:
                distributed.wait(list(waiting.values()), timeout=self.timeout, return_when="FIRST_COMPLETED")
            except TimeoutError:
                if restarted or not self._restart_silent():
                    self._give_up(waiting)
                restarted = True
                continue
            restarted = False
            for name, future in list(waiting.items()):
                if future.status == "error":
                    _refuse_failed(name, future.exception())
                if future.status in ("finished", "cancelled", "lost"):
                    del waiting[name]  # what is cancelled says so when it is gathered

    def _restart_silent(self) -> list[str]:
        """Restart the workers that have not answered lately, through their nannies; the addresses of these workers."""
        workers, now = self.client.scheduler_info(n_workers=-1)["workers"], time.time()
        silent = [
            address
            for address, one in workers.items()
            if one.get("nanny") and now - one["last_seen"] > self.timeout / 2
        ]
        if silent:
            self.client.restart_workers(silent, timeout=self.timeout, raise_for_error=False)
        return silent

    def _give_up(self, waiting: dict[str, Any]) -> None:
        names = ", ".join(sorted(waiting)[:3])
        raise TimeoutError(
            Refusal(
                f"no task finished within {self.timeout:g} s",
                got=f"{len(waiting)} of them are left, such as {names}",
                advice="Look at the workers on Dask's dashboard, or pass a longer timeout=.",
            )
        )


def itself(value: Any) -> Any:
    """What it is given: a task that holds a value, which the scheduler can make again if a worker is lost."""
    return value


def _refuse_failed(name: str, error: BaseException) -> NoReturn:
    """Raise the exception of a task; that of a shard with its name, that of a partition as it is: it has one."""
    if type(error).__name__ == "KilledWorker":
        raise RuntimeError(
            Refusal(
                f"{name} killed its worker each time that it was tried",
                got=str(error),
                advice="Often a worker has too little memory for it: use more shards, or workers with more memory.",
            )
        ) from error
    if not name.startswith("shard"):
        raise error
    raise RuntimeError(Refusal(f"{name} failed with {type(error).__name__}", got=str(error))) from error


def engine_of(client: Any, timeout: float) -> Engine:
    """Where tasks run.

    Parameters
    ----------
    client : distributed.Client or None
    timeout : float

    Returns
    -------
    Engine
    """
    if not timeout > 0:
        raise ValueError(Refusal(where=f"timeout={timeout!r}", expected="a number of seconds above 0"))
    if client is None:
        return Here()
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ImportError(Refusal("distributed is not installed", fix=install("'rnn-forecast[dask]'"))) from error
    if not isinstance(client, distributed.Client):
        raise TypeError(
            Refusal(where="client", got=f"a {type(client).__name__}", expected="a distributed.Client, or None")
        )
    return OnDask(client, timeout)


def partitions_of(engine: Engine, data: Any) -> list[Any]:
    """The partitions of a frame; refused where it is neither a pandas nor a Dask DataFrame.

    Parameters
    ----------
    engine : Engine
    data : pandas.DataFrame or dask.dataframe.DataFrame

    Returns
    -------
    list
    """
    import pandas as pd

    if not isinstance(data, pd.DataFrame) and not (hasattr(data, "to_delayed") and hasattr(data, "map_partitions")):
        raise TypeError(
            Refusal(where="ddf", got=f"a {type(data).__name__}", expected="a Dask DataFrame, or a pandas DataFrame")
        )
    return engine.partitions(data)


def share_of_cores() -> int | None:
    """Threads for the task that calls this: a worker's threads, divided by the tasks that it has.

    Returns
    -------
    int or None
        None: no worker of Dask runs the task.
    """
    loaded = sys.modules.get("distributed.worker")
    if loaded is None:
        return None
    try:
        state = loaded.get_worker().state
    except ValueError:  # the caller does not run on a worker
        return None
    tasks = state.executing_count + len(state.ready)
    return max(1, state.nthreads // max(1, min(state.nthreads, tasks)))
