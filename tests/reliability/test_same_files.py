"""F23: byte-identical model files and forecasts, whatever the threads, the process, its environment and the batches."""

import hashlib

import children
import numpy as np
import pytest

from forecast import RNNForecaster

pytestmark = pytest.mark.reliability

FILES = """
import hashlib, json, sys, tempfile
from pathlib import Path
import numpy as np, pandas as pd
from forecast import RNNForecaster, SeriesForecaster

X = np.random.default_rng(0).normal(size=(700, 24))
path, found = Path(tempfile.mkdtemp()) / "model", {}
def hashed(model):
    model.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
for cell in ("rnn", "gru", "lstm"):
    model = RNNForecaster(cell=cell, hidden_size=24, max_iter=3, batch_size=256, dropout=0.2, random_state=0)
    for repeat in range(int(sys.argv[1])):
        model.fit(X, X[:, -1])
        found.setdefault(cell, set()).add((hashed(model), hashlib.sha256(model.predict(X).tobytes()).hexdigest()))
frame = pd.DataFrame({"y": X[:, 0], "z": X[:, 1]}, pd.date_range("2024", periods=700, freq="h", tz="Europe/Berlin"))
model = SeriesForecaster(RNNForecaster(max_iter=1, random_state=0), target="y", lookback=24, horizon=3,
                         past_covariates="z", calendar=["hour"], transform="standard").fit(frame)
found["series"] = {(hashed(model), hashlib.sha256(model.predict().to_numpy().tobytes()).hexdigest())}
print(json.dumps({name: sorted(answers) for name, answers in found.items()}))
"""
ENVIRONMENTS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2"},
    "3 threads": {"OMP_NUM_THREADS": "3"},
    "4 threads": {"OMP_NUM_THREADS": "4"},
    "8 threads on the cores of this machine": {"OMP_NUM_THREADS": "8"},
    "another hash seed": {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"},
    "another zone and language": {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "OMP_NUM_THREADS": "2"},
    "active waiting": {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "3"},
}


@pytest.fixture(scope="module")
def expected():
    """Of twenty repeats in one process."""
    found = children.run(FILES, {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"}, 300, [20])
    assert {name: len(answers) for name, answers in found.items()} == dict.fromkeys(found, 1)
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_files_and_forecasts_have_the_same_bytes(name, expected):
    assert children.run(FILES, ENVIRONMENTS[name], 300, [1]) == expected


def test_any_split_of_a_batch_is_forecast_alike(record_property):
    X = np.random.default_rng(0).normal(size=(257, 24))
    model = RNNForecaster(hidden_size=16, max_iter=1, random_state=0).fit(X, X[:, -1])
    whole, rng = model.predict(X).tobytes(), np.random.default_rng(1)
    for _ in range(100):
        cuts = np.sort(rng.integers(0, 258, size=rng.integers(1, 9)))
        parts = [model.predict(part) for part in np.split(X, cuts) if len(part)]
        assert hashlib.sha256(np.concatenate(parts).tobytes()).digest() == hashlib.sha256(whole).digest()
    record_property("figure", "100 of 100 splits of a batch have the same bits")
