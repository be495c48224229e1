"""F7 and F8: the state of floating point of OpenMP's own threads, and values too small to be normal."""

import ctypes

import numpy as np
import pytest
from cases import draw_case
from control_word import ControlWord
from test_process import every_call, vanishing_case
from threadpoolctl import threadpool_info

from forecast import _core

pytestmark = pytest.mark.reliability
WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def words_of_the_pool(threads):
    """The control word of each thread that OpenMP keeps for this one: its next region is run by the same ones."""
    paths = [entry["filepath"] for entry in threadpool_info() if entry["internal_api"] == "openmp"]
    found = []
    for path in paths:
        runtime = ctypes.CDLL(path)
        work = WORK(lambda _: found.append(ControlWord.read()))
        runtime.GOMP_parallel(work, None, threads, 0)
    return paths, found


def test_a_call_leaves_the_control_word_of_every_thread_of_the_pool(record_property):
    before = ControlWord.read()
    every_call(vanishing_case(), threads=4)
    paths, found = words_of_the_pool(4)
    if _core.config()["openmp"]:
        assert len(found) == 4 * len(paths) > 0
    assert set(found) <= {before}
    record_property("figure", f"{len(found)} threads of {len(paths)} pools as before")


def subnormal(array):
    """How many values are neither 0 nor normal."""
    array = np.asarray(array)
    return int(((array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)).sum())


def arrays_of(answer):
    if isinstance(answer, dict):
        answer = list(answer.values())
    return [a for part in answer for a in arrays_of(part)] if isinstance(answer, list) else [np.asarray(answer)]


def small_values(case):
    """In states, outputs and gradients of a network, in single precision."""
    network, theta, source = case.core("float32"), case.theta.astype("float32"), case.source()
    given = network.gradient(theta, source, case.index), network.activity(theta, source, case.index)
    arrays = [array for answer in given for array in arrays_of(answer) if array.dtype == np.float32]
    assert all(np.isfinite(array).all() for array in arrays)
    return sum(map(subnormal, arrays))


def test_no_state_and_no_gradient_is_subnormal(record_property):
    """The case of saturated gates that made another library twenty times as slow, and fifty random ones like it."""
    saturated = draw_case("lstm", np.random.default_rng(0), steps=1000, hidden=16, batch=4, inputs=4)
    saturated.theta[...] = -0.1
    cases = [saturated.with_arguments(past=np.full_like(saturated.arguments["past"], -0.1))]
    for seed in range(50):
        rng = np.random.default_rng(seed)
        cell, steps = ["lstm", "gru", "rnn_tanh"][seed % 3], int(rng.integers(50, 300))
        case = draw_case(cell, rng, steps=steps, hidden=8, batch=4)
        case.theta[...] *= rng.uniform(0.01, 30)
        cases.append(case)
    counts = [small_values(case) for case in cases]
    assert counts == [0] * 51
    record_property("figure", "0 subnormal values in states and gradients of 51 networks")
