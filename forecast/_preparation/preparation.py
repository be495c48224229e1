"""Between a frame's rows and a regressor: transforms, calendar, filling, masks, windows, and their inverses."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._files import stored
from .._records import record
from .._refusals import Refusal, extended
from .._types import Array, Booleans, Floats, Integers, WindowNorm
from .._windows import Norm, Windows, noise_floor, windows_of, without_motion
from ..preprocessing import calendar_features, make_transform

if TYPE_CHECKING:
    from ..preprocessing import Chain
    from .rows import Rows

from .learnt import limits_of, mean_of, still_series

__all__ = ["Preparation"]

_ROLES = ("past", "future", "static")


@stored("preparation")
@record
class Preparation:
    """The conversion of rows to windows and of predictions to forecasts; fitted only on training rows.

    Attributes
    ----------
    lookback, horizon, n_targets : int
    window_norm : None, str or tuple
    transform : as `SeriesForecaster`'s
    calendar : list of str
    masked : bool
        Whether values may be missing: channels then say which are observed.
    freq, period
        Frequency of the rows, and steps of its season.
    names : list of labels
        Names of the channels.
    chains : dict
        Fitted transforms, one list (a transform per target) of each series; empty without transforms.
    fill : ndarray
        Replaces targets and past covariates before their first value: their means.
    floors : dict or None
        The least deviation by which windows are divided, one array (a number per target) of each series. None: a
        thousandth of a window's mean, as in models of version 0.1.0.
    level : bool
        Whether the targets are repeated after all other channels, without the windows' norm.
    labels : list of labels
        Labels of the targets, for messages; where each target is a series of its own, of all of them. Models of version
        0.1.0 have none.
    levels : dict or None
        Levels of every channel, column of known future and static value: how many codes of categories it holds: as
        `Windows` has them. None: all are numbers.
    still : dict
        For each series with targets that were constant in the training rows, a mask of them. Empty where a transform or
        a floor shows which.
    named : list or None
        The series of these rows. Another one has no such rows: it counts as one that never moved where its window is
        still. None: there was one series, `still` is empty, or the model is of an earlier version.
    clip_covariates : bool
        Whether covariates are held within what the training rows show of them more than rarely.
    limits : ndarray or None
        The least and the greatest value of each that is let through, shape (2, columns): past covariates first, then
        those known ahead, then static ones.
    irregular : bool
        Whether rows may be at any times. Behind the calendar come the time of each row, which windows count from their
        newest row and know ahead, and the time since the row before, both in steps of `freq`.
    decays : bool
        Whether states decay with the steps since a target was last observed: a channel behind the calendar.
    reads_series : bool
        Whether the regressor reads the series beyond the window, and sees by itself whether it ever moved.
    """

    lookback: int
    horizon: int
    n_targets: int
    window_norm: WindowNorm
    transform: Any
    calendar: list[str]
    masked: bool
    freq: Any
    period: int
    names: list[Hashable]
    chains: dict[Hashable, list[Chain]] = field(default_factory=dict)
    fill: Any = None
    floors: dict[Hashable, Floats] | None = None
    level: bool = False
    labels: list[Hashable] = field(default_factory=list)
    still: dict[Hashable, Booleans] = field(default_factory=dict)
    clip_covariates: bool = False
    limits: Floats | None = None
    levels: dict[str, list[int]] | None = None
    named: list[Hashable] | None = None
    irregular: bool = False
    decays: bool = False
    reads_series: bool = False

    def _levels_of(self, role: str, table: Floats) -> list[int]:
        """Levels of the covariates of a role, whose past begins behind the targets."""
        first = self.n_targets if role == "past" else 0
        return (self.levels or {}).get(role, [])[first : first + table.shape[1]]

    @property
    def n_lost(self) -> int:
        """Rows at the start of a series without a value of the transform, or without a row before to count from."""
        return max(self._undefined, int(self.irregular or self.decays))

    @property
    def _undefined(self) -> int:
        """Rows at the start of a series that its transform leaves without a value."""
        return 0 if self.transform is None else make_transform(self.transform, period=self.period).n_lost

    @property
    def is_pointwise(self) -> bool:
        """Whether quantiles may pass through the transform."""
        return self.transform is None or make_transform(self.transform, period=self.period).is_pointwise

    @property
    def is_linear(self) -> bool:
        """Whether forecasts are only shifted and stretched on their way back: a distribution keeps its family."""
        return self.transform is None or make_transform(self.transform, period=self.period).is_linear

    def calendar_names(self, index: pd.Index) -> list[str]:
        """Names of the calendar's features."""
        return calendar_features(index[:1], self.calendar)[1] if self.calendar else []

    def fit(self, rows: Rows) -> Self:
        """Learn transforms and means from training rows.

        Parameters
        ----------
        rows : Rows

        Returns
        -------
        self
        """
        self.fill = np.zeros(rows.targets.shape[1] + rows.past.shape[1])
        if self.masked:
            self.fill = np.array([mean_of(column) for column in (*rows.targets.T, *rows.past.T)])
            if self.levels is not None:  # nothing is known of a category before the first one
                self.fill[np.array(self.levels["past"][: len(self.fill)]) > 0] = -1
        if self.clip_covariates:
            tables = rows.past, rows.future, rows.static
            self.limits = np.concatenate([limits_of(part) for part in tables], axis=1)
            if self.levels is not None:  # a code is not a size
                coded = np.concatenate([self._levels_of(*part) for part in zip(_ROLES, tables, strict=True)]) > 0
                self.limits[:, coded] = [[-np.inf], [np.inf]]
        if self.transform is not None:
            self.chains = {
                key: self._fitted_chain(key, rows.targets[first:end])
                for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
            }
        if Norm.of(self.window_norm, self.lookback).kind == "standard":
            self.floors = self._measured(rows, rows.keys)
        elif self.transform is None and rows.n_series > 1 and self.lookback and not self.reads_series:
            # A series alone has its own unit.
            self.still, self.named = still_series(rows), list(rows.keys)
        return self

    def _measured(self, rows: Rows, keys: Sequence[Hashable]) -> dict[Hashable, Floats]:
        """Floors of some of the series, from the observed values of all rows that are given of them."""
        wanted = set(keys)
        numbers = [number for number, key in enumerate(rows.keys) if key in wanted]
        some = rows.parts([(number, int(rows.starts[number]), int(rows.starts[number + 1])) for number in numbers])
        raw = some.filled("targets", self.fill[: some.targets.shape[1]]) if self.masked else some.targets
        seen = np.where(np.isnan(some.targets), np.nan, self._transformed(some, raw)).astype(raw.dtype, copy=False)
        return {
            key: noise_floor(seen[first:end])
            for key, first, end in zip(some.keys, some.starts[:-1], some.starts[1:], strict=True)
        }

    @property
    def known_series(self) -> set[Hashable] | None:
        """Names of the series of which something was learnt; None where nothing is learnt of a single series."""
        if self.transform is None and self.floors is None:
            return None
        return set(self.chains if self.floors is None else self.floors)

    def _fitted_chain(self, key: Hashable, targets: Floats) -> list[Chain]:
        chains = []
        for number, column in enumerate(targets.T):
            with self._named(key, number):
                chain = make_transform(self.transform, period=self.period)
                chains.append(chain.fit(column.astype(np.float64)))
        return chains

    @contextmanager
    def _named(self, key: Any, number: int) -> Iterator[None]:
        """A refusal of one target of one series names each of the two if there are several."""
        try:
            yield
        except ValueError as error:
            split = len(self.labels) > 1 and self.n_targets == 1
            key, number = key if split else (key, number)
            name = "" if key is None else f"series {key!r}: "
            name += f"column {self.labels[number]!r}: " if len(self.labels) > 1 else ""
            if not name:
                raise
            raise ValueError(extended(error, name)) from error

    def chain(self, key: Hashable, rows: Rows, number: int) -> list[Chain]:
        """The transforms of a series; those of one that was never fitted are learnt from what is given of it."""
        if key not in self.chains:
            return self._fitted_chain(key, rows.targets[rows.starts[number] : rows.starts[number + 1]])
        return self.chains[key]

    def refuse_untransformable(self, rows: Rows, known: bool) -> None:
        """Refuse values that the transform of their series does not take.

        Parameters
        ----------
        rows : Rows
        known : bool
            Whether to look at series alone whose transform was learnt: of others there may be too few rows to learn.
        """
        if self.transform is not None:
            keys = [key for key in rows.keys if not known or key in self.chains]
            if keys:
                some = rows.only(keys)
                self._transformed(some, some.targets)

    def knowing(self, rows: Rows) -> Preparation:
        """The same with transforms and floors of series that `fit` did not have, learnt from what is given of them.

        Parameters
        ----------
        rows : Rows

        Returns
        -------
        Preparation
        """
        known = self.known_series
        new = [] if known is None else [key for key in rows.keys if key not in known]
        if not new:
            return self
        chains, floors = self.chains, self.floors
        if self.transform is not None:
            chains = {key: self.chain(key, rows, number) for number, key in enumerate(rows.keys)}
        if floors is not None:
            floors = floors | replace(self, chains=chains)._measured(rows, new)
        return replace(self, chains=chains, floors=floors)

    # -------------------- rows to windows

    def arrays(self, rows: Rows) -> dict[str, Any]:
        """What windows read.

        Parameters
        ----------
        rows : Rows

        Returns
        -------
        dict
            `values`, `targets` (None: the first columns of `values`), `future`, `static` (None where empty), where rows
            are at any times `stamps`, and `elapsed` there or where states decay.
        """
        n = rows.targets.shape[1]
        raw = rows.filled("targets", self.fill[:n]) if self.masked else rows.targets
        targets = self._transformed(rows, raw)
        past = rows.filled("past", self.fill[n:]) if self.masked else rows.past
        past, future, static = self._held(past, rows.future, rows.static)
        known = self._known(rows, future)
        parts: list[Array] = [targets, past, known]
        places: dict[str, Any] = {}
        if self.irregular:
            time, since = rows.times(self.freq)
            first = targets.shape[1] + past.shape[1] + known.shape[1]
            places = {"stamps": (first, known.shape[1]), "elapsed": first + 1}
            parts += [time, since]
            known = np.concatenate([known, time], axis=1)
        elif self.decays:
            places = {"elapsed": sum(part.shape[1] for part in parts)}
            parts.append(rows.since_observed())
        if self.masked:
            there = True if rows.padding is None else ~rows.padding[:, None]
            parts += [~np.isnan(rows.targets) & there, ~np.isnan(rows.past) & there]
        if self.level:
            parts.append(targets)
        parts = [part for part in parts if part.shape[1]]
        dtype = np.float64 if self.irregular else rows.targets.dtype  # times counted from an epoch need all digits
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1, dtype=dtype)
        return {
            "values": values,
            "targets": np.where(np.isnan(rows.targets), np.nan, targets) if self.masked else None,
            "future": known if known.shape[1] else None,
            "static": static if static.shape[1] else None,
            **places,
        }

    def _held(self, *tables: Floats) -> Sequence[Floats]:
        """Tables of covariates, within what training has shown of them."""
        if self.limits is None:
            return tables
        cuts = np.cumsum([table.shape[1] for table in tables])[:-1]
        parts = np.split(self.limits, cuts, axis=1)
        return [np.clip(table, *part.astype(table.dtype)) for table, part in zip(tables, parts, strict=True)]

    def _transformed(self, rows: Rows, raw: Floats) -> Floats:
        if self.transform is None:
            return raw
        out = np.empty_like(raw)
        for number, key in enumerate(rows.keys):
            part = slice(rows.starts[number], rows.starts[number + 1])
            if np.isnan(raw[part]).all():  # of a series that no forecast is asked of, nothing is known
                out[part] = np.nan
                continue
            for column, transform in enumerate(self.chain(key, rows, number)):
                with self._named(key, column):
                    out[part, column] = transform.transform(raw[part, column].astype(np.float64))
        return out

    def _known(self, rows: Rows, future: Floats) -> Floats:
        """Future covariates and calendar features of every row."""
        if not self.calendar:
            return future
        features, _ = calendar_features(rows.index, self.calendar)
        return np.concatenate([future, features], axis=1, dtype=rows.targets.dtype)

    def training_windows(self, rows: Rows, step: int, clock: Integers | None) -> Windows:
        """All windows with a past and a future that a forecast could start from.

        Where values may be missing, those that have seen and have a target; where rows were put in on a line to the
        next one, those that do not end their past on such a row: it knows what is to be forecast.

        Parameters
        ----------
        rows : Rows
        step : int
        clock : ndarray of int or None

        Returns
        -------
        Windows
        """
        windows = windows_of(
            **self._shared(rows), lookback=self.lookback, horizon=self.horizon, step=step, lost=self.n_lost, clock=clock
        )
        if rows.made_up is not None and self.lookback:
            windows = windows[~rows.made_up[windows.origins]]
        if not self.masked:
            return windows
        seen, ahead = self._observed(rows, windows)
        return windows[seen & (ahead > 0).any(axis=1)]

    def complete(self, rows: Rows, windows: Windows) -> Windows:
        """Those windows whose targets are all there, for regressors that cannot leave some out."""
        if not self.masked:
            return windows
        _, ahead = self._observed(rows, windows)
        return windows[(ahead == self.horizon).all(axis=1)]

    def _observed(self, rows: Rows, windows: Windows) -> tuple[Booleans, Integers]:
        """Whether every target was seen at least once up to the origin, and how many steps ahead have a value."""
        total = np.concatenate([np.zeros((1, rows.targets.shape[1]), int), np.cumsum(~np.isnan(rows.targets), axis=0)])
        origins = windows.origins.astype(np.int64)
        seen: Any = (total[origins + 1] > total[windows.first_rows]).all(axis=1) | (not self.lookback)
        end = np.minimum(origins + self.horizon + 1, len(rows))
        return seen, total[end] - total[origins + 1]

    def windows(self, rows: Rows, origins: npt.ArrayLike) -> Windows:
        """Windows at some rows, with or without a future.

        Parameters
        ----------
        rows : Rows
        origins : array-like of int

        Returns
        -------
        Windows

        Raises
        ------
        ValueError
            Nothing was ever seen of a target up to an origin.
        """
        shared = self._shared(rows)
        windows = Windows(origins=origins, lookback=self.lookback, horizon=self.horizon, **shared)
        if self.masked:
            seen, _ = self._observed(rows, windows)
            if not seen.all():
                at = rows.index[windows.origins[~seen][0]]
                raise ValueError(Refusal(f"no value of a target is known up to {at}", advice="Use a longer history."))
        return windows

    def _shared(self, rows: Rows) -> dict[str, Any]:
        arrays = self.arrays(rows)
        return dict(
            arrays,
            starts=rows.starts,
            n_targets=self.n_targets,
            window_norm=self.window_norm,
            window_floor=self._floors_of(rows),
            series=None if rows.keys == [None] else pd.Index(rows.keys, tupleize_cols=False),
            index=rows.index,
            freq=self.freq,
            channel_names=self.names,
            settled=rows.settled,
            levels=self.levels,
        )

    def _floors_of(self, rows: Rows) -> Floats | None:
        if self.floors is None:
            return None
        nothing = np.zeros(self.n_targets)  # of a series of which nothing is known, so that no window is asked of it
        return np.array([self.floors.get(key, nothing) for key in rows.keys])

    # -------------------- predictions to forecasts

    def restore(self, rows: Rows, windows: Windows, prediction: npt.ArrayLike) -> Floats:
        """Predictions in the units of the series.

        A series that never moved in the training rows stays where it is, whatever others do; so does one that was not
        among these and does not move in the window.

        Parameters
        ----------
        rows : Rows
        windows : Windows
        prediction : array-like of shape (n, horizon * targets) or (n,)

        Returns
        -------
        ndarray of shape (n, horizon, targets), float64
        """
        prediction = np.asarray(prediction, dtype=np.float64).reshape(len(windows), -1)
        cube: Floats = prediction.reshape(len(windows), self.horizon, self.n_targets)
        if windows.window_floor is not None:  # a series that never moved has no scale of its own
            cube = np.where(without_motion(windows), 0.0, cube)
        cube = windows.restore(cube.reshape(len(windows), -1)).reshape(cube.shape)
        new = set() if self.named is None else set(rows.keys) - set(self.named)
        if self.transform is None and not self.still and not new:
            return cube
        raw = rows.filled("targets", self.fill[: self.n_targets]) if self.masked else rows.targets
        which, lost = windows.which, self._undefined
        for number in np.unique(which):
            mine = which == number
            key = rows.keys[number]
            if self.transform is None:
                if key in self.still or key in new:
                    origins, never = windows.origins[mine], self.still.get(key, True)
                    if rows.padding is not None:  # copies of one row say nothing of whether it moves
                        never = never & ~rows.padding[origins - self.lookback + 1][:, None]
                    cube[mine] = self._kept_still(never, raw, origins, cube[mine])
                continue
            before = windows.origins[mine][:, None] + np.arange(1 - lost, 1)
            for column, transform in enumerate(self.chain(key, rows, number)):
                if transform.was_constant and self.lookback:  # no scale of its own: others say nothing of its units
                    cube[mine, :, column] = raw[windows.origins[mine], column, None]
                    continue
                past, seen = raw[before, column].astype(np.float64), None
                if transform.has_end:
                    seen = self._greatest(raw[:, column], windows.origins[mine])
                with self._named(key, column):
                    cube[mine, :, column] = transform._undone(cube[mine, :, column], past, seen)
        return cube

    def _kept_still(self, never: bool | Booleans, raw: Floats, origins: Integers, forecasts: Floats) -> Floats:
        """Forecasts of a series; the newest value of targets that `never` moved before, nor do in the window."""
        values = np.lib.stride_tricks.sliding_window_view(raw, self.lookback, axis=0)[origins - self.lookback + 1]
        newest = values[..., -1:]
        still = (values == newest).all(axis=-1) & never
        return np.where(still[:, None], newest[..., 0][:, None].astype(np.float64), forecasts)

    def _greatest(self, values: Floats, origins: Integers) -> Floats:
        """The greatest value in the window before each origin."""
        windows = np.lib.stride_tricks.sliding_window_view(values, self.lookback)
        return windows[origins - self.lookback + 1].max(axis=1).astype(np.float64)

    def actual(self, rows: Rows, windows: Windows) -> Floats:
        """Actual values in the units of the series; NaN where they are missing or were filled in."""
        ahead = windows.origins[:, None] + np.arange(1, self.horizon + 1)
        return rows.true_targets[ahead].astype(np.float64)
