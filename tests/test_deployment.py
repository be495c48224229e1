"""What docs/guide/deployment.md says of MLflow and skops, against the real packages."""

import re
from pathlib import Path

import children
import numpy as np
import pandas as pd
import pytest
from absent import REASON
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_networks import small, table

from forecast import LinearForecaster, RNNClassifier, SeriesForecaster

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "deployment.md").read_text(encoding="utf-8")
SERVED, LOGGED = re.findall(r"^```py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
X, Y = table()

# -------------------- MLflow

BEGIN = """
import json, os, sys, warnings
warnings.simplefilter("ignore")  # MLflow and what it brings warn of their own
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
import numpy as np, pandas as pd
import mlflow, forecast
from forecast import RNNForecaster, SeriesForecaster

days = pd.date_range("2025-01-01", periods=120, freq="D", name="day")
df = pd.DataFrame({"visits": np.sin(np.arange(120) / 3)}, index=days)
network = RNNForecaster(hidden_size=4, max_iter=3, random_state=0)
forecaster = SeriesForecaster(network, target="visits", lookback=14, horizon=3)
"""

SHOWN = """
forecaster.fit(df)
open("served.py", "w").write(sys.argv[1])
exec(sys.argv[2])
run = mlflow.get_run(mlflow.last_active_run().info.run_id)
print(json.dumps([run.data.params["hidden_size"], run.data.metrics["loss"] == forecaster.regressor_.loss_curve_[-1]]))
"""

FLAVOUR = """
forecaster.fit(df)
with mlflow.start_run():
    asked = dict(name="visits", pip_requirements=[])
    logged = mlflow.sklearn.log_model(forecaster, serialization_format="cloudpickle", **asked)
    try:
        mlflow.sklearn.log_model(forecaster, **asked)
        refused = None
    except mlflow.MlflowException as error:  # the default format, which the page says cannot store it
        refused = str(error)
same = mlflow.sklearn.load_model(logged.model_uri).predict().equals(forecaster.predict())
ahead = mlflow.pyfunc.load_model(logged.model_uri).predict(forecaster.future_frame())
print(json.dumps([same, bool(ahead.equals(forecaster.predict())), refused]))
"""

AUTOLOG = """
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
mlflow.sklearn.autolog(log_models=False)
found = []
search = GridSearchCV(forecaster, {"lookback": [7, 14]}, cv=TimeSeriesSplit(2, test_size=3), scoring="r2")
for model, given in ((forecaster, (df,)), (search, (df, df["visits"]))):
    with mlflow.start_run() as run:
        model.fit(*given)
    data = mlflow.get_run(run.info.run_id).data
    found.append([len(data.params), sorted(data.metrics)])
print(json.dumps([found, search.best_score_]))
"""


@pytest.fixture
def mlflow():
    return pytest.importorskip("mlflow", reason=REASON)


@pytest.mark.slow
def test_the_pages_model_is_logged_in_mlflow_and_loaded(mlflow):
    assert children.run(BEGIN + SHOWN, arguments=[SERVED, LOGGED], seconds=300) == ["4", True]


@pytest.mark.slow
def test_mlflows_sklearn_flavour_stores_a_forecaster_with_cloudpickle_alone(mlflow):
    same, ahead, refused = children.run(BEGIN + FLAVOUR, seconds=300)
    assert same
    assert ahead
    assert "skops" in refused


@pytest.mark.slow
def test_mlflows_autolog_logs_searches_and_no_fits_of_ours(mlflow):
    (own, (n_parameters, metrics)), _ = children.run(BEGIN + AUTOLOG, seconds=300)
    assert own == [0, []]
    assert n_parameters > 5
    assert metrics == ["best_cv_score"]


# -------------------- skops

STORED = {
    "RNNForecaster": lambda: small().fit(X, Y),
    "RNNClassifier": lambda: RNNClassifier(hidden_size=4, max_iter=2, random_state=0).fit(X, Y > 0),
    "LinearForecaster": lambda: LinearForecaster().fit(X, Y),
    "pipeline": lambda: make_pipeline(StandardScaler(), small()).fit(X, Y),
}


@pytest.mark.parametrize("name", STORED)
def test_skops_stores_estimators_of_windows_to_the_bit(name):
    import skops.io as skops

    model = STORED[name]()
    data = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=data)
    assert {one.partition(".")[0] for one in trusted} == {"forecast"}
    assert len(trusted) <= 4
    assert np.array_equal(skops.loads(data, trusted=trusted).predict(X), model.predict(X))


def test_skops_does_not_store_a_forecaster_of_series():
    import skops.io as skops

    df = pd.DataFrame({"y": np.sin(np.arange(80) / 3)}, index=pd.date_range("2024-01-01", periods=80, freq="D"))
    model = SeriesForecaster(Ridge(), target="y", lookback=14, horizon=3).fit(df)
    with pytest.raises(TypeError):
        skops.dumps(model)
