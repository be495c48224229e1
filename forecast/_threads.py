"""From `n_jobs` to a number of threads: the whole policy."""

import os
from functools import cache
from numbers import Integral

import joblib

from ._refusals import Refusal, argument

__all__ = ["MOST_THREADS", "WORTH_SHARING", "thread_count"]

MOST_THREADS = 4096  # of a call: more than any machine has cores

# Bytes of weights from which on several threads share the steps of a single window: it reads them all at every step,
# and a core's own cache is too small for more. Below, handing over a step costs what it saves.
WORTH_SHARING = 1 << 18

# Floating-point operations below which a further thread costs more than it brings: about 30 us of one core's work.
_WORK_PER_THREAD = 1_000_000


def thread_count(n_jobs: int | None, openmp_threads: int, work: float | None = None) -> int:
    """Threads for one call.

    Parameters
    ----------
    n_jobs : int or None
        A positive number is taken as it is, -1 means all usable cores, -2 all but one. None means all usable cores as
        well, but no more than the work is worth, and one where joblib runs the call in one of several threads.
    openmp_threads : int
        What OpenMP would use: its environment, the process's affinity and `threadpoolctl`'s limits; 1 in a forked
        child. A core built without OpenMP says what OMP_NUM_THREADS orders, or all cores.
    work : float, default=None
        Floating-point operations of one parallel piece of the call.

    Returns
    -------
    int
        At least 1. The core uses fewer where there are fewer chunks of windows.

    Raises
    ------
    ValueError
        `n_jobs` is 0, not a whole number, or above 4096.

    Examples
    --------
    >>> thread_count(3, openmp_threads=8)
    3
    >>> thread_count(None, openmp_threads=8, work=100)
    1
    """
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise ValueError(
            Refusal(f"is {n_jobs!r}", where="n_jobs", expected="a number of threads, -1 for all usable cores, or None")
        )
    if n_jobs is not None and n_jobs > MOST_THREADS:
        raise ValueError(
            Refusal(
                f"is {n_jobs}", where="n_jobs", expected=f"at most {MOST_THREADS} threads", fix=argument("n_jobs", -1)
            )
        )
    if n_jobs is not None and n_jobs > 0:
        return int(n_jobs)
    if n_jobs is not None:
        return max(1, _usable_cores() + 1 + int(n_jobs))
    threads = openmp_threads
    if not os.environ.get(
        "OMP_NUM_THREADS"
    ):  # a container's quota, which OpenMP does not know; an order goes before it
        threads = min(threads, _usable_cores())
    if work is not None:
        threads = min(threads, int(work // _WORK_PER_THREAD))
    return 1 if threads > 1 and _beside_other_threads() else max(1, threads)


def _beside_other_threads() -> bool:
    """Whether joblib runs this call in one of several threads, as a search with `backend="threading"` does: they share
    the cores already. OMP_NUM_THREADS tells its processes their share.
    """
    backend, _ = joblib.parallel.get_active_backend()
    return (backend.nesting_level or 0) > 0 and not os.environ.get("OMP_NUM_THREADS")


@cache
def _usable_cores() -> int:
    """Of this process: its affinity and a container's quota."""
    try:
        return joblib.cpu_count()
    except (ValueError, OSError):  # the files of the container hold no number, or may not be read: no quota is known
        return len(os.sched_getaffinity(0))
