"""Refusals of architectures whose parts do not fit together, by the arguments' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._distributions import FAMILIES
from .._refusals import Refusal
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
            Refusal(
                f"cell={a.cell!r} with encoder='dense': it decays from one row of the past to the next, and a vector "
                "has no rows",
                advice=f"Set cell={DECAYING_CELLS[a.cell]!r}.",
            )
        )
    if a.steps > 1:
        raise ValueError(
            Refusal(
                f"encoder='dense' reads one vector for each sample, and these windows have a past of {a.steps} steps",
                advice=(
                    "Set encoder='recurrent'; or pass X of shape (n_samples, n_features), or, to SeriesForecaster, "
                    "lookback=0."
                ),
            )
        )
    if a.decoder not in ("recurrent", "segments"):
        raise ValueError(
            Refusal(
                f"encoder='dense' with decoder={a.decoder!r}: no recurrent layer is left",
                advice=(
                    "Set decoder='recurrent' or 'segments', or encoder='recurrent'; or use a network without them, "
                    "such as scikit-learn's MLPRegressor."
                ),
            )
        )


def _refuse_future_size(a: Architecture) -> None:
    if a.future_size and not a.future:
        raise ValueError(
            Refusal(
                "there is no known future to read",
                where=f"future_size={a.future_size}:",
                advice=(
                    "Pass windows with known future columns (`future_covariates` of make_windows or SeriesForecaster, "
                    "or `calendar` of SeriesForecaster), or set future_size=0."
                ),
            )
        )
    if a.future_size % a.heads:
        raise ValueError(
            Refusal(
                where=f"future_size={a.future_size}",
                expected=f"a multiple of heads={a.heads}, which cut its units as well",
            )
        )


def _refuse_unfit_decoder(a: Architecture) -> None:
    _refuse_future_size(a)
    if a.cell in MATRIX_CELLS and a.decoder in ("segments", "recurrent"):
        raise ValueError(
            Refusal(
                f"decoder={a.decoder!r} begins with the last states of the encoder, and cell={a.cell!r} has a matrix "
                "that it cannot begin with",
                advice="Set another cell, or decoder='steps' or 'dense'.",
            )
        )
    if a.series_size and a.series < 2:
        raise ValueError(
            Refusal(
                f"a vector for each series needs windows of at least 2 series, got {a.series or 'no series'}",
                where=f"series_size={a.series_size}:",
                advice="Set series_size=0.",
            )
        )
    if a.decoder != "dense" and a.own:
        raise ValueError(
            Refusal(
                f"{a.own} of the {a.extra} inputs besides the past belong to no step of the horizon; y is not "
                "(n_windows, horizon * targets) of these windows",
                where=f"decoder={a.decoder!r}:",
                advice="Set decoder='dense'.",
            )
        )
    if a.decoder == "segments" and a.future and a.horizon_steps % a.segment:
        raise ValueError(
            Refusal(
                f"decoder='segments' with known future: the horizon of {a.horizon_steps} steps is not a multiple of "
                f"segment={a.segment}, so the last segment's future is not known",
                advice="Choose a segment that divides it.",
            )
        )
    if a.decoder_tied and a.decoder != "segments":
        raise ValueError(Refusal(f"decoder_tied=True is for decoder='segments', not {a.decoder!r}"))
    if a.decoder == "segments" and a.encoder == "dense" and a.layers > 1:
        raise ValueError(
            Refusal(
                "decoder='segments' is one layer, and encoder='dense' has none",
                where=f"num_layers={a.layers}:",
                advice="Set num_layers=1, or decoder='recurrent'.",
            )
        )
    if a.loss in FAMILIES:
        _refuse_of_distribution(a)
    if a.decoder == "recurrent":
        _refuse_recurrent(a)
    if a.attention == "dot" and a.bidirectional:
        raise ValueError(
            Refusal(
                f"attention='dot' with bidirectional=True: a state of {a.hidden} values cannot be compared with the "
                f"two directions' {2 * a.hidden}",
                advice="Set attention='additive', which learns how, or bidirectional=False.",
            )
        )
    reads_targets = {f"cycle={a.cycle}": a.cycle, "skip='linear'": a.skip == "linear",
                     "decoder='recurrent'": a.decoder == "recurrent"}  # fmt: skip
    if a.encoder == "recurrent" and a.columns > a.inputs and any(reads_targets.values()):
        what = next(name for name, asked in reads_targets.items() if asked)
        raise ValueError(
            Refusal(
                f"the past of the {a.columns} targets must be among the channels, got {a.inputs} channels",
                where=f"{what}:",
            )
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
            raise ValueError(
                Refusal(f"return_sequences=True with {name}={value!r}: {why}", advice=f"Leave {name} {default!r}.")
            )
    if a.future:
        raise ValueError(
            Refusal(
                "the windows have known future columns, and those of every step's own horizon are not read",
                where="return_sequences=True:",
                advice="Make the columns past covariates, moved by the horizon, or set return_sequences=False.",
            )
        )
    if a.own:
        raise ValueError(
            Refusal(
                f"the targets of X are not those of its windows at every step ({a.targets} values)",
                where="return_sequences=True:",
                advice="Leave y out, or pass windows.y_sequences.",
            )
        )


def _refuse_carried(a: Architecture) -> None:
    """What a state cannot be carried through."""
    if a.cell in MATRIX_CELLS:
        raise ValueError(
            Refusal(
                f"the memory of cell={a.cell!r} is a matrix for each head, which is not carried",
                where="stateful=True:",
                advice="Set another cell.",
            )
        )
    if a.series_size or a.static:
        what = f"series_size={a.series_size}" if a.series_size else f"{a.static} static columns"
        raise ValueError(
            Refusal(
                f"stateful=True with {what}: new rows bring the channels alone, and nothing says which series they "
                "are of",
                advice="Leave it out, or set stateful=False.",
            )
        )
    if a.dilation:
        raise ValueError(
            Refusal(
                f"stateful=True with dilation={a.dilation}: a layer with a dilation has several states, which take "
                "turns, and one is carried",
                advice="Leave dilation 1.",
            )
        )


def _refuse_unfit_stack(a: Architecture) -> None:
    """What concerns the layers that read the past alone."""
    if a.segment > a.steps:
        raise ValueError(Refusal(f"longer than the lookback of {a.steps} steps", where=f"segment={a.segment}:"))
    if 1 not in a.dilations:
        raise ValueError(
            Refusal(
                "no layer has 1, so a forecast would never read some steps of the past",
                where=f"dilation={a.dilation}:",
                advice="Give at least one layer the dilation 1, such as (1, 2, 4).",
            )
        )
    if max(a.dilations) >= max(a.encoder_steps, 2):
        what = "steps" if a.segment == 1 else f"segments of {a.segment} steps"
        raise ValueError(
            Refusal(
                f"the layers have {a.encoder_steps} {what}, so with a dilation of {max(a.dilations)} one would never "
                "go on from a state",
                where=f"dilation={a.dilation}:",
                advice="Lower the dilation, or lengthen the lookback.",
            )
        )
    _refuse_unfit_cell(a)
    if a.ragged:
        _refuse_ragged(a)
    if a.layer_norm and a.layers < 2:
        raise ValueError(
            Refusal(
                "it normalises what one recurrent layer hands to the next, but num_layers=1",
                where="layer_norm=True:",
                advice="Set num_layers=2 or more, or layer_norm=False.",
            )
        )
    # These decoders go on from the states of the top forward layer, to which nothing is added.
    least = first_residual(a) + 1 + (a.decoder in ("segments", "recurrent") and not a.bidirectional)
    if a.residual and a.layers < least:
        raise ValueError(
            Refusal(
                f"with segment={a.segment}, bidirectional={a.bidirectional} and decoder={a.decoder!r} there is a "
                f"layer to add the input of from num_layers={least} on, but num_layers={a.layers}",
                where="residual=True:",
                advice=f"Set num_layers={least} or more, or residual=False.",
            )
        )


def _refuse_ragged(a: Architecture) -> None:
    """What sequences of unequal length cannot go through."""
    if a.cell in MATRIX_CELLS:
        raise ValueError(
            Refusal(
                f"cell={a.cell!r} needs sequences of one length: its state is a matrix, which is not kept before a "
                "sequence begins",
                advice="Set another cell, or cut the sequences.",
            )
        )
    if a.bidirectional and a.dilation:
        raise ValueError(
            Refusal(
                f"dilation={a.dilation} with bidirectional=True needs sequences of one length, on which it depends "
                "where the reversed chains end",
                advice="Leave dilation 1, or set bidirectional=False.",
            )
        )


def _refuse_unfit_cell(a: Architecture) -> None:
    """What is done to states that are vectors, and what a cell cannot do."""
    if a.cell in MATRIX_CELLS:
        given = {"dilation": max(a.dilations) > 1, "recurrent_dropout": a.recurrent_dropout, "zoneout": a.zoneout}
        for name, is_given in given.items():
            if is_given:
                raise ValueError(
                    Refusal(
                        f"the state of cell={a.cell!r} is a matrix, and {name} is for states that are vectors",
                        where=f"{name}={getattr(a, name)}:",
                        advice=f"Set another cell, or leave {name} out.",
                    )
                )
        return
    if a.cell in DECAYING_CELLS:
        _refuse_unfit_decay(a)
    cell = a.core_info
    if a.recurrent_dropout and cell["state"][0] == cell["state"][1]:
        raise ValueError(
            Refusal(
                f"cell={a.cell_word!r} multiplies its states by no matrix, so there is nothing to drop",
                where=f"recurrent_dropout={a.recurrent_dropout}:",
                advice="Set recurrent_dropout=0, or use zoneout.",
            )
        )
    if a.zoneout and "m" in cell["states"]:
        raise ValueError(
            Refusal(
                f"the states of cell={a.cell_word!r} are stored relative to a running maximum, so a mean of two of "
                "them means nothing",
                where=f"zoneout={a.zoneout}:",
                advice="Set zoneout=0, or use recurrent_dropout.",
            )
        )


def _refuse_unfit_decay(a: Architecture) -> None:
    """What a state that decays from row to row cannot go with."""
    if a.elapsed is None or not 0 <= a.elapsed < a.inputs or a.inputs < 2:
        raise ValueError(
            Refusal(
                where=f"cell={a.cell!r} with elapsed={a.elapsed}",
                got=f"{a.inputs} channels",
                expected="a channel with the time since the row before, next to those with values",
                advice="Add it to X, and set n_channels if X is 2-D.",
            )
        )
    if a.past_levels and a.past_levels[a.elapsed]:
        raise ValueError(
            Refusal(
                f"cell={a.cell!r} with elapsed={a.elapsed}",
                got="this channel holds codes of categories",
                expected="the time since the row before",
            )
        )
    given = {
        "segment": (a.segment, 1, "a step of the encoder is a segment of rows, and states decay from row to row"),
        "dilation": (max(a.dilations), 1, "a step goes on from a state several rows back, not from the row before"),
        "decoder_tied": (a.decoder_tied, False, "the weights of the decay have no place in the decoder"),
    }
    for name, (value, default, why) in given.items():
        if value != default:
            raise ValueError(
                Refusal(f"cell={a.cell!r} with {name}={value!r}: {why}", advice=f"Leave {name} {default!r}.")
            )


def _refuse_of_distribution(a: Architecture) -> None:
    """What is done to the forecast itself, where the outputs are the parameters of a distribution."""
    if a.cycle:
        raise ValueError(
            Refusal(
                f"cycle={a.cycle} with loss={a.loss!r}: the cycle is put back on every output, and its outputs are "
                "the parameters of a distribution",
                advice=(
                    "Set cycle=None; a calendar, or skip='linear' with 'normal' and 'student_t', also learns a season."
                ),
            )
        )
    if a.centred:
        return
    if a.decoder == "recurrent":
        raise ValueError(
            Refusal(
                f"decoder='recurrent' with loss={a.loss!r}: it is fed its first output, which is not yet the mean of "
                "the distribution",
                advice="Set decoder='steps', 'segments' or 'dense'; or loss='normal' or 'student_t'.",
            )
        )
    if a.skip:
        raise ValueError(
            Refusal(
                f"skip={a.skip!r} with loss={a.loss!r}: a line goes below 0, and a mean of these targets does not",
                advice="Set skip=None; or loss='normal' or 'student_t'.",
            )
        )


def _refuse_recurrent(a: Architecture) -> None:
    if a.cycle:
        raise ValueError(
            Refusal(
                f"decoder='recurrent' with cycle={a.cycle}: it is fed its own forecasts, and true targets while it is "
                "taught, which would still have the cycle",
                advice="Set cycle=None, or another decoder.",
            )
        )
    if (a.levels > 1 and a.median is None) or (a.loss == "quantile" and 0.5 not in a.loss_parameters):
        raise ValueError(
            Refusal(
                f"decoder='recurrent' feeds back the median, which is not among quantile={list(a.loss_parameters)}",
                advice="Add the level 0.5, or set another decoder.",
            )
        )
