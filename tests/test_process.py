"""The core as a guest in a process: instruction sets by environment, forks, the control word, import, peak memory."""

import sys
import threading

import children
import numpy as np
import pytest
import tolerances
from cases import ISAS, draw_case
from control_word import ControlWord
from small_networks import table

from forecast import RNNForecaster, _core

# -------------------- instruction sets

SHOW = "import json; from forecast import _core; print(json.dumps(_core.config()))"


@pytest.mark.parametrize("isa", ISAS)
def test_the_environment_forces_an_instruction_set(isa):
    script = "import json; from cases import draw_case; from forecast import _core; import numpy as np\n"
    script += "network = draw_case('gru', np.random.default_rng(0)).core('float32')\n"
    script += "print(json.dumps([_core.config(), network.isa]))"
    config, used = children.run(script, {"FORECAST_ISA": isa})
    assert config["isa_used"] == used == isa
    assert "FORECAST_ISA" in config["isa_reason"]


def test_an_empty_variable_forces_nothing():
    assert children.run(SHOW, {"FORECAST_ISA": ""})["isa_used"] == children.run(SHOW)["isa_used"]


def test_an_unknown_instruction_set_is_refused_by_name():
    done = children.start(SHOW, {"FORECAST_ISA": "v99"})
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("ImportError")
    assert "FORECAST_ISA=v99" in done.stderr
    assert all(isa in done.stderr for isa in _core.config()["isa_built"]), "it names what there is"


def test_an_instruction_set_that_the_processor_lacks_is_refused_by_name():
    """Where the processor has them all, there is none to refuse, and the unknown name above stands for it."""
    config = _core.config()
    assert set(config["isa_found"]) <= set(config["isa_built"])
    for isa in sorted(set(config["isa_built"]) - set(config["isa_found"])):
        done = children.start(SHOW, {"FORECAST_ISA": isa})
        assert done.returncode == 1, "an ImportError, not an illegal instruction"
        assert f"FORECAST_ISA={isa}" in done.stderr
        assert "processor" in done.stderr
        with pytest.raises(ValueError, match="processor"):
            draw_case("gru", np.random.default_rng(0)).core(isa=isa)


def test_an_unknown_instruction_set_of_a_network_is_refused_by_name():
    with pytest.raises(ValueError, match="v99"):
        draw_case("gru", np.random.default_rng(0)).core(isa="v99")


# -------------------- forks

FORK = """
import hashlib, json, multiprocessing, os, select, signal, sys, threading, time
import numpy as np
from cases import draw_case
from forecast import _core

forks, seconds, busy = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "busy"
case = draw_case("lstm", np.random.default_rng(1), hidden=13, batch=512, steps=20, layers=2)
network, start, source = case.core("float32"), case.theta.astype("float32"), case.source()

def work(threads):
    theta = start.copy()
    optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
    used = network.train(theta, optimizer, source, np.tile(case.index, 3), 512, rate=0.01, threads=threads)["threads"]
    forecast = network.predict(theta, source, case.index, threads=threads)
    return hashlib.sha256(theta.tobytes() + forecast.tobytes()).hexdigest(), used

def pooled(_):
    return work(2)[0]

def forked():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, json.dumps([*work(2), _core.config()["forked"]]).encode())
        finally:
            os._exit(0)
    os.close(write)
    ready, _, _ = select.select([read], [], [], seconds)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    answer = os.read(read, 4096) if ready else b""
    os.close(read)
    return json.loads(answer) if answer else "no answer"

expected, used = work(2)
done = threading.Event()
def keep_training():
    while not done.is_set():
        work(2)
other = threading.Thread(target=keep_training)
if busy:
    other.start()
answers = []
for _ in range(forks):
    time.sleep(0.01 * busy)
    answers.append(forked())
done.set()
if busy:
    other.join()
with multiprocessing.get_context("fork").Pool(2) as pool:
    from_pool = pool.map_async(pooled, range(4)).get(timeout=10 * seconds)
answers_after = work(2)[0]
print(json.dumps([used, answers.count([expected, 1, True]), set(from_pool) | {answers_after} == {expected},
                  [a for a in answers if a != [expected, 1, True]][:3]]))
"""


def assert_forks_finish(forks, mode):
    arguments = forks, tolerances.FORK_SECONDS, mode
    used, sound, pool_is_sound, others = children.run(FORK, arguments=arguments, seconds=60 + 6 * forks)
    assert used == 2
    assert (sound, others) == (forks, [])
    assert pool_is_sound


@pytest.mark.parametrize("mode", ["quiet", "busy"])
def test_a_forked_child_trains_and_predicts_with_one_thread_and_the_same_bits(mode):
    """Busy: while another thread of the parent is inside a training call."""
    assert_forks_finish(10, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["quiet", "busy"])
def test_fifty_of_fifty_forked_children_finish(mode):
    assert_forks_finish(50, mode)


# -------------------- the state of floating point


def every_call(case, threads=2):
    """The bits of all that the core computes."""
    network, theta, source = case.core("float32"), case.theta.astype("float32"), case.source()
    optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
    found = _core.moments(source, case.index)
    loss = network.loss(theta, source, case.index, threads=threads)
    gradient = network.gradient(theta, source, case.index, threads=threads)
    outputs = [network.predict(theta, source, case.index, threads=threads, path=path) for path in ("lanes", "units")]
    network.train(theta, optimizer, source, case.index, 100, rate=0.01, clip_norm=1.0, threads=threads)
    arrays = [theta, optimizer.first, optimizer.second, *found.values(), *outputs, *gradient.values(), loss]
    for name in ("exp", "sigmoid", "tanh"):
        arrays.append(_core.activation(name, np.geomspace(1e-44, 90, 999).astype(np.float32) * -1))
    return b"".join(np.asarray(array).tobytes() for array in arrays)


def vanishing_case():
    """Small weights, saturated gates and long windows, so that gradients fade into denormals, as do some inputs."""
    case = draw_case("lstm", np.random.default_rng(2), hidden=13, batch=200, steps=90)
    past = case.arguments["past"].copy()
    past[::3] *= 1e-42
    case.theta[...] *= 0.3
    return case.with_arguments(past=past)


def test_a_call_leaves_the_control_word_as_it_was():
    before = ControlWord.read()
    every_call(vanishing_case())
    assert ControlWord.read() == before
    assert np.float32(1e-40) * np.float32(1) != 0
    born_after = []
    thread = threading.Thread(target=lambda: born_after.append((ControlWord.read(), np.float32(1e-40) * np.float32(1))))
    thread.start()
    thread.join()
    assert born_after[0][0] == before
    assert born_after[0][1] != 0


def test_bits_do_not_depend_on_the_callers_control_word():
    case, answers = vanishing_case(), {}

    def call(name, flush):
        if flush:
            ControlWord.set_flush()
        before = ControlWord.read()
        answers[name] = every_call(case)
        assert ControlWord.read() == before

    for name, flush in (("as usual", False), ("flushing", True)):  # a thread of its own: the word is the thread's
        thread = threading.Thread(target=call, args=(name, flush))
        thread.start()
        thread.join()
    assert answers["as usual"] == answers["flushing"]


# -------------------- import and memory

IMPORT = """
import json, sys
import numpy, pandas, sklearn.base
before, calls, written = set(sys.modules), [], []

def count(frame, event, _):
    if event == "call" and frame.f_globals.get("__name__", "").split(".")[0] == "forecast":
        calls.append(frame.f_code.co_qualname)

def note(event, arguments):
    if event == "compile" and arguments[1] == "<string>" and b"def " in arguments[0]:
        written.append(arguments[0].decode())

sys.addaudithook(note)
sys.setprofile(count)
import forecast
getattr(forecast, sys.argv[1])
sys.setprofile(None)
print(json.dumps([sorted(set(sys.modules) - before), calls, written]))
"""


@pytest.mark.parametrize("name", ["RNNForecaster", "SeriesForecaster", "RNNClassifier"])
def test_importing_forecast_brings_no_other_package_and_works_out_nothing(name):
    """What decides how long it takes; `benchmarks/bench_import.py` has the seconds, which a busy machine stretches."""
    modules, calls, written = children.run(IMPORT, arguments=[name])
    assert {one.split(".")[0] for one in modules} - set(sys.stdlib_module_names) <= {"forecast", "sklearn"}
    assert "sklearn.preprocessing" not in modules
    assert 0 < len(calls) <= tolerances.CALLS_AT_IMPORT, calls
    assert written == [], "`record` of `_records.py` makes a dataclass without writing functions"


SIDES = """
import json, sys
import forecast
getattr(forecast, sys.argv[1])
before = {name.split(".")[1] for name in sys.modules if name.startswith("forecast.")}
print(json.dumps([sorted(before), forecast.load(sys.argv[2]).loss_curve_]))
"""


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("RNNForecaster", {"_series", "_recipe", "_linear", "plotting", "cli"}),
        ("SeriesForecaster", {"_network", "_training", "_rnn", "_linear", "_recipe", "plotting", "cli"}),
    ],
)
def test_a_forecaster_brings_its_own_side_and_any_file_can_still_be_loaded(name, others, tmp_path):
    network = RNNForecaster(hidden_size=2, max_iter=1, random_state=0).fit(*table())
    network.save(tmp_path / "network")
    brought, curve = children.run(SIDES, arguments=[name, tmp_path / "network"])
    assert set(brought) & others == set()
    assert curve == network.loss_curve_


PEAK = """
import json
import numpy as np
from pathlib import Path

def peak():  # of this very process: ru_maxrss would also remember its parent's, from before the new program began
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

series = np.cumsum(np.random.default_rng(0).normal(size=1_000_000)).astype(np.float32)
"""

TRAIN_PEAK = """
from forecast import _core
from forecast._network import stacked
network = stacked("gru", "float32", steps=168, inputs=1, hidden=4, layers=1, targets=1)
theta = np.full(network.n_parameters, 0.01, dtype=np.float32)
optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
column = series[:, None]
scale = np.array([series.std()], dtype=float)
targets = dict(target=column, horizon=1, target_shift=168)
source = _core.Source(column, lookback=168, **targets, past_scale=scale, target_scale=scale)
order = np.random.default_rng(0).permutation(999_000)[:128_000]
network.train(theta, optimizer, source, order[:64], 64, rate=1e-3, threads=2)
base = peak()
result = network.train(theta, optimizer, source, order, 64, rate=1e-3, threads=2)
print(json.dumps([len(result["losses"]), peak() - base]))
"""

TABLE_PEAK = """
from forecast import _core
from forecast._network import Architecture, compiled, spec_of
rows = 10_000
architecture = Architecture(
    "gru", "float32", 24, 1, 4, 1, 1, horizon=1, series=rows, cycle=168, cycle_rows=rows, loss="absolute_error"
)
network = compiled(spec_of(architecture), "float32")
theta = np.zeros(network.n_parameters, dtype=np.float32)
optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
theta[:] = optimizer.first[:] = optimizer.second[:] = 0  # memory that the system has lent before the peak is taken
column, n = series[:, None], len(series) - 24
where = dict(series_row=np.arange(n) % rows, phase=np.arange(n) % 168)
source = _core.Source(column, lookback=24, target=column, horizon=1, target_shift=24, **where)
order = np.random.default_rng(0).permutation(n)[:512]
network.train(theta.copy(), optimizer, source, order[:4], 2, rate=1e-3, threads=2)  # the team is there
base = peak()
network.train(theta, optimizer, source, order, 256, rate=1e-3, threads=2)
grown = peak() - base
table = theta[-rows * 168 :].reshape(rows, 168)
print(json.dumps([theta.nbytes, int(table.any(axis=1).sum()), len(set(order % rows)), grown]))
"""

FIT_PEAK = """
import pandas as pd
from forecast import RNNForecaster, make_windows
windows = make_windows(pd.DataFrame({"value": series}), target="value", lookback=168, horizon=1)
model = RNNForecaster(cell="gru", hidden_size=4, max_iter=1, batch_size=64, early_stopping=False, random_state=0)
few, many = windows[:64], windows[:128_000]
model.fit(few, few.y)
base = peak()
model.fit(many, many.y)
print(json.dumps([len(many) // 64, peak() - base]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("script", [TRAIN_PEAK, FIT_PEAK], ids=["train", "fit"])
def test_windows_are_never_copied_out_of_a_long_series(script):
    """One epoch of 2,000 batches of 64 windows of 168 steps: written out, these windows alone would be 86 MB."""
    batches, grown = children.run(PEAK + script, seconds=600)
    assert batches == 2000
    assert grown <= tolerances.PEAK_BYTES


def test_a_large_table_is_trained_without_a_copy_of_it():
    """Ten thousand cycles of 168 values: a batch touches 256 rows, and only those have gradients and are stepped."""
    table, stepped, read, grown = children.run(PEAK + TABLE_PEAK)
    assert table > 6e6
    assert stepped == read
    assert grown < table / 2, f"{grown / 1e6:.1f} MB more for weights of {table / 1e6:.1f} MB"
