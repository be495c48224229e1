"""Intervals and quantiles of a fitted forecaster."""

from copy import deepcopy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._conformal import static_offsets
from ..forecasting import from_ends, from_origins

__all__ = ["Uncertainty"]

_NEWEST = 500  # origins of a history whose residuals intervals are calibrated on


class Uncertainty:
    """The part of `SeriesForecaster` that says how sure a forecast is."""

    def predict_interval(self, X=None, *, history=None, coverage=0.9):
        """Conformal intervals around the forecast, per step.

        After `fit` they rest on the errors on the validation windows (`validation_fraction`), the newest ones before
        the forecast: the same width for every forecast of a step. If the network chose its epoch on these windows
        (early stopping), their errors are somewhat smaller than new ones will be, and so are the intervals. With
        `history`, the errors of forecasts from the earlier origins in it, as far as they were not trained on, come
        after these, and the level follows the misses [1]_, so that coverage holds when the variance drifts.

        Parameters
        ----------
        X, history : frame, default=None
            As in `predict`, for at most `horizon` steps.
        coverage : float or list of float, default=0.9
            Share of the actual values that shall lie inside, in (0, 1).

        Returns
        -------
        frame, or dict of float to frame
            Rows as those of `predict`; columns `<target>_lower`, `<target>_upper`. With a list, a frame per coverage.

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
        ['y_lower', 'y_upper']
        """
        check_is_fitted(self)
        levels = _levels(coverage, "coverage")
        request = self._request(X, history)
        forecasts, offsets = self._forecasts(request), self._offsets(request, levels)
        names = [f"{name}_{side}" for name in self.target_names_ for side in ("lower", "upper")]
        found = {}
        for position, level in enumerate(levels):
            arrays = []
            for number, forecast in enumerate(forecasts):
                lower, upper = (side[position, : len(forecast)] for side in offsets[number])
                both = np.stack([forecast + lower, forecast + upper], axis=2).reshape(len(forecast), -1)
                arrays.append(self._state.within(both))
            found[level] = self._answered(request, arrays, names)
        return found if np.ndim(coverage) else found[levels[0]]

    def predict_quantiles(self, levels=(0.1, 0.5, 0.9), X=None, *, history=None):
        """Quantiles of the forecast, per step.

        Those of the network where it has them (`RNNForecaster(loss="quantile", quantile=[...])`), else conformal ones:
        the forecast and the quantiles of its errors, as in `predict_interval`.

        Parameters
        ----------
        levels : float or list of float, default=(0.1, 0.5, 0.9)
            In (0, 1); of a network, between its lowest and its highest one.
        X, history : frame, default=None
            As in `predict`, for at most `horizon` steps.

        Returns
        -------
        dict of float to frame, or frame
            Per level a frame like that of `predict`; of a single level the frame alone.

        Raises
        ------
        ValueError
            A level is out of range, the transform is a difference (quantiles of changes do not add up), or as
            `predict_interval`.

        Examples
        --------
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> network = RNNForecaster(loss="quantile", quantile=[0.1, 0.5, 0.9], hidden_size=8, max_iter=5)
        >>> model = SeriesForecaster(network, lookback=12, horizon=3).fit(make_ar1(500, random_state=0))
        >>> sorted(model.predict_quantiles())
        [0.1, 0.5, 0.9]
        """
        check_is_fitted(self)
        asked = _levels(levels, "levels")
        request = self._request(X, history)
        state = self._state
        if all(hasattr(member.regressor, "predict_quantiles") for member, _ in state.parts):
            cubes = from_ends(state, request.past, request.labels, request.future, asked)
        else:
            forecasts = self._forecasts(request)
            coverages = sorted({abs(2 * level - 1) for level in asked if level != 0.5})
            offsets = self._offsets(request, coverages) if coverages else None
            cubes = [
                state.within(np.stack([_conformal(forecast, offsets, number, coverages, level) for level in asked], -1))
                for number, forecast in enumerate(forecasts)
            ]
        found = {
            level: self._answered(request, [cube[..., position] for cube in cubes], self.target_names_)
            for position, level in enumerate(asked)
        }
        return found if np.ndim(levels) else found[asked[0]]

    def _offsets(self, request, levels):
        """What to add to the forecast of each series, lower and upper: two arrays (levels, horizon, targets) each."""
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
        started = None if request.fresh is None else state.calibration.started(levels, len(self.target_names_))
        return [self._offsets_of(request, key, levels, started) for key in request.keys]

    def _offsets_of(self, request, key, levels, started):
        state = self._state
        known = request.past.only([key]).targets
        series = {"key": key, "known": known, "alone": len(state.calibration.scales) == 1}
        fixed = static_offsets(state.calibration.of_series(**series), levels)  # refuses too few residuals
        if request.fresh is None:
            return fixed
        rows = request.fresh.only([key])
        origins = self._fresh_origins(rows, key)
        horizon, n = state.horizon, rows.targets.shape[1]
        today, truth = len(rows) - 1, rows.true_targets
        if state.roles.future:  # the newest origins look at the future rows that were given
            number = request.keys.index(key)
            rows = rows.extended([request.labels[number]], [request.future[number]])
        forecast = from_origins(state, rows, origins, horizon) if len(origins) else np.empty((0, horizon, n))
        ahead = origins[:, None] + np.arange(1, horizon + 1)
        actual = truth[np.minimum(ahead, today)].astype(np.float64)
        actual[ahead > today] = np.nan
        adaptive, unit = deepcopy(started), state.calibration.unit(**series)
        first = int(origins[0]) if len(origins) else today
        if len(origins):
            adaptive.bounds(actual / unit, forecast / unit, origins - first)
        unknown = np.full((1, horizon, n), np.nan)
        lower, upper = adaptive.bounds(unknown, np.zeros_like(unknown), [today - first])
        return lower[:, 0] * unit, upper[:, 0] * unit

    def _fresh_origins(self, rows, key):
        """Rows of a history that forecasts can start from, that were not trained on, but for today's; the newest."""
        state = self._state
        first = state.looks_back - 1
        trained = state.tail.last_labels.get(key)
        if trained is not None:
            first = max(first, int(rows.index.searchsorted(trained, side="left")))
        origins = np.arange(max(first, len(rows) - 1 - _NEWEST), len(rows) - 1)
        return origins if rows.made_up is None else origins[~rows.made_up[origins]]


def _conformal(forecast, offsets, number, coverages, level):
    """Forecast plus the quantile of its errors; the median is the forecast itself."""
    if level == 0.5:
        return forecast
    lower, upper = offsets[number]
    side = lower if level < 0.5 else upper
    return forecast + side[coverages.index(abs(2 * level - 1)), : len(forecast)]


def _levels(given, name):
    levels = [float(level) for level in np.atleast_1d(given)]
    for level in levels:
        if not 0 < level < 1:
            raise ValueError(f"{name} is {given!r}; expected numbers between 0 and 1, such as 0.9.")
    return levels
