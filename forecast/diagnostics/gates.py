"""Gates and states of a network, by window and step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._rnn import activity_of
from .networks import network_of

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Floats

__all__ = ["GateActivity", "gate_activity"]

_MOST_BYTES = 2 << 30


@dataclass(frozen=True)
class GateActivity:
    """Values of gates and states at each window, layer, step and unit, as `gate_activity` returns them.

    Attributes
    ----------
    gates : dict of str to ndarray of shape (n_windows, n_layers, n_steps, hidden_size)
        Gates of the layers that read the past, with `bidirectional` forward and reversed layers in turn, without those
        of a decoder or of the known future. A step is a row of the window or, with `segment`, a segment. Values have
        the model's `dtype`. An LSTM has the gates "i" (input), "f" (forget) and "o" (output), in (0, 1), and the
        candidate "g", in (-1, 1). A GRU has "r" (reset) and "z" (update), in (0, 1), and the candidate "n", in (-1, 1).
        Cell "rnn" has none.
    states : dict of str to ndarray of the same shape
        States after each step: the hidden state "h", and for an LSTM the cell state "c".
    steps : ndarray of int of shape (n_steps,)
        Steps from -(n_steps - 1) to 0, which is the newest step of a window. Without segments, n_steps is the lookback.
    cell : str
        Cell of the network.
    layers : tuple of str or None
        Names of the layers, as in `weights_`, if numbers are not enough: with `bidirectional`, "0", "0.reverse" and so
        on.
    segment : int
        Number of rows of a step; above 1, a step is a segment of the window.

    Examples
    --------
    >>> from forecast import RNNForecaster
    >>> X = np.random.default_rng(0).normal(size=(300, 20))
    >>> model = RNNForecaster(cell="lstm", hidden_size=8, max_iter=2, random_state=0).fit(X, X[:, -1])
    >>> activity = gate_activity(model, X[:5])
    >>> forget = activity.gates["f"].mean(axis=(0, 1, 3))  # open or closed, step by step
    >>> forget.shape == activity.steps.shape
    True
    """

    gates: dict[str, Floats]
    states: dict[str, Floats]
    steps: Array
    cell: str
    layers: tuple[str, ...] | None = None
    segment: int = 1

    def to_frame(self) -> pd.DataFrame:
        """Return means over windows and units.

        Returns
        -------
        pandas.DataFrame of shape (n_steps, n_layers * (n_gates + n_states)), float64
            Index "step"; columns of two levels, "layer" and "value": the gates, then the states.

        Examples
        --------
        >>> import numpy as np
        >>> state = np.array([[[[0.5, 0.0], [1.0, 0.5]]]])
        >>> GateActivity({}, {"h": state}, np.array([-1, 0]), "rnn").to_frame()  # doctest: +NORMALIZE_WHITESPACE
        layer     0
        value     h
        step
        -1     0.25
         0     0.75
        """
        values = self.gates | self.states
        means = {name: _means(value) for name, value in values.items()}
        count = self.states["h"].shape[1]
        layers = range(count) if self.layers is None else list(self.layers)
        columns = pd.MultiIndex.from_product([layers, values], names=["layer", "value"])
        table = np.stack([means[name][layer] for layer in range(count) for name in values], axis=1)
        return pd.DataFrame(table, index=pd.Index(self.steps, name="step"), columns=columns)


def _means(values: Floats) -> Floats:
    """Over windows and units, (layers, steps); NaN at steps that no sequence has."""
    known = ~np.isnan(values)
    count = known.sum(axis=(0, 3))
    total = np.where(known, values, 0.0).sum(axis=(0, 3), dtype=np.float64)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def gate_activity(model: Any, X: Any, n_jobs: int | None = None) -> GateActivity:
    """Return the values of all gates and states of a fitted network, at each window, layer and time step.

    A forget gate near 1 keeps the cell state, near 0 it erases it; an update gate near 1 keeps a GRU's state.

    Parameters
    ----------
    model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
        Fitted model. It is not changed.
    X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), Windows, or frame
        For an `RNNForecaster`, windows as in `predict`. For an `RNNClassifier`, sequences; a shorter one has NaN before
        its first step. For a `SeriesForecaster`, a frame: all its windows that have a future are made as in `fit`, with
        the transforms learned there.
    n_jobs : int, default=None
        Number of threads, as in `RNNForecaster`; values are bit-identical for any number.

    Returns
    -------
    GateActivity

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model contains no network, or X has the wrong type.
    ValueError
        X is not as in `fit`, or the values would take more than 2 GiB: n_windows * num_layers * lookback * hidden_size
        values of each gate and state (6 for an LSTM, 4 for a GRU, 1 for "rnn"), 4 bytes each in float32.

    See Also
    --------
    gradient_flow : How large the gradient of the loss is at each step.

    References
    ----------
    Karpathy, Johnson and Fei-Fei: Visualizing and understanding recurrent networks. ICLR 2016 workshop.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> X = np.random.default_rng(0).normal(size=(300, 20))
    >>> model = RNNForecaster(cell="gru", hidden_size=8, max_iter=2, random_state=0).fit(X, X[:, -1])
    >>> activity = gate_activity(model, X[:5])
    >>> activity.gates["z"].shape, list(activity.gates), list(activity.states)
    ((5, 1, 20, 8), ['r', 'z', 'n'], ['h'])
    >>> activity.to_frame().shape
    (20, 4)
    """
    network, X, _ = network_of(model, X)
    found = activity_of(network, X, n_jobs, _MOST_BYTES)
    steps = np.arange(1 - found.states["h"].shape[2], 1)
    return GateActivity(found.gates, found.states, steps, found.cell, found.layers, found.segment)
