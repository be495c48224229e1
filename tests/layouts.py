"""Where each weight of a network is, worked out from its description alone."""

import math


def layout(spec, cells):
    """Name, offset and shape of every weight, in order: layer by layer, then the tables that are looked up.

    Parameters
    ----------
    spec : NetworkSpec
    cells : dict
        The registry of cells: their rows, and which of them the input and the state feed.

    Returns
    -------
    list of (str, int, tuple of int)
    """
    found, offset = [], 0
    tables = [layer for layer in spec.layers if layer.kind in ("lookup", "cycle_off")]
    for layer in [*(layer for layer in spec.layers if layer not in tables), *tables]:
        for name, shape in () if layer.tied else _shapes(layer, spec, cells):
            found.append((name, offset, shape))
            offset += math.prod(shape)
    return found


def _shapes(layer, spec, cells):
    inputs, out = sum(spec.streams[name].width for name in layer.inputs), spec.streams[layer.output]
    if layer.kind == "recurrent":
        rows, h = cells[layer.cell]["rows"], out.width
        (first, end), (first_state, end_state) = cells[layer.cell]["input"], cells[layer.cell]["state"]
        yield from ((f"{layer.name}.W_{row}", (h, inputs)) for row in rows[first:end])
        yield from ((f"{layer.name}.R_{row}", (h, h)) for row in rows[first_state:end_state])
        yield from ((f"{layer.name}.b_{row}", (h,)) for row in rows)
        yield from ((f"{layer.name}.p_{vector}", (h,)) for vector in cells[layer.cell]["vectors"])
    elif layer.kind == "dense":
        if layer.inputs:
            yield f"{layer.name}.W", (out.width, inputs)
        if layer.bias != "none":
            yield f"{layer.name}.b", (out.width,) if layer.bias == "one" else (out.steps, out.width)
    elif layer.kind == "norm":
        yield from ((f"{layer.name}.{name}", (out.width,)) for name in "gb")
    elif layer.kind == "attention_additive":
        yield f"{layer.name}.v", (spec.streams[layer.inputs[0]].width,)
    elif layer.kind == "lookup":
        yield layer.name, (layer.rows, out.width)
    elif layer.kind == "cycle_off":
        yield layer.name, (layer.rows, layer.channels, layer.length)


def n_parameters(spec, cells):
    """Length of the parameter vector."""
    last = layout(spec, cells)[-1]  # the head is always there
    return last[1] + math.prod(last[2])
