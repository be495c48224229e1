"""What the constructor's arguments mean together: refusals, the network's architecture, the recipe of training."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

from .._network import (
    ACTIVATED_CELLS,
    DECAYING_CELLS,
    LABEL_LOSSES,
    MATRIX_CELLS,
    Architecture,
    core_cell,
    parts_of,
)
from .._progress import as_callbacks
from .._quantiles import fitted_levels
from .._refusals import Fix, Refusal
from .._training import FALLING, Recipe
from .._windows import at_every_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._arrays import Dataset
    from .._network import Network
    from .host import Host

__all__ = [
    "architecture_of", "check_combinations", "cycle_of", "forcing_of", "groups_of", "momentum_of", "recipe_of",
    "refuse_freeze",
]  # fmt: skip

_MOMENTUM = {"sgd": 0.9, "rmsprop": 0.0}  # the optimisers that have one, with its default


def check_combinations(model: Host) -> None:
    """Refuses arguments that would have no effect together with the others."""
    as_callbacks(model.callbacks)
    levels = fitted_levels(model.quantile)
    if model.cell not in ACTIVATED_CELLS and model.activation != "tanh":
        cells = " or ".join(repr(word) for word in ACTIVATED_CELLS)
        raise ValueError(
            Refusal(f"activation={model.activation!r} is for cell={cells}, not {model.cell!r}; leave it 'tanh'")
        )
    if model.momentum is not None and model.optimizer not in _MOMENTUM:
        raise ValueError(
            Refusal(f"is for optimizer='sgd' or 'rmsprop', not {model.optimizer!r}; leave it None", where="momentum")
        )
    if levels != (0.5,) and model.loss != "quantile":
        raise ValueError(Refusal(f"quantile={model.quantile} is for loss='quantile', not {model.loss!r}"))
    if model.huber_delta != 1.0 and model.loss != "huber":
        raise ValueError(Refusal(f"huber_delta={model.huber_delta} is for loss='huber', not {model.loss!r}"))
    if model.finish_schedule is True and model.learning_rate_schedule not in FALLING:
        raise ValueError(
            Refusal(
                "finish_schedule=True is for a schedule with an end, 'cosine' or 'step', not "
                f"{model.learning_rate_schedule!r}; leave it 'auto'"
            )
        )
    _check_network(model)


_NEEDS: dict[
    str, tuple[Any, str, Callable[[Host], bool], str]
] = {  # argument -> its default, and what it needs in order to have an effect
    "heads": (1, "cell", lambda model: model.cell in MATRIX_CELLS, " or ".join(map(repr, MATRIX_CELLS))),
    "elapsed": (None, "cell", lambda model: model.cell in DECAYING_CELLS, " or ".join(map(repr, DECAYING_CELLS))),
    "segment_activation": ("relu", "segment", lambda model: model.segment > 1, "of 2 steps or more"),
    "skip_start": ("ridge", "skip", lambda model: model.skip is not None, "'linear' or 'linear-all'"),
    "skip_penalty": (1e-3, "skip", lambda model: model.skip is not None, "'linear' or 'linear-all'"),
    "skip_learning_rate": (None, "skip", lambda model: model.skip is not None, "'linear' or 'linear-all'"),
    "decoder_size": (128, "decoder", lambda model: model.decoder == "steps", "'steps'"),
    "decoder_tied": (False, "decoder", lambda model: model.decoder == "segments", "'segments'"),
    "teacher_forcing": (0.0, "decoder", lambda model: model.decoder == "recurrent", "'recurrent'"),
    "series_left_out": (0.1, "series_size", lambda model: model.series_size > 0, "of 1 or more"),
}


_OF_STEPS = {  # arguments that are for layers over the steps of a past, which encoder="dense" has not
    "segment_activation": "relu", "bidirectional": False, "residual": False, "layer_norm": False, "dilation": 1,
    "recurrent_dropout": 0.0, "zoneout": 0.0, "skip": None, "decoder_tied": False, "attention": None, "cycle": None,
}  # fmt: skip


def _refuse_of_steps(model: Host) -> None:
    """Refuse what would have no effect where the encoder reads a vector."""
    if model.decoder not in ("recurrent", "segments"):
        raise ValueError(
            Refusal(
                f"encoder='dense' needs a decoder that writes a sequence, and decoder={model.decoder!r} would leave "
                "no recurrent layer",
                advice=(
                    "Set decoder='recurrent' or 'segments'; or use a network without recurrent layers, such as "
                    "scikit-learn's MLPRegressor."
                ),
            )
        )
    given = _OF_STEPS if model.decoder == "segments" else _OF_STEPS | {"segment": 1}
    for name, default in given.items():
        value = getattr(model, name)
        if value != default:
            raise ValueError(
                Refusal(
                    f"{name}={value!r} has no effect with encoder='dense', which reads one vector and no steps of a "
                    f"past; leave it {default!r}, or set encoder='recurrent'"
                )
            )


def _check_network(model: Host) -> None:
    if model.encoder == "dense":
        _refuse_of_steps(model)
    for name, (default, needed, has_it, expected) in _NEEDS.items():
        given = getattr(model, name)
        if given != default and not has_it(model):
            raise ValueError(
                Refusal(
                    f"{name}={given!r} is for {needed} {expected}, not {needed}={getattr(model, needed)!r}; leave it "
                    f"{default!r}"
                )
            )
    if model.hidden_size % model.heads:
        raise ValueError(
            Refusal(
                where=f"heads={model.heads}",
                expected=f"a divisor of hidden_size={model.hidden_size}, whose units they share",
            )
        )
    cycle_of(model)
    dilation_of(model)
    forcing_of(model)


def forcing_of(model: Host) -> tuple[float, float]:
    """Probabilities of reading the true target, in the first epoch and in the last one."""
    given: Any = model.teacher_forcing
    ends: tuple[Any, ...] = tuple(given) if isinstance(given, tuple | list) else (given, given)
    if len(ends) != 2 or not all(isinstance(p, Real) and not isinstance(p, bool) and 0 <= float(p) <= 1 for p in ends):
        raise ValueError(
            Refusal(
                where=f"teacher_forcing={given!r}",
                expected="a probability from 0 to 1, or two, of the first and of the last epoch, such as (1.0, 0.0)",
            )
        )
    return float(ends[0]), float(ends[1])


def cycle_of(model: Host) -> tuple[int, bool]:
    """Length of the cycle (0: none), and whether all series share one."""
    if model.cycle is None:
        return 0, False
    given: Any = model.cycle
    length, *shared = given if isinstance(given, tuple | list) and given else (given,)
    if not isinstance(length, Integral) or isinstance(length, bool) or length < 2 or shared not in ([], ["shared"]):
        raise ValueError(
            Refusal(
                where=f"cycle={model.cycle!r}",
                expected=(
                    "the number of steps of a cycle, 2 or more, or (steps, 'shared') for one cycle of all series, "
                    "such as 24 or (24, 'shared')"
                ),
            )
        )
    return int(length), bool(shared)


def dilation_of(model: Host) -> tuple[int, ...]:
    """The dilation of each layer; empty: 1 everywhere."""
    given: Any = model.dilation
    each: Any = given if isinstance(given, tuple | list) else (given,) * model.num_layers
    if len(each) != model.num_layers or not all(
        isinstance(steps, Integral) and not isinstance(steps, bool) and int(steps) >= 1 for steps in each
    ):
        raise ValueError(
            Refusal(
                where=f"dilation={model.dilation!r}",
                expected=(
                    f"a whole number of 1 or more for each of num_layers={model.num_layers} layers, such as "
                    f"{tuple(2**n for n in range(min(model.num_layers, 5)))}"
                ),
            )
        )
    return () if set(each) == {1} else tuple(int(steps) for steps in each)


def elapsed_of(model: Host, data: Dataset) -> int | None:
    """The channel with the time since the row before, of a cell whose states decay with it; else None."""
    if model.cell not in DECAYING_CELLS:
        return None
    named = None if data.windows is None else data.windows.elapsed
    if named is not None and model.elapsed is not None:
        raise ValueError(
            Refusal(
                f"elapsed={model.elapsed} is given, and the windows name their channel of elapsed time already, "
                f"{named}",
                expected="one of both",
                fix=Fix("model.set_params(elapsed=None)", ""),
            )
        )
    if named is not None:
        return named
    if data.windows is not None and model.elapsed is None:
        raise ValueError(
            Refusal(
                "no channel of these windows is named as the time since the row before",
                where=f"cell={model.cell!r}:",
                advice=(
                    "With SeriesForecaster, set gaps='irregular', or, on a regular grid with missing values, "
                    "missing='mask': both make one; of Windows, pass elapsed= to them or set elapsed."
                ),
            )
        )
    channel, n = -1 if model.elapsed is None else int(model.elapsed), data.n_channels
    if n < 2 or not -n <= channel < n:
        raise ValueError(
            Refusal(
                where=f"cell={model.cell!r} with elapsed={model.elapsed}",
                got=f"{n} channel{'s' if n > 1 else ''}",
                expected="X with 2 or more channels, one of which is the time since the row before",
                advice="Pass X of shape (n_windows, lookback, n_channels), or set n_channels.",
            )
        )
    return channel % n


def architecture_of(model: Host, data: Dataset) -> Architecture:
    parameters = {"huber": (float(model.huber_delta),), "quantile": fitted_levels(model.quantile)}
    parameters |= dict.fromkeys(LABEL_LOSSES, data.loss_parameters)
    cycle, shared = cycle_of(model)
    if forcing_of(model) != (0.0, 0.0) and data.n_outputs == data.columns * data.steps:
        raise ValueError(
            Refusal(
                "with a horizon of one step no forecast is fed back, so there is nothing to teach; leave it 0.0",
                where=f"teacher_forcing={model.teacher_forcing}:",
            )
        )
    if data.lookback == 0:
        _refuse_without_past(model)
    return Architecture(
        cell=core_cell(model.cell, model.activation),
        dtype=model.dtype,
        steps=data.lookback,
        inputs=data.n_channels,
        hidden=int(model.hidden_size),
        layers=int(model.num_layers),
        targets=data.n_outputs,
        extra=data.n_extra,
        loss=model.loss,
        loss_parameters=parameters.get(model.loss, ()),
        dropout=float(model.dropout),
        columns=data.columns,
        horizon=data.n_outputs // data.steps // data.columns,
        future=data.n_future,
        static=data.n_static,
        segment=int(model.segment),
        segment_activation=model.segment_activation,
        bidirectional=bool(model.bidirectional),
        skip=model.skip,
        encoder=model.encoder,
        decoder=model.decoder,
        decoder_size=int(model.decoder_size),
        decoder_tied=bool(model.decoder_tied),
        future_size=int(model.future_size),
        series=data.n_series,
        series_size=int(model.series_size),
        series_left_out=float(model.series_left_out),
        cycle=cycle,
        cycle_rows=(1 if shared else max(data.n_series, 1)) if cycle else 0,
        residual=bool(model.residual),
        layer_norm=bool(model.layer_norm),
        dilation=dilation_of(model),
        recurrent_dropout=float(model.recurrent_dropout),
        zoneout=float(model.zoneout),
        input_clip=None if model.input_clip is None else float(model.input_clip),
        heads=int(model.heads),
        elapsed=elapsed_of(model, data),
        timed=model.decoder == "steps" and data.windows is not None and data.windows.stamps is not None,
        attention=model.attention,
        return_sequences=at_every_step(model),
        stateful=bool(model.stateful),
        ragged="begin" in data.arguments,
        **data.levels,
        **_of_codes(model, data),
    )


def _refuse_without_past(model: Host) -> None:
    if model.encoder != "dense":
        raise ValueError(
            Refusal(
                f"encoder={model.encoder!r} reads the steps of a past, and lookback=0 leaves none",
                advice="Set encoder='dense', or a lookback of 1 or more.",
            )
        )
    for name, default in (("input_noise", 0.0), ("input_clip", None)):
        if getattr(model, name) != default:
            raise ValueError(
                Refusal(
                    f"{name}={getattr(model, name)!r} is for the scaled past, and lookback=0 leaves none; leave it "
                    f"{default!r}"
                )
            )


def _of_codes(model: Host, data: Dataset) -> dict[str, Any]:
    if not data.levels:
        return {}
    size = None if model.embedding_size is None else int(model.embedding_size)
    return {"embedding_size": size, "category_left_out": float(model.category_left_out)}


def groups_of(model: Host, network: Network) -> tuple[tuple[int, int, float, float], ...]:
    """Weights that learn by rules of their own: the skip, and frozen parts, which do not learn (factor 0).

    Returns
    -------
    tuple of (offset, size, factor of the learning rate, weight decay)
        Ascending.
    """
    frozen = _frozen(model, network)
    groups = [(offset, size, 0.0, 0.0) for offset, size in frozen]
    if model.skip is not None and network.group("skip.W") not in frozen:
        rate = model.learning_rate if model.skip_learning_rate is None else model.skip_learning_rate
        groups.append((*network.group("skip.W"), float(rate / model.learning_rate), float(model.skip_penalty)))
    return tuple(sorted(groups))


def refuse_freeze(model: Host) -> None:
    """Refuse to freeze weights that a fit from scratch has just drawn."""
    if model.freeze is None:
        return
    fix = "set_params(freeze=None).fit(X, y)" if model.warm_start else "set_params(warm_start=True)"
    raise ValueError(
        Refusal(
            f"freeze={model.freeze!r} keeps weights of the last fit, but this fit starts from "
            f"scratch{'' if model.warm_start else ', because warm_start is False'}",
            expected="a fit that goes on",
            fix=Fix(f"model.{fix}", ""),
        )
    )


def _frozen(model: Host, network: Network) -> list[tuple[int, int]]:
    """Ranges of the weights that stay as they are, each once."""
    if model.freeze is None:
        return []
    layout = network.compiled.layout
    parts = parts_of(layout)
    unknown = [name for name in model.freeze if name not in parts]
    if unknown or not model.freeze:
        what = f"there is no {unknown[0]!r}" if unknown else "it names no part"
        raise ValueError(
            Refusal(f"{what}; the parts of this network are {list(parts)}", where=f"freeze={model.freeze!r}:")
        )
    frozen = {part for name in model.freeze for part in parts[name]}
    if len(frozen) == len(layout):
        raise ValueError(
            Refusal(
                f"freeze={model.freeze!r} leaves no weight to train; the parts of this network are {list(parts)}: "
                "leave one of them out"
            )
        )
    return sorted(frozen)


def momentum_of(model: Host) -> float:
    return _MOMENTUM.get(model.optimizer, 0.0) if model.momentum is None else model.momentum


def recipe_of(model: Host, max_iter: int, partial: bool) -> Recipe:
    of_fit = {} if partial else _over_steps(model)
    return Recipe(
        learning_rate=float(model.learning_rate),
        schedule="constant" if partial else model.learning_rate_schedule,  # the others need to know the end
        batch_size=int(model.batch_size),
        max_iter=max_iter,
        shuffle=bool(model.shuffle),
        patience=int(model.n_iter_no_change),
        tol=float(model.tol),
        clip_norm=model.clip_norm,
        clip_value=model.clip_value,
        verbose=int(model.verbose),
        callbacks=as_callbacks(model.callbacks),
        noise=float(model.input_noise),
        forcing=(forcing_of(model)[1],) * 2 if partial else forcing_of(model),
        **of_fit,
    )


def _over_steps(model: Host) -> dict[str, Any]:
    """What runs from a first step to a last one, which a call of `partial_fit` does not know."""
    by_step = model.warmup_steps > 0 or model.max_steps is not None
    wanted = by_step if model.finish_schedule == "auto" else bool(model.finish_schedule)
    return {
        "warmup_steps": int(model.warmup_steps),
        "max_steps": None if model.max_steps is None else int(model.max_steps),
        "finish": wanted and model.learning_rate_schedule in FALLING,
        "average_decay": None if model.weight_average is None else float(model.weight_average),
    }
