"""What the compiled core offers, by name. Without NumPy, so that `forecast --help` need not wait for it."""

from . import _core

__all__ = ["ACTIVATED_CELLS", "CELLS", "CELL_WORDS", "DECAYING_CELLS", "ESTIMATOR_CELLS", "EVERY_LOSS", "LABEL_LOSSES",
           "LOSSES", "MATRIX_CELLS", "MOST_OUTPUTS", "OPTIMIZERS"]  # fmt: skip

CELLS = _core.CELLS
EVERY_LOSS = _core.LOSSES
LABEL_LOSSES = {name: info for name, info in EVERY_LOSS.items() if info["target"] == "labels"}
LOSSES = {name: info for name, info in EVERY_LOSS.items() if name not in LABEL_LOSSES}  # of targets that are numbers
MOST_OUTPUTS = _core.MOST_OUTPUTS
OPTIMIZERS = _core.OPTIMIZERS
MATRIX_CELLS = ("mlstm",)  # choices of the argument `cell` that are layers of their own in the core
DECAYING_CELLS = {"gru_decay": "gru"}  # ... that decay the states of a cell between steps
CELL_WORDS = {name: info["estimator"] for name, info in CELLS.items()}  # as the argument `cell` names them
ACTIVATED_CELLS = tuple(word for word in dict.fromkeys(CELL_WORDS.values()) if word not in CELLS)  # by `activation`
CELL_WORDS |= {kind: kind for kind in (*MATRIX_CELLS, *DECAYING_CELLS)}
ESTIMATOR_CELLS = tuple(dict.fromkeys(CELL_WORDS.values()))
