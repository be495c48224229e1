"""`GateActivityDisplay`: gates opening and closing along a series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from .._classifier import RNNClassifier
from .._refusals import Fix, Refusal
from .._series import SeriesForecaster
from .._windows import Windows
from .captions import caption
from .reading import one_of
from .style import (
    dress,
    fills,
    font_of,
    labelled,
    line_style,
    new_axes,
    new_panels,
    place,
    pyplot,
    time_axis,
    tones_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, Self

    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from .._types import Array, Floats
    from ..diagnostics import GateActivity

__all__ = ["GateActivityDisplay"]

_WORDS = {
    "i": "input gate", "f": "forget gate", "o": "output gate", "g": "candidate g",
    "r": "reset gate", "z": "update gate", "n": "candidate n", "h": "state h", "c": "cell state c",
}  # fmt: skip
_MOST_TELLING = ("f", "z", "h")  # what is drawn where nothing is asked for: what decides how long a value is kept
_OPEN = ("i", "f", "o", "r", "z")  # between 0 and 1; the others are signed


class GateActivityDisplay:
    """Values of a network's gates along one window, with the series it reads above, on the same time axis.

    Create it with `from_estimator` or `from_activity`.

    Parameters
    ----------
    activity : GateActivity
        Result of `forecast.diagnostics.gate_activity`.
    series : pandas.Series or array-like of shape (lookback,), default=None
        Series that the network reads in that window; an index of dates becomes the time axis. None: draw only the
        gates.
    kind : {"heatmap", "band"}, default="heatmap"
        Kind of plot. "heatmap": every unit of one gate, sorted by its mean, from 0 (closed) to 1 (open). "band": the
        mean of each gate and the range of its units without the lowest and the highest tenth.
    gate : str, default=None
        Gate of the heat map: "i", "f", "o" (lstm), "r", "z" (gru), a candidate "g" or "n", or a state "h" or "c". None:
        the gate that keeps the memory, "f" or "z"; for a network without gates, "h".
    window : int, default=-1
        Position among the windows of `activity`.
    layer : int, default=-1
        Layer to draw: 0 is next to the input, -1 is the last.
    unit : str, default=None
        Unit of the series.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend or, for a heat map, a colour bar.

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        Axes of the series (if there is one) and of the gates.
    figure_ : matplotlib.figure.Figure
    mesh_ : matplotlib.collections.QuadMesh or None
        The heat map.
    lines_ : list of matplotlib.lines.Line2D
        Lines of the series (if there is one) and, with "band", of the mean of each gate.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> gates = {name: np.full((1, 1, 5, 3), 0.5) for name in "rz"}
    >>> activity = SimpleNamespace(gates=gates, states={}, steps=np.arange(-4, 1), cell="gru")
    >>> display = GateActivityDisplay.from_activity(activity, kind="band")
    >>> [line.get_label() for line in display.lines_]
    ['reset gate', 'update gate']
    """

    def __init__(
        self,
        activity: GateActivity,
        *,
        series: ArrayLike | pd.Series | None = None,
        kind: Literal["heatmap", "band"] = "heatmap",
        gate: str | None = None,
        window: int = -1,
        layer: int = -1,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.activity = activity
        self.series = series
        self.kind = kind
        self.gate = gate
        self.window = window
        self.layer = layer
        self.unit = unit
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        kind: Literal["heatmap", "band"] = "heatmap",
        gate: str | None = None,
        window: int = -1,
        layer: int = -1,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Run a fitted network over one window and draw its gates.

        Parameters
        ----------
        model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
            Fitted model.
        X : windows or frame
            Data as in `forecast.diagnostics.gate_activity`. The series drawn is the first channel of the window: for a
            `SeriesForecaster`, the target after its transform and before the window norm.
        kind : {"heatmap", "band"}, default="heatmap"
        gate : str, default=None
        window : int, default=-1
            Position among the windows of `X`; -1 is the newest one with a future.
        layer : int, default=-1
        unit : str, default=None
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend or, for a heat map, a colour bar.
        axes : sequence of two matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        GateActivityDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no such window, layer or gate; or as `gate_activity`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> df = make_ar1(300, random_state=0)
        >>> network = RNNForecaster(cell="gru", hidden_size=8, max_iter=2, random_state=0)
        >>> model = SeriesForecaster(network, lookback=24, horizon=4).fit(df)
        >>> display = GateActivityDisplay.from_estimator(model, df)
        >>> display.mesh_.get_array().shape, display.axes_[0].get_ylabel()
        ((8, 24), 'y')
        """
        pyplot()
        from ..diagnostics import gate_activity

        network, windows = model, X
        if isinstance(model, SeriesForecaster):
            from .._series import windows_of_frame

            windows = windows_of_frame(model, X)  # refuses a model that is not fitted
            network = model.regressor_
        n = len(windows)
        if not -n <= window < n:
            raise ValueError(Refusal(f"is {window}; X has {n} windows, expected {-n} to {n - 1}", where="window"))
        at = window % n
        drawn: dict[str, Any] = dict(
            kind=kind, gate=gate, layer=layer, unit=unit, title=title, legend=legend, axes=axes
        )
        if isinstance(model, RNNClassifier):
            return cls.from_activity(*_of_sequence(model, X, at), **drawn)
        one: Any
        if isinstance(windows, Windows):
            one = windows[[at]]
            rows = slice(int(one.origins[0]) - one.lookback + 1, int(one.origins[0]) + 1)
            series = pd.Series(one.values[rows, 0], one.index[rows], name=one.channel_names[0])
        else:
            one = windows.iloc[[at]] if isinstance(windows, pd.DataFrame) else np.asarray(windows)[[at]]
            series = None
        activity = gate_activity(network, one)
        if series is None:  # time-major, flat or not: the first of the channels
            series = np.asarray(one, dtype=np.float64).reshape(network._lookback, -1)[:, 0]
        if activity.segment > 1:  # of each segment its newest row
            series = series[::-1][:: activity.segment][::-1]
        return cls.from_activity(activity, series, **drawn)

    @classmethod
    def from_activity(
        cls,
        activity: GateActivity,
        series: ArrayLike | pd.Series | None = None,
        *,
        kind: Literal["heatmap", "band"] = "heatmap",
        gate: str | None = None,
        window: int = -1,
        layer: int = -1,
        unit: str | None = None,
        title: str | None = None,
        legend: bool = True,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Draw gates that you have computed.

        Parameters
        ----------
        activity : GateActivity
        series : pandas.Series or array-like of shape (lookback,), default=None
            Series that the network read in the window.
        kind : {"heatmap", "band"}, default="heatmap"
        gate : str, default=None
        window : int, default=-1
        layer : int, default=-1
        unit : str, default=None
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend or, for a heat map, a colour bar.
        axes : sequence of matplotlib.axes.Axes, default=None
            Two axes, one without `series`; None: a new figure.

        Returns
        -------
        GateActivityDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no such kind, gate, window or layer; a band is drawn for a network without gates; or series and
            window differ in length.
        """
        pyplot()
        one_of(kind, ("heatmap", "band"), "kind")
        display = cls(
            activity,
            series=series,
            kind=kind,
            gate=gate,
            window=window,
            layer=layer,
            unit=unit,
            title=title,
            legend=legend,
        )
        return display.plot(axes)

    def plot(self, axes: Sequence[Axes] | Array | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, default=None
            Axes for the series and the gates (without a series, only for the gates); None: a new figure of 9 x 5.2
            inches.

        Returns
        -------
        GateActivityDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            As `from_activity`.
        """
        plt = pyplot()
        values = self._values()
        series = self._series()

        def make() -> list[Axes]:
            size: dict[str, Any] = {"figsize": (9, 5.2), "layout": "constrained"}
            return list(plt.subplots(2, 1, sharex=True, height_ratios=[2, 3], **size)[1])

        if series is None:
            self.axes_ = new_panels(axes, 1, lambda: [new_axes()])
        else:
            self.axes_ = new_panels(axes, 2, make)
        self.figure_ = self.axes_[0].figure
        self.lines_: list[Line2D] = []
        self.mesh_: QuadMesh | None = None
        ax = self.axes_[-1]
        index = pd.Index(np.asarray(self.activity.steps)) if series is None else series.index
        at, name = _numbers(place(index)), "time step of the window (0: the newest)"
        if series is not None:
            self._draw_series(self.axes_[0], at, series)
        if self.kind == "band":
            self._draw_bands(ax, at, values)
        else:
            self._draw_heatmap(ax, at, *next(iter(values.items())))
        dates = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
        label = time_axis(ax, index, None if dates or index.name is not None else name)
        if len(self.axes_) == 2:
            time_axis(self.axes_[0], index)
        ax.set_xlim(*_edges(at)[[0, -1]])
        ax.set_xlabel(label, color=tones_of(ax).ink, fontsize=font_of(ax) + 0.5)
        return self

    # -------------------- what is drawn

    def _values(self) -> dict[str, Floats]:
        """Values of the gates to draw by name, shape (lookback, hidden) each."""
        known = dict(self.activity.gates) | dict(self.activity.states)
        if self.kind == "band":
            names = [name for name in self.activity.gates if name in _OPEN]
            if not names:
                raise ValueError(
                    Refusal(
                        f"a network of cell {self.activity.cell!r} has no gates, but a state",
                        fix=Fix("kind='heatmap'", ""),
                    )
                )
        else:
            names = [one_of(self.gate or next(name for name in _MOST_TELLING if name in known), known, "gate")]
        n, layers = known[names[0]].shape[:2]
        for what, position, count in (("window", self.window, n), ("layer", self.layer, layers)):
            if not -count <= position < count:
                raise ValueError(
                    Refusal(f"is {position}; there are {count}, expected {-count} to {count - 1}", where=what)
                )
        return {name: np.asarray(known[name][self.window, self.layer], dtype=np.float64) for name in names}

    def _series(self) -> pd.Series | None:
        if self.series is None:
            return None
        steps, n = len(self.activity.steps), len(np.asarray(self.series))
        if n != steps:
            raise ValueError(Refusal(f"has {n} values, the window {steps} steps", where="series", expected="as many"))
        if isinstance(self.series, pd.Series):
            return self.series
        return pd.Series(np.asarray(self.series, dtype=np.float64), pd.Index(np.asarray(self.activity.steps)))

    def _draw_series(self, ax: Axes, at: Floats, series: Any) -> None:
        style: dict[str, Any] = {"color": tones_of(ax).ink, "linewidth": 1.4}
        self.lines_ += ax.plot(at, series.to_numpy(dtype=np.float64), label="series", **style)
        dress(ax, None, labelled("input" if series.name is None else series.name, self.unit))
        caption(ax, self.title, handles=[], legend=self.legend)

    def _draw_heatmap(self, ax: Axes, at: Floats, name: str, values: Floats) -> None:
        order = np.argsort(-values.mean(axis=0), kind="stable")
        signed = name not in _OPEN
        edge = 1.0 if name in _WORDS and name != "c" else float(np.abs(values).max()) or 1.0
        limits: dict[str, Any] = (
            {"vmin": -edge, "vmax": edge, "cmap": "PuOr"} if signed else {"vmin": 0, "vmax": 1, "cmap": "cividis"}
        )
        rows = np.arange(values.shape[1] + 1) + 0.5
        self.mesh_ = ax.pcolormesh(_edges(at), rows, values[:, order].T, rasterized=True, **limits)
        ax.invert_yaxis()
        word = _WORDS.get(name, name)
        dress(ax, None, "units, sorted", grid=None)
        if self.legend:
            self._draw_bar(ax, word if signed else f"{word}: 0 closed, 1 open")
        if len(self.axes_) == 1:
            caption(ax, self.title, handles=[], legend=self.legend)

    def _draw_bar(self, ax: Axes, label: str) -> None:
        tones, font, n = tones_of(ax), font_of(ax), len(self.axes_)
        bar = self.figure_.colorbar(
            cast("QuadMesh", self.mesh_),
            ax=self.axes_,
            fraction=0.05,
            pad=0.015,
            shrink=1.0 if n == 1 else 0.57,
            anchor=(0.0, 0.0),
        )
        bar.set_label(label, color=tones.ink, fontsize=font + 0.5)
        bar.ax.tick_params(colors=tones.muted, labelsize=font)
        bar.outline.set_visible(False)

    def _draw_bands(self, ax: Axes, at: Floats, values: dict[str, Floats]) -> None:
        for number, (name, table) in enumerate(values.items()):
            style = line_style("gate", number) | {"linewidth": 1.8}
            low, high = np.quantile(table, (0.1, 0.9), axis=1)
            tint = fills(style["color"], tones_of(ax).ground, 1)[0]
            ax.fill_between(at, low, high, color=tint, alpha=0.55, linewidth=0, zorder=1)
            for side in (low, high):  # where bands overlap, their edges still tell them apart
                ax.plot(at, side, color=style["color"], linewidth=0.6, linestyle=style["linestyle"], zorder=2)
            self.lines_ += ax.plot(at, table.mean(axis=1), label=_WORDS.get(name, name), **style)
        ax.set_ylim(0, 1)
        ax.set_yticks(np.linspace(0, 1, 6))
        dress(ax, None, "0 closed, 1 open\n(mean; 10–90 % of units)")
        caption(
            ax, self.title if len(self.axes_) == 1 else None, handles=self.lines_[-len(values) :], legend=self.legend
        )


def _of_sequence(model: Any, X: Any, at: int) -> tuple[GateActivity, Array]:
    """The activity of an `RNNClassifier` along one of its sequences, and the first channel of that."""
    from ..diagnostics import gate_activity

    one = X.iloc[[at]] if hasattr(X, "iloc") else X[at : at + 1]
    activity = gate_activity(model, one)
    there = ~np.isnan(activity.states["h"][0, 0]).any(axis=1)
    parts = ({name: value[:, :, there] for name, value in of.items()} for of in (activity.gates, activity.states))
    row = one.iloc[0] if isinstance(one, pd.Series) else np.asarray(one)[0]
    series = np.asarray(row, dtype=np.float64).reshape(-1, model._n_channels)[: there.sum(), 0]
    gates, states = parts
    return replace(activity, gates=gates, states=states, steps=activity.steps[there]), series


def _numbers(at: Any) -> Floats:
    """Dates as matplotlib's numbers."""
    from matplotlib.dates import date2num

    return date2num(at) if np.issubdtype(at.dtype, np.datetime64) else at.astype(np.float64)


def _edges(at: Floats) -> Floats:
    """Borders between the steps, half way; the outer ones as far out."""
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = (at[1:] + at[:-1]) / 2
    return np.concatenate([[at[0] - (middle[0] - at[0])], middle, [at[-1] + (at[-1] - middle[-1])]])
