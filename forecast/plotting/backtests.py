"""`BacktestDisplay`: how errors of a backtest change from origin to origin, or from step to step."""

from dataclasses import replace

import pandas as pd

from .reading import models_of, one_of, order_of, rows_of, step_unit
from .style import dress, labelled, legend_above, looks_of, new_axes, place, pyplot, time_axis, tones_of

__all__ = ["BacktestDisplay"]

_METRICS = ("MAE", "RMSE", "sMAPE", "MASE", "RMSSE", "skill")
_IN_UNITS = ("MAE", "RMSE")


class BacktestDisplay:
    """Errors of models and naive forecasts by origin, over time, or by step of the horizon.

    `from_report` builds it and draws it.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: origins or steps; one column per model, in the order of the legend.
    by : {"origin", "step"}, default="origin"
    metric : str, default="MAE"
    step_unit : str, default=None
        What a step is, such as "hours".
    unit : str, default=None
        Unit of the series; the errors that have it are labelled with it.
    order : list of str, default=None
        Names by which colours are given out, so that a model looks alike in several pictures; None: as drawn.
    title : str, default=None

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

    def __init__(self, table, *, by="origin", metric="MAE", step_unit=None, unit=None, order=None, title=None):
        self.table = table
        self.by = by
        self.metric = metric
        self.step_unit = step_unit
        self.unit = unit
        self.order = order
        self.title = title

    @classmethod
    def from_report(
        cls, report, *, by="origin", metric="MAE", models=None, series=None, target=None, unit=None, title=None, ax=None
    ):
        """Draw a backtest's errors.

        Parameters
        ----------
        report : BacktestReport
        by : {"origin", "step"}, default="origin"
            "origin": the error of all steps from each origin, over time: when was it hard? "step": the error of all
            origins at each step: how fast does it get worse?
        metric : {"MAE", "RMSE", "sMAPE", "MASE", "RMSSE", "skill"}, default="MAE"
            As in `report.summary()`, and the same numbers; the skill at an origin or a step is over the naive forecast
            that is best there.
        models : str or list of str, default=None
            Which ones; None draws all beside the naive ones, the best first.
        series : label, default=None
            Which series of a panel; None takes all together.
        target : label, default=None
            Which target; None is the first.
        unit : str, default=None
            Unit of the target.
        title : str, default=None
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        BacktestDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            `by` or `metric` is none of these, or the report has no such model, series or target.

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
        by, metric = one_of(by, ("origin", "step"), "by"), one_of(metric, _METRICS, "metric")
        part, _ = rows_of(report, target, series)
        names = models_of(part, models)
        table = _by_step(part, metric) if by == "step" else _by_origin(part, metric)
        display = cls(
            table[names],
            by=by,
            metric=metric,
            step_unit=step_unit(part.frame),
            unit=unit,
            order=order_of(report),
            title=title,
        )
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure, 9 x 4.2 inches.

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
        self.ax_ = ax = new_axes(ax)
        self.figure_, self.lines_ = ax.figure, []
        index = self.table.index
        looks = looks_of(self.table.columns, self.order, points=len(index))
        for name, column in self.table.items():
            self.lines_ += ax.plot(place(index), column.to_numpy(dtype=float), label=str(name), **looks[name])
        if self.by == "step":
            xlabel = labelled("steps ahead", self.step_unit)
            time_axis(ax, pd.RangeIndex(2))
        else:
            xlabel = time_axis(ax, index, "origin of the forecast")
        if self.metric == "skill":
            ax.axhline(0, color=tones_of(ax).ink, linewidth=1.2, zorder=2)
            ylabel = "skill over the best naive forecast"
        else:
            ax.set_ylim(bottom=0)  # an error half as high is half as large
            unit = self.unit if self.metric in _IN_UNITS else "%" if self.metric == "sMAPE" else None
            ylabel = labelled(self.metric, unit)
        ax.margins(x=0.02)
        dress(ax, xlabel, ylabel)
        legend_above(ax, self.title)
        return self


def _by_step(report, metric):
    return report.summary(by="step")[metric].unstack("model")


def _by_origin(report, metric):
    """The report splits by steps; given the number of its origin as the step of each row, it splits by origins."""
    origins = pd.Index(report.frame["origin"].unique()).sort_values()
    numbered = replace(report, frame=report.frame.assign(step=origins.get_indexer(report.frame["origin"])))
    return _by_step(numbered, metric).set_axis(origins)
