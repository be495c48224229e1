"""Ctrl-C during long calls: KeyboardInterrupt within a fifth of a second, and the weights hold whole batches.

The time is that of the processors, for each worker, so that other work on the machine does not count; a call that never
returns ends with its process.
"""

import children
import pytest
import tolerances

INTERRUPT = """
import json, os, signal, sys, threading, time
import numpy as np
from cases import draw_case
from forecast import _core

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with the signal ignored
moments, seed, threads, workers = map(int, sys.argv[1:5])
limit = float(sys.argv[5])
SHAPES = {
    "train": dict(steps=30, hidden=16, batch=64),
    "train on short windows": dict(steps=5, hidden=16, batch=32),
    "train one long batch": dict(steps=20_000, hidden=64, batch=64),
    "train a wide network": dict(steps=200, hidden=1200, batch=64),
    "predict": dict(steps=50, hidden=32, batch=64),
    "predict for some seconds": dict(steps=50, hidden=32, batch=64),
    "predict one window": dict(steps=3_000_000, hidden=64, batch=1),
    "predict one shared window": dict(steps=1_000_000, hidden=270, batch=1),
    "predict a wide network": dict(steps=200, hidden=1200, batch=64),
    "loss": dict(steps=50, hidden=32, batch=64),
    "gradient": dict(steps=50, hidden=64, batch=64),
    "flow": dict(steps=50, hidden=64, batch=64),
    "moments": dict(steps=2000, hidden=2, batch=64),
}

def look(kind):
    rng, shape = np.random.default_rng(seed), SHAPES[kind]
    case = draw_case("lstm", rng, inputs=1, **shape)
    dtype, batch = "float64" if "wide" in kind else "float32", shape["batch"]
    network, start, source = case.core(dtype), case.theta.astype(dtype), case.source()
    arguments = dict(rate=1e-3, clip_norm=1.0, threads=threads)

    def call_on(windows):
        if kind.startswith("train"):
            optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
            network.train(start.copy(), optimizer, source, windows, batch, **arguments)
        elif kind == "moments":
            _core.moments(source, windows)
        else:
            getattr(network, kind.partition(" ")[0])(start, source, windows, threads=threads)

    def enough_windows():
        '''So many that a call is far from its end when the latest signal comes, however quick the processor is.'''
        if kind.startswith("predict one"):
            return case.index  # its length is in its steps
        if "wide" in kind or "long batch" in kind:
            return np.tile(case.index, 4)  # one batch is long enough
        times, seconds = 1, 0.0
        while True:
            begin = time.perf_counter()
            call_on(np.tile(case.index, times))
            seconds = time.perf_counter() - begin
            if seconds > 0.05:
                return np.tile(case.index, 1 + int(times * 8 * between[1] / seconds))
            times *= 4

    between = (0.6, 1.5) if kind == "predict for some seconds" else (0.02, 0.5)  # there, past the first worker's share
    many = enough_windows()

    def train(theta, optimizer, average, windows):
        network.train(
            theta, optimizer, source, windows, batch, average=average, average_decay=0.9, noise=0.1, **arguments
        )

    def interrupted(prepare, delay):
        '''Seconds of a worker from the signal to the exception, once; `prepare` returns the call that is interrupted.

        The clock of the signal starts after it: where memory comes slowly, copies of a wide network take longer than
        the delay, and the signal would come before the call.
        '''
        sent, call = [], prepare()

        def send():
            sent.append(time.process_time())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(delay, send)
        timer.start()
        try:
            call()
        except KeyboardInterrupt:
            return (time.process_time() - sent[0]) / workers
        raise RuntimeError(f"{kind} ended before the signal")

    def answered(prepare, delay):
        '''The least of some tries: other work adds to one now and then, a stretch without a look to all of them.'''
        tries = []
        while not tries or (min(tries) > limit and len(tries) < 4):
            tries.append(interrupted(prepare, delay))
        return min(tries)

    latencies, whole, batches = [], True, []
    for delay in rng.uniform(*between, size=moments):
        if kind.startswith("train"):
            states = []

            def anew():
                optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
                states[:] = start.copy(), optimizer, 0 * start
                return lambda: train(*states, many)

            latencies.append(answered(anew, delay))
            theta, optimizer, average = states
            replayed, fresh, again = start.copy(), _core.Optimizer("adam", dtype, network.n_parameters), 0 * start
            batches.append(optimizer.steps)
            if optimizer.steps:
                train(replayed, fresh, again, many[: batch * optimizer.steps])
            found = theta, optimizer.first, optimizer.second, average
            expected = replayed, fresh.first, fresh.second, again
            whole = whole and all(a.tobytes() == b.tobytes() for a, b in zip(found, expected))
        else:
            latencies.append(answered(lambda: lambda: call_on(many), delay))
        assert np.float32(1e-40) * np.float32(1) != 0, "the control word was put back"
    return latencies, whole, batches

print(json.dumps({kind: look(kind) for kind in sys.argv[6:]}))
"""

KINDS = (
    "train",
    "train on short windows",
    "train one long batch",
    "train a wide network",
    "predict",
    "predict one window",
    "predict one shared window",
    "predict a wide network",
    "loss",
    "gradient",
    "flow",
    "moments",
)
LIMITED = ("train", "predict for some seconds")


def interrupts(kinds, moments, seed, threads=2, workers=2, environment=None):
    """In one process, which takes longer to begin than most calls to be interrupted."""
    arguments = (moments, seed, threads, workers, tolerances.INTERRUPT_SECONDS, *kinds)
    return children.run(INTERRUPT, environment, arguments=arguments, seconds=300)


def assert_interrupts(kind, answer, moments):
    latencies, whole, batches = answer
    assert len(latencies) == moments
    assert max(latencies) <= tolerances.INTERRUPT_SECONDS
    assert whole, "the weights are those after whole batches, and no other"
    if kind in ("train", "train on short windows"):
        assert max(batches) > 0, "the replay compared something"


@pytest.fixture(scope="module")
def answers():
    return interrupts(KINDS, 2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_is_answered_at_once(answers, kind):
    assert_interrupts(kind, answers[kind], 2)


@pytest.fixture(scope="module")
def answers_of_one_thread():
    return interrupts(LIMITED, 2, 3, threads=7, workers=1, environment={"OMP_THREAD_LIMIT": "1"})


@pytest.mark.parametrize("kind", LIMITED)
def test_an_interrupt_is_answered_where_fewer_threads_run_than_were_asked_for(answers_of_one_thread, kind):
    """The system may grant less than `threads`; the thread that does the work looks at the clock."""
    assert_interrupts(kind, answers_of_one_thread[kind], 2)


HANDLER = """
import json, os, signal, threading
import numpy as np
from cases import draw_case

handled = []
signal.signal(signal.SIGINT, lambda number, frame: handled.append(float(np.float32(1e-40) * np.float32(1))))
case = draw_case("gru", np.random.default_rng(1), steps=50, hidden=32, batch=64)
network, theta, source = case.core("float32"), case.theta.astype("float32"), case.source()
expected = network.predict(theta, source, case.index)
many = np.tile(case.index, 2_000)
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
result = network.predict(theta, source, many, threads=2)
during = len(handled)
print(json.dumps([during, handled, result.tobytes() == np.tile(expected, (2_000, 1)).tobytes()]))
"""


def test_a_handler_that_returns_runs_at_once_and_the_call_goes_on():
    """And it finds floating point as it left it."""
    during, handled, sound = children.run(HANDLER)
    assert during == len(handled) == 1
    assert handled[0] != 0.0
    assert sound


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_of_twenty_interrupts_are_answered_at_once(kind):
    assert_interrupts(kind, interrupts([kind], 20, 2)[kind], 20)
