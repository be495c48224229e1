"""`AttentionDisplay`: the steps of the past that a decoder attends to."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from .._classifier import RNNClassifier
from .._refusals import Fix, Refusal
from .captions import caption
from .style import dress, font_of, new_axes, pyplot, tones_of

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from .._types import Floats

__all__ = ["AttentionDisplay"]


class AttentionDisplay:
    """Attention of each forecast step to each past step, from 0 to 1. Each row of weights sums to 1.

    Create it with `from_estimator` or `from_weights`.

    Parameters
    ----------
    weights : ndarray of shape (decoder_steps, encoder_steps)
        Weights of one window, or means over several.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a colour bar.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    mesh_ : matplotlib.collections.QuadMesh

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> display = AttentionDisplay.from_weights(np.array([[0.1, 0.9], [0.7, 0.3]]))
    >>> display.mesh_.get_array().shape, display.ax_.get_ylabel()
    ((2, 2), 'step of the forecast')
    """

    def __init__(self, weights: Floats, *, title: str | None = None, legend: bool = True) -> None:
        self.weights = weights
        self.title = title
        self.legend = legend

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        window: int | Literal["mean"] = -1,
        title: str | None = None,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Run a fitted network over windows and draw its attention.

        Parameters
        ----------
        model : RNNForecaster, or SeriesForecaster around one
            Fitted, with `attention`.
        X : windows or frame
            Data as in the model's `predict`; for a `SeriesForecaster`, a frame as for its `fit`.
        window : int or "mean", default=-1
            Position among the windows of `X`; "mean": draw the means over all.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a colour bar.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        AttributeError
            The model has no attention.
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no such window, X is not as in `fit`, or the model is an `RNNClassifier`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from forecast import RNNForecaster, SeriesForecaster
        >>> from forecast.datasets import make_ar1
        >>> df = make_ar1(300, random_state=0)
        >>> network = RNNForecaster(decoder="recurrent", attention="dot", hidden_size=8, max_iter=2, random_state=0)
        >>> model = SeriesForecaster(network, lookback=24, horizon=4).fit(df)
        >>> AttentionDisplay.from_estimator(model, df).mesh_.get_array().shape
        (4, 24)
        """
        pyplot()
        from ..diagnostics.networks import network_of

        if isinstance(model, RNNClassifier):
            raise TypeError(
                Refusal(
                    "is an RNNClassifier, whose networks have no attention",
                    where="model",
                    expected="an RNNForecaster with attention='dot' or 'additive', or a SeriesForecaster around one",
                )
            )
        network, windows, _ = network_of(model, X)
        n = len(windows)
        if window != "mean":
            if not isinstance(window, Integral) or isinstance(window, bool):
                raise TypeError(
                    Refusal(f"is {window!r}", where="window", expected="a position among the windows, or 'mean'")
                )
            if not -n <= window < n:
                raise ValueError(Refusal(f"is {window}; X has {n} windows, expected {-n} to {n - 1}", where="window"))
            rows = getattr(windows, "iloc", windows)
            windows = rows[[window % n]] if hasattr(rows, "__getitem__") else np.asarray(rows)[[window % n]]
        weights = network.attention_weights(windows).mean(axis=0, dtype=np.float64)
        return cls.from_weights(weights, title=title, legend=legend, ax=ax)

    @classmethod
    def from_weights(
        cls, weights: ArrayLike, *, title: str | None = None, legend: bool = True, ax: Axes | None = None
    ) -> Self:
        """Draw attention weights that you have computed.

        Parameters
        ----------
        weights : array-like of shape (decoder_steps, encoder_steps)
            Weights of one window from `RNNForecaster.attention_weights`, or means over several.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a colour bar.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            The weights do not have two axes.
        """
        pyplot()
        weights = np.asarray(weights, dtype=np.float64)
        if weights.ndim != 2 or 0 in weights.shape:
            raise ValueError(
                Refusal(
                    where="weights",
                    got=f"shape {weights.shape}",
                    expected="(decoder_steps, encoder_steps)",
                    fix=Fix("weights = weights[-1]", ""),
                )
            )
        return cls(weights, title=title, legend=legend).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure of 9 x 4.2 inches.

        Returns
        -------
        AttentionDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        pyplot()
        self.ax_ = ax = new_axes(ax)
        self.figure_ = ax.figure
        steps, past = self.weights.shape
        limits: dict[str, Any] = {"vmin": 0.0, "vmax": float(self.weights.max()) or 1.0, "cmap": "cividis"}
        columns, rows = np.arange(past + 1) - past + 0.5, np.arange(steps + 1) + 0.5
        self.mesh_ = ax.pcolormesh(columns, rows, self.weights, rasterized=True, **limits)
        ax.invert_yaxis()
        locators: list[Any] = [axis.get_major_locator() for axis in (ax.xaxis, ax.yaxis)]
        for locator in locators:
            locator.set_params(integer=True)
        dress(ax, "time step of the window (0: the newest)", "step of the forecast", grid=None)
        if self.legend:
            tones, font = tones_of(ax), font_of(ax)
            bar = self.figure_.colorbar(self.mesh_, ax=ax, fraction=0.05, pad=0.015)
            bar.set_label("weight", color=tones.ink, fontsize=font + 0.5)
            bar.ax.tick_params(colors=tones.muted, labelsize=font)
            bar.outline.set_visible(False)
        caption(ax, self.title, handles=[], legend=self.legend)
        return self
