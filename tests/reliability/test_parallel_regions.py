"""F28: one parallel region for many training steps, however long the windows are; and a fit on a busy machine."""

import children
import pytest
from preloaded import library

pytestmark = pytest.mark.reliability

REGIONS = """
import ctypes, json, sys
import numpy as np
from cases import draw_case
from forecast import _core

guests, counts = ctypes.CDLL(sys.argv[1]), {}
for steps in (10, 200):
    case = draw_case("lstm", np.random.default_rng(0), steps=steps, hidden=16, batch=256)
    network, theta, source = case.core("float32"), case.theta.astype("float32"), case.source()
    optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
    for batches in (1, 10):
        before = guests.regions()
        network.train(theta, optimizer, source, np.tile(case.index, batches), 256, rate=0.01, threads=2)
        counts[f"{steps} steps, {batches} batches"] = guests.regions() - before
print(json.dumps(counts))
"""

HOG = """
import json, subprocess, sys, time
import numpy as np
from forecast import RNNForecaster

X = np.random.default_rng(0).normal(size=(4000, 48))
model = RNNForecaster(hidden_size=32, max_iter=4, batch_size=256, random_state=0, n_jobs=2)

def seconds():
    begin = time.perf_counter()
    model.fit(X, X[:, -1])
    return time.perf_counter() - begin

seconds()
alone = sorted(seconds() for _ in range(3))[1]
hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
try:
    busy = sorted(seconds() for _ in range(3))[1]
finally:
    for hog in hogs:
        hog.kill()
        hog.wait()
print(json.dumps(busy / alone))
"""


def test_regions_do_not_grow_with_the_windows(tmp_path, record_property):
    guests = library(tmp_path)
    if guests is None:
        record_property("figure", "not run: needs a C compiler")
        return
    counts = children.run(REGIONS, {"LD_PRELOAD": str(guests)}, 120, [guests])
    assert counts["10 steps, 10 batches"] == counts["200 steps, 10 batches"]
    assert counts["10 steps, 1 batches"] >= 1, "regions are counted"
    assert counts["200 steps, 10 batches"] <= 4 * 10
    record_property("figure", ", ".join(f"{n} in {name}" for name, n in counts.items()))


def test_a_fit_beside_two_busy_processes(record_property):
    ratio = children.run(HOG, seconds=300)
    record_property("figure", f"{ratio:.1f} times as long with two busy processes")
    record_property("over", ratio > 3)
