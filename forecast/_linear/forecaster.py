"""`LinearForecaster`: ridge regression on windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, clone
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from .._dlpack import as_numpy
from .._files import ModelFileError, stored
from .._numbers import refuse_overflow
from .._parameter_docs import DescribesParameters
from .._refusals import Fix, Refusal
from .._types import Floats, Integers
from .._windows import Windows, WindowTargets
from .inputs import Inputs
from .level import Level
from .moments import Moments, moments_of
from .ridge import ridges

if TYPE_CHECKING:
    import numpy.typing as npt


__all__ = ["LinearForecaster"]

_Solutions: TypeAlias = list[tuple[Floats, Floats]]  # coefficients and intercept for each penalty

_BLOCK = 64  # windows that are multiplied at once, always as many: the bits of a product depend on its size


@stored("linear forecaster")
class LinearForecaster(DescribesParameters, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ridge regression on windows in closed form: each step of the horizon is a weighted sum of the window's values.

    On `Windows`, the inputs are all lags of the targets, newest and seasonal values of the other channels (0, 1 and 2
    steps back, and those at the first step's place in the last two seasons; also 3, 5, 7 and 11 steps back if not all
    are known ahead), the known future of the horizon, and static covariates. There are at most 4,096 inputs; if
    necessary, the oldest lags are left out. On contiguous windows the time of a fit is almost independent of their
    number, and the series is never copied into a matrix. Windows that miss a target are left out, if they are at most a
    third of all; if they are more, a missing target is left out of the regression of its step. Windows are read one by
    one if few of them are contiguous, if targets are missing in more than a third, or if they are divided by their
    deviation: at most 200,000, evenly spread, and fewer with many columns. On an array, all columns are inputs.

    Fits and predictions are bit-identical for any number of threads. So is the forecast of a window, alone or together
    with others.

    Parameters
    ----------
    penalty : float, default=0.1
        L2 penalty, relative to the mean square of the centred inputs (all lags of a target together, each covariate
        separately), so that units do not matter. The intercept is not penalised.
    per_series : bool, default=False
        Whether every series of the windows of `fit` has separate weights; a new series uses the weights of all series
        together. Arrays have no series.
    covariates : {"auto", None}, default="auto"
        Covariates that are inputs. "auto": all. None: none; only the lags of the targets are inputs.

    Attributes
    ----------
    coef_ : ndarray of shape (n_inputs, n_outputs)
        Weights of all series together.
    intercept_ : ndarray of shape (n_outputs,)
    inputs_ : dict
        Values of a window that are inputs; empty after a fit on an array.
    series_ : list
        Names of the series with separate weights.
    series_coef_ : ndarray of shape (n_series, n_inputs, n_outputs)
    series_intercept_ : ndarray of shape (n_series, n_outputs)
    n_features_in_ : int
    n_outputs_ : int

    See Also
    --------
    forecast.RNNForecaster : A recurrent network on the same windows.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import LinearForecaster, make_windows
    >>> windows = make_windows(pd.Series(np.sin(np.arange(200.0))), lookback=8, horizon=2)
    >>> model = LinearForecaster(penalty=1e-6).fit(windows, windows.y)
    >>> bool(np.abs(model.predict(windows) - np.asarray(windows.y)).max() < 1e-4)
    True
    """

    _accepts_windows = True

    def __init__(
        self, *, penalty: float = 0.1, per_series: bool = False, covariates: Literal["auto"] | None = "auto"
    ) -> None:
        self.penalty = penalty
        self.per_series = per_series
        self.covariates = covariates

    def fit(self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Solve the regression.

        Parameters
        ----------
        X : Windows or array-like of shape (n, columns)
        y : array-like of shape (n,) or (n, outputs), default=None
            Targets. None for `Windows`, which have their own.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of range, `y` does not match the targets of these windows, or values are not finite.
        """
        self._check_parameters()
        with threadpool_limits(limits=1, user_api="blas"):  # sums depend on how many threads share them
            if isinstance(X, Windows):
                self._fit_windows(X, y, sample_weight)
            else:
                self._fit_array(X, y, sample_weight)
        return self

    def _check_parameters(self) -> None:
        number = isinstance(self.penalty, (int, float, np.number)) and not isinstance(self.penalty, bool)
        if not number or not 0 <= self.penalty < np.inf:
            raise ValueError(Refusal(f"is {self.penalty!r}", where="penalty", expected="a finite number of 0 or more"))
        if not isinstance(self.per_series, (bool, np.bool_)):
            raise ValueError(Refusal(f"is {self.per_series!r}", where="per_series", expected="True or False"))
        if self.covariates is not None and self.covariates != "auto":
            raise ValueError(Refusal(f"is {self.covariates!r}", where="covariates", expected="'auto' or None"))

    def _fit_windows(self, windows: Windows, y: Any, weight: Any) -> None:
        self._take(windows, *self._solutions(windows, y, weight, [self.penalty]), 0)

    def _fit_several(
        self, windows: Windows, y: Any, penalties: list[float], steps: Integers | None = None
    ) -> list[Self]:
        """Fits that differ in their penalty, on the same sums; with `steps` of the horizon, others are 0."""
        with threadpool_limits(limits=1, user_api="blas"):
            inputs, solutions, series = self._solutions(windows, y, None, penalties, steps)
        found = [clone(self).set_params(penalty=penalty) for penalty in penalties]
        for number, one in enumerate(found):
            one._take(windows, inputs, solutions, series, number)
        return found

    def _solutions(
        self, windows: Windows, y: Any, weight: Any, penalties: list[float], steps: Integers | None = None
    ) -> tuple[Inputs, list[_Solutions], list[Any]]:
        """Inputs; for all series and for each of some, a solution of each penalty; and the names of these series."""
        if y is not None and not (isinstance(y, WindowTargets) and y.belongs_to(windows)):
            raise ValueError(
                Refusal("is not the targets of the windows X", where="y", fix=Fix("model.fit(X, X.y)", ""))
            )
        if not len(windows):
            raise ValueError(Refusal("there are 0 windows", where="X:", expected="1 or more"))
        _ = windows.y  # refuses windows without a future
        if weight is not None:
            rows = np.empty((len(windows), 1))
            weight = _check_sample_weight(weight, rows, dtype=np.float64, ensure_non_negative=True)
        inputs = Inputs.of(windows, self.covariates)
        level = None
        if windows._norm.kind != "standard" and inputs.lags == windows.lookback:
            level = Level.of(windows._norm, inputs)
        found = [ridges(moments_of(windows, inputs, weight), inputs, level, penalties, steps)]
        pieces = _by_value(windows.which) if self.per_series else []
        if len(pieces) < 2:
            return inputs, found, []
        for _, mine in pieces:
            sums = moments_of(windows[mine], inputs, None if weight is None else weight[mine])
            found.append(ridges(sums, inputs, level, penalties, steps))
        names = list(windows.series_names)
        return inputs, found, [names[number] for number, _ in pieces]

    def _take(
        self, windows: Windows, inputs: Inputs, solutions: list[_Solutions], series: list[Any], number: int
    ) -> None:
        """Keep the solutions of one of the penalties."""
        (self.coef_, self.intercept_), *own = (solution[number] for solution in solutions)
        self.series_, self.series_coef_, self.series_intercept_ = series, np.zeros((0, 0, 0)), np.zeros((0, 0))
        if own:
            self.series_coef_, self.series_intercept_ = (np.stack(part) for part in zip(*own, strict=True))
        self.inputs_ = {name: getattr(inputs, name) for name in inputs.__dataclass_fields__}
        self.n_features_in_, self.n_outputs_ = windows.shape[1], len(self.intercept_)
        self._flat = False

    def _fit_array(self, X: Any, y: Any, weight: Any) -> None:
        X, y = as_numpy(X, "X"), as_numpy(y, "y")
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64)
        y = y.astype(np.float64, copy=False)
        flat = y.ndim == 1
        y = y.reshape(len(X), -1)
        offset = np.concatenate([X.mean(axis=0), y.mean(axis=0)])
        table = np.concatenate([X, y], axis=1) - offset
        weight = np.ones(len(X)) if weight is None else _check_sample_weight(weight, X, dtype=np.float64)
        weighted = table * weight[:, None]
        columns = X.shape[1]
        # The outputs come first in a joint window, as the horizon of a target without lags.
        order = np.concatenate([np.arange(columns, table.shape[1]), np.arange(columns)])
        inputs = Inputs(1, y.shape[1], 0, 0, static=columns)
        moments = Moments(
            weight.sum(), weighted.sum(axis=0)[order], (weighted.T @ table)[np.ix_(order, order)], offset[order]
        )
        self.coef_, self.intercept_ = ridges(moments, inputs, None, [self.penalty])[0]
        self.series_, self.series_coef_, self.series_intercept_ = [], np.zeros((0, 0, 0)), np.zeros((0, 0))
        self.inputs_, self.n_outputs_, self._flat = {}, y.shape[1], flat

    def predict(self, X: Any) -> Floats:
        """Forecast every window.

        Parameters
        ----------
        X : Windows or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, outputs), or (n,) where `fit` had a `y` of one dimension, float64
            Forecasts in the units of `Windows.y`.

        Raises
        ------
        ValueError
            Another number of features than in `fit`.
        """
        check_is_fitted(self)
        if not isinstance(X, Windows):
            return self._predict_array(X)
        if not self.inputs_:
            X = np.asarray(X, dtype=np.float64)
            return self._predict_array(X)
        inputs = Inputs(**self.inputs_)
        if X.shape[1] != self.n_features_in_ or (X.n_targets, X.horizon) != (inputs.targets, inputs.horizon):
            raise ValueError(
                Refusal(
                    f"has {X.shape[1]} features, {X.n_targets} targets and a horizon of {X.horizon}; fit saw "
                    f"{self.n_features_in_}, {inputs.targets} and {inputs.horizon}",
                    where="X",
                )
            )
        rows = np.full(len(X), -1)
        if len(self.series_):
            rows = X.series_rows(pd.Index(self.series_, tupleize_cols=False))
        out = np.empty((len(X), self.n_outputs_))
        with threadpool_limits(limits=1, user_api="blas"):
            for row, mine in _by_value(rows):
                out[mine] = self._weighted(X[mine], inputs.table, *self._weights_of(row))
        return out

    def _predict_array(self, X: Any) -> Floats:
        X = as_numpy(X, "X")
        if self.inputs_:
            X = check_array(X, dtype=np.float64)
            if X.shape[1] != self.n_features_in_:
                raise ValueError(
                    Refusal(
                        f"has {X.shape[1]} features, but LinearForecaster is expecting {self.n_features_in_} features",
                        where="X",
                    )
                )
            raise ValueError(
                Refusal(
                    "is an array, but fit had Windows, of which not all values are inputs",
                    where="X",
                    advice="Pass Windows.",
                )
            )
        X = validate_data(self, X, reset=False, dtype=np.float64)
        with threadpool_limits(limits=1, user_api="blas"):
            out = self._weighted(X, lambda block: block, self.coef_, self.intercept_)
        return out[:, 0] if self._flat else out

    def _weights_of(self, row: int) -> tuple[Floats, Floats]:
        if row < 0:
            return self.coef_, self.intercept_
        return self.series_coef_[row], self.series_intercept_[row]

    def _weighted(self, X: Any, table: Any, coefficients: Floats, intercept: Floats) -> Floats:
        out = np.empty((len(X), coefficients.shape[1]))
        for begin in range(0, len(X), _BLOCK):
            rows = np.minimum(np.arange(begin, begin + _BLOCK), len(X) - 1)
            with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at
                out[begin : begin + _BLOCK] = (table(X[rows]) @ coefficients + intercept)[: len(X) - begin]
        return refuse_overflow(out, "LinearForecaster.predict:")

    def _check_loaded(self) -> None:
        """Refuse a model file whose parts do not fit together."""
        self._check_parameters()
        columns = Inputs(**self.inputs_).columns if self.inputs_ else self.n_features_in_
        shapes = {
            "coef_": (columns, self.n_outputs_),
            "intercept_": (self.n_outputs_,),
        }
        if len(self.series_):
            shapes["series_coef_"] = (len(self.series_), columns, self.n_outputs_)
            shapes["series_intercept_"] = (len(self.series_), self.n_outputs_)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float64:
                raise ModelFileError(
                    Refusal(
                        f"the {name} of a linear forecaster has shape {array.shape} and dtype {array.dtype}",
                        expected=f"{shape} and float64",
                    )
                )
            if not np.isfinite(array).all():
                raise ModelFileError(Refusal(f"the {name} of a linear forecaster holds NaN or infinite values"))


def _by_value(numbers: Integers) -> list[tuple[int, Integers]]:
    """Each number and its position, ascending."""
    order = np.argsort(numbers, kind="stable")
    values, first = np.unique(numbers[order], return_index=True)
    return list(zip(values.tolist(), np.split(order, first[1:]), strict=True)) if len(values) else []
