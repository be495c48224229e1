"""`PretrainedForecaster`: the pretrained network as a regressor on windows, with nothing to train."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._dlpack import as_numpy
from .._files import ModelFileError, stored
from .._numbers import refuse_overflow
from .._parameter_docs import DescribesParameters
from .._refusals import Fix, Refusal, argument
from .._types import Floats, Seed
from .._windows import Windows, WindowTargets
from .windows import past_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from .._network import Network
    from .derivative import MedianDerivative

__all__ = ["PretrainedForecaster"]

_TOGETHER = 1024  # windows of a call
_STEPS = 200  # of fine_tune=True
_RATE = 3e-4


@stored("PretrainedForecaster", left_out=("n_jobs",))
class PretrainedForecaster(DescribesParameters, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A recurrent network that has been trained on generated series and forecasts any series without training.

    Its weights are part of the package. It reads the newest 512 steps of a target and nothing else: no covariates, no
    calendar, no other series. It finds up to two seasons of at most 384 steps by autocorrelation. A shorter series is
    enough, from 12 steps on as in its training; gaps are allowed. Each target is forecast by itself. Any horizon works;
    from 64 to 1,024 steps ahead as in its training. Forecasts are medians.

    It is a regressor on windows, like `RNNForecaster`, for `SeriesForecaster`, `backtest` and scikit-learn's tools. On
    `Windows` it reads the series beyond the lookback, as far back as it wants, in the series' own units; on arrays it
    sees only the window, whose first channel is the target. The same forecast has the same bits for any number of
    threads and for any other windows in the call.

    Parameters
    ----------
    fine_tune : bool or int, default=False
        Whether `fit` trains on from the weights, on the windows of `fit`. False: nothing is trained. True: 200
        optimiser steps of up to 32 windows. A number: that many steps.
    learning_rate : float, default=0.0003
        Rate of AdamW for fine-tuning. It rises over the first tenth of the steps and falls to 0 along a cosine.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of the windows in fine-tuning.
    n_jobs : int, default=None
        Number of threads; it changes no bit. None or -1: all usable cores.

    Attributes
    ----------
    n_features_in_ : int
    n_outputs_ : int
    quantiles_ : ndarray of shape (9,)
        The levels that the network forecasts: 0.1 to 0.9.
    weights_card_ : dict
        What is known of the weights in the package: generators, windows seen, scores, licence, date.

    See Also
    --------
    forecast.RNNForecaster : A network that learns from your own windows.

    Notes
    -----
    The network is trained on generated series alone (`pretraining/` in the repository), so no published series is part
    of what it knows.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import SeriesForecaster
    >>> months = pd.date_range("2022-01-01", periods=30, freq="MS")
    >>> df = pd.DataFrame({"sold": 50 + 10 * np.sin(np.arange(30) * np.pi / 6)}, index=months)
    >>> model = SeriesForecaster("pretrained", target="sold", horizon=12).fit(df)
    >>> model.predict().shape
    (12, 1)
    """

    _accepts_windows = True
    _reads_series = True  # beyond the window, and by itself whether it ever moved
    _knows_its_intervals = True  # before any error of it is known

    def __init__(
        self,
        *,
        fine_tune: bool | int = False,
        learning_rate: float = _RATE,
        random_state: Seed = None,
        n_jobs: int | None = None,
    ) -> None:
        self.fine_tune = fine_tune
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def n_read_(self) -> int:
        """Number of rows of a series that a forecast reads, if they are there."""
        from .network import LOOKBACK

        return LOOKBACK

    @property
    def _needs_windows(self) -> bool:
        """Whether `fit` needs windows. Without training it does not: a series may be too short for any."""
        return self._learns

    @property
    def _learns(self) -> bool:
        """Whether sample weights have an effect."""
        return self.fine_tune is not False

    @property
    def quantiles_(self) -> Floats:
        from .network import LEVELS

        check_is_fitted(self)
        return np.array(LEVELS)

    @property
    def weights_card_(self) -> dict[str, Any]:
        from .weights import card

        check_is_fitted(self)
        return card()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True  # rows of a table are no series
        return tags

    def fit(
        self,
        X: npt.ArrayLike | Windows,
        y: npt.ArrayLike | WindowTargets,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Read the shapes of the data; with `fine_tune`, train on from the weights of the package.

        Parameters
        ----------
        X : Windows or array-like of shape (n, lookback) or (n, lookback, channels)
            The first channel of an array is the target.
        y : array-like of shape (n,) or (n, horizon)
            Targets. Without `fine_tune`, only their shape is used.
        sample_weight : array-like of shape (n,), default=None
            Weights of the windows in `fine_tune`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of range, shapes do not fit together, or there is nothing to train on.
        """
        from .weights import shipped

        self._check_parameters()
        given, targets = self._entered(X, y)
        network = shipped()
        if self.fine_tune is not False:
            network = self._tuned(network, given, targets, sample_weight)
        elif sample_weight is not None:
            _check_sample_weight(sample_weight, np.empty((len(given), 1)))
        self._weights = network
        return self

    def _check_parameters(self) -> None:
        steps, rate = self.fine_tune, self.learning_rate
        if not isinstance(steps, (bool, np.bool_)) and not (isinstance(steps, Integral) and steps >= 1):
            raise ValueError(
                Refusal(f"is {steps!r}", where="fine_tune", expected="True, False or a number of steps, 1 or more")
            )
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < float(rate) < np.inf:
            raise ValueError(Refusal(f"is {rate!r}", where="learning_rate", expected="a positive number"))
        if steps is False and rate != _RATE:
            raise ValueError(
                Refusal(
                    f"learning_rate={rate!r} has no effect without fine_tune",
                    fix=Fix(f"PretrainedForecaster(fine_tune=True, learning_rate={rate!r})", "--set fine_tune=true"),
                )
            )

    def _entered(self, X: Any, y: Any) -> tuple[Any, Any]:
        if isinstance(X, Windows):
            shape = np.shape(y)
            _refuse_lengths(shape, len(X))
            self.n_features_in_ = int(np.prod(X.shape[1:]))
            given, targets = X, y
        else:
            given, targets = validate_data(
                self, as_numpy(X, "X"), as_numpy(y, "y"), allow_nd=True, multi_output=True, y_numeric=True,
                dtype=np.float64, ensure_all_finite="allow-nan",
            )  # fmt: skip
            shape = np.shape(targets)
            _refuse_lengths(shape, len(given))
            self.n_features_in_ = int(np.prod(given.shape[1:]))
        self.n_outputs_, self._flat = 1 if len(shape) == 1 else int(shape[1]), len(shape) == 1
        return given, targets

    def _tuned(self, network: Network, X: Any, y: Any, sample_weight: Any) -> Network:
        from .tuning import tuned

        if not len(X):
            raise ValueError(
                Refusal("there is no window to train on", where="fine_tune", fix=argument("fine_tune", False))
            )
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(
                sample_weight, np.empty((len(X), 1)), dtype=np.float64, ensure_non_negative=True
            )
        steps = _STEPS if self.fine_tune is True else int(self.fine_tune)
        return tuned(
            network, X, y, weight, steps=steps, rate=float(self.learning_rate), random_state=self.random_state,
            n_jobs=self.n_jobs,
        )  # fmt: skip

    def predict(self, X: npt.ArrayLike | Windows) -> Floats:
        """Forecast every window: medians.

        Parameters
        ----------
        X : Windows or array-like of shape (n, lookback) or (n, lookback, channels)

        Returns
        -------
        ndarray of the shape of `fit`'s y, float64
            Forecasts in the units of `Windows.y`, so normalised if the windows are.

        Raises
        ------
        ValueError
            Another number of features than in `fit`, or a window without any value.
        """
        return self.predict_quantiles(X, [0.5])[..., 0]

    def predict_quantiles(self, X: npt.ArrayLike | Windows, levels: float | Sequence[float] | None = None) -> Floats:
        """Forecast quantiles of every window.

        Parameters
        ----------
        X : Windows or array-like
            As in `predict`.
        levels : float or list of float, default=None
            Levels from 0.01 to 0.99. None: the nine of the network, 0.1 to 0.9. Between these, quantiles are linear in
            the level. Beyond them the distance from the median grows as that of a Laplace distribution.

        Returns
        -------
        ndarray of the shape of `predict` with one more axis, for the levels, float64

        Raises
        ------
        ValueError
            As `predict`, or a level is below 0.01 or above 0.99.
        """
        from .levels import at, wanted
        from .network import LEVELS

        check_is_fitted(self)
        asked = np.array(LEVELS) if levels is None else wanted(levels)
        given = self._read(X)
        horizon, targets = self.n_outputs_, 1
        if isinstance(given, Windows):
            horizon, targets = given.horizon, given.n_targets
        found = refuse_overflow(at(self._quantiles(given, horizon), asked), "PretrainedForecaster:")
        found = found.reshape(len(given), horizon * targets, len(asked))
        if isinstance(given, Windows):
            found = np.stack([given.normalize(found[..., level]) for level in range(len(asked))], axis=-1)
        return found[:, 0] if self._flat else found

    def _read(self, X: Any) -> Any:
        given = X if isinstance(X, Windows) else as_numpy(X, "X")
        if not isinstance(given, Windows) and not self._is_ready(given):
            given = validate_data(
                self, given, reset=False, allow_nd=True, dtype=np.float64, ensure_all_finite="allow-nan",
            )  # fmt: skip
        count = int(np.prod(given.shape[1:]))
        if count != self.n_features_in_:
            raise ValueError(
                Refusal(
                    f"has {count} features, but {type(self).__name__} is expecting {self.n_features_in_} features as "
                    "input",
                    where="X",
                )
            )
        return given

    def _is_ready(self, X: Any) -> bool:
        """A plain array needs one pass for infinities, not scikit-learn's full validation."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.float64
            and X.ndim in (2, 3)
            and len(X) > 0
            and not hasattr(self, "feature_names_in_")
            and not np.isinf(X).any()
        )

    def _quantiles(self, X: Any, horizon: int) -> Floats:
        """Quantiles (n, horizon, targets, 9) in units of the series."""
        from .ahead import quantiles_ahead
        from .network import LOOKBACK

        network, n = self._weights, len(X)
        targets = X.n_targets if isinstance(X, Windows) else 1
        found = np.empty((n, horizon, targets, len(self.quantiles_)))
        for first in range(0, n, _TOGETHER):
            rows = np.arange(first, min(first + _TOGETHER, n))
            for target in range(targets):
                values = past_of(X, rows, target, LOOKBACK)
                threads = 1 if len(rows) == 1 else network.threads(self.n_jobs, 2 * len(rows))
                found[rows, :, target] = quantiles_ahead(network, network.packed, values, horizon, threads)
        return found

    def _past(self, X: Windows) -> list[Floats]:
        """What is read of each target, (n, steps), NaN where missing."""
        from .network import LOOKBACK

        return [past_of(X, np.arange(len(X)), target, LOOKBACK) for target in range(X.n_targets)]

    def _derivative(self, n_jobs: int | None = None) -> MedianDerivative:
        from .derivative import MedianDerivative

        return MedianDerivative(self._weights, n_jobs)

    def _check_loaded(self) -> None:
        """Refuse a model file whose parts do not fit together."""
        from .weights import shipped

        self._check_parameters()
        if self._weights.architecture != shipped().architecture:
            raise ModelFileError(Refusal("the network of a pretrained forecaster is another than this version's"))


def _refuse_lengths(shape: tuple[int, ...], n: int) -> None:
    if len(shape) not in (1, 2) or shape[0] != n:
        raise ValueError(Refusal(f"has shape {shape} for {n} windows", where="y", expected="(n,) or (n, horizon)"))
