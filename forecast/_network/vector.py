"""Vector to sequence: layers for an encoder that reads one vector, and for decoders that go on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .architecture import Architecture
    from .spec import _Draft

__all__ = ["encoded_vector", "segments_of_vector", "unrolled"]


def encoded_vector(draft: _Draft, architecture: Architecture, inputs: list[str]) -> str:
    """The vector as the decoder's cell reads it, (1, hidden).

    Parameters
    ----------
    draft : draft of a spec
    architecture : Architecture
    inputs : list of str
        Streams of one step; none: what is learned is the same for all windows.

    Returns
    -------
    str
    """
    d, a = draft, architecture
    return d.layer("encoder", "dense", [d.joined("vector", inputs)] if inputs else [], 1, a.hidden)


def unrolled(
    draft: _Draft, architecture: Architecture, vector: str, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """Layers of the cell that read the vector before the first step of the horizon, and then a step for each.

    They read the vector as in Vinyals et al. (2015), from states of zeros and with the weights of all other steps.

    Parameters
    ----------
    draft, architecture
        As in `encoded_vector`.
    vector : str
    known, encoded : str or None
        The known future as it is, and as a layer of its own has read it.
    series : str or None
        The vector of the series.

    Returns
    -------
    list of str
    """
    d, a = draft, architecture
    states, ahead = _read(d, a, "decoder.{}", vector), _ahead(d, a, [s for s in (known, encoded, series) if s])
    begin = d.layer("decoder.begin", "dense", [], 1, a.columns)
    fed = d.layer("decoder.fed", "feed", [begin], a.output_steps, a.columns, number=a.layers + 3, level=a.median)
    x = d.layer("decoder.input", "dense", [fed], a.output_steps, a.hidden, added=ahead)
    for n, name in enumerate(states):
        x = d.layer(f"{name}.steps", "recurrent", [x], a.output_steps, a.hidden, cell=a.cell, start=name, tied=name)
        x = d.dropped(a, x, a.layers + (4 + n if n + 1 < a.layers else 1), f"{name}.steps.dropout")
    return [x]


def segments_of_vector(
    draft: _Draft, architecture: Architecture, vector: str, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """One step of the cell for each segment of the horizon, each from the states that have read the vector.

    Parameters, returns
        As `unrolled`.
    """
    d, a = draft, architecture
    (name,) = _read(d, a, "decoder", vector)
    w, count = a.segment, a.output_steps
    parts = [d.layer("decoder.positions", "dense", [], count, max(a.hidden // 2, 1), bias="steps")]
    if known:
        parts.append(d.view("known.segments", known, count, w * d.streams[known].width))
    if encoded:
        parts.append(d.view("future.segments", encoded, count, w * d.streams[encoded].width))
    read = d.joined("decoder.read", [*parts, *([series] if series else [])])
    x = d.layer("decoder.input", "dense", [read], count, a.hidden)
    h = d.layer(f"{name}.steps", "recurrent", [x], count, a.hidden, cell=a.cell, start=name, restart=True, tied=name)
    return [d.dropped(a, h, a.layers + 1, f"{name}.steps.dropout")]


def _ahead(d: _Draft, a: Architecture, streams: list[str]) -> str:
    """What is known of every step, as the cell reads it; computed before the loop begins."""
    if not streams:
        return ""
    x = d.joined("decoder.read", streams)
    return d.layer("decoder.ahead", "dense", [x], d.streams[x].steps, a.hidden, bias="none")


def _read(d: _Draft, a: Architecture, name: str, x: str) -> list[str]:
    """Names of the layers that read the vector at the step before the first one, from states of zeros."""
    names = [name.format(n) for n in range(a.layers)]
    for n, layer in enumerate(names):
        x = d.layer(layer, "recurrent", [x], 1, a.hidden, cell=a.cell)
        if n + 1 < a.layers:
            x = d.dropped(a, x, n, f"{layer}.dropout")
    return names
