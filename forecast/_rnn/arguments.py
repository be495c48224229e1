"""What the constructor's arguments mean together: refusals, the network's architecture, the recipe of training."""

from .._network import Architecture
from .._progress import as_callbacks
from .._training import FALLING, Recipe
from .quantiles import fitted_levels

__all__ = ["architecture_of", "check_combinations", "momentum_of", "recipe_of"]

_MOMENTUM = {"sgd": 0.9, "rmsprop": 0.0}  # the optimisers that have one, with its default


def check_combinations(model):
    """Refuses arguments that would have no effect beside the others."""
    as_callbacks(model.callbacks)
    levels = fitted_levels(model.quantile)
    if model.cell != "rnn" and model.activation != "tanh":
        raise ValueError(f"activation={model.activation!r} is for cell='rnn'; cell={model.cell!r} has tanh only.")
    if model.momentum is not None and model.optimizer not in _MOMENTUM:
        raise ValueError(f"momentum is for optimizer='sgd' or 'rmsprop', not {model.optimizer!r}; leave it None.")
    if levels != (0.5,) and model.loss != "quantile":
        raise ValueError(f"quantile={model.quantile} is for loss='quantile', not {model.loss!r}.")
    if model.huber_delta != 1.0 and model.loss != "huber":
        raise ValueError(f"huber_delta={model.huber_delta} is for loss='huber', not {model.loss!r}.")
    if model.finish_schedule is True and model.learning_rate_schedule not in FALLING:
        raise ValueError(
            f"finish_schedule=True is for a schedule with an end, 'cosine' or 'step', not "
            f"{model.learning_rate_schedule!r}; leave it 'auto'."
        )


def architecture_of(model, data):
    parameters = {"huber": (float(model.huber_delta),), "quantile": fitted_levels(model.quantile)}
    return Architecture(
        cell=f"rnn_{model.activation}" if model.cell == "rnn" else model.cell,
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
        input_clip=None if model.input_clip is None else float(model.input_clip),
    )


def momentum_of(model):
    return _MOMENTUM.get(model.optimizer, 0.0) if model.momentum is None else model.momentum


def recipe_of(model, max_iter, partial):
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
        **of_fit,
    )


def _over_steps(model):
    """What runs from a first step to a last one, which a call of `partial_fit` does not know."""
    by_step = model.warmup_steps > 0 or model.max_steps is not None
    wanted = by_step if model.finish_schedule == "auto" else bool(model.finish_schedule)
    return {
        "warmup_steps": int(model.warmup_steps),
        "max_steps": None if model.max_steps is None else int(model.max_steps),
        "finish": wanted and model.learning_rate_schedule in FALLING,
        "average_decay": None if model.weight_average is None else float(model.weight_average),
    }
