"""How an RNNForecaster is trained: `fit` and `partial_fit`, and what any network on windows learns by."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._alone import Alone
from .._arrays import read_training, read_validation, read_weights
from .._callbacks import SupportsCallbacks, begun, teardown
from .._decorators import fit_context
from .._network import along
from .._parameter_docs import DescribesParameters
from .._refusals import Refusal
from .._training import EpochTasks, train
from .arguments import check_combinations, groups_of, recipe_of, refuse_freeze
from .carrying import begins_of, sequences_of
from .categories import levels_of, refuse_unknown, with_rows_of_unread_codes
from .domain import refuse_beyond
from .host import Host
from .placing import placed_for_fit
from .start import split_in_time, start

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Self

    from numpy.typing import ArrayLike

    from .._arrays import Dataset
    from .._network import Network, Optimizer
    from .._training import Run
    from .._types import Array, Booleans, Floats, Integers
    from .._windows import Windows, WindowTargets

__all__ = ["Fits", "Learns"]


class Fits(Host):
    """The part of `RNNForecaster` that users call to train it."""

    _fit: Callable[..., Self]

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike | Windows,
        y: ArrayLike | WindowTargets | None = None,
        sample_weight: ArrayLike | None = None,
        X_val: ArrayLike | Windows | None = None,
        y_val: ArrayLike | WindowTargets | None = None,
        starts: ArrayLike | None = None,
    ) -> Self:
        """Train on windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, lookback) or (n_windows, lookback, n_channels), or Windows
            The past of each window, oldest step first; finite numbers.
        y : array-like of shape (n_windows,) or (n_windows, n_outputs), or WindowTargets
            The future of each window; several targets flattened, horizon-major. May be left out with `Windows`.
        sample_weight : array-like of shape (n_windows,), default=None
            Weights of the windows in loss and scaling; 0 is as if the row were not there.
        X_val : as X, default=None
            Windows to validate on, in place of held-out ones: no window of X is held out, and neither weights nor
            scaling learn from these. For early stopping, so not with `early_stopping=False`.
        y_val : as y, default=None
            Their future; given together with X_val. May be left out with `Windows`.
        starts : array-like of int or of bool of shape (n_windows,), default=None
            With `stateful=True`, of arrays: rows of X at which a new sequence begins. None: all rows are one.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            X, y, X_val, y_val or a parameter is not as above. An earlier fit is left as it was.
        MemoryError
            The network is larger than the available memory.
        RuntimeError
            Another thread is inside `fit` or `partial_fit` of this object.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            A loss or gradient was not finite; training stopped with the best finite weights.
        """
        with Alone(self, "fit", whole=True), teardown(self):
            return self._fit(X, y, sample_weight, X_val, y_val, starts, max_iter=self.max_iter, go_on=self.warm_start)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike | Windows,
        y: ArrayLike | WindowTargets | None = None,
        sample_weight: ArrayLike | None = None,
        starts: ArrayLike | None = None,
    ) -> Self:
        """Train one more epoch on the given windows, from where the last call ended.

        The first call sets weights and scaling; later ones keep the scaling. Nothing is held out. The learning rate is
        constant, because a schedule would need to know the last epoch; `warmup_steps`, `max_steps` and
        `weight_average`, which run over the steps of a whole fit, are for `fit` only.

        Parameters
        ----------
        X, y, sample_weight, starts
            As for `fit`.

        Returns
        -------
        self
        """
        with Alone(self, "partial_fit", whole=True):
            return self._fit(X, y, sample_weight, None, None, starts, max_iter=1, go_on=True, partial=True)


class Learns(Host, SupportsCallbacks, DescribesParameters):
    """The part of an estimator that trains a network on windows and holds what it has learned."""

    def _read(
        self, X: ArrayLike | Windows, y: ArrayLike | WindowTargets | None, sample_weight: ArrayLike | None
    ) -> tuple[Dataset, Floats | None]:
        data = read_training(self, X, y)
        refuse_beyond(self, data)
        return data, read_weights(sample_weight, data)

    def _read_validation(
        self,
        X: ArrayLike | Windows | None,
        y: ArrayLike | WindowTargets | None,
        data: Dataset,
        trained: ArrayLike | Windows,
    ) -> Dataset | None:
        given = read_validation(self, X, y, data, trained)
        if given is not None:
            refuse_beyond(self, given, "y_val")
        return given

    def _split(
        self, data: Dataset, weight: Floats | None, hold_out: bool, rng: np.random.Generator
    ) -> tuple[Integers, Integers]:
        return split_in_time(self, data, weight, hold_out)

    def _fit(
        self,
        X: ArrayLike | Windows,
        y: ArrayLike | WindowTargets | None,
        sample_weight: ArrayLike | None,
        X_val: ArrayLike | Windows | None,
        y_val: ArrayLike | WindowTargets | None,
        starts: ArrayLike | None,
        max_iter: int,
        go_on: bool,
        partial: bool = False,
    ) -> Self:
        check_combinations(self)
        task = None if partial else begun(self, max_iter, X, y, sample_weight)
        go_on = go_on and hasattr(self, "_network")
        if not go_on:
            refuse_freeze(self)
        features = getattr(self, "n_features_in_", None)
        data, weight = self._read(X, y, sample_weight)
        if go_on and features != self.n_features_in_:
            raise ValueError(  # in scikit-learn's words, which its own checks look for
                Refusal(
                    f"has {self.n_features_in_} features, but {type(self).__name__} is expecting {features} features "
                    "as input, as in the fit to go on from",
                    where="X",
                )
            )
        begins = self._begins(data, starts)
        given = self._read_validation(X_val, y_val, data, X)
        fitted = getattr(self, "_series_names", None) if go_on else None
        data = replace(data, levels=levels_of(self, data, self._network.architecture if go_on else None))
        data, given, names = placed_for_fit(self, data, given, fitted)
        if given is not None:
            refuse_unknown(data.levels, self.category_left_out, given)
        rng = np.random.default_rng(self._seed())
        windows, validation = self._split(data, weight, not partial and given is None, rng)
        if given is not None:
            validation = np.arange(given.n_windows, dtype=np.int64)
        network, optimizer = start(self, data, weight, windows, rng, go_on)
        recipe = replace(recipe_of(self, max_iter, partial), groups=groups_of(self, network), begins=begins)
        if begins is not None:
            recipe = replace(recipe, begins_to_judge=begins if given is None else begins_of(self, given))

        def keep(model: Self, run: Run) -> Self:
            theta = run.theta if go_on else with_rows_of_unread_codes(network, optimizer, run.theta)
            learnt, carried = network.with_theta(theta), None
            if begins is not None:
                carried = along(learnt, learnt.source(data.arguments), sequences_of(begins))[1]
            model._keep(learnt, optimizer, data, names, run, partial and go_on)
            model._carried = carried
            return model

        run = train(
            network, optimizer, network.source(data.arguments, weight), windows, validation, recipe, rng, self.n_jobs,
            None if given is None else network.source(given.arguments),
            task=task and EpochTasks(task, lambda run: dict(vars(keep(copy(self), run)))),
        )  # fmt: skip
        keep(self, run)
        if task is not None:
            task.finish(fitted=True)
        return self

    def _begins(self, data: Dataset, starts: ArrayLike | None) -> Booleans | None:
        if self.stateful:
            return begins_of(self, data, starts)
        if starts is not None:
            raise ValueError(
                Refusal(
                    "says where sequences begin whose states are carried, for stateful=True",
                    where="starts",
                    expected="none",
                )
            )
        return None

    def _seed(self) -> int | None:
        if isinstance(self.random_state, np.random.RandomState):
            return self.random_state.randint(2**31)
        return self.random_state

    def _keep(
        self,
        network: Network,
        optimizer: Optimizer,
        data: Dataset,
        names: list[Hashable] | None,
        run: Run,
        extend: bool,
    ) -> None:
        """Set the fitted state at once, after everything that can fail."""
        before = (self.loss_curve_, self.gradient_norm_curve_, self.n_iter_) if extend else ([], np.empty(0), 0)
        self._network = network
        self._optimizer_state = {
            "name": self.optimizer, "steps": optimizer.steps, "first": optimizer.first, "second": optimizer.second,
        }  # fmt: skip
        self._lookback, self._n_channels, self._is_flat = data.lookback, data.n_channels, data.is_flat
        self._n_extra, self._series_names = data.n_extra, names
        self.n_outputs_ = data.n_outputs
        self.n_parameters_ = int(network.theta.size)
        self.n_threads_ = run.threads
        self.n_iter_ = before[2] + run.n_iter
        self.loss_curve_ = before[0] + run.loss_curve
        self.validation_loss_curve_ = run.validation_loss_curve
        self.gradient_norm_curve_ = np.concatenate([before[1], *run.norms])
        self.best_loss_ = float(run.best_loss)

    @property
    def weights_(self) -> dict[str, Array]:
        check_is_fitted(self)
        return self._network.weights

    @property
    def n_steps_(self) -> int:
        check_is_fitted(self)
        return len(self.gradient_norm_curve_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def __sklearn_clone__(self) -> Any:
        # By default parameters are deep-copied, so `history.append` would write to a list that is never read.
        bare = object.__new__(type(self))
        bare.__dict__ = self.__dict__ | {"callbacks": None}
        copy = super(Learns, bare).__sklearn_clone__()  # type: ignore[misc]  # of BaseEstimator, behind it
        copy.callbacks = self.callbacks
        return copy
