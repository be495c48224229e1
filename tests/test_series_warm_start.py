"""`warm_start=True` of a forecaster's regressor, and the share of windows that both of them can hold out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast._series import windows_of_frame
from forecast.model_selection import RollingOrigin, backtest


def wave(rows=200, **columns):
    days = pd.date_range("2024-01-01", periods=rows, freq="D")
    noise = np.random.default_rng(0).normal(size=rows)
    return pd.DataFrame({"load": np.sin(np.arange(rows) / 3) + 0.1 * noise, **columns}, index=days)


def network(**changes):
    plain = dict(hidden_size=4, max_iter=2, random_state=0, warm_start=True, early_stopping=False)
    return RNNForecaster(**plain | changes)


def model(regressor=None, **changes):
    regressor = network() if regressor is None else regressor
    return SeriesForecaster(regressor, **dict(target="load", lookback=8, horizon=3, validation_fraction=None) | changes)


# -------------------- going on


def test_a_second_fit_goes_on_from_the_last_weights_bit_by_bit():
    one = model().fit(wave())
    windows = windows_of_frame(one, wave())
    alone = network().fit(windows, windows.y)
    first = one.regressor_
    for _ in range(2):
        one.fit(wave())
        alone.fit(windows, windows.y)
    assert one.regressor_.loss_curve_ == alone.loss_curve_
    np.testing.assert_array_equal(one.predict().to_numpy().ravel(), alone_forecast(one, alone))
    assert one.regressor_ is not first
    assert first.loss_curve_[0] > one.regressor_.loss_curve_[0]


def alone_forecast(one, regressor):
    other = clone(one).fit(wave())
    other._state.regressor = regressor
    return other.predict().to_numpy().ravel()


def test_newer_rows_and_another_length_of_training_are_taken():
    one = model().fit(wave(150))
    before = one.regressor_
    one.set_params(regressor__max_iter=3).fit(wave(200))
    assert one.regressor_.n_iter_ == 3
    assert one.n_windows_ == 200 - 8 - 3 + 1
    assert np.abs(one.regressor_._network.theta - before._network.theta).max() < 1.0
    assert len(one.history_) == len(model().fit(wave(200)).history_)


def test_without_it_a_fit_starts_anew():
    twice = model(network(warm_start=False)).fit(wave()).fit(wave())
    once = model(network(warm_start=False)).fit(wave())
    pd.testing.assert_frame_equal(twice.predict(), once.predict())
    pd.testing.assert_frame_equal(clone(model().fit(wave())).fit(wave()).predict(), once.predict())


def test_a_loaded_model_goes_on_too(tmp_path):
    one = model().fit(wave())
    one.save(tmp_path / "warm.forecast")
    again = forecast.load(tmp_path / "warm.forecast")
    pd.testing.assert_frame_equal(again.fit(wave()).predict(), one.fit(wave()).predict())


def test_other_regressors_and_the_last_step_of_a_pipeline_go_on():
    def perceptron():
        return MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, warm_start=True, random_state=0, n_iter_no_change=100)

    for make in (perceptron, lambda: make_pipeline(StandardScaler(), perceptron())):
        one = model(make())
        losses = []
        for _ in range(2):
            with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
                one.fit(wave())
            losses.append(list(loss_curve(one)))
        assert losses[1][:3] == losses[0]
        assert losses[1][-1] < losses[0][-1]


def loss_curve(one):
    regressor = one.regressor_
    return (regressor[-1] if hasattr(regressor, "steps") else regressor).loss_curve_


def test_members_go_on_by_name():
    def members(**changes):
        return {"net": {"regressor": network(**changes)}, "ridge": {"regressor": Ridge()}}

    changes = dict(target="load", lookback=8, horizon=3, validation_fraction=None)
    one = SeriesForecaster(members=members(), **changes).fit(wave())
    first = one.members_["net"].regressor_.loss_curve_
    again = one.fit(wave()).members_["net"].regressor_.loss_curve_
    assert again[0] < first[0]


# -------------------- what cannot go on

LAYOUTS = {
    "lookback": ({"lookback": 9}, "lookback 8, and now it is 9"),
    "horizon": ({"horizon": 4}, "horizon 3, and now it is 4"),
    "window_norm": ({"window_norm": None}, "window_norm 'last', and now it is None"),
    "transform": ({"transform": "standard"}, "transform None, and now it is 'standard'"),
    "calendar": ({"calendar": ["dayofweek"]}, "calendar"),
    "level": ({"level": True}, "level False, and now it is True"),
    "missing": ({"missing": "mask"}, "masks of missing values False, and now it is True"),
    "past": ({"past_covariates": "wind"}, "the channels"),
    "another regressor": ({"regressor": MLPRegressor(warm_start=True)}, "of a RNNForecaster and not of a MLPRegressor"),
    "another network": ({"regressor__hidden_size": 5}, "another architecture"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_another_layout_is_refused_by_name_and_the_last_fit_kept(name):
    changes, message = LAYOUTS[name]
    df = wave(wind=1.0)
    one = model().fit(df)
    expected = one.predict()
    with pytest.raises(ValueError, match=message):
        one.set_params(**changes).fit(df)
    pd.testing.assert_frame_equal(one.predict(), expected)
    one.set_params(regressor=network(warm_start=False, **({"hidden_size": 5} if "network" in name else {}))).fit(df)


def test_other_categories_are_refused_by_name():
    one = model(past_covariates="kind").fit(wave(kind=["a", "b"] * 100))
    with pytest.raises(ValueError, match=r"the channels \['load', 'kind=a', 'kind=b'\], and now"):
        one.fit(wave(kind=["a", "c"] * 100))
    shops = pd.concat([wave().assign(shop=name, size=name) for name in "ab"])
    one = model(series="shop", static_covariates="size").fit(shops)
    with pytest.raises(ValueError, match="static covariates"):
        one.fit(shops.assign(size=shops["size"].map({"a": "c", "b": "d"})))


def test_a_warm_start_that_a_wrapper_would_lose_is_refused_the_second_time():
    one = model(BaggingRegressor(MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, warm_start=True), n_estimators=1))
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        one.fit(wave())
    with pytest.raises(ValueError, match="estimator__warm_start=True has no effect: BaggingRegressor clones"):
        one.fit(wave())


def test_a_backtest_starts_every_fit_anew():
    cv = RollingOrigin(n_splits=3, horizon=3)
    warm, cold = (backtest({"net": model(network(warm_start=flag))}, wave(), cv).frame for flag in (True, False))
    pd.testing.assert_frame_equal(warm, cold)


# -------------------- one share of windows to hold out


def stopping(**changes):
    return network(early_stopping=True, warm_start=False, max_iter=4, **changes)


def held_out(one):
    return one.fit(wave(600)).report_.n_windows


def test_the_forecasters_share_is_the_networks():
    outer = model(stopping(), validation_fraction=0.2)
    inner = model(stopping(validation_fraction=0.2), validation_fraction=0.1)
    assert held_out(outer) == held_out(inner) == 118
    pd.testing.assert_frame_equal(outer.predict(), inner.predict())
    assert outer.get_params()["regressor__validation_fraction"] == 0.1
    assert held_out(model(stopping(), validation_fraction=0.1)) == 59


def test_two_different_shares_are_refused_by_name():
    with pytest.raises(ValueError, match=r"validation_fraction=0\.2 of the SeriesForecaster and .*=0\.3 of its RNN"):
        model(stopping(validation_fraction=0.3), validation_fraction=0.2).fit(wave(600))
    both = model(stopping(validation_fraction=0.3), validation_fraction=0.3)
    assert held_out(both) == 177


def test_it_is_the_networks_in_members_and_in_backtests_too():
    df, cv = wave(600), RollingOrigin(n_splits=2, horizon=3)
    forecasts = []
    for inner, outer in ((0.1, 0.3), (0.3, 0.1), (0.1, 0.1)):
        members = {"net": {"regressor": stopping(validation_fraction=inner)}, "ridge": {"regressor": Ridge()}}
        mixed = SeriesForecaster(members=members, target="load", lookback=8, horizon=3, validation_fraction=outer)
        alone = model(stopping(validation_fraction=inner), validation_fraction=outer)
        report = backtest({"mixed": mixed, "alone": alone}, df, cv)
        frame = report.frame[report.frame["model"].isin(["mixed", "alone"])]
        forecasts.append(frame["forecast"].to_numpy())
        last = frame[(frame["model"] == "alone") & (frame["origin"] == df.index[-4])]["forecast"]
        np.testing.assert_array_equal(alone.fit(df[:-3]).predict()["load"], last)
        last = frame[(frame["model"] == "mixed") & (frame["origin"] == df.index[-4])]["forecast"]
        np.testing.assert_array_equal(mixed.fit(df[:-3]).predict()["load"], last)
    np.testing.assert_array_equal(forecasts[0], forecasts[1])
    assert np.abs(forecasts[0] - forecasts[2]).max() > 1e-6
