"""The guide's examples with other packages, each run with the real one; searches and backtests on a Dask cluster."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from absent import REASON
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from test_docs import differing, examples

from forecast import RNNForecaster, SeriesForecaster
from forecast.datasets import make_ar1
from forecast.model_selection import RollingOrigin, backtest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "neighbours.md").read_text(encoding="utf-8")
# What they warn of among themselves, such as pandas' deprecations.
pytestmark = pytest.mark.filterwarnings("default::Warning")


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]


NEEDED = {
    "sktime": lambda: pytest.importorskip("sktime", reason=REASON),
    "Darts": lambda: pytest.importorskip("darts", reason=REASON),
    "mlforecast": lambda: pytest.importorskip("mlforecast", reason=REASON),
    "skforecast": lambda: pytest.importorskip("skforecast", reason=REASON),
    "Dask": lambda: importlib.import_module("distributed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("title", list(NEEDED))
def test_an_example_with_another_package_runs_and_prints_what_the_page_says(title, capsys):
    NEEDED[title]()
    names = {}
    for code, printed in [examples(PAGE)[0], *examples(section(title))]:
        exec(compile(code, "neighbours.md", "exec"), names)
        out = capsys.readouterr().out
        assert printed is None or differing(out, printed) == []


def errors_of(printed):
    return {name: float(error) for name, error in re.findall(r"^([\w ]+?) (\d\.\d\d)$", printed, re.MULTILINE)}


def test_every_package_of_the_page_beats_the_seasonal_naive_forecast():
    found = errors_of("\n".join(printed or "" for _, printed in examples(PAGE)))
    naive = found.pop("seasonal naive")
    assert set(found) == {"sktime", "Darts", "mlforecast", "skforecast"}
    assert max(found.values()) < naive


WITHOUT_SKTIME = """
import sys

class Without:
    def find_spec(name, path=None, target=None):
        if name == "sktime":
            raise ModuleNotFoundError("No module named 'sktime'", name=name)

sys.meta_path.insert(0, Without)
import forecast.sktime
"""


def test_without_sktime_the_import_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_SKTIME], capture_output=True, text=True, check=False)
    assert "ImportError: sktime is not installed. Fix: pip install 'rnn-forecast[sktime]'." in done.stderr


def test_the_package_does_not_import_sktime():
    code = "import sys, forecast; forecast.SeriesForecaster; sys.exit('sktime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def on_dask():
    """A context in which joblib's jobs run on two processes of a Dask cluster."""
    import distributed
    import joblib

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
    ):
        yield lambda: joblib.parallel_config("dask")


@pytest.mark.slow
def test_searches_and_backtests_on_dask_give_the_bits_of_one_process(on_dask):
    df = make_ar1(300, random_state=0)
    network = RNNForecaster(hidden_size=4, max_iter=3, random_state=0)
    model = SeriesForecaster(network, target="y", lookback=12, horizon=3)
    grid = {"regressor__hidden_size": [2, 4], "lookback": [6, 12]}
    cv = TimeSeriesSplit(2, test_size=3)
    search = GridSearchCV(model, grid, cv=cv, scoring="neg_mean_absolute_error")

    def found(n_jobs):
        scores = search.set_params(n_jobs=n_jobs).fit(df, df["y"]).cv_results_["mean_test_score"]
        report = backtest(model, df, RollingOrigin(n_splits=3, horizon=3), n_jobs=n_jobs)
        return scores, report.summary().drop(columns="seconds")

    scores, summary = found(1)
    with on_dask():
        on_cluster = found(2)
    np.testing.assert_array_equal(on_cluster[0], scores)
    pd.testing.assert_frame_equal(on_cluster[1], summary, check_exact=True)


# -------------------- the recipe as a model of the leaderboards


@pytest.fixture
def run_benchmark(tmp_path):
    """Run a script of `benchmarks/` on two short hourly series; its output, without a look at the network."""
    hours = pd.date_range("2026-01-01", periods=400, freq="h", name="timestamp")
    noise = np.random.default_rng(0).normal(size=(400, 2))
    values = 10 * np.sin(2 * np.pi * np.asarray(hours.hour) / 24)[:, None] + noise
    frame = pd.DataFrame(values, index=hours, columns=["a", "b"])
    frame.to_csv(tmp_path / "data.csv")

    def run(script, file, *options):
        if file == "data.parquet":
            frame.reset_index().assign(id="one").to_parquet(tmp_path / file)
        environment = os.environ | {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
        shape = ["--horizon", "24", "--windows", "2", "--season", "24", "--seconds", "5"]
        command = [sys.executable, str(BENCHMARKS / script), str(tmp_path / file), *shape, *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_the_model_of_fev_beats_the_seasonal_naive_forecast_of_a_task(run_benchmark):
    pytest.importorskip("fev", reason=REASON)
    naive, ours = map(json.loads, run_benchmark("fev_model.py", "data.parquet", "--target", "a", "b").splitlines())
    assert (naive["model_name"], ours["model_name"]) == ("seasonal-naive-of-forecast", "rnn-forecast")
    assert ours["SQL"] < ours["MASE"] < naive["MASE"] == pytest.approx(naive["SQL"])


@pytest.mark.slow
def test_the_model_of_gift_eval_beats_the_seasonal_naive_forecast_of_gluonts(run_benchmark):
    pytest.importorskip("gluonts", reason=REASON)
    out = run_benchmark("gift_eval_model.py", "data.csv", "--freq", "h")
    naive, ours = (list(map(float, re.findall(r": ([\d.]+)", line))) for line in out.splitlines())
    assert len(naive) == len(ours) == 2
    assert all(score < other for score, other in zip(ours, naive, strict=True))
