"""The state of a fitted forecaster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import ModelFileError, stored
from .._frames import named_in_fixes, read_panel
from .._numbers import LARGEST, beyond
from .._preparation import PARAMETERS, Member, Preparation, Rows
from .._records import record
from .._refusals import Refusal
from .._types import Floats, Integers
from .bounds import within
from .calibration import Calibration
from .error_scale import ErrorScales
from .fresh import Once
from .report import ModelReport
from .span import Span

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import Ends, Layout, Roles, Rules, Schema, TimeAxis
    from .._preparation import Spread
    from .since import Since

__all__ = ["FittedState"]


@stored("fitted state")
@record
class FittedState:
    """The result of `SeriesForecaster.fit`.

    Attributes
    ----------
    regressor, preparation, split
        Of the leading member, as `Member` has them.
    roles, schema, axis, layout
        Of the frame, as `forecast._frames` has them.
    tail : Rows
        The newest rows of every series.
    needed : int
        Rows that a forecast can look back on.
    n_windows : int
    report : ModelReport
    calibration : Calibration or None
    span : Span or None
        Span of the training rows, for the model card.
    members : dict of str to Member, or None
        Members by name; the forecast is their weighted mean. None: the leading member alone.
    weights : dict of str to float, or None
        Weights of the members; they add up to 1.
    lower, upper : float or None
        Bounds of forecasts and intervals.
    pads : bool
        Whether a series that is shorter than what a member looks back on has its oldest row repeated.
    kept : Rows or None
        More of the newest rows than `tail` has, to train on after an update; None: `tail` has all that are kept.
    trained : dict of key to label, or None
        Up to where each series was trained on; None: up to its end.
    flat : bool
        Whether `fit` was given a one-dimensional `y`, and so answers rows with one.
    spread : Spread or None
        Spread of the leading member, as `Member` has it.
    since : Since or None
        Forecasts after an update, and what intervals have learnt from their errors; None: it is learnt when they are
        asked for.
    n_series : int or None
        Number of series that were trained on in blocks; `tail` then has only those of the sample, and forecasts need a
        history. None: the rows of all series were in memory.
    """

    regressor: Any
    preparation: Preparation
    roles: Roles
    schema: Schema
    axis: TimeAxis
    layout: Layout
    split: bool
    tail: Rows
    needed: int
    n_windows: int
    report: ModelReport
    calibration: Calibration | None
    span: Span | None = None
    members: dict[str, Member] | None = None
    weights: dict[str, float] | None = None
    lower: float | None = None
    upper: float | None = None
    pads: bool = False
    kept: Rows | None = None
    trained: dict[Any, Any] | None = None
    flat: bool = False
    spread: Spread | None = None
    since: Since | None = None
    n_series: int | None = None
    _once: Once = field(default_factory=Once, init=False, repr=False, compare=False)

    def read(self, frame: pd.DataFrame, rules: Rules, what: str, ends: Ends | None = None) -> Rows:
        """Rows of a frame, checked against the data of `fit`.

        Parameters
        ----------
        frame : pandas.DataFrame
        rules : Rules
        what : str
            Name of the frame in messages.
        ends : Ends, default=None
            The newest known row of each series, which the rows continue.

        Returns
        -------
        Rows
        """
        with named_in_fixes(what):
            panel = read_panel(frame, self.roles, rules, schema=self.schema, axis=self.axis, what=what, ends=ends)
        return Rows.of(panel)

    def refuse_without_rows(self, call: str) -> None:
        """Refuse what needs the rows of the series, after a fit on blocks, which keeps none.

        Parameters
        ----------
        call : str
            Call of a method.

        Raises
        ------
        ValueError
        """
        if self.n_series is not None:
            raise ValueError(
                Refusal(
                    f"{call} needs the newest rows of the series, and a fit on blocks keeps none of its "
                    f"{self.n_series:,} series",
                    expected="predict(history=frame), or predict_to_parquet(path, history=blocks)",
                )
            )

    @property
    def once(self) -> Once:
        """What was computed of this state and would be the same again."""
        return self._once

    @property
    def calibrated(self) -> Calibration:
        """The calibration of a state that has one, as callers have made sure."""
        assert self.calibration is not None
        return self.calibration

    @property
    def parts(self) -> list[tuple[Member, float]]:
        """The members and their weights, the leading one first."""
        if self.members is None:
            lead = Member(self.regressor, self.preparation, self.split, self.n_windows, self.pads, self.spread)
            return [(lead, 1.0)]
        weights = self.weights or {}
        return [(member, weights[name]) for name, member in self.members.items()]

    @property
    def carries(self) -> bool:
        """Whether the regressor carries its states from row to row."""
        return self.members is None and self.parts[0][0].carries

    def standing(self, rows: Rows) -> FittedState:
        """The same with the states after the newest row of each series, where they are carried.

        Parameters
        ----------
        rows : Rows
            Rows from the beginning of each series.

        Returns
        -------
        FittedState
        """
        if not self.carries:
            return self
        return replace(self, tail=replace(self.tail, carried=self.parts[0][0].after(rows.only(self.tail.keys))))

    @property
    def rows(self) -> Rows:
        """All rows that are kept."""
        return self.tail if self.kept is None else self.kept

    @property
    def trained_until(self) -> dict[Any, Any]:
        """The last label of each series that was trained on."""
        return self.tail.last_labels if self.trained is None else self.trained

    @property
    def error_scales(self) -> ErrorScales:
        """Scales on which errors of forecasts are measured."""
        return ErrorScales.of([member for member, _ in self.parts])

    @property
    def horizon(self) -> int:
        """Steps of one forecast."""
        return self.preparation.horizon

    @property
    def least_history(self) -> int:
        """Rows before a forecast without which a member cannot make it."""
        return 1 if self.pads else self.looks_back

    @property
    def looks_back(self) -> int:
        """Rows before a forecast that a member reads, with those that its transform loses."""
        return max(1, *(member.preparation.lookback + member.preparation.n_lost for member, _ in self.parts))

    @property
    def reads_no_past(self) -> bool:
        """Whether no member looks back at all."""
        return all(member.preparation.lookback == 0 for member, _ in self.parts)

    @property
    def has_quantiles(self) -> bool:
        """Whether all members forecast quantiles."""
        return all(member.has_quantiles for member, _ in self.parts)

    @property
    def knowing_intervals(self) -> FittedState | None:
        """The member, alone, that has intervals before any error is known: its quantiles were learnt elsewhere."""
        for member, _ in self.parts:
            if getattr(member.regressor, "_knows_its_intervals", False):
                return self.alone(member)
        return None

    @property
    def family(self) -> str | None:
        """Name of the distributions that are forecast, None where there are none in the units of the series."""
        return self.parts[0][0].family if len(self.parts) == 1 else None

    @property
    def reads_ahead(self) -> bool:
        """Whether a forecast reads what is known of the steps that it forecasts."""
        own = (member.preparation for member, _ in self.parts)
        return bool(self.roles.future) or any(one.calendar or one.irregular or one.lookback == 0 for one in own)

    @property
    def learns_of_series(self) -> bool:
        """Whether a transform is learnt of each series by itself."""
        return any(member.preparation.transform is not None for member, _ in self.parts)

    def unlearnt(self, keys: list[Any]) -> set[Any]:
        """Those of some series of which something has to be learnt, because `fit` did not have them."""
        known: list[Any] = [member.preparation.known_series for member, _ in self.parts]
        split = [member.split for member, _ in self.parts]
        known = [
            {key[0] for key in own} if apart else own
            for own, apart in zip(known, split, strict=True)
            if own is not None
        ]
        return {key for key in keys if any(key not in own for own in known)}

    def holds_unseen(self, keys: list[Any]) -> bool:
        """Whether something has to be learnt of one of these series, which were not all there in `fit`."""
        return bool(self.unlearnt(keys))

    def knowing(self, past: Rows) -> FittedState:
        """The same, with what has to be learnt of series that were not there in `fit`.

        Parameters
        ----------
        past : Rows
            What is known of them.

        Returns
        -------
        FittedState
        """
        if self.members is None:
            lead = self.parts[0][0].knowing(past)
            return replace(self, preparation=lead.preparation, spread=lead.spread)
        return replace(self, members={name: member.knowing(past) for name, member in self.members.items()})

    def forecast(self, rows: Rows, origins: Integers, levels: Any = None) -> Floats:
        """Forecasts of a horizon; as `Member.forecast`, the weighted mean of the members.

        The mean of a level's quantiles is taken as the quantile (Vincent averaging).
        """
        parts = self.parts
        if levels is PARAMETERS:
            return parts[0][0].forecast(rows, origins, levels)
        if len(parts) == 1:
            return self.within(parts[0][0].forecast(rows, origins, levels))
        return self.within(np.asarray(sum(weight * member.forecast(rows, origins, levels) for member, weight in parts)))

    def within(self, array: Floats) -> Floats:
        """Values in the units of the targets, kept to the bounds."""
        return within(array, self.lower, self.upper)

    def alone(self, member: Member) -> FittedState:
        """The state of a forecaster that has one of the members only; nothing is known of its own errors."""
        return replace(
            self,
            regressor=member.regressor,
            preparation=member.preparation,
            split=member.split,
            n_windows=member.n_windows,
            spread=member.spread,
            report=ModelReport(None, np.nan, 0, False, ["a member: its errors were not looked at by themselves"]),
            calibration=None,
            members=None,
            weights=None,
            since=None,
        )

    def _check_loaded(self) -> None:
        """Refuse a state out of a file whose parts do not fit together."""
        for rows in (self.tail, self.rows):
            self._check_rows(rows)
        if set(self.rows.keys) != set(self.tail.keys):
            raise ModelFileError(Refusal("the newest rows and the older ones are of different series"))
        if self.carries != (self.tail.carried is not None):
            raise ModelFileError(
                Refusal("the states that the regressor carries are missing, or are there of another one")
            )
        if self.tail.carried is not None:
            if set(self.tail.carried) != set(self.tail.keys):
                raise ModelFileError(Refusal("the carried states are not those of the newest rows' series"))
            for carried in self.tail.carried.values():
                carried.refuse_damaged(self.regressor._network)
        if not isinstance(self.trained, (Mapping, type(None))):
            raise ModelFileError(
                Refusal(f"the ends of training are a {type(self.trained).__name__}", expected="a dict")
            )
        if self.since is not None:
            self.since.refuse_damaged(self)

    def _check_rows(self, tail: Rows) -> None:
        n, rows, series = len(self.roles.target), len(tail.index), len(tail.keys)
        shapes = {
            "targets": (tail.targets.shape, (rows, n)),
            "past": (tail.past.shape, (rows, len(self.schema.past_names))),
            "future": (tail.future.shape, (rows, len(self.schema.future_names))),
            "static": (tail.static.shape, (series, len(self.schema.static_names))),
        }
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise ModelFileError(Refusal(f"the newest rows have {name} of shape {found}", expected=str(expected)))
            _refuse_kept(name, getattr(tail, name))
        starts = tail.starts
        if starts.shape != (series + 1,) or starts[0] != 0 or starts[-1] != rows or (np.diff(starts) <= 0).any():
            raise ModelFileError(
                Refusal(f"the newest rows of {series} series do not begin where they should in {rows} rows")
            )


def _refuse_kept(name: str, values: Floats) -> None:
    """Refuse values of kept rows that no frame may hold; NaN stands for a missing one."""
    wrong = values[np.isinf(values) | beyond(values)] if values.dtype.kind == "f" else values[:0]
    if wrong.size:
        raise ModelFileError(
            Refusal(
                f"the newest rows have {wrong.size} values that no fit has kept among their {name}",
                got=f"{wrong[0]:.3g} is the first",
                expected=f"numbers up to {LARGEST:g}, whose squares float64 still holds",
            )
        )
