"""A panel of training rows into everything that a fitted forecaster knows."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import clone

from .._files import ModelFileError, stored
from .calibration import Calibration
from .preparation import Preparation
from .regression import default_regressor, fit_regressor, judged, predict_windows
from .report import ModelReport, judge, naive_forecasts, seasonal_change
from .rows import Rows
from .span import Span

__all__ = ["FittedState", "fitted_state"]


@stored("fitted state")
@dataclass
class FittedState:
    """What `SeriesForecaster.fit` leaves behind.

    Attributes
    ----------
    regressor : estimator
    preparation : Preparation
    roles, schema, axis, layout
        Of the frame, as `forecast._frames` has them.
    split : bool
        Whether each target is a series of its own to the regressor.
    tail : Rows
        The newest rows of every series.
    needed : int
        Rows that a forecast can look back on.
    n_windows : int
    report : ModelReport
    calibration : Calibration or None
    span : Span or None
        Of the training rows, for the model card.
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
    whole = Rows.of(panel)
    split = model.multi_target == "shared" and whole.targets.shape[1] > 1
    rows = whole.split() if split else whole
    preparation = _preparation(model, panel, roles, rows).fit(rows)
    _refuse_short(whole, preparation)
    clock = panel.axis.positions(rows.index[rows.starts[:-1]]) if rows.n_series > 1 else None
    windows = preparation.training_windows(rows, model.step, clock)
    if not len(windows):
        raise ValueError(
            f"no window is left to train on: no series has {preparation.n_lost} (lost to the transform) + "
            f"{model.lookback} (lookback) + {model.horizon} (horizon) rows with a known target"
            f"{' after a row that was not put in' if rows.made_up is not None else ''}. Fix: a shorter lookback."
        )
    complete = partial(preparation.complete, rows)
    regressor = default_regressor() if model.regressor is None else clone(model.regressor)
    regressor = fit_regressor(regressor, windows, complete)
    # What a regressor looks back on is transformed: the rows that a difference takes come before it.
    looks_back = max(preparation.lookback, getattr(regressor, "n_history_", 1)) + preparation.n_lost
    needed = max(looks_back, panel.axis.season_length)
    report, calibration = _verdict(model, panel, rows, preparation, regressor, windows, complete)
    return FittedState(
        regressor=regressor,
        preparation=preparation,
        roles=roles,
        schema=panel.schema,
        axis=panel.axis,
        layout=panel.layout,
        split=split,
        tail=whole.tail(needed),
        needed=needed,
        n_windows=len(windows),
        report=report,
        calibration=calibration,
        span=Span.of(panel.index, panel.starts),
    )


def _preparation(model, panel, roles, rows):
    calendar = [] if model.calendar is None else [model.calendar] if isinstance(model.calendar, str) else model.calendar
    masked = model.missing == "mask" or model.gaps == "mask"
    schema = panel.schema
    preparation = Preparation(
        lookback=int(model.lookback),
        horizon=int(model.horizon),
        n_targets=rows.targets.shape[1],
        window_norm=model.window_norm,
        transform=model.transform,
        calendar=list(calendar),
        masked=masked,
        freq=panel.axis.freq,
        period=panel.axis.season_length,
        names=[],
    )
    own = list(roles.target) if rows.targets.shape[1] == panel.targets.shape[1] else ["target"]
    seen = [*own, *schema.past_names]
    known = [*schema.future_names, *preparation.calendar_names(panel.index)]
    preparation.names = [*seen, *known, *([f"{name} observed" for name in seen] if masked else [])]
    return preparation


def _refuse_short(rows, preparation):
    least = preparation.lookback + preparation.n_lost
    short = [key for key, length in zip(rows.keys, np.diff(rows.starts), strict=True) if length < least]
    if short and rows.n_series > 1:
        raise ValueError(
            f"{len(short)} of {rows.n_series} series have fewer rows than a forecast looks back on ({least}): "
            f"{', '.join(map(repr, short[:3]))}. Fix: leave them out of fit, or a shorter lookback."
        )


def _verdict(model, panel, rows, preparation, regressor, windows, complete):
    """Errors on the newest windows, and the residuals from which intervals come."""
    notes = [panel.axis.note.rstrip(".")] if panel.axis.note else []
    found = None
    if model.validation_fraction is not None:
        found = judged(regressor, windows, model.validation_fraction, complete)
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
