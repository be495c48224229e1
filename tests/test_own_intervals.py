"""Intervals of a recipe of quantiles are between these; bounds from errors of few horizons doubt their sign."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning, load
from forecast._conformal import AdaptiveState, static_offsets
from forecast._preparation import LEVELS
from forecast._series.calibration import Calibration
from forecast._series.verbs import uncertainty

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def noisy_days(n=760, seed=0, later=1.0):
    """A daily cycle with much noise by day and little by night; of the last 60 hours `later` times as much."""
    rng = np.random.default_rng(seed)
    hour = np.arange(n) % 24
    noise = rng.normal(size=n) * np.where((hour >= 8) & (hour < 20), 2.0, 0.2)
    noise[-60:] *= later
    values = 40 + 5 * np.sin(2 * np.pi * hour / 24) + noise
    return pd.DataFrame({"load": values}, pd.date_range("2024-01-01", periods=n, freq="h"))


def quantile_model(frame, **more):
    network = RNNForecaster(loss="quantile", quantile=list(LEVELS), hidden_size=4, max_iter=3, random_state=0)
    members = {"network": {"regressor": network, "lookback": 24}, "ridge": {"regressor": Ridge(), "lookback": 24}}
    settings = {"target": "load", "horizon": 12, "loss": "quantile", "members": members, "calendar": ["hour"]} | more
    return SeriesForecaster(**settings).fit(frame)


@pytest.fixture(scope="module")
def fitted():
    return quantile_model(noisy_days()[:700])


def test_an_interval_after_fit_is_between_the_quantiles(fitted, tmp_path):
    interval = fitted.predict_interval(coverage=[0.8, 0.5, 0.95])
    fitted.save(tmp_path / "model")
    for model in (fitted, load(tmp_path / "model")):
        found = model.predict_quantiles(levels=[0.025, 0.1, 0.25, 0.75, 0.9, 0.975])
        for coverage, low, high in ((0.8, 0.1, 0.9), (0.5, 0.25, 0.75), (0.95, 0.025, 0.975)):
            np.testing.assert_allclose(interval[f"load_lower_{coverage}"], found[f"load_{low}"], rtol=1e-12)
            np.testing.assert_allclose(interval[f"load_upper_{coverage}"], found[f"load_{high}"], rtol=1e-12)
    np.testing.assert_array_equal(interval["load"], fitted.predict()["load"])


def test_a_coverage_beyond_the_quantiles_comes_from_errors_and_encloses_the_others():
    fitted = quantile_model(noisy_days(1500), validation_fraction=0.3)
    interval = fitted.predict_interval(coverage=[0.99, 0.95])
    assert (interval["load_lower_0.99"] <= interval["load_lower_0.95"]).all()
    assert (interval["load_upper_0.99"] >= interval["load_upper_0.95"]).all()


def test_errors_since_the_fit_widen_the_quantiles_interval(fitted):
    width = {}
    for later in (1.0, 6.0):
        interval = fitted.predict_interval(history=noisy_days(later=later), coverage=0.8)
        width[later] = (interval["load_upper"] - interval["load_lower"]).mean()
        assert (interval["load_lower"] <= interval["load"]).all()
        assert (interval["load_upper"] >= interval["load"]).all()
    assert width[6.0] > 1.5 * width[1.0]


def test_few_errors_since_the_fit_say_little_and_many_calm_ones_narrow_the_interval(fitted):
    def width(n, later):
        interval = fitted.predict_interval(history=noisy_days(later=later)[:n], coverage=0.8)
        return (interval["load_upper"] - interval["load_lower"]).mean()

    quantiles = fitted.predict_quantiles(levels=[0.1, 0.9], history=noisy_days()[:703])
    few = width(703, 1.0) / (quantiles["load_0.9"] - quantiles["load_0.1"]).mean()
    most = 4 ** (0.25 / 2.25)  # three rows are a quarter of a horizon
    assert 1 / most <= few <= most
    assert width(760, 0.1) < 0.75 * width(760, 1.0)


def test_an_update_adjusts_the_quantiles_as_a_history_does(fitted, tmp_path):
    frame = noisy_days(later=3.0)
    expected = fitted.predict_interval(history=frame, coverage=[0.5, 0.8])
    fitted.save(tmp_path / "model")
    model = load(tmp_path / "model").update(frame[700:])
    pd.testing.assert_frame_equal(model.predict_interval(coverage=[0.5, 0.8]), expected, rtol=1e-9)


def test_coverage_comes_back_after_the_noise_has_changed(fitted):
    for later in (0.3, 3.0):
        rng = np.random.default_rng(1)
        frame = noisy_days(1400)
        hour = np.arange(1400) % 24
        noise = rng.normal(size=1400) * np.where((hour >= 8) & (hour < 20), 2.0, 0.2)
        frame["load"] = 40 + 5 * np.sin(2 * np.pi * hour / 24) + noise * np.where(np.arange(1400) < 700, 1.0, later)
        inside = []
        for now in range(1100, 1380, 7):
            interval = fitted.predict_interval(history=frame[:now], coverage=0.8)
            actual = frame["load"].iloc[now : now + 12].to_numpy()
            inside.append((interval["load_lower"] <= actual) & (actual <= interval["load_upper"]))
        assert np.mean(inside) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("fraction", [0.1, None])
def test_a_short_history_has_wider_quantiles_of_a_network(fraction, monkeypatch):
    frame, levels = noisy_days(), [0.1, 0.5, 0.9]
    network = RNNForecaster(loss="quantile", quantile=levels, hidden_size=4, max_iter=3, random_state=0)
    settings = {"target": "load", "lookback": 24, "horizon": 6, "missing": "mask", "validation_fraction": fraction}
    model = SeriesForecaster(network, **settings).fit(frame)

    def found():
        with pytest.warns(ShortHistoryWarning):
            return model.predict_quantiles(levels=levels, history=frame[:6]).to_numpy()

    wide = found()
    monkeypatch.setattr(uncertainty, "short_factor", lambda *given: np.ones(1))
    plain = found()
    np.testing.assert_allclose(wide[:, 1], plain[:, 1], rtol=1e-12)
    for side in (0, 2):
        expected = (plain[:, side] - plain[:, 1]) * (1 + 1.4 * (1 - 6 / 24) ** 2)
        np.testing.assert_allclose(wide[:, side] - wide[:, 1], expected, rtol=1e-9)


# -------------------- few horizons


def test_errors_of_few_horizons_give_bounds_on_both_sides():
    errors = np.linspace(1.0, 3.0, 60).reshape(60, 1, 1).repeat(30, axis=1)  # two horizons, all above the forecast
    lower, upper = Calibration(errors, {None: np.ones(1)}, True, horizons=3.0).offsets([0.8], 1)
    assert (lower < -1.5).all()
    assert (upper > 2.5).all()
    many, old = (Calibration(errors, {None: np.ones(1)}, True, horizons=w).offsets([0.8], 1) for w in (1e9, None))
    np.testing.assert_allclose(many, old, rtol=1e-6)
    np.testing.assert_array_equal(old, static_offsets(errors, [0.8]))


def test_horizons_are_those_that_the_validation_windows_span():
    frame = noisy_days(1000)
    model = SeriesForecaster(Ridge(), target="load", lookback=24, horizon=10, validation_fraction=0.1).fit(frame)
    n = len(model._state.calibration.residuals)
    assert model._state.calibration.horizons == pytest.approx((n - 1) / 10 + 1)
    both = pd.concat([frame.assign(site="a"), frame.assign(site="b")])
    panel = SeriesForecaster(Ridge(), target="load", lookback=24, horizon=10, series="site").fit(both)
    assert panel._state.calibration.horizons == pytest.approx(2 * model._state.calibration.horizons, rel=0.1)


# -------------------- several series


def offsets_of(state):
    """With nothing learnt since."""
    none = np.empty((0, *state._scores.shape[:2]))
    return state.side_by_side(none, np.arange(0), 0)


def test_adaptive_intervals_of_a_panel_start_alike_whatever_the_order_of_its_errors():
    rng = np.random.default_rng(0)
    errors = rng.standard_t(3, size=(300, 4, 2))
    errors[rng.random(errors.shape) < 0.1] = np.nan
    states = [AdaptiveState([0.5, 0.9]) for _ in range(2)]
    states[0].begin(errors)
    states[1].begin(errors[rng.permutation(300)])
    one, other = (offsets_of(state) for state in states)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    fixed = static_offsets(errors, [0.5, 0.9])
    np.testing.assert_allclose(one, fixed, rtol=0.1)


def test_a_calm_series_at_the_end_does_not_narrow_the_intervals_of_the_others():
    rng = np.random.default_rng(0)
    errors = np.concatenate([rng.normal(size=(200, 2, 1)), 0.01 * rng.normal(size=(60, 2, 1))])
    several, one = (Calibration(errors, dict.fromkeys(keys, np.ones(1)), True) for keys in ("ab", "a"))
    wide, narrow = (np.ptp(offsets_of(found.started([0.8], 1)), axis=0) for found in (several, one))
    assert (wide > 1.5).all()
    assert (narrow < 0.8 * wide).all()


def test_the_calibration_knows_how_far_apart_its_forecasts_are(tmp_path):
    rng = np.random.default_rng(0)
    index = pd.date_range("2020", periods=4000, freq="h")
    frame = pd.DataFrame({"y": rng.normal(size=4000).cumsum() * 0.1 + rng.normal(size=4000)}, index=index)
    near = SeriesForecaster(Ridge(), lookback=4, horizon=48, validation_fraction=0.4).fit(frame[:3900])
    assert near._state.calibration.apart == 1
    state = near._state.calibration
    thinned = replace(state, apart=5, warm=None, _once={})
    assert (thinned.started([0.8], 1).spacing, state.started([0.8], 1).spacing) == (12, 3)
    wide, narrow = thinned.started([0.8], 1).kept(), state.started([0.8], 1).kept()
    assert (wide["sum"] != narrow["sum"]).all(), "as many residuals are more rows"
    near.update(frame[3900:])
    assert near._state.calibration.apart == 1
    near.save(tmp_path / "model")
    assert load(tmp_path / "model")._state.calibration.apart == 1
