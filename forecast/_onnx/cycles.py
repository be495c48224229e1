"""The learned cycle: subtracted from the past, and added to the outputs."""

import numpy as np

from .._network import Architecture
from .._types import Array
from .graph import Graph

__all__ = ["of_outputs", "off_the_past"]


def off_the_past(g: Graph, a: Architecture, past: str, phase: str, series: str | None, table: Array) -> str:
    """The past (windows, steps, inputs) without the cycle of its targets.

    Parameters
    ----------
    g : Graph
    a : Architecture
    past : str
    phase : str
        Place of each window's oldest row in the cycle, (windows,).
    series : str or None
        Row of each window's series, -1: not known; None where all share one cycle.
    table : ndarray of shape (rows, columns, length)

    Returns
    -------
    str
    """
    padding = a.padded_steps - a.steps
    times = np.maximum(np.arange(a.padded_steps) - padding, 0)
    values = _values(g, times, phase, series, table)
    if a.inputs > a.columns:
        values = g.op("Pad", values, np.array([0, 0, 0, 0, 0, a.inputs - a.columns], np.int64))
    return g.sub(past, values)


def of_outputs(g: Graph, a: Architecture, ratio: Array, phase: str, series: str | None, table: Array) -> str:
    """What is added to the outputs (windows, steps, width) of the head; `ratio` (targets,) takes it to their scale."""
    values = _values(g, a.steps + np.arange(a.horizon_steps), phase, series, table)
    each = g.mul(g.shaped(values, [-1, a.targets]), ratio.astype(g.real))
    wide = g.expand(g.op("Unsqueeze", each, np.array([2], np.int64)), [1, 1, a.levels])
    flat, entries = g.shaped(wide, [-1, a.targets * a.levels]), a.output_steps * a.output_width
    if entries > a.targets * a.levels:  # segments that reach beyond the horizon
        flat = g.op("Pad", flat, np.array([0, 0, 0, entries - a.targets * a.levels], np.int64))
    return g.shaped(flat, [-1, a.output_steps, a.output_width])


def _values(g: Graph, times: Array, phase: str, series: str | None, table: Array) -> str:
    """Of each window at `times` after its oldest row, (windows, times, columns)."""
    rows, columns, length = table.shape
    by_place = np.concatenate([table, np.zeros((1, columns, length), table.dtype)])  # of an unknown series nothing
    by_place = by_place.transpose(0, 2, 1).reshape(-1, columns)
    place = g.op("Unsqueeze", phase, np.array([1], np.int64))
    place = g.op("Mod", g.add(place, times.astype(np.int64)[None]), np.array([length], np.int64))
    if series is not None:
        unknown = g.op("Less", series, np.zeros(1, np.int64))
        row = g.mul(g.op("Where", unknown, np.array([rows], np.int64), series), np.array([length], np.int64))
        place = g.add(place, g.op("Unsqueeze", row, np.array([1], np.int64)))
    return g.gather(by_place, place, 0)
