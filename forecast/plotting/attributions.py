"""`AttributionDisplay`: what each column, or each row of it, contributes to a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._refusals import Fix, Refusal
from .captions import caption
from .reading import one_of
from .style import colour_of, dress, font_of, labelled, new_axes, pyplot, rows_that_fit, tones_of

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.lines import Line2D

    from .._types import FrameLike
    from ..diagnostics import Attribution

__all__ = ["AttributionDisplay"]

_UP, _DOWN = 0, 1  # colours: vermilion raises a forecast, blue lowers it


class AttributionDisplay:
    """Contribution of each column to a forecast, relative to its baseline: a bar per column, or row by row.

    Create it with `from_estimator` or `from_attribution`.

    Parameters
    ----------
    attribution : Attribution
        Result of `forecast.diagnostics.explain`. For several forecasts and steps, means are drawn.
    kind : {"columns", "lags"}, default="columns"
        "columns": a bar per column, the most important on top. "lags": columns against lags, in colours.
    unit : str, default=None
        Unit of the target.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend or a colour bar.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    bars_ : matplotlib.container.BarContainer
        Bars of kind "columns". Columns for which there is no room are drawn as one bar.
    mesh_ : matplotlib.collections.QuadMesh or None
        Heat map of kind "lags", without static covariates.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.diagnostics import explain
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4).fit(make_ar1(300, random_state=0))
    >>> display = AttributionDisplay(explain(model)).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['y']
    """

    def __init__(
        self,
        attribution: Attribution,
        *,
        kind: Literal["columns", "lags"] = "columns",
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.attribution = attribution
        self.kind = kind
        self.unit = unit
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: FrameLike | None = None,
        *,
        history: FrameLike | None = None,
        n_origins: int = 1,
        kind: Literal["columns", "lags"] = "columns",
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Explain forecasts of a fitted model by integrated gradients, and draw the result.

        Parameters
        ----------
        model : SeriesForecaster
            Fitted model, as for `forecast.diagnostics.explain`.
        X, history, n_origins
            As in `explain`.
        kind : {"columns", "lags"}, default="columns"
        unit : str, default=None
            Unit of the target.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend or a colour bar.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        AttributionDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            As `explain`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4).fit(make_ar1(300, random_state=0))
        >>> AttributionDisplay.from_estimator(model, kind="lags").mesh_.get_array().shape
        (1, 12)
        """
        pyplot()
        from ..diagnostics import explain

        attribution = explain(model, X, history=history, n_origins=n_origins)
        return cls.from_attribution(attribution, kind=kind, unit=unit, title=title, legend=legend, ax=ax)

    @classmethod
    def from_attribution(
        cls,
        attribution: Attribution,
        *,
        kind: Literal["columns", "lags"] = "columns",
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw an attribution that you have computed.

        Parameters
        ----------
        attribution : Attribution
        kind : {"columns", "lags"}, default="columns"
        unit : str, default=None
            Unit of the target.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend or a colour bar.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        AttributionDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The object is not an `Attribution`, or `kind` is unknown.
        """
        pyplot()
        if not hasattr(attribution, "by_lag"):
            raise TypeError(
                Refusal(
                    f"is {type(attribution).__name__}",
                    where="attribution",
                    expected="an Attribution",
                    fix=Fix("AttributionDisplay.from_attribution(explain(model))", ""),
                )
            )
        return cls(attribution, kind=kind, unit=unit, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure, 9 inches wide.

        Returns
        -------
        AttributionDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            `kind` is unknown.
        """
        pyplot()
        one_of(self.kind, ("columns", "lags"), "kind")
        table = self.attribution.by_column()
        self.ax_ = ax = new_axes(ax, size=(9, 1.9 + 0.32 * min(len(table), 20)))
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        self.mesh_: QuadMesh | None = None
        if self.kind == "columns":
            self._bars(table)
        else:
            self._lags()
        return self

    @property
    def _of(self) -> str:
        step = self.attribution.steps
        which = f"step {step[0]}" if len(step) == 1 and step != ["mean"] else "mean of the horizon"
        return labelled(f"added to {self.attribution.target}, {which}", self.unit)

    def _bars(self, table: pd.DataFrame) -> None:
        ax, tones = self.ax_, tones_of(self.ax_)
        effect, names = table["effect"].to_numpy(), [str(name) for name in table.index]
        room = rows_that_fit(ax)
        if len(names) > room:
            rest = effect[room - 1 :]
            effect = np.append(effect[: room - 1], rest.sum())
            names = [*names[: room - 1], f"{len(rest)} others"]
        rows = np.arange(len(names))
        colours = [colour_of(_UP if value >= 0 else _DOWN) for value in effect]
        self.bars_ = ax.barh(rows, effect, height=0.6, color=colours, zorder=2)
        for bar, value in zip(self.bars_, effect, strict=True):
            if value < 0:
                bar.set_hatch("////")  # seen without colours too
                bar.set_edgecolor(tones.ground)
        ax.axvline(0, color=tones.ink, linewidth=1.2, zorder=3)
        ax.margins(x=0.05)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(rows, names)
        dress(ax, self._of, None, grid="x")
        ax.tick_params(axis="y", length=0, colors=tones.ink)
        base, full = (float(part.mean()) for part in (self.attribution.baseline, self.attribution.forecast))
        self.bars_.set_label(f"from {base:.4g} (baseline) to {full:.4g}")
        caption(ax, self.title, handles=[self.bars_], legend=self.legend)

    def _lags(self) -> None:
        ax, tones = self.ax_, tones_of(self.ax_)
        order = self.attribution.by_column().index
        table = self.attribution.by_lag()[order]
        table = table.loc[:, (table != 0).any(axis=0)]
        table = table if table.shape[1] else self.attribution.by_lag().iloc[:, :1]
        table = table.iloc[:, : rows_that_fit(ax)]
        values = table.to_numpy().T
        most = float(np.abs(values).max()) or 1.0
        steps = -table.index.to_numpy()
        edges = np.append(steps - 0.5, steps[-1] + 0.5)
        self.mesh_ = mesh = ax.pcolormesh(
            edges, np.arange(len(values) + 1) - 0.5, values, vmin=-most, vmax=most, cmap="RdBu_r", rasterized=True
        )
        if steps[-1] > 0:
            ax.axvline(0.5, color=tones.ink, linewidth=1.2)
        ax.invert_yaxis()
        ax.set_yticks(np.arange(len(values)), [str(name) for name in table.columns])
        locator: Any = ax.xaxis.get_major_locator()
        locator.set_params(integer=True)
        dress(ax, "row (0: the newest known, 1: the first ahead)", None, grid=None)
        ax.tick_params(axis="y", length=0, colors=tones.ink)
        if self.legend:
            font = font_of(ax)
            bar = self.figure_.colorbar(mesh, ax=ax, fraction=0.05, pad=0.015)
            bar.set_label(labelled("added", self.unit), color=tones.ink, fontsize=font + 0.5)
            bar.ax.tick_params(colors=tones.muted, labelsize=font)
            bar.outline.set_visible(False)
        caption(ax, self.title, handles=[], legend=self.legend)
