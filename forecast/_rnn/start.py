"""What training starts from: windows to train on and to hold out, network and optimiser."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .._distributions import FAMILIES
from .._network import Network, refuse_too_large, scaling_of, spec_of, start_with_line, windows_scaling
from .._refusals import Refusal
from .._tail import index_type, time_tail
from .arguments import architecture_of, momentum_of

if TYPE_CHECKING:
    from typing import Any

    from .._arrays import Dataset
    from .._network import Architecture, Layer, Optimizer, Scaling, Stream
    from .._types import Floats, Integers
    from .host import Host

__all__ = ["LEAST_HELD_OUT", "split_in_time", "start"]

LEAST_HELD_OUT = 50  # windows: fewer say too little about when to stop
_SCALED = 1 << 16  # windows that give means and scales where steps are bounded: a million take longer than training


def split_in_time(model: Host, data: Dataset, weight: Floats | None, hold_out: bool) -> tuple[Integers, Integers]:
    """Windows to train on and windows to hold out, as early_stopping asks."""
    none = np.empty(0, dtype=np.int64)
    # Carried states go through windows of weight 0 too.
    every = slice(None) if weight is None or model.stateful else np.flatnonzero(weight)
    if not hold_out or model.early_stopping is False:
        return _numbers(data, every), none
    origins: Any = _numbers(data, slice(None)) if data.time is None else data.time()
    time = origins[every]
    early, late = time_tail(time, model.validation_fraction, data.span if data.reach is None else data.reach()[every])
    del origins, time
    # Windows that continue each other are few relative to their rows.
    least = -(-LEAST_HELD_OUT // data.lookback) if model.stateful else LEAST_HELD_OUT
    if len(late) >= least and len(early) >= 2 * len(late):
        return (early, late) if isinstance(every, slice) else (every[early], every[late])
    if model.early_stopping == "auto":
        return _numbers(data, every), none
    if not len(early):
        n = data.n_windows if isinstance(every, slice) else len(every)
        raise ValueError(
            Refusal(
                f"of {n} windows {len(late)} would be held out and none is left to train on, with a gap of horizon - "
                f"1 = {data.span - 1}",
                where="early_stopping=True:",
                advice="Lower validation_fraction, or set early_stopping=False.",
            )
        )
    return (early, late) if isinstance(every, slice) else (every[early], every[late])


def _numbers(data: Dataset, which: Any) -> Integers:
    return np.arange(data.n_windows, dtype=index_type(data.n_windows))[which]


def start(
    model: Host, data: Dataset, weight: Floats | None, windows: Integers, rng: np.random.Generator, go_on: bool,
    moments: dict[str, Floats] | None = None,
) -> tuple[Network, Optimizer]:  # fmt: skip
    """Network and optimiser to train from: the last fit's, or new ones, with the windows' scales or given `moments`."""
    architecture = architecture_of(model, data)
    spec = spec_of(architecture)  # refuses before any work what does not fit together
    refuse_too_large(spec, architecture.dtype, min(int(model.batch_size), len(windows)))
    if not go_on:
        network = Network.initial(architecture, _scaling(architecture, model, data, weight, windows, moments), rng)
        if model.skip is not None and model.skip_start == "ridge":
            bounded = model.max_steps is not None
            start_with_line(network, data.arguments, weight, windows, model.skip_penalty, bounded)
    else:
        before = model._network.architecture
        if before.loss == model.loss == "quantile" and before.loss_parameters != architecture.loss_parameters:
            raise ValueError(
                Refusal(
                    f"The fit to go on from had the levels {list(before.loss_parameters)}, but "
                    f"quantile={model.quantile}: keep quantile, or set warm_start=False and call fit"
                )
            )
        if before.loss != architecture.loss and {before.loss, architecture.loss} & set(FAMILIES):
            raise ValueError(
                Refusal(
                    f"The fit to go on from had loss={before.loss!r}, whose outputs mean something else than those of "
                    f"loss={model.loss!r}: keep loss, or set warm_start=False and call fit"
                )
            )
        scaling = model._network.scaling
        if scaling.target_constant is not None:
            scaling = scaling.going_on(_scaling(architecture, model, data, weight, windows))
        network = Network(architecture, scaling, model._network.theta)
        same = (architecture.targets, architecture.dtype) == (before.targets, before.dtype)
        if not same or _wiring(architecture) != _wiring(before):
            raise ValueError(
                Refusal(
                    "The fit to go on from had another architecture or number of outputs: keep cell, hidden_size, "
                    "num_layers, dtype, the other arguments of the network (segment, bidirectional, residual, "
                    "layer_norm, dilation, skip, encoder, decoder, attention, future_size, series_size, categories, "
                    "embedding_size, category_left_out, cycle, elapsed) and the shapes of X and y, or set "
                    "warm_start=False"
                )
            )
    optimizer = network.new_optimizer(model.optimizer, momentum_of(model), model.weight_decay)
    if go_on and model._optimizer_state["name"] == model.optimizer:
        optimizer.steps = model._optimizer_state["steps"]
        optimizer.first = model._optimizer_state["first"].copy()
        optimizer.second = model._optimizer_state["second"].copy()
    return network, optimizer


def _scaling(
    architecture: Architecture, model: Host, data: Dataset, weight: Floats | None, windows: Integers,
    moments: dict[str, Floats] | None = None,
) -> Scaling:  # fmt: skip
    if moments is None:
        arguments = data.arguments | ({"target": None, "horizon": 0} if architecture.of_labels else {})
        scaling = windows_scaling(arguments, weight, windows, None if model.max_steps is None else _SCALED)
    else:
        scaling = scaling_of(moments)
    if architecture.of_labels:
        return scaling.with_labels(architecture.targets)
    alike = architecture.decoder == "recurrent" or architecture.return_sequences or architecture.timed
    scaling = scaling.over_steps(architecture) if alike else scaling
    return scaling if architecture.centred else scaling.uncentred()


def _wiring(architecture: Architecture) -> tuple[dict[str, Stream], tuple[Layer, ...]]:
    """Streams and layers without what may change between two fits: rates of masks, and the loss at the same outputs."""
    spec = spec_of(replace(architecture, dropout=0.0, recurrent_dropout=0.0, zoneout=0.0))
    return spec.streams, spec.layers
