"""F2: several OpenMP runtimes in one process: in any order of imports each library fits, and ours gives its bits."""

import importlib.util
import itertools
import json

import children
import pytest

pytestmark = pytest.mark.reliability

LIBRARIES = ("forecast", "sklearn", "lightgbm", "xgboost")
THERE = [name for name in (*LIBRARIES, "torch") if importlib.util.find_spec(name)]
NEEDS = ", ".join(name for name in (*LIBRARIES, "torch") if name not in THERE)

FITS = """
import hashlib, importlib, json, sys, warnings
import numpy as np
from threadpoolctl import threadpool_info

def openmp():
    return {entry["filepath"] for entry in threadpool_info() if entry["user_api"] == "openmp"}

def of_forecast(X, y):
    from forecast import RNNForecaster
    model = RNNForecaster(hidden_size=8, max_iter=2, batch_size=256, n_jobs=2, random_state=0).fit(X, y)
    return hashlib.sha256(model.predict(X).tobytes()).hexdigest()

def of_sklearn(X, y):
    from sklearn.ensemble import HistGradientBoostingRegressor
    return HistGradientBoostingRegressor(max_iter=3).fit(X, y).score(X, y)

def of_lightgbm(X, y):
    import lightgbm
    return lightgbm.LGBMRegressor(n_estimators=3, n_jobs=2, verbose=-1).fit(X, y).n_features_

def of_xgboost(X, y):
    import xgboost
    return float(xgboost.XGBRegressor(n_estimators=3, n_jobs=2).fit(X, y).predict(X)[0])

def of_torch(X, y):
    import torch
    torch.set_num_threads(2)
    return float(torch.nn.LSTM(8, 8)(torch.ones(64, 64, 8))[0].sum().backward() is None)

grown = 0
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for name in sys.argv[1:]:
        before = openmp()
        importlib.import_module("sklearn.ensemble" if name == "sklearn" else name)
        if name == "forecast":
            from forecast import _core
            grown = len(openmp() - before)
    X = np.random.default_rng(0).normal(size=(2000, 24))
    fitted = {name: globals()["of_" + name](X, X[:, -1]) for name in sys.argv[1:]}
said = [str(w.message) for w in caught if "OpenMP" in str(w.message)]
print(json.dumps([grown, fitted["forecast"], said]))
"""


@pytest.fixture(scope="module")
def bits_alone():
    return children.run(FITS, {"OMP_NUM_THREADS": None}, 120, ["forecast"])[1]


def answer_of(order):
    """Warnings of other libraries are no errors here."""
    script = "import warnings\nwarnings.resetwarnings()\n" + FITS
    done = children.start(script, {"OMP_NUM_THREADS": None}, 120, order)
    assert done.returncode == 0, (order, done.returncode, done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def assert_orders(orders, bits, record_property):
    answers = [answer_of(order) for order in orders]
    assert {found for _, found, _ in answers} == {bits}
    assert [said for *_, said in answers if said] == []
    grown = max(grown for grown, *_ in answers)
    assert grown <= 1
    missing = f"; not run: needs {NEEDS}" if NEEDS else ""
    record_property(
        "figure",
        f"{len(answers)} orders of {', '.join(orders[0])}: 0 crashes, same bits, "
        f"{grown} OpenMP more by our import{missing}",
    )


def test_every_order_of_import_fits(bits_alone, record_property):
    orders = list(itertools.permutations(name for name in LIBRARIES if name in THERE))
    assert_orders(orders, bits_alone, record_property)


@pytest.mark.parametrize("order", [("torch", "forecast"), ("forecast", "torch"), ("lightgbm", "torch", "forecast")])
def test_pytorch_may_come_first_or_last(order, bits_alone, record_property):
    assert_orders([[name for name in order if name in THERE]], bits_alone, record_property)
