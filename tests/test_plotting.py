"""Displays draw what was forecast, and nothing else."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast._series import SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest
from forecast.plotting import ForecastDisplay

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


@pytest.fixture
def df():
    index = pd.date_range("2024-01-01", periods=120, freq="D", name="day")
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=120).cumsum(), "b": rng.normal(size=120)}, index=index)


def drawn(display):
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in display.lines_}


def test_forecaster_is_drawn_after_its_history(df):
    model = SeriesForecaster(Ridge(), target=["a", "b"], lookback=20, horizon=5).fit(df.iloc[:110])
    display = ForecastDisplay.from_forecaster(model, actual=df.iloc[110:115], target="b", title="B")
    lines = drawn(display)
    np.testing.assert_array_equal(lines["Ridge"], model.predict()["b"])
    np.testing.assert_array_equal(lines["history"], model.history_["b"])
    np.testing.assert_array_equal(lines["actual"], df["b"].iloc[109:115])
    assert display.ax_.get_title(loc="left") == "B"
    assert display.ax_.get_ylabel() == "b"
    assert {text.get_text() for text in display.ax_.get_legend().get_texts()} == {"history", "actual", "Ridge"}


def test_report_is_drawn_at_its_last_origin_best_model_first(df):
    report = backtest(SeriesForecaster(Ridge(), target="a", lookback=20, horizon=5), df, RollingOrigin(3, 5))
    display = ForecastDisplay.from_report(report, df)
    rows = report.frame[report.frame["origin"] == df.index[114]]
    lines = drawn(display)
    assert list(display.forecasts) == list(report.summary().index)
    for name in ("Ridge", "last value"):
        np.testing.assert_array_equal(lines[name], rows[rows["model"] == name]["forecast"])
    np.testing.assert_array_equal(lines["history"], df["a"].iloc[55:115])
    first = ForecastDisplay.from_report(report, df, origin=df.index[104], models=["Ridge"], n_steps=7)
    assert first.history.index[-1] == df.index[104]
    assert len(first.history) == 7


@pytest.mark.parametrize("wrong", [{"target": "z"}, {"origin": 3}, {"models": ["LSTM"]}])
def test_what_is_not_in_the_report_is_refused(df, wrong):
    report = backtest(SeriesForecaster(Ridge(), target="a", lookback=20, horizon=5), df, RollingOrigin(3, 5))
    with pytest.raises(ValueError, match="expected one of"):
        ForecastDisplay.from_report(report, df, **wrong)


@pytest.mark.parametrize("index", [pd.RangeIndex(120), pd.period_range("2000-01", periods=120, freq="M")])
def test_integers_periods_and_one_step_are_drawn(df, index, tmp_path):
    model = SeriesForecaster(Ridge(), target="a", lookback=20, horizon=1).fit(df.set_axis(index))
    display = ForecastDisplay.from_forecaster(model)
    display.figure_.savefig(tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5000


def test_given_axes_are_used(df):
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2)
    model = SeriesForecaster(Ridge(), target="a", lookback=20, horizon=5).fit(df)
    assert ForecastDisplay.from_forecaster(model, ax=right).ax_ is right
    assert not left.lines


def test_without_matplotlib_the_extra_is_named(df, monkeypatch):
    model = SeriesForecaster(Ridge(), target="a", lookback=20, horizon=5).fit(df)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"rnn-forecast\[plot\]"):
        ForecastDisplay.from_forecaster(model)
