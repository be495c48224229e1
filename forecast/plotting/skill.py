"""`SkillDisplay`: is a model better than naive forecasts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Refusal
from ..baselines import NAIVE
from ..metrics import skill
from .captions import caption, room_beside
from .reading import models_of, one_of, rows_of
from .style import colour_of, dress, font_of, new_axes, pyplot, tones_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes

    from .._types import Floats, Integers
    from ..model_selection import BacktestReport
    from .style import Tones

__all__ = ["SkillDisplay"]

_POINTS = {"last value": "o", "seasonal naive": "D", "drift": "^", "mean": "s"}


class SkillDisplay:
    """Skill of models over each naive forecast: better above 0, worse below 0.

    The bar is the skill over the best naive forecast, which is what counts; the points are the skills over each.

    Parameters
    ----------
    table : pandas.DataFrame
        Skills, `1 - error / error of the naive forecast`: models as the index, best first, and a column per naive
        forecast.
    metric : str, default="MAE"
        Error that is compared.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    bars_ : matplotlib.container.BarContainer
        Skill over the best naive forecast, a bar per model.
    lines_ : list of matplotlib.lines.Line2D
        Points for each naive forecast.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> table = pd.DataFrame({"last value": [0.4, 0.1], "drift": [0.2, -0.2]}, index=["GRU", "ridge"])
    >>> display = SkillDisplay(table).plot()
    >>> [float(bar.get_width()) for bar in display.bars_]
    [0.2, -0.2]
    """

    def __init__(
        self, table: pd.DataFrame, *, metric: str = "MAE", title: str | None = None, legend: bool = True
    ) -> None:
        self.table = table
        self.metric = metric
        self.title = title
        self.legend = legend

    @classmethod
    def from_report(
        cls,
        report: BacktestReport,
        *,
        metric: str = "MAE",
        models: str | Sequence[str] | None = None,
        series: Any = None,
        target: Hashable | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the skill of a backtest's models.

        Parameters
        ----------
        report : BacktestReport
        metric : {"MAE", "RMSE", "sMAPE", "MASE", "RMSSE"}, default="MAE"
            Error that is compared, as in `report.summary()`.
        models : str or list of str, default=None
            Models to draw. None: all that are not naive, the best first.
        series : label or list of labels, default=None
            Series of a panel to use; several are combined. None: all.
        target : label, default=None
            Target to draw; None: the first.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        SkillDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The report has no such metric, model, series or target, or a naive forecast has no error at all.

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
        >>> display = SkillDisplay.from_report(report)
        >>> bool(display.table.min(axis=1)["Ridge"] == report.summary()["skill"]["Ridge"])
        True
        """
        pyplot()
        metric = one_of(metric, ("MAE", "RMSE", "sMAPE", "MASE", "RMSSE"), "metric")
        part, _ = rows_of(report, target, series)
        names = models_of(part, models, naive=False)
        error = part.summary()[metric]
        naive = [name for name in NAIVE if np.isfinite(error.get(name, np.nan))]
        perfect = [name for name in naive if error[name] == 0]
        if perfect or not naive:
            what = f"{perfect[0]!r} makes no error" if perfect else f"no naive forecast has a {metric}"
            raise ValueError(
                Refusal(f"{what}, so there is no skill against it", advice="Use another metric, series or target.")
            )
        table = pd.DataFrame({name: skill(error[names], error[name]) for name in naive}, index=names)
        return cls(table, metric=metric, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure, 9 inches wide.

        Returns
        -------
        SkillDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        table = self.table
        self.ax_ = ax = new_axes(ax, size=(9, 1.9 + 0.45 * len(table)))
        self.figure_, self.lines_, tones = ax.figure, [], tones_of(ax)
        rows, best = np.arange(len(table)), table.min(axis=1).to_numpy()
        hardest = table.columns[np.argmin(table.iloc[0].to_numpy())]
        colours = [colour_of(1) if value > 0 else colour_of(0) for value in best]
        self.bars_ = ax.barh(rows, best, height=0.56, color=colours, zorder=2, label=f"against the best ({hardest})")
        for bar, value in zip(self.bars_, best, strict=True):
            if value <= 0:
                bar.set_hatch("////")  # a loss is seen without colours too
                bar.set_edgecolor(tones.ground)
        offsets = np.linspace(-0.18, 0.18, len(table.columns)) if len(table.columns) > 1 else [0.0]
        for (name, column), offset in zip(table.items(), offsets, strict=True):  # apart, where two have equal errors
            self.lines_ += ax.plot(
                column.to_numpy(), rows + offset, linestyle="none", marker=_POINTS.get(name, "o"),
                markerfacecolor=tones.ground, markeredgecolor=tones.ink, markersize=7, zorder=4, label=str(name),
            )  # fmt: skip
        self._frame(rows, best, tones)
        return self

    def _frame(self, rows: Integers, best: Floats, tones: Tones) -> None:
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        ax = self.ax_
        ax.axvline(0, color=tones.ink, linewidth=1.6, zorder=3)
        values = self.table.to_numpy()
        low, high = min(0.0, values.min()), max(0.0, values.max())
        pad = 0.06 * (high - low or 1.0)
        ax.set_xlim(low - pad, high + pad)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(rows, [str(name) for name in self.table.index])
        ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
        ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        font = font_of(ax)
        words = [f"{100 * value:+.1f} %".replace("-", "−") for value in best]
        wide = 6 + 0.62 * font * max(len(word) for word in words)
        has_room = room_beside(ax, wide)
        if not has_room:  # no room next to the axes: write the numbers inside, to the right of all points
            share = min(wide / (ax.bbox.width / ax.figure.dpi * 72), 0.6)
            ax.set_xlim(low - pad, high + pad + (high - low + 2 * pad) * share / (1 - share))
        for row, word in zip(rows, words, strict=True):  # where no point can lie on it
            ax.annotate(
                word, (1, row), xycoords=("axes fraction", "data"), xytext=(6 if has_room else -2, 0),
                textcoords="offset points", va="center", ha="left" if has_room else "right", fontsize=font,
                color=tones.ink,
            )  # fmt: skip
        dress(
            ax, f"worse  ←  skill: 1 − {self.metric} / {self.metric} of the naive forecast  →  better", None, grid="x"
        )
        ax.tick_params(axis="y", length=0, colors=tones.ink)
        caption(ax, self.title, handles=[self.bars_, *self.lines_], legend=self.legend)
