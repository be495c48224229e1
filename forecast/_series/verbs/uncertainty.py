"""Intervals and quantiles of a fitted forecaster."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._decorators import available_if
from ..._distributions import FAMILIES, Distribution
from ..._preparation import PARAMETERS
from ..._refusals import Fix, Refusal, argument, longer_horizon
from ..._seeds import generator
from ..._shares import shares
from ..._types import Floats, FrameLike, Seed
from ..beginnings import cold_widths, cold_yardstick, short_factor
from ..error_scale import Yardstick, yardsticks_of
from ..forecasting import from_ends, samples_from_ends
from ..fresh import followed, forecasts_and_offsets
from ..own_bounds import own_bounds
from .host import Host
from .requests import columns_of

if TYPE_CHECKING:
    from ..state import FittedState
    from .requests import Request

__all__ = ["Uncertainty"]

_DEFAULT = (0.1, 0.5, 0.9)  # levels


def _has_distribution(model: Any) -> bool:
    if not hasattr(model, "_state") or model._state.family is not None:
        return True
    state = model._state
    why = "the loss of a distribution"
    if state.members is not None:
        why += ", and of one network: of several members the quantiles are mixed"
    elif getattr(state.regressor, "predict_distribution", None) is not None:
        why += f" in the units of the series, but transform={state.preparation.transform!r} leads to another family"
    raise AttributeError(
        Refusal(
            f"is for {why}",
            where="predict_distribution",
            expected="RNNForecaster(loss='normal') or the like. predict_quantiles has quantiles of every forecaster",
        )
    )


class Uncertainty(Host):
    """The part of `SeriesForecaster` that quantifies uncertainty."""

    def predict_interval(
        self,
        X: FrameLike | int | None = None,
        *,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        coverage: float | Sequence[float] = 0.9,
        n: int | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Return the forecast and conformal intervals around it, per step.

        After `fit` they use the errors on the validation windows (`validation_fraction`), the newest ones: the width of
        a step is the same in every forecast. If the network chose its epoch on these windows (early stopping), the
        errors are slightly too small, and the intervals slightly too narrow. With `history`, the errors of forecasts
        from its earlier origins that were not trained on are added, and the level follows the misses [1]_, so that
        coverage holds even if the variance drifts.

        If the errors span few horizons, all may have the same sign by chance. So with w horizons of validation windows,
        signed errors have a weight of w / (w + 10); the rest of the weight goes to absolute errors, which widen both
        sides equally.

        The pretrained network alone has intervals also where no errors are known: those of its own quantiles.

        With `loss="quantile"`, or the loss of a distribution without a regressor, the bounds are the model's own
        quantiles up to a coverage of 0.95; errors since the fit scale them. Higher coverages use only
        errors.

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
            The rows of `predict`; for each target the forecast and its bounds, in the columns `<target>`,
            `<target>_lower` and `<target>_upper`. With a list of coverages, the bounds are `<target>_lower_0.8`,
            `<target>_upper_0.8` and so on.

        Raises
        ------
        ValueError
            A coverage is out of range, there were too few validation windows for it, or more than `horizon` steps are
            requested.

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
        return self._answered(request, arrays, columns_of(self.target_names_, names))

    def predict_quantiles(
        self,
        X: FrameLike | int | None = None,
        levels: float | Sequence[float] = _DEFAULT,
        *,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        n: int | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Return quantiles of the forecast, per step.

        If the network has quantiles (`RNNForecaster(loss="quantile", quantile=[...])`, or the loss of a distribution),
        or a recipe has such a loss, these are returned. Otherwise they are conformal: the forecast plus quantiles of
        its errors, as in `predict_interval`. For a short history all are further apart.

        Parameters
        ----------
        X : frame or int, default=None
            As in `predict`, for at most `horizon` steps.
        levels : float or list of float, default=(0.1, 0.5, 0.9)
            Levels in (0, 1); for a network with `loss="quantile"`, between its lowest and its highest level.
        history, static : frame, default=None
            As in `predict`.
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            The rows of `predict`, with a column `<target>_0.1`, `<target>_0.5` and so on for each level; for a single
            level, the columns of `predict`.

        Raises
        ------
        ValueError
            A level is out of range, or the transform is a difference (quantiles of changes do not add up); or as
            `predict_interval`.

        Warns
        -----
        DeprecationWarning
            Levels were passed as the first argument, as in version 0.1. Use `predict_quantiles(levels=...)`.

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
        ends = [f"_{level:g}" for level in asked] if np.ndim(levels) else [""]
        arrays = [cube.reshape(len(cube), -1) for cube in self._quantile_cubes(request, asked)]
        return self._answered(request, arrays, columns_of(self.target_names_, ends))

    @available_if(_has_distribution)
    def predict_distribution(
        self,
        X: FrameLike | int | None = None,
        *,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        n: int | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Return the parameters of the forecast's distribution, per step; needs a network with the loss of a
        distribution.

        Parameters
        ----------
        X : frame or int, default=None
            As in `predict`, for at most `horizon` steps.
        history, static : frame, default=None
            As in `predict`.
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            The rows of `predict`, with a column `<target>_<parameter>` for each parameter, in the units of the series
            and with the names of `forecast.Distribution`: `y_mean` and `y_std` for `loss="normal"`.

        Raises
        ------
        AttributeError
            The loss is not that of a distribution, there are several members, or a transform such as "log" leads to
            another family. `predict_quantiles` may still work.
        ValueError
            As `predict_quantiles`.

        Examples
        --------
        >>> from forecast import Distribution, RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> network = RNNForecaster(loss="normal", hidden_size=8, max_iter=5, random_state=0)
        >>> model = SeriesForecaster(network, lookback=12, horizon=3).fit(make_ar1(500, random_state=0))
        >>> found = model.predict_distribution()
        >>> list(found.columns)
        ['y_mean', 'y_std']
        >>> upper = Distribution("normal", mean=found["y_mean"], std=found["y_std"]).quantiles(0.999)
        """
        check_is_fitted(self)
        request = self._request(X, history, errors, n, static)
        cubes = from_ends(self._state, request.past, request.labels, request.future, PARAMETERS)
        arrays = [cube.reshape(len(cube), -1) for cube in cubes]
        assert self._state.family is not None  # or the method would not be there
        names = [f"_{name}" for name in FAMILIES[self._state.family].parameters]
        return self._answered(request, arrays, columns_of(self.target_names_, names))

    def _distribution(self, X: FrameLike) -> Distribution:
        """The distributions of the rows of X, shape (rows, targets); for scores."""
        found = np.asarray(self.predict_distribution(X, errors="raise"), dtype=np.float64)
        assert self._state.family is not None
        return Distribution._of(self._state.family, found.reshape(len(found), len(self.target_names_), -1))

    def sample_y(
        self,
        X: FrameLike | int | None = None,
        n_samples: int = 100,
        random_state: Seed = None,
        *,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        n: int | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Sample forecasts with the random masks of the networks: Monte-Carlo dropout [1]_.

        Their spread shows the uncertainty of the network without the noise of the data, so it is narrower than a
        prediction interval; for intervals use `predict_interval`. Needs an `RNNForecaster` with `dropout`,
        `recurrent_dropout` or `zoneout`. Members without masks are the same in every sample.

        Parameters
        ----------
        X : frame or int, default=None
            As in `predict`, for at most `horizon` steps.
        n_samples : int, default=100
            Number of samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the masks; the same seed gives the same bits. None: fresh masks.
        history, static : frame, default=None
            As in `predict`.
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            The rows of `predict`, with a column `<target>_0`, `<target>_1` and so on for each sample. The steps of a
            column belong to one sample.

        Raises
        ------
        ValueError
            No network draws masks, n_samples is less than 1, or more than `horizon` steps are requested.

        References
        ----------
        .. [1] Gal and Ghahramani (2016): Dropout as a Bayesian approximation.

        Examples
        --------
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> network = RNNForecaster(dropout=0.2, hidden_size=8, max_iter=5)
        >>> model = SeriesForecaster(network, lookback=12, horizon=3).fit(make_ar1(500, random_state=0))
        >>> samples = model.sample_y(n_samples=50, random_state=0)
        >>> samples.shape
        (3, 50)
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(Refusal(where=f"n_samples={n_samples!r}", expected="a whole number, 1 or more"))
        request = self._request(X, history, errors, n, static)
        rng = generator(random_state)
        cubes = samples_from_ends(self._state, request.past, request.labels, request.future, int(n_samples), rng)
        arrays = [cube.reshape(len(cube), -1) for cube in cubes]
        return self._answered(request, arrays, columns_of(self.target_names_, [f"_{i}" for i in range(n_samples)]))

    def _bounded(self, request: Request, levels: list[float], learnt: list[float] | None = None) -> list[list[Floats]]:
        """Forecast of each series (steps, targets), its lower bounds (levels, steps, targets), and its upper ones.

        `learnt`: those of the levels that learn from the errors since the fit; the others follow them. None: all.
        """
        state = self._state
        if state.calibration is None and state.knowing_intervals is not None:
            return self._bounded_by_quantiles(request, levels, state.knowing_intervals)
        if state.calibration is None:
            raise ValueError(
                Refusal(
                    "intervals rest on errors on validation windows, and there are none",
                    got="validation_fraction is None, or too few windows could be held out",
                    advice="Use more rows or a shorter lookback.",
                    fix=argument("validation_fraction", 0.2),
                )
            )
        longest = max(map(len, request.labels))
        if longest > state.horizon:
            raise ValueError(
                Refusal(
                    f"intervals of {longest} steps were asked for, but errors are known for horizon = {state.horizon} "
                    "steps",
                    expected="fewer rows",
                    fix=longer_horizon(longest),
                )
            )
        past, yardsticks = request.past, yardsticks_of(state, request.past)
        adapted: dict[Any, Any] = {}
        has_own = self.loss in ("quantile", *FAMILIES) and state.has_quantiles
        own = own_bounds(state, request, levels) if has_own else None
        if own is not None and len(own[0]) == len(levels):  # errors move none of these bounds
            forecasts = from_ends(state, past, request.labels, request.future)
        else:
            forecasts, adapted = forecasts_and_offsets(state, request, yardsticks, levels if learnt is None else learnt)
        known = [past.targets[first:end] for first, end in zip(past.starts[:-1], past.starts[1:], strict=True)]
        found: list[list[Floats]] = []
        looks_back = state.looks_back
        usual: Sequence[Floats] = ()
        if own is not None or learnt is not None or len(adapted) < len(request.keys):
            usual = state.calibration.offsets(levels, len(self.target_names_))
        if learnt is not None:
            adapted = {key: followed(sides, learnt, usual, levels) for key, sides in adapted.items()}
        for number, (key, forecast) in enumerate(zip(request.keys, forecasts, strict=True)):
            yardstick, rows, steps = yardsticks[key], known[number], slice(len(forecast))
            if key in request.cold:
                yardstick = cold_yardstick(state, request.cold[key], yardstick)
            if len(rows) < looks_back:  # a few equal rows do not make a constant series
                yardstick = replace(yardstick, unit=yardstick.divisor)
            image = yardstick.image(forecast)
            offsets = [side[:, steps] * yardstick.unit for side in adapted.get(key, usual)]
            if own is not None:
                for side, cubes in zip(offsets, own[1:], strict=True):
                    side[own[0]] = [yardstick.image(cube) - image for cube in cubes[number]]
                offsets = _nested(offsets, levels)
            if len(rows) < looks_back:
                offsets = [side * short_factor(state, key, rows, yardstick) for side in offsets]
            if key in request.cold and not state.calibration.of_new:
                lower, upper = offsets
                width = cold_widths(state, state.tail, levels, yardstick)
                offsets = [-np.hypot(np.minimum(lower, 0), width), np.hypot(np.maximum(upper, 0), width)]
            found.append([forecast, *(state.within(yardstick.original(image + side)) for side in offsets)])
        return found

    def _bounded_by_quantiles(self, request: Request, levels: list[float], one: FittedState) -> list[list[Floats]]:
        """As `_bounded`, where no error is known: as far from the forecast as quantiles of a member from its median."""
        tails = [(1 + sign * level) / 2 for sign in (-1, 1) for level in levels]
        cubes = from_ends(one, request.past, request.labels, request.future, [0.5, *tails])
        found = []
        for forecast, cube in zip(self._forecasts(request), cubes, strict=True):
            bounds = forecast + np.moveaxis(cube[..., 1:] - cube[..., :1], -1, 0)
            bounds = self._state.within(bounds)
            found.append([forecast, bounds[: len(levels)], bounds[len(levels) :]])
        return found

    def _quantile_cubes(self, request: Request, asked: list[float]) -> list[Floats]:
        """Quantiles (steps, targets, levels) of each series."""
        if self._state.has_quantiles:
            return self._own_quantiles(request, asked)
        coverages = sorted({_coverage(level) for level in asked if level != 0.5})
        bounded = self._bounded(request, coverages) if coverages else zip(self._forecasts(request))
        return [np.stack([_conformal(found, coverages, level) for level in asked], axis=-1) for found in bounded]

    def _own_quantiles(self, request: Request, asked: list[float]) -> list[Floats]:
        """Quantiles (steps, targets, levels) of each series that all members forecast."""
        cubes = from_ends(self._state, request.past, request.labels, request.future, asked)
        return self._less_sure(request, cubes, asked)

    def _less_sure(self, request: Request, cubes: list[Floats], asked: list[float]) -> list[Floats]:
        """Quantiles (steps, targets, levels) of each series; further apart for a short history or none."""
        state, past = self._state, request.past
        short = [number for number, length in enumerate(np.diff(past.starts)) if length < state.looks_back]
        of_new = state.calibration is not None and state.calibration.of_new
        if not short and (of_new or not request.cold):
            return cubes
        forecasts, scales = self._forecasts(request, recursive=True), state.error_scales
        alone = state.calibration is not None and len(state.calibration.scales) == 1
        outer = [level for level in asked if level != 0.5]
        coverages = [_coverage(level) for level in outer]
        for number, key in enumerate(request.keys):
            if number not in short and key not in request.cold:
                continue
            known = past.targets[past.starts[number] : past.starts[number + 1]]
            yardstick = Yardstick.of(state.calibration, scales, key, known, alone)
            image = yardstick.image(forecasts[number])
            factor = short_factor(state, key, known, yardstick)
            cold = dict(zip(outer, cold_widths(state, state.tail, coverages, yardstick), strict=True))
            for place, level in enumerate(asked):
                apart = (yardstick.image(cubes[number][..., place]) - image) * factor
                if key in request.cold and level in cold and not of_new:
                    apart = np.sign(level - 0.5) * np.hypot(np.maximum(np.sign(level - 0.5) * apart, 0), cold[level])
                cubes[number][..., place] = state.within(yardstick.original(image + apart))
        return cubes


def _nested(offsets: list[Floats], levels: list[float]) -> list[Floats]:
    """Bounds on their sides of the forecast, those of a higher level around those of a lower one."""
    lower, upper = np.minimum(offsets[0], 0), np.maximum(offsets[1], 0)
    order = np.argsort(levels)
    lower[order], upper[order] = np.minimum.accumulate(lower[order]), np.maximum.accumulate(upper[order])
    return [lower, upper]


def _coverage(level: float) -> float:
    """Of the interval that a quantile is a bound of: 0.9 of 0.05 and of 0.95, whose last bits differ."""
    return round(abs(2 * level - 1), 12)


def _conformal(found: Sequence[Floats], coverages: list[float], level: float) -> Floats:
    """The quantile of a level, out of a forecast and its bounds; the median is the forecast itself."""
    if level == 0.5:
        return found[0]
    return found[1 if level < 0.5 else 2][coverages.index(_coverage(level))]


def _rows_first(X: FrameLike, levels: Any) -> tuple[Any, Any]:
    """`X` and `levels`, also out of the order of version 0.1, in which levels came first."""
    numbers = isinstance(X, (float, np.floating)) or (
        isinstance(X, (list, tuple, np.ndarray)) and np.ndim(X) == 1 and np.asarray(X).dtype.kind == "f"
    )
    if not numbers:
        return X, levels
    warnings.warn(
        Refusal(
            "predict_quantiles takes X first, and levels second, as of version 0.2",
            fix=Fix(f"model.predict_quantiles(levels={np.asarray(X).tolist()!r})", ""),
        ),
        DeprecationWarning,
        stacklevel=3,
    )
    return (None if levels is _DEFAULT else levels), X


def _levels(given: Any, name: str) -> list[float]:
    return list(dict.fromkeys(shares(given, name, least=1)))
