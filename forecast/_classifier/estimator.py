"""RNNClassifier: its parameters and its predictions."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from numbers import Integral
from typing import TYPE_CHECKING, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._alone import Alone
from .._arrays import read_inputs, read_training, read_validation, read_weights
from .._callbacks import CALLBACKS, teardown
from .._decorators import fit_context
from .._files import Saved, as_json, stored
from .._refusals import Fix, Refusal
from .._rnn import CONSTRAINTS, Learns, RNNForecaster, card_parts, check_state
from .exporting import Exports
from .labels import class_weights, classes_of, flat, log_softmax, numbered, stratified
from .sequences import ending_together, refuse_without_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike

    from .._arrays import Dataset
    from .._network import Network
    from .._types import Array, Floats, Integers, Seed

__all__ = ["RNNClassifier"]


def card_of_classes(model: RNNClassifier) -> dict[str, Any]:
    """The classifier's part of the model card: that of the network, and the classes."""
    parts = card_parts(model)
    parts["data"]["classes"] = as_json(model.classes_[:50])
    return parts


@stored("RNNClassifier", card=card_of_classes, left_out=("callbacks", "n_jobs", "n_threads_", CALLBACKS))
class RNNClassifier(Saved, Learns, Exports, ClassifierMixin, BaseEstimator):
    """Recurrent network that assigns a label to a sequence, or to every step of it.

    Stacked recurrent layers read the sequence in time order; a dense head maps the last state to a score for each
    class, and the softmax of the scores gives the probabilities. The network is trained on the cross-entropy, with the
    same core as `RNNForecaster`. Sequences contain numbers, which are standardised, or with `vocabulary` integer codes,
    such as words. They may differ in length.

    Parameters
    ----------
    cell, hidden_size, num_layers, activation, heads, dropout
        As in `RNNForecaster`. Default: one layer of 64 LSTM units, without dropout.
    bidirectional : bool, default=False
        Whether each layer also reads the sequence backwards, with separate weights; the head reads both directions.
    residual, layer_norm, dilation, recurrent_dropout, zoneout
        As in `RNNForecaster`.
    vocabulary : int, default=None
        Number of codes: X holds integers from 0 to `vocabulary - 1`, one at every step, and the network learns a vector
        for each. None: X holds numbers.
    embedding_size : int, default=None
        Length of the vectors of the vocabulary. None: `min(50, (vocabulary + 1) // 2)`.
    return_sequences : bool, default=False
        Whether every step has a label: y is then (n, steps). Each label depends on the steps up to its own; with
        `bidirectional`, on the whole sequence.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, as in scikit-learn. Only their ratios matter. "balanced": in inverse
        proportion to the frequency of each class.
    optimizer, momentum, learning_rate, learning_rate_schedule, weight_decay, clip_norm, clip_value, batch_size, \
max_iter, warmup_steps, max_steps, finish_schedule, weight_average
        As in `RNNForecaster`. Default: Adam with a learning rate of 0.01 that falls along half a cosine, batches of 64,
        100 epochs.
    input_noise, input_clip
        As in `RNNForecaster`; for numbers only.
    shuffle : bool, default=True
        Whether to draw a new order of the sequences in each epoch.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out sequences, stop when their cross-entropy no longer improves, and keep the weights with the
        lowest cross-entropy on them. "auto": if at least 50 can be held out and twice as many remain. With `X_val` in
        `fit`, True and "auto" use it and hold out nothing.
    validation_fraction : float, default=0.1
        Share of the sequences to hold out. They are drawn at random, stratified by class, as in `MLPClassifier`:
        sequences are assumed to be independent. If yours are not, such as neighbouring windows of one recording, pass
        `X_val` and `y_val` from other recordings.
    n_iter_no_change, tol, warm_start, freeze, n_channels, n_jobs, random_state, verbose, callbacks, dtype
        As in `RNNForecaster`. A fit with `warm_start` needs the same classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        `steps * n_channels`, of the longest sequence.
    loss_curve_, validation_loss_curve_, best_loss_
        Cross-entropy, in nats, with the class weights.
    weights_ : dict of str to ndarray
        As in `RNNForecaster`; "head.W" has a row for each class, and "embedding.past.0" is (vocabulary,
        embedding_size).
    n_iter_ : int
        Number of epochs run.
    n_steps_ : int
        Number of optimiser steps run.
    n_parameters_ : int
        Number of trained parameters.
    card_ : dict
        The model card, as `forecast.read_card` returns it for a saved model.
    feature_names_in_, gradient_norm_curve_, n_threads_
        As in `RNNForecaster`.

    See Also
    --------
    RNNForecaster : The same networks for numeric targets; it describes the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = np.cumsum(rng.normal(size=(200, 12)), axis=1)
    >>> y = np.where(X[:, -1] > 0, "up", "down")
    >>> model = RNNClassifier(hidden_size=16, max_iter=60, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    >>> model.predict_proba(X[:3]).shape
    (3, 2)

    The network of the textbook, an embedding, an LSTM and a softmax over 10 classes, of sequences of unequal length:

    >>> texts = [rng.integers(1000, size=n) for n in rng.integers(5, 20, size=100)]
    >>> model = RNNClassifier(vocabulary=1000, embedding_size=64, hidden_size=128, max_iter=1, random_state=0)
    >>> model.fit(texts, np.arange(100) % 10).n_parameters_
    164106
    """

    _check_loaded = check_state
    _described_by = RNNForecaster

    _parameter_constraints = {
        "vocabulary": [Interval(Integral, 1, None, closed="left"), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        activation: Literal["tanh", "relu"] = "tanh",
        heads: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        residual: bool = False,
        layer_norm: bool = False,
        dilation: int | Sequence[int] = 1,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        vocabulary: int | None = None,
        embedding_size: int | None = None,
        return_sequences: bool = False,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam",
        momentum: float | None = None,
        learning_rate: float = 1e-2,
        learning_rate_schedule: Literal["constant", "cosine", "step", "plateau"] = "cosine",
        weight_decay: float = 0.0,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        batch_size: int = 64,
        max_iter: int = 100,
        warmup_steps: int = 0,
        max_steps: int | None = None,
        finish_schedule: bool | Literal["auto"] = "auto",
        weight_average: float | None = None,
        input_noise: float = 0.0,
        input_clip: float | None = None,
        shuffle: bool = True,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        tol: float = 1e-4,
        warm_start: bool = False,
        freeze: Sequence[str] | None = None,
        n_channels: int = 1,
        n_jobs: int | None = None,
        random_state: Seed = None,
        verbose: int = 0,
        callbacks: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        dtype: Literal["float32", "float64"] = "float32",
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.activation = activation
        self.heads = heads
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.residual = residual
        self.layer_norm = layer_norm
        self.dilation = dilation
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.vocabulary = vocabulary
        self.embedding_size = embedding_size
        self.return_sequences = return_sequences
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.momentum = momentum
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.warmup_steps = warmup_steps
        self.max_steps = max_steps
        self.finish_schedule = finish_schedule
        self.weight_average = weight_average
        self.input_noise = input_noise
        self.input_clip = input_clip
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.freeze = freeze
        self.n_channels = n_channels
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.dtype = dtype

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train on labelled sequences.

        Parameters
        ----------
        X : array-like of shape (n, steps) or (n, steps, n_channels), or list of n arrays
            The sequences, oldest step first. The arrays of a list (or of a Series), (steps,) or (steps, n_channels),
            may differ in length. An array may be padded at the end with NaN in all channels; with `vocabulary` also
            with -1. Padding has no effect.
        y : array-like of shape (n,), or (n, steps) with `return_sequences`
            Labels: numbers, strings or booleans. For labels at every step of sequences of unequal length: a list of
            arrays, or an array whose padding is not read.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences in loss and scaling; rows with weight 0 are ignored.
        X_val, y_val : as X and y, default=None
            Sequences to validate on instead of held-out ones; y must contain all their labels.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            X, y, X_val, y_val or a parameter is not as above. An earlier fit stays as it was.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            A loss or gradient was not finite; training stopped with the best finite weights.
        """
        with Alone(self, "fit", whole=True), teardown(self):
            return self._fit(X, y, sample_weight, X_val, y_val, None, max_iter=self.max_iter, go_on=self.warm_start)

    def predict(self, X: ArrayLike) -> Array | list[Array]:
        """Predict the most probable class of each sequence.

        Parameters
        ----------
        X : as in `fit`
            Sequences of a list may be longer than those of `fit`.

        Returns
        -------
        ndarray of shape (n,), or (n, steps) with `return_sequences`
            Labels from `classes_`; with `return_sequences` and sequences of unequal length, a list of arrays.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        TypeError, ValueError
            X is not as in `fit`.
        """
        return self._each(X, lambda scores: self.classes_[scores.argmax(axis=-1)])

    def predict_proba(self, X: ArrayLike) -> Floats | list[Floats]:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : as in `predict`

        Returns
        -------
        ndarray of shape (n, n_classes), or (n, steps, n_classes) with `return_sequences`
            Float64, in the order of `classes_`; each row sums to 1. A list in the same cases as for `predict`.

        Raises
        ------
        As `predict`.
        """
        return self._each(X, lambda scores: softmax(scores.reshape(-1, scores.shape[-1])).reshape(scores.shape))

    def predict_log_proba(self, X: ArrayLike) -> Floats | list[Floats]:
        """Predict the logarithms of the probabilities, without rounding small ones to 0 first.

        Parameters, returns and raises as `predict_proba`.
        """
        return self._each(X, log_softmax)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the share of correct labels.

        Parameters
        ----------
        X : as in `predict`
        y : as in `fit`
            True labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences.

        Returns
        -------
        float
            Accuracy; with `return_sequences`, over all steps.
        """
        if not self.return_sequences:
            return super().score(X, y, sample_weight)
        predicted = self.predict(X)
        lengths = np.array([len(row) for row in predicted])
        labels, _ = flat(self, y, lengths.max() - lengths, len(lengths), int(lengths.max()))
        weight = None if sample_weight is None else np.repeat(np.asarray(sample_weight), lengths)
        return float(np.average(np.concatenate(list(predicted)) == labels, weights=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = self.vocabulary is not None
        tags.target_tags.multi_output = bool(self.return_sequences)
        tags.target_tags.single_output = not self.return_sequences
        tags.non_deterministic = False
        return tags

    # ---------- what training asks for

    @property
    def categories(self) -> dict[str, dict[int, int]] | None:  # type: ignore[override]  # follows from `vocabulary`
        """The one channel of codes, as `RNNForecaster` names it."""
        return None if self.vocabulary is None else {"past": {0: self.vocabulary}}

    @property
    def category_left_out(self) -> float:  # type: ignore[override]  # this too
        """0 with `vocabulary`: other codes are refused, so none needs the vector of an unknown one."""
        return 0.05 if self.vocabulary is None else 0.0

    def _read(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Dataset, Floats | None]:
        refuse_without_effect(self)
        X, begin = ending_together(self, X)
        if y is None:
            return read_training(self, X, y), None
        n = _num_samples(X)
        steps: Any = None if begin is None else X.shape[1]  # read where every step has a label
        if self.return_sequences and steps is None:
            steps = _steps_of(self, X)
        labels, counts = flat(self, y, begin, n, steps)
        before, self.classes_ = getattr(self, "classes_", None), classes_of(labels)
        if self.warm_start and before is not None and not np.array_equal(before, self.classes_):
            raise ValueError(
                Refusal(
                    f"has the classes {self.classes_[:10].tolist()}, but the fit to go on from has "
                    f"{before[:10].tolist()}",
                    where="y",
                    expected="the same",
                    fix=Fix("model.set_params(warm_start=False).fit(X, y)", ""),
                )
            )
        codes = numbered(labels, counts, self.classes_, steps)
        data = read_training(self, X, np.nan_to_num(codes))
        weight = read_weights(sample_weight, data)
        weights = class_weights(self.class_weight, self.classes_, codes, weight)
        return replace(data, arguments=_arguments(data, begin, codes), loss_parameters=weights), weight

    def _read_validation(self, X: Any, y: Any, data: Dataset, trained: Any) -> Dataset | None:
        if X is None or y is None:
            return read_validation(self, X, y, data, trained)
        X, begin = ending_together(self, X, data.lookback)
        if begin is not None and ("begin" not in data.arguments or X.shape[1] > data.lookback):
            raise ValueError(
                Refusal(
                    f"has sequences of up to {X.shape[1]} steps and unequal length",
                    where="X_val",
                    expected="X to have some of unequal length too, and one as long",
                )
            )
        labels, counts = flat(self, y, begin, _num_samples(X), data.lookback)
        codes = numbered(labels, counts, self.classes_, data.lookback, "y_val")
        found = cast("Dataset", read_validation(self, X, np.nan_to_num(codes), data, X))
        return replace(found, arguments=_arguments(found, begin, codes))

    def _split(
        self, data: Dataset, weight: Floats | None, hold_out: bool, rng: np.random.Generator
    ) -> tuple[Integers, Integers]:
        codes = data.arguments["target"].reshape(data.n_windows, -1)
        if not hold_out:
            every = np.arange(data.n_windows) if weight is None else np.flatnonzero(weight)
            return every, every[:0]
        apart = rng.spawn(1)[0]  # so that the weights are the same, however many rows there are
        return stratified(self, codes if self.return_sequences else codes[:, 0], weight, apart)

    # ---------- answers

    def _each(self, X: Any, answer: Callable[[Floats], Array]) -> Array | list[Array]:
        """What `answer` makes of the scores; a list of it where every step has a label and sequences differ."""
        scores, begin = self._scores(X)
        if begin is None or scores.ndim == 2:
            return answer(scores)
        return [answer(row[first:]) for row, first in zip(scores, begin, strict=True)]

    def _scores(self, X: Any) -> tuple[Floats, Integers | None]:
        """Scores of the classes, (n, n_classes) or (n, steps, n_classes), and where sequences begin."""
        network, data, begin = self._inputs(X)
        values = network.predict(data.arguments, data.n_windows, self.n_jobs)
        shape = (data.arguments["lookback"], -1) if network.architecture.return_sequences else (-1,)
        return values.reshape(data.n_windows, *shape), begin

    def _inputs(self, X: Any) -> tuple[Network, Dataset, Integers | None]:
        """The network for sequences of these lengths, what it reads of them, and where they begin."""
        check_is_fitted(self)
        X, begin = ending_together(self, X, self._lookback)
        if begin is None:
            return self._network, read_inputs(self, X, self._lookback, self._n_channels), None
        steps = X.shape[1]
        data = read_inputs(self, X[:, -self._lookback :], self._lookback, self._n_channels)
        past = X.reshape(-1, self._n_channels)
        arguments = {"past": past, "lookback": steps, "past_stride": steps, "begin": begin}
        return self._network.ragged(steps), replace(data, arguments=arguments), begin

    def _examined(self, X: Any, y: Any = None, loss: bool = False) -> tuple[Network, Dataset]:
        """As `_inputs`, for a look inside; with the labels y where it is one at the gradient of the `loss`."""
        network, data, begin = self._inputs(X)
        if not loss:
            return network, data
        if y is None:
            raise ValueError(Refusal("is None, but a gradient needs labels", where="y", advice="Pass y as in fit."))
        steps = data.arguments["lookback"]
        labels, counts = flat(self, y, begin, data.n_windows, steps)
        if counts is None and len(labels) != data.n_windows:
            raise ValueError(
                Refusal(
                    f"has {data.n_windows} sequences but y has {len(labels)} labels", where="X", expected="one for each"
                )
            )
        codes = numbered(labels, counts, self.classes_, steps)
        n = codes.size // data.n_windows
        target = {"target": codes.reshape(-1, 1), "horizon": n, "target_stride": n}
        return network, replace(data, arguments=data.arguments | target)


def _steps_of(model: RNNClassifier, X: Any) -> int:
    shape = np.shape(X)
    return shape[1] // model.n_channels if len(shape) == 2 else shape[1] if len(shape) == 3 else 0


def _arguments(data: Dataset, begin: Integers | None, codes: Floats) -> dict[str, Any]:
    found = data.arguments | {"target": codes.reshape(-1, 1)}
    return found if begin is None else found | {"begin": begin}


def _with_defaults_of(forecaster: type[RNNForecaster], classifier: type[RNNClassifier]) -> None:
    """Add the forecaster's arguments that the classifier does not have, with their defaults."""
    own = signature(classifier).parameters
    for name, parameter in signature(forecaster).parameters.items():
        if name not in own and not hasattr(classifier, name):
            setattr(classifier, name, parameter.default)
    constraints = {name: CONSTRAINTS[name] for name in own if name in CONSTRAINTS}
    classifier._parameter_constraints = constraints | classifier._parameter_constraints


_with_defaults_of(RNNForecaster, RNNClassifier)
RNNClassifier.loss = "cross_entropy"
