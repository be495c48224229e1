"""`ForecastDisplay`: history, forecasts with intervals, and actual values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .bands import bands_of_interval, predictions_of, read_predictions
from .captions import caption
from .reading import (
    check_forecaster,
    history_of,
    levels_of,
    models_of,
    name_of,
    of_series,
    one_of,
    order_of,
    rows_of,
)
from .several import drawn
from .style import (
    dress,
    fills,
    labelled,
    looks_of,
    markers_of,
    new_axes,
    place,
    pyplot,
    time_axis,
    tones_of,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D

    from .._types import Array, FrameLike
    from ..model_selection import BacktestReport
    from .several import ForecastGridDisplay

__all__ = ["ForecastDisplay"]

_HISTORY = 1.9  # times as long as the forecast: with the margins, the forecast has a third of the width


class ForecastDisplay:
    """History, forecasts with interval bands and, if known, the actual values of one series.

    Create it with `from_estimator`, `from_predictions` or `from_report`.

    Parameters
    ----------
    history : pandas.Series
        Values before the forecast, by time; its name labels the axis.
    forecasts : dict of str to pandas.Series
        Forecasts by name of the model; the first is drawn as the main one.
    actual : pandas.Series, default=None
        Actual values in the period of the forecasts.
    intervals : dict of float to pandas.DataFrame, default=None
        Interval bands by coverage (None if unknown), with columns `lower` and `upper`; the widest is drawn lightest.
    interval_of : str, default=None
        Forecast that the intervals belong to; None: the first.
    n_steps : int, default=None
        Number of newest steps of `history` to draw. None: about twice the length of the forecast, which then takes a
        third of the width.
    unit : str, default=None
        Unit of the series, for its axis.
    order : list of str, default=None
        Order of names in which colours are assigned, so that a model has the same colour in several plots; None: as
        drawn.
    title : str, default=None
        Title; None: no title.
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D
        History, actual values, then a line per forecast.
    bands_ : list of matplotlib collections
        One per coverage, the widest first.

    Examples
    --------
    >>> import pandas as pd
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> past, future = pd.Series([1.0, 2.0, 3.0]), pd.Series([4.0, 5.0], index=[3, 4])
    >>> band = pd.DataFrame({"lower": future - 1, "upper": future + 1})
    >>> display = ForecastDisplay(past, {"drift": future}, intervals={0.8: band}).plot()
    >>> [line.get_label() for line in display.lines_], display.bands_[0].get_label()
    (['history', 'drift'], '80 % interval')
    """

    def __init__(
        self,
        history: pd.Series,
        forecasts: Mapping[str, pd.Series],
        *,
        actual: pd.Series | None = None,
        intervals: Mapping[float, pd.DataFrame] | None = None,
        interval_of: str | None = None,
        n_steps: int | None = None,
        unit: str | None = None,
        order: Sequence[str] | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.history = history
        self.forecasts = forecasts
        self.actual = actual
        self.intervals = intervals
        self.interval_of = interval_of
        self.n_steps = n_steps
        self.unit = unit
        self.order = order
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: FrameLike | None = None,
        *,
        history: FrameLike | None = None,
        actual: FrameLike | None = None,
        coverage: float | Sequence[float] | None = None,
        name: str | None = None,
        series: Any = None,
        target: Hashable | None = None,
        n_steps: int | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | Sequence[Axes] | Array | None = None,
    ) -> ForecastDisplay | ForecastGridDisplay:
        """Forecast with a fitted `SeriesForecaster` and draw the result after the rows before it.

        Parameters
        ----------
        model : SeriesForecaster
            Fitted model.
        X : frame, default=None
            The future rows, as in `predict`; if they contain the target, the actual values are drawn. None: forecast
            the rows of `actual`, or `horizon` steps.
        history : frame, default=None
            Rows to forecast after, as in `predict`; None: the fitted ones.
        actual : pandas.DataFrame or pandas.Series, default=None
            Rows that continue the data, with the target. None: those of `X`.
        coverage : float or list of float, default=None
            Intervals to shade, such as [0.5, 0.8, 0.95] (`predict_interval`). None: no intervals.
        name : str, default=None
            Label of the model in the legend. None: the class of its regressor, "recipe" or "members".
        series : label or list of labels, default=None
            Series of a panel to draw; a list draws each in separate axes. None: the first that is forecast.
        target : label, default=None
            Target to draw; None: the first.
        n_steps : int, default=None
            Number of steps of history to draw. None: about twice the length of the forecast, which then takes a third
            of the width.
        unit : str, default=None
            Unit of the target, for its axis.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes or sequence of them, default=None
            Axes to draw on, one per series of a list; None: a new figure.

        Returns
        -------
        ForecastDisplay or ForecastGridDisplay
            The second if `series` is a list.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The model is not a fitted `SeriesForecaster`, or it has no such target or series; or as `predict` and
            `predict_interval`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> df = make_ar1(400, random_state=0)
        >>> model = SeriesForecaster(Ridge(), lookback=24, horizon=6).fit(df[:-6])
        >>> display = ForecastDisplay.from_estimator(model, df[-6:], coverage=[0.5, 0.8])
        >>> [line.get_label() for line in display.lines_]
        ['history', 'actual', 'Ridge']
        """
        pyplot()
        check_forecaster(model)
        check_is_fitted(model)
        target = one_of(target, model.target_names_, "target")
        levels = levels_of(coverage)
        parts = predictions_of(model, X, history, actual, levels, target, series)
        name = name_of(model) if name is None else name
        displays = {
            key: cls(
                found.history, {name: found.forecast}, actual=found.actual, intervals=found.intervals, n_steps=n_steps,
                unit=unit, title=title, legend=legend,
            )
            for key, found in parts.items()
        }  # fmt: skip
        return drawn(displays, series, ax, title=title, legend=legend)

    @classmethod
    def from_forecaster(
        cls, model: Any, X: FrameLike | None = None, **options: Any
    ) -> ForecastDisplay | ForecastGridDisplay:
        """Earlier name of `from_estimator`.

        Parameters
        ----------
        model : SeriesForecaster
        X : frame, default=None
        **options
            Options of `from_estimator`.

        Returns
        -------
        ForecastDisplay
        """
        return cls.from_estimator(model, X, **options)

    @classmethod
    def from_predictions(
        cls,
        history: FrameLike,
        forecast: FrameLike | Mapping[float, FrameLike],
        actual: FrameLike | None = None,
        *,
        intervals: FrameLike | Mapping[float, FrameLike] | None = None,
        coverage: float | None = None,
        name: str = "forecast",
        target: Hashable | None = None,
        n_steps: int | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw forecasts made elsewhere.

        Parameters
        ----------
        history : pandas.Series or pandas.DataFrame
            Values of one series before the forecast, by time.
        forecast : pandas.Series, pandas.DataFrame, or dict of float to one of them
            A column of forecasts with its bounds, as from `predict_interval`: `<target>_lower` and `<target>_upper`, or
            for each coverage `<target>_lower_0.8` and `<target>_upper_0.8`, with or without the target's name. Or
            quantiles, as from `predict_quantiles` (`<target>_0.1`), or a column or an entry per level between 0 and 1:
            0.5 is the line, 0.1 and 0.9 are the bounds of 80 %.
        actual : pandas.Series or pandas.DataFrame, default=None
            Actual values.
        intervals : pandas.DataFrame or dict of float to pandas.DataFrame, default=None
            Bounds as above, for a forecast without them; or a dict of frames with `<target>_lower` and `<target>_upper`
            by coverage.
        coverage : float, default=None
            Coverage of bounds whose names do not contain it.
        name : str, default="forecast"
            Label of the forecast in the legend.
        target : label, default=None
            Column to draw; None: the first.
        n_steps : int, default=None
            Number of steps of history to draw. None: about twice the length of the forecast.
        unit : str, default=None
        title : str, default=None
        ax : matplotlib.axes.Axes, default=None

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            No series can be read from an argument, a level has no counterpart on the other side of the median, or
            bounds and forecast have different rows.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> past = pd.Series([1.0, 2.0, 3.0], name="sold")
        >>> quantiles = pd.DataFrame({0.1: [3.0, 3.0], 0.5: [4.0, 5.0], 0.9: [5.0, 7.0]}, index=[3, 4])
        >>> display = ForecastDisplay.from_predictions(past, quantiles, unit="pieces")
        >>> display.ax_.get_ylabel(), list(display.intervals)
        ('sold (pieces)', [0.8])
        """
        pyplot()
        found = read_predictions(history, forecast, actual, intervals, coverage, target)
        return cls(
            found.history, {name: found.forecast}, actual=found.actual, intervals=found.intervals, n_steps=n_steps,
            unit=unit, title=title, legend=legend,
        ).plot(ax)  # fmt: skip

    @classmethod
    def from_report(
        cls,
        report: BacktestReport,
        df: FrameLike,
        *,
        models: str | Sequence[str] | None = None,
        origin: Any = None,
        coverage: float | Sequence[float] | None = None,
        series: Any = None,
        target: Hashable | None = None,
        n_steps: int | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | Sequence[Axes] | Array | None = None,
    ) -> ForecastDisplay | ForecastGridDisplay:
        """Draw the forecasts of a backtest from one origin.

        Parameters
        ----------
        report : BacktestReport
        df : frame
            The data of the backtest.
        models : str or list of str, default=None
            Models to draw. None: all, the best first.
        origin : label, default=None
            Origin to draw; None: the last.
        coverage : float or list of float, default=None
            Intervals of the report to shade, around the first model that has them; None: all.
        series : label or list of labels, default=None
            Series of a panel to draw; a list draws each in separate axes. None: the first.
        target : label, default=None
            Target to draw; None: the first.
        n_steps : int, default=None
            Number of steps of history to draw. None: about twice the length of the forecast.
        unit : str, default=None
            Unit of the target, for its axis.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes or sequence of them, default=None
            Axes to draw on, one per series of a list; None: a new figure.

        Returns
        -------
        ForecastDisplay or ForecastGridDisplay
            The second if `series` is a list.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The report has no such model, origin, coverage, series or target, or `df` is not its data.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.model_selection import RollingOrigin, backtest
        >>> df = make_ar1(400, random_state=1)
        >>> report = backtest(SeriesForecaster(Ridge(), lookback=12, horizon=4), df, RollingOrigin(5, horizon=4))
        >>> ForecastDisplay.from_report(report, df, models=["Ridge"]).history.index[-1]
        395
        """
        pyplot()
        part, target = rows_of(report, target)
        names = models_of(part, models)
        levels = [one_of(level, report.coverage, "coverage") for level in levels_of(coverage)] or report.coverage
        options: dict[str, Any] = {
            "n_steps": n_steps,
            "unit": unit,
            "order": order_of(report),
            "title": title,
            "legend": legend,
        }
        displays = {}
        for one in series if isinstance(series, list) else [series]:
            rows, key = of_series(part, one)
            origins = list(rows.frame["origin"].unique())
            start = one_of(max(origins) if origin is None else origin, origins, "origin")
            forecasts, actual, intervals, of = _at_origin(rows.frame, start, names, levels)
            past = history_of(df, rows, start, target, key)
            past = past if key is None or isinstance(series, list) else past.rename(f"{target}, {key}")
            displays[key] = cls(past, forecasts, actual=actual, intervals=intervals, interval_of=of, **options)
        return drawn(displays, series, ax, title=title, legend=legend)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure of 9 x 4.2 inches.

        Returns
        -------
        ForecastDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        self.ax_ = ax = new_axes(ax)
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        self.bands_: list[Collection] = []
        tones = tones_of(ax)
        history = self._shown()
        ax.axvline(place(history.index)[-1], color=tones.muted, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
        self._draw(history, "history", color=tones.ink, linewidth=1.4)
        if self.actual is not None:
            joined = pd.concat([self.history.iloc[-1:], self.actual])
            marks = markers_of(joined, ".", 5)
            self._draw(joined, "actual", color=tones.ink, linewidth=1.1, zorder=7, **marks)
        styles = looks_of(self.forecasts, self.order)
        self._draw_bands(styles)
        for name, forecast in self.forecasts.items():
            self._draw(forecast, name, **styles[name])
        label = time_axis(ax, history.index)
        ax.margins(x=0.01)
        dress(ax, label, None if self.history.name is None else labelled(self.history.name, self.unit))
        caption(ax, self.title, legend=self.legend)
        return self

    def _shown(self) -> pd.Series:
        """The newest rows of the history: `n_steps`, or enough to leave the forecast a third of the width."""
        if self.n_steps is not None:
            return self.history.iloc[-self.n_steps :]
        at = place(self.history.index)
        ends = [place(forecast.index)[-1] for forecast in self.forecasts.values() if len(forecast)]
        if not ends or max(ends) <= at[-1]:
            return self.history
        return self.history[at >= at[-1] - _HISTORY * (max(ends) - at[-1])]

    def _draw_bands(self, styles: dict[str, dict[str, Any]]) -> None:
        intervals = self.intervals or {}
        if not intervals:
            return
        of = next(iter(self.forecasts)) if self.interval_of is None else self.interval_of
        widest_first = sorted(intervals, key=lambda level: -1.0 if level is None else -level)
        tints = fills(styles[of]["color"], tones_of(self.ax_).ground, len(widest_first))
        for level, tint in zip(widest_first, tints, strict=True):
            frame = intervals[level]
            label = "interval" if level is None else f"{100 * level:g} % interval"
            at, lower, upper = place(frame.index), frame["lower"].to_numpy(), frame["upper"].to_numpy()
            band: Collection
            if len(at) == 1:  # an area of one step cannot be seen
                band = self.ax_.vlines(at, lower, upper, color=[tint], linewidth=7, label=label, zorder=2)
            else:
                band = self.ax_.fill_between(at, lower, upper, color=tint, linewidth=0, label=label, zorder=2)
            self.bands_.append(band)

    def _draw(self, series: Any, label: str, **style: Any) -> None:
        values = np.asarray(series, dtype=np.float64)
        marker: dict[str, Any] = {"marker": "o", "markersize": 4} if len(values) == 1 else {}
        self.lines_ += self.ax_.plot(place(series.index), values, label=label, **(marker | style))


def _at_origin(
    frame: pd.DataFrame, origin: pd.Timestamp, names: list[str], levels: list[float]
) -> tuple[dict[str, pd.Series], pd.Series, dict[float, pd.DataFrame], str | None]:
    """Forecasts by model, the actual values, the intervals by coverage, and the first model that has them."""
    rows = frame[frame["origin"] == origin]
    by_model = {name: rows[rows["model"] == name].set_index("timestamp") for name in names}
    intervals, of = {}, None
    for level in levels:
        for name in [of] if of else names:
            bounds = bands_of_interval(by_model[name], level)
            if bounds.notna().any(axis=None):
                intervals[level], of = bounds, name
                break
    return {name: one["forecast"] for name, one in by_model.items()}, by_model[names[0]]["actual"], intervals, of
