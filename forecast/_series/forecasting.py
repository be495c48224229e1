"""Forecasts from the rows known at some origins, in the units of the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Fix, Refusal, Words, longer_horizon
from .._types import Floats, Integers

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import TimeAxis
    from .._preparation import Rows
    from .._windows import Windows
    from .state import FittedState

__all__ = ["from_ends", "from_origins", "labels_after", "samples_from_ends", "with_future"]


def from_ends(
    state: FittedState,
    past: Rows,
    labels: list[pd.Index],
    future: list[Floats],
    levels: Any = None,
    before: tuple[Integers, Integers] | None = None,
) -> Any:
    """One forecast after the end of each series and, on request, forecasts from earlier rows in the same call.

    Parameters
    ----------
    state : FittedState
    past : Rows
        What is known of the series.
    labels : list of pandas.Index
        The steps asked for, of each series.
    future : list of ndarray of shape (steps, F)
        Encoded future covariates of these steps.
    levels : list of float or PARAMETERS, default=None
        Quantiles in place of the forecast, or parameters of its distribution, for at most `horizon` steps.
    before : (ndarray of int, ndarray of int), default=None
        Rows from each earlier one to the end of its series, and the number of that; of series that `fit` had, for at
        most `horizon` steps.

    Returns
    -------
    list of ndarray of shape (steps, targets), float64; (steps, targets, levels) with levels
        With `before`, and an ndarray of shape (n, horizon, targets).
    """
    longest = max(map(len, labels))
    _refuse_summed(state, levels)
    state = state.knowing(past)
    if longest <= state.horizon:
        rows, origins = with_future(state, past, labels, future)
        if before is not None:
            ages, which = before
            origins = np.concatenate([origins, origins[which] - ages])
        found = state.forecast(rows, origins, levels)
        asked = [forecast[: len(wanted)] for forecast, wanted in zip(found, labels, strict=before is None)]
        return asked if before is None else (asked, found[len(asked) :])
    _refuse_feedback(state, longest, levels)
    return [
        _fed_back(state, past.parts([(number, int(first), int(end))]), wanted, future[number])
        for number, (first, end, wanted) in enumerate(zip(past.starts[:-1], past.starts[1:], labels, strict=True))
    ]


def samples_from_ends(
    state: FittedState,
    past: Rows,
    labels: list[pd.Index],
    future: list[Floats],
    n_samples: int,
    rng: np.random.Generator,
) -> list[Floats]:
    """Samples of one forecast after the end of each series, with the random masks of its networks.

    Parameters
    ----------
    state, past, labels, future
        As in `from_ends`; labels of at most `horizon` steps.
    n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray of shape (steps, targets, n_samples), float64

    Raises
    ------
    ValueError
        No member draws masks, or more than `horizon` steps are asked for.
    """
    if not any(getattr(member.regressor, "draws_masks_", False) for member, _ in state.parts):
        raise ValueError(
            Refusal(
                "needs a network with random masks, RNNForecaster with dropout, recurrent_dropout or zoneout",
                where="sample_y",
                advice="Fit with one, such as SeriesForecaster(RNNForecaster(dropout=0.2)).",
            )
        )
    longest = max(map(len, labels))
    if longest > state.horizon:
        raise ValueError(
            Refusal(
                f"samples of {longest} steps were asked for, but horizon is {state.horizon}, and samples cannot be fed "
                "back",
                expected=_FEWER,
                fix=longer_horizon(longest),
            )
        )
    state = state.knowing(past)
    rows, origins = with_future(state, past, labels, future)
    found: Any = 0.0
    for member, weight in state.parts:
        if getattr(member.regressor, "draws_masks_", False):
            sampled = _Sampled(member.regressor, int(rng.integers(2**31)))
            drawn = replace(member, regressor=sampled, spread=None, widths=None)
            found = found + weight * drawn.forecast(rows, origins, range(n_samples))
        else:
            found = found + weight * member.forecast(rows, origins)[..., None]
    found = state.within(found)
    return [samples[: len(wanted)] for samples, wanted in zip(found, labels, strict=True)]


class _Sampled:
    """A network whose quantiles are samples, one for each level: both are an axis behind the forecast's."""

    _accepts_windows = True

    def __init__(self, network: Any, seed: int) -> None:
        self.network, self.seed = network, seed
        self.n_history_ = getattr(network, "n_history_", 1)

    def predict_quantiles(self, windows: Windows, levels: Sequence[int]) -> Floats:
        return self.network._at_newest.sample_y(windows, len(levels), self.seed)


def from_origins(state: FittedState, rows: Rows, origins: Integers, n_steps: int, levels: Any = None) -> Floats:
    """Forecasts after several rows of series, including rows with later ones known, in one call if possible.

    Parameters
    ----------
    state : FittedState
    rows : Rows
        Later rows give their future covariates, and nothing else.
    origins : ndarray of int
        Positions of the newest known rows.
    n_steps : int
    levels : list of float, default=None
        As in `from_ends`.

    Returns
    -------
    ndarray of shape (n, n_steps, targets), float64; (n, n_steps, targets, levels) with levels
    """
    _refuse_summed(state, levels)
    which = np.searchsorted(rows.starts, origins, side="right") - 1
    rows = rows.unknown_after(origins)
    unseen = state.holds_unseen([rows.keys[number] for number in np.unique(which)])
    if n_steps <= state.horizon and not unseen:
        rows, origins = _reaching(state, rows, origins, which)
        return state.forecast(rows, origins, levels)[:, :n_steps]
    found = []
    for origin, number in zip(origins, which, strict=True):  # each knows the rows up to its own origin, and no other
        past = rows.parts([(int(number), int(rows.starts[number]), int(origin) + 1)])
        reach = n_steps
        if state.roles.future:  # their rows end with the series
            reach = min(max(n_steps, state.horizon), int(rows.starts[number + 1] - origin) - 1)
        labels = labels_after(state, rows, origin, reach, int(rows.starts[number + 1]))
        ahead = rows.future[origin + 1 : origin + 1 + reach] if state.roles.future else np.zeros((reach, 0))
        forecast = from_ends(state, past, [labels], [ahead], levels)[0][:n_steps]
        short = ((0, n_steps - len(forecast)), *[(0, 0)] * (forecast.ndim - 1))
        found.append(np.pad(forecast, short, constant_values=np.nan))
    return np.stack(found)


def _reaching(state: FittedState, rows: Rows, origins: Integers, which: Integers) -> tuple[Rows, Integers]:
    """Rows that go on for a horizon after the last origin of each series, where windows read known values ahead."""
    missing = int((origins + state.horizon - rows.ends[which]).max(initial=0))
    if missing <= 0 or not state.reads_ahead:
        return rows, origins
    _refuse_unknown(state, state.horizon - missing)
    labels = [state.axis.after(label, missing) for label in rows.last_labels.values()]
    empty = np.zeros((missing, 0))
    return rows.extended(labels, [empty] * rows.n_series), origins + missing * which


def with_future(state: FittedState, past: Rows, labels: list[pd.Index], future: list[Floats]) -> tuple[Rows, Integers]:
    """The rows extended by the known future, and the position of each series' newest known row."""
    if not state.reads_ahead:
        return past, past.ends
    horizon = state.horizon
    _refuse_unknown(state, min(map(len, labels)))
    lengths = np.diff(past.starts)
    labels = [
        wanted if len(wanted) >= horizon else _lengthened(state.axis, wanted, last, horizon)
        for wanted, last in zip(labels, past.last_labels.values(), strict=True)
    ]
    if not state.roles.future:  # the calendar alone: as many rows as there are labels, whatever was asked for
        future = [np.zeros((len(wanted), 0)) for wanted in labels]
    rows = past.extended(labels, future)
    return rows, rows.starts[:-1] + lengths - 1


def _lengthened(axis: TimeAxis, labels: pd.Index, last: Any, n: int) -> pd.Index:
    """`n` labels after the last known one; at irregular times they go on from those asked for."""
    if not axis.irregular or not len(labels):
        return axis.after(last, n)
    return labels.append(axis.after(labels[-1], n - len(labels)))


def labels_after(state: FittedState, rows: Rows, origin: int, n: int, end: int) -> pd.Index:
    """The `n` labels after a row; at irregular times those of the next rows, if there are enough.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    origin : int
    n : int
    end : int
        End of the series: one past its last row.

    Returns
    -------
    pandas.Index
    """
    first = rows.index[origin]
    return _lengthened(state.axis, rows.index[origin + 1 : min(origin + 1 + n, end)], first, n)


def _refuse_unknown(state: FittedState, steps: int) -> None:
    horizon = state.horizon
    if state.roles.future and steps < horizon:
        raise ValueError(
            Refusal(
                f"{steps} future rows are given, but every forecast looks at the future covariates "
                f"{state.roles.future} of all {horizon} steps of the horizon",
                advice=Words(
                    "Fill them in the frame of model.future_frame().", "--future-template FILE writes the rows to fill."
                ),
                fix=Fix("X = model.future_frame()", ""),
            )
        )


def _refuse_summed(state: FittedState, levels: Any) -> None:
    if levels is not None and not all(member.preparation.is_pointwise for member, _ in state.parts):
        raise ValueError(
            Refusal(
                f"are asked of the network, which forecasts changes (transform={state.preparation.transform!r}), and "
                "quantiles of changes do not add up to those of the series",
                where="quantiles",
                advice=(
                    "Use predict_interval, whose quantiles are of errors in the units of the series, or a transform "
                    "without a difference."
                ),
            )
        )


def _refuse_feedback(state: FittedState, n_steps: int, levels: Any) -> None:
    asked, why = f"{n_steps} steps were asked for, but horizon is {state.horizon}", None
    if state.carries:
        why = f"{asked}, and the states that are carried are those of rows, not of forecasts"
    elif levels is not None:
        why = f"quantiles of {asked}, and a distribution cannot be fed back"
    elif state.roles.past:
        why = (
            f"{asked} and past covariates {state.roles.past} are not known after it, so that forecasts cannot be fed "
            "back"
        )
    if why is not None:
        raise ValueError(Refusal(why, expected=_FEWER, fix=longer_horizon(n_steps)))


_FEWER = "fewer rows, or a longer horizon"


def _fed_back(state: FittedState, past: Rows, labels: pd.Index, future: Floats) -> Floats:
    """A forecast longer than the horizon: each block looks back on the blocks before it."""
    horizon, n_steps = state.horizon, len(labels)
    known = bool(state.roles.future)
    ahead = labels if known else _lengthened(state.axis, labels, past.index[-1], -(-n_steps // horizon) * horizon)
    rows = past.extended([ahead], [future if known else np.zeros((len(ahead), 0))])
    first, done, blocks = len(past), 0, []
    while done < n_steps:
        # What is known ahead ends with the last step asked for, so the last block may overlap the one before.
        begin = min(done, n_steps - horizon) if known else done
        block = state.forecast(rows, np.array([first + begin - 1]))[0][done - begin :]
        blocks.append(block)
        # In the precision of the series, so that the first steps have the bits of a shorter forecast.
        rows.targets[first + done : first + done + len(block)] = block
        done += len(block)
    return np.concatenate(blocks)[:n_steps]
