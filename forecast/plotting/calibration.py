"""`CoverageDisplay`: do intervals and quantiles contain the actual values as often as they should?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, argument
from .bands import intervals_of, quantiles_of
from .captions import caption
from .reading import check_report, levels_of, models_of, numbers_of, one_of, order_of, rows_of, step_unit
from .style import dress, fills, labelled, line_style, looks_of, new_axes, pyplot, time_axis, tones_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from typing import Any, Literal, Self

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from .._types import Floats, FrameLike
    from ..model_selection import BacktestReport

__all__ = ["CoverageDisplay"]

_POINTS = 0.02


class CoverageDisplay:
    """Observed against nominal coverage of intervals, or the share of values below quantiles; also by step.

    On the diagonal, coverage is exact; below it, intervals are too narrow. The grey band is 2 points on either side of
    the diagonal. Between the dotted lines are 95 % of the shares that `n` independent, correct forecasts would have by
    chance. Forecasts that overlap in time are not independent, so they vary more.

    Create it with `from_report` or `from_predictions`.

    Parameters
    ----------
    table : pandas.DataFrame
        Observed shares. Without `by`, the index has the nominal shares, with a column per model. With `by="step"`, the
        index has the steps, with a column per nominal share.
    n : int
        Number of forecasts behind each share.
    kind : {"intervals", "quantiles"}, default="intervals"
    by : {None, "step"}, default=None
    step_unit : str, default=None
        Unit of a step, such as "hours".
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
        One per column.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> display = CoverageDisplay(pd.DataFrame({"GRU": [0.47, 0.92]}, index=[0.5, 0.9]), 200).plot()
    >>> display.ax_.get_xlabel(), display.lines_[0].get_ydata()
    ('nominal coverage', array([0.47, 0.92]))
    """

    def __init__(
        self,
        table: pd.DataFrame,
        n: int,
        *,
        kind: Literal["intervals", "quantiles"] = "intervals",
        by: Literal["step"] | None = None,
        step_unit: str | None = None,
        order: Sequence[str] | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.table = table
        self.n = n
        self.kind = kind
        self.by = by
        self.step_unit = step_unit
        self.order = order
        self.title = title
        self.legend = legend

    @classmethod
    def from_report(
        cls,
        report: BacktestReport,
        *,
        kind: Literal["intervals", "quantiles"] = "intervals",
        by: Literal["step"] | None = None,
        models: str | Sequence[str] | None = None,
        series: Any = None,
        target: Hashable | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the coverage of a backtest's intervals.

        Parameters
        ----------
        report : BacktestReport
            Report of `backtest(..., coverage=[0.5, 0.8, 0.95])`.
        kind : {"intervals", "quantiles"}, default="intervals"
            What to draw. "intervals": coverage. "quantiles": the share of values at or below each bound, with the
            bounds of 80 % as the quantiles 0.1 and 0.9; this shows on which side intervals fail.
        by : {None, "step"}, default=None
            None: over all steps. "step": at each step of the horizon, for one model.
        models : str or list of str, default=None
            Models to draw. None: all with intervals; with `by="step"`, the best of them.
        series : label or list of labels, default=None
            Series of a panel to draw; several are combined. None: all.
        target : label, default=None
            Target to draw; None: the first.
        title : str, default=None
            Title. None: with `by="step"`, the name of the model.
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The report has no intervals, or no such model, series or target; `by="step"` with several models.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> from forecast.model_selection import RollingOrigin, backtest
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
        >>> df = make_ar1(400, random_state=1)
        >>> report = backtest(model, df, RollingOrigin(5, horizon=4), coverage=[0.5, 0.8])
        >>> list(CoverageDisplay.from_report(report, kind="quantiles").table.index)
        [0.1, 0.25, 0.75, 0.9]
        """
        pyplot()
        check_report(report)
        kind, by = one_of(kind, ("intervals", "quantiles"), "kind"), one_of(by, (None, "step"), "by")
        if not report.coverage:
            raise ValueError(
                Refusal(
                    "has no intervals",
                    where="the report",
                    expected="one with coverage",
                    fix=Fix("report = backtest(model, df, cv, coverage=[0.5, 0.8, 0.95])", ""),
                )
            )
        part, _ = rows_of(report, target, series)
        names = models_of(part, models, naive=False)
        hits = {name: _hits_of_report(part, name, kind) for name in names}
        hits = {name: found for name, found in hits.items() if len(found)}
        if not hits:
            raise ValueError(
                Refusal(
                    f"no interval of {names} has an actual value: naive forecasts have no intervals, and the others "
                    "had too few residuals",
                    advice="Use other models or more origins.",
                    fix=argument("validation_fraction", 0.2),
                )
            )
        n = min(len(found) for found in hits.values())
        if by is None:
            table = pd.DataFrame({name: found.drop(columns="step").mean() for name, found in hits.items()})
            return cls(table, n, kind=kind, order=order_of(report), title=title, legend=legend).plot(ax)
        if models is not None and len(hits) > 1:
            one = next(iter(hits))
            raise ValueError(
                Refusal(
                    f"is 'step' with {len(hits)} models, {list(hits)}",
                    where="by",
                    expected="one",
                    fix=Fix(f"models={one!r}", ""),
                )
            )
        name, found = next(iter(hits.items()))
        groups = found.groupby("step")
        return cls(
            groups.mean(), int(groups.size().min()), kind=kind, by=by, step_unit=step_unit(part.frame),
            title=name if title is None else title, legend=legend,
        ).plot(ax)  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        *,
        intervals: FrameLike | Mapping[float, Any] | None = None,
        quantiles: FrameLike | Mapping[float, ArrayLike] | None = None,
        step: ArrayLike | None = None,
        step_unit: str | None = None,
        name: str = "forecast",
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the coverage of any intervals or quantiles.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Actual values. Unknown ones (NaN) are left out.
        intervals : frame, or dict of float to pair of array-likes of shape (n,) or to frame, default=None
            Intervals as from `predict_interval(coverage=[...])`: columns `<target>_lower_0.8`, `<target>_upper_0.8`,
            and so on. Or a dict with a lower and an upper bound for each coverage, as two arrays or two columns.
        quantiles : frame, or dict of float to array-like of shape (n,), default=None
            Quantiles, instead of `intervals`, as from `predict_quantiles`: columns `<target>_0.1`, and so on. Or a dict
            by level.
        step : array-like of int of shape (n,), default=None
            Step of the horizon of each value; coverage is then drawn by step.
        step_unit : str, default=None
            Unit of a step, such as "hours".
        name : str, default="forecast"
            Name of the model.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            Both or neither of `intervals` and `quantiles` are passed, a level is not between 0 and 1, or the shapes
            differ.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import numpy as np
        >>> y = np.random.default_rng(0).normal(size=1000)
        >>> quantiles = {0.1: np.full(1000, -1.2816), 0.9: np.full(1000, 1.2816)}
        >>> CoverageDisplay.from_predictions(y, quantiles=quantiles).table["forecast"].round(2).to_dict()
        {0.1: 0.09, 0.9: 0.91}
        """
        pyplot()
        if (intervals is None) == (quantiles is None):
            both = "both are given" if intervals is not None else "none is given"
            raise ValueError(
                Refusal("intervals and quantiles", got=f"{both}", expected="one of them, a dict by coverage or level")
            )
        target, actual = getattr(y_true, "name", None), numbers_of(y_true, "y_true")
        kind: Literal["intervals", "quantiles"] = "intervals" if quantiles is None else "quantiles"
        if quantiles is None:
            hits = _hits_of_intervals(actual, intervals_of(intervals, target))
        else:
            hits = _hits_of_quantiles(actual, quantiles_of(quantiles, target))
        hits = hits[~np.isnan(actual)]
        if not len(hits):
            raise ValueError(Refusal("is NaN throughout", where="y_true", expected="values to compare with"))
        if step is None:
            return cls(hits.mean().to_frame(name), len(hits), kind=kind, title=title, legend=legend).plot(ax)
        steps = _as_long(step, actual, "step")[~np.isnan(actual)].astype(int)
        groups = hits.groupby(pd.Index(steps, name="step"))
        least = int(groups.size().min())
        title = name if title is None else title
        return cls(groups.mean(), least, kind=kind, by="step", step_unit=step_unit, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure of 5.6 x 6.1 inches, by step 9 x 4.2.

        Returns
        -------
        CoverageDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        self.ax_ = ax = new_axes(ax, size=(5.6, 6.1) if self.by is None else (9, 4.2))
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        self._percent(ax.yaxis)
        if self.by is None:
            self._draw_diagonal(ax)
        else:
            self._draw_steps(ax)
        caption(ax, self.title, legend=self.legend)
        return self

    def _draw_diagonal(self, ax: Axes) -> None:
        tones, at = tones_of(ax), np.linspace(0, 1, 201)
        chance = 1.96 * np.sqrt(at * (1 - at) / self.n)
        grey = fills(tones.muted, tones.ground, 1)[0]
        ax.fill_between(at, at - _POINTS, at + _POINTS, color=grey, linewidth=0, zorder=1, label="± 2 points")
        ax.plot(at, at, color=tones.ink, linewidth=1.0, zorder=2, label="as it should be")
        dots: dict[str, Any] = {"color": tones.muted, "linewidth": 1.1, "linestyle": (0, (1, 1.5)), "zorder": 2}
        ax.plot(at, at - chance, label=f"95 % by chance, n = {self.n}", **dots)
        ax.plot(at, at + chance, **dots)
        looks = looks_of(self.table.columns, self.order, points=len(self.table))
        for name, column in self.table.items():
            style = looks[name] | {"markersize": 6}
            self.lines_ += ax.plot(column.index.to_numpy(float), column.to_numpy(float), label=str(name), **style)
        self._percent(ax.xaxis)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.set_xticks(_ticks(ax))
        ax.set_yticks(_ticks(ax))
        below = "share of values at or below it" if self.kind == "quantiles" else "observed coverage"
        dress(ax, "level of the quantile" if self.kind == "quantiles" else "nominal coverage", below, grid="both")

    def _draw_steps(self, ax: Axes) -> None:
        tones, steps = tones_of(ax), self.table.index.to_numpy()
        for number, (level, column) in enumerate(self.table.items()):
            style = line_style("model", number, points=len(steps)) | {"linewidth": 1.6}
            tint = fills(style["color"], tones.ground, 2)[0]
            ax.axhspan(level - _POINTS, level + _POINTS, color=tint, linewidth=0, zorder=1)
            ax.axhline(level, color=style["color"], linewidth=1.0, linestyle=(0, (1, 1.5)), zorder=2)
            label = f"quantile {level:g}" if self.kind == "quantiles" else f"{100 * level:g} % interval"
            self.lines_ += ax.plot(steps, column.to_numpy(float), label=label, **style)
        time_axis(ax, pd.RangeIndex(2))
        ax.set_ylim(0, 1.02)
        ax.set_yticks(_ticks(ax))
        ax.margins(x=0.02)
        what = "share of values at or below it" if self.kind == "quantiles" else "observed coverage"
        dress(
            ax,
            f"{labelled('steps ahead', self.step_unit)}, n = {self.n} at each",
            f"{what}\n(band: nominal ± 2 points)",
        )

    @staticmethod
    def _percent(axis: Axis) -> None:
        from matplotlib.ticker import PercentFormatter

        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def _ticks(ax: Axes) -> Floats:
    """Shares to label: six, in small axes three."""
    return np.linspace(0, 1, 6 if min(ax.bbox.width, ax.bbox.height) / ax.figure.dpi > 2 else 3)


def _hits_of_report(report: BacktestReport, name: str, kind: str) -> pd.DataFrame:
    """One row per forecast with bounds and an actual value: its step, and whether each nominal share held."""
    rows = report.frame[(report.frame["model"] == name) & report.frame["actual"].notna()]
    levels = [level for level in report.coverage if rows[f"lower_{level:g}"].notna().any()]
    if not levels:
        return pd.DataFrame()
    names = [f"{side}_{level:g}" for level in levels for side in ("lower", "upper")]
    rows = rows[rows[names].notna().all(axis=1)]
    actual = rows["actual"].to_numpy()
    bounds = {level: (rows[f"lower_{level:g}"], rows[f"upper_{level:g}"]) for level in levels}
    if kind == "intervals":
        hits = _hits_of_intervals(actual, bounds)
    else:
        tails = {round((1 - level) / 2, 9): lower for level, (lower, _) in bounds.items()}
        tails |= {round((1 + level) / 2, 9): upper for level, (_, upper) in bounds.items()}
        hits = _hits_of_quantiles(actual, tails)
    return hits.assign(step=rows["step"].to_numpy())


def _hits_of_intervals(actual: Floats, intervals: dict[float, Any]) -> pd.DataFrame:
    found = {}
    for level in levels_of(list(intervals), "intervals"):
        given = intervals[level]
        columns = given.to_numpy().T if isinstance(given, pd.DataFrame) else given
        if len(columns) != 2:
            raise ValueError(
                Refusal(
                    f"has {len(columns)} parts", where=f"intervals[{level}]", expected="two, the lower and upper bounds"
                )
            )
        lower, upper = (_as_long(side, actual, f"intervals[{level}]") for side in columns)
        found[level] = ((lower <= actual) & (actual <= upper)).astype(float)
    return pd.DataFrame(found)


def _hits_of_quantiles(actual: Floats, quantiles: dict[float, Any]) -> pd.DataFrame:
    levels = levels_of(list(quantiles), "quantiles")
    return pd.DataFrame(
        {level: (actual <= _as_long(quantiles[level], actual, f"quantiles[{level}]")).astype(float) for level in levels}
    )


def _as_long(values: Any, actual: Floats, what: str) -> Floats:
    numbers = numbers_of(values, what)
    if len(numbers) != len(actual):
        raise ValueError(Refusal(f"has {len(numbers)} values, y_true {len(actual)}", where=what, expected="as many"))
    return numbers
