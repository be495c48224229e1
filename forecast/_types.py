"""Names of types that many signatures share.

Type checkers know pandas only through stubs, which are not required; signatures name its classes all the same.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FrameLike: TypeAlias = Any  # a frame or a series of pandas, or of another library that narwhals reads
Array: TypeAlias = npt.NDArray[Any]  # of any dtype
Floats: TypeAlias = npt.NDArray[np.floating[Any]]  # float32 or float64
Integers: TypeAlias = npt.NDArray[np.integer[Any]]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Callback: TypeAlias = Callable[[dict[str, Any]], bool | None]  # of an epoch; True stops the training
WindowNorm: TypeAlias = str | tuple[str, float] | list[Any] | None  # as `make_windows` takes it
Seed: TypeAlias = int | np.random.RandomState | None
