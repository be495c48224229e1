"""How far back in time the gradient of the loss reaches, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal
from .._rnn import flow_of
from .networks import network_of

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike

    from .._types import Array, Floats

__all__ = ["GradientFlow", "gradient_flow"]


@dataclass(frozen=True)
class GradientFlow:
    """Norms of the loss gradient at each layer and step, as `gradient_flow` returns them.

    Attributes
    ----------
    norms : ndarray of shape (n_layers, n_steps), float64
        L2 norm, over windows and hidden units, of the gradient of the mean loss with respect to the hidden state h of a
        layer after a step. Layers are those that read the past, with `bidirectional` forward and reversed ones in turn,
        without those of a decoder or of the known future. A step is a row of the window or, with `segment`, a segment.
    steps : ndarray of int of shape (n_steps,)
        Steps from -(n_steps - 1) to 0, which is the newest step of a window. Without segments, n_steps is the lookback.
    cell : str
        Cell of the network.
    loss : float
        Mean loss on standardised targets.
    layers : tuple of str or None
        Names of the layers, as in `weights_`, if numbers are not enough: with `bidirectional`, "0", "0.reverse" and so
        on.
    segment : int
        Number of rows of a step; above 1, a step is a segment of the window.

    Examples
    --------
    >>> from forecast import RNNForecaster
    >>> X = np.random.default_rng(0).normal(size=(300, 20))
    >>> model = RNNForecaster(cell="rnn", hidden_size=8, max_iter=2, random_state=0).fit(X, X[:, -1])
    >>> flow = gradient_flow(model, X, X[:, -1])
    >>> bool(flow.norms[0, -1] > flow.norms[0, 0])  # the newest step has more to say than the oldest
    True
    """

    norms: Floats
    steps: Array
    cell: str
    loss: float
    layers: tuple[str, ...] | None = None
    segment: int = 1

    def to_frame(self) -> pd.DataFrame:
        """Return the norms as a frame.

        Returns
        -------
        pandas.DataFrame of shape (n_steps, n_layers)
            Index "step"; a column per layer: its number (0 is next to the input), or its name in `layers`.

        Examples
        --------
        >>> import numpy as np
        >>> flow = GradientFlow(np.array([[0.25, 0.5]]), np.array([-1, 0]), "lstm", 0.1)
        >>> flow.to_frame()  # doctest: +NORMALIZE_WHITESPACE
        layer     0
        step
        -1     0.25
         0     0.50
        """
        index = pd.Index(self.steps, name="step")
        numbers = pd.RangeIndex(len(self.norms), name="layer")
        columns = numbers if self.layers is None else pd.Index(self.layers, name="layer")
        return pd.DataFrame(self.norms.T, index=index, columns=columns)


def gradient_flow(
    model: Any, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, n_jobs: int | None = None
) -> GradientFlow:
    """Return the size of the loss gradient at each layer and time step of a fitted network.

    The mean loss over all given windows is differentiated with respect to the hidden state h of each layer after each
    step: everything that reaches it, through the later steps and, below another layer, through that layer at the same
    step. If the norms vanish towards the oldest steps, the network cannot learn from them [1]_ [2]_. If they grow,
    gradients explode, and `clip_norm` limits them.

    Parameters
    ----------
    model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
        Fitted model. It is not changed.
    X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), Windows, or frame
        For an `RNNForecaster`, windows as in `fit`. For an `RNNClassifier`, sequences; if they differ in length, their
        last steps are step 0. For a `SeriesForecaster`, a frame: all its windows that have a future are made as in
        `fit`, with the transforms learned there.
    y : array-like of shape (n_windows,) or (n_windows, n_outputs), default=None
        Targets as in `fit`. None: `X.y` of `Windows`, or the target columns of a frame.
    sample_weight : array-like of shape (n_windows,), default=None
        Weights of the windows in the mean loss; not for a `SeriesForecaster`.
    n_jobs : int, default=None
        Number of threads, as in `RNNForecaster`; norms are bit-identical for any number.

    Returns
    -------
    GradientFlow

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model contains no network, or X or y has the wrong type.
    ValueError
        X or y is not as in `fit`, or a gradient is too large for the model's `dtype`.

    See Also
    --------
    gate_activity : Values of gates and states at each step. RNNForecaster.gradient_norm_curve_ : Norm of the weights'
    gradient in every training step, before clipping.

    Notes
    -----
    Targets and inputs are standardised as in training, so a norm is the standardised loss per unit of a hidden state,
    which is between -1 and 1 except with `activation="relu"`. Dropout is off. Compare only the shape over the steps
    between models. In float32, a part of a gradient below 1e-38 counts as 0.

    You can also examine an untrained network: after an epoch with a negligible learning rate,
    `RNNForecaster(max_iter=1, optimizer="sgd", learning_rate=1e-12).fit(X, y)`, the weights differ from the initial
    ones by less than 1e-10. `weights_` are views into them: `model.weights_["0.R_h"][...] *= 1.6` makes the gradient of
    a ReLU network explode.

    References
    ----------
    .. [1] Bengio, Simard and Frasconi: Learning long-term dependencies with gradient descent is difficult. IEEE
       Transactions on Neural Networks 5 (1994), 157-166.
    .. [2] Pascanu, Mikolov and Bengio: On the difficulty of training recurrent neural networks. ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> X = np.random.default_rng(0).normal(size=(300, 20))
    >>> model = RNNForecaster(cell="rnn", hidden_size=8, max_iter=10, random_state=0).fit(X, X[:, -1])
    >>> flow = gradient_flow(model, X, X[:, -1])
    >>> flow.norms.shape, flow.steps[[0, -1]]
    ((1, 20), array([-19,   0]))
    >>> bool(flow.norms[0, 0] < 0.1 * flow.norms[0, -1])  # the newest value is all that counts here
    True
    """
    network, X, y = network_of(model, X, y)
    if sample_weight is not None and network is not model:
        raise ValueError(
            Refusal(
                "a SeriesForecaster gives all windows of a frame the same weight",
                where="sample_weight:",
                expected="None, or an RNNForecaster with windows",
                fix=Fix("sample_weight=None", ""),
            )
        )
    found = flow_of(network, X, y, sample_weight, n_jobs)
    steps = np.arange(1 - found.norms.shape[1], 1)
    return GradientFlow(found.norms, steps, found.cell, found.loss, found.layers, found.segment)
