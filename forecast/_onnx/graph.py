"""A graph of ONNX being written: nodes, constants, and loops over time."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .._types import Array

__all__ = ["Graph", "Operand"]

Operand: TypeAlias = (
    "str | Array | float"  # the name of a value, or a constant; a plain number is as the network computes
)

OPSET, IR_VERSION = 17, 8  # what onnxruntime reads from 1.13 on


class Graph:
    """Nodes in order of computation. Every method adds some and returns the name of their value.

    Parameters
    ----------
    real : type, default=np.float32
        What the network computes in: np.float32 or np.float64.
    outer : Graph, default=None
        The graph around the body of a loop, whose values and constants the body may read.

    Attributes
    ----------
    scope : str
        Prefix of the names of new values, which makes the graph readable.
    """

    def __init__(self, real: type[np.floating[Any]] = np.float32, outer: "Graph | None" = None) -> None:
        import onnx

        self._onnx: Any = onnx
        self.real, self._outer = real, outer
        self._nodes: list[Any] = []
        self._constants: dict[tuple[Any, ...], tuple[str, Array]] = {}
        self._count = 0
        self.scope = ""

    # ---------- names and constants

    def _name(self, kind: str) -> str:
        if self._outer is not None:  # names of a body are unique in the whole graph
            return self._outer._name(kind)
        self._count += 1
        return f"{self.scope}/{kind}_{self._count}" if self.scope else f"{kind}_{self._count}"

    def constant(self, value: Operand) -> str:
        """The name of a constant; equal ones are stored once. A name stays as it is."""
        if isinstance(value, str):
            return value
        if self._outer is not None:
            return self._outer.constant(value)
        array = np.ascontiguousarray(value, dtype=None if isinstance(value, np.ndarray) else self.real)
        array = array.reshape(np.shape(value))  # ascontiguousarray makes a vector of a number
        key = (array.dtype.str, array.shape, array.tobytes() if array.dtype != object else tuple(array.ravel()))
        if key not in self._constants:
            self._constants[key] = self._name("constant"), array
        return self._constants[key][0]

    # ---------- nodes

    def ops(self, kind: str, *inputs: Operand, outputs: int, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        made = [self._name(kind) for _ in range(outputs)]
        names = [self.constant(value) for value in inputs]
        self._nodes.append(self._onnx.helper.make_node(kind, names, made, name=made[0], **attributes))
        return made

    def op(self, kind: str, *inputs: Operand, **attributes: Any) -> str:
        """A node with one output."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def cast(self, x: Operand, dtype: type[np.generic]) -> str:
        return self.op("Cast", x, to=self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def add(self, *terms: Operand) -> str:
        total = terms[0]
        for term in terms[1:]:
            total = self.op("Add", total, term)
        return self.constant(total)

    def sub(self, a: Operand, b: Operand) -> str:
        return self.op("Sub", a, b)

    def mul(self, a: Operand, b: Operand) -> str:
        return self.op("Mul", a, b)

    def matmul(self, a: Operand, b: Operand) -> str:
        return self.op("MatMul", a, b)

    def shaped(self, x: Operand, shape: Sequence[int]) -> str:
        """Reshaped; -1 stands for the number of windows."""
        return self.op("Reshape", x, np.array(shape, np.int64))

    def slice(self, x: Operand, first: int, last: int, axis: int) -> str:
        """The entries from `first` to `last`, without `last`."""
        return self.op("Slice", x, *(np.array([n], np.int64) for n in (first, last, axis)))

    def gather(self, x: Operand, index: Operand, axis: int) -> str:
        return self.op("Gather", x, index, axis=axis)

    def concat(self, parts: Sequence[Operand], axis: int) -> str:
        return self.op("Concat", *parts, axis=axis) if len(parts) > 1 else self.constant(parts[0])

    def expand(self, x: Operand, shape: Sequence[int | str]) -> str:
        """Repeated along axes of length 1. A length is a number, or the name of a value of shape (1,)."""
        lengths = [n if isinstance(n, str) else np.array([n], np.int64) for n in shape]
        return self.op("Expand", x, self.concat(lengths, 0))

    def scan(
        self,
        states: Sequence[str],
        inputs: Sequence[str],
        step: "Callable[[Graph, list[str], list[str]], list[str]]",
    ) -> tuple[list[str], str]:
        """A loop over the first axis of `inputs`.

        Parameters
        ----------
        states : sequence of str
            States before the first step.
        inputs : sequence of str
            Each of shape (steps, ...).
        step : callable
            Function of the body, the states and the inputs of a step; returns the new states. The first is collected.

        Returns
        -------
        last : list of str
            The states after the last step.
        collected : str
            The first state after every step, (steps, ...).
        """
        body, helper = Graph(self.real, self), self._onnx.helper
        before, read = [body._name("state") for _ in states], [body._name("step") for _ in inputs]
        after = [body.op("Identity", state) for state in step(body, before, read)]
        made = [*after, body.op("Identity", after[0])]
        infos = [[self.value_info(name, self.real, None) for name in names] for names in ([*before, *read], made)]
        graph = helper.make_graph(body._nodes, self._name("body"), *infos)
        *last, collected = self.ops(
            "Scan", *states, *inputs, outputs=len(states) + 1, body=graph, num_scan_inputs=len(inputs)
        )
        return last, collected

    # ---------- the whole

    def value_info(self, name: str, dtype: Any, shape: Sequence[int | str] | None) -> Any:
        """The description of an input or an output; a name in a shape is a free length."""
        of = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self._onnx.helper.make_tensor_value_info(name, of, shape)

    def named(self, name: str, value: str) -> None:
        """Give a value the name of an output of the graph."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=name))

    def model(self, inputs: Sequence[Any], outputs: Sequence[Any], notes: dict[str, str]) -> bytes:
        """The bytes of a file.

        Parameters
        ----------
        inputs, outputs : sequences of value infos
        notes : dict of str to str
            Metadata of the model.

        Returns
        -------
        bytes
        """
        helper = self._onnx.helper
        tensors = [self._onnx.numpy_helper.from_array(array, name) for name, array in self._constants.values()]
        graph = helper.make_graph(self._nodes, "forecast", inputs, outputs, tensors)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="forecast"
        )
        helper.set_model_props(model, notes)
        data: bytes = model.SerializeToString(deterministic=True)
        return data
