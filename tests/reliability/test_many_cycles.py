"""F27: 300 cycles of fit, predict, save and load, some of them refused or broken off: memory, threads, descriptors."""

import children
import pytest

pytestmark = pytest.mark.reliability

CYCLES = """
import gc, json, os, signal, sys, tempfile, threading
from pathlib import Path
import numpy as np
from forecast import RNNForecaster, load

signal.signal(signal.SIGINT, signal.default_int_handler)
X = np.random.default_rng(0).normal(size=(120, 12))
y, path = X[:, -1], Path(tempfile.mkdtemp()) / "model"
long = np.random.default_rng(0).normal(size=(4000, 64))

def resident():
    return 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

def cycle(i):
    model = RNNForecaster(hidden_size=8, max_iter=2, random_state=0, n_jobs=2).fit(X, y)
    model.save(path)
    load(path).predict(X)
    try:
        model.fit(np.full_like(X, np.nan), y)
    except ValueError:
        pass
    if i % 10 == 0:
        timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        try:
            model.set_params(max_iter=10_000, tol=0, early_stopping=False).fit(long, long[:, -1])
        except KeyboardInterrupt:
            timer.join()

def state():
    gc.collect()
    return [resident(), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))]

for i in range(60):
    cycle(i)
begin, sizes = state(), []
for i in range(300):
    cycle(i)
    sizes.append(resident())
end = state()
slope = float(np.polyfit(np.arange(300), sizes, 1)[0])
print(json.dumps([slope, begin[1:], end[1:]]))
"""


def test_memory_threads_and_descriptors_stay(record_property):
    slope, begin, end = children.run(CYCLES, seconds=900)
    record_property("figure", f"{slope / 1000:.2f} kB a cycle; threads and descriptors {begin} before, {end} after")
    assert begin == end
    assert slope < 4000
