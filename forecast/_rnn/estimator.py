"""RNNForecaster: its parameters."""

from sklearn.base import BaseEstimator, RegressorMixin

from .._files import Saved, stored
from .card import card_parts, check_state
from .carrying import Carries
from .fitting import Fits, Learns
from .forecasts import Forecasts
from .parameters import CONSTRAINTS

__all__ = ["RNNForecaster"]


@stored("RNNForecaster", card=card_parts, left_out=("callbacks", "n_jobs", "n_threads_"))
class RNNForecaster(Saved, Fits, Learns, Forecasts, Carries, RegressorMixin, BaseEstimator):
    """Recurrent network on windows: one row of X is the past of one window, one row of y its future.

    The inputs go through stacked recurrent layers in time order; a dense head turns the last state into all outputs at
    once (direct multi-step). Inputs and targets are standardised on the training windows, so raw data works. Trained by
    exact backpropagation through time in native code.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", ...}, default="lstm"
        Recurrent cell: long short-term memory [1]_, gated recurrent unit (reset after the product) [2]_, Elman [3]_, or
        another one of the core's registry; docs/equations.md has them all.
    hidden_size : int, default=64
        Units of each layer.
    num_layers : int, default=1
        Stacked layers.
    activation : {"tanh", "relu"}, default="tanh"
        Activation of the cells without gates, such as `cell="rnn"`; those of the others are fixed.
    heads : int, default=1
        Heads of `cell="mlstm"`, each with a matrix memory of its own of `hidden_size / heads` units [14]_; more of them
        are faster and remember less each.
    elapsed : int, default=None
        Of `cell="gru_decay"`: the channel of X that holds the time since the row before, in any unit, counted from the
        end if negative. The states decay with it between two rows [27]_; it is also read like any channel. None: the
        channel that `Windows` name, or the last one of an array. Decoder and known future are read by `"gru"`.
    dropout : float, default=0.0
        Share of the units dropped after every layer while training, also before the head; in [0, 1).
    segment : int, default=1
        Steps that one step of the encoder reads at once: the past is cut into segments, each projected to `hidden_size`
        values [7]_. For long lookbacks: training is about `segment` times faster, and gradients pass through fewer
        steps. Try a season of the data. If it does not divide the lookback, the oldest segment repeats the oldest row.
    segment_activation : {"relu", "identity"}, default="relu"
        Activation of the projection of a segment; for `segment` of 2 or more.
    bidirectional : bool, default=False
        Each layer also reads the past from its newest step to its oldest, with separate weights; the next layer and the
        decoder see both [8]_. It never sees beyond the window. For patterns that are explained by what follows; it
        doubles the time of the encoder.
    residual : bool, default=False
        Add the input of each layer to its output [15]_, from the second layer on; with `segment`, also of the first.
    layer_norm : bool, default=False
        Normalise what each layer hands to the next over its units, at every step, with a learned gain and bias [16]_.
    dilation : int or tuple of int, default=1
        Of each layer: how many steps back the states are from which a step goes on, such as (1, 2, 4) with
        `num_layers=3`. Gradients take fewer steps to the distant past [17]_. One layer needs 1.
    recurrent_dropout : float, default=0.0
        Share of the states that the recurrent weights do not see in training, the same at all steps [18]_; in [0, 1).
    zoneout : float, default=0.0
        Probability that a unit keeps its states at a step in training; `predict` takes the mean [19]_; in [0, 1).
    skip : {None, "linear", "linear-all"}, default=None
        A linear map from the past to all outputs, added to those of the network, which then learns the rest [9]_. For
        nearly linear series with many more rows than lags. "linear": from the past of the targets. "linear-all": from
        that of all channels. It reads the scaled past, without the cycle if there is one.
    skip_start : {"ridge", "zero"}, default="ridge"
        First weights of the skip. `"ridge"`: a ridge regression on the training windows, in closed form; the head
        starts from zeros, so the first forecast is that regression. `"zero"`: zeros; the head starts as usual.
    skip_penalty : float, default=1e-3
        L2 penalty of the skip. In the regression it is relative to the mean square of the inputs; in training it
        replaces `weight_decay`.
    skip_learning_rate : float, default=None
        Step size of the skip at the start; None: `learning_rate`. A smaller one keeps it near the regression.
    encoder : {"recurrent", "dense"}, default="recurrent"
        What reads X. "recurrent": the layers above, step by step. "dense": X has no steps, each row is one vector of
        features, and a dense layer maps it to the initial states of the decoder, which writes the sequence [25]_; with
        `decoder="recurrent"` or "segments". `Windows` without a past give it their static values (`lookback=0` of
        `SeriesForecaster`). Arguments of layers over the steps of a past are refused.
    decoder : {"dense", "segments", "steps", "recurrent"}, default="dense"
        How the last states become the forecast. "dense": one layer to all outputs at once. "segments": one step of the
        cell for each `segment` steps of the horizon, from the last states and a learned position [7]_; for long
        horizons, with many fewer weights. "steps": a small network shared by the steps of the horizon, each of which
        reads its own known future, the last states and the newest row [10]_; for informative known future. "recurrent":
        layers of the cell that go on from the encoder's last states [20]_. A step reads its own known future, the
        forecast of the step before (at the first step the newest value) and what is static; with several quantiles
        the median is fed back. `residual`, `layer_norm`, `dilation`, `recurrent_dropout` and `zoneout` are of the
        encoder's layers alone. For horizons that change from call to call, see `predict`.
    decoder_size : int, default=128
        Hidden units of `decoder="steps"`.
    decoder_tied : bool, default=False
        With `decoder="segments"`: the decoder uses the weights of the top (forward) layer of the encoder, as in [7]_.
        The learned position then fills the inputs of this layer that the other inputs of the decoder leave free.
    teacher_forcing : float or (float, float), default=0.0
        Of `decoder="recurrent"`: probability, drawn for each window and step while training, of reading the true target
        of the step before in place of the network's own forecast [21]_. 0: it trains as it forecasts, and the gradient
        goes through the forecasts fed back. 1: teacher forcing. Two numbers: from the first in the first epoch to the
        second in the last one, linearly; `partial_fit` takes the second. A missing target is never read, and `predict`
        and the validation read forecasts only.
    attention : {None, "dot", "additive"}, default=None
        A mean of the encoder's top states over all steps, weighted by how well each fits the decoder's state; the head
        reads it too. With `decoder="recurrent"` at every step of the horizon, with the others once, for the newest
        state. "dot": by the product of the two states [22]_. "additive": by a small network [23]_. For forecasts that
        depend on particular earlier steps; `attention_weights` tells which.
    return_sequences : bool, default=False
        Many to many: an output at every step of the window, each from the past up to it, and all are trained. y is then
        (n_windows, lookback * targets), the targets of the oldest step first; of `Windows` they follow. It learns from
        every row of a window at the cost of one, and needs no more rows than a shorter window. With the dense decoder.
    stateful : bool, default=False
        Windows continue each other: row i + 1 of X goes on where row i ends, and begins with the states that it has
        left. The gradient is cut there: truncated backpropagation through time [26]_. Implies `return_sequences`.
        `Windows` are made with `step=lookback`; each series begins with zeros, and so does, in plain arrays, each row
        of `starts` in `fit`. `batch_size` is the number of streams, at most, into which all windows are cut; they have
        4 windows or more each. `update` then goes on from new rows alone.
    future_size : int, default=0
        Units that read the known future in each direction before the decoder does, with the same cell; 0: the decoder
        reads it raw. For known future whose effect depends on what comes before or after, such as days around holidays.
    series_size : int, default=0
        Length of a vector learned for each series, which the decoder reads; 0: none. For panels whose series differ in
        ways that their past does not show. A series that `fit` did not see gets the vector of an unknown series.
    series_left_out : float, default=0.1
        Share of the windows that read the vector of an unknown series in training, so that it is learned; in [0, 1).
    categories : dict, default=None
        Columns of X with codes of categories, whole numbers from 0 on, and how many there are: `{"past": {1: 7}}` for
        channel 1 with 7 levels, None to count them; "future" and "static" with `Windows`, which may name theirs
        themselves. Each level gets a vector, learned with the network [24]_.
    embedding_size : int, default=None
        Length of these vectors; None: `min(50, (levels + 1) // 2)` for each column.
    category_left_out : float, default=0.05
        Share of the codes that read the vector of an unknown level in training, so that it is learned; in [0, 1). 0: no
        such vector; an unknown code is refused.
    cycle : int, (int, "shared") or None, default=None
        Steps of a cycle that is learned with the network, subtracted from the past of the targets and added back to the
        forecast [11]_. For strong seasons with a long or short lookback, such as 24 or 168 for hourly data. One for
        each series, or one for all with "shared".
    loss : {"squared_error", "absolute_error", "huber", "quantile", "normal", ...}, default="squared_error"
        What is minimised, on standardised targets. "normal", "student_t", "negative_binomial", "poisson" and "gamma"
        learn a distribution: the outputs are its parameters, the loss the negative log likelihood [27]_. `predict` is
        then the mean, and `predict_distribution` has the parameters. "negative_binomial" and "poisson" are for counts,
        "gamma" is for positive numbers; these are divided by their mean and never centred.
    quantile : float or list of float, default=0.5
        Level of the quantile loss, in (0, 1), or several, strictly ascending: one network then learns them together,
        with an output per target and level and the mean of the levels' pinball losses. `predict` gives the median,
        `predict_quantiles` each level; they are sorted, so they never cross [6]_.
    huber_delta : float, default=1.0
        Where the Huber loss turns from squared to absolute, in standard deviations of the target.
    optimizer : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        With the constants of PyTorch. "adamw" decouples the weight decay [4]_.
    momentum : float, default=None
        Of "sgd" (None: 0.9) and "rmsprop" (None: 0.0).
    learning_rate : float, default=1e-2
        Step size at the start.
    learning_rate_schedule : {"constant", "cosine", "step", "plateau"}, default="cosine"
        "constant": the same throughout. "cosine": to 0 along half a cosine over `max_iter` epochs. "step": halved at
        each quarter of `max_iter`. "plateau": halved after `n_iter_no_change // 4` epochs without improvement. If
        `warmup_steps` or `max_steps` is given, "cosine" and "step" run over optimiser steps: from the end of warm-up to
        the last step.
    weight_decay : float, default=0.0
        L2 penalty on all parameters.
    clip_norm : float or None, default=1.0
        Largest global norm of a batch's gradient; longer ones are scaled to it [5]_.
    clip_value : float or None, default=None
        Largest absolute value of an entry of the gradient, applied before `clip_norm`.
    batch_size : int, default=64
        Windows per optimiser step; with `stateful`, streams at most.
    max_iter : int, default=100
        Maximum number of epochs.
    warmup_steps : int, default=0
        Optimiser steps in which the learning rate rises linearly to `learning_rate` [12]_; fewer than those of the fit.
    max_steps : int or None, default=None
        Maximum number of optimiser steps over all epochs; the last epoch may be cut short. With it, means and scales
        come from at most 65,536 windows, evenly spread, and the start of `skip` from fewer than otherwise.
    finish_schedule : bool or "auto", default="auto"
        With "cosine" or "step", if early stopping would end a fit before its schedule: return to the best weights, run
        the rest of the schedule in `max(1, n_iter_no_change // 4)` more epochs (fewer if `max_iter` or `max_steps`
        comes first), and keep the best weights of all epochs. "auto": if `warmup_steps` or `max_steps` is given.
    weight_average : float or None, default=None
        Decay, in (0, 1), of an exponential average of the weights over the optimiser steps of this fit, without the
        initial weights [13]_. The averaged weights are validated and kept. A decay of d averages about 1 / (1 - d)
        steps.
    input_noise : float, default=0.0
        Standard deviation of normal noise added to the scaled past in training; drawn anew at every step.
    input_clip : float or None, default=None
        Bound of the scaled past in standard deviations, in training and in `predict`; applied before the noise.
    shuffle : bool, default=True
        Draw a new order of the windows for each epoch; with `stateful`, of the sequences, and where streams are cut.
    early_stopping : bool or "auto", default="auto"
        Hold out the latest windows, stop when their loss no longer improves, and keep the best weights on them. "auto":
        if at least 50 windows can be held out and twice as many are left. Otherwise all epochs run. With
        `X_val` in `fit`, True and "auto" use it and hold out nothing.
    validation_fraction : float, default=0.1
        Share of the windows held out: the latest in time, with a gap before them, so that no target is in both parts.
        Rows of plain arrays are assumed to be in time order.
    n_iter_no_change : int, default=20
        Epochs without an improvement of `tol` before training stops.
    tol : float, default=1e-4
        Improvement of the standardised validation loss that counts.
    warm_start : bool, default=False
        Continue from the weights, the optimiser state and the scaling of the last fit.
    freeze : list of str or None, default=None
        Parts of the network whose weights keep their bits in a fit that goes on, with `warm_start=True` or
        `partial_fit`: names in `weights_` up to the first dot, such as "head", "decoder", "skip" or "0" (the first
        layer), and "encoder" for all that reads the past. They have no part in `clip_norm` and the gradient's norm.
    n_channels : int, default=1
        Channels in a 2-D X, whose columns are ordered by step, then by channel.
    n_jobs : int, default=None
        Threads. None: all usable cores, fewer for small jobs. Results are bit-identical for any value.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, order and dropout. None draws a fresh one; NumPy's global state is not used.
    verbose : int, default=0
        1: a line per epoch and one at the end, on stderr; in a notebook a bar (if tqdm is installed). 2: first, a line
        with layers, parameters, windows and threads.
    callbacks : callable or list of callable, default=None
        Called after each epoch with a dict of Python numbers: "epoch" (from 1 in each call of `fit`), "max_iter"
        (epochs that this fit can have), "loss", "validation_loss" (None if nothing is held out), "learning_rate"
        (of the epoch's last step), "gradient_norm" (mean over the epoch's steps, before clipping), "seconds" since
        training began, "epoch_seconds". One that returns True stops training after this epoch. An exception in one
        ends the fit and leaves the model as it was. Clones share them.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation.

    Attributes
    ----------
    n_features_in_ : int
        `lookback * n_channels`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if X was a frame with string names.
    n_outputs_ : int
        Columns of y.
    n_iter_ : int
        Epochs run, including one that `max_steps` cut short.
    n_steps_ : int
        Optimiser steps run.
    loss_curve_ : list of float
        Mean training loss of each epoch, on standardised targets.
    validation_loss_curve_ : list of float
        Loss on the held-out windows after each epoch; empty without early stopping.
    gradient_norm_curve_ : ndarray of shape (n_steps,)
        Global gradient norm of every optimiser step, before clipping.
    best_loss_ : float
        Least validation loss (least training loss if nothing was held out).
    n_parameters_ : int
        Number of trained parameters.
    n_threads_ : int
        Threads used in training.
    weights_ : dict of str to ndarray
        Named views, e.g. "0.W_i" (hidden_size, n_channels) of layer 0's input gate, "0.R_i" (hidden_size,
        hidden_size), "0.b_i" (hidden_size,), "head.W" (n_outputs, hidden_size), "head.b" (n_outputs,). With several
        quantiles the head has a row per output and level, the levels of an output side by side. For the other
        arguments: "0.decay_w" and "0.decay_b" (hidden_size,), "0.reverse.W_i", "segment.W", "future.W_i",
        "future.reverse.W_i", "decoder.W_i", "decoder.0.W_i" or "decoder.W", "attention.query.W", "attention.key.W"
        and "attention.v", "encoder.W" (hidden_size, n_features), "decoder.positions.b", "decoder.context.W", "skip.W"
        (n_outputs, past), "series.V" (n_series + 1, series_size), the last row for an unknown series,
        "embedding.past.1" (levels + 1, embedding_size), the last row for an unknown level, and "cycle" (n_series or
        1, targets, steps), in standard deviations.
    draws_masks_ : bool
        Whether `sample_y` works: the last fit had `dropout`, `recurrent_dropout` or `zoneout`.
    quantiles_ : ndarray of shape (n_levels,)
        Levels of the last fit; only with the quantile loss.
    card_ : dict
        The model card, as `forecast.read_card` gives it of a saved model.

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
        cell="lstm",
        hidden_size=64,
        num_layers=1,
        activation="tanh",
        heads=1,
        elapsed=None,
        dropout=0.0,
        segment=1,
        segment_activation="relu",
        bidirectional=False,
        residual=False,
        layer_norm=False,
        dilation=1,
        recurrent_dropout=0.0,
        zoneout=0.0,
        skip=None,
        skip_start="ridge",
        skip_penalty=1e-3,
        skip_learning_rate=None,
        encoder="recurrent",
        decoder="dense",
        decoder_size=128,
        decoder_tied=False,
        teacher_forcing=0.0,
        attention=None,
        return_sequences=False,
        stateful=False,
        future_size=0,
        series_size=0,
        series_left_out=0.1,
        categories=None,
        embedding_size=None,
        category_left_out=0.05,
        cycle=None,
        loss="squared_error",
        quantile=0.5,
        huber_delta=1.0,
        optimizer="adam",
        momentum=None,
        learning_rate=1e-2,
        learning_rate_schedule="cosine",
        weight_decay=0.0,
        clip_norm=1.0,
        clip_value=None,
        batch_size=64,
        max_iter=100,
        warmup_steps=0,
        max_steps=None,
        finish_schedule="auto",
        weight_average=None,
        input_noise=0.0,
        input_clip=None,
        shuffle=True,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        warm_start=False,
        freeze=None,
        n_channels=1,
        n_jobs=None,
        random_state=None,
        verbose=0,
        callbacks=None,
        dtype="float32",
    ):
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.non_deterministic = False
        return tags
