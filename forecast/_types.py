"""Names of types that many signatures share.

pandas has no types that a checker reads without its stubs, so frames and indexes are written as pandas' own classes.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FrameLike: TypeAlias = Any  # a frame or a series of pandas, or of another library that narwhals reads
Array: TypeAlias = npt.NDArray[Any]  # of any dtype
Floats: TypeAlias = npt.NDArray[np.floating[Any]]  # float32 or float64
Integers: TypeAlias = npt.NDArray[np.integer[Any]]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Seed: TypeAlias = int | np.random.RandomState | None
