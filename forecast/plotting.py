"""Pictures of forecasts: Display objects in scikit-learn's manner, drawn with matplotlib (extra `plot`)."""

import numpy as np
import pandas as pd

from ._frames import as_frame

__all__ = ["ForecastDisplay"]

_INK, _MUTED, _GRID = "#222222", "#6f6f6f", "#e4e4e4"
# Distinguishable with the common kinds of colour blindness, and in print.
_COLOURS = ("#d1495b", "#00798c", "#edae49", "#5f4b8b", "#66a182", "#8d5524")


class ForecastDisplay:
    """History, forecasts and, where they are known, the actual values of one series.

    `from_forecaster` and `from_report` build it and draw it.

    Parameters
    ----------
    history : pandas.Series
        Values before the forecast.
    forecasts : dict of str to pandas.Series
        Forecasts by the name of their model; the first is drawn as the main one.
    actual : pandas.Series, default=None
        What happened in the time of the forecasts.
    title : str, default=None
        None draws none.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D

    Examples
    --------
    >>> import pandas as pd
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> past, future = pd.Series([1.0, 2.0, 3.0]), pd.Series([4.0, 5.0], index=[3, 4])
    >>> display = ForecastDisplay(past, {"drift": future}).plot()
    >>> [line.get_label() for line in display.lines_]
    ['history', 'drift']
    """

    def __init__(self, history, forecasts, *, actual=None, title=None):
        self.history = history
        self.forecasts = forecasts
        self.actual = actual
        self.title = title

    @classmethod
    def from_forecaster(cls, model, *, actual=None, target=None, n_steps=None, title=None, ax=None):
        """Forecast with a fitted `SeriesForecaster` and draw it after the rows that it remembers.

        Parameters
        ----------
        model : SeriesForecaster
            Fitted.
        actual : pandas.DataFrame or pandas.Series, default=None
            Rows that continue the fitted data, with the target; the forecast is then as long as they are.
        target : label, default=None
            The target to draw; None is the first.
        n_steps : int, default=None
            Steps of history to draw; None draws all that the model remembers.
        title : str, default=None
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            The target is not one of the model's.
        """
        _pyplot()
        target = _one_of(target, list(model.target_names_), "target")
        forecast = model.predict() if actual is None else model.predict(actual)
        known = None if actual is None else as_frame(actual, "actual")[target]
        name = type(model.regressor_).__name__
        history = model.history_[target].iloc[-(n_steps or len(model.history_)) :]
        return cls(history, {name: forecast[target]}, actual=known, title=title).plot(ax)

    @classmethod
    def from_report(cls, report, df, *, models=None, origin=None, target=None, n_steps=None, title=None, ax=None):
        """Draw the forecasts of a backtest from one origin.

        Parameters
        ----------
        report : BacktestReport
        df : pandas.DataFrame or pandas.Series
            The data of the backtest.
        models : list of str, default=None
            Which ones; None draws all, the best first.
        origin : label, default=None
            Which origin; None is the last.
        target : label, default=None
            Which target; None is the first.
        n_steps : int, default=None
            Steps of history to draw; None draws four times the horizon, 60 at least.
        title : str, default=None
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            The report has no such model, origin or target.
        """
        _pyplot()
        frame = report.frame
        target = _one_of(target, list(frame["target"].unique()), "target")
        origins = list(frame["origin"].unique())
        origin = _one_of(origins[-1] if origin is None else origin, origins, "origin")
        names = list(report.summary().index)
        models = [_one_of(name, names, "model") for name in (names if models is None else models)]
        rows = frame[(frame["target"] == target) & (frame["origin"] == origin)]
        forecasts = {name: rows[rows["model"] == name].set_index("timestamp")["forecast"] for name in models}
        actual = rows[rows["model"] == models[0]].set_index("timestamp")["actual"]
        data = as_frame(df, "df")
        series = data[target] if target in data.columns else data.iloc[:, 0]
        history = series.loc[:origin].iloc[-(n_steps or max(4 * len(actual), 60)) :]
        return cls(history, forecasts, actual=actual, title=title).plot(ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure, 9 x 4.2 inches.

        Returns
        -------
        ForecastDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot = _pyplot()
        if ax is None:
            _, ax = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
        self.ax_, self.figure_, self.lines_ = ax, ax.figure, []
        origin = _stamps(self.history.index)[-1]
        ax.axvline(origin, color=_MUTED, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        self._draw(self.history, "history", color=_INK, linewidth=1.4)
        if self.actual is not None:
            joined = pd.concat([self.history.iloc[-1:], self.actual])
            self._draw(joined, "actual", color=_INK, linewidth=1.4, alpha=0.45)
        for number, (name, forecast) in enumerate(self.forecasts.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            style = {"linewidth": 2.0, "zorder": 4} if number == 0 else {"linewidth": 1.2, "zorder": 3}
            self._draw(forecast, name, color=colour, **style)
        self._dress()
        return self

    def _draw(self, series, label, **style):
        values = np.asarray(series, dtype=np.float64)
        marker = {"marker": "o", "markersize": 4} if len(values) == 1 else {}
        self.lines_ += self.ax_.plot(_stamps(series.index), values, label=label, **marker, **style)

    def _dress(self):
        ax = self.ax_
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            ax.spines[side].set_color(_MUTED)
        ax.tick_params(colors=_MUTED, labelsize=9)
        ax.grid(axis="y", color=_GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.margins(x=0.01)
        if self.history.name is not None:
            ax.set_ylabel(str(self.history.name), color=_MUTED)
        if self.title:
            ax.set_title(self.title, loc="left", fontsize=11, color=_INK)
        ax.legend(frameon=False, fontsize=9, labelcolor=_INK, ncols=2)


def _stamps(index):
    """Labels that matplotlib can place; a period stands where it starts."""
    return index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index


def _one_of(name, known, what):
    name = known[0] if name is None else name
    if name not in known:
        raise ValueError(f"{what} {name!r} is not there; expected one of {known}.")
    return name


def _pyplot():
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib, which is not installed. Fix: pip install 'rnn-forecast[plot]'."
        ) from error
    return pyplot
