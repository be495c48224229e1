"""`GradientFlowDisplay`: how far back in time a network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal
from .captions import caption
from .style import colour_of, dashes_of, dress, line_style, new_axes, plain_log_axis, pyplot, time_axis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from ..diagnostics import GradientFlow

__all__ = ["GradientFlowDisplay"]


class GradientFlowDisplay:
    """Norm of the loss gradient at each time step of the window, with a line per model and layer, on a logarithmic
    axis.

    A straight line that falls to the left means that the gradient vanishes at a constant rate per step; if the line
    rises to the left, the gradient explodes.

    Create it with `from_estimator` or `from_flows`.

    Parameters
    ----------
    flows : dict of str to GradientFlow
        Results of `forecast.diagnostics.gradient_flow` by name of the model.
    relative : bool, default=False
        Whether to divide each line by its value at the newest step, so that only shapes are compared.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D
        Lines by model, then by layer; layer 0 is next to the input. Norms of 0 cannot be drawn and leave gaps.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> flow = SimpleNamespace(norms=np.array([[0.01, 0.1, 1.0]]), steps=np.array([-2, -1, 0]), cell="rnn")
    >>> display = GradientFlowDisplay.from_flows({"tanh": flow})
    >>> display.ax_.get_yscale(), display.lines_[0].get_label()
    ('log', 'tanh')
    """

    def __init__(
        self,
        flows: Mapping[str, GradientFlow],
        *,
        relative: bool = False,
        title: str | None = None,
        legend: bool = True,
    ) -> None:
        self.flows = flows
        self.relative = relative
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        name: str | None = None,
        relative: bool = False,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Differentiate the loss of a fitted network and draw the norms.

        Parameters
        ----------
        model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
            Fitted model.
        X, y
            Data as in `forecast.diagnostics.gradient_flow`.
        name : str, default=None
            Name of the model; None: its cell, such as "LSTM".
        relative : bool, default=False
            As for the class.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            As `gradient_flow`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(300, 20))
        >>> model = RNNForecaster(cell="rnn", hidden_size=8, max_iter=2, random_state=0).fit(X, X[:, -1])
        >>> display = GradientFlowDisplay.from_estimator(model, X, X[:, -1])
        >>> display.lines_[0].get_label(), len(display.lines_[0].get_ydata())
        ('RNN', 20)
        """
        pyplot()
        from ..diagnostics import gradient_flow

        flow = gradient_flow(model, X, y)
        return cls.from_flows(
            {flow.cell.upper() if name is None else name: flow}, relative=relative, title=title, legend=legend, ax=ax
        )

    @classmethod
    def from_flows(
        cls,
        flows: Mapping[str, GradientFlow],
        *,
        relative: bool = False,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the gradient flow of several models together.

        Parameters
        ----------
        flows : dict of str to GradientFlow
            Gradient flows by name of the model.
        relative : bool, default=False
            As for the class.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            `flows` is not a dict of gradient flows, or a flow is 0 at every step.
        """
        pyplot()
        if not isinstance(flows, dict) or not flows or not all(hasattr(flow, "norms") for flow in flows.values()):
            raise TypeError(
                Refusal(
                    f"is {type(flows).__name__}",
                    where="flows",
                    expected="a dict by name of at least one GradientFlow",
                    fix=Fix("flows = {'LSTM': gradient_flow(model, X, y)}", ""),
                )
            )
        for name, flow in flows.items():
            if not np.any(np.asarray(flow.norms) > 0):
                raise ValueError(
                    Refusal(
                        f"the gradient of {name!r} is 0 at every step",
                        expected="some above it, to draw on a logarithmic axis",
                    )
                )
        return cls(flows, relative=relative, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure of 9 x 4.2 inches.

        Returns
        -------
        GradientFlowDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        self.ax_ = ax = new_axes(ax)
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        for number, (name, flow) in enumerate(self.flows.items()):
            norms = np.atleast_2d(np.asarray(flow.norms, dtype=np.float64))
            for layer, line in enumerate(norms):
                names = getattr(flow, "layers", None)
                called = layer if names is None else names[layer]
                label = str(name) if len(norms) == 1 else f"{name}, layer {called}"
                style = self._style(number, layer, len(line))
                line = np.where(line > 0, line, np.nan)
                self.lines_ += ax.plot(flow.steps, line / line[-1] if self.relative else line, label=label, **style)
        ax.set_yscale("log")
        plain_log_axis(ax.yaxis)
        time_axis(ax, pd.RangeIndex(2))
        ax.margins(x=0.02)
        ylabel = "norm of the gradient\nof the loss, by state h"
        xlabel = "time step of the window (0: the newest)"
        dress(ax, xlabel, ylabel + (",\nover the newest" if self.relative else ""))
        caption(ax, self.title, legend=self.legend)
        return self

    def _style(self, number: int, layer: int, points: int | None) -> dict[str, Any]:
        """One model: a colour per layer. Several: a colour and a marker per model, dashes per layer."""
        if len(self.flows) == 1:
            return line_style("layer", layer, points=points)
        style = line_style("model", number, points=points)
        deep = any(len(np.atleast_2d(flow.norms)) > 1 for flow in self.flows.values())
        return style | ({"color": colour_of(number), "linestyle": dashes_of(layer)} if deep else {})
