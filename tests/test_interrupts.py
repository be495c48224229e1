"""Ctrl-C during long calls: KeyboardInterrupt within a fifth of a second, and the weights hold whole batches."""

import children
import pytest
import tolerances

INTERRUPT = """
import json, os, signal, sys, threading, time
import numpy as np
from cases import draw_case
from forecast import _core

kind, moments, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
shape = {
    "train": dict(steps=30, hidden=16, batch=64),
    "train one long batch": dict(steps=20_000, hidden=64, batch=64),
    "train a wide network": dict(steps=200, hidden=900, batch=64),
    "predict": dict(steps=50, hidden=32, batch=64),
    "predict one window": dict(steps=3_000_000, hidden=8, batch=1),
    "predict a wide network": dict(steps=200, hidden=900, batch=64),
    "loss": dict(steps=50, hidden=32, batch=64),
    "gradient": dict(steps=50, hidden=64, batch=64),
    "moments": dict(steps=50, hidden=2, batch=64),
}[kind]
case = draw_case("lstm", rng, inputs=1, **shape)
network, start, source = case.core("float32"), case.theta.astype("float32"), case.source()
many = np.tile(case.index, {"train": 40_000, "gradient": 400}.get(kind, 20_000 if shape["batch"] > 1 else 1))
arguments = dict(rate=1e-3, clip_norm=1.0, threads=2)

def train(theta, optimizer, windows):
    network.train(theta, optimizer, source, windows, 64, **arguments)

def interrupted(call, delay):
    '''Seconds from the signal to the exception.'''
    sent = []

    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, send)
    timer.start()
    try:
        call()
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    raise RuntimeError(f"{kind} ended before the signal")

latencies, whole, batches = [], True, []
for delay in rng.uniform(0.02, 0.5, size=moments):
    if kind.startswith("train"):
        theta, optimizer = start.copy(), _core.Optimizer("adam", "float32", network.n_parameters)
        latencies.append(interrupted(lambda: train(theta, optimizer, many), delay))
        replayed, fresh = start.copy(), _core.Optimizer("adam", "float32", network.n_parameters)
        batches.append(optimizer.steps)
        if optimizer.steps:
            train(replayed, fresh, many[: 64 * optimizer.steps])
        states = zip((theta, optimizer.first, optimizer.second), (replayed, fresh.first, fresh.second))
        whole = whole and all(a.tobytes() == b.tobytes() for a, b in states)
    elif kind == "moments":
        latencies.append(interrupted(lambda: _core.moments(source, many), delay))
    else:
        call = getattr(network, kind.partition(" ")[0])
        latencies.append(interrupted(lambda: call(start, source, many, threads=2), delay))
    assert np.float32(1e-40) * np.float32(1) != 0, "the control word was put back"
print(json.dumps([latencies, whole, batches]))
"""

KINDS = (
    "train",
    "train one long batch",
    "train a wide network",
    "predict",
    "predict one window",
    "predict a wide network",
    "loss",
    "gradient",
    "moments",
)


def assert_interrupts(kind, moments, seed):
    latencies, whole, batches = children.run(INTERRUPT, arguments=(kind, moments, seed), seconds=300)
    assert len(latencies) == moments
    assert max(latencies) <= tolerances.INTERRUPT_SECONDS
    assert whole, "the weights are those after whole batches, and no other"
    if kind == "train":
        assert max(batches) > 0, "the replay compared something"


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_is_answered_at_once(kind):
    assert_interrupts(kind, 5, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_of_twenty_interrupts_are_answered_at_once(kind):
    assert_interrupts(kind, 20, 2)
