"""Random numbers of a call, apart from NumPy's global ones."""

import numpy as np

from ._types import Seed

__all__ = ["generator"]


def generator(random_state: Seed | np.random.Generator) -> np.random.Generator:
    """A generator of a call.

    Parameters
    ----------
    random_state : int, RandomState instance, Generator or None
        The same whole number gives the same random numbers; a RandomState or Generator goes on; None: fresh ones.

    Returns
    -------
    numpy.random.Generator
    """
    seed = random_state.randint(2**31) if isinstance(random_state, np.random.RandomState) else random_state
    return np.random.default_rng(seed)
