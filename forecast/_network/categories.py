"""Columns that hold codes of categories: which they are, how long their vectors, and the layers that look them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._refusals import Refusal

if TYPE_CHECKING:
    from .architecture import Architecture
    from .spec import _Draft

__all__ = ["embedding_size", "has_codes", "refuse_codes", "split"]

_LONGEST = 50
_NUMBERS = 1 << 17  # counters of random numbers: above those of recurrent masks


def embedding_size(levels: int) -> int:
    """Length of a vector for a column of categories: half of their number, rounded up, and at most 50.

    Parameters
    ----------
    levels : int

    Returns
    -------
    int

    Examples
    --------
    >>> [embedding_size(levels) for levels in (2, 7, 12, 1000)]
    [1, 4, 6, 50]
    """
    return min(_LONGEST, (levels + 1) // 2)


def has_codes(levels: tuple[int, ...]) -> bool:
    """Whether some column holds codes.

    Parameters
    ----------
    levels : tuple of int
        Number of levels of each column; 0 is a column of numbers.

    Returns
    -------
    bool
    """
    return any(levels)


def split(
    draft: _Draft, architecture: Architecture, role: str, numbers: str, steps: int, first: int, pitch: int
) -> list[str]:
    """Columns as streams, in their order: those that are numbers next to each other as one, vectors of each other one.

    Parameters
    ----------
    draft : draft of a spec
    architecture : Architecture
    role : {"past", "future", "static"}
    numbers : str
        Stream whose entries hold the numbers; codes are read from "past" or "extra" themselves.
    steps, first, pitch : int
        Entry first + s * pitch + c is column c at step s.

    Returns
    -------
    list of str
    """
    a, d = architecture, draft
    levels, of = getattr(a, f"{role}_levels"), "past" if role == "past" else "extra"
    streams, column = [], 0
    while column < len(levels):
        end = column + 1
        if levels[column]:
            code = d.view(f"code.{role}.{column}", of, steps, 1, first + column, pitch)
            streams.append(_looked_up(d, a, f"embedding.{role}.{column}", levels[column], code, steps))
        else:
            while end < len(levels) and not levels[end]:
                end += 1
            streams.append(d.view(f"numbers.{role}.{column}", numbers, steps, end - column, first + column, pitch))
        column = end
    return streams


def _looked_up(d: _Draft, a: Architecture, name: str, levels: int, code: str, steps: int) -> str:
    rate = a.category_left_out
    tables = sum(layer.kind == "embedding" for layer in d.layers)
    return d.layer(
        name, "embedding", [code], steps, a.embedding_size or embedding_size(levels),
        rows=levels + (rate > 0), rate=rate, number=_NUMBERS + tables,
    )  # fmt: skip


def refuse_codes(a: Architecture) -> None:
    """Refuse codes where a number is needed, by the arguments' names.

    Parameters
    ----------
    a : Architecture

    Raises
    ------
    ValueError
    """
    if has_codes(a.past_levels[: a.columns]) and (a.cycle or a.skip == "linear" or a.decoder == "recurrent"):
        what = f"cycle={a.cycle}" if a.cycle else "skip='linear'" if a.skip == "linear" else "decoder='recurrent'"
        raise ValueError(
            Refusal(
                f"{what} reads the first {a.columns} channels as the past of the targets, and some hold codes of "
                "categories",
                expected="covariates alone under categories",
            )
        )
    if has_codes(a.past_levels) and a.skip == "linear-all":
        raise ValueError(
            Refusal(
                "skip='linear-all' is a linear map from all channels, and some hold codes of categories",
                advice="Set skip='linear', which reads the past of the targets.",
            )
        )
