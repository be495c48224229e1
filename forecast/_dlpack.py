"""Arrays of other libraries, such as torch tensors: read through DLPack, without a copy."""

from typing import Any

import numpy as np

from ._refusals import Refusal

__all__ = ["as_numpy"]

_CPU = 1, 3, 11, 13  # device types of DLPack whose memory the CPU reads: CPU, and pinned or managed memory of a GPU
_NAMES = {
    2: "a CUDA device", 4: "an OpenCL device", 7: "a Vulkan device", 8: "a Metal device", 10: "a ROCm device",
    14: "a oneAPI device", 15: "a WebGPU device",
}  # fmt: skip
_TO_CPU = {"torch": "{name}.cpu()", "cupy": "{name}.get()", "dpnp": "{name}.asnumpy()", "jax": "jax.device_get({name})"}


def as_numpy(a: Any, name: str) -> Any:
    """An array of another library as one of NumPy; anything else as it is.

    Parameters
    ----------
    a : object
        Arrays with `__dlpack__` are read through it: of the same memory where the library allows that.
    name : str
        Name of the argument in messages.

    Returns
    -------
    ndarray or object

    Raises
    ------
    TypeError
        The array is not in memory of the CPU, or has no counterpart in NumPy.

    Examples
    --------
    >>> numbers = np.arange(3.0)
    >>> as_numpy(numbers, "X") is numbers, as_numpy([1.0], "X")
    (True, [1.0])
    """
    kind = type(a)
    # Arrow's arrays have __dlpack__, but are columns that may have missing values; what has no shape is no array.
    if kind is np.ndarray or not hasattr(kind, "__dlpack__") or not hasattr(a, "shape"):
        return a
    library = kind.__module__.partition(".")[0]
    if isinstance(a, np.ndarray | np.generic):
        return a
    try:
        device = int(a.__dlpack_device__()[0])
        if device in _CPU:
            return np.from_dlpack(a)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:  # each library refuses in its own way
        raise TypeError(
            Refusal(
                f"is a {library} array of {getattr(a, 'dtype', 'an unknown type')}, which NumPy cannot read: {error}",
                where=name,
                expected="a dense array of real numbers without a gradient",
                fix=f"{name} = {name}.detach()" if getattr(a, "requires_grad", False) else None,
            )
        ) from error
    raise TypeError(_elsewhere(a, name, library, device))


def _elsewhere(a: Any, name: str, library: str, device: int) -> Refusal:
    where = getattr(a, "device", None)
    where = _NAMES.get(device, f"a device of type {device}") if where is None else f"device {str(where)!r}"
    move = _TO_CPU.get(library)
    return Refusal(
        f"is a {library} array on {where}",
        where=name,
        expected="one in memory of the CPU",
        advice="Copy it to the CPU first." if move is None else "",
        fix=None if move is None else f"{name} = {move.format(name=name)}",
    )
