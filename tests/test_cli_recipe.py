"""The `forecast` command without an option of the network: the recipe, with the numbers of Python."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import csv, runner
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast.cli import command
from forecast.cli.planning import planned, read_data
from forecast.model_selection import RollingOrigin, backtest

SALES = ("sales.csv", "--target", "sold", "--horizon", "6")


@pytest.fixture(scope="module")
def df():
    """Sixty months: few enough that a recipe takes half a second."""
    months = pd.date_range("2019-01-01", periods=60, freq="MS", name="when")
    noise = np.random.default_rng(0).normal(size=60)
    table = pd.DataFrame({"sold": (100 + 20 * np.sin(np.arange(60) * np.pi / 6) + noise).round(3)}, index=months)
    return pd.read_csv(io.StringIO(table.to_csv()), parse_dates=["when"], index_col="when")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, df):
    df.to_csv(tmp_path / "sales.csv")
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def model(run):
    assert run("fit", *SALES, "-o", "m.forecast")[0] == 0
    return "m.forecast"


def settings(*options):
    """The forecaster that `fit` would train, and its regressor."""
    arguments = command._parser().parse_args(["fit", *SALES, *options, "-o", "m.forecast"])
    found, _ = planned(arguments, read_data(arguments))
    return found, found.regressor


def test_fit_and_predict_give_what_python_gives_to_the_bit(run, df, tmp_path):
    code, out, err = run("fit", *SALES, "-o", "m.forecast")
    assert (code, err) == (0, "")
    python = SeriesForecaster(target="sold", horizon=6, random_state=0).fit(df)
    python.save(tmp_path / "python.forecast")
    assert Path("m.forecast").read_bytes() == (tmp_path / "python.forecast").read_bytes()
    table = csv(run("predict", "m.forecast")[1])
    assert table["sold"].tolist() == python.predict()["sold"].tolist()
    assert "Model      recipe, which chooses from the data; horizon 6, seed 0\n" in out
    shares = ", ".join(f"{name} {one['weight']:.0%}" for name, one in python.recipe_["members"].items())
    assert f"windows, chosen: {shares}, " in out
    assert re.search(rf"^recipe +{python.report_.table['MAE'].iloc[0]:.4f} ", out, re.MULTILINE)


def test_progress_goes_to_stderr_and_changes_no_byte(run, model):
    code, out, err = run("fit", *SALES, "-o", "told.forecast", "--verbose", "--json")
    assert code == 0
    assert "linear: trained" in err
    assert sum(json.loads(out)["members"].values()) == pytest.approx(1)
    assert Path("told.forecast").read_bytes() == Path(model).read_bytes()


NETWORKS = {
    "--cell": ("--cell", "gru"),
    "--hidden-size": ("--hidden-size", "4"),
    "--layers": ("--layers", "1"),
    "--max-iter": ("--max-iter", "1"),
    "--loss": ("--loss", "huber"),
    "--quantiles": ("--quantiles", "0.1", "0.9"),
    "--set dropout": ("--set", "dropout=0.1"),
    "--set regressor__dropout": ("--set", "regressor__dropout=0.1"),
    "--gaps irregular": ("--gaps", "irregular"),
    "--lookback 0": ("--lookback", "0", "--calendar", "month"),
}


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_an_option_that_only_a_network_has_makes_a_network(run, options):
    _, network = settings(*options)
    assert isinstance(network, RNNForecaster)
    assert network.random_state == 0


RECIPES = {
    "--lookback": (("--lookback", "12"), {"lookback": 12}),
    "--seed": (("--seed", "3"), {"random_state": 3, "lookback": "auto"}),
    "--threads": (("--threads", "1"), {"n_jobs": 1}),
    "--calendar": (("--calendar", "month"), {"calendar": ["month"]}),
    "--transform": (("--transform", "log"), {"transform": "log"}),
    "--window-norm": (("--window-norm", "none"), {"window_norm": None}),
    "--set loss": (("--set", "loss=quantile"), {"loss": "quantile"}),
    "--set season": (("--set", "season=12"), {"season": 12}),
    "--set max_seconds": (("--set", "max_seconds=20"), {"max_seconds": 20}),
}


@pytest.mark.parametrize(("options", "expected"), RECIPES.values(), ids=RECIPES)
def test_an_option_of_the_forecaster_is_kept_by_the_recipe(run, options, expected):
    found, regressor = settings(*options)
    assert regressor is None
    assert expected.items() <= found.get_params(deep=False).items()


def test_a_file_with_few_rows_is_forecast_and_the_output_says_how(run, df):
    df.head(5).to_csv("short.csv")
    code, out, err = run("fit", "short.csv", "--target", "sold", "--horizon", "3", "-o", "m.forecast")
    assert (code, err) == (0, "")
    assert "Too few rows to hold any out" in out
    assert len(csv(run("predict", "m.forecast")[1])) == 3


def test_backtest_is_that_of_python(run, df):
    code, out, _ = run("backtest", *SALES, "--origins", "2")
    assert code == 0
    python = SeriesForecaster(target="sold", horizon=6, random_state=0)
    report = backtest({"recipe": python}, df, RollingOrigin(2, 6), refit=False)
    assert re.search(rf"^recipe +{report.summary().loc['recipe', 'MAE']:.2f} ", out, re.MULTILINE)
    assert "6 steps ahead from 2 origins, 6 steps apart; trained once" in out
    assert re.match(r"The recipe (beats|does not beat) the best naive forecast", out.splitlines()[-1])


def test_backtest_takes_a_recipe_from_a_model_file(run, model):
    code, out, err = run("backtest", "sales.csv", "--model", model, "--origins", "2", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["settings"]["regressor"] is None
    assert "recipe" in document["scores"]
    code, _, err = run("backtest", "sales.csv", "--model", model, "--cell", "gru")
    assert code == 2
    assert "the model is a recipe, which chooses its networks; options such as --cell describe a network." in err


def test_backtest_takes_the_pretrained_network_from_a_model_file(run, df):
    SeriesForecaster("pretrained", target="sold", horizon=6).fit(df).save("p.forecast")
    code, out, _ = run("backtest", "sales.csv", "--model", "p.forecast", "--origins", "2")
    assert code == 0
    assert re.search(r"^PretrainedForecaster +\d", out, re.MULTILINE)
    code, _, err = run("backtest", "sales.csv", "--model", "p.forecast", "--seed", "1")
    assert code == 2
    assert "the model's regressor is a PretrainedForecaster" in err


def test_show_names_the_members_with_their_shares(run, df):
    members = {"short": {"regressor": Ridge(), "weight": 3.0}, "long": {"regressor": Ridge(), "weight": 1.0}}
    SeriesForecaster(target="sold", horizon=6, lookback=12, members=members).fit(df).save("mean.forecast")
    assert forecast.read_card("mean.forecast")["model"]["members"] == {"short": 0.75, "long": 0.25}
    assert "Model       mean of short 75%, long 25%; lookback" in run("show", "mean.forecast")[1]
