"""Windows that continue each other, cut into streams that are trained side by side."""

import numpy as np
import numpy.typing as npt

from .._types import Booleans, Integers

__all__ = ["LEAST", "Streams"]

LEAST = 4  # windows of a stream: a stream begins with zeros, so of shorter ones too many would


class Streams:
    """Windows in the order of training: window i of a batch continues window i of the batch before.

    All windows are concatenated and cut into streams of equal length, or one more: batch i has the i-th
    window of each. A stream begins with zeros, and so does every sequence within one.

    Parameters
    ----------
    windows : ndarray of int of shape (n,)
        Ascending numbers of windows.
    begins : ndarray of bool
        Whether each window begins a sequence; any other continues the one before it.
    most : int
        Streams at most.

    Attributes
    ----------
    size : int
        Streams, which are the windows of a batch; of the last batch perhaps fewer.

    Examples
    --------
    >>> streams = Streams(np.arange(9), np.arange(9) == 6, most=2)
    >>> order, begins = streams.order()
    >>> order.tolist(), np.flatnonzero(begins).tolist()
    ([0, 5, 1, 6, 2, 7, 3, 8, 4], [0, 1, 3])
    """

    def __init__(self, windows: Integers, begins: Booleans, most: int) -> None:
        self.size = min(most, max(1, len(windows) // LEAST))
        first = begins[windows]
        first[:1] = True
        first[1:] |= np.diff(windows) != 1
        self._sequences = np.split(windows, np.flatnonzero(first)[1:])
        self._n = len(windows)

    def order(self, rng: np.random.Generator | None = None) -> tuple[npt.NDArray[np.int64], Booleans]:
        """The windows of one epoch.

        Parameters
        ----------
        rng : numpy.random.Generator, default=None
            Draws the order of the sequences, and at which window the first stream begins; None: as they are.

        Returns
        -------
        order : ndarray of int64 of shape (n,)
        begins : ndarray of bool of shape (n,)
            Whether each begins with zeros.
        """
        sequences, turn = self._sequences, 0
        if rng is not None:
            sequences = [sequences[i] for i in rng.permutation(len(sequences))]
            turn = int(rng.integers(self._n))
        begins = np.zeros(self._n, dtype=bool)
        begins[np.cumsum([0, *map(len, sequences[:-1])])] = True
        windows, begins = (np.roll(part, -turn) for part in (np.concatenate(sequences), begins))
        length, longer = divmod(self._n, self.size)
        streams = np.arange(self.size)
        starts = streams * length + np.minimum(streams, longer)
        begins[starts] = True
        places = (starts + np.arange(length)[:, None]).ravel()
        places = np.concatenate([places, starts[:longer] + length])
        return windows[places].astype(np.int64), begins[places]
