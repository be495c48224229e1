"""Refusals of architectures whose parts do not fit together, by the arguments' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._distributions import FAMILIES
from .._registries import DECAYING_CELLS, MATRIX_CELLS
from .categories import refuse_codes

if TYPE_CHECKING:
    from .architecture import Architecture

__all__ = ["first_residual", "refuse_unfit"]


def first_residual(a: Architecture) -> int:
    """The first layer whose input was made by a layer and is as wide as its output: segments are, of one direction."""
    return 0 if a.segment > 1 and not a.bidirectional else 1


def refuse_unfit(a: Architecture) -> None:
    """Refuse an architecture whose parts do not fit together, by the arguments' names.

    Parameters
    ----------
    a : Architecture

    Raises
    ------
    ValueError
    """
    if a.encoder == "dense":
        _refuse_steps(a)
    else:
        refuse_codes(a)
        _refuse_unfit_stack(a)
    if a.return_sequences:
        _refuse_at_every_step(a)
    if a.stateful:
        _refuse_carried(a)
    _refuse_unfit_decoder(a)


def _refuse_steps(a: Architecture) -> None:
    if a.cell in DECAYING_CELLS:
        raise ValueError(
            f"cell={a.cell!r} with encoder='dense': it decays from one row of the past to the next, and a vector has "
            f"no rows. Set cell={DECAYING_CELLS[a.cell]!r}."
        )
    if a.steps > 1:
        raise ValueError(
            f"encoder='dense' reads one vector for each sample, and these windows have a past of {a.steps} steps. Set "
            "encoder='recurrent'; or pass X of shape (n_samples, n_features), or, to SeriesForecaster, lookback=0."
        )
    if a.decoder not in ("recurrent", "segments"):
        raise ValueError(
            f"encoder='dense' with decoder={a.decoder!r}: no recurrent layer is left. Set decoder='recurrent' or "
            "'segments', or encoder='recurrent'; or use a network without them, such as scikit-learn's MLPRegressor."
        )


def _refuse_unfit_decoder(a: Architecture) -> None:
    if a.future_size and not a.future:
        raise ValueError(
            f"future_size={a.future_size}: there is no known future to read. Pass windows with known future columns "
            "(`future_covariates` of make_windows or SeriesForecaster, or `calendar` of SeriesForecaster), or set "
            "future_size=0."
        )
    if a.future_size % a.heads:
        raise ValueError(
            f"future_size={a.future_size}: expected a multiple of heads={a.heads}, which cut its units as well."
        )
    if a.cell in MATRIX_CELLS and a.decoder in ("segments", "recurrent"):
        raise ValueError(
            f"decoder={a.decoder!r} begins with the last states of the encoder, and cell={a.cell!r} has a matrix that "
            "it cannot begin with. Set another cell, or decoder='steps' or 'dense'."
        )
    if a.series_size and a.series < 2:
        raise ValueError(
            f"series_size={a.series_size}: a vector for each series needs windows of at least 2 series, got "
            f"{a.series or 'no series'}. Set series_size=0."
        )
    if a.decoder != "dense" and a.own:
        raise ValueError(
            f"decoder={a.decoder!r}: {a.own} of the {a.extra} inputs besides the past belong to no step of the "
            "horizon; y is not (n_windows, horizon * targets) of these windows. Set decoder='dense'."
        )
    if a.decoder == "segments" and a.future and a.horizon_steps % a.segment:
        raise ValueError(
            f"decoder='segments' with known future: the horizon of {a.horizon_steps} steps is not a multiple of "
            f"segment={a.segment}, so the last segment's future is not known. Choose a segment that divides it."
        )
    if a.decoder_tied and a.decoder != "segments":
        raise ValueError(f"decoder_tied=True is for decoder='segments', not {a.decoder!r}.")
    if a.decoder == "segments" and a.encoder == "dense" and a.layers > 1:
        raise ValueError(
            f"num_layers={a.layers}: decoder='segments' is one layer, and encoder='dense' has none. Set num_layers=1, "
            "or decoder='recurrent'."
        )
    if a.loss in FAMILIES:
        _refuse_of_distribution(a)
    if a.decoder == "recurrent":
        _refuse_recurrent(a)
    if a.attention == "dot" and a.bidirectional:
        raise ValueError(
            f"attention='dot' with bidirectional=True: a state of {a.hidden} values cannot be compared with the two "
            f"directions' {2 * a.hidden}. Set attention='additive', which learns how, or bidirectional=False."
        )
    reads_targets = {f"cycle={a.cycle}": a.cycle, "skip='linear'": a.skip == "linear",
                     "decoder='recurrent'": a.decoder == "recurrent"}  # fmt: skip
    if a.encoder == "recurrent" and a.columns > a.inputs and any(reads_targets.values()):
        what = next(name for name, asked in reads_targets.items() if asked)
        raise ValueError(
            f"{what}: the past of the {a.columns} targets must be among the channels, got {a.inputs} channels."
        )


def _refuse_at_every_step(a: Architecture) -> None:
    """What would show a step of the past what comes after it, or has no output at every step."""
    ahead = "a step would see the steps after it, which it is to forecast"
    given = {
        "bidirectional": (a.bidirectional and not a.of_labels, False, ahead),  # a label may depend on what follows
        "attention": (a.attention, None, ahead),
        "skip": (a.skip, None, "the linear map reads the whole lookback, so " + ahead),
        "segment": (a.segment, 1, "a step of the encoder is a segment, and there is no output within it"),
        "decoder": (a.decoder, "dense", "only the dense decoder works at every step"),
        "cycle": (a.cycle or None, None, "the cycle is put back on one horizon, not on one for every step"),
        "future_size": (a.future_size, 0, "known future is not read"),
    }
    for name, (value, default, why) in given.items():
        if value != default:
            raise ValueError(f"return_sequences=True with {name}={value!r}: {why}. Leave {name} {default!r}.")
    if a.future:
        raise ValueError(
            "return_sequences=True: the windows have known future columns, and those of every step's own horizon are "
            "not read. Make the columns past covariates, moved by the horizon, or set return_sequences=False."
        )
    if a.own:
        raise ValueError(
            f"return_sequences=True: the targets of X are not those of its windows at every step ({a.targets} values). "
            "Leave y out, or pass windows.y_sequences."
        )


def _refuse_carried(a: Architecture) -> None:
    """What a state cannot be carried through."""
    if a.cell in MATRIX_CELLS:
        raise ValueError(
            f"stateful=True: the memory of cell={a.cell!r} is a matrix for each head, which is not carried. Set "
            "another cell."
        )
    if a.series_size or a.static:
        what = f"series_size={a.series_size}" if a.series_size else f"{a.static} static columns"
        raise ValueError(
            f"stateful=True with {what}: new rows bring the channels alone, and nothing says which series they are of. "
            "Leave it out, or set stateful=False."
        )
    if a.dilation:
        raise ValueError(
            f"stateful=True with dilation={a.dilation}: a layer with a dilation has several states, which take turns, "
            "and one is carried. Leave dilation 1."
        )


def _refuse_unfit_stack(a: Architecture) -> None:
    """What concerns the layers that read the past alone."""
    if a.segment > a.steps:
        raise ValueError(f"segment={a.segment}: longer than the lookback of {a.steps} steps.")
    if 1 not in a.dilations:
        raise ValueError(
            f"dilation={a.dilation}: no layer has 1, so a forecast would never read some steps of the past. Give at "
            "least one layer the dilation 1, such as (1, 2, 4)."
        )
    if max(a.dilations) >= max(a.encoder_steps, 2):
        what = "steps" if a.segment == 1 else f"segments of {a.segment} steps"
        raise ValueError(
            f"dilation={a.dilation}: the layers have {a.encoder_steps} {what}, so with a dilation of "
            f"{max(a.dilations)} one would never go on from a state. Lower the dilation, or lengthen the lookback."
        )
    _refuse_unfit_cell(a)
    if a.ragged:
        _refuse_ragged(a)
    if a.layer_norm and a.layers < 2:
        raise ValueError(
            "layer_norm=True: it normalises what one recurrent layer hands to the next, but num_layers=1. Set "
            "num_layers=2 or more, or layer_norm=False."
        )
    # These decoders go on from the states of the top forward layer, to which nothing is added.
    least = first_residual(a) + 1 + (a.decoder in ("segments", "recurrent") and not a.bidirectional)
    if a.residual and a.layers < least:
        raise ValueError(
            f"residual=True: with segment={a.segment}, bidirectional={a.bidirectional} and decoder={a.decoder!r} there "
            f"is a layer to add the input of from num_layers={least} on, but num_layers={a.layers}. Set "
            f"num_layers={least} or more, or residual=False."
        )


def _refuse_ragged(a: Architecture) -> None:
    """What sequences of unequal length cannot go through."""
    if a.cell in MATRIX_CELLS:
        raise ValueError(
            f"cell={a.cell!r} needs sequences of one length: its state is a matrix, which is not kept before a "
            "sequence begins. Set another cell, or cut the sequences."
        )
    if a.bidirectional and a.dilation:
        raise ValueError(
            f"dilation={a.dilation} with bidirectional=True needs sequences of one length, on which it depends where "
            "the reversed chains end. Leave dilation 1, or set bidirectional=False."
        )


def _refuse_unfit_cell(a: Architecture) -> None:
    """What is done to states that are vectors, and what a cell cannot do."""
    if a.cell in MATRIX_CELLS:
        given = {"dilation": max(a.dilations) > 1, "recurrent_dropout": a.recurrent_dropout, "zoneout": a.zoneout}
        for name, is_given in given.items():
            if is_given:
                raise ValueError(
                    f"{name}={getattr(a, name)}: the state of cell={a.cell!r} is a matrix, and {name} is for states "
                    f"that are vectors. Set another cell, or leave {name} out."
                )
        return
    if a.cell in DECAYING_CELLS:
        _refuse_unfit_decay(a)
    cell = a.core_info
    if a.recurrent_dropout and cell["state"][0] == cell["state"][1]:
        raise ValueError(
            f"recurrent_dropout={a.recurrent_dropout}: cell={a.cell_word!r} multiplies its states by no matrix, so "
            "there is nothing to drop. Set recurrent_dropout=0, or use zoneout."
        )
    if a.zoneout and "m" in cell["states"]:
        raise ValueError(
            f"zoneout={a.zoneout}: the states of cell={a.cell_word!r} are stored relative to a running maximum, so a "
            "mean of two of them means nothing. Set zoneout=0, or use recurrent_dropout."
        )


def _refuse_unfit_decay(a: Architecture) -> None:
    """What a state that decays from row to row cannot go with."""
    if a.elapsed is None or not 0 <= a.elapsed < a.inputs or a.inputs < 2:
        raise ValueError(
            f"cell={a.cell!r} with elapsed={a.elapsed}: expected a channel with the time since the row before, next to "
            f"those with values, got {a.inputs} channels. Add it to X, and set n_channels if X is 2-D."
        )
    if a.past_levels and a.past_levels[a.elapsed]:
        raise ValueError(
            f"cell={a.cell!r} with elapsed={a.elapsed}: this channel holds codes of categories; expected the time "
            "since the row before."
        )
    given = {
        "segment": (a.segment, 1, "a step of the encoder is a segment of rows, and states decay from row to row"),
        "dilation": (max(a.dilations), 1, "a step goes on from a state several rows back, not from the row before"),
        "decoder_tied": (a.decoder_tied, False, "the weights of the decay have no place in the decoder"),
    }
    for name, (value, default, why) in given.items():
        if value != default:
            raise ValueError(f"cell={a.cell!r} with {name}={value!r}: {why}. Leave {name} {default!r}.")


def _refuse_of_distribution(a: Architecture) -> None:
    """What is done to the forecast itself, where the outputs are the parameters of a distribution."""
    if a.cycle:
        raise ValueError(
            f"cycle={a.cycle} with loss={a.loss!r}: the cycle is put back on every output, and its outputs are the "
            "parameters of a distribution. Set cycle=None; a calendar, or skip='linear' with 'normal' and 'student_t', "
            "also learns a season."
        )
    if a.centred:
        return
    if a.decoder == "recurrent":
        raise ValueError(
            f"decoder='recurrent' with loss={a.loss!r}: it is fed its first output, which is not yet the mean of the "
            "distribution. Set decoder='steps', 'segments' or 'dense'; or loss='normal' or 'student_t'."
        )
    if a.skip:
        raise ValueError(
            f"skip={a.skip!r} with loss={a.loss!r}: a line goes below 0, and a mean of these targets does not. Set "
            "skip=None; or loss='normal' or 'student_t'."
        )


def _refuse_recurrent(a: Architecture) -> None:
    if a.cycle:
        raise ValueError(
            f"decoder='recurrent' with cycle={a.cycle}: it is fed its own forecasts, and true targets while it is "
            "taught, which would still have the cycle. Set cycle=None, or another decoder."
        )
    if (a.levels > 1 and a.median is None) or (a.loss == "quantile" and 0.5 not in a.loss_parameters):
        raise ValueError(
            f"decoder='recurrent' feeds back the median, which is not among quantile={list(a.loss_parameters)}. Add "
            "the level 0.5, or set another decoder."
        )
