"""The pandas pipeline: parallel searches against one thread per worker, and the memory of a large panel.

    python benchmarks/bench_pipeline.py [--sections search panel] [--pairs 5]

search: GridSearchCV(n_jobs=2) over a network with n_jobs=None, as a ratio to the same with n_jobs=1, interleaved; loky
and threading. panel: peak memory of one epoch over 10,000 series of 1,000 steps, over the frame as it was built, in a
fresh process (lookback 24, 16 units; the series named by a categorical column).
"""

import subprocess
import sys
import time

import joblib
import numpy as np
import pandas as pd
from measuring import Report, parser
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from forecast import RNNForecaster, SeriesForecaster

PANEL = """
import sys, time
import numpy as np, pandas as pd
from forecast import RNNForecaster, SeriesForecaster

def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))

n_series, rows = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
hours = pd.date_range("2020-01-01", periods=200, freq="h")
small = pd.DataFrame({"y": np.arange(400, dtype=np.float32), "id": pd.Categorical(["a"] * 200 + ["b"] * 200)},
                     index=hours.append(hours))
options = dict(target="y", series="id", lookback=24, horizon=1, validation_fraction=None)
network = RNNForecaster(hidden_size=16, max_iter=1, random_state=0, batch_size=256)
SeriesForecaster(network, **options).fit(small)  # what imports and warms up
values = rng.standard_normal(n_series * rows, dtype=np.float32)
hours = pd.date_range("2020-01-01", periods=rows, freq="h")
index = pd.DatetimeIndex(np.tile(hours.to_numpy(), n_series))
codes = np.repeat(np.arange(n_series, dtype=np.int16), rows)
ids = pd.Categorical.from_codes(codes, [f"s{i}" for i in range(n_series)])
df = pd.DataFrame({"y": values, "id": ids}, index=index)
del values, index, ids, codes
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = status("VmRSS")
begin = time.perf_counter()
model = SeriesForecaster(network, **options).fit(df)
print(status("VmHWM") - before, time.perf_counter() - begin, model.n_windows_)
"""


def search(report, arguments):
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=2500, freq="h")
    df = pd.DataFrame({"y": np.sin(np.arange(2500) / 5) + 0.1 * rng.normal(size=2500)}, index=hours)
    title = "GridSearchCV(n_jobs=2): 4 candidates, 3 folds"
    report.section(title, ["backend", "seconds, n_jobs=1", "n_jobs=None", "ratio"])

    def run(backend, n_jobs):
        network = RNNForecaster(hidden_size=32, max_iter=3, random_state=0, n_jobs=n_jobs, early_stopping=False)
        model = SeriesForecaster(network, target="y", lookback=48, horizon=24, validation_fraction=None)
        grid = {"regressor__hidden_size": [16, 32], "lookback": [24, 48]}
        with joblib.parallel_backend(backend):
            found = GridSearchCV(model, grid, cv=TimeSeriesSplit(3, test_size=24), n_jobs=2, refit=False)
            found.fit(df, df["y"])
        return found.cv_results_["mean_test_score"]

    for backend in ("loky", "threading"):
        if not np.array_equal(run(backend, 1), run(backend, None)):
            raise SystemExit(f"{backend}: the results differ")
        one, several = [], []
        for _ in range(arguments.pairs):
            for times, n_jobs in ((one, 1), (several, None)):
                begin = time.perf_counter()
                run(backend, n_jobs)
                times.append(time.perf_counter() - begin)
        ratio = np.median(np.array(several) / np.array(one))
        report.row([backend, f"{np.median(one):.2f}", f"{np.median(several):.2f}", f"{ratio:.2f}"])


def panel(report, arguments):
    report.section("A panel, one epoch: memory over the built frame", ["series x steps", "MB", "seconds", "windows"])
    for n_series, rows in ((1_000, 1_000), (10_000, 1_000)):
        command = [sys.executable, "-c", PANEL, str(n_series), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        grown, seconds, windows = done.stdout.split()
        report.row([f"{n_series:,} x {rows:,}", f"{float(grown):.0f}", f"{float(seconds):.1f}", f"{int(windows):,}"])


def main():
    options = parser(__doc__, pairs=5)
    options.add_argument("--sections", nargs="+", default=["search", "panel"], choices=["search", "panel"])
    arguments = options.parse_args()
    report = Report("pipeline", arguments)
    for name in arguments.sections:
        {"search": search, "panel": panel}[name](report, arguments)
    report.close()


if __name__ == "__main__":
    main()
