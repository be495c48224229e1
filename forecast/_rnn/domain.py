"""What targets a loss takes: losses of counts and of positive numbers refuse other y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._network import LOSSES
from .._refusals import Refusal, argument

if TYPE_CHECKING:
    from .._arrays import Dataset
    from .host import Host

__all__ = ["refuse_beyond"]


def refuse_beyond(model: Host, data: Dataset, name: str = "y") -> None:
    """Refuse targets that the distribution of a loss cannot have.

    Whole numbers are asked for because the spread of a count follows from its mean: of sales in thousands, or of a mean
    over stores, the likelihood would be that of other data.

    Parameters
    ----------
    model : RNNForecaster
    data : Dataset
        Data with targets.
    name : str, default="y"

    Raises
    ------
    ValueError
    """
    kind = LOSSES[model.loss]["target"]
    if kind == "real":
        return
    counts = kind == "counts"
    if data.windows is not None and data.windows.window_norm is not None:
        raise ValueError(
            Refusal(
                f"loss={model.loss!r} is for {'counts' if counts else 'positive targets'} in their own units, and the "
                f"windows have window_norm={data.windows.window_norm!r}, which subtracts a level from them",
                fix=argument("window_norm", None),
            )
        )
    values = np.asarray(data.arguments["target"])
    values = values[~np.isnan(values)]
    low = values.min(initial=np.inf)
    if counts and low < 0:
        raise ValueError(
            Refusal(
                f"loss={model.loss!r} is for counts, and {name} holds {low:g}",
                expected="whole numbers, 0 or more",
                advice="Use loss='normal' or 'student_t'.",
            )
        )
    if counts and (values != np.floor(values)).any():
        first = values[values != np.floor(values)][0]
        raise ValueError(
            Refusal(
                f"loss={model.loss!r} is for counts, and {name} holds {first:g}",
                expected="whole numbers, because the spread of a count follows from its size",
                advice=(
                    "Give the counts themselves, without a transform, or use loss='gamma' (positive numbers) or "
                    "'normal'."
                ),
            )
        )
    if not counts and low <= 0:
        raise ValueError(
            Refusal(
                f"loss={model.loss!r} is for positive targets, and {name} holds {low:g}",
                expected="numbers over 0",
                advice="Use loss='normal' or 'student_t', or, for counts, 'negative_binomial'.",
            )
        )
