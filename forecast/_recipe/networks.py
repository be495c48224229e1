"""Settings of a recurrent network from the size and the kind of the data; no network is trained to find them."""

import math
from dataclasses import dataclass

import numpy as np

from .._preparation import Settings
from .._rnn import RNNForecaster

__all__ = ["network_settings"]

_FEWEST = 100  # windows: with fewer a network has nothing over a line
_SEGMENTS = 30  # steps of the encoder at most where a season can be read at once
_BUDGET = 15.0  # seconds of one core for the optimiser steps of a fit
_RATE = 12e9  # multiplications a second of one core: 10 to 20e9 measured on segments of 1 to 144 steps


def network_settings(task, rows, ends, *, seasons, linear, loss, random_state, n_jobs):
    """Settings of the networks worth training on some rows.

    Parameters
    ----------
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Where the rows to learn from end in each series.
    seasons : list of int
        In steps, the most important first.
    linear : Settings
        Of the best linear member.
    loss : str
        That the forecasts are judged by, as `RNNForecaster` names it.
    random_state : int or None
    n_jobs : int or None

    Returns
    -------
    dict of str to Settings
        Empty where there are too few windows for a network.

    Notes
    -----
    Equal arguments give equal settings. They depend on the lengths of the series, never on values behind `ends`.
    """
    size = _Size.of(task, rows, ends, linear)
    lookback = _lookback(size, seasons, linear)
    n_windows = size.windows(lookback)
    if n_windows < _FEWEST:
        return {}
    segment = _segment(lookback, seasons)
    known = size.known > 0
    network = _architecture(size, lookback, segment, n_windows, known) | _training(size, n_windows)
    network["max_steps"] = min(network["max_steps"], _affordable(size, lookback, segment, network))
    network["warmup_steps"] = min(100, network["max_steps"] // 10)
    regressor = RNNForecaster(
        **network, segment=segment, loss=loss, early_stopping=True, random_state=random_state, n_jobs=n_jobs
    )
    settings = Settings(
        regressor,
        lookback,
        window_norm="last",
        transform=linear.transform,
        calendar=linear.calendar,
        multi_target="shared" if size.targets > 1 else "joint",
        step=linear.step,
    )
    return {"GRU": settings}


@dataclass(frozen=True)
class _Size:
    """How much there is to learn from.

    Attributes
    ----------
    lengths : ndarray of int of shape (n_series,)
        Rows to learn from of each series.
    horizon, targets, channels, known : int
        Of one network: targets that are series of their own, channels of a window's past, columns known ahead.
    """

    lengths: np.ndarray
    horizon: int
    targets: int
    channels: int
    known: int

    @classmethod
    def of(cls, task, rows, ends, linear):
        known = rows.future.shape[1] + 2 * len(linear.calendar)  # a sine and a cosine
        channels = 1 + rows.past.shape[1] + known + (1 + rows.past.shape[1] if task.masked else 0)
        return cls(
            np.asarray(ends) - rows.starts[:-1], int(task.horizon), rows.targets.shape[1], channels, known
        )

    def windows(self, lookback):
        """Windows to train on."""
        return self.targets * int(np.maximum(self.lengths - lookback - self.horizon + 1, 0).sum())


def _lookback(size, seasons, linear):
    season = seasons[0] if seasons else 1
    wanted = max(linear.lookback, 30 * season if season > 1 else 32, 2 * size.horizon)
    longest = max(1, (int(np.min(size.lengths)) - size.horizon) // 2)
    lookback = min(wanted, longest, 1440)
    return lookback - lookback % season if lookback > season else lookback


def _segment(lookback, seasons):
    """A season, or the largest part of it that leaves enough steps to the encoder."""
    season = seasons[0] if seasons else 1
    least = max(1, lookback // (2 * _SEGMENTS))
    parts = [part for part in range(1, season + 1) if season % part == 0 and lookback // part >= 12]
    return max([part for part in parts if part <= max(24, least)], default=max(1, least))


def _architecture(size, lookback, segment, n_windows, known):
    hidden = 32 if n_windows < 5_000 else 64
    found = dict(cell="gru", hidden_size=hidden, decoder="dense")
    if segment > 1:
        found["segment_activation"] = "identity"
    if known:
        found |= dict(decoder="steps", future_size=hidden, dropout=0.2)
    return found


def _training(size, n_windows):
    batch = 256 if n_windows > 10_000 else 128 if n_windows > 3_000 else 64
    steps = int(np.clip(n_windows / batch * 12, 600, 3_000))
    epochs = math.ceil(steps / math.ceil(n_windows / batch))
    return dict(
        learning_rate=1e-3, batch_size=batch, max_steps=steps, max_iter=epochs, n_iter_no_change=max(4, epochs // 4)
    )


def _affordable(size, lookback, segment, network):
    """Optimiser steps within the budget, from the multiplications of one."""
    hidden = network["hidden_size"]
    steps = math.ceil(lookback / segment)
    encoder = steps * (segment * size.channels * hidden + 6 * hidden**2)
    decoder = hidden * size.horizon
    if network["decoder"] == "steps":
        decoder = size.horizon * 128 * (3 * hidden + size.channels) + 12 * size.horizon * hidden**2
    return max(200, int(_BUDGET * _RATE / (3 * network["batch_size"] * (encoder + decoder))))
