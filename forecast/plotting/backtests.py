"""`BacktestDisplay`: how errors of a backtest change from origin to origin, step to step, or series to series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal
from .captions import caption
from .reading import models_of, one_of, order_of, rows_of, step_unit
from .style import MANY, dress, font_of, labelled, looks_of, markers_of, new_axes, place, pyplot, time_axis, tones_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from ..model_selection import BacktestReport

__all__ = ["BacktestDisplay"]

_METRICS = ("MAE", "RMSE", "sMAPE", "MASE", "RMSSE", "skill")
_IN_UNITS = ("MAE", "RMSE")
_MOST_ROWS = 40  # series up to which the picture grows


class BacktestDisplay:
    """Errors of models and naive forecasts by origin, over time, by step of the horizon, or by series of a panel.

    Create it with `from_report`.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: origins, steps or series; one column per model, in the order of the legend.
    by : {"origin", "step", "series"}, default="origin"
    metric : str, default="MAE"
    step_unit : str, default=None
        Unit of a step, such as "hours".
    unit : str, default=None
        Unit of the series; errors in this unit are labelled with it.
    order : list of str, default=None
        Order of names in which colours are assigned, so that a model has the same colour in several plots; None: as
        drawn.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D
        One per model.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> table = pd.DataFrame({"GRU": [1.0, 1.4], "last value": [1.2, 2.0]}, index=[1, 2])
    >>> display = BacktestDisplay(table, by="step", step_unit="hours", unit="kW").plot()
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('steps ahead (hours)', 'MAE (kW)')
    """

    def __init__(
        self,
        table: pd.DataFrame,
        *,
        by: str = "origin",
        metric: str = "MAE",
        step_unit: str | None = None,
        unit: str | None = None,
        order: Sequence[str] | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.table = table
        self.by = by
        self.metric = metric
        self.step_unit = step_unit
        self.unit = unit
        self.order = order
        self.title = title
        self.legend = legend

    @classmethod
    def from_report(
        cls,
        report: BacktestReport,
        *,
        by: str = "origin",
        metric: str = "MAE",
        models: str | Sequence[str] | None = None,
        series: Any = None,
        target: Hashable | None = None,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a backtest's errors.

        Parameters
        ----------
        report : BacktestReport
        by : {"origin", "step", "series"}, default="origin"
            What errors are split by. "origin": the error of all steps from each origin, over time, which shows when
            forecasting was hard. "step": the error of all origins at each step, which shows how fast errors grow.
            "series": the error of each series of a panel, the largest of the first model on top, which shows which
            series are hard.
        metric : {"MAE", "RMSE", "sMAPE", "MASE", "RMSSE", "skill"}, default="MAE"
            Error as in `report.summary()`, with the same numbers; the skill at an origin, a step or a series is over
            the naive forecast that is best there.
        models : str or list of str, default=None
            Models to draw. None: all models and naive forecasts, the best first.
        series : label or list of labels, default=None
            Series of a panel to draw; several are combined. None: all.
        target : label, default=None
            Target to draw; None: the first.
        unit : str, default=None
            Unit of the target.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        BacktestDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            `by` or `metric` is unknown, or the report has no such model, series or target.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.model_selection import RollingOrigin, backtest
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
        >>> report = backtest(model, make_ar1(400, random_state=1), RollingOrigin(5, horizon=4))
        >>> BacktestDisplay.from_report(report, by="step").table.shape
        (4, 5)
        """
        pyplot()
        by, metric = one_of(by, ("origin", "step", "series"), "by"), one_of(metric, _METRICS, "metric")
        part, _ = rows_of(report, target, series)
        names = models_of(part, models)
        if by == "series" and "series" not in part.frame.columns:
            raise ValueError(
                Refusal("is 'series', but the backtest was of one series", where="by", fix=Fix("by='step'", ""))
            )
        table = _by_origin(part, metric) if by == "origin" else _by(part, by, metric)
        if by == "series":
            table = table.sort_values(names[0], ascending=False, kind="stable")
        display = cls(
            table[names],
            by=by,
            metric=metric,
            step_unit=step_unit(part.frame),
            unit=unit,
            order=order_of(report),
            title=title,
            legend=legend,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure of 9 x 4.2 inches.

        Returns
        -------
        BacktestDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        n = len(self.table)
        high = 1.4 + 0.26 * min(n, _MOST_ROWS) if self.by == "series" else 4.2
        self.ax_ = ax = new_axes(ax, size=(9, max(high, 3.0)))
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        looks = looks_of(self.table.columns, self.order, points=n)
        at = np.arange(n) if self.by == "series" else place(self.table.index)
        for name, column in self.table.items():
            values = column.to_numpy(dtype=float)
            look = looks[name] if n <= MANY else looks[name] | markers_of(values, ".", 4)
            if self.by != "series":
                self.lines_ += ax.plot(at, values, label=str(name), **look)
            else:  # the order of series means nothing, so no line
                look |= {"linestyle": "none", "markersize": 6} if n <= MANY else {"linewidth": 1.0}
                self.lines_ += ax.plot(values, at, label=str(name), **look)
        label = self._label()
        if self.by == "series":
            self._name_series(ax, label)
        else:
            self._name_times(ax, label)
        caption(ax, self.title, legend=self.legend)
        return self

    def _label(self) -> str:
        """The label of the axis of errors."""
        if self.metric == "skill":
            return "skill over the best naive forecast"
        return labelled(self.metric, self.unit if self.metric in _IN_UNITS else "%" if self.metric == "sMAPE" else None)

    def _name_times(self, ax: Axes, label: str) -> None:
        if self.by == "step":
            xlabel = labelled("steps ahead", self.step_unit)
            time_axis(ax, pd.RangeIndex(2))
        else:
            xlabel = time_axis(ax, self.table.index, "origin of the forecast")
        if self.metric == "skill":
            ax.axhline(0, color=tones_of(ax).ink, linewidth=1.2, zorder=2)
        else:
            ax.set_ylim(bottom=0)  # an error half as high is half as large
        ax.margins(x=0.02)
        dress(ax, xlabel, label)

    def _name_series(self, ax: Axes, label: str) -> None:
        n = len(self.table)
        if self.metric == "skill":
            ax.axvline(0, color=tones_of(ax).ink, linewidth=1.2, zorder=2)
        else:
            ax.set_xlim(left=0)
        ax.set_ylim(n - 0.5, -0.5)
        dress(ax, label, None, grid="both")
        most = max(int(ax.bbox.height / ax.figure.dpi * 72 / (1.5 * font_of(ax))), 1)  # names above each other
        shown = np.arange(0, n, -(-n // most))
        ax.set_yticks(shown, [str(name) for name in self.table.index[shown]])


def _by(report: BacktestReport, by: str, metric: str) -> pd.DataFrame:
    return report.summary(by=by)[metric].unstack("model")


def _by_origin(report: BacktestReport, metric: str) -> pd.DataFrame:
    """The summary by origin: the report splits by steps, so each row gets the number of its origin as its step."""
    origins = pd.Index(report.frame["origin"].unique()).sort_values()
    numbered = replace(report, frame=report.frame.assign(step=origins.get_indexer(report.frame["origin"])))
    return _by(numbered, "step", metric).set_axis(origins)
