"""What a model file says of an RNNForecaster, and what must fit together in one that comes out of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._files import ModelFileError, as_json
from .._refusals import Refusal
from .placing import reads_names

if TYPE_CHECKING:
    from typing import Any

    from .host import Host

__all__ = ["card_parts", "check_state", "training_part"]


def card_parts(model: Host) -> dict[str, Any]:
    """Its part of the model card.

    Parameters
    ----------
    model : RNNForecaster
        Fitted.

    Returns
    -------
    dict
    """
    architecture = model._network.architecture
    names = getattr(model, "feature_names_in_", None)
    return {
        "model": {
            "class": type(model).__name__,
            "cell": model.cell,
            "hidden_size": architecture.hidden,
            "num_layers": architecture.layers,
            "loss": architecture.loss,
            "dtype": architecture.dtype,
            "parameters": model.n_parameters_,
            **({} if model._network.outputs.family is None else {"forecast": "mean of the distribution"}),
            **_beyond_the_stack(model),
        },
        "data": {
            "lookback": model._lookback,
            "n_channels": model._n_channels,
            "n_extra": model._n_extra,
            "n_outputs": model.n_outputs_,
            "columns": None if names is None else as_json(names[:10]),
        },
        "training": training_part(model),
        "validation": {"best_loss": as_json(model.best_loss_) if model.validation_loss_curve_ else None},
        "seed": as_json(model.random_state),
    }


_BEYOND = (
    "encoder", "segment", "bidirectional", "residual", "layer_norm", "dilation", "recurrent_dropout", "zoneout", "skip",
    "decoder", "decoder_tied", "teacher_forcing", "attention", "return_sequences", "stateful", "future_size",
    "series_size", "categories", "vocabulary", "embedding_size", "category_left_out", "cycle", "elapsed",
)  # fmt: skip


def _beyond_the_stack(model: Host) -> dict[str, Any]:
    """What makes the network more than equal layers with a dense head: the arguments that are not as by default."""
    defaults = type(model)().get_params()
    given = [name for name in _BEYOND if name in defaults and getattr(model, name) != defaults[name]]
    return {name: as_json(getattr(model, name)) for name in given}


def training_part(model: Host) -> dict[str, Any]:
    """How the training went.

    Parameters
    ----------
    model : RNNForecaster
        Fitted.

    Returns
    -------
    dict
    """
    return {
        "epochs": model.n_iter_,
        "max_iter": model.max_iter,
        "held_out": bool(model.validation_loss_curve_),
        "best_loss": as_json(model.best_loss_),
        "last_loss": as_json(model.loss_curve_[-1]) if model.loss_curve_ else None,
    }


def check_state(model: Host) -> None:
    """Refuse a fitted state whose parts do not fit together.

    Parameters
    ----------
    model : RNNForecaster

    Raises
    ------
    ModelFileError
        Naming the part.
    """
    network = model._network
    architecture = network.architecture
    expected = {
        "_lookback": architecture.steps,
        "_n_channels": architecture.inputs,
        "_n_extra": architecture.extra,
        "n_outputs_": architecture.targets,
        "n_parameters_": network.theta.size,
    }
    for name, number in expected.items():
        if getattr(model, name) != number:
            raise ModelFileError(Refusal(f"is {getattr(model, name)!r}, but the network has {number}", where=name))
    names, series = getattr(model, "_series_names", None), architecture.series if reads_names(architecture) else None
    if names is not None and (not isinstance(names, list) or len(set(names)) != len(names)):
        raise ModelFileError(Refusal("the names of its series are not a list of unique names"))
    if (None if names is None else len(names)) != series:
        raise ModelFileError(Refusal(f"it names {names and len(names)} series, but the network has tables of {series}"))
    carried = getattr(model, "_carried", None)
    if (carried is not None) != architecture.stateful:
        raise ModelFileError(
            Refusal("the states that a stateful model carries are missing, or are there of another one")
        )
    if carried is not None:
        carried.refuse_damaged(network)
    state = model._optimizer_state
    for name in ("first", "second"):
        slot = state[name]
        fits = isinstance(slot, np.ndarray) and slot.dtype == network.theta.dtype
        if not fits or slot.shape != network.theta.shape:
            raise ModelFileError(
                Refusal(f"the optimiser's {name} moments are not one of each of {network.theta.size} weights")
            )
        if not np.isfinite(slot).all():
            raise ModelFileError(Refusal(f"the optimiser's {name} moments hold NaN or infinite values"))
