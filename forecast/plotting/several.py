"""`ForecastGridDisplay`: forecasts of several series in one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._refusals import Refusal
from .captions import figure_caption
from .style import new_panels, pyplot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes

    from .._types import Array
    from .forecasts import ForecastDisplay

__all__ = ["ForecastGridDisplay", "drawn"]


class ForecastGridDisplay:
    """Forecasts of several series, each in separate axes, with one legend for all.

    `ForecastDisplay.from_estimator` and `ForecastDisplay.from_report` return it if `series` is a list.

    Parameters
    ----------
    displays : dict of label to ForecastDisplay
        Displays by name of the series; they need not be drawn.
    title : str, default=None
        Title of the whole figure, if it is a new one.
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        Axes, one per series.
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from forecast.plotting import ForecastDisplay
    >>> past, future = pd.Series([1.0, 2.0, 3.0]), pd.Series([4.0, 5.0], index=[3, 4])
    >>> shops = {name: ForecastDisplay(past, {"drift": future}) for name in ("north", "south")}
    >>> display = ForecastGridDisplay(shops).plot()
    >>> [ax.get_title(loc="left") for ax in display.axes_]
    ['north', 'south']
    >>> matplotlib.pyplot.close("all")
    """

    def __init__(
        self, displays: Mapping[Any, ForecastDisplay], *, title: str | None = None, legend: bool = True
    ) -> None:
        self.displays = displays
        self.title = title
        self.legend = legend

    def plot(self, axes: Sequence[Axes] | Array | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, default=None
            Axes to draw on, one per series; the legend is then in the first. None: a new figure.

        Returns
        -------
        ForecastGridDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            There are no series, or the number of axes differs from that of series.
        """
        plt = pyplot()
        n = len(self.displays)
        if not n:
            raise ValueError(Refusal("is empty", where="series", expected="at least one name"))

        def make() -> list[Axes]:
            columns = 1 if n == 1 else 2 if n <= 6 else 3
            rows = -(-n // columns)
            size: dict[str, Any] = {"figsize": (9 if columns < 3 else 12, 0.9 + 2.4 * rows), "layout": "constrained"}
            grid = np.ravel(plt.subplots(rows, columns, squeeze=False, **size)[1])
            for ax in grid[n:]:
                ax.remove()
            return list(grid[:n])

        self.axes_ = new_panels(axes, n, make)
        self.figure_ = self.axes_[0].figure
        for number, (ax, (key, display)) in enumerate(zip(self.axes_, self.displays.items(), strict=True)):
            display.title = str(key)
            display.legend = self.legend and axes is not None and number == 0
            display.plot(ax)
        if axes is None:
            figure_caption(self.figure_, self.axes_, self.title, legend=self.legend)
        return self


def drawn(
    displays: Mapping[Any, ForecastDisplay], series: Any, ax: Any, *, title: str | None, legend: bool
) -> ForecastDisplay | ForecastGridDisplay:
    """Draw the display of one series, or those of a list."""
    if not isinstance(series, list):
        return next(iter(displays.values())).plot(ax)
    return ForecastGridDisplay(displays, title=title, legend=legend).plot(ax)
