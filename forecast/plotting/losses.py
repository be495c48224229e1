"""`LossCurveDisplay`: the course of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._classifier import RNNClassifier
from .._refusals import Refusal
from .._rnn import RNNForecaster
from .._series import SeriesForecaster
from .captions import caption
from .style import (
    colour_of,
    dress,
    fills,
    line_style,
    new_panels,
    plain_log_axis,
    pyplot,
    time_axis,
    tones_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from .._types import Array, Floats, Integers

__all__ = ["LossCurveDisplay"]

_WIDE = 20.0  # ratio of losses from which on a linear axis shows nothing but the first epochs


class LossCurveDisplay:
    """Training and validation loss by epoch, and below them the gradient norm: median and range over each epoch's
    steps.

    Create it with `from_estimator`.

    Parameters
    ----------
    loss : sequence of float
        Training loss of each epoch.
    validation_loss : sequence of float, default=()
        Validation loss of each epoch; empty if nothing was held out. The epoch with the lowest one is marked: its
        weights are kept.
    gradient_norms : sequence of float, default=()
        Gradient norm of every step, before clipping; the steps are split evenly over the epochs. Non-finite norms of a
        diverged training are left out.
    clip_norm : float, default=None
        Norm above which gradients were scaled down.
    log : bool, default=None
        Whether the axis of losses is logarithmic; None: if the largest loss is more than 20 times the smallest.
    title : str, default=None
    legend : bool, default=True
        Whether to draw a legend.
    label : str, default="loss (standardised)"
        Label of the loss axis. For an `RNNClassifier`, `from_estimator` sets "cross-entropy".

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        Axes of the losses and of the gradient norms.
    figure_ : matplotlib.figure.Figure
    lines_ : list of matplotlib.lines.Line2D
        Lines of the training loss, the validation loss (if there is one) and the median gradient norm.
    best_epoch_ : int or None
        Epoch with the lowest validation loss, counted from 1; None without validation losses.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> display = LossCurveDisplay([1.0, 0.6, 0.5], [1.1, 0.7, 0.8], [2.0, 1.0, 0.9, 0.7, 0.6, 0.5], 1.0).plot()
    >>> display.best_epoch_, display.lines_[-1].get_ydata().round(2)
    (2, array([1.5 , 0.8 , 0.55]))
    """

    def __init__(
        self,
        loss: Sequence[float] | Floats,
        validation_loss: Sequence[float] | Floats = (),
        gradient_norms: Sequence[float] | Floats = (),
        clip_norm: float | None = None,
        *,
        log: bool | None = None,
        title: str | None = None,
        legend: bool = True,
        label: str = "loss (standardised)",
    ) -> None:
        self.loss = loss
        self.validation_loss = validation_loss
        self.gradient_norms = gradient_norms
        self.clip_norm = clip_norm
        self.log = log
        self.title = title
        self.legend = legend
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        log: bool | None = None,
        title: str | None = None,
        legend: bool = True,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Draw the training of a fitted network.

        Parameters
        ----------
        model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
            Fitted model.
        log : bool, default=None
            As for the class.
        title : str, default=None
        legend : bool, default=True
            Whether to draw a legend.
        axes : sequence of two matplotlib.axes.Axes, default=None
            Axes to draw on; None: a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        sklearn.exceptions.NotFittedError
            The model is not fitted.
        TypeError, ValueError
            The model contains no network, or no epoch of its training ended with finite numbers.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(300, 20))
        >>> model = RNNForecaster(hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
        >>> len(LossCurveDisplay.from_estimator(model).lines_[0].get_ydata())
        5
        """
        pyplot()
        network = model
        if isinstance(model, SeriesForecaster):
            check_is_fitted(model)
            network = model.regressor_
        if not isinstance(network, (RNNForecaster, RNNClassifier)):
            inside = "" if network is model else " around one of class " + type(network).__name__
            raise TypeError(
                Refusal(
                    f"is a {type(model).__name__}{inside}, which has no epochs to draw",
                    where="model",
                    expected=(
                        "an RNNForecaster, a SeriesForecaster around one, or an RNNClassifier: of a search its "
                        "best_estimator_, of a pipeline its last step"
                    ),
                )
            )
        check_is_fitted(network)
        curves = network.loss_curve_, network.validation_loss_curve_, network.gradient_norm_curve_
        label = "cross-entropy" if isinstance(network, RNNClassifier) else "loss (standardised)"
        return cls(*curves, network.clip_norm, log=log, title=title, legend=legend, label=label).plot(axes)

    def plot(self, axes: Sequence[Axes] | Array | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : sequence of two matplotlib.axes.Axes, default=None
            Axes to draw on, the losses first; None: a new figure of 8 x 5.4 inches.

        Returns
        -------
        LossCurveDisplay
            Itself.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            There are no losses, or `axes` are not two.
        """
        plt = pyplot()
        n = len(self.loss)
        if not n:
            raise ValueError(
                Refusal(
                    "there is no loss to draw: the training diverged in its first epoch",
                    advice="Use a lower learning_rate, or clip_norm.",
                )
            )

        def make() -> list[Axes]:
            size: dict[str, Any] = {"figsize": (8, 5.4), "layout": "constrained"}
            return list(plt.subplots(2, 1, sharex=True, height_ratios=[3, 2], **size)[1])

        self.axes_ = top, bottom = new_panels(axes, 2, make)
        self.figure_ = top.figure
        self.lines_: list[Line2D] = []
        self.best_epoch_: int | None = None
        self._draw_losses(top, np.arange(1, n + 1))
        self._draw_norms(bottom, n)
        for ax in (top, bottom):
            ax.margins(x=0.02)
        dress(top, None if top.get_shared_x_axes().joined(top, bottom) else "epoch", self.label, grid="y")
        dress(bottom, "epoch", "gradient norm", grid="y")
        caption(top, self.title, legend=self.legend)
        caption(bottom, legend=self.legend)
        return self

    def _draw_losses(self, ax: Axes, epochs: Integers) -> None:
        loss, judged = (np.asarray(part, dtype=np.float64) for part in (self.loss, self.validation_loss))
        marked = len(epochs) if len(epochs) == 1 else None
        self.lines_ += ax.plot(epochs, loss, label="training", **line_style("training", 1, points=marked))
        if len(judged):
            label = "validation"
            self.lines_ += ax.plot(epochs, judged, label=label, **line_style("validation", 0, points=marked))
            self.best_epoch_ = epoch = int(np.argmin(judged)) + 1
            best, ink = judged.min(), tones_of(ax).ink
            ax.axvline(epoch, color=ink, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
            ax.plot(
                [epoch], [best], linestyle="none", marker="o", markersize=8, markerfacecolor="none",
                markeredgecolor=ink, markeredgewidth=1.4, zorder=7, label=f"best: epoch {self.best_epoch_}, {best:.4g}",
            )  # fmt: skip
        both = np.concatenate([loss, judged])
        wide = both.min() > 0 and both.max() > _WIDE * both.min()
        if wide if self.log is None else self.log:
            ax.set_yscale("log")
            plain_log_axis(ax.yaxis)
        else:
            ax.set_ylim(bottom=min(0.0, both.min()))
        time_axis(ax, pd.RangeIndex(1, len(epochs) + 1))

    def _draw_norms(self, ax: Axes, n: int) -> None:
        norms = np.asarray(self.gradient_norms, dtype=np.float64)
        parts = [part[np.isfinite(part) & (part > 0)] for part in np.array_split(norms, n)]
        known = [(epoch, part) for epoch, part in enumerate(parts, 1) if len(part)]
        if known:
            epochs = [epoch for epoch, _ in known]
            low, middle, high = np.array([np.quantile(part, (0, 0.5, 1)) for _, part in known]).T
            colour = colour_of(2)
            tint = fills(colour, tones_of(ax).ground, 1)[0]
            if n == 1:
                ax.vlines(epochs, low, high, color=[tint], linewidth=7, label="least to largest step", zorder=2)
            else:
                ax.fill_between(epochs, low, high, color=tint, linewidth=0, label="least to largest step", zorder=2)
            self.lines_ += ax.plot(
                epochs, middle, color=colour, linewidth=1.6, marker="o" if n == 1 else None, zorder=4,
                label="median step",
            )  # fmt: skip
            ax.set_yscale("log")
            plain_log_axis(ax.yaxis)
        if self.clip_norm is not None:
            ax.axhline(
                self.clip_norm, color=tones_of(ax).ink, linewidth=1.2, linestyle=(0, (6, 2)), zorder=3,
                label=f"clipped above {self.clip_norm:g}",
            )  # fmt: skip
        time_axis(ax, pd.RangeIndex(1, n + 1))
