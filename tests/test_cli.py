"""The `forecast` command: what fit, show, predict and backtest print and write, with the numbers of Python."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import FIT, ROWS, SMALL, csv, frame, runner, same_in_python

from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, SkillWarning, backtest


@pytest.fixture(scope="module")
def df():
    return frame()


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def model(run):
    """A saved model of `data.csv`."""
    assert run(*FIT, "-o", "model.forecast")[0] == 0
    return "model.forecast"


# -------------------- fit, show, predict: the same bits as in Python


def test_fit_show_and_predict_give_what_python_gives_to_the_bit(run, df):
    code, out, err = run("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast")
    assert (code, err) == (0, "")
    python = same_in_python(df[["load"]])
    card = json.loads(run("show", "model.forecast", "--json")[1])
    assert card == json.loads(json.dumps(python.card_))
    assert card["validation"]["scores"]["RNNForecaster"]["MAE"] == python.report_.table["MAE"].iloc[0]
    code, out, err = run("predict", "model.forecast", "--coverage", "0.8", "0.5", "--quantiles", "0.1")
    assert (code, err) == (0, "")
    table, forecast_ = csv(out), python.predict()
    assert table["when"].tolist() == [str(stamp) for stamp in forecast_.index]
    assert table["load"].tolist() == forecast_["load"].tolist()
    for level in (0.5, 0.8):
        bounds = python.predict_interval(coverage=level)
        for side in ("lower", "upper"):
            assert table[f"load_{side}_{level:g}"].tolist() == bounds[f"load_{side}"].tolist()
    assert table["load_q0.1"].tolist() == python.predict_quantiles(levels=0.1)["load"].tolist()


def test_the_model_file_is_the_one_that_python_saves(run, df, tmp_path):
    run("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast", "--verbose")
    same_in_python(df[["load"]]).save(tmp_path / "python.forecast")
    assert (tmp_path / "model.forecast").read_bytes() == (tmp_path / "python.forecast").read_bytes()


def test_fit_prints_the_data_the_scores_beside_naive_ones_and_the_file(run, tmp_path):
    _, out, _ = run("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast")
    assert "load: 400 rows from 2024-01-01 to 2024-01-17 15:00:00, frequency h" in out
    assert "LSTM of 4 units; lookback 24, horizon 6, seed 0" in out
    names = re.findall(r"^(\w[\w ]+?)  +-?\d", out, re.MULTILINE)
    assert names[-5:] == ["LSTM", "last value", "seasonal naive", "drift", "mean"]
    assert re.search(r"Skill over the best naive forecast: [+-]\d", out)
    assert f"Model file: {tmp_path / 'model.forecast'}" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "model.forecast", "panel.csv"]


def test_show_is_readable(run, model):
    code, out, _ = run("show", model)
    assert code == 0
    for words in (
        "LSTM of 4 units",
        "400 rows from 2024-01-01 00:00:00 to 2024-01-17 15:00:00",
        "seasonal naive",
        "hidden_size = 4",
        "Seed        0",
        "forecast 0",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) <= 120


def test_predict_goes_on_after_newer_rows_and_another_series(run, df, model):
    newer = df[["load"]].set_axis(df.index + pd.Timedelta(days=30), axis=0)
    newer.to_csv("newer.csv")
    python = same_in_python(df[["load"]])
    table = csv(run("predict", model, "newer.csv", "--coverage", "0.8")[1])
    assert table["load"].tolist() == python.predict(history=newer)["load"].tolist()
    upper = python.predict_interval(history=newer, coverage=0.8)["load_upper"]
    assert table["load_upper_0.8"].tolist() == upper.tolist()
    assert table["when"][0] == "2024-02-16 16:00:00"


def test_steps_are_cut_and_fed_back(run, df, model):
    python = same_in_python(df[["load"]])
    assert csv(run("predict", model, "--steps", "2")[1])["load"].tolist() == python.predict()["load"].tolist()[:2]
    _, out, err = run("predict", model, "--steps", "15")
    assert csv(out)["load"].tolist() == python.predict(python.future_frame(15), recursive=True)["load"].tolist()
    assert "steps 7 to 15 are forecast from forecasts: the model's horizon is 6" in err


def test_columns_that_are_known_ahead_are_filled_in_a_template(run, df):
    options = ("--future-covariates", "temperature", "--calendar", "hour,dayofweek")
    run("fit", "data.csv", "--target", "load", *options, *SMALL, "-o", "model.forecast")
    code, out, err = run("predict", "model.forecast")
    assert (code, out) == (2, "")
    assert "Use --future FILE; --future-template FILE writes the rows to fill." in err
    code, out, err = run("predict", "model.forecast", "--future-template", "future.csv")
    assert (code, out) == (0, "")
    future = pd.read_csv("future.csv")
    assert list(future.columns) == ["when", "temperature"]
    assert "6 missing values" in run("predict", "model.forecast", "--future", "future.csv")[2]
    future.assign(temperature=15.0).to_csv("future.csv", index=False)
    table = csv(run("predict", "model.forecast", "--future", "future.csv")[1])
    python = same_in_python(df, future_covariates=["temperature"], calendar=["hour", "dayofweek"])
    rows = python.future_frame().assign(temperature=15.0)
    assert table["load"].tolist() == python.predict(rows)["load"].tolist()


def test_a_panel_is_forecast_series_by_series(run):
    code, out, _ = run("fit", "panel.csv", "--target", "load", "--series", "station", *SMALL, "-o", "model.forecast")
    assert code == 0
    assert "800 rows of 2 series" in out
    table = csv(run("predict", "model.forecast", "--steps", "2")[1])
    assert table["station"].tolist() == ["north", "north", "south", "south"]
    assert table["load"][2] > 1.5 * table["load"][0]
    once_more = csv(run("predict", "model.forecast", "panel.csv", "--steps", "2")[1])
    assert once_more.equals(table)


def test_stamps_keep_their_zone_across_the_change_of_the_clock(run, df):
    zoned = df.set_axis(pd.date_range("2024-03-15", periods=ROWS, freq="h", tz="Europe/Berlin", name="when"), axis=0)
    zoned.to_csv("zoned.csv")
    options = ("--timezone", "Europe/Berlin", "--calendar", "hour")
    run("fit", "zoned.csv", "--target", "load", *SMALL, *options, "-o", "model.forecast")
    table = csv(run("predict", "model.forecast")[1])
    python = same_in_python(zoned[["load"]], calendar=["hour"])
    assert table["load"].tolist() == python.predict()["load"].tolist()
    assert table["when"][0].endswith("+02:00")
    assert csv(run("predict", "model.forecast", "zoned.csv")[1]).equals(table)


def test_gaps_and_empty_cells_are_refused_or_taken_as_they_are(run, df):
    holes = df.assign(load=df["load"].where(np.arange(ROWS) % 90 != 5)).drop(index=df.index[[50, 51]])
    holes.to_csv("holes.csv")
    code, _, err = run("fit", "holes.csv", "--target", "load", *SMALL, "-o", "model.forecast")
    assert code == 2
    assert "2 of 400 stamps are missing" in err
    assert "or --gaps interpolate... Fix: --gaps mask.\n" in err
    code, out, _ = run("fit", "holes.csv", "--target", "load", *SMALL, "--gaps", "mask", "-o", "model.forecast")
    assert code == 2
    options = ("--gaps", "mask", "--missing", "mask")
    code, out, _ = run("fit", "holes.csv", "--target", "load", *SMALL, *options, "-o", "model.forecast")
    assert code == 0
    assert "398 rows" in out
    assert "2 stamps put in for gaps" in out


def test_defaults_follow_the_frequency_and_the_length(run, df):
    quick = ("--hidden-size", "2", "--max-iter", "1", "-o", "model.forecast", "--json")
    hourly = json.loads(run("fit", "data.csv", "--target", "load", *quick)[1])["settings"]
    assert (hourly["lookback"], hourly["horizon"]) == (48, 24)
    weeks = pd.date_range("2010-01-03", periods=ROWS, freq="W", name="week")
    df.set_axis(weeks, axis=0).to_csv("weekly.csv")
    weekly = json.loads(run("fit", "weekly.csv", "--target", "load", *quick)[1])["settings"]
    assert (weekly["lookback"], weekly["horizon"]) == (104, 26)
    df.set_axis(weeks, axis=0).head(100).to_csv("short.csv")
    short = json.loads(run("fit", "short.csv", "--target", "load", *quick)[1])["settings"]
    assert (short["lookback"], short["horizon"]) == (24, 26)


def test_any_other_parameter_is_set_by_its_name(run):
    given = ("dropout=0.25", "dtype=float64", "clip_norm=None", "regressor__validation_fraction=0.2", "step=2")
    options = [part for text in given for part in ("--set", text)]
    code, out, _ = run("fit", "data.csv", "--target", "load", *SMALL, *options, "-o", "model.forecast", "--json")
    assert code == 0
    settings = json.loads(out)["settings"]
    assert settings["step"] == 2
    assert settings["validation_fraction"] == 0.1
    network = {"dropout": 0.25, "dtype": "float64", "clip_norm": None, "validation_fraction": 0.2}
    assert network.items() <= settings["regressor"].items()


def test_every_option_of_the_model_reaches_its_parameter(run):
    closed = ["2024-12-25", "2024-12-26"]
    Path("closed.txt").write_text("\n".join(closed))
    days = pd.bdate_range("2024-01-01", periods=300, name="day").drop(pd.to_datetime(closed))
    pd.DataFrame({"price": np.arange(298) + 100.0, "volume": 1.0}, index=days).to_csv("days.csv")
    options = {
        "--cell": "gru", "--layers": 2, "--seed": 7, "--threads": 1, "--transform": "log,standard",
        "--window-norm": "none", "--validation-fraction": 0.2, "--past-covariates": "volume",
        "--holidays": "closed.txt", "--calendar": "dayofweek",
    }  # fmt: skip
    given = [part for pair in options.items() for part in pair]
    command = ("fit", "days.csv", "--target", "price", *SMALL, *given, "--quantiles", "0.9", "0.1", "0.5")
    code, out, err = run(*command, "-o", "model.forecast", "--json")
    assert code == 0, err
    found = json.loads(out)["settings"]
    network = found.pop("regressor")
    assert {"cell": "gru", "num_layers": 2, "random_state": 7, "n_jobs": 1}.items() <= network.items()
    assert (network["loss"], network["quantile"]) == ("quantile", [0.1, 0.5, 0.9])
    assert (found["transform"], found["window_norm"], found["validation_fraction"]) == (["log", "standard"], None, 0.2)
    assert (found["past_covariates"], found["calendar"]) == (["volume"], ["dayofweek"])
    assert found["trading_calendar"] == closed
    table = csv(run("predict", "model.forecast", "--quantiles", "0.1", "0.5", "0.9")[1])
    assert list(table.columns) == ["day", "price", "price_q0.1", "price_q0.5", "price_q0.9"]


# -------------------- backtest


def test_backtest_prints_the_scores_of_python_and_a_verdict(run, df, tmp_path):
    options = ("--origins", "3", "--coverage", "0.8", "--output", "rows.csv", "--plot", "origins.png")
    code, out, _ = run("backtest", "data.csv", "--target", "load", *SMALL, *options)
    assert code == 0
    network = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
    python = SeriesForecaster(network, target="load", horizon=6, lookback=24)
    with pytest.warns(SkillWarning):
        report = backtest({"LSTM": python}, df[["load"]], RollingOrigin(3, 6), refit=False, coverage=[0.8])
    rows = csv("rows.csv")
    for column in ("actual", "forecast", "lower_0.8", "upper_0.8"):
        np.testing.assert_array_equal(rows[column], report.frame[column])
    for name, row in report.summary().iterrows():
        assert re.search(rf"^{name} +{row['MAE']:.2f} +{row['RMSE']:.2f} ", out, re.MULTILINE)
    assert re.search(r"^LSTM (beats|does not beat) the best naive forecast \(", out.splitlines()[-1])
    assert (tmp_path / "origins.png").read_bytes()[:4] == b"\x89PNG"


def test_backtest_takes_the_settings_of_a_model_file_and_options_before_them(run, model):
    given = ("backtest", "data.csv", "--model", model, "--origins", "2", "--json")
    settings = json.loads(run(*given)[1])["settings"]
    assert (settings["lookback"], settings["target"], settings["regressor"]["hidden_size"]) == (24, "load", 4)
    settings = json.loads(run(*given, "--lookback", "12", "--cell", "gru")[1])["settings"]
    assert (settings["lookback"], settings["horizon"], settings["regressor"]["cell"]) == (12, 6, "gru")


@pytest.mark.parametrize("when", ["always", "2", "never"])
def test_backtest_says_when_it_trains(run, when):
    code, out, _ = run("backtest", "data.csv", "--target", "load", *SMALL, "--origins", "2", "--refit", when)
    assert code == 0
    words = {"always": "anew at every origin", "2": "anew at every 2. origin", "never": "once, before the first origin"}
    assert words[when] in out


def test_backtest_of_a_panel_draws_its_first_series(run, tmp_path):
    options = ("--series", "station", "--origins", "2", "--plot", "origins.png", "--output", "rows.parquet")
    code, _, err = run("backtest", "panel.csv", "--target", "load", *SMALL, *options)
    assert code == 0, err
    assert (tmp_path / "origins.png").stat().st_size > 10_000
    assert set(pd.read_parquet("rows.parquet")["series"]) == {"north", "south"}


# -------------------- models that Python fitted


def layouts(df):
    """The same hours of two stations in the layouts that Python has, and the parameters that say so."""
    panel = pd.concat([df.assign(station="north"), (df * 2).assign(station="south")])[["load", "station"]]
    days = df[["load"]].set_axis(pd.period_range("2020-01-01", periods=ROWS, freq="D", name="day"), axis=0)
    return {
        "a column of times": (df[["load"]].reset_index(), {"time": "when"}),
        "a column of times and one of series": (panel.reset_index(), {"time": "when", "series": "station"}),
        "levels": (panel.set_index("station", append=True), {"series": "station"}),
        "levels, series first": (panel.reset_index().set_index(["station", "when"]), {"series": "station"}),
        "periods": (days, {}),
        "steps": (df[["load"]].reset_index(drop=True), {}),
        "an index without a name": (df[["load"]].rename_axis(index=None), {}),
        "UTC": (df[["load"]].tz_localize("UTC"), {}),
    }


@pytest.mark.parametrize("layout", layouts(frame()))
def test_a_model_of_any_layout_forecasts_and_takes_a_history_from_a_file(run, df, layout):
    table, parameters = layouts(df)[layout]
    python = same_in_python(table, **parameters)
    python.save("python.forecast")
    code, out, err = run("predict", "python.forecast")
    assert code == 0, err
    assert csv(out)["load"].tolist() == python.predict()["load"].tolist()
    cut = table.groupby("station").head(200) if "series" in parameters else table.head(200)
    flat = cut if isinstance(cut.index, pd.RangeIndex) else cut.reset_index()
    flat.to_csv("history.csv", index=False)
    code, out, err = run("predict", "python.forecast", "history.csv", "--coverage", "0.5")
    assert code == 0, err
    answer = python.predict(history=cut)
    assert csv(out)["load"].tolist() == answer["load"].tolist()
    names = ["time" if level is None else level for level in answer.index.names]
    rows = answer if python.time else answer.reset_index(names=names)
    name = next(name for name in ("when", "day", "time") if name in rows.columns)
    stamps = pd.Series([str(label) for label in rows[name]])
    assert csv(out)[name].astype(str).str.removesuffix(".0").tolist() == stamps.tolist()
