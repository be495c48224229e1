"""What the parts of an estimator on windows read of it: its parameters, and what a fit sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from typing import Any

    from .._network import Carried, Network
    from .._types import Floats, Seed

__all__ = ["Host"]


class Host:
    """An estimator whose parameters and fitted attributes have these types; `RNNForecaster` says what each means."""

    cell: str
    hidden_size: int
    num_layers: int
    activation: str
    heads: int
    elapsed: int | None
    dropout: float
    segment: int
    segment_activation: str
    bidirectional: bool
    residual: bool
    layer_norm: bool
    dilation: int | Sequence[int]
    recurrent_dropout: float
    zoneout: float
    skip: str | None
    skip_start: str
    skip_penalty: float
    skip_learning_rate: float | None
    encoder: str
    decoder: str
    decoder_size: int
    decoder_tied: bool
    teacher_forcing: float | Sequence[float]
    attention: str | None
    return_sequences: bool
    stateful: bool
    future_size: int
    series_size: int
    series_left_out: float
    categories: Mapping[str, Any] | None
    embedding_size: int | None
    category_left_out: float
    cycle: int | Sequence[Any] | None
    loss: str
    quantile: float | Sequence[float] | Floats
    huber_delta: float
    optimizer: str
    momentum: float | None
    learning_rate: float
    learning_rate_schedule: str
    weight_decay: float
    clip_norm: float | None
    clip_value: float | None
    batch_size: int
    max_iter: int
    warmup_steps: int
    max_steps: int | None
    finish_schedule: bool | str
    weight_average: float | None
    input_noise: float
    input_clip: float | None
    shuffle: bool
    early_stopping: bool | str
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    freeze: Sequence[str] | None
    n_channels: int
    n_jobs: int | None
    random_state: Seed
    verbose: int
    callbacks: Any
    dtype: str
    get_params: Callable[..., dict[str, Any]]
    n_features_in_: int
    n_outputs_: int
    n_iter_: int
    loss_curve_: list[float]
    validation_loss_curve_: list[float]
    gradient_norm_curve_: Floats
    best_loss_: float
    n_parameters_: int
    n_threads_: int
    _network: Network
    _optimizer_state: dict[str, Any]
    _carried: Carried | None
    _lookback: int
    _n_channels: int
    _n_extra: int
    _is_flat: bool
    _series_names: list[Hashable] | None
