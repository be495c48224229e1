"""Intervals and quantiles of a fitted forecaster."""

import warnings
from copy import copy
from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._conformal import static_offsets
from ..._shares import shares
from ..beginnings import cold_widths, short_factor
from ..error_scale import Yardstick
from ..forecasting import from_ends, from_origins

__all__ = ["Uncertainty"]

_DEFAULT = (0.1, 0.5, 0.9)  # levels
_NEWEST = 500  # origins of a history whose residuals intervals are calibrated on


class Uncertainty:
    """The part of `SeriesForecaster` that says how sure a forecast is."""

    def predict_interval(self, X=None, *, history=None, static=None, coverage=0.9, n=None, errors="warn"):
        """The forecast and conformal intervals around it, per step.

        After `fit` they use the errors on the validation windows (`validation_fraction`), the newest ones: the width of
        a step is the same in every forecast. If the network chose its epoch on these windows (early stopping), the
        errors are slightly too small, and the intervals slightly too narrow. With `history`, the errors of forecasts
        from its earlier origins that were not trained on are added, and the level follows the misses [1]_, so that
        coverage holds even if the variance drifts.

        Parameters
        ----------
        X, history, static : frame, default=None
            As in `predict`, for at most `horizon` steps.
        coverage : float or list of float, default=0.9
            Share of the actual values that should lie inside, in (0, 1).
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            Rows as those of `predict`; for each target the forecast and its bounds, in the columns `<target>`,
            `<target>_lower` and `<target>_upper`. With a list of coverages the bounds of each, in the columns
            `<target>_lower_0.8`, `<target>_upper_0.8` and so on.

        Raises
        ------
        ValueError
            A coverage is out of range, there were too few validation windows for it, or more than `horizon` steps are
            asked for.

        References
        ----------
        .. [1] Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, NeurIPS.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=3).fit(make_ar1(500, random_state=0))
        >>> list(model.predict_interval(coverage=0.8).columns)
        ['y', 'y_lower', 'y_upper']
        >>> list(model.predict_interval(2, coverage=[0.5, 0.8]).columns)
        ['y', 'y_lower_0.5', 'y_upper_0.5', 'y_lower_0.8', 'y_upper_0.8']
        """
        check_is_fitted(self)
        levels = _levels(coverage, "coverage")
        request = self._request(X, history, errors, n, static)
        arrays = []
        for forecast, *bounds in self._bounded(request, levels):
            sides = np.stack(bounds, axis=1).reshape(-1, *forecast.shape)  # lower, upper, lower, ...
            both = np.concatenate([forecast[None], sides])
            arrays.append(np.moveaxis(both, 0, 2).reshape(len(forecast), -1))
        ends = [f"_{level:g}" for level in levels] if np.ndim(coverage) else [""]
        names = ["", *(f"_{side}{end}" for end in ends for side in ("lower", "upper"))]
        return self._answered(request, arrays, _columns(self.target_names_, names))

    def predict_quantiles(self, X=None, levels=_DEFAULT, *, history=None, static=None, n=None, errors="warn"):
        """Quantiles of the forecast, per step.

        Those of the network if it has them (`RNNForecaster(loss="quantile", quantile=[...])`), otherwise conformal
        ones: the forecast plus the quantiles of its errors, as in `predict_interval`.

        Parameters
        ----------
        X : frame or int, default=None
            As in `predict`, for at most `horizon` steps.
        levels : float or list of float, default=(0.1, 0.5, 0.9)
            In (0, 1); for a network, between its lowest and its highest level.
        history, static : frame, default=None
            As in `predict`.
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            Rows as those of `predict`, and a column `<target>_0.1`, `<target>_0.5` and so on for each level; of a
            single number the columns of `predict`.

        Raises
        ------
        ValueError
            A level is out of range, the transform is a difference (quantiles of changes do not add up), or as
            `predict_interval`.

        Warns
        -----
        DeprecationWarning
            Levels are the first argument, as up to version 0.1. Use `predict_quantiles(levels=...)`.

        Examples
        --------
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> network = RNNForecaster(loss="quantile", quantile=[0.1, 0.5, 0.9], hidden_size=8, max_iter=5)
        >>> model = SeriesForecaster(network, lookback=12, horizon=3).fit(make_ar1(500, random_state=0))
        >>> list(model.predict_quantiles().columns)
        ['y_0.1', 'y_0.5', 'y_0.9']
        """
        check_is_fitted(self)
        X, levels = _rows_first(X, levels)
        asked = _levels(levels, "levels")
        request = self._request(X, history, errors, n, static)
        state = self._state
        if state.has_quantiles:
            cubes = from_ends(state, request.past, request.labels, request.future, asked)
        else:
            coverages = sorted({_coverage(level) for level in asked if level != 0.5})
            bounded = self._bounded(request, coverages) if coverages else zip(self._forecasts(request))
            cubes = [np.stack([_conformal(found, coverages, level) for level in asked], axis=-1) for found in bounded]
        ends = [f"_{level:g}" for level in asked] if np.ndim(levels) else [""]
        arrays = [cube.reshape(len(cube), -1) for cube in cubes]
        return self._answered(request, arrays, _columns(self.target_names_, ends))

    def _bounded(self, request, levels):
        """Forecast of each series (steps, targets), its lower bounds (levels, steps, targets), and its upper ones."""
        state = self._state
        if state.calibration is None:
            raise ValueError(
                "intervals rest on errors on validation windows, and there are none: validation_fraction is None, or "
                "too few windows could be held out. Use more rows or a shorter lookback. Fix: validation_fraction=0.2."
            )
        if max(map(len, request.labels)) > state.horizon:
            raise ValueError(
                f"intervals of {max(map(len, request.labels))} steps were asked for, but errors are known for horizon "
                f"= {state.horizon} steps; expected fewer rows. Fix: horizon={max(map(len, request.labels))}."
            )
        scales, alone, found = state.error_scales, len(state.calibration.scales) == 1, []
        fixed = request.fresh is None
        forecasts = [None] * len(request.keys)
        if fixed or request.cold:
            forecasts = self._forecasts(request, recursive=True)
        for key, labels, forecast in zip(request.keys, request.labels, forecasts, strict=True):
            known = request.past.only([key]).targets
            yardstick = Yardstick.of(state.calibration, scales, key, known, alone)
            if len(known) < state.looks_back:  # a few equal rows do not make a constant series
                yardstick = replace(yardstick, unit=yardstick.divisor)
            if fixed or key in request.cold:
                offsets = static_offsets(state.calibration.of_series(yardstick), levels)  # refuses too few residuals
            else:
                forecast, offsets = self._adapted(request, key, len(labels), yardstick, levels)
            offsets = [side * short_factor(state, key, known, yardstick) for side in offsets]
            if key in request.cold:
                lower, upper = offsets
                width = cold_widths(state, state.tail, levels, yardstick)
                offsets = -np.hypot(np.minimum(lower, 0), width), np.hypot(np.maximum(upper, 0), width)
            images = yardstick.image(forecast)
            bounds = (yardstick.original(images + side[:, : len(forecast)]) for side in offsets)
            found.append([forecast, *map(state.within, bounds)])
        return found

    def _adapted(self, request, key, steps, yardstick, levels):
        """The forecast of a series and what to add to its image, after the errors that its history shows."""
        state, calibration = self._state, self._state.calibration
        rows = request.fresh.only([key])
        origins = self._fresh_origins(rows, key)
        horizon, today, truth = state.horizon, len(rows) - 1, rows.true_targets
        if state.roles.future:  # the newest origins look at the future rows that were given
            number = request.keys.index(key)
            rows = rows.extended([request.labels[number]], [request.future[number]])
        forecast = from_origins(state, rows, np.append(origins, today), horizon)
        started, unit = calibration.started(levels, len(self.target_names_)), yardstick.unit
        adaptive = copy(started)
        if len(origins):
            ahead = origins[:, None] + np.arange(1, horizon + 1)
            actual = truth[np.minimum(ahead, today)].astype(np.float64)
            actual[ahead > today] = np.nan
            actual, images = yardstick.image(actual), yardstick.image(forecast[:-1])
            divisor, first = yardstick.divisor, origins[0]
            adaptive.learn(actual / divisor, images / divisor, origins - first, today - first)
        offsets = [side * unit for side in adaptive.offsets()]
        if not calibration.enough(levels) or any(np.isnan(side).any() for side in offsets):
            fixed = static_offsets(calibration.of_series(yardstick), levels)
            offsets = [np.where(np.isnan(new), old, new) for new, old in zip(offsets, fixed, strict=True)]
        return forecast[-1, :steps], offsets

    def _fresh_origins(self, rows, key):
        """Rows of a history that forecasts can start from, that were not trained on, but for today's; the newest."""
        state = self._state
        first = state.looks_back - 1
        trained = state.trained_until.get(key)
        if trained is not None:
            first = max(first, int(rows.index.searchsorted(trained, side="left")))
        origins = np.arange(max(first, len(rows) - 1 - _NEWEST), len(rows) - 1)
        return origins if rows.made_up is None else origins[~rows.made_up[origins]]


def _coverage(level):
    """Of the interval that a quantile is a bound of: 0.9 of 0.05 and of 0.95, whose last bits differ."""
    return round(abs(2 * level - 1), 12)


def _conformal(found, coverages, level):
    """The quantile of a level, out of a forecast and its bounds; the median is the forecast itself."""
    if level == 0.5:
        return found[0]
    return found[1 if level < 0.5 else 2][coverages.index(_coverage(level))]


def _columns(targets, ends):
    """Names of columns, target by target; a target's own name where an end is empty."""
    names = [f"{target}{end}" if end else target for target in targets for end in ends]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"two columns of the answer would be called {twice!r}: the targets are {targets}. Expected other names of "
            "targets, and numbers that differ within six digits."
        )
    return names


def _rows_first(X, levels):
    """`X` and `levels`, also out of the order of version 0.1, in which levels came first."""
    numbers = isinstance(X, (float, np.floating)) or (
        isinstance(X, (list, tuple, np.ndarray)) and np.ndim(X) == 1 and np.asarray(X).dtype.kind == "f"
    )
    if not numbers:
        return X, levels
    warnings.warn(
        "predict_quantiles takes X first, and levels second, as of version 0.2. Fix: predict_quantiles(levels=...).",
        DeprecationWarning,
        stacklevel=3,
    )
    return (None if levels is _DEFAULT else levels), X


def _levels(given, name):
    return list(dict.fromkeys(shares(given, name, least=1)))
