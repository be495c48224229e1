"""Settings, trained on rows: a preparation and a regressor that forecast together at rows of series."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import stored
from .._quantiles import at_levels, wanted_levels
from .._records import record
from .._refusals import Fix, Refusal
from .._registries import DECAYING_CELLS
from .._types import Floats, Integers, WindowNorm
from .._windows import at_every_step
from .preparation import Preparation
from .regression import (
    blocks_of,
    carries,
    fit_regressor,
    goes_on,
    needs_windows,
    predict_windows,
    reads_series,
    to_fit,
)
from .spread import LEVELS, widened

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._network import Carried
    from .._windows import Windows
    from .rows import Rows
    from .spread import Spread
    from .weighting import RowWeights

__all__ = ["PARAMETERS", "Member", "Settings", "Task", "prepared", "trained"]

PARAMETERS = "parameters"  # instead of levels: those of the distribution

_MOST = 2_000  # windows validated after each epoch: thousands of long ones take longer than the epoch


@record(frozen=True)
class Task:
    """The forecasting task, independent of the regressor.

    Attributes
    ----------
    horizon : int
    axis : TimeAxis
    target_names, past_names, future_names : list of labels
        Names of the columns as they are encoded.
    masked : bool
        Whether values may be missing.
    static_names : list of labels
    levels : dict or None
        As `Schema` has them.
    weights : RowWeights or None
        What is learnt from some rows more than from others.
    """

    horizon: int
    axis: TimeAxis
    target_names: list[Hashable]
    past_names: list[Hashable]
    future_names: list[Hashable]
    masked: bool
    static_names: list[Hashable] = field(default_factory=list)
    levels: dict[str, list[int]] | None = None
    weights: RowWeights | None = None


@record(frozen=True)
class Settings:
    """A member's settings for the task, with the names of `SeriesForecaster`.

    Attributes
    ----------
    regressor : estimator
        Not fitted.
    lookback : int
    window_norm, transform, calendar, multi_target, step, level, clip_covariates
    pads, widths
        As in `Member`.
    continued : float or None
        Share of the optimiser steps for which a network learns from all rows, after training without the validation
        rows. None: it is trained anew.
    """

    regressor: Any
    lookback: int
    window_norm: WindowNorm = "last"
    transform: Any = None
    calendar: str | Sequence[str] | None = ()
    multi_target: str = "joint"
    step: int = 1
    level: bool = False
    clip_covariates: bool = False
    pads: bool = False
    widths: tuple[float, ...] | None = None
    continued: float | None = None


@stored("member")
@record
class Member:
    """A trained regressor, and the preparation of its windows from rows.

    Attributes
    ----------
    regressor : estimator
    preparation : Preparation
    split : bool
        Whether each target is a series of its own to the regressor.
    n_windows : int
        Trained on.
    pads : bool
        Whether a series that is shorter than what is looked back on has its oldest row repeated.
    spread : Spread or None
        What makes quantiles of its forecasts, where the regressor has none and they are asked for.
    widths : tuple of float or None
        How many times as far from the median its quantiles are, as `widths_of` has it.
    """

    regressor: Any
    preparation: Preparation
    split: bool
    n_windows: int
    pads: bool = False
    spread: Spread | None = None
    widths: tuple[float, ...] | None = None

    @property
    def looks_back(self) -> int:
        """Rows before a forecast that it reads; those that a difference takes come before what a regressor reads."""
        return max(self.preparation.lookback, getattr(self.regressor, "n_history_", 1)) + self.preparation.n_lost

    @property
    def reads(self) -> int:
        """Rows before a forecast that it reads if they are there; fewer do as well."""
        return max(self.looks_back, getattr(self.regressor, "n_read_", 1) + self.preparation.n_lost)

    def channels(self, rows: Rows) -> Rows:
        """The rows as the regressor sees them."""
        return rows.split() if self.split else rows

    def knowing(self, past: Rows) -> Member:
        """The same, with what has to be learnt of series that were not there in `fit`."""
        spread = None if self.spread is None else self.spread.knowing(past)
        return replace(self, preparation=self.preparation.knowing(self.channels(past)), spread=spread)

    @property
    def has_quantiles(self) -> bool:
        """Whether it forecasts quantiles."""
        return self.spread is not None or hasattr(self.regressor, "predict_quantiles")

    @property
    def family(self) -> str | None:
        """Name of the distributions that it forecasts in the units of the series, None where it has none."""
        own: Any = getattr(self.regressor, "_network", None)
        found = None if own is None or self.spread is not None else own.outputs.family
        return own.outputs.name if found is not None and self.preparation.is_linear else None

    @property
    def carries(self) -> bool:
        """Whether its regressor carries its states from row to row."""
        return carries(self.regressor)

    def after(self, rows: Rows) -> dict[Hashable, Carried]:
        """The states of a regressor that carries them, after the newest row of each series.

        Parameters
        ----------
        rows : Rows
            Rows from the beginning of each.

        Returns
        -------
        dict of key to Carried
        """
        values = self.preparation.knowing(rows).arrays(rows)["values"]
        return dict(zip(rows.keys, self.regressor._after(values, rows.starts), strict=True))

    def gone_on(
        self, rows: Rows, lengths: dict[Hashable, int], carried: dict[Hashable, Carried]
    ) -> dict[Hashable, Carried]:
        """The same after some rows more, in the work of these.

        Parameters
        ----------
        rows : Rows
            The new ones behind those that a forecast can need.
        lengths : dict of key to int
            How many are new.
        carried : dict of key to Carried
            States before these rows; a series without an entry begins with its first row.

        Returns
        -------
        dict of key to Carried
        """
        values = self.preparation.arrays(rows)["values"]
        found, network = {}, self.regressor._network
        for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True):
            new = lengths.get(key, 0)
            if key not in carried:
                (found[key],) = self.regressor._after(values, [first, end])
            elif new:
                later = np.asarray(values[end - new : end], dtype=np.float64)
                found[key] = carried[key].advanced(network, later[None])
            else:
                found[key] = carried[key]
        return found

    def forecast(self, rows: Rows, origins: Integers, levels: Any = None) -> Floats:
        """Forecasts of a horizon.

        Parameters
        ----------
        rows : Rows
        origins : ndarray of int
            Rows after which to forecast.
        levels : list of float or PARAMETERS, default=None
            Quantiles in place of the forecast, or the parameters of the distribution.

        Returns
        -------
        ndarray of shape (n, horizon, targets), float64; (n, horizon, targets, levels or parameters) with levels
        """
        if levels is not None and self.widths is not None:
            found = widened(replace(self, widths=None).forecast(rows, origins, LEVELS), self.widths)
            return at_levels(found, LEVELS, wanted_levels(levels, LEVELS))
        if self.spread is not None:
            point = replace(self, spread=None).forecast(rows, origins)
            return self.spread.around(point, rows, origins, levels)
        if self.pads:
            rows, origins = rows.lengthened(origins, self.looks_back)
        if not self.split:
            return self._restored(rows, origins, levels)
        n = rows.targets.shape[1]
        cube = self._restored(rows.split(), rows.spread(origins), levels)[:, :, 0]
        return np.moveaxis(cube.reshape(len(origins), n, *cube.shape[1:]), 1, 2)

    def _restored(self, rows: Rows, origins: Integers, levels: Any) -> Floats:
        preparation = self.preparation
        windows = preparation.windows(rows, origins)
        regressor = self.regressor
        carried: Any = rows.carried
        stands = carried is not None and hasattr(regressor, "_standing") and set(rows.keys) <= set(carried)
        if stands and np.array_equal(origins, rows.ends):
            regressor = regressor._standing([carried[key] for key in rows.keys])
        if levels is None:
            return preparation.restore(rows, windows, predict_windows(regressor, windows))
        if levels is PARAMETERS:
            values = predict_windows(regressor, windows, "_parameters")
            values = values.reshape(len(windows), preparation.horizon, preparation.n_targets, -1)
            family = self.regressor._network.outputs.family
            return family.moved(values, lambda cube: preparation.restore(rows, windows, cube))
        table = predict_windows(regressor, windows, "predict_quantiles", levels=levels)
        table = table.reshape(len(windows), -1, len(levels))
        return np.stack(
            [preparation.restore(rows, windows, table[..., level]) for level in range(len(levels))], axis=-1
        )


def trained(
    settings: Settings, task: Task, rows: Rows, ends: Integers | None = None, before: Member | None = None
) -> tuple[Member, Windows]:
    """Train a clone of a regressor on all windows of some rows.

    Parameters
    ----------
    settings : Settings
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,), default=None
        Where the rows to learn from end in each series; a regressor that stops early validates on windows whose targets
        lie behind. None: all rows are to learn from.
    before : Member, default=None
        Member of the last fit: a regressor with `warm_start=True` continues from it, any other starts from scratch.

    Returns
    -------
    Member, Windows
        And the windows that were trained on.

    Raises
    ------
    ValueError
        No window is left to train on, or a regressor that is to go on would see other windows than in the last fit.
    """
    split = settings.multi_target == "shared" and rows.targets.shape[1] > 1
    whole, learnt = rows, rows if ends is None else rows.until(ends)
    channels = learnt.split() if split else learnt
    preparation = prepared(settings, task, channels).fit(channels)
    windows = _training_windows(preparation, settings, task, channels)
    if before is not None and goes_on(settings.regressor):
        _refuse_other_windows(before, preparation, split)
    complete = partial(preparation.complete, channels)
    validation = None
    if ends is not None:
        whole = whole.split() if split else whole
        ends = np.repeat(ends - rows.starts[:-1], rows.targets.shape[1] if split else 1) + whole.starts[:-1]
        validation = _validation_windows(preparation, whole, ends, settings.regressor)
    regressor = to_fit(settings.regressor, before and before.regressor)
    weigh = None if task.weights is None else partial(task.weights.of_windows, channels, split)
    regressor = fit_regressor(regressor, windows, complete, validation, weigh)
    return Member(regressor, preparation, split, len(windows), settings.pads), windows


_KEPT = (
    "lookback", "horizon", "window_norm", "transform", "calendar", "freq", "level", "clip_covariates", "masked",
    "n_targets", "names", "irregular",
)  # fmt: skip
_WORDS = {
    "masked": "masks of missing values", "n_targets": "the number of targets", "names": "the channels",
    "irregular": "rows at any times",
}  # fmt: skip


def _refuse_other_windows(before: Member, preparation: Preparation, split: bool) -> None:
    """What was learnt means something only for windows that are made as those of the last fit."""
    found: dict[str, tuple[Any, ...]] = {
        name: (getattr(before.preparation, name), getattr(preparation, name)) for name in _KEPT
    }
    found["multi_target"] = tuple("shared" if one else "joint" for one in (before.split, split))
    for name, (last, now) in found.items():
        if last != now:
            name = _WORDS.get(name, name)
            raise ValueError(
                Refusal(
                    f"warm_start=True goes on from the last fit, which had {name} {last!r}, and now it is {now!r}",
                    expected="the same",
                    fix=Fix("warm_start=False", ""),
                )
            )


def prepared(settings: Settings, task: Task, rows: Rows) -> Preparation:
    """The preparation of windows from rows.

    Parameters
    ----------
    settings : Settings
    task : Task
    rows : Rows
        As the regressor sees them: split where targets are shared.

    Returns
    -------
    Preparation
        Not fitted.
    """
    calendar = settings.calendar
    calendar = [] if calendar is None else [calendar] if isinstance(calendar, str) else list(calendar)
    preparation = Preparation(
        lookback=int(settings.lookback),
        horizon=int(task.horizon),
        n_targets=rows.targets.shape[1],
        window_norm=settings.window_norm,
        transform=settings.transform,
        calendar=calendar,
        masked=task.masked,
        freq=task.axis.freq,
        period=task.axis.season_length,
        names=[],
        level=settings.level,
        clip_covariates=settings.clip_covariates,
        labels=list(task.target_names),
        irregular=task.axis.irregular,
        decays=task.masked and not task.axis.irregular and _decays(settings.regressor),
        reads_series=reads_series(settings.regressor),
    )
    own = task.target_names if rows.targets.shape[1] == len(task.target_names) else ["target"]
    seen = [*own, *task.past_names]
    known = [*task.future_names, *preparation.calendar_names(rows.index)]
    known += ["time"] if preparation.irregular else []
    since = ["time since the row before"] if preparation.irregular else []
    since += ["steps since the last value"] if preparation.decays else []
    masks = [f"{name} observed" for name in seen] if task.masked else []
    preparation.names = [*seen, *known, *since, *masks, *([f"{name} level" for name in own] if settings.level else [])]
    preparation.levels = _levels_of(task.levels, len(own), len(known), len(preparation.names))
    return preparation


def _decays(regressor: Any) -> bool:
    """Whether a regressor's states decay with a time that it does not read from a channel that the user named."""
    return getattr(regressor, "cell", None) in DECAYING_CELLS and regressor.elapsed is None


def _levels_of(
    levels: dict[str, list[int]] | None, n_targets: int, n_known: int, n_channels: int
) -> dict[str, list[int]] | None:
    """Levels of the encoded covariates as those of channels, known future and static values."""
    if levels is None:
        return None
    future = levels["future"] + [0] * (n_known - len(levels["future"]))  # what is made of time labels is numbers
    past = [0] * n_targets + levels["past"] + future
    return {
        "past": past + [0] * (n_channels - len(past)),
        **({"future": future} if future else {}),
        **({"static": levels["static"]} if levels["static"] else {}),
    }


def _training_windows(preparation: Preparation, settings: Settings, task: Task, rows: Rows) -> Windows:
    clock = task.axis.positions(rows.index[rows.starts[:-1]]) if rows.n_series > 1 else None
    windows = preparation.training_windows(rows, settings.step, clock)
    windows = blocks_of(windows) if carries(settings.regressor) else windows
    if not len(windows) and needs_windows(settings.regressor):
        raise ValueError(
            Refusal(
                f"no window is left to train on: no series has {preparation.n_lost} (lost to the transform) + "
                f"{preparation.lookback} (lookback) + {preparation.horizon} (horizon) rows with a known "
                f"target{' after a row that was not put in' if rows.made_up is not None else ''}",
                advice="Use a shorter lookback.",
            )
        )
    return windows


def _validation_windows(preparation: Preparation, rows: Rows, ends: Integers, regressor: Any) -> Windows:
    """Windows whose targets all lie behind the ends; of very many, some at even distances."""
    windows = preparation.training_windows(rows, 1, None)
    first = windows.origins
    if at_every_step(regressor):
        first = first - preparation.lookback + 1
    if carries(regressor):
        return (blocks := blocks_of(windows))[blocks.origins - preparation.lookback + 1 >= ends[blocks.which] - 1]
    late = np.flatnonzero(first >= ends[windows.which] - 1)
    return windows[late[np.linspace(0, len(late) - 1, min(len(late), _MOST)).astype(np.intp)]]
