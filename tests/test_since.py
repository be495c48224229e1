"""An update learns from the errors of the forecasts that fell due, so that the next interval only reads them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import LateSeriesWarning, RNNForecaster, SeriesForecaster, ShortHistoryWarning, SkippedSeriesWarning
from forecast._conformal import AdaptiveState
from forecast._series import since
from forecast._series.calibration import USUAL

DAYS = pd.date_range("2025-01-01", periods=190, freq="D", name="day")
RNG = np.random.default_rng(3)


def stores():
    """Three stores, and one that opens after the fit."""
    parts = []
    for number, first in enumerate((0, 0, 0, 150)):
        level = 10.0 ** (number % 3)
        sold = level * np.exp(0.2 * RNG.normal(size=190) + 0.3 * np.sin(np.arange(190) * 2 * np.pi / 7))
        promo = (RNG.random(190) < 0.2).astype(float)
        part = pd.DataFrame({"day": DAYS, "store": f"s{number}", "sold": sold, "promo": promo})
        parts.append(part.iloc[first:])
    return pd.concat(parts).sort_values("day", kind="stable", ignore_index=True)


FRAME = stores()
SMALL = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
SETTINGS = {
    "plain": (Ridge(), {}),
    "network": (SMALL, {}),
    "log": (Ridge(), {"transform": ["log", "difference"]}),
    "standard": (SMALL, {"transform": "standard"}),
    "calendar": (Ridge(), {"calendar": ["dayofweek"]}),
    "future": (Ridge(), {"future_covariates": ["promo"]}),
    "masks": (SMALL, {"missing": "mask", "gaps": "mask"}),
    "filled": (Ridge(), {"gaps": "interpolate"}),
}


def fitted(name, frame=FRAME, cut=140, **more):
    regressor, settings = SETTINGS[name]
    own = {"target": "sold", "series": "store", "time": "day", "lookback": 14, "horizon": 5, "validation_fraction": 0.3}
    settings = own | settings | more
    return SeriesForecaster(regressor, **settings).fit(frame[frame["day"] < DAYS[cut]])


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        for category in (LateSeriesWarning, ShortHistoryWarning, SkippedSeriesWarning):
            warnings.simplefilter("ignore", category)
        yield


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.usefixtures("quiet")
def test_a_daily_job_has_the_intervals_of_the_whole_history_to_the_bit(name, tmp_path):
    frame = FRAME
    if name == "masks":
        frame = FRAME.copy()
        frame.loc[RNG.random(len(frame)) < 0.05, "sold"] = np.nan
    if name in ("masks", "filled"):
        frame = frame[~((frame["store"] == "s2") & frame["day"].isin(DAYS[143:145]))]
    first = fitted(name, frame)
    model, came = first, frame[frame["day"] < DAYS[140]]
    first.save(tmp_path / "model")
    for day, number in enumerate((140, 141, 142, 146, 147, 170, 171)):  # one to twenty-three rows at once
        new = frame[(frame["day"] > came["day"].max()) & (frame["day"] <= DAYS[number])]
        came = pd.concat([came, new])
        model = forecast.load(tmp_path / "model").update(new)
        assert model._state.since is not None
        ahead = {}
        if name == "future":
            after = (FRAME["day"] > DAYS[number]) & (FRAME["day"] <= DAYS[number + 5])
            ahead = {"X": FRAME[after].drop(columns="sold")}
        for coverage in ([0.9], [0.5, 0.8, 0.95], [0.7]):
            found = model.predict_interval(**ahead, coverage=coverage)
            want = first.predict_interval(**ahead, history=came.sort_values("day", kind="stable"), coverage=coverage)
            pd.testing.assert_frame_equal(found, want, rtol=0, atol=0, obj=f"day {day}, {coverage}")
        model.save(tmp_path / "model")


@pytest.mark.parametrize("coverage", [0.9, [0.5, 0.95]])
def test_the_first_interval_after_an_update_forecasts_once_and_replays_nothing(coverage, tmp_path, monkeypatch):
    model = fitted("network").update(FRAME[(FRAME["day"] >= DAYS[140]) & (FRAME["day"] < DAYS[149])])
    want = model.predict_interval(coverage=coverage)
    model.save(tmp_path / "model")
    again = forecast.load(tmp_path / "model")
    calls, forecasts = [], type(again._state).forecast

    def counted(state, rows, origins, levels=None):
        calls.append(len(origins))
        return forecasts(state, rows, origins, levels)

    def refused(*_):
        raise AssertionError("replayed")

    monkeypatch.setattr(type(again._state), "forecast", counted)
    monkeypatch.setattr(AdaptiveState, "side_by_side", refused)
    monkeypatch.setattr(AdaptiveState, "__init__", refused)
    pd.testing.assert_frame_equal(again.predict_interval(coverage=coverage), want, rtol=0, atol=0)
    assert calls == [3]


def test_an_update_forecasts_from_the_origins_that_fell_due_and_from_no_other(monkeypatch):
    model, made = fitted("plain"), []
    from_origins = since.from_origins
    monkeypatch.setattr(since, "from_origins", lambda *given: made.append(len(given[2])) or from_origins(*given))
    for number in range(140, 144):
        model.update(FRAME[FRAME["day"] == DAYS[number]])
    model.update(FRAME[(FRAME["day"] > DAYS[143]) & (FRAME["day"] < DAYS[150])])
    assert made == [3, 3, 3, 3, 18]


@pytest.mark.parametrize(("limit", "value"), [("_MOST", 10), ("_TAUGHT", 10), ("_CELLS", 10)])
def test_too_many_forecasts_are_learnt_from_when_intervals_are_asked_for(limit, value, monkeypatch):
    new = FRAME[(FRAME["day"] >= DAYS[140]) & (FRAME["day"] < DAYS[149])]
    want = fitted("log").update(new)
    monkeypatch.setattr(since, limit, value)
    found = fitted("log").update(new)
    assert want._state.since.offsets is not None
    assert found._state.since is None or found._state.since.offsets is None
    pd.testing.assert_frame_equal(found.predict_interval(), want.predict_interval(), rtol=0, atol=0)


def test_more_rows_than_are_learnt_from_have_the_bits_of_the_whole_history():
    hours = pd.date_range("2025-01-01", periods=900, freq="h")
    rows = pd.DataFrame({"y": np.random.default_rng(0).normal(size=900).cumsum()}, hours)
    first = SeriesForecaster(Ridge(), lookback=8, horizon=2).fit(rows[:200])
    model = SeriesForecaster(Ridge(), lookback=8, horizon=2).fit(rows[:200])
    for end in (400, 690, 705, 899, 900):
        model.update(rows[:end], overlap="skip")
        found, want = model.predict_interval(), first.predict_interval(history=rows[:end])
        pd.testing.assert_frame_equal(found, want, rtol=0, atol=0)
        assert len(model._state.since.ages) == min(end - 200, 500)


def test_training_on_starts_anew():
    model = fitted("network").update(FRAME[FRAME["day"] == DAYS[140]])
    model.update(FRAME[FRAME["day"] == DAYS[141]], refit="continue")
    assert model._state.since is None
    model.update(FRAME[FRAME["day"] == DAYS[142]])
    assert len(model._state.since.ages) == 3


def test_rows_that_leave_nothing_to_forecast_from_are_taken(quiet):
    rows = FRAME.assign(sold=FRAME["sold"].where((FRAME["store"] != "s3") | (FRAME["day"] > DAYS[175])))
    model = fitted("masks", rows)
    for first, end in ((140, 170), (170, 180)):
        model.update(rows[(rows["day"] >= DAYS[first]) & (rows["day"] < DAYS[end])])
    want = fitted("masks", rows).predict_interval(history=rows[rows["day"] < DAYS[180]])
    pd.testing.assert_frame_equal(model.predict_interval(), want, rtol=0, atol=0)


def test_the_usual_coverages_are_those_that_people_ask_for():
    assert set(USUAL) >= {0.5, 0.8, 0.9, 0.95}


@pytest.mark.parametrize("damage", ["ages", "forecasts", "offsets"])
def test_a_file_whose_forecasts_do_not_fit_is_refused(damage, tmp_path):
    model = fitted("plain").update(FRAME[FRAME["day"] == DAYS[140]])
    kept = model._state.since
    object.__setattr__(kept, damage, getattr(kept, damage)[:, :0] if damage == "offsets" else getattr(kept, damage)[:1])
    model.save(tmp_path / "model")
    with pytest.raises(forecast.ModelFileError, match="forecasts since the fit"):
        forecast.load(tmp_path / "model")
