"""A panel of training rows into everything that a fitted forecaster knows."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .._files import ModelFileError, stored
from .._preparation import Member, Preparation, Rows, Settings, Task, trained
from .._preparation.regression import judged, predict_windows
from .calibration import Calibration
from .report import ModelReport, judge, naive_forecasts, seasonal_change
from .span import Span

__all__ = ["FittedState", "fitted_state"]


@stored("fitted state")
@dataclass
class FittedState:
    """What `SeriesForecaster.fit` leaves behind.

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
        Of the training rows, for the model card.
    members : dict of str to Member, or None
        Whose weighted mean is the forecast, by name; None: the leading member alone.
    weights : dict of str to float, or None
        Of the members; they add up to 1.
    """

    regressor: object
    preparation: Preparation
    roles: object
    schema: object
    axis: object
    layout: object
    split: bool
    tail: Rows
    needed: int
    n_windows: int
    report: ModelReport
    calibration: Calibration | None
    span: Span | None = None
    members: dict | None = None
    weights: dict | None = None

    @property
    def parts(self):
        """The members and their weights, the leading one first."""
        if self.members is None:
            return [(Member(self.regressor, self.preparation, self.split, self.n_windows), 1.0)]
        return [(member, self.weights[name]) for name, member in self.members.items()]

    @property
    def horizon(self):
        """Steps of one forecast."""
        return self.preparation.horizon

    @property
    def least_history(self):
        """Rows before a forecast without which a member cannot make it."""
        return max(member.preparation.lookback + member.preparation.n_lost for member, _ in self.parts)

    @property
    def reads_ahead(self):
        """Whether a forecast reads what is known of the steps that it forecasts."""
        return bool(self.roles.future) or any(member.preparation.calendar for member, _ in self.parts)

    @property
    def learns_of_series(self):
        """Whether a transform is learnt of each series by itself."""
        return any(member.preparation.transform is not None for member, _ in self.parts)

    def holds_unseen(self, keys):
        """Whether something has to be learnt of one of these series, which were not all there in `fit`."""
        for member, _ in self.parts:
            known = member.preparation.known_series
            if known is not None:
                known = {key[0] for key in known} if member.split else known
                if any(key not in known for key in keys):
                    return True
        return False

    def knowing(self, past):
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
            return replace(self, preparation=self.parts[0][0].knowing(past).preparation)
        return replace(self, members={name: member.knowing(past) for name, member in self.members.items()})

    def forecast(self, rows, origins, levels=None):
        """Forecasts of a horizon; as `Member.forecast`, the weighted mean of the members.

        The mean of a level's quantiles is taken as the quantile (Vincent averaging).
        """
        parts = self.parts
        if len(parts) == 1:
            return parts[0][0].forecast(rows, origins, levels)
        return sum(weight * member.forecast(rows, origins, levels) for member, weight in parts)

    def _check_loaded(self):
        """Refuse a state out of a file whose parts do not fit together."""
        tail, n = self.tail, len(self.roles.target)
        rows, series = len(tail.index), len(tail.keys)
        shapes = {
            "targets": (tail.targets.shape, (rows, n)),
            "past": (tail.past.shape, (rows, len(self.schema.past_names))),
            "future": (tail.future.shape, (rows, len(self.schema.future_names))),
            "static": (tail.static.shape, (series, len(self.schema.static_names))),
        }
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise ModelFileError(f"the newest rows have {name} of shape {found}; expected {expected}.")
        starts = tail.starts
        if starts.shape != (series + 1,) or starts[0] != 0 or starts[-1] != rows or (np.diff(starts) <= 0).any():
            raise ModelFileError(f"the newest rows of {series} series do not begin where they should in {rows} rows.")


def fitted_state(model, panel, roles):
    """Train a clone of the model's regressor.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read, it is not changed.
    panel : Panel
    roles : Roles

    Returns
    -------
    FittedState
    """
    rows = Rows.of(panel)
    task = _task(model, panel, roles)
    member, windows = trained(_settings(model), task, rows)
    preparation = member.preparation
    channels = member.channels(rows)
    _refuse_short(rows, preparation)
    needed = max(member.looks_back, panel.axis.season_length)
    report, calibration = _verdict(model, panel, channels, member, windows)
    return FittedState(
        regressor=member.regressor,
        preparation=preparation,
        roles=roles,
        schema=panel.schema,
        axis=panel.axis,
        layout=panel.layout,
        split=member.split,
        tail=rows.tail(needed),
        needed=needed,
        n_windows=member.n_windows,
        report=report,
        calibration=calibration,
        span=Span.of(panel.index, panel.starts),
    )


def _task(model, panel, roles):
    return Task(
        horizon=int(model.horizon),
        axis=panel.axis,
        target_names=list(roles.target) if len(roles.target) == panel.targets.shape[1] else ["target"],
        past_names=panel.schema.past_names,
        future_names=panel.schema.future_names,
        masked=model.missing == "mask" or model.gaps == "mask",
    )


def _settings(model):
    return Settings(
        regressor=default_regressor() if model.regressor is None else model.regressor,
        lookback=model.lookback,
        window_norm=model.window_norm,
        transform=model.transform,
        calendar=model.calendar,
        multi_target=model.multi_target,
        step=model.step,
    )


def default_regressor():
    """An `RNNForecaster` with its defaults.

    Returns
    -------
    RNNForecaster
    """
    from .._rnn import RNNForecaster

    return RNNForecaster()


def _refuse_short(rows, preparation):
    least = preparation.lookback + preparation.n_lost
    short = [key for key, length in zip(rows.keys, np.diff(rows.starts), strict=True) if length < least]
    if short and rows.n_series > 1:
        raise ValueError(
            f"{len(short)} of {rows.n_series} series have fewer rows than a forecast looks back on ({least}): "
            f"{', '.join(map(repr, short[:3]))}. Fix: leave them out of fit, or a shorter lookback."
        )


def _verdict(model, panel, rows, member, windows):
    """Errors on the newest windows, and the residuals from which intervals come."""
    notes = [panel.axis.note.rstrip(".")] if panel.axis.note else []
    preparation, regressor = member.preparation, member.regressor
    found = None
    if model.validation_fraction is not None:
        found = judged(regressor, windows, model.validation_fraction, partial(preparation.complete, rows))
    if found is None:
        return ModelReport(None, np.nan, 0, False, notes), None
    judge_model, held_out, chose_epoch = found
    forecast = preparation.restore(rows, held_out, predict_windows(judge_model, held_out))
    actual = preparation.actual(rows, held_out)
    if np.isnan(actual).all():  # nothing but rows that were put in
        return ModelReport(None, np.nan, 0, False, notes), None
    known = rows.filled("targets", preparation.fill[: preparation.n_targets]) if preparation.masked else rows.targets
    naive = naive_forecasts(held_out, known, panel.axis.season_length)
    scales = seasonal_change(rows.true_targets, rows.starts, held_out, panel.axis.season_length)
    name = type(regressor).__name__
    report = judge(name, forecast, actual, naive, held_out.which, scales, chose_epoch, notes)
    return report, Calibration.of(rows, held_out, actual - forecast)
