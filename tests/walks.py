"""What a public argument does, as tests see it: a call with it and one without, and the difference between them.

A table of walks has, for every public object, a call, the arguments that it needs, and for each argument a value that
must change what is seen. `test_every_argument.py` compares the tables with the signatures, so that a new argument
without an entry makes it red.
"""

import importlib
import inspect
import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

__all__ = ["IGNORED", "MODULES", "Also", "Each", "Refusal", "Walk", "difference", "public_arguments"]

MODULES = (
    "forecast", "forecast.model_selection", "forecast.metrics", "forecast.baselines", "forecast.datasets",
    "forecast.preprocessing", "forecast.diagnostics", "forecast.plotting", "forecast.distributed",
)  # fmt: skip
IGNORED = object()  # an argument of scikit-learn's protocol, which its docstring says is ignored


class Also:
    """A value that shows itself only where other arguments are as they are here, in both calls.

    Where it is refused for what it holds and not under its name, `says` is what the refusal says.
    """

    def __init__(self, value, says=None, **beside):
        self.value, self.says, self.beside = value, says, beside


class Each(list):
    """Several values, each of which has to change something."""


class Refusal(str):
    """What a call raised."""


@dataclass
class Walk:
    """A call and its arguments.

    Attributes
    ----------
    call : callable
        What is looked at, from the arguments of the public object, and of any more that `base` has.
    base : dict
    changes : dict
        From an argument to its other value, an `Also`, `Each` of several, or IGNORED.
    """

    call: callable
    base: dict
    changes: dict = field(default_factory=dict)

    @cached_property
    def without(self):
        """What is seen of `base` alone."""
        return observed(self.call, self.base)


def difference(walk, name):
    """What each of the values changes: pairs of what is seen without it and with it."""
    given = walk.changes[name]
    for one in given if isinstance(given, Each) else [given]:
        one = one if isinstance(one, Also) else Also(one)
        before = walk.base | one.beside
        without = walk.without if not one.beside else observed(walk.call, before)
        yield one, without, observed(walk.call, before | {name: one.value})


def observed(call, arguments):
    """What a call gives, prints, warns of and refuses, in a form that can be compared."""
    out, err = io.StringIO(), io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(out), redirect_stderr(err):
        warnings.simplefilter("always")
        try:
            result = seen(call(**arguments))
        except (TypeError, ValueError, AttributeError) as error:
            result = Refusal(f"{type(error).__name__}: {error}")
    told = sorted({f"{warning.category.__name__}: {warning.message}" for warning in caught})
    return result, out.getvalue(), err.getvalue(), told


def seen(value):
    """A value as text and numbers."""
    if isinstance(value, pd.DataFrame):
        columns = [seen(value.iloc[:, position].to_numpy()) for position in range(value.shape[1])]
        return [list(map(str, value.columns)), seen(value.index), columns]
    if isinstance(value, pd.Series):
        return [str(value.name), seen(value.index), seen(value.to_numpy())]
    if isinstance(value, pd.Index):
        return [str(value.dtype), str(getattr(value, "freq", None)), str(value.tolist())]
    if isinstance(value, np.ndarray):
        return [value.shape, str(value.tolist())]
    if isinstance(value, dict):
        return {str(key): seen(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [seen(part) for part in value]
    if hasattr(value, "figure_"):
        return picture(value)
    return repr(value)


def picture(display):
    """Everything that a figure draws and says, and where."""
    figure = display.figure_
    found = [len(figure.axes), [text.get_text() for text in figure.texts], figure.get_suptitle()]
    for ax in figure.axes:
        legend = ax.get_legend()
        found.append(
            [
                ax.get_title(), ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale(),
                ax.get_yscale(), [text.get_text() for text in ax.texts],
                None if legend is None else [text.get_text() for text in legend.get_texts()],
                [[line.get_color(), seen(np.asarray(line.get_xydata(), dtype=object))] for line in ax.lines],
                [[patch.get_facecolor(), str(patch.get_path().vertices.tolist())] for patch in ax.patches],
                [seen([part.get_facecolor(), part.get_array(), _corners(part)]) for part in ax.collections],
                [str(np.asarray(image.get_array()).tolist()) for image in ax.images],
                (ax.get_xlim(), ax.get_ylim()),
            ]
        )  # fmt: skip
    return found


def _corners(collection):
    return str([path.vertices.tolist() for path in collection.get_paths()])


def public_arguments():
    """Arguments of all public objects by their names, methods as `Class.method`."""
    found = {}
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            public = getattr(module, name)
            full = name if module.__name__ == "forecast" else f"{module.__name__.partition('.')[2]}.{name}"
            if not inspect.isclass(public):
                found[full] = _names(public)
            elif not issubclass(public, BaseException):
                found |= _of_class(public, full)
    return {name: arguments for name, arguments in found.items() if arguments}


def _of_class(public, full):
    found = {full: _names(public)} if _is_own(public.__init__) else {}
    for name in dir(public):
        if not name.startswith("_") and not isinstance(inspect.getattr_static(public, name), property):
            method = getattr(public, name)
            if callable(method) and _is_own(method):
                found[f"{full}.{name}"] = [argument for argument in _names(method) if argument != "self"]
    return found


def _is_own(function):
    """Whether it is of this package: what comes from scikit-learn has its own tests."""
    return getattr(inspect.unwrap(function), "__module__", "").partition(".")[0] == "forecast"


def _names(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]
