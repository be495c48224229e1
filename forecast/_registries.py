"""What the compiled core offers, by name. Without NumPy, so that `forecast --help` need not wait for it."""

from . import _core

__all__ = ["ACTIVATED_CELLS", "CELLS", "CELL_WORDS", "ESTIMATOR_CELLS", "LOSSES", "OPTIMIZERS"]

CELLS = _core.CELLS
LOSSES = _core.LOSSES
OPTIMIZERS = _core.OPTIMIZERS
CELL_WORDS = {name: info["estimator"] for name, info in CELLS.items()}  # as the argument `cell` names them
ESTIMATOR_CELLS = tuple(dict.fromkeys(CELL_WORDS.values()))
ACTIVATED_CELLS = tuple(word for word in ESTIMATOR_CELLS if word not in CELLS)  # the argument `activation` chooses
