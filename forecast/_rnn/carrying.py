"""Windows that continue each other: where sequences begin, and how a fitted model continues with new rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._network import Carried
from .._refusals import Fix, Refusal
from .host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, Self

    from numpy.typing import ArrayLike, NDArray

    from .._arrays import Dataset
    from .._network import Network
    from .._types import Array, Booleans, Floats, Integers
    from .._windows import Windows

__all__ = ["Carries", "Newest", "begins_of", "sequences_of"]


def begins_of(model: Host, data: Dataset, starts: ArrayLike | None = None) -> Booleans:
    """Which windows begin a sequence; any other continues the one before it.

    Parameters
    ----------
    model : RNNForecaster
        Model with `stateful=True`.
    data : Dataset
    starts : array-like of int or bool, default=None
        For an array, the rows at which a sequence begins, besides the first one.

    Returns
    -------
    ndarray of bool of shape (windows,)

    Raises
    ------
    TypeError, ValueError
        Windows overlap or are not in the order of time, or `starts` is not as above.
    """
    n, windows = data.n_windows, data.windows
    begins = np.zeros(n, dtype=bool)
    begins[:1] = True
    if windows is None:
        return begins if starts is None else begins | _read(starts, n)
    if starts is not None:
        raise ValueError(
            Refusal("is for arrays", where="starts", got="windows say which series they are of", expected="none")
        )
    apart, same = np.diff(windows.origins.astype(np.int64)), np.diff(windows.which) == 0
    wrong = same & (apart < data.lookback)
    if wrong.any():
        what = "overlap" if apart[wrong].min() > 0 else "are not in the order of time"
        raise ValueError(
            Refusal(
                f"with stateful=True a window goes on where the one before ends, but {int(wrong.sum())} of {n} "
                f"windows {what}",
                where="X:",
                expected=f"windows that are lookback = {data.lookback} rows apart",
                fix=Fix(f"step={data.lookback}", ""),
            )
        )
    begins[1:] = ~same | (apart != data.lookback)
    return begins


def _read(starts: ArrayLike, n: int) -> Booleans:
    starts = np.asarray(starts)
    if starts.dtype == bool and starts.shape == (n,):
        return starts
    if starts.dtype.kind not in "iu" or starts.ndim != 1:
        raise TypeError(
            Refusal(where="starts", got=f"{starts.dtype}", expected=f"numbers of rows of X, or a truth for each of {n}")
        )
    if len(starts) and not (0 <= starts.min() and starts.max() < n):
        raise ValueError(
            Refusal(where="starts", got=f"{starts.min()} to {starts.max()}", expected=f"rows from 0 to {n - 1}")
        )
    return np.isin(np.arange(n), starts)


def sequences_of(begins: Booleans) -> list[NDArray[np.int64]]:
    """The windows of each sequence.

    Parameters
    ----------
    begins : ndarray of bool

    Returns
    -------
    list of ndarray of int64
    """
    return np.split(np.arange(len(begins), dtype=np.int64), np.flatnonzero(begins)[1:])


class Newest:
    """A stateful model that forecasts from the newest row of windows, after reading their series from the first row.

    Parameters
    ----------
    model : RNNForecaster
    carried : Carried, default=None
        States that the series have reached, in the order of the windows; None: they are read from their
        beginning.
    """

    _accepts_windows = True

    def __init__(self, model: Any, carried: Carried | None = None) -> None:
        self.model, self.carried = model, carried

    def _values(self, windows: Windows) -> Floats:
        network = self.model._network
        if self.carried is None:
            found = _from_beginnings(network, windows)
        else:
            found = cast("Array", self.carried.outputs)  # each of these states is that after some row
        return found.reshape(len(found), -1, network.outputs.of_a_target)

    def predict(self, windows: Windows) -> Array:
        """(n, targets of a step)."""
        return self.model._network.outputs.point(self._values(windows))

    def predict_quantiles(self, windows: Windows, levels: float | Sequence[float] | Floats) -> Floats:
        """(n, targets of a step, levels)."""
        return self.model._network.outputs.quantiles(self._values(windows), self.model._wanted(levels))

    def _parameters(self, windows: Windows) -> Floats:
        """(n, targets of a step, parameters of a distribution)."""
        return self._values(windows)

    def sample_y(self, *_: object) -> NoReturn:
        """Refused."""
        raise ValueError(
            Refusal("the samples of a model with stateful=True would not carry their states", where="sample_y:")
        )


def _from_beginnings(network: Network, windows: Windows) -> Floats:
    """The forecast after the newest row of each window, as all rows of its series up to it give it."""
    origins, which = windows.origins.astype(np.int64), windows.which
    width = network.architecture.step_targets * network.outputs.of_a_target
    found = np.empty((len(origins), width))
    for number in np.unique(which):
        mine = which == number
        first = _first_known(windows.values, int(windows.starts[number]), int(origins[mine].min()))
        rows = np.asarray(windows.values[first : origins[mine].max() + 1], dtype=np.float64)
        found[mine] = Carried.anew(network.architecture, 1).along(network, rows)[origins[mine] - first]
    return found


def _first_known(values: Array, first: int, last: int) -> int:
    """The first row of a series that a transform has not lost."""
    holes = np.flatnonzero(~np.isfinite(values[first : last + 1]).all(axis=1))
    return first if not len(holes) else first + int(holes[-1]) + 1


class Carries(Host):
    """The part of `RNNForecaster` that continues from the states of its last rows."""

    _wanted: Callable[[Any], Floats]

    def update(self, rows: ArrayLike | None, levels: float | Sequence[float] | Floats | None = None) -> Floats:
        """Read new rows of the fitted sequences and forecast the next steps; needs `stateful=True`.

        The cost depends only on the number of new rows, and the forecast equals that of `predict` over all rows from
        the beginning. `fit` keeps the states after the last row of each sequence in X. Weights and scaling do not
        change.

        Parameters
        ----------
        rows : array-like of shape (k, n_channels), or (n_sequences, k, n_channels)
            The next k rows, oldest first; with one sequence, the first axis is left out. None (k = 0): forecast from
            the current states.
        levels : float or list of float, default=None
            Levels of quantiles to return instead of the forecast, as in `predict_quantiles`.

        Returns
        -------
        ndarray of shape (targets,) or (n_sequences, targets)
            Float64: the targets of one step. With `levels`, there is a last axis for them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        AttributeError
            The model was fitted without `stateful=True`.
        TypeError, ValueError
            `rows` is not as above. The states stay as they were.

        Examples
        --------
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> wave = np.sin(np.arange(401) / 5)
        >>> X, y = wave[:400].reshape(-1, 20), wave[1:].reshape(-1, 20)
        >>> model = RNNForecaster(stateful=True, hidden_size=8, max_iter=5, random_state=0).fit(X, y)
        >>> forecast = model.update(wave[400:].reshape(1, 1))  # of row 401
        >>> forecast.shape
        (1,)
        """
        carried = self.__dict__.get("_carried")
        if carried is None:
            self._refuse_update()
        network = self._network
        rows = _checked(rows, carried.n_sequences, network.architecture.inputs)
        wanted = None if levels is None else self._wanted(levels)
        if rows.shape[1]:
            carried = carried.advanced(network, rows)
        elif carried.outputs is None:
            raise ValueError(Refusal("no row was read since reset_states()", where="rows:", expected="1 row or more"))
        outputs, values = network.outputs, carried.outputs
        values = values.reshape(len(values), -1, outputs.of_a_target)
        found = outputs.point(values) if wanted is None else outputs.quantiles(values, wanted)
        self._carried = carried
        return found[0] if len(found) == 1 else found

    def _standing(self, parts: list[Carried]) -> Newest:
        """What forecasts series from given states: a list of Carried."""
        return Newest(self, Carried.joined(parts))

    def _after(self, values: Array, starts: Integers) -> list[Carried]:
        """The states after the last row of series, each from its beginning: a list of Carried."""
        found = []
        for first, end in pairwise(starts):
            anew, known = Carried.anew(self._network.architecture, 1), _first_known(values, int(first), int(end) - 1)
            rows = np.asarray(values[known:end], dtype=np.float64)
            found.append(anew.advanced(self._network, rows[None]) if len(rows) else anew)
        return found

    def reset_states(self, n_sequences: int = 1) -> Self:
        """Begin new sequences: set their states to zero, as at the beginning of each sequence in `fit`. Weights do not
        change.

        Parameters
        ----------
        n_sequences : int, default=1

        Returns
        -------
        self
        """
        if self.__dict__.get("_carried") is None:
            self._refuse_update()
        if not isinstance(n_sequences, int | np.integer) or isinstance(n_sequences, bool) or n_sequences < 1:
            raise ValueError(Refusal(where=f"n_sequences={n_sequences!r}", expected="a whole number, 1 or more"))
        self._carried = Carried.anew(self._network.architecture, int(n_sequences))
        return self

    def _refuse_update(self) -> NoReturn:
        check_is_fitted(self)
        raise AttributeError(
            Refusal(
                "update and reset_states are for a model that carries its states",
                fix=Fix("RNNForecaster(stateful=True)", ""),
            )
        )


def _checked(rows: ArrayLike | None, n_sequences: int, channels: int) -> Floats:
    """New rows as (sequences, rows, channels) in float64."""
    given = np.empty((n_sequences, 0, channels)) if rows is None else np.asarray(rows, dtype=np.float64)
    many = given if given.ndim == 3 or n_sequences > 1 else given[None]
    if many.ndim != 3 or many.shape[0] != n_sequences or many.shape[2] != channels:
        of = f"(n_sequences, k, n_channels) = ({n_sequences}, k, {channels})"
        one = f"(k, n_channels) = (k, {channels})"
        raise ValueError(
            Refusal(where="rows", got=f"{given.shape}", expected=f"shape {one if n_sequences == 1 else of}")
        )
    if not np.isfinite(many).all():
        raise ValueError(
            Refusal(where="rows", got=f"{many[~np.isfinite(many)][0]}", expected="finite numbers", advice="Fill it.")
        )
    return many
