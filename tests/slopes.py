"""Gradients against those of the oracle, and against slopes: central differences of the loss of either."""

import inspect
import os
import re
import types

import numpy as np
import reference
import reference_attention
import reference_formulas
import reference_gather
import reference_layers
import reference_random
import tolerances
from cases import largest_difference

STEP = tolerances.DIFFERENCES_STEP
DIRECTIONS, COORDINATES = 4, 3  # per tensor of a larger case; each entry is in every direction
FEW = int(os.environ.get("SLOPES", "0"))  # directions of any tensor, if not 0: under a sanitizer each takes long
PARTS = (reference_formulas, reference_attention, reference_gather, reference_layers, reference_random, reference)


def named(network, result):
    """The gradients of a result, tensor by tensor."""
    tensors = {name: result[name] for name in ("past", "extra")}
    tensors |= {f"initial of {layer.name}": d for layer, d in zip(network.starting, result["initial"], strict=True)}
    return network.views(np.asarray(result["theta"])) | tensors


def differences_from(expected, result, network):
    """Tensor -> greatest difference of the largest entry."""
    expected, result = named(network, expected), named(network, result)
    largest = max(np.abs(d).max(initial=0.0) for d in expected.values())
    return {
        name: largest_difference(result[name], expected[name], least_of(expected[name], largest)) for name in expected
    }


def least_of(gradient, largest, dtype="float64"):
    """What a difference is divided by at least.

    A bias that scales all weights of a mean alike has the gradient 0; what is left of it is rounding of `largest`.
    """
    cancelled = np.abs(gradient).max(initial=0.0) <= tolerances.CANCELLED * largest
    return tolerances.CANCELLED_LEAST[dtype] * largest if cancelled else 0.0


def slope(loss, tensor, direction):
    """Of fourth order. `loss` reads `tensor`, which is put back."""
    kept, values = tensor.copy(), []
    for offset in (-2.0, -1.0, 1.0, 2.0):
        tensor[...] = kept + offset * STEP * direction
        values.append(loss())
    tensor[...] = kept
    return (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * STEP)


def assert_slopes(loss, tensors, gradients, rng, every=False, coordinates=COORDINATES):
    """`tensors` are the arrays that `loss` reads. `every`: along each coordinate, else along some and random signs.

    A slope cannot be known more exactly than the loss is rounded, over the step.
    """
    rounding = tolerances.DIFFERENCES_ROUNDINGS * np.finfo(np.float64).eps * abs(loss()) / STEP
    for name, tensor in ((name, tensor) for name, tensor in tensors.items() if tensor.size):
        some = range(tensor.size) if every else rng.choice(tensor.size, min(coordinates, tensor.size), replace=False)
        directions = [np.eye(1, tensor.size, entry).reshape(tensor.shape) for entry in some]
        if not every or FEW:
            signs = rng.choice([-1.0, 1.0], size=(FEW or DIRECTIONS, *tensor.shape)) / np.sqrt(tensor.size)
            directions = list(signs) if FEW else [*directions, *signs]
        gradient = gradients[name]
        wrong = max(abs(slope(loss, tensor, d) - (gradient * d).sum()) for d in directions)
        assert wrong <= tolerances.DIFFERENCES * np.abs(gradient).max() + rounding, name


def own_arrays(arguments):
    """The arguments of a source, with copies of those arrays that slopes are taken along."""
    moved = ("past", "extra", "future", "static")
    return {name: np.array(value) if name in moved else value for name, value in arguments.items()}


def source_tensors(case, arguments, result):
    """What the gradient of a source's own rows is: name -> (array that the source reads, gradient of `result`).

    Of windows that do not overlap. Padding repeats a window's oldest row, which gets the sum of its gradients; a row of
    static values gets that of all windows of its series.
    """
    a, past, extra = arguments, np.array(result["past"]), np.asarray(result["extra"])
    T, block = a["lookback"], a["past_stride"]
    padding = past.shape[1] - T
    past = np.concatenate([past[:, : padding + 1].sum(axis=1, keepdims=True), past[:, padding + 1 :]], axis=1)
    tensors, at = {}, 0

    def place(name, rows, d):
        gradient = np.zeros_like(rows)
        np.add.at(gradient, case.index, d)
        tensors[name] = rows, gradient

    place("past", a["past"].reshape(-1, block, a["past"].shape[1])[:, :T], past)
    if a.get("extra") is not None:
        at = a["extra"].shape[1]
        place("extra", a["extra"], extra[:, :at])
    if a.get("future") is not None:
        columns = a["future"].shape[1]
        rows = a["future"].reshape(-1, block, columns)[:, T : T + a["horizon"]]
        end = at + a["horizon"] * columns
        place("future", rows, extra[:, at:end].reshape(-1, a["horizon"], columns))
        at = end
    if a.get("static") is not None:
        gradient = np.zeros_like(a["static"])
        series = np.searchsorted(a["starts"], case.index * block, side="right") - 1
        np.add.at(gradient, series, extra[:, at:])
        tensors["static"] = a["static"], gradient
    return tensors


def faulty_oracle(words, wrong_words):
    """The oracle with a fault planted into it: a module in which `words`, which occur there once, are `wrong_words`."""
    source = "\n".join(inspect.getsource(part) for part in PARTS)
    assert source.count(words) == 1, source.count(words)
    source = re.sub(r"^from reference_\w+ import .*$", "", source, flags=re.MULTILINE)
    module = types.ModuleType("faulty")
    exec(compile(source.replace(words, wrong_words), "faulty", "exec"), vars(module))
    return module
