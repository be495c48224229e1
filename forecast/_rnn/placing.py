"""Places of windows: which row of the network's tables each of them reads, and its phase in the cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from .._refusals import Fix, Refusal, extended
from .arguments import cycle_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .._arrays import Dataset
    from .._network import Architecture
    from .host import Host

__all__ = ["placed", "placed_for_fit", "reads_names"]


def reads_names(architecture: Architecture) -> bool:
    """Whether a network has something of each series, so that a window has to say which one it is of.

    A cycle of one row is shared by all windows.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    bool
    """
    return architecture.series_size > 0 or architecture.cycle_rows > 1


def placed_for_fit(
    model: Host, data: Dataset, given: Dataset | None, fitted: list[Hashable] | None
) -> tuple[Dataset, Dataset | None, list[Hashable] | None]:
    """Windows to train on and to validate on, each with the row of its series and its phase, as the arguments ask.

    Parameters
    ----------
    model : RNNForecaster
    data : Dataset
    given : Dataset or None
        Dataset of X_val.
    fitted : list or None
        Names of the series of the fit to go on from; a window of another series is one of the unknown series.

    Returns
    -------
    data, given : Dataset
    names : list or None
        Names of the fitted series, in the order of the rows.

    Raises
    ------
    ValueError
        X or X_val does not say what is asked for.
    """
    cycle, shared = cycle_of(model)
    if cycle and data.windows is not None and data.n_outputs % data.windows.horizon:
        raise ValueError(
            Refusal(
                f"y has {data.n_outputs} outputs, which are not horizon * targets of windows with horizon "
                f"{data.windows.horizon}, so that no phase belongs to them",
                where=f"cycle={model.cycle!r}:",
                advice="Pass windows.y, or set cycle=None.",
            )
        )
    if cycle and data.windows is not None and data.windows.elapsed is not None:
        raise ValueError(
            Refusal(
                "rows at irregular times cannot have a cycle, because it needs equal steps",
                where=f"cycle={model.cycle!r}:",
                fix=Fix("model.set_params(cycle=None)", ""),
            )
        )
    names, data = None, _placed(model, data, cycle, None)
    if model.series_size > 0 or (cycle and not shared):
        names = list(data.series_names(model)) if fitted is None else fitted
        data = _placed(model, replace(data, n_series=len(names)), 0, names)
        if model.series_size == 0 and len(names) == 1:
            names = None  # all windows share a cycle of one row, so no name is read
    if given is not None:
        try:
            given = _placed(model, given, cycle, names)
        except ValueError as error:
            raise ValueError(extended(error, "Validation set (X_val, y_val): ")) from error
    return data, given, names


def placed(model: Host, data: Dataset) -> Dataset:
    """Windows for a fitted model, each with the row of its series and its phase, as its network asks.

    Parameters
    ----------
    model : RNNForecaster
        Fitted.
    data : Dataset

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        X does not say what is asked for.
    """
    architecture = model._network.architecture
    return _placed(model, data, architecture.cycle, model._series_names if reads_names(architecture) else None)


def _placed(model: Host, data: Dataset, cycle: int, names: list[Hashable] | None) -> Dataset:
    if not cycle and names is None:
        return data
    series = None if names is None else pd.Index(names, dtype=object, tupleize_cols=False)
    return data.placed(model, series=series, cycle=cycle or None)
