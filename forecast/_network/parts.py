"""Parts of a network by the names that users freeze them by: ranges of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["parts_of"]


def parts_of(layout: Sequence[tuple[str, int, tuple[int, ...]]]) -> dict[str, list[tuple[int, int]]]:
    """Ranges of the weights of every part.

    A part is the text before the first dot of a weight's name, such as "head" or "decoder"; the layers that read the
    past are numbers, and together with the projection of segments they are the "encoder" as well.

    Parameters
    ----------
    layout : list of (name, offset, shape)
        Layout of the compiled network.

    Returns
    -------
    dict of str to list of (offset, size)
        In the order of the weights.

    Examples
    --------
    >>> parts_of([("0.W_h", 0, (2, 1)), ("0.b_h", 2, (2,)), ("head.W", 4, (1, 2))])
    {'encoder': [(0, 2), (2, 2)], '0': [(0, 2), (2, 2)], 'head': [(4, 2)]}
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for name, offset, shape in layout:
        part = name.partition(".")[0]
        names = ["encoder", part] if part.isdecimal() or part == "segment" else [part]
        for one in names:
            found.setdefault(one, []).append((offset, int(np.prod(shape))))
    return found
