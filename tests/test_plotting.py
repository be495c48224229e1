"""Displays draw what was forecast and the actual values, and nothing else."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot
from pictures import drawn, shop_sales
from sklearn.linear_model import Ridge

from forecast import RecursiveForecastWarning, RNNForecaster, SeriesForecaster, plotting
from forecast.model_selection import RollingOrigin, SkillWarning, backtest
from forecast.plotting import BacktestDisplay, CoverageDisplay, ForecastDisplay, ResidualDisplay, SkillDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")
COVERAGE = [0.5, 0.8]


@pytest.fixture(scope="module")
def df():
    index = pd.date_range("2024-01-01", periods=120, freq="D", name="day")
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=120).cumsum(), "b": rng.normal(size=120)}, index=index)


@pytest.fixture(scope="module")
def model(df):
    return SeriesForecaster(Ridge(), target=["a", "b"], lookback=20, horizon=5, validation_fraction=0.3).fit(df[:110])


@pytest.fixture(scope="module")
def report(df):
    models = {
        name: SeriesForecaster(Ridge(alpha), target="a", lookback=20, horizon=5, validation_fraction=0.3)
        for name, alpha in (("ridge", 1.0), ("stiff", 1e6))
    }
    with pytest.warns(SkillWarning):  # neither beats a random walk's last value
        return backtest(models, df, RollingOrigin(8, 5), refit=False, coverage=COVERAGE)


@pytest.fixture(scope="module")
def panel():
    return shop_sales("xy")


# -------------------- forecasts


@pytest.mark.parametrize("name", ["from_estimator", "from_forecaster"])
def test_forecast_is_drawn_after_its_history(df, model, name):
    display = getattr(ForecastDisplay, name)(model, actual=df.iloc[110:115], target="b", title="B", unit="m")
    lines = drawn(display)
    np.testing.assert_array_equal(lines["Ridge"], model.predict()["b"])
    np.testing.assert_array_equal(lines["history"], model.history_["b"].iloc[-10:])
    np.testing.assert_array_equal(lines["actual"], df["b"].iloc[109:115])
    assert display.ax_.get_title(loc="left") == "B"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("day", "b (m)")
    assert {text.get_text() for text in display.ax_.get_legend().get_texts()} == {"history", "actual", "Ridge"}


def test_future_rows_with_the_target_show_what_came(df, model):
    given = ForecastDisplay.from_estimator(model, df.iloc[110:113], target="b")
    np.testing.assert_array_equal(drawn(given)["actual"], df["b"].iloc[109:113])
    assert "actual" not in drawn(ForecastDisplay.from_estimator(model, df.iloc[110:113].assign(b=np.nan), target="b"))


def test_answers_of_one_column_and_fed_back_steps_are_drawn_too(df):
    rows = df.reset_index()
    for data, time in ((df, None), (pl.from_pandas(rows), "day")):
        model = SeriesForecaster(Ridge(), target="a", time=time, lookback=20, horizon=5, validation_fraction=None)
        model.fit(data[:110], data["a"][:110])
        with pytest.warns(RecursiveForecastWarning, match="10 steps"):
            lines = drawn(ForecastDisplay.from_estimator(model, data[110:]))
        np.testing.assert_array_equal(lines["Ridge"], model.predict(data[110:], recursive=True))


def test_several_members_are_drawn_as_one_model_after_a_part_of_their_history(df):
    members = {"short": {"regressor": Ridge(), "lookback": 5}, "long": {"regressor": Ridge(), "lookback": 80}}
    model = SeriesForecaster(members=members, target="a", horizon=5, validation_fraction=None).fit(df)
    lines = drawn(ForecastDisplay.from_estimator(model))
    np.testing.assert_array_equal(lines["members"], model.predict()["a"])
    np.testing.assert_array_equal(lines["history"], df["a"].iloc[-10:])


def edges(band, n):
    """Lower and upper edge of a band as they are drawn, shape (n, 2)."""
    path = band.get_paths()[0].vertices
    return np.stack([path[1 : n + 1, 1], path[n + 2 : 2 * n + 2, 1][::-1]], axis=1)


def test_bands_are_the_intervals_the_widest_behind(model):
    display = ForecastDisplay.from_estimator(model, coverage=[0.8, 0.5])
    assert [band.get_label() for band in display.bands_] == ["80 % interval", "50 % interval"]
    for band, level in zip(display.bands_, (0.8, 0.5), strict=True):
        expected = model.predict_interval(coverage=level)[["a_lower", "a_upper"]].to_numpy()
        np.testing.assert_allclose(np.sort(edges(band, 5)), expected)
    wide, narrow = (mpl.colors.rgb_to_hsv(band.get_facecolor()[0, :3])[1] for band in display.bands_)
    assert wide < narrow  # lighter


def test_another_history_is_drawn_before_its_own_forecast(df, model):
    display = ForecastDisplay.from_estimator(model, history=df, n_steps=7, coverage=0.5)
    np.testing.assert_array_equal(drawn(display)["history"], df["a"].iloc[-7:])
    np.testing.assert_array_equal(drawn(display)["Ridge"], model.predict(history=df)["a"])
    interval = model.predict_interval(history=df, coverage=0.5)
    np.testing.assert_allclose(display.intervals[0.5]["upper"], interval["a_upper"])


@pytest.mark.parametrize("layout", ["column", "level", "polars"])
def test_a_series_of_a_panel_is_named(panel, layout):
    options = {"target": "sold", "series": "shop", "lookback": 10, "horizon": 3}
    data = panel.rename_axis("day")
    if layout == "level":
        data = data.set_index("shop", append=True)
    if layout == "polars":
        data = pl.from_pandas(data.reset_index())
        options["time"] = "day"
    fitted = SeriesForecaster(Ridge(), **options).fit(data)
    display = ForecastDisplay.from_estimator(fitted, series="y", coverage=0.5)
    forecast = fitted.predict()
    forecast = forecast.to_pandas() if layout == "polars" else forecast.reset_index()
    np.testing.assert_array_equal(drawn(display)["Ridge"], forecast.loc[forecast["shop"] == "y", "sold"])
    np.testing.assert_array_equal(drawn(display)["history"], panel.loc[panel["shop"] == "y", "sold"].iloc[-6:])
    assert display.ax_.get_ylabel() == "sold, y"
    assert ForecastDisplay.from_estimator(fitted).history.name == "sold, x"
    with pytest.raises(ValueError, match=r"series 'z' is not there; expected one of \['x', 'y'\]"):
        ForecastDisplay.from_estimator(fitted, series="z")


def test_future_rows_of_a_panel_find_their_series(panel):
    past = panel.groupby("shop").head(77)
    fitted = SeriesForecaster(Ridge(), target="sold", series="shop", lookback=10, horizon=3).fit(past)
    future = panel.groupby("shop").tail(3)
    display = ForecastDisplay.from_estimator(fitted, future, series="y")
    forecast = fitted.predict()
    np.testing.assert_array_equal(drawn(display)["Ridge"], forecast.loc[forecast["shop"] == "y", "sold"])
    np.testing.assert_array_equal(drawn(display)["actual"][1:], future.loc[future["shop"] == "y", "sold"])


def test_predictions_of_anything_are_drawn(df, model):
    past, forecast = df["a"].iloc[:110], model.predict()
    bands = model.predict_interval(coverage=COVERAGE)
    from_dict = ForecastDisplay.from_predictions(past, forecast, df["a"].iloc[110:], intervals=bands, n_steps=30)
    np.testing.assert_array_equal(drawn(from_dict)["forecast"], forecast["a"])
    assert len(drawn(from_dict)["history"]) == 30
    assert list(from_dict.intervals) == COVERAGE
    alone = model.predict_interval(coverage=0.8)
    joined = alone[["a", "a_lower", "a_upper"]]
    one = ForecastDisplay.from_predictions(past, joined, coverage=0.8)
    pd.testing.assert_frame_equal(one.intervals[0.8], from_dict.intervals[0.8])
    assert list(ForecastDisplay.from_predictions(past, joined).intervals) == [None]
    columns = {"forecast": forecast["a"], "lower_0.8": alone["a_lower"], "upper_0.8": alone["a_upper"]}
    long = ForecastDisplay.from_predictions(past, pd.DataFrame(columns))
    pd.testing.assert_frame_equal(long.intervals[0.8], from_dict.intervals[0.8])
    levels = [0.1, 0.25, 0.5, 0.75, 0.9]
    quantiles = ForecastDisplay.from_predictions(past, model.predict_quantiles(levels=levels))
    assert sorted(quantiles.intervals) == COVERAGE
    np.testing.assert_allclose(quantiles.intervals[0.8], from_dict.intervals[0.8])
    np.testing.assert_array_equal(drawn(quantiles)["forecast"], forecast["a"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"forecast": pd.DataFrame({0.1: [0.0], 0.5: [1.0], 0.8: [2.0]})}, "level 0.1 has no partner 0.9"),
        ({"forecast": pd.DataFrame({0.1: [0.0], 0.9: [1.0]})}, "expected 0.5, the line"),
        ({"forecast": {10: pd.Series([1.0])}}, "expected levels between 0 and 1"),
        ({"forecast": pd.DataFrame({"a_lower": [0.0], "a_upper": [1.0]})}, "bounds, but no line"),
        (
            {"forecast": pd.Series([1.0]), "intervals": pd.DataFrame({"lower": [0, 0], "upper": [1, 1]})},
            "the same rows",
        ),
        ({"forecast": pd.Series([1.0]), "coverage": 90}, "numbers between 0 and 1"),
        ({"history": pd.DataFrame({"a": [1.0]}, [["x"], ["y"]])}, r"Fix: history = history\.xs"),
        ({"forecast": pd.Series([], dtype=float)}, "at least one row"),
    ],
)
def test_predictions_that_cannot_be_read_are_refused(wrong, words):
    given = {"history": pd.Series([1.0, 2.0], name="a"), "forecast": pd.Series([1.0])} | wrong
    with pytest.raises(ValueError, match=words):
        ForecastDisplay.from_predictions(**given)
    assert pyplot.get_fignums() == []


def test_report_is_drawn_at_its_last_origin_best_model_first(df, report):
    display = ForecastDisplay.from_report(report, df)
    rows = report.frame[report.frame["origin"] == df.index[114]]
    lines = drawn(display)
    assert list(display.forecasts) == list(report.summary().index)
    for name in ("ridge", "last value"):
        np.testing.assert_array_equal(lines[name], rows[rows["model"] == name]["forecast"])
    np.testing.assert_array_equal(lines["history"], df["a"].iloc[105:115])
    assert display.interval_of == next(name for name in report.summary().index if name in ("ridge", "stiff"))
    mine = rows[rows["model"] == display.interval_of]
    np.testing.assert_array_equal(display.intervals[0.8], mine[["lower_0.8", "upper_0.8"]])
    first = ForecastDisplay.from_report(report, df, origin=df.index[104], models=["ridge"], n_steps=7, coverage=0.5)
    assert first.history.index[-1] == df.index[104]
    assert len(drawn(first)["history"]) == 7
    assert list(first.intervals) == [0.5]


@pytest.mark.parametrize("layout", ["column", "level", "time column"])
def test_report_of_a_panel_finds_its_series_in_the_data(panel, layout):
    data, time = panel.rename_axis("day"), None
    if layout == "level":
        data = data.set_index("shop", append=True).swaplevel()
    if layout == "time column":
        data, time = data.reset_index(), "day"
    fitted = SeriesForecaster(Ridge(), target="sold", series="shop", time=time, lookback=10, horizon=3)
    found = backtest(fitted, data, RollingOrigin(4, 3, time=time), refit=False)
    display = ForecastDisplay.from_report(found, data, series="y", n_steps=12)
    np.testing.assert_array_equal(drawn(display)["history"], panel.loc[panel["shop"] == "y", "sold"].iloc[-15:-3])
    np.testing.assert_array_equal(drawn(display)["actual"][1:], panel.loc[panel["shop"] == "y", "sold"].iloc[-3:])
    assert display.ax_.get_ylabel() == "sold, y"
    with pytest.raises(ValueError, match="Give the df that backtest was given"):
        ForecastDisplay.from_report(found, panel.reset_index(drop=True))


@pytest.mark.parametrize("wrong", [{"target": "z"}, {"origin": 3}, {"models": ["LSTM"]}, {"coverage": 0.9}])
def test_what_is_not_in_the_report_is_refused(df, report, wrong):
    with pytest.raises(ValueError, match="expected one of"):
        ForecastDisplay.from_report(report, df, **wrong)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("index", [pd.RangeIndex(120), pd.period_range("2000-01", periods=120, freq="M")])
def test_integers_periods_and_one_step_are_drawn(df, index, tmp_path):
    fitted = SeriesForecaster(Ridge(), target="a", lookback=20, horizon=1).fit(df.set_axis(index))
    display = ForecastDisplay.from_estimator(fitted, coverage=0.5)
    display.figure_.savefig(tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5000
    assert len(display.bands_) == 1


def test_dates_are_those_of_the_users_wall():
    """Ticks at local midnights on both sides of the change of clocks, at instants in order."""
    index = pd.date_range("2024-03-28", periods=7 * 24, freq="h", tz="Europe/Berlin")
    values = pd.Series(np.arange(7.0 * 24), index, name="load")
    display = ForecastDisplay.from_predictions(values[:-24], values[-24:], n_steps=6 * 24)
    display.figure_.canvas.draw()
    ticks = pd.to_datetime(mpl.dates.num2date(display.ax_.get_xticks())).tz_convert("Europe/Berlin")
    assert len(ticks) >= 3
    assert set(ticks.hour) == {0}
    assert display.ax_.get_xlabel() == "time (Europe/Berlin)"
    at = display.lines_[0].get_xdata()
    assert (np.diff(at) == np.timedelta64(1, "h")).all()
    assert pd.Timestamp(at[0], tz="UTC") == index[0]


def test_given_axes_are_used(model, report):
    _, (left, right) = pyplot.subplots(1, 2)
    assert ForecastDisplay.from_estimator(model, ax=right).ax_ is right
    for make in (BacktestDisplay, SkillDisplay, CoverageDisplay):
        assert make.from_report(report, ax=right).ax_ is right
    assert not left.lines
    assert len(pyplot.get_fignums()) == 1


def test_dark_grounds_get_light_ink(model):
    _, ax = pyplot.subplots(facecolor="black", subplot_kw={"facecolor": "black"})
    history = ForecastDisplay.from_estimator(model, ax=ax).lines_[0]
    assert min(mpl.colors.to_rgb(history.get_color())) > 0.8


# -------------------- errors of a backtest


def test_errors_by_step_are_those_of_the_summary(report):
    display = BacktestDisplay.from_report(report, by="step", metric="RMSE", unit="m")
    expected = report.summary(by="step")["RMSE"].unstack("model")
    assert list(display.table.columns) == list(report.summary().index)
    for name, line in drawn(display).items():
        np.testing.assert_array_equal(line, expected[name])
    assert display.ax_.get_xlabel() == "steps ahead (days)"
    assert display.ax_.get_ylabel() == "RMSE (m)"
    assert display.ax_.get_ylim()[0] == 0


def test_errors_by_origin_are_means_over_its_steps(df, report):
    display = BacktestDisplay.from_report(report, models=["ridge", "drift"])
    frame = report.frame.assign(error=(report.frame["forecast"] - report.frame["actual"]).abs())
    expected = frame.groupby(["model", "origin"], observed=True)["error"].mean()
    assert list(drawn(display)) == ["ridge", "drift"]
    for name, line in drawn(display).items():
        np.testing.assert_allclose(line, expected[name])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), df.index[79:115:5].to_numpy())
    skill = BacktestDisplay.from_report(report, metric="skill")
    assert max(line[0] for name, line in drawn(skill).items() if name not in ("ridge", "stiff")) == 0
    assert skill.ax_.get_ylim()[0] < 0


def test_skill_is_one_minus_the_ratio_to_each_naive_error(report):
    display = SkillDisplay.from_report(report)
    error = report.summary()["MAE"]
    for name in display.table.columns:
        np.testing.assert_allclose(display.table[name], 1 - error[display.table.index] / error[name])
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, report.summary()["skill"][display.table.index])


def test_a_loss_against_naive_forecasts_cannot_be_overlooked(report):
    display = SkillDisplay.from_report(report, models=["stiff", "drift"])
    worst = display.bars_[list(display.table.index).index("drift")]
    low, high = display.ax_.get_xlim()
    assert worst.get_width() < 0
    assert low < display.table.min(axis=None) < 0 < high
    assert worst.get_hatch()
    assert f"{100 * worst.get_width():+.1f} %".replace("-", "−") in {text.get_text() for text in display.ax_.texts}


def test_without_an_error_to_compare_with_there_is_no_skill():
    index = pd.date_range("2024-01-01", periods=60)
    flat = pd.DataFrame({"y": np.ones(60)}, index)
    with pytest.warns(SkillWarning):
        found = backtest(SeriesForecaster(Ridge(), lookback=10, horizon=2), flat, RollingOrigin(3, 2))
    with pytest.raises(ValueError, match="makes no error, so there is no skill against it"):
        SkillDisplay.from_report(found)


# -------------------- what all have in common


def test_a_model_has_one_colour_in_all_pictures_of_a_report(df, report):
    """And no two of them the same, in whatever order they are drawn."""
    found = [
        ForecastDisplay.from_report(report, df, models=["stiff", "ridge", "drift"]),
        BacktestDisplay.from_report(report, models=["drift", "ridge", "stiff"]),
        CoverageDisplay.from_report(report, models=["stiff", "ridge"]),
    ]
    looks = [{line.get_label(): (line.get_color(), line.get_linestyle()) for line in one.lines_} for one in found]
    assert looks[0]["ridge"] == looks[1]["ridge"] == looks[2]["ridge"]
    assert looks[0]["drift"] == looks[1]["drift"]
    assert len(set(looks[1].values())) == 3


def test_a_report_is_asked_for_by_name(df):
    for make in (BacktestDisplay, SkillDisplay, CoverageDisplay, ResidualDisplay):
        with pytest.raises(TypeError, match="expected a BacktestReport, as forecast"):
            make.from_report(df)


def test_what_does_not_forecast_frames_is_refused():
    with pytest.raises(TypeError, match="expected a fitted SeriesForecaster"):
        ForecastDisplay.from_estimator(RNNForecaster())


def test_without_matplotlib_the_extra_is_named(df, model, report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    calls = [
        lambda: ForecastDisplay.from_estimator(model),
        lambda: ForecastDisplay.from_forecaster(model),
        lambda: ForecastDisplay.from_predictions(df["a"], df["a"]),
        lambda: ForecastDisplay.from_report(report, df),
        lambda: BacktestDisplay.from_report(report),
        lambda: SkillDisplay.from_report(report),
        lambda: ResidualDisplay.from_report(report),
        lambda: ResidualDisplay.from_predictions([1.0] * 5, [1.0] * 5),
        lambda: CoverageDisplay.from_report(report),
        lambda: CoverageDisplay.from_predictions([1.0], quantiles={0.5: [1.0]}),
        lambda: plotting.LossCurveDisplay.from_estimator(model),
        lambda: plotting.GradientFlowDisplay.from_estimator(model, df),
        lambda: plotting.GradientFlowDisplay.from_flows({}),
        lambda: plotting.GateActivityDisplay.from_estimator(model, df),
        lambda: plotting.GateActivityDisplay.from_activity(None),
        lambda: plotting.AttentionDisplay.from_estimator(model, df),
        lambda: plotting.AttentionDisplay.from_weights(None),
    ]
    for call in calls:
        with pytest.raises(ImportError, match=r"rnn-forecast\[plot\]"):
            call()
