"""The protocol of Informer, Autoformer, PatchTST and SegRNN: all variables, fixed split by row, every test window.

Variables are scaled by mean and deviation (ddof 0) of the training rows, and errors stay on that scale. Validation
rows are given to `fit` as such; no weight and no scale is fitted on them.
"""

import numpy as np

from . import sources
from .problem import Problem, every_window, single, split
from .scores import Errors

SEASONS = {"ETTh1": 24, "ETTm1": 96, "weather": 144, "exchange": 1, "ILI": 52}
LOADS = {
    "ETTh1": lambda: sources.transformer("ETTh1"),
    "ETTm1": lambda: sources.transformer("ETTm1"),
    "weather": sources.jena_regular,
    "exchange": sources.exchange,
    "ILI": sources.illness,
}


def bounds(name, n):
    """Rows at which training and validation end and at which the test ends."""
    if name == "ETTh1":
        return 8640, 11520, 14400
    if name == "ETTm1":
        return 34560, 46080, 57600
    return int(0.7 * n), n - int(0.2 * n), n


def load(name, horizon):
    """The problem of a set and a horizon."""
    return from_frame(name, LOADS[name](), horizon)


def from_frame(name, frame, horizon):
    """The problem of a frame that has the rows of the set."""
    train, known, end = bounds(name, len(frame))
    frame = frame.iloc[:end]
    frame = (frame - frame.iloc[:train].mean()) / frame.iloc[:train].std(ddof=0)
    frame.columns = [f"variable {number}" for number in range(frame.shape[1])]
    return Problem(
        frame=frame.astype(np.float64),
        part=split(end, train, known),
        target=list(frame.columns),
        horizon=horizon,
        loss="absolute_error",
        mean=True,
        season=SEASONS[name],
        new_score=Errors,
        **single(end, every_window(known, end, horizon)),
    )
