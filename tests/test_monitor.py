"""`monitor`: whether errors have grown since the training."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster, SkippedSeriesWarning

N, CUT = 500, 400
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")
NET = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)


def single(noise=1.0, seed=0):
    """A week and noise, which is `noise` times as large after the fitted rows."""
    rng = np.random.default_rng(seed)
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(N) / 7) + rng.normal(size=N) * np.where(np.arange(N) < CUT, 1, noise)
    return pd.DataFrame({"y": y}, index=DAYS)


def panel(**noises):
    sizes = dict(zip("abcd", (1, 10, 100, 3), strict=True))
    parts = [
        single(noises.get(name, 1.0), k).mul(size).assign(shop=name) for k, (name, size) in enumerate(sizes.items())
    ]
    return pd.concat(parts).reset_index()


def fitted(frame, regressor=None, **settings):
    settings = {"target": "y", "lookback": 14, "horizon": 3} | settings
    return SeriesForecaster(Ridge() if regressor is None else regressor, **settings).fit(frame)


def test_the_ratio_is_that_of_the_errors_of_the_backtest_of_the_fitted_model():
    frame = single(2.0)
    model = fitted(frame[:CUT])
    report = model.monitor(frame[CUT:], window=50)
    validation = np.abs(model._state.calibration.residuals).mean(axis=(0, 2))
    expected = []
    for origin in range(CUT, N):
        known = frame["y"].to_numpy()[origin : origin + 3]
        errors = np.abs(model.predict(history=frame[:origin])["y"].to_numpy()[: len(known)] - known)
        expected.append((errors / validation[: len(known)]).mean())
    np.testing.assert_allclose(report.frame["ratio"], expected, rtol=1e-9)
    assert report.frame.index.equals(pd.DatetimeIndex(DAYS[CUT - 1 : N - 1], name="day", freq=None))
    assert report.ratio == pytest.approx(np.mean(expected[-50:]))
    assert report.frame["rolling"].iloc[-1] == report.ratio
    assert report.lower == report.frame["lower"].iloc[-1] < report.ratio


def test_errors_that_stay_are_no_drift_and_errors_that_grow_are_one():
    calm, wild = (fitted(single()[:CUT]).monitor(single(noise)[CUT:]) for noise in (1.0, 3.0))
    assert calm.drifted is False
    assert repr(calm).startswith("no drift: errors from the newest 40 origins are ")
    assert wild.drifted is True
    assert 2 < wild.ratio < 4
    assert repr(wild).startswith("drift: errors from the newest 40 origins are ")
    assert f"since about {wild.since}" in repr(wild)
    assert DAYS[CUT - 1] <= wild.since <= DAYS[CUT + 15]


def test_it_says_since_when():
    frame = single()
    frame.iloc[450:] += 10 * np.random.default_rng(1).normal(size=(50, 1))
    report = fitted(frame[:CUT]).monitor(frame[CUT:])
    assert report.drifted
    assert DAYS[440] <= report.since <= DAYS[455]
    assert (report.frame["cusum"] >= 0).all()


def test_it_looks_at_what_update_brought_and_changes_nothing():
    frame = single(2.0)
    model = fitted(frame[:CUT])
    state = model._state
    once = model.monitor(frame[CUT:])
    assert model._state is state
    for first in range(CUT, N - 20, 20):
        model.update(frame[first : first + 20])
    daily = model.monitor(frame[N - 20 :])
    pd.testing.assert_frame_equal(daily.frame, once.frame, rtol=1e-9)
    assert model.update(frame[N - 20 :]).monitor().ratio == pytest.approx(once.ratio)
    assert model.monitor(frame[:N], overlap="skip").ratio == pytest.approx(once.ratio)


def test_a_saved_model_and_a_new_beginning_after_training_on(tmp_path):
    frame = single(3.0)
    model = fitted(frame[:CUT]).update(frame[CUT:480])
    model.save(tmp_path / "model")
    assert repr(forecast.load(tmp_path / "model").monitor()) == repr(model.monitor())
    model.update(frame[480:490], refit="continue")
    assert model.monitor().drifted is None
    assert repr(model.monitor()).startswith("too early to say: errors are known from 0 origins")
    later = model.monitor(frame[490:])
    assert len(later.frame) == 10
    assert repr(fitted(frame[:CUT]).monitor()).startswith("too early to say")


def test_a_panel_names_the_series():
    frame = panel(c=5.0)
    first, rest = frame[frame["day"] < DAYS[CUT]], frame[frame["day"] >= DAYS[CUT]]
    model = fitted(first, series="shop", time="day", transform="standard")
    report = model.monitor(rest)
    assert report.by_series.index[0] == "c"
    assert report.by_series["ratio"].iloc[0] > 3 > 1.5 > report.by_series["ratio"].iloc[1]
    assert (report.frame["n_series"] == 4).all()
    assert report.drifted
    assert "worst: 'c' (" in repr(report)
    with pytest.warns(SkippedSeriesWarning, match="not looked at: 'b'") as caught:
        model.monitor(rest.drop(index=rest[rest["shop"] == "b"].index[5]))
    assert caught[0].filename == __file__


SETTINGS = {
    "network with masks": (NET, {"missing": "mask"}),
    "several targets": (Ridge(), {"target": ["y", "z"]}),
    "shared targets": (Ridge(), {"target": ["y", "z"], "multi_target": "shared"}),
    "future covariates": (Ridge(), {"future_covariates": "z"}),
    "lines over gaps": (Ridge(), {"gaps": "interpolate"}),
    "transform": (Ridge(), {"transform": ["log", "difference"]}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_whatever_the_model(name):
    regressor, settings = SETTINGS[name]
    frame = single().assign(z=lambda f: f["y"] ** 2)
    if name == "network with masks":
        frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.1)
    if name == "lines over gaps":
        frame = frame.drop(index=DAYS[[100, 420, 421, 450]])
    report = fitted(frame[: DAYS[CUT - 1]], regressor, **settings).monitor(frame[DAYS[CUT] :])
    assert report.drifted is False
    assert 0.6 < report.ratio < 1.7
    assert report.frame.notna().all(axis=None)


def test_what_makes_no_sense_is_refused():
    frame = single()
    model = fitted(frame[:CUT])
    for argument, value in {"window": 5, "confidence": 0.2, "margin": -1}.items():
        with pytest.raises(ValueError, match=f"{argument} is {value}; expected"):
            model.monitor(frame[CUT:], **{argument: value})
    with pytest.raises(ValueError, match="has gaps"):
        model.monitor(frame[CUT + 1 :])
    with pytest.raises(ValueError, match=r"there are none: .*validation_fraction=0\.2"):
        fitted(frame[:CUT], validation_fraction=None).monitor(frame[CUT:])
    strict, loose = (model.monitor(single(1.5)[CUT:], **one) for one in ({"margin": 0.0}, {"margin": 2.0}))
    assert strict.drifted is True
    assert loose.drifted is False
    assert model.monitor(frame[CUT:], confidence=0.9).lower > model.monitor(frame[CUT:], confidence=0.999).lower
    assert copy.deepcopy(model).monitor(frame[CUT:]).window == 40
