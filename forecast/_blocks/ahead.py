"""Read the next block while this one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["read_ahead"]

_T = TypeVar("_T")


def read_ahead(numbers: Iterable[int], read: Callable[[int], _T]) -> Iterator[tuple[int, _T]]:
    """Yield `(number, read(number))` in order; the next call of `read` runs in another thread meanwhile.

    At most two results exist at once: the one that was yielded and the next one. The thread ends with the iteration,
    also if the caller leaves it early.

    Parameters
    ----------
    numbers : iterable of int
    read : callable
        Only one call runs at a time.

    Yields
    ------
    int, object

    Examples
    --------
    >>> list(read_ahead([2, 0], lambda number: number + 10))
    [(2, 12), (0, 10)]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="forecast-blocks") as thread:
        waiting: tuple[int, Future[_T]] | None = None
        try:
            for number in numbers:
                before, waiting = waiting, (number, thread.submit(read, number))
                if before is not None:
                    yield before[0], before[1].result()
                    del before
            if waiting is not None:
                (last, result), waiting = waiting, None
                yield last, result.result()
        finally:
            if waiting is not None:
                waiting[1].cancel()
