"""`ImportanceDisplay`: how much worse a model is without each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._refusals import Fix, Refusal
from .captions import caption
from .style import colour_of, dress, labelled, new_axes, pyplot, rows_that_fit, tones_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from .._types import Floats, FrameLike
    from ..diagnostics import ChannelImportance

__all__ = ["ImportanceDisplay"]


class ImportanceDisplay:
    """Increase of the error if a column is taken from another time, with a bar per column, the most important on top.

    Create it with `from_estimator` or `from_importance`.

    Parameters
    ----------
    importance : ChannelImportance
        Result of `forecast.diagnostics.channel_importance`.
    unit : str, default=None
        Unit of the error.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    bars_ : matplotlib.container.BarContainer
        Means over the repeats, with thin lines for their standard deviations. If there is too little room, the least
        important columns are left out.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from forecast.diagnostics import ChannelImportance
    >>> found = ChannelImportance(["load", "wind"], np.array([[0.5, 0.7], [0.1, 0.1]]), 1.0, "mae", "load", 20)
    >>> display = ImportanceDisplay.from_importance(found)
    >>> display.ax_.get_xlabel()
    'rise of the MAE of load, from 1'
    """

    def __init__(
        self, importance: ChannelImportance, *, unit: str | None = None, title: str | None = None, legend: bool = True
    ) -> None:
        self.importance = importance
        self.unit = unit
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: FrameLike,
        *,
        metric: Literal["mae", "rmse"] | Callable[[Floats, Floats], float] = "mae",
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Exchange columns of a frame between distant times, and draw the increase of the error.

        Parameters
        ----------
        model : SeriesForecaster
            Fitted model with any regressor.
        X, metric
            Arguments of `forecast.diagnostics.channel_importance`.
        unit : str, default=None
            Unit of the error.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        ImportanceDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            As `channel_importance`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4).fit(make_ar1(300, random_state=0))
        >>> display = ImportanceDisplay.from_estimator(model, make_ar1(300, random_state=0))
        >>> [label.get_text() for label in display.ax_.get_yticklabels()]
        ['y']
        """
        pyplot()
        from ..diagnostics import channel_importance

        importance = channel_importance(model, X, metric=metric)
        return cls.from_importance(importance, unit=unit, title=title, legend=legend, ax=ax)

    @classmethod
    def from_importance(
        cls,
        importance: ChannelImportance,
        *,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw importances that you have computed.

        Parameters
        ----------
        importance : ChannelImportance
        unit : str, default=None
            Unit of the error.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        ImportanceDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError
            The object is not a `ChannelImportance`.
        """
        pyplot()
        if not hasattr(importance, "rises"):
            raise TypeError(
                Refusal(
                    f"is {type(importance).__name__}",
                    where="importance",
                    expected="a ChannelImportance",
                    fix=Fix("ImportanceDisplay.from_importance(channel_importance(model, df))", ""),
                )
            )
        return cls(importance, unit=unit, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure, 9 inches wide.

        Returns
        -------
        ImportanceDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        found = self.importance
        table = found.to_frame()
        self.ax_ = ax = new_axes(ax, size=(9, 1.9 + 0.32 * min(len(table), 20)))
        self.figure_, tones = ax.figure, tones_of(ax)
        self.lines_: list[Line2D] = []
        table = table.iloc[: rows_that_fit(ax)]
        rows, several = np.arange(len(table)), found.rises.shape[1]
        self.bars_ = ax.barh(
            rows, table["importance"], height=0.6, color=colour_of(1), zorder=2, xerr=table["std"],
            ecolor=tones.ink, error_kw={"elinewidth": 1.2, "zorder": 3}, label=f"mean and deviation, {several} repeats",
        )  # fmt: skip
        ax.axvline(0, color=tones.ink, linewidth=1.2, zorder=3)
        ax.margins(x=0.05)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(rows, [str(name) for name in table.index])
        metric = found.metric.upper() if found.metric in ("mae", "rmse") else found.metric
        rise = f"rise of the {metric} of {found.target}, from {found.error:.3g}"
        dress(ax, labelled(rise, self.unit), None, grid="x")
        ax.tick_params(axis="y", length=0, colors=tones.ink)
        caption(ax, self.title, handles=[self.bars_], legend=self.legend)
        return self
