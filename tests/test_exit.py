"""The end of a process while a daemon thread is inside the core: it ends as if the thread were not there.

The interpreter ends such a thread where it asks for the lock. Through frames of C++ that would end the whole process.
"""

import children
import pytest

LEAVE = """
import sys, threading, time
import numpy as np
from cases import draw_case
from sklearn.base import clone
from forecast import RNNForecaster, _core

kind, threads, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rng = np.random.default_rng(0)
case = draw_case("lstm", rng, steps=30, hidden=16, batch=64)
network, theta, source = case.core("float32"), case.theta.astype("float32"), case.source()
many = np.tile(case.index, 1 if kind.startswith("short") else 20_000)
X = rng.normal(size=(300, 12))
model = RNNForecaster(hidden_size=8, max_iter=1, n_jobs=threads, random_state=0).fit(X, X[:, 0])

def train():
    optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
    network.train(theta.copy(), optimizer, source, many, 64, rate=1e-3, threads=threads)

CALLS = {
    "short train": train,
    "long train": train,
    "short predict": lambda: network.predict(theta, source, many, threads=threads),
    "long predict": lambda: network.predict(theta, source, many, threads=threads),
    "long moments": lambda: _core.moments(source, many),
    "long gradient": lambda: network.gradient(theta, source, many, threads=threads),
    "fit": lambda: clone(model).set_params(max_iter=100_000, early_stopping=False).fit(X, X[:, 0]),
    "estimator's predict": lambda: model.predict(X),
}

def work():
    while True:
        CALLS[kind]()

for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
time.sleep(pause)
print("left", flush=True)
"""
KINDS = (
    "short train",
    "long train",
    "short predict",
    "long predict",
    "long moments",
    "long gradient",
    "fit",
    "estimator's predict",
)


def assert_ends_well(kind, threads, pause):
    done = children.start(LEAVE, arguments=(kind, threads, pause), seconds=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_ends_well_while_daemon_threads_compute(kind):
    assert_ends_well(kind, 2, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_ten_of_ten_processes_end_well_while_daemon_threads_compute(kind, threads):
    for number in range(10):
        assert_ends_well(kind, threads, 0.1 + 0.013 * number)
