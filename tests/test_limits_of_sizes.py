"""Sizes that no machine can hold: refused in words, before any memory is taken; and the start of wide networks."""

import json
import re

import children
import numpy as np
import pandas as pd
import pytest
from small_networks import table

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast._memory import available_bytes
from forecast._network import initial

ABSURD = {
    "hidden_size": 10**9,
    "num_layers": 10**6,
    "batch_size": 2**70,
    "n_jobs": 2**40,
    "decoder_size": 2**70,
    "segment": 2**70,
    "dilation": 2**70,
    "heads": 2**70,
    "future_size": 2**70,
    "series_size": 2**70,
    "embedding_size": 2**70,
    "cycle": 2**70,
    "elapsed": 2**70,
    "n_channels": 2**70,
}


DEADLINE = 5  # seconds of processor time for each; a refusal takes milliseconds, and what is not refused may never end
REFUSED = """
import json, resource, signal, sys
from forecast import RNNForecaster
from small_networks import table
X, y = table()
RNNForecaster(hidden_size=2, max_iter=1).fit(X, y)
size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmPeak"))
resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + (1 << 30),) * 2)
def late(*_):
    raise TimeoutError("no answer")
signal.signal(signal.SIGPROF, late)
said = {}
for name, value in json.loads(sys.argv[1]).items():
    signal.setitimer(signal.ITIMER_PROF, float(sys.argv[2]))
    try:
        RNNForecaster(**{name: value}).fit(X, y)
    except Exception as error:  # whatever it is, the test compares its words
        said[name] = f"{type(error).__name__}: {error}"
    signal.setitimer(signal.ITIMER_PROF, 0)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said():
    """What a fit says of each size, in a child process: a size that is not refused would keep this one."""
    return children.run(REFUSED, seconds=300, arguments=(json.dumps(ABSURD), DEADLINE))


@pytest.mark.parametrize("name", sorted(ABSURD))
def test_a_size_that_cannot_be_is_refused_with_the_range(name, said):
    expected = rf"InvalidParameterError: The '{name}' parameter of RNNForecaster must be .*Got {ABSURD[name]} instead"
    assert re.match(expected, said[name])


def test_a_number_without_a_bound_may_be_large():
    """Epochs, steps and patience take no memory."""
    X, y = table()
    stop = dict(callbacks=lambda _: True, hidden_size=2, random_state=0)
    RNNForecaster(max_iter=2**70, max_steps=2**70, n_iter_no_change=2**70, **stop).fit(X, y)


TOO_LARGE = """
import json, resource, sys
from forecast import RNNForecaster
from small_networks import table
arguments, lookback = json.loads(sys.argv[1]), int(sys.argv[2])
X, y = table(lookback=lookback)
RNNForecaster(hidden_size=2, max_iter=1).fit(*table())
size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmPeak"))
resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + (256 << 20),) * 2)  # what is taken in vain shows
try:
    RNNForecaster(**arguments).fit(X, y)
except MemoryError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize("arguments", ['{"hidden_size": 1000000}', '{"hidden_size": 40000, "num_layers": 1000}'])
def test_a_network_beyond_the_memory_is_refused_with_the_number_of_bytes(arguments):
    said = children.run(TOO_LARGE, arguments=(arguments, 6))
    assert "Training this network needs at least" in said
    needed, _, available = (int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", said)[:3])
    assert needed > available > 0


@pytest.mark.parametrize("lookback", [10**6, 10**12, 2**70])
def test_a_lookback_that_no_series_has_is_refused(lookback):
    frame = pd.DataFrame({"load": np.arange(60.0)}, index=pd.date_range("2024-01-01", periods=60))
    with pytest.raises(ValueError, match="lookback"):
        SeriesForecaster(RNNForecaster(), target="load", lookback=lookback, horizon=2).fit(frame)
    with pytest.raises(ValueError, match="lookback"):
        make_windows(frame, target="load", lookback=lookback, horizon=2)


def files_of(folder, **texts):
    paths = {}
    for name, text in texts.items():
        paths[name] = folder / name
        paths[name].write_text(text)
    return paths


def test_what_is_available_is_the_least_of_system_and_container(tmp_path):
    meminfo = "MemTotal: 9 kB\nMemAvailable:   1000 kB\nSwapFree: 24 kB\n"
    p = files_of(tmp_path, meminfo=meminfo, most="100000\n", used="40000\n", free="max\n", odd="many\n")
    nothing = tmp_path / "nothing"
    assert available_bytes(p["meminfo"], []) == 1024 * 1024
    assert available_bytes(p["meminfo"], [(p["most"], p["used"])]) == 60_000
    assert available_bytes(p["meminfo"], [(p["used"], p["most"])]) == 0
    for most in (p["free"], p["odd"], nothing):
        assert available_bytes(p["meminfo"], [(most, p["used"])]) == 1024 * 1024
    assert available_bytes(nothing, [(p["most"], p["used"])]) == 60_000
    assert available_bytes(nothing, []) is None


# -------------------- the start of wide networks


@pytest.mark.parametrize("n", [513, 700, 1024])
def test_recurrent_weights_drawn_in_blocks_are_a_rotation_of_normal_entries(n):
    q = initial._orthogonal(n, np.random.default_rng(0))
    assert np.abs(q @ q.T - np.eye(n)).max() < 1e-12
    scaled = q.ravel() * np.sqrt(n)
    assert abs(scaled.mean()) < 0.01
    assert abs((scaled**4).mean() - 3) < 0.2, "the kurtosis of a normal distribution"


def test_recurrent_weights_of_usual_sizes_are_drawn_in_one_piece():
    for n in (1, 8, 64, 512):
        q, r = np.linalg.qr(np.random.default_rng(1).standard_normal((n, n)))
        drawn = initial._orthogonal(n, np.random.default_rng(1))
        assert drawn.tobytes() == (q * np.sign(np.diag(r))).tobytes()


def test_wide_recurrent_weights_are_never_decomposed_in_one_piece(monkeypatch):
    """That takes n^3 operations, a minute for 2,048 units."""
    sizes, qr = [], np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda a: sizes.append(len(a)) or qr(a))
    initial._orthogonal(2048, np.random.default_rng(0))
    assert max(sizes) == 64
    assert len(sizes) == 3 * 2048 // 64
