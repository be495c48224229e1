"""Walks over panels that are read in blocks."""

import os
import tempfile

import numpy as np
import pandas as pd
from walks import Also, Each, Walk

from forecast import ArrayBlocks, FrameBlocks, ParquetBlocks, RNNForecaster, SeriesForecaster

STEPS = 30
VALUES = np.sin(np.arange(STEPS) + np.arange(12.0)[:, None]) + np.arange(12.0)[:, None]


def forecaster(**changes):
    network = RNNForecaster(hidden_size=3, max_iter=1, batch_size=16, skip="linear", random_state=0)
    own = dict(target="y", series="series", time="time", lookback=3, horizon=2, validation_fraction=None)
    return SeriesForecaster(network, **own | changes)


def learnt(blocks):
    """What a forecaster trained on blocks has learned, and what it forecasts."""
    model = forecaster().fit(blocks)
    return model.n_windows_, model.regressor_.weights_, written(model, history=blocks)


def written(model, path="forecasts.parquet", **arguments):
    with tempfile.TemporaryDirectory() as folder:
        count = model.predict_to_parquet(f"{folder}/{path}", **arguments)
        return count, os.listdir(folder), pd.read_parquet(f"{folder}/{path}")


def frame(first, end, rows=STEPS):
    """Some series as a frame; the last of them has fewer rows."""
    days = pd.date_range("2024-01-01", periods=STEPS)
    parts = [pd.DataFrame({"series": number, "time": days, "y": VALUES[number]}) for number in range(first, end)]
    parts[-1] = parts[-1][-rows:]
    return pd.concat(parts, ignore_index=True)


def halves(rows=STEPS, n_blocks=2):
    size = 12 // n_blocks
    return lambda number: frame(size * number, size * (number + 1), rows)


def in_files(path, **more):
    with tempfile.TemporaryDirectory() as folder:
        frame(0, 12).to_parquet(f"{folder}/one.parquet")
        frame(0, 9).to_parquet(f"{folder}/other.parquet")
        return learnt(ParquetBlocks(f"{folder}/{path}", **more))


FITTED = forecaster().fit(FrameBlocks(halves(), 2))
SHORT = FrameBlocks(halves(rows=2), 2)

BLOCKS = {
    "ArrayBlocks": Walk(
        lambda **arguments: learnt(ArrayBlocks(**arguments)),
        dict(values=VALUES, start="2024-01-01", freq="D", block_rows=150),
        {
            "values": VALUES + np.arange(STEPS),
            "columns": Also(["z"], says="the array has no column 'y'"),
            "start": "2025-01-01",
            "freq": "h",
            "names": list("abcdefghijkl"),
            "series": "item",
            "time": "day",
            "block_rows": 60,
            "sample": 2,
        },
    ),
    "FrameBlocks": Walk(
        lambda **arguments: learnt(FrameBlocks(**arguments)),
        dict(make=halves(), n_blocks=2),
        {"make": halves(rows=20), "n_blocks": 1, "sample": 2},
    ),
    "ParquetBlocks": Walk(in_files, dict(path="one.parquet"), {"path": "other.parquet", "block_rows": 90, "sample": 2}),
    "SeriesForecaster.predict_to_parquet": Walk(
        lambda **arguments: written(FITTED, **arguments),
        dict(path="forecasts.parquet", history=FrameBlocks(halves(), 2)),
        {
            "path": "other.parquet",
            "history": FrameBlocks(halves(), 1),
            "n": 1,
            "recursive": Each([Also(True, n=3), Also(False, n=3)]),
            "errors": Also("raise", says="has 2 rows", history=SHORT),
        },
    ),
}
