"""From the rows known at some origins to forecasts in the units of the series."""

from dataclasses import replace

import numpy as np

from .regression import predict_windows

__all__ = ["from_ends", "from_origins", "holds_unseen"]


def from_ends(state, past, labels, future, levels=None):
    """One forecast after the end of each series.

    Parameters
    ----------
    state : FittedState
    past : Rows
        What is known of the series.
    labels : list of pandas.Index
        The steps asked for, of each series.
    future : list of ndarray of shape (steps, F)
        Encoded future covariates of these steps.
    levels : list of float, default=None
        Quantiles in place of the forecast, for at most `horizon` steps.

    Returns
    -------
    list of ndarray of shape (steps, targets), float64; (steps, targets, levels) with levels
    """
    longest = max(map(len, labels))
    _refuse_summed(state, levels)
    state = replace(state, preparation=state.preparation.knowing(past.split() if state.split else past))
    if longest <= state.preparation.horizon:
        rows, origins = _with_future(state, past, labels, future)
        found = _at(state, rows, origins, levels)
        return [forecast[: len(wanted)] for forecast, wanted in zip(found, labels, strict=True)]
    _refuse_feedback(state, longest, levels)
    return [
        _fed_back(state, past.parts([(number, int(first), int(end))]), wanted, future[number])
        for number, (first, end, wanted) in enumerate(zip(past.starts[:-1], past.starts[1:], labels, strict=True))
    ]


def from_origins(state, rows, origins, n_steps, levels=None):
    """Forecasts after several rows of series whose later rows are there too, in one call where possible.

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
    preparation = state.preparation
    _refuse_summed(state, levels)
    which = np.searchsorted(rows.starts, origins, side="right") - 1
    rows = rows.unknown_after(origins)
    unseen = holds_unseen(state, [rows.keys[number] for number in np.unique(which)])
    if n_steps <= preparation.horizon and not unseen:
        rows, origins = _reaching(state, rows, origins, which)
        return _at(state, rows, origins, levels)[:, :n_steps]
    found = []
    for origin, number in zip(origins, which, strict=True):  # each knows the rows up to its own origin, and no other
        past = rows.parts([(int(number), int(rows.starts[number]), int(origin) + 1)])
        reach = n_steps
        if state.roles.future:  # their rows end with the series
            reach = min(max(n_steps, preparation.horizon), int(rows.starts[number + 1] - origin) - 1)
        labels = state.axis.after(rows.index[origin], reach)
        ahead = rows.future[origin + 1 : origin + 1 + reach] if state.roles.future else np.zeros((reach, 0))
        forecast = from_ends(state, past, [labels], [ahead], levels)[0][:n_steps]
        short = ((0, n_steps - len(forecast)), *[(0, 0)] * (forecast.ndim - 1))
        found.append(np.pad(forecast, short, constant_values=np.nan))
    return np.stack(found)


def holds_unseen(state, keys):
    """Whether something has to be learnt of one of these series, which were not all there in `fit`.

    Parameters
    ----------
    state : FittedState
    keys : list
        Names of series.

    Returns
    -------
    bool
        False where nothing is learnt of a single series.
    """
    known = state.preparation.known_series
    if known is None:
        return False
    known = {key[0] for key in known} if state.split else known
    return any(key not in known for key in keys)


def _reaching(state, rows, origins, which):
    """Rows that go on for a horizon after the last origin of each series, where windows read known values ahead."""
    preparation = state.preparation
    missing = int((origins + preparation.horizon - rows.ends[which]).max(initial=0))
    if missing <= 0 or not _reads_ahead(state):
        return rows, origins
    _refuse_unknown(state, preparation.horizon - missing)
    labels = [state.axis.after(label, missing) for label in rows.last_labels.values()]
    empty = np.zeros((missing, 0))
    return rows.extended(labels, [empty] * rows.n_series), origins + missing * which


def _with_future(state, past, labels, future):
    """The rows with what is known after them, and the position of each series' newest known row."""
    if not _reads_ahead(state):
        return past, past.ends
    horizon = state.preparation.horizon
    _refuse_unknown(state, min(map(len, labels)))
    lengths = np.diff(past.starts)
    labels = [
        wanted if len(wanted) >= horizon else state.axis.after(last, horizon)
        for wanted, last in zip(labels, past.last_labels.values(), strict=True)
    ]
    if not state.roles.future:  # the calendar alone: as many rows as there are labels, whatever was asked for
        future = [np.zeros((len(wanted), 0)) for wanted in labels]
    rows = past.extended(labels, future)
    return rows, rows.starts[:-1] + lengths - 1


def _reads_ahead(state):
    return bool(state.preparation.calendar) or bool(state.roles.future)


def _refuse_unknown(state, steps):
    horizon = state.preparation.horizon
    if state.roles.future and steps < horizon:
        raise ValueError(
            f"{steps} future rows are given, but every forecast looks at the future covariates {state.roles.future} of "
            f"all {horizon} steps of the horizon. Fix: predict(future) with future = model.future_frame(), filled."
        )


def _refuse_summed(state, levels):
    if levels is not None and not state.preparation.is_pointwise:
        raise ValueError(
            f"quantiles are asked of the network, which forecasts changes (transform={state.preparation.transform!r}), "
            "and quantiles of changes do not add up to those of the series. Fix: predict_interval, whose quantiles are "
            "of errors in the units of the series, or a transform that is no difference."
        )


def _refuse_feedback(state, n_steps, levels):
    if levels is not None:
        raise ValueError(
            f"quantiles of {n_steps} steps were asked for, but horizon is {state.preparation.horizon}, and quantiles "
            f"cannot be fed back. Fix: horizon={n_steps}, or fewer rows."
        )
    if state.roles.past:
        raise ValueError(
            f"{n_steps} steps were asked for, but horizon is {state.preparation.horizon} and past covariates "
            f"{state.roles.past} are not known after it, so that forecasts cannot be fed back. Fix: horizon={n_steps}, "
            "or fewer rows."
        )


def _at(state, rows, origins, levels=None):
    """Forecasts of a horizon at some rows, shape (n, horizon, targets), or (n, horizon, targets, levels)."""
    if not state.split:
        return _restored(state, rows, origins, levels)
    n = rows.targets.shape[1]
    which = np.searchsorted(rows.starts, origins, side="right") - 1
    channels = rows.split()
    first = channels.starts[which[:, None] * n + np.arange(n)]
    spread = (first + (origins - rows.starts[which])[:, None]).ravel()
    cube = _restored(state, channels, spread, levels)[:, :, 0]
    return np.moveaxis(cube.reshape(len(origins), n, *cube.shape[1:]), 1, 2)


def _restored(state, rows, origins, levels):
    preparation = state.preparation
    windows = preparation.windows(rows, origins)
    if levels is None:
        return preparation.restore(rows, windows, predict_windows(state.regressor, windows))
    table = predict_windows(state.regressor, windows, "predict_quantiles", levels=levels)
    table = table.reshape(len(windows), -1, len(levels))
    return np.stack(
        [preparation.restore(rows, windows, table[..., level]) for level in range(len(levels))], axis=-1
    )


def _fed_back(state, past, labels, future):
    """A forecast longer than the horizon: each block looks back on the blocks before it."""
    horizon, n_steps = state.preparation.horizon, len(labels)
    known = bool(state.roles.future)
    ahead = labels if known else state.axis.after(past.index[-1], -(-n_steps // horizon) * horizon)
    rows = past.extended([ahead], [future if known else np.zeros((len(ahead), 0))])
    first, done, blocks = len(past), 0, []
    while done < n_steps:
        # What is known ahead ends with the last step asked for, so the last block may overlap the one before.
        begin = min(done, n_steps - horizon) if known else done
        block = _at(state, rows, np.array([first + begin - 1]))[0][done - begin :]
        blocks.append(block)
        # In the precision of the series, so that the first steps have the bits of a shorter forecast.
        rows.targets[first + done : first + done + len(block)] = block
        done += len(block)
    return np.concatenate(blocks)[:n_steps]

