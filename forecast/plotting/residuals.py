"""`ResidualDisplay`: structure that remains in the errors of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal
from .captions import caption
from .reading import actual_rows, models_of, numbers_of, of_series, rows_of, step_unit
from .style import colour_of, dress, fills, labelled, markers_of, new_panels, place, pyplot, time_axis, tones_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from .._types import Array, Floats
    from ..model_selection import BacktestReport

__all__ = ["ResidualDisplay"]

_MOST_LAGS = 48


class ResidualDisplay:
    """Residuals, actual minus forecast, in three panels: over time, as a histogram, and their autocorrelation.

    Good residuals look the same at all times, are centred on 0, and are uncorrelated. The autocorrelation is drawn with
    the band that contains 95 % of the values for white noise [1]_.

    Create it with `from_report` or `from_predictions`.

    Parameters
    ----------
    residuals : pandas.Series
        Residuals by time, at equal steps; NaN where there is none.
    name : str, default=None
        Name of the model, for the default title.
    unit : str, default=None
        Unit of the series.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        Axes of the residuals over time, the histogram and the autocorrelation.
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D
        Lines of the residuals and points of the autocorrelation.
    autocorrelation_ : ndarray of shape (n_lags,)
        Autocorrelation at lags 1, 2, ...
    band_ : float
        Half-width of the band: 1.96 / sqrt(n), which white noise exceeds 5 times in 100.

    References
    ----------
    .. [1] Bartlett (1946), On the theoretical specification and sampling properties of autocorrelated time-series,
       Supplement to the Journal of the Royal Statistical Society 8.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> display = ResidualDisplay(pd.Series([1.0, -1.0] * 50)).plot()
    >>> display.autocorrelation_[:2].round(2), round(display.band_, 3)
    (array([-0.99,  0.98]), 0.196)
    """

    def __init__(
        self,
        residuals: pd.Series,
        *,
        name: str | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.residuals = residuals
        self.name = name
        self.unit = unit
        self.title = title
        self.legend = legend

    @classmethod
    def from_report(
        cls,
        report: BacktestReport,
        *,
        model: str | None = None,
        step: int | None = None,
        series: Any = None,
        target: Hashable | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Draw the residuals of one model of a backtest.

        Parameters
        ----------
        report : BacktestReport
        model : str, default=None
            Model to draw. None: the best one that is not naive.
        step : int, default=None
            Step of the horizon whose residuals are drawn, one per origin. None: all steps if every time stamp was
            forecast once, otherwise the first.
        series : label, default=None
            Series of a panel to draw; None: the first.
        target : label, default=None
            Target to draw; None: the first.
        unit : str, default=None
        title : str, default=None
            Title. None: the model and the step.
        legend : bool, default=True
            Whether to draw a legend.
        axes : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        ResidualDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The report has no such model, step, series or target, or fewer than four residuals.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.model_selection import RollingOrigin, backtest
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
        >>> report = backtest(model, make_ar1(400, random_state=0), RollingOrigin(20, horizon=4))
        >>> len(ResidualDisplay.from_report(report).residuals)
        80
        """
        pyplot()
        part, _ = rows_of(report, target)
        name = models_of(part, None if model is None else [model], naive=False)[0]
        part, _ = of_series(part, series)
        rows = actual_rows(part, name)
        steps = sorted(part.frame["step"].unique())
        if step is None and (len(steps) == 1 or rows["timestamp"].duplicated().any()):
            step = steps[0]
        if step is not None:
            if step not in steps:
                raise ValueError(Refusal(f"is {step!r}", where="step", expected=f"one of 1 to {steps[-1]}, or None"))
            rows = rows[rows["step"] == step]
        residuals = pd.Series(
            (rows["actual"] - rows["forecast"]).to_numpy(), pd.Index(rows["timestamp"], name="time"), name="residual"
        )
        which = ", all steps" if step is None else f", step {step}"
        kind = step_unit(part.frame)
        which += f" ({kind})" if kind and step is not None and step > 1 else ""
        return cls(residuals, name=f"{name}{which}", unit=unit, title=title, legend=legend).plot(axes)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        name: str | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Draw the residuals of any forecasts.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Actual values in time order; the index of a pandas object is the time axis. Unknown values (NaN) are left
            out.
        y_pred : array-like of shape (n,)
            Forecasts, all for the same step ahead.
        name : str, default=None
            Name of the model.
        unit : str, default=None
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        axes : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        ResidualDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The shapes differ or do not belong to one series, or fewer than four residuals are known.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> display = ResidualDisplay.from_predictions([1.0, 2.0, 3.0, 5.0], [1.5, 2.0, 2.0, 4.0], unit="m")
        >>> display.axes_[0].get_ylabel(), list(display.residuals)
        ('residual (m)', [-0.5, 0.0, 1.0, 1.0])
        """
        pyplot()
        actual, forecast = numbers_of(y_true, "y_true"), numbers_of(y_pred, "y_pred")
        if len(actual) != len(forecast):
            raise ValueError(
                Refusal(f"has {len(actual)} values, y_pred {len(forecast)}", where="y_true", expected="as many")
            )
        index = next((one.index for one in (y_true, y_pred) if isinstance(one, (pd.Series, pd.DataFrame))), None)
        index = pd.RangeIndex(len(actual)) if index is None else index
        return cls(
            pd.Series(actual - forecast, index, name="residual"), name=name, unit=unit, title=title, legend=legend
        ).plot(axes)

    def plot(self, axes: Sequence[Axes] | Array | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on: over time, histogram, autocorrelation; None: a new figure of 9 x 5.6 inches.

        Returns
        -------
        ResidualDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            Fewer than four residuals are known, or there are not three axes.
        """
        plt = pyplot()
        values = np.asarray(self.residuals, dtype=np.float64)
        known = values[np.isfinite(values)]
        if len(known) < 4:
            raise ValueError(
                Refusal(
                    f"there are {len(known)} residuals",
                    expected="at least 4, to say anything, from more origins or all steps",
                    fix=Fix("step=None", ""),
                )
            )

        def make() -> list[Axes]:
            mosaic = plt.subplot_mosaic([["over", "over"], ["shape", "lags"]], figsize=(9, 5.6), layout="constrained")
            return list(mosaic[1].values())

        self.axes_ = over, shape, lags = new_panels(axes, 3, make)
        self.figure_ = over.figure
        self.lines_: list[Line2D] = []
        self._draw_over_time(over, values)
        self._draw_shape(shape, known)
        self._draw_lags(lags, values, len(known))
        return self

    def _draw_over_time(self, ax: Axes, values: Floats) -> None:
        ax.axhline(0, color=tones_of(ax).ink, linewidth=1.0, zorder=2)
        style: dict[str, Any] = {"color": colour_of(1), "linewidth": 0.8 if len(values) <= 400 else 0.5}
        style |= markers_of(values, "o", 2.5)
        self.lines_ += ax.plot(place(self.residuals.index), values, zorder=3, **style)
        label = time_axis(ax, self.residuals.index)
        ax.margins(x=0.01)
        dress(ax, label, labelled("residual", self.unit))
        name = "" if self.name is None else f": {self.name}"
        caption(ax, self.title or f"Residuals, actual − forecast{name}", handles=[], legend=self.legend)

    def _draw_shape(self, ax: Axes, known: Floats) -> None:
        tones, mean, spread = tones_of(ax), known.mean(), known.std()
        edges = np.histogram_bin_edges(known, bins=int(np.clip(np.sqrt(len(known)), 6, 40)))
        ax.hist(
            known,
            bins=edges.tolist(),
            color=fills(colour_of(1), tones.ground, 1)[0],
            edgecolor=colour_of(1),
            linewidth=0.7,
        )
        ax.axvline(0, color=tones.ink, linewidth=1.0)
        ax.axvline(
            mean, color=colour_of(0), linewidth=1.6, linestyle=(0, (5, 2)), label=f"mean {mean:.3g}".replace("-", "−")
        )
        if spread > 0:
            at = np.linspace(edges[0], edges[-1], 200)
            bell = np.exp(-0.5 * ((at - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
            height = bell * len(known) * (edges[1] - edges[0])
            label = f"normal, same spread {spread:.3g}"
            ax.plot(at, height, color=tones.ink, linewidth=1.2, linestyle=(0, (1.5, 1.2)), label=label)
        dress(ax, labelled("residual", self.unit), "count")
        caption(ax, legend=self.legend)

    def _draw_lags(self, ax: Axes, values: Floats, n: int) -> None:
        from matplotlib.ticker import MaxNLocator

        tones = tones_of(ax)
        self.band_ = float(1.96 / np.sqrt(n))
        self.autocorrelation_ = found = _autocorrelation(values, min(_MOST_LAGS, n // 2))
        at = np.arange(1, len(found) + 1)
        ground = fills(tones.muted, tones.ground, 1)[0]
        ax.axhspan(-self.band_, self.band_, color=ground, linewidth=0, zorder=1, label="95 % of white noise")
        ax.axhline(0, color=tones.ink, linewidth=1.0, zorder=2)
        ax.vlines(at, 0, found, color=colour_of(1), linewidth=1.3, zorder=3)
        self.lines_ += ax.plot(at, found, linestyle="none", marker="o", markersize=3.5, color=colour_of(1), zorder=4)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylim(min(-0.3, 1.15 * found.min(), -1.3 * self.band_), max(0.3, 1.15 * found.max(), 1.3 * self.band_))
        dress(ax, "lag (residuals)", "autocorrelation")
        caption(ax, legend=self.legend)


def _autocorrelation(values: Floats, n_lags: int) -> Floats:
    """At lags 1 to `n_lags`; where values are missing, over the pairs that are there."""
    centred = np.nan_to_num(values - np.nanmean(values))
    power = centred @ centred
    if power == 0:
        return np.zeros(n_lags)
    return np.array([centred[lag:] @ centred[:-lag] for lag in range(1, n_lags + 1)]) / power
