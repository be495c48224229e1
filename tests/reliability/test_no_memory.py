"""F12: the k-th allocation of native code fails, for every k of a fit, predict, save and load: MemoryError each."""

import children
import pytest
from preloaded import library

pytestmark = pytest.mark.reliability

EVERY = """
import ctypes, json, sys, tempfile
from pathlib import Path
import numpy as np
from forecast import RNNForecaster, load

guests = ctypes.CDLL(sys.argv[1])
X = np.random.default_rng(0).normal(size=(60, 8))
y, path = X[:, -1], Path(tempfile.mkdtemp()) / "model"

def fresh():
    return RNNForecaster(hidden_size=4, num_layers=2, max_iter=2, random_state=0, n_jobs=1)

model = fresh().fit(X, y)
expected, n = model.predict(X).tobytes(), {}
model.save(path)
whole = path.read_bytes()

def broken(action, k):
    "What an action ends with where its k-th allocation fails: (exception or None, allocations)."
    guests.fail_allocation(k)
    try:
        action()
        return None
    except MemoryError as error:
        return error
    finally:
        made = guests.allocations()
        guests.fail_allocation(0)
        n["made"] = made

calls = {
    "fit": lambda: model.fit(X, y),
    "predict": lambda: model.predict(X),
    "save": lambda: model.save(path),
    "load": lambda: load(path),
    "first fit": lambda: fresh().fit(X, y),
}
counts, wrong = {}, []
for name, call in calls.items():
    for k in range(1, 100_000):
        error = broken(call, k)
        if n["made"] < k:
            break
        if error is None:
            wrong.append([name, k, "went on"])
        if model.predict(X).tobytes() != expected or path.read_bytes() != whole:
            wrong.append([name, k, "changed"])
    counts[name] = k - 1
print(json.dumps([counts, wrong[:5]]))
"""


def test_every_allocation_that_fails_is_a_memory_error_and_the_model_is_as_before(tmp_path, record_property):
    guests = library(tmp_path)
    if guests is None:
        record_property("figure", "not run: needs a C compiler")
        return
    counts, wrong = children.run(EVERY, {"LD_PRELOAD": str(guests)}, 600, [guests])
    assert wrong == []
    assert counts["fit"] > 10
    assert counts["predict"] > 3
    made = ", ".join(f"{n} in {name}" for name, n in counts.items())
    record_property("figure", f"{made}: MemoryError each, 0 crashes")
