"""Which columns hold codes of categories, for a network that looks up a vector for each; and which codes are known."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from .._network import has_codes
from .._refusals import Fix, Refusal
from .._windows.levels import ROLES

if TYPE_CHECKING:
    from typing import Any

    from .._arrays import Dataset
    from .._network import Architecture, Network, Optimizer
    from .._types import Array
    from .host import Host

__all__ = ["levels_of", "refuse_unknown", "with_rows_of_unread_codes"]


def levels_of(model: Host, data: Dataset, fitted: Architecture | None = None) -> dict[str, tuple[int, ...]]:
    """Levels of every column of the past, the known future and the static values.

    Parameters
    ----------
    model : RNNForecaster
    data : Dataset
    fitted : Architecture, default=None
        Architecture of the fit to continue, which has counted the levels.

    Returns
    -------
    dict of str to tuple of int
        Empty where all columns are numbers.

    Raises
    ------
    ValueError
        A column is not there, or does not hold codes.
    """
    of_windows = None if data.windows is None else data.windows.levels
    if of_windows is None and model.categories is None:
        _refuse_without(model)
        return {}
    if of_windows is not None and model.categories is not None:
        raise ValueError(
            Refusal(
                "is given, and the windows name their columns of codes already",
                where="categories",
                expected="one of both",
                fix=Fix("model.set_params(categories=None)", ""),
            )
        )
    counts = {"past": data.n_channels, "future": data.n_future, "static": data.n_static}
    asked: Any = of_windows if model.categories is None else _read(model.categories, counts)
    found: dict[str, tuple[int, ...]] = {}
    for role in ROLES:
        each: list[Any] = list(asked.get(role, ())) or [0] * counts[role]
        for column, levels in enumerate(each):
            if levels == 0:
                continue
            known = 0 if fitted is None else (getattr(fitted, f"{role}_levels") or [0] * counts[role])[column]
            each[column] = _checked(model, data, role, column, levels or known or None)
        found[f"{role}_levels"] = tuple(each)
    return found if any(map(has_codes, found.values())) else {}


def _refuse_without(model: Host) -> None:
    for name, default in (("embedding_size", None), ("category_left_out", 0.05)):
        given = getattr(model, name)
        if given != default:
            raise ValueError(
                Refusal(
                    f"{name}={given!r} is for columns of codes, and there are none: name them in categories, or leave "
                    f"{name} {default!r}"
                )
            )


_EXAMPLE = "{'past': {1: 7}} for channel 1 with the codes 0 to 6, or {'past': {1: None}}, which counts them"


def _read(categories: Any, counts: dict[str, int]) -> dict[str, list[int | None]]:
    """The argument as lists: 0 for a column of numbers, None where the levels are to be counted."""
    if not isinstance(categories, Mapping) or not categories or not all(categories.values()):
        raise ValueError(Refusal(f"categories={categories!r}", expected=f"a dict such as {_EXAMPLE}"))
    found: dict[str, list[int | None]] = {}
    for role, columns in categories.items():
        if role not in ROLES:
            raise ValueError(
                Refusal(
                    f"has the key {role!r}", where="categories", expected=f"'past', 'future' or 'static': {_EXAMPLE}"
                )
            )
        each: list[int | None] = [0] * counts[role]
        pairs: Any = columns.items() if isinstance(columns, Mapping) else ((one, None) for one in columns)
        column: Any
        for column, levels in pairs:
            fits = isinstance(column, Integral) and 0 <= int(column) < counts[role]
            if not fits or not (levels is None or (isinstance(levels, Integral) and int(levels) >= 1)):
                raise ValueError(
                    Refusal(
                        f"has {column!r}: {levels!r} under {role!r}",
                        where="categories",
                        expected=(
                            f"a number of one of its {counts[role]} columns in X, from 0 on, and how many levels it "
                            f"has or None: {_EXAMPLE}"
                        ),
                    )
                )
            each[column] = None if levels is None else int(levels)
        found[role] = each
    return found


def _column(data: Dataset, role: str, column: int) -> Array:
    """All values of a column that windows may read."""
    if role == "past":
        return data.arguments["past"][:, column]
    return getattr(data.windows, role)[:, column]


def _place(data: Dataset, role: str, column: int) -> str:
    """A column in words."""
    if role == "past" and data.windows is not None:
        return f"channel {data.windows.channel_names[column]!r}"
    return f"column {column} of its {role!r} values"


def _checked(model: Host, data: Dataset, role: str, column: int, levels: int | None) -> int:
    """The levels of a column, after a look at its codes."""
    values = np.unique(_column(data, role, column))
    values = values[np.isfinite(values)]  # what windows read is finite, and checked where it is read
    whole = values == np.rint(values)
    least = -1 if model.category_left_out > 0 else 0
    most = np.inf if levels is None else levels - 1
    bad = values[~whole | (values < least) | (values > most)]
    if len(bad):
        to = "" if levels is None else f" to {levels - 1}"
        unknown = " (-1: unknown)" if least == -1 else ""
        raise ValueError(
            Refusal(
                f"{_place(data, role, column)} holds {bad[0]:g}, which is not a code",
                where="X:",
                expected=f"whole numbers from {least}{to}{unknown}, as categories says",
            )
        )
    return int(max(values.max(initial=0.0), 0.0)) + 1 if levels is None else levels


def refuse_unknown(levels_of_roles: dict[str, Any], left_out: float, data: Dataset) -> None:
    """Refuse codes that a network without a vector for unknown ones has no vector for.

    Parameters
    ----------
    levels_of_roles : dict of str to tuple of int
        As `levels_of` has them.
    left_out : float
        Share left out in the fit; above 0 there is such a vector.
    data : Dataset

    Raises
    ------
    ValueError
    """
    for role in ROLES if left_out == 0 else ():
        for column, levels in enumerate(levels_of_roles.get(f"{role}_levels", ())):
            if not levels or (role != "past" and data.windows is None):
                continue
            values = np.unique(_column(data, role, column))
            unknown = values[np.isfinite(values) & ((values < 0) | (values > levels - 1) | (values != np.rint(values)))]
            if len(unknown):
                raise ValueError(
                    Refusal(
                        f"{_place(data, role, column)} holds {unknown[0]:g}",
                        where="X:",
                        expected=(
                            f"the codes 0 to {levels - 1} of the fit, because category_left_out=0 leaves no vector "
                            "for unknown ones"
                        ),
                    )
                )


def with_rows_of_unread_codes(network: Network, optimizer: Optimizer, theta: Array) -> Array:
    """Return weights in which categories that never occurred in training use the vector of unknown categories.

    Parameters
    ----------
    network : Network
    optimizer : _core.Optimizer
        A row that was never stepped has no moments.
    theta : ndarray

    Returns
    -------
    ndarray
    """
    for layer in network.spec.layers:
        if layer.kind != "embedding" or not layer.rate:
            continue
        offset, size = network.group(layer.name)
        part = slice(offset, offset + size)
        moved = optimizer.first[part].reshape(layer.rows, -1).any(axis=1)
        moved |= optimizer.second[part].reshape(layer.rows, -1).any(axis=1)
        table = theta[part].reshape(layer.rows, -1)
        table[~moved] = table[-1]
    return theta
