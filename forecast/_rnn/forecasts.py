"""What a fitted RNNForecaster forecasts: `predict`, `predict_quantiles`, and its weights by name."""

from numbers import Integral

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._arrays import read_inputs
from .._distributions import FAMILIES
from .._network import LOSSES, along
from .._quantiles import levels_between, wanted_levels
from .._seeds import generator
from .._windows import Windows
from .carrying import Newest, begins_of, sequences_of
from .categories import refuse_unknown
from .placing import placed

__all__ = ["Forecasts"]


def _is_of_quantiles(loss):
    return loss in LOSSES and LOSSES[loss]["outputs"] == 0


def _loss_of(model):
    return model._network.architecture.loss if hasattr(model, "_network") else model.loss


def _has_quantiles(model):
    loss = _loss_of(model)
    if not _is_of_quantiles(loss) and loss not in FAMILIES:
        raise AttributeError(
            f"predict_quantiles is for loss='quantile', not {loss!r}: fit with loss='quantile' and the levels, such as "
            "quantile=[0.1, 0.5, 0.9], or with the loss of a distribution, such as loss='student_t'."
        )
    return True


def _has_distribution(model):
    loss = _loss_of(model)
    if loss not in FAMILIES:
        raise AttributeError(
            f"predict_distribution is for the loss of a distribution, {', '.join(map(repr, FAMILIES))}, not {loss!r}."
        )
    return True


def check_horizon(model, X, horizon):
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
        raise TypeError(f"horizon: expected a number of steps or None, got {horizon!r}.")
    if horizon < 1:
        raise ValueError(f"horizon: expected 1 step or more, got {horizon}.")
    if horizon == a.horizon_steps:
        return
    why = None
    if a.decoder != "recurrent":
        why = f"decoder={a.decoder!r} has weights for them alone. Fit with decoder='recurrent', or with this horizon."
    elif a.skip is not None:
        why = f"skip={a.skip!r} has weights for them alone. Fit with skip=None, or with this horizon."
    elif a.future and not (isinstance(X, Windows) and X.horizon == horizon):
        got = f"windows of horizon {X.horizon}" if isinstance(X, Windows) else f"{type(X).__name__}"
        why = (
            f"every step reads its own known future, so X has to have it for all {horizon} steps; got {got}. Make the "
            f"windows with horizon={horizon}."
        )
    if why:
        raise ValueError(f"horizon={horizon}, but the model was fitted on {a.horizon_steps} steps: {why}")


class Forecasts:
    """The part of `RNNForecaster` that answers from a fit."""

    @property
    def quantiles_(self):
        check_is_fitted(self)
        if not _is_of_quantiles(self._network.architecture.loss):
            raise AttributeError("quantiles_ is there after a fit with loss='quantile' only.")
        return np.array(self._network.outputs.levels)

    def predict(self, X, horizon=None, starts=None):
        """Forecast windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            As in `fit`.
        horizon : int, default=None
            Steps to forecast; None: those of `fit`. With `decoder="recurrent"` any number, fewer or more: it goes on
            from forecast to forecast. Known future values are then needed for all of them, in `Windows` of this
            horizon.
        starts : array-like, default=None
            With `stateful=True`: as in `fit`. Every sequence begins with zeros; what `update` goes on from stays.

        Returns
        -------
        ndarray of shape (n_windows,) or (n_windows, n_outputs)
            Float64, in the shape of `fit`'s y. With the loss of a distribution its mean. With several quantiles the
            median: the level 0.5, linear in the level
            between its neighbours where it was not fitted; the level nearest to it where all are on one side. Of
            `Windows` with a `window_norm` the normalised values, as their `y` has them; `windows.restore` gives the
            units of the series.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`, or the decoder cannot forecast other steps than those of `fit`.
        """
        values = self._outputs(X, horizon, starts)
        return self._network.outputs.point(values)

    @available_if(_has_quantiles)
    def predict_quantiles(self, X, levels=None, horizon=None, starts=None):
        """Forecast quantiles of windows; with `loss="quantile"` or the loss of a distribution.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            As in `fit`.
        levels : float or list of float, default=None
            Levels to forecast at, in any order. Of a distribution any in (0, 1); None: 0.1, 0.5 and 0.9. With
            `loss="quantile"` between the outermost fitted ones, linear in the level between two; None: `quantiles_`.
        horizon : int, default=None
            As in `predict`. The median, or the mean of the distribution, is fed back, whatever the level.
        starts : array-like, default=None
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_windows, n_levels) or (n_windows, n_outputs, n_levels)
            Float64: the shape of `predict` with an axis of levels behind it. Ascending with the level (equal where
            the outputs are).

        Raises
        ------
        AttributeError
            The loss is another one.
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`, or a level lies beyond (0, 1) or the outermost fitted ones.

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

    def _wanted(self, levels):
        """Levels to forecast at, checked; None: those of the loss."""
        outputs = self._network.outputs
        if levels is None:
            return np.array(outputs.levels)
        return levels_between(levels) if outputs.family else wanted_levels(levels, self.quantiles_)

    @available_if(_has_distribution)
    def predict_distribution(self, X, horizon=None, starts=None):
        """Forecast the distribution of each target; with the loss of a distribution only.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            As in `fit`.
        horizon : int, default=None
            As in `predict`.
        starts : array-like, default=None
            As in `predict`.

        Returns
        -------
        Distribution
            Of shape (n_windows,) or (n_windows, n_outputs), as `predict`: its parameters in the units of y, with
            methods for quantiles, densities and scores.

        Raises
        ------
        AttributeError
            The loss is another one.
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
        return self._network.outputs.distribution(self._outputs(X, horizon, starts))

    @available_if(_has_distribution)
    def _parameters(self, X):
        """Parameters of the distributions, of the shape of `predict` with an axis of them behind it."""
        return self._outputs(X)

    @property
    def draws_masks_(self):
        """Whether the network was fitted with `dropout`, `recurrent_dropout` or `zoneout`, which `sample_y` needs."""
        check_is_fitted(self)
        a = self._network.architecture
        return bool(a.dropout or a.recurrent_dropout or a.zoneout)

    def sample_y(self, X, n_samples=100, random_state=None):
        """Forecast windows with the random masks of training: Monte-Carlo dropout [1]_.

        The spread of the samples is that of networks with other units dropped: how unsure the model is, without the
        noise of the data. It is not a prediction interval. For networks fitted with `dropout`, `recurrent_dropout` or
        `zoneout`; vectors of series and of categories are not left out.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            As in `fit`.
        n_samples : int, default=100
            Forecasts of each window.
        random_state : int, RandomState instance or None, default=None
            Seed of the masks. The same seed, X and weights give the same bits for any `n_jobs`, and the first samples
            are the same for any `n_samples`. None draws fresh ones.

        Returns
        -------
        ndarray of shape (n_windows, n_samples) or (n_windows, n_outputs, n_samples)
            Float64: the shape of `predict` with an axis of samples behind it, as scikit-learn's
            `GaussianProcessRegressor.sample_y` has it. With several quantiles, samples of the median.

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
            raise ValueError("sample_y: the samples of a model with stateful=True would not carry their states.")
        if not self.draws_masks_:
            raise ValueError(
                "sample_y needs a network with random masks, but dropout, recurrent_dropout and zoneout are 0: fit "
                "with one of them, such as dropout=0.2."
            )
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(f"n_samples={n_samples!r}: expected a whole number, 1 or more.")
        network, data = self._asked(X)
        rng = generator(random_state)
        values = network.sample(data.arguments, data.n_windows, int(n_samples), rng, self.n_jobs)
        points = outputs.point(values.reshape(*values.shape[:2], -1, outputs.of_a_target))
        return np.moveaxis(points[:, :, 0] if self._is_flat else points, 0, -1)

    def attention_weights(self, X, horizon=None):
        """How much each step of the decoder looks at each step of the encoder; with `attention` only.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            As in `fit`.
        horizon : int, default=None
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_windows, decoder_steps, encoder_steps)
            In the precision of the model; each row sums to 1. With `decoder="recurrent"` there is a step of the decoder
            for each of the horizon, else one, of the newest state. Steps of the encoder are those of the lookback, the
            oldest first, or its segments.

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
            raise AttributeError("attention_weights is for a model with attention='dot' or 'additive'.")
        network, data = self._asked(X, horizon)
        return network.attention(data.arguments, data.n_windows, self.n_jobs)

    @property
    def _at_newest(self):
        """The same, which answers of the newest step of a window alone."""
        if not self._network.architecture.return_sequences:
            return self
        if self._network.architecture.stateful:
            return Newest(self)
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"_network": self._network.at_newest()}
        return other

    def _outputs(self, X, horizon=None, starts=None):
        """Forecasts in units, in the shape of fit's y with an axis of a target's outputs behind it."""
        check_is_fitted(self)
        network, data = self._asked(X, horizon)
        if network.architecture.stateful:
            begins = begins_of(self, data, starts)
            values = np.concatenate(along(network, network.source(data.arguments), sequences_of(begins))[0])
        elif starts is not None:
            raise ValueError("starts is for a model with stateful=True; expected none.")
        else:
            values = network.predict(data.arguments, data.n_windows, self.n_jobs)
        flat = self._is_flat and horizon is None
        shape = (data.n_windows,) if flat else (data.n_windows, network.architecture.targets)
        return values.reshape(*shape, network.outputs.of_a_target)

    def _asked(self, X, horizon=None):
        """The network over the steps that are asked for, and the windows."""
        network = self._network
        if horizon is not None:
            check_horizon(self, X, horizon)
            network = network if horizon == network.architecture.horizon_steps else network.longer(int(horizon))
        fitted = network.architecture
        data = read_inputs(self, X, self._lookback, self._n_channels, fitted.extra)
        refuse_unknown(vars(fitted), fitted.category_left_out, data)
        return network, placed(self, data)
