"""What each constructor argument may be; cells, losses and the like are those of the registries."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from .._network import ACTIVATIONS, ATTENTIONS, DECODERS, ENCODERS, ESTIMATOR_CELLS, LOSSES, OPTIMIZERS, SKIPS
from .._threads import MOST_THREADS
from .._training import SCHEDULES

__all__ = ["CONSTRAINTS", "SKIP_STARTS"]

SKIP_STARTS = ("ridge", "zero")

_COUNT = Interval(Integral, 1, None, closed="left")
_SIZE = Interval(Integral, 1, 2**20, closed="both")  # units: a matrix of as many rows and columns has 4 TiB
_SIZE_OR_NONE = Interval(Integral, 0, 2**20, closed="both")
_STEPS = Interval(Integral, 1, 2**31, closed="both")  # the most that the core counts of steps, channels and windows
_COUNT_OR_NONE_OF_IT = Interval(Integral, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")

CONSTRAINTS = {
    "cell": [StrOptions(set(ESTIMATOR_CELLS))],
    "hidden_size": [_SIZE],
    "num_layers": [Interval(Integral, 1, 1000, closed="both")],
    "activation": [StrOptions({"tanh", "relu"})],
    "heads": [_SIZE],
    "elapsed": [Interval(Integral, -(2**31), 2**31, closed="both"), None],
    "dropout": [_SHARE],
    "segment": [_STEPS],
    "segment_activation": [StrOptions(set(ACTIVATIONS))],
    "bidirectional": ["boolean"],
    "residual": ["boolean"],
    "layer_norm": ["boolean"],
    "dilation": [_STEPS, tuple, list],
    "recurrent_dropout": [_SHARE],
    "zoneout": [_SHARE],
    "skip": [StrOptions(set(SKIPS) - {None}), None],
    "skip_start": [StrOptions(set(SKIP_STARTS))],
    "skip_penalty": [_NOT_NEGATIVE],
    "skip_learning_rate": [_POSITIVE, None],
    "encoder": [StrOptions(set(ENCODERS))],
    "decoder": [StrOptions(set(DECODERS))],
    "decoder_size": [_SIZE],
    "decoder_tied": ["boolean"],
    "teacher_forcing": [Interval(Real, 0, 1, closed="both"), tuple, list],
    "attention": [StrOptions(set(ATTENTIONS) - {None}), None],
    "return_sequences": ["boolean"],
    "stateful": ["boolean"],
    "future_size": [_SIZE_OR_NONE],
    "series_size": [_SIZE_OR_NONE],
    "series_left_out": [_SHARE],
    "categories": [dict, None],
    "embedding_size": [_SIZE, None],
    "category_left_out": [_SHARE],
    "cycle": [Interval(Integral, 2, 2**31, closed="both"), tuple, list, None],
    "loss": [StrOptions(set(LOSSES))],
    "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    "huber_delta": [_POSITIVE],
    "optimizer": [StrOptions(set(OPTIMIZERS))],
    "momentum": [_SHARE, None],
    "learning_rate": [_POSITIVE],
    "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
    "weight_decay": [_NOT_NEGATIVE],
    "clip_norm": [_POSITIVE, None],
    "clip_value": [_POSITIVE, None],
    "batch_size": [_STEPS],
    "max_iter": [_COUNT],
    "warmup_steps": [_COUNT_OR_NONE_OF_IT],
    "max_steps": [_COUNT, None],
    "finish_schedule": ["boolean", StrOptions({"auto"})],
    "weight_average": [Interval(Real, 0, 1, closed="neither"), None],
    "input_noise": [_NOT_NEGATIVE],
    "input_clip": [_POSITIVE, None],
    "shuffle": ["boolean"],
    "early_stopping": ["boolean", StrOptions({"auto"})],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_COUNT],
    "tol": [_NOT_NEGATIVE],
    "warm_start": ["boolean"],
    "freeze": [list, tuple, None],
    "n_channels": [_STEPS],
    "n_jobs": [Interval(Integral, 1, MOST_THREADS, closed="both"), Interval(Integral, None, -1, closed="right"), None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "callbacks": [callable, list, tuple, None],
    "dtype": [StrOptions({"float32", "float64"})],
}
