"""The verdict after `fit`: errors in the units of the series, and where every series counts alike."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast.baselines import LastValue
from forecast.metrics import mase

HOURS = pd.date_range("2024-01-01", periods=400, freq="h", name="hour")


class Hourly(RegressorMixin, BaseEstimator):
    """Has memorised the day where values are large, and is wrong by one elsewhere."""

    _accepts_windows = True

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        large = X.target_values[X.origins, 0] > 500
        truth = np.asarray(X.target_values)[X.origins[:, None] + np.arange(1, X.horizon + 1), 0]
        return np.where(large[:, None], truth, truth + 1.0)


def shops(*sizes):
    day = 2 + np.sin(2 * np.pi * np.arange(400) / 24)
    noise = np.random.default_rng(0).normal(size=400)
    parts = [pd.DataFrame({"shop": f"s{k}", "y": size * (day + 0.1 * noise)}, HOURS) for k, size in enumerate(sizes)]
    return pd.concat(parts)


def forecaster(regressor, **changes):
    settings = {"target": "y", "series": "shop", "lookback": 24, "horizon": 4, "window_norm": None}
    return SeriesForecaster(regressor, **(settings | changes))


def test_a_panel_of_unequal_sizes_shows_both_skills():
    """One large shop is forecast well, four small ones worse than by yesterday's hour: the MAE sees the large one."""
    report = forecaster(Hourly()).fit(shops(1000, 1, 1, 1, 1)).report_
    assert report.skill > 0.9
    assert report.scaled_skill < 0
    assert report.scaled_skill == pytest.approx(1 - report.table["MASE"].iloc[0] / report.table["MASE"].iloc[1:].min())
    assert report.notes == ["no skill where every series counts alike: seasonal naive has the lower MASE, or the same"]
    lines = str(report).splitlines()
    assert len(lines) == 2
    assert f"{report.skill:+.1%} ({report.scaled_skill:+.1%} where every series counts alike)" in lines[1]


def test_of_one_series_both_skills_are_one():
    frame = shops(3).drop(columns="shop")
    report = forecaster(LastValue(), series=None).fit(frame).report_
    assert report.scaled_skill == pytest.approx(report.skill)
    assert "alike" not in str(report)


@pytest.mark.parametrize("missing", [False, True])
def test_mase_is_that_of_the_metrics_mean_over_series(missing):
    """Scaled by what is known before the validation windows: the newest tenth in time, of all series."""
    frame = shops(1, 30, 0)  # the last one never changes: it has no scale
    if missing:
        frame.iloc[[10, 200, 395, 700], 1] = np.nan
    settings = {"missing": "mask"} if missing else {}
    report = forecaster(LastValue(), **settings).fit(frame).report_
    expected = []
    for name in ("s0", "s1"):
        values = frame.loc[frame["shop"] == name, "y"].to_numpy()
        filled = pd.Series(values).ffill().to_numpy()
        windows = np.arange(23, 400 - 4)
        first = windows[-(report.n_windows // 3)]
        errors = [values[origin + 1 : origin + 5] - filled[origin] for origin in range(first, 396)]
        change = np.nanmean(np.abs(values[24 : first + 1] - values[: first + 1 - 24]))
        expected.append(np.nanmean(np.abs(errors)) / change)
        if not missing:
            actual, forecast = (np.ravel(x) for x in (errors, np.zeros_like(errors)))
            assert mase(actual, forecast, history=values[: first + 1], period=24) == pytest.approx(expected[-1])
    assert report.table.loc["LastValue", "MASE"] == pytest.approx(np.mean(expected), rel=1e-9)
    assert report.table.loc["last value", "MASE"] == report.table.loc["LastValue", "MASE"]


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_several_targets_count_alike(multi_target):
    frame = shops(1).drop(columns="shop").assign(z=lambda rows: 1e6 * np.roll(rows["y"], 5))
    model = forecaster(LastValue(), series=None, target=["y", "z"], multi_target=multi_target)
    table = model.fit(frame).report_.table
    alone = [
        forecaster(LastValue(), series=None).fit(frame[[name]].set_axis(["y"], axis=1)).report_.table for name in "yz"
    ]
    expected = np.mean([one["MASE"].to_numpy() for one in alone], axis=0)
    np.testing.assert_allclose(table["MASE"], expected, rtol=0.05)


def test_a_series_that_repeats_itself_leaves_the_skill_without_a_scale():
    frame = pd.DataFrame({"y": np.tile([1.0, 2.0, 3.0], 50)})
    report = SeriesForecaster(LastValue(), lookback=3, horizon=3, freq=1).fit(frame * 0 + 5).report_
    assert np.isnan(report.scaled_skill)
    assert report.skill == 0
    assert "nan" not in str(report)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
def test_the_share_that_is_asked_for_is_held_out(share):
    """Also half of the windows or more; short series, of which the gap leaves next to nothing, have no verdict."""
    settings = {"target": "y", "lookback": 24, "horizon": 8, "validation_fraction": share}
    frame = shops(1)[["y"]]
    model = SeriesForecaster(Ridge(), **settings).fit(frame)
    n = len(frame) - 24 - 8 + 1
    assert model.report_.n_windows == np.ceil(share * n)
    model.predict_interval()
    short = SeriesForecaster(Ridge(), **(settings | {"horizon": 40})).fit(frame[:108])
    assert short.report_.n_windows == 0
