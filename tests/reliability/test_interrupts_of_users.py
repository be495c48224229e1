"""F19: Ctrl-C at random moments of what users call, fifty of each: an exception at once, and the object as before."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import children
import numpy as np
import pandas as pd
import pytest
import tolerances

pytestmark = pytest.mark.reliability
MOMENTS = 50

CALLS = """
import json, os, signal, sys, tempfile, threading, time, warnings
from pathlib import Path
import numpy as np, pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest

signal.signal(signal.SIGINT, signal.default_int_handler)
warnings.simplefilter("ignore")  # of short fits
kind, moments = sys.argv[1], int(sys.argv[2])
rng, path = np.random.default_rng(0), Path(tempfile.mkdtemp()) / "model"
long = np.random.default_rng(1).normal(size=(20_000, 48))
hours = pd.date_range("2024-01-01", periods=700, freq="h")
df = pd.DataFrame({"y": np.sin(np.arange(700) / 4) + rng.normal(size=700) / 9}, hours)
network = RNNForecaster(hidden_size=24, max_iter=400, tol=0, early_stopping=False, random_state=0)
series = SeriesForecaster(network, target="y", lookback=48, horizon=4)
small = SeriesForecaster(RNNForecaster(hidden_size=24, max_iter=1, random_state=0), target="y", lookback=48, horizon=4)

if kind in ("fit", "predict", "search"):
    model = RNNForecaster(hidden_size=24, max_iter=1, random_state=0).fit(long[:500], long[:500, -1])
    before = model.predict(long[:100])
else:
    model = small.fit(df[:600])
    before = model.predict().to_numpy()

def fit():
    model.set_params(max_iter=400, tol=0, early_stopping=False).fit(long, long[:, -1])

def update():
    model.set_params(regressor__max_iter=50_000)  # a fifth of them
    model.update(df[600:], refit="continue")

calls = {
    "fit": fit,
    "predict": lambda: [model.predict(long) for _ in range(1000)],
    "search": lambda: GridSearchCV(model, {"max_iter": [300, 400]}, cv=2).fit(long, long[:, -1]),
    "backtest": lambda: backtest(series, df, RollingOrigin(4, 4)),
    "update": update,
}

def saved():
    if isinstance(model, RNNForecaster):
        model.set_params(max_iter=1, tol=1e-4, early_stopping="auto")
    else:
        model.set_params(regressor__max_iter=1)
    model.save(path)
    return path.read_bytes()

whole, latencies, same = saved(), [], 0
for delay in rng.uniform(0.02, 0.4, size=moments):
    sent = []
    def send():
        sent.append((time.process_time(), time.perf_counter()))
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(delay, send).start()
    try:
        calls[kind]()
        raise SystemExit(f"{kind} ended before the signal")
    except KeyboardInterrupt:
        latencies.append([time.process_time() - sent[0][0], time.perf_counter() - sent[0][1]])
    after = model.predict(long[:100]) if isinstance(model, RNNForecaster) else model.predict().to_numpy()
    same += saved() == whole and after.tobytes() == before.tobytes()
print(json.dumps([latencies, same]))
"""


@pytest.mark.parametrize("kind", ["fit", "predict", "search", "backtest", "update"])
def test_an_interrupt_is_answered_and_the_object_is_as_before(kind, record_property):
    latencies, same = children.run(CALLS, {"OMP_NUM_THREADS": "1"}, 600, (kind, MOMENTS))
    assert (len(latencies), same) == (MOMENTS, MOMENTS)
    working, waiting = (max(part) for part in zip(*latencies, strict=True))
    record_property(
        "figure",
        f"{kind}: {MOMENTS} of {MOMENTS}, at most {1000 * working:.0f} ms of a processor, "
        f"{1000 * waiting:.0f} ms by the clock",
    )
    record_property("over", waiting > tolerances.INTERRUPT_SECONDS)
    assert working <= tolerances.INTERRUPT_SECONDS


def interrupted_command(folder, delay):
    """Exit code, and seconds from the signal to the end, of a fit by the command line."""
    hours = pd.date_range("2020-01-01", periods=20_000, freq="h", name="time")  # more than six seconds of work
    noise = np.random.default_rng(0).normal(size=len(hours))
    pd.DataFrame({"y": hours.hour + noise}, hours).to_csv(Path(folder) / "data.csv")
    options = ["--target", "y", "--horizon", "4", "-o", "model"]
    command = [sys.executable, "-m", "forecast", "fit", "data.csv", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    begin = time.perf_counter()
    os.kill(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    return process.returncode, time.perf_counter() - begin, said, sorted(os.listdir(folder))


def test_the_command_line_ends_with_130_and_leaves_no_file(record_property):
    draw, seconds = random.Random(0), []
    for _ in range(MOMENTS):
        with tempfile.TemporaryDirectory() as folder:
            code, took, said, files = interrupted_command(folder, draw.uniform(3, 6))
        assert code == 130, said
        assert "Traceback" not in said
        assert files == ["data.csv"]
        seconds.append(took)
    slow = sorted(seconds)
    record_property(
        "figure",
        f"command line: {MOMENTS} of {MOMENTS}, exit code 130 and no file; "
        f"median {1000 * slow[MOMENTS // 2]:.0f} ms, most {1000 * slow[-1]:.0f} ms to the end",
    )
    record_property("over", slow[-1] > tolerances.INTERRUPT_SECONDS)
