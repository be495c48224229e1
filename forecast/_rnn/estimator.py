"""RNNForecaster: its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator, RegressorMixin

from .._callbacks import CALLBACKS
from .._files import Saved, stored
from .._network import LOSSES
from .._windows import at_every_step
from .card import card_parts, check_state
from .carrying import Carries
from .exporting import Exports
from .fitting import Fits, Learns
from .forecasts import Forecasts
from .parameters import CONSTRAINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal

    from .._types import Floats, Seed

__all__ = ["RNNForecaster"]


@stored("RNNForecaster", card=card_parts, left_out=("callbacks", "n_jobs", "n_threads_", CALLBACKS))
class RNNForecaster(Saved, Fits, Learns, Forecasts, Carries, Exports, RegressorMixin, BaseEstimator):
    """Recurrent network on windows: one row of X is the past of one window, one row of y its future.

    Stacked recurrent layers read the inputs in time order; a dense head maps the last state to all outputs at once
    (direct multi-step). Inputs and targets are standardised on the training windows, so you can pass raw data. The
    network is trained by exact backpropagation through time in native code.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", ...}, default="lstm"
        Recurrent cell. "lstm": long short-term memory [1]_. "gru": gated recurrent unit, with the reset after the
        product [2]_. "rnn": Elman network [3]_. docs/equations.md lists all cells.
    hidden_size : int, default=64
        Number of units in each layer.
    num_layers : int, default=1
        Number of stacked layers.
    activation : {"tanh", "relu"}, default="tanh"
        Activation of cells without gates, such as `cell="rnn"`. LSTM, GRU and other gated cells have fixed activations.
    heads : int, default=1
        Number of heads of `cell="mlstm"`. Each has a separate matrix memory of `hidden_size / heads` units [14]_. More
        heads are faster, but each remembers less.
    elapsed : int, default=None
        For `cell="gru_decay"`: the channel of X with the time since the previous row, in any unit; negative numbers
        count from the end. The states decay with this time between rows [27]_; the channel is also read like any other.
        None: the channel that `Windows` name (`SeriesForecaster` makes it with `gaps="irregular"` or
        `missing="mask"`), or the last channel of an array. The decoder and `future_size` use a plain GRU.
    dropout : float, default=0.0
        Share of the units dropped after every layer in training, also before the head; in [0, 1).
    segment : int, default=1
        Number of steps joined into one recurrent step of the encoder: the past is cut into segments, each projected to
        `hidden_size` values [7]_. For long lookbacks: training is about `segment` times as fast, and gradients pass
        through fewer steps. Try a season of the data. If the lookback is not a multiple of `segment`, the oldest
        segment is filled up with copies of the oldest row.
    segment_activation : {"relu", "identity"}, default="relu"
        Activation after the projection of a segment; used if `segment` is 2 or more.
    bidirectional : bool, default=False
        Whether each layer also reads the past from its newest step to its oldest, with separate weights; the next layer
        and the decoder read both directions [8]_. Nothing beyond the window is read. Use it for patterns that later
        rows explain. It doubles the time of the encoder.
    residual : bool, default=False
        Whether to add the input of each layer to its output [15]_, from the second layer on; with `segment`, also in
        the first.
    layer_norm : bool, default=False
        Whether to normalise the output of each layer over its units, at every step, with a learned gain and bias [16]_.
    dilation : int or tuple of int, default=1
        For each layer, the number of steps back to the states from which a step continues, such as (1, 2, 4) with
        `num_layers=3`. Gradients take fewer steps to the distant past [17]_. At least one layer must have 1.
    recurrent_dropout : float, default=0.0
        Share of the states hidden from the recurrent weights in training, the same ones at all steps [18]_; in [0, 1).
    zoneout : float, default=0.0
        Probability that a unit keeps its previous states at a step of training, in [0, 1); `predict` uses the expected
        value [19]_.
    skip : {None, "linear", "linear-all"}, default=None
        Linear map from the past to all outputs, added to the network's outputs; the network then learns the rest [9]_.
        For nearly linear series with many more rows than lags. "linear": reads the past of the targets. "linear-all":
        reads the past of all channels. The map reads the scaled past, without the cycle if there is one.
    skip_start : {"ridge", "zero"}, default="ridge"
        Initial weights of the skip. "ridge": a ridge regression on the training windows, in closed form; the head
        starts from zeros, so the first forecast is that of the regression. "zero": zeros; the head starts as usual.
    skip_penalty : float, default=1e-3
        L2 penalty of the skip. In the regression it is relative to the mean square of the inputs; in training it
        replaces `weight_decay`.
    skip_learning_rate : float, default=None
        Initial learning rate of the skip; None: `learning_rate`. A smaller one keeps the skip close to the regression.
    encoder : {"recurrent", "dense"}, default="recurrent"
        How X is read. "recurrent": recurrent layers read it step by step. "dense": X has no steps; each row is a vector
        of features, which a dense layer maps to the initial states of the decoder [25]_. This needs
        `decoder="recurrent"` or "segments". `Windows` without a past pass their static values (`lookback=0` of
        `SeriesForecaster`). Arguments of layers over a past are refused with "dense".
    decoder : {"dense", "segments", "steps", "recurrent"}, default="dense"
        How the last states become the forecast. "dense": one layer maps them to all outputs at once. "segments": the
        cell takes one step for each `segment` steps of the horizon, from the last states and a learned position [7]_;
        for long horizons, with far fewer weights. "steps": a small network is shared by the steps of the horizon; each
        reads its own known future, the last states and the newest row [10]_; for informative known future. "recurrent":
        recurrent layers continue from the encoder's last states [20]_. Each step reads its own known future, the
        forecast of the previous step (at the first step, the newest value) and the static values; with several
        quantiles the median is fed back. `residual`, `layer_norm`, `dilation`, `recurrent_dropout` and `zoneout` apply
        only to the encoder. For horizons that change from call to call, see `predict`.
    decoder_size : int, default=128
        Number of hidden units of `decoder="steps"`.
    decoder_tied : bool, default=False
        With `decoder="segments"`: whether the decoder uses the weights of the top (forward) layer of the encoder, as in
        [7]_. The learned position then fills those inputs of this layer that the decoder does not use otherwise.
    teacher_forcing : float or (float, float), default=0.0
        For `decoder="recurrent"`: probability, drawn for each window and step in training, of reading the true target
        of the previous step instead of the network's own forecast [21]_. 0: the network trains as it forecasts, and the
        gradient flows through the forecasts fed back. 1: teacher forcing. Two numbers: the probability changes linearly
        from the first number in the first epoch to the second in the last; `partial_fit` uses the second. Missing
        targets are never read, and `predict` and validation read only forecasts.
    attention : {None, "dot", "additive"}, default=None
        How the head attends to the encoder's top states: it also reads their weighted mean over all steps, with weights
        from the decoder's state. "dot": weights from the dot product of the two states [22]_. "additive": weights from
        a small network [23]_. With `decoder="recurrent"` there is a mean for every step of the horizon, otherwise one,
        for the newest state. For forecasts that depend on particular earlier steps; `attention_weights` shows which.
    return_sequences : bool, default=False
        Whether there is an output at every step of the window, from the past up to that step (many to many); all are
        trained. y is then (n_windows, lookback * targets), the targets of the oldest step first; `Windows` have their
        own. The network learns from every row of a window at the cost of one window. Needs the dense decoder.
    stateful : bool, default=False
        Whether windows continue each other: row i + 1 of X continues where row i ends and begins with its final states.
        The gradient is cut there: truncated backpropagation through time [26]_. Implies `return_sequences`. Make
        `Windows` with `step=lookback`. The states are zero at the start of each series and, for plain arrays, at each
        row of `starts` in `fit`. `batch_size` is the largest number of streams into which the windows are cut; each has
        at least 4 windows. `update` then needs only new rows.
    future_size : int, default=0
        Number of units, in each direction, of a recurrent layer that reads the known future before the decoder does; 0:
        the decoder reads it directly. For known future whose effect depends on its neighbours, such as days around
        holidays.
    series_size : int, default=0
        Length of a vector learned for each series, which the decoder reads; 0: none. For panels whose series differ in
        ways not visible in their past. A series that `fit` did not see uses the vector of an unknown series.
    series_left_out : float, default=0.1
        Share of the windows that read the vector of an unknown series in training, so that it is learned; in [0, 1).
    categories : dict, default=None
        Columns of X that hold category codes (integers from 0 on), and the number of levels of each: `{"past": {1: 7}}`
        for channel 1 with 7 levels, or None to count them in `fit`. "future" and "static" are for `Windows`, which may
        name their own. Each level gets a vector, learned with the network [24]_.
    embedding_size : int, default=None
        Length of the vectors of categories; None: `min(50, (levels + 1) // 2)` for each column.
    category_left_out : float, default=0.05
        Share of the codes that read the vector of an unknown level in training, so that it is learned; in [0, 1). 0:
        there is no such vector, and unknown codes are refused.
    cycle : int, (int, "shared") or None, default=None
        Length in steps of a cycle that is learned with the network, subtracted from the past of the targets and added
        back to the forecast [11]_. For strong seasons, such as 24 or 168 for hourly data. Each series has its own
        cycle; with (length, "shared") all share one.
    loss : {"squared_error", "absolute_error", "huber", "quantile", "normal", ...}, default="squared_error"
        Loss to minimise, on standardised targets. "normal", "student_t", "negative_binomial", "poisson" and "gamma"
        learn a distribution: the outputs are its parameters, and the loss is the negative log-likelihood [28]_.
        `predict` then returns the mean, `predict_distribution` the parameters. "negative_binomial" and "poisson" are
        for counts, "gamma" is for positive numbers; these targets are divided by their mean and never centred.
    quantile : float or list of float, default=0.5
        Level of the quantile loss, in (0, 1), or several levels, strictly ascending. One network then learns all of
        them, with an output per target and level; the loss is the mean of their pinball losses. `predict` returns the
        median, `predict_quantiles` each level; quantiles are sorted, so they never cross [6]_.
    huber_delta : float, default=1.0
        Error at which the Huber loss changes from squared to absolute, in standard deviations of the target.
    optimizer : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        Optimiser, with PyTorch's default constants. "adamw" decouples the weight decay [4]_.
    momentum : float, default=None
        Momentum of "sgd" (None: 0.9) and "rmsprop" (None: 0.0).
    learning_rate : float, default=1e-2
        Initial learning rate.
    learning_rate_schedule : {"constant", "cosine", "step", "plateau"}, default="cosine"
        How the learning rate changes. "constant": it stays the same. "cosine": it falls to 0 along half a cosine over
        `max_iter` epochs. "step": it is halved at each quarter of `max_iter`. "plateau": it is halved after
        `n_iter_no_change // 4` epochs without improvement. With `warmup_steps` or `max_steps`, "cosine" and "step" run
        over optimiser steps, from the end of warm-up to the last step.
    weight_decay : float, default=0.0
        L2 penalty on all parameters.
    clip_norm : float or None, default=1.0
        Largest global norm of a batch's gradient; larger gradients are scaled down to it [5]_.
    clip_value : float or None, default=None
        Largest absolute value of an entry of the gradient, applied before `clip_norm`.
    batch_size : int, default=64
        Number of windows per optimiser step; with `stateful`, the largest number of streams.
    max_iter : int, default=100
        Maximum number of epochs.
    warmup_steps : int, default=0
        Number of optimiser steps over which the learning rate rises linearly to `learning_rate` [12]_; fewer than the
        fit takes.
    max_steps : int or None, default=None
        Maximum number of optimiser steps over all epochs; the last epoch may be cut short. With it, means and scales
        come from at most 65,536 windows, evenly spread, and the start of `skip` from fewer than otherwise.
    finish_schedule : bool or "auto", default="auto"
        Whether to complete a "cosine" or "step" schedule that early stopping would cut short: return to the best
        weights, run the rest of the schedule in `max(1, n_iter_no_change // 4)` more epochs (fewer if `max_iter` or
        `max_steps` comes first), and keep the best weights of all epochs. "auto": only with `warmup_steps` or
        `max_steps`.
    weight_average : float or None, default=None
        Decay, in (0, 1), of an exponential moving average of the weights over the optimiser steps of this fit, without
        the initial weights [13]_. The averaged weights are validated and kept. A decay of d averages about 1 / (1 - d)
        steps. None: no averaging.
    input_noise : float, default=0.0
        Standard deviation of normal noise added to the scaled past in training; it is drawn anew at every step.
    input_clip : float or None, default=None
        Bound on the scaled past in standard deviations, in training and in `predict`; it is applied before the noise.
    shuffle : bool, default=True
        Whether to draw a new order of the windows in each epoch; with `stateful`, a new order of the sequences and new
        cuts between streams.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out the newest windows, stop when their loss no longer improves, and keep the weights with the
        lowest loss on them. "auto": if at least 50 windows can be held out and twice as many remain; otherwise all
        epochs run. With `X_val` in `fit`, True and "auto" use it and hold out nothing.
    validation_fraction : float, default=0.1
        Share of the windows to hold out: the newest, with a gap before them, so that no target is in both parts. Rows
        of plain arrays must be in time order.
    n_iter_no_change : int, default=20
        Number of epochs without an improvement of `tol` before training stops.
    tol : float, default=1e-4
        Smallest improvement of the standardised validation loss that counts.
    warm_start : bool, default=False
        Whether `fit` continues from the weights, the optimiser state and the scaling of the last fit.
    freeze : list of str or None, default=None
        Parts of the network whose weights do not change when a fit continues, with `warm_start=True` or `partial_fit`:
        names in `weights_` up to the first dot, such as "head", "decoder", "skip" or "0" (the first layer), and
        "encoder" for everything that reads the past. They are excluded from the gradient norm and from `clip_norm`.
    n_channels : int, default=1
        Number of channels in a 2-D X, whose columns are ordered by step, then by channel.
    n_jobs : int, default=None
        Number of threads. None: all usable cores, fewer for small jobs. Results are bit-identical for any value.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, order and dropout. None: a fresh seed; NumPy's global state is not used.
    verbose : int, default=0
        Progress output. 1: a line per epoch and one at the end, on stderr; in a notebook a progress bar (if tqdm is
        installed). 2: also a first line with layers, parameters, windows and threads.
    callbacks : callable or list of callable, default=None
        Functions called after each epoch with a dict of Python numbers: "epoch" (from 1 in each call of `fit`),
        "max_iter" (maximum number of epochs of this fit), "loss", "validation_loss" (None if nothing is held out),
        "learning_rate" (of the epoch's last step), "gradient_norm" (mean over the epoch's steps, before clipping),
        "seconds" since training began, "epoch_seconds". If one returns True, training stops after this epoch. An
        exception in one ends the fit and leaves the model as it was. Clones share callbacks.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation.

    Attributes
    ----------
    n_features_in_ : int
        `lookback * n_channels`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if X was a frame with string names.
    n_outputs_ : int
        Number of columns of y.
    n_iter_ : int
        Number of epochs run, including one that `max_steps` cut short.
    n_steps_ : int
        Number of optimiser steps run.
    loss_curve_ : list of float
        Mean training loss of each epoch, on standardised targets.
    validation_loss_curve_ : list of float
        Loss on the held-out windows after each epoch; empty without early stopping.
    gradient_norm_curve_ : ndarray of shape (n_steps,)
        Global gradient norm of every optimiser step, before clipping.
    best_loss_ : float
        Lowest validation loss (lowest training loss if nothing was held out).
    n_parameters_ : int
        Number of trained parameters.
    n_threads_ : int
        Number of threads used in training.
    weights_ : dict of str to ndarray
        Named views, e.g. "0.W_i" (hidden_size, n_channels) of layer 0's input gate, "0.R_i" (hidden_size, hidden_size),
        "0.b_i" (hidden_size,), "head.W" (n_outputs, hidden_size), "head.b" (n_outputs,). With several quantiles the
        head has a row per output and level, the levels of an output next to each other. Other arguments add:
        "0.decay_w" and "0.decay_b" (hidden_size,), "0.reverse.W_i", "segment.W", "future.W_i", "future.reverse.W_i",
        "decoder.W_i", "decoder.0.W_i" or "decoder.W", "attention.query.W", "attention.key.W" and "attention.v",
        "encoder.W" (hidden_size, n_features), "decoder.positions.b", "decoder.context.W", "skip.W" (n_outputs, past),
        "series.V" (n_series + 1, series_size), the last row for an unknown series, "embedding.past.1" (levels + 1,
        embedding_size), the last row for an unknown level, and "cycle" (n_series or 1, targets, steps), in standard
        deviations.
    draws_masks_ : bool
        Whether `sample_y` works: the last fit had `dropout`, `recurrent_dropout` or `zoneout`.
    quantiles_ : ndarray of shape (n_levels,)
        Levels of the last fit; only with the quantile loss.
    card_ : dict
        The model card, as `forecast.read_card` returns it for a saved model.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).
    .. [2] Cho et al. (2014).
    .. [3] Elman (1990).
    .. [4] Loshchilov and Hutter (2019).
    .. [5] Pascanu, Mikolov and Bengio (2013).
    .. [6] Chernozhukov, Fernández-Val and Galichon (2010): sorting along the levels never increases the pinball loss.
    .. [7] Lin et al. (2023): SegRNN: segment recurrent neural network for long-term time series forecasting.
    .. [8] Schuster and Paliwal (1997): Bidirectional recurrent neural networks.
    .. [9] Lai et al. (2018): Modeling long- and short-term temporal patterns with deep neural networks.
    .. [10] Wen et al. (2017): A multi-horizon quantile recurrent forecaster.
    .. [11] Lin et al. (2024): CycleNet: enhancing time series forecasting through modeling periodic patterns.
    .. [12] Goyal et al. (2017).
    .. [13] Polyak and Juditsky (1992), with the bias correction of Kingma and Ba (2015).
    .. [14] Beck et al. (2024): xLSTM: extended long short-term memory.
    .. [15] He et al. (2016); of recurrent layers Wu et al. (2016) and Prakash et al. (2016).
    .. [16] Ba, Kiros and Hinton (2016): Layer normalization.
    .. [17] Chang et al. (2017): Dilated recurrent neural networks.
    .. [18] Gal and Ghahramani (2016): A theoretically grounded application of dropout in recurrent neural networks.
    .. [19] Krueger et al. (2017): Zoneout: regularizing RNNs by randomly preserving hidden activations.
    .. [20] Sutskever, Vinyals and Le (2014): Sequence to sequence learning with neural networks.
    .. [21] Bengio et al. (2015): Scheduled sampling for sequence prediction with recurrent neural networks.
    .. [22] Luong, Pham and Manning (2015): Effective approaches to attention-based neural machine translation.
    .. [23] Bahdanau, Cho and Bengio (2015): Neural machine translation by jointly learning to align and translate.
    .. [24] Guo and Berkhahn (2016): Entity embeddings of categorical variables.
    .. [25] Vinyals et al. (2015): Show and tell: a neural image caption generator.
    .. [26] Williams and Peng (1990): An efficient gradient-based algorithm for on-line training of recurrent networks.
    .. [27] Che et al. (2018): Recurrent neural networks for multivariate time series with missing values.
    .. [28] Salinas et al. (2020): DeepAR: probabilistic forecasting with autoregressive recurrent networks.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> wave = np.sin(np.arange(300) / 5)
    >>> X = np.lib.stride_tricks.sliding_window_view(wave, 20)[:-1]
    >>> y = wave[20:]
    >>> model = RNNForecaster(hidden_size=8, max_iter=40, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.99)
    True
    """

    _accepts_windows = True
    _check_loaded = check_state

    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        activation: Literal["tanh", "relu"] = "tanh",
        heads: int = 1,
        elapsed: int | None = None,
        dropout: float = 0.0,
        segment: int = 1,
        segment_activation: Literal["relu", "identity"] = "relu",
        bidirectional: bool = False,
        residual: bool = False,
        layer_norm: bool = False,
        dilation: int | Sequence[int] = 1,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        skip: Literal["linear", "linear-all"] | None = None,
        skip_start: Literal["ridge", "zero"] = "ridge",
        skip_penalty: float = 1e-3,
        skip_learning_rate: float | None = None,
        encoder: Literal["recurrent", "dense"] = "recurrent",
        decoder: Literal["dense", "segments", "steps", "recurrent"] = "dense",
        decoder_size: int = 128,
        decoder_tied: bool = False,
        teacher_forcing: float | Sequence[float] = 0.0,
        attention: Literal["dot", "additive"] | None = None,
        return_sequences: bool = False,
        stateful: bool = False,
        future_size: int = 0,
        series_size: int = 0,
        series_left_out: float = 0.1,
        categories: Mapping[str, Any] | None = None,
        embedding_size: int | None = None,
        category_left_out: float = 0.05,
        cycle: int | tuple[int, Literal["shared"]] | None = None,
        loss: str = "squared_error",
        quantile: float | Sequence[float] | Floats = 0.5,
        huber_delta: float = 1.0,
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
        self.elapsed = elapsed
        self.dropout = dropout
        self.segment = segment
        self.segment_activation = segment_activation
        self.bidirectional = bidirectional
        self.residual = residual
        self.layer_norm = layer_norm
        self.dilation = dilation
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.skip = skip
        self.skip_start = skip_start
        self.skip_penalty = skip_penalty
        self.skip_learning_rate = skip_learning_rate
        self.encoder = encoder
        self.decoder = decoder
        self.decoder_size = decoder_size
        self.decoder_tied = decoder_tied
        self.teacher_forcing = teacher_forcing
        self.attention = attention
        self.return_sequences = return_sequences
        self.stateful = stateful
        self.future_size = future_size
        self.series_size = series_size
        self.series_left_out = series_left_out
        self.categories = categories
        self.embedding_size = embedding_size
        self.category_left_out = category_left_out
        self.cycle = cycle
        self.loss = loss
        self.quantile = quantile
        self.huber_delta = huber_delta
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = not at_every_step(self)
        tags.target_tags.positive_only = LOSSES.get(self.loss, {"target": "real"})["target"] != "real"
        tags.non_deterministic = False
        return tags
