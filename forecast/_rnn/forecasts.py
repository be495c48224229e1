"""What a fitted RNNForecaster forecasts: `predict`, `predict_quantiles`, and its weights by name."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._arrays import read_inputs
from .._decorators import available_if
from .._distributions import FAMILIES
from .._network import LOSSES, along
from .._quantiles import levels_between, wanted_levels
from .._refusals import Refusal
from .._seeds import generator
from .._windows import Windows
from .carrying import Newest, begins_of, sequences_of
from .categories import refuse_unknown
from .host import Host
from .placing import placed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from .._arrays import Dataset
    from .._distributions import Distribution
    from .._network import Network, Parameters
    from .._types import Floats, Seed

__all__ = ["Forecasts"]


def _is_of_quantiles(loss: str) -> bool:
    return loss in LOSSES and LOSSES[loss]["outputs"] == 0


def _loss_of(model: Host) -> str:
    return model._network.architecture.loss if hasattr(model, "_network") else model.loss


def _has_quantiles(model: Host) -> bool:
    loss = _loss_of(model)
    if not _is_of_quantiles(loss) and loss not in FAMILIES:
        raise AttributeError(
            Refusal(
                f"is for loss='quantile', not {loss!r}: fit with loss='quantile' and the levels, such as "
                "quantile=[0.1, 0.5, 0.9], or with the loss of a distribution, such as loss='student_t'",
                where="predict_quantiles",
            )
        )
    return True


def _has_distribution(model: Host) -> bool:
    loss = _loss_of(model)
    if loss not in FAMILIES:
        raise AttributeError(
            Refusal(
                f"is for the loss of a distribution, {', '.join(map(repr, FAMILIES))}, not {loss!r}",
                where="predict_distribution",
            )
        )
    return True


def check_horizon(model: Host, X: ArrayLike | Windows, horizon: int) -> None:
    """Refuse a number of steps that a fitted model cannot forecast.

    Parameters
    ----------
    model : RNNForecaster
    X : array-like or Windows
    horizon : int

    Raises
    ------
    TypeError, ValueError
    """
    a = model._network.architecture
    if not isinstance(horizon, Integral) or isinstance(horizon, bool):
        raise TypeError(Refusal(where="horizon", got=f"{horizon!r}", expected="a number of steps or None"))
    if horizon < 1:
        raise ValueError(Refusal(where="horizon", got=f"{horizon}", expected="1 step or more"))
    if horizon == a.horizon_steps:
        return
    why = advice = None
    if a.decoder != "recurrent":
        why = f"decoder={a.decoder!r} has weights for them alone"
        advice = "Fit with decoder='recurrent', or with this horizon."
    elif a.skip is not None:
        why, advice = f"skip={a.skip!r} has weights for them alone", "Fit with skip=None, or with this horizon."
    elif a.future and not (isinstance(X, Windows) and X.horizon == horizon):
        got = f"windows of horizon {X.horizon}" if isinstance(X, Windows) else f"{type(X).__name__}"
        why = f"every step reads its own known future, so X has to have it for all {horizon} steps; got {got}"
        advice = f"Make the windows with horizon={horizon}."
    if why:
        what = f"but the model was fitted on {a.horizon_steps} steps"
        raise ValueError(Refusal(what, where=f"horizon={horizon},", got=why, advice=advice))


class Forecasts(Host):
    """The part of `RNNForecaster` that forecasts."""

    @property
    def quantiles_(self) -> Floats:
        check_is_fitted(self)
        if not _is_of_quantiles(self._network.architecture.loss):
            raise AttributeError(Refusal("is there after a fit with loss='quantile' only", where="quantiles_"))
        return np.array(self._network.outputs.levels)

    def predict(self, X: ArrayLike | Windows, horizon: int | None = None, starts: ArrayLike | None = None) -> Floats:
        """Forecast windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            Windows as in `fit`.
        horizon : int, default=None
            Number of steps to forecast; None: as in `fit`. With `decoder="recurrent"`, any number: the decoder
            continues from forecast to forecast. Known future values are needed for all steps, in `Windows` of this
            horizon.
        starts : array-like, default=None
            With `stateful=True`: rows at which sequences begin, as in `fit`. Every sequence begins with zero states;
            the states that `update` continues from do not change.

        Returns
        -------
        ndarray of shape (n_windows,) or (n_windows, n_outputs)
            Float64, in the shape of `fit`'s y. With the loss of a distribution, its mean. With several quantiles, the
            median: the level 0.5, interpolated linearly between its neighbours if it was not fitted, or the nearest
            level if all are on one side. For `Windows` with a `window_norm`, the normalised values, like their `y`;
            `windows.restore` converts them to the units of the series.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`, or the decoder cannot forecast another horizon than that of `fit`.
        """
        values = self._outputs(X, horizon, starts)
        return self._network.outputs.point(values)

    @available_if(_has_quantiles)
    def predict_quantiles(
        self,
        X: ArrayLike | Windows,
        levels: float | Sequence[float] | Floats | None = None,
        horizon: int | None = None,
        starts: ArrayLike | None = None,
    ) -> Floats:
        """Forecast quantiles of windows; needs `loss="quantile"` or the loss of a distribution.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            Windows as in `fit`.
        levels : float or list of float, default=None
            Levels to forecast, in any order. With a distribution: any level in (0, 1); None: 0.1, 0.5 and 0.9. With
            `loss="quantile"`: levels between the lowest and the highest fitted one, interpolated linearly; None:
            `quantiles_`.
        horizon : int, default=None
            Number of steps, as in `predict`. The median, or the mean of the distribution, is fed back, whatever the
            level.
        starts : array-like, default=None
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_windows, n_levels) or (n_windows, n_outputs, n_levels)
            Float64, in the shape of `predict` with a last axis for the levels. Values never fall from one level to the
            next.

        Raises
        ------
        AttributeError
            The loss does not allow it.
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`, or a level is outside (0, 1) or the range of the fitted levels.

        Examples
        --------
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(200, 5))
        >>> model = RNNForecaster(loss="quantile", quantile=[0.1, 0.5, 0.9], hidden_size=8, max_iter=5, random_state=0)
        >>> model.fit(X, X[:, -1]).predict_quantiles(X[:7]).shape
        (7, 3)
        >>> np.array_equal(model.predict_quantiles(X, 0.5)[:, 0], model.predict(X))
        True
        """
        check_is_fitted(self)
        wanted = self._wanted(levels)
        return self._network.outputs.quantiles(self._outputs(X, horizon, starts), wanted)

    def _wanted(self, levels: float | Sequence[float] | Floats | None) -> Floats:
        """Levels to forecast at, checked; None: those of the loss."""
        outputs = self._network.outputs
        if levels is None:
            return np.array(outputs.levels)
        return levels_between(levels) if outputs.family else wanted_levels(levels, outputs.levels)

    @available_if(_has_distribution)
    def predict_distribution(
        self, X: ArrayLike | Windows, horizon: int | None = None, starts: ArrayLike | None = None
    ) -> Distribution:
        """Forecast the distribution of each target; needs the loss of a distribution.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            Windows as in `fit`.
        horizon : int, default=None
            As in `predict`.
        starts : array-like, default=None
            As in `predict`.

        Returns
        -------
        Distribution
            Distributions of shape (n_windows,) or (n_windows, n_outputs), like `predict`, with parameters in the units
            of y and methods for quantiles, densities and scores.

        Raises
        ------
        AttributeError
            The loss does not allow it.
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(200, 5))
        >>> y = X[:, -1] + rng.normal(size=200)
        >>> model = RNNForecaster(loss="normal", hidden_size=8, max_iter=20, random_state=0).fit(X, y)
        >>> found = model.predict_distribution(X[:7])
        >>> found
        <normal distribution of shape (7,): mean, std>
        >>> np.array_equal(found.mean(), model.predict(X[:7]))
        True
        """
        check_is_fitted(self)
        outputs = cast("Parameters", self._network.outputs)
        return outputs.distribution(self._outputs(X, horizon, starts))

    @available_if(_has_distribution)
    def _parameters(self, X: ArrayLike | Windows) -> Floats:
        """Parameters of the distributions, of the shape of `predict` with an axis of them behind it."""
        return self._outputs(X)

    @property
    def draws_masks_(self) -> bool:
        """Whether the network was fitted with `dropout`, `recurrent_dropout` or `zoneout`, which `sample_y` needs."""
        check_is_fitted(self)
        a = self._network.architecture
        return bool(a.dropout or a.recurrent_dropout or a.zoneout)

    def sample_y(
        self, X: ArrayLike | Windows, n_samples: int = 100, random_state: Seed | np.random.Generator = None
    ) -> Floats:
        """Forecast windows with the random masks of training: Monte-Carlo dropout [1]_.

        Each sample drops other units. The spread of the samples shows the uncertainty of the model, without the noise
        of the data, so it is not a prediction interval. Needs a network fitted with `dropout`, `recurrent_dropout` or
        `zoneout`. The vectors of series and categories are not dropped.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            Windows as in `fit`.
        n_samples : int, default=100
            Number of samples for each window.
        random_state : int, RandomState instance or None, default=None
            Seed of the masks. The same seed, X and weights give the same bits for any `n_jobs`, and the first samples
            are the same for any `n_samples`. None: fresh masks.

        Returns
        -------
        ndarray of shape (n_windows, n_samples) or (n_windows, n_outputs, n_samples)
            Float64, in the shape of `predict` with a last axis for the samples, as in scikit-learn's
            `GaussianProcessRegressor.sample_y`. With several quantiles, samples of the median.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`, the network has no dropout of any kind, or n_samples is less than 1.

        References
        ----------
        .. [1] Gal and Ghahramani (2016): Dropout as a Bayesian approximation.

        Examples
        --------
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(200, 5))
        >>> model = RNNForecaster(dropout=0.2, hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
        >>> samples = model.sample_y(X[:7], n_samples=50, random_state=0)
        >>> samples.shape
        (7, 50)
        >>> bool((samples.std(axis=1) > 0).all())
        True
        """
        check_is_fitted(self)
        outputs = self._network.outputs
        if self._network.architecture.stateful:
            raise ValueError(
                Refusal("the samples of a model with stateful=True would not carry their states", where="sample_y:")
            )
        if not self.draws_masks_:
            raise ValueError(
                Refusal(
                    "needs a network with random masks, but dropout, recurrent_dropout and zoneout are 0: fit with "
                    "one of them, such as dropout=0.2",
                    where="sample_y",
                )
            )
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(Refusal(where=f"n_samples={n_samples!r}", expected="a whole number, 1 or more"))
        network, data = self._asked(X)
        rng = generator(random_state)
        values = network.sample(data.arguments, data.n_windows, int(n_samples), rng, self.n_jobs)
        points = outputs.point(values.reshape(*values.shape[:2], -1, outputs.of_a_target))
        return np.moveaxis(points[:, :, 0] if self._is_flat else points, 0, -1)

    def attention_weights(self, X: ArrayLike | Windows, horizon: int | None = None) -> Floats:
        """Return how much each step of the decoder attends to each step of the encoder; needs `attention`.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            Windows as in `fit`.
        horizon : int, default=None
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_windows, decoder_steps, encoder_steps)
            Weights in the precision of the model; each row sums to 1. With `decoder="recurrent"` there is a decoder
            step for each step of the horizon; otherwise there is one, for the newest state. Encoder steps are the steps
            of the lookback, oldest first, or its segments.

        Raises
        ------
        AttributeError
            The model has no attention.
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(200, 6))
        >>> model = RNNForecaster(decoder="recurrent", attention="dot", hidden_size=8, max_iter=2, random_state=0)
        >>> model.fit(X, X[:, ::-1]).attention_weights(X[:7]).shape
        (7, 6, 6)
        """
        check_is_fitted(self)
        if self._network.architecture.attention is None:
            raise AttributeError(
                Refusal("is for a model with attention='dot' or 'additive'", where="attention_weights")
            )
        network, data = self._asked(X, horizon)
        return network.attention(data.arguments, data.n_windows, self.n_jobs)

    @property
    def _at_newest(self) -> Any:
        """The same, which answers of the newest step of a window alone."""
        if not self._network.architecture.return_sequences:
            return self
        if self._network.architecture.stateful:
            return Newest(self)
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"_network": self._network.at_newest()}
        return other

    def _outputs(self, X: ArrayLike | Windows, horizon: int | None = None, starts: ArrayLike | None = None) -> Floats:
        """Forecasts in units, in the shape of fit's y with an axis of a target's outputs behind it."""
        check_is_fitted(self)
        network, data = self._asked(X, horizon)
        if network.architecture.stateful:
            begins = begins_of(self, data, starts)
            values = np.concatenate(along(network, network.source(data.arguments), sequences_of(begins))[0])
        elif starts is not None:
            raise ValueError(Refusal("is for a model with stateful=True", where="starts", expected="none"))
        else:
            values = network.predict(data.arguments, data.n_windows, self.n_jobs)
        flat = self._is_flat and horizon is None
        shape = (data.n_windows,) if flat else (data.n_windows, network.architecture.targets)
        return values.reshape(*shape, network.outputs.of_a_target)

    def _asked(self, X: ArrayLike | Windows, horizon: int | None = None) -> tuple[Network, Dataset]:
        """The network over the steps that are asked for, and the windows."""
        network = self._network
        if horizon is not None:
            check_horizon(self, X, horizon)
            network = network if horizon == network.architecture.horizon_steps else network.longer(int(horizon))
        fitted = network.architecture
        data = read_inputs(self, X, self._lookback, self._n_channels, fitted.extra)
        refuse_unknown(vars(fitted), fitted.category_left_out, data)
        return network, placed(self, data)
